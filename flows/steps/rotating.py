"""The key encryption key of a quarter ends: a new one wraps what still stands, and the old one is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.errors import UsageError
from flows.settings import Located
from flows.steps.runtime import data_keys_of, passphrase
from flows.vault.data_keys import DataKeys
from flows.vault.key_encryption import LocalKek, create_kek, replace_kek, with_next_epoch
from flows.vault.key_places import KeyFolder
from flows.vault.vault import Vault


@dataclass(frozen=True)
class Rotated:
    """The epoch of new keys, how many data keys were wrapped anew, and the epochs that were forgotten."""

    epoch: str
    rewrapped: int
    forgotten: tuple[str, ...]


def rotate(located: Located, vault: Vault, now: datetime, *, forget: bool) -> Rotated:
    """Begin a new epoch and wrap every data key under it; with `forget` drop the keys of all earlier epochs.

    Each step leaves a state that works, so that after a crash it is simply run again. Raises UsageError where a run is
    open and epochs are to be forgotten: its process may still wrap under the old one.
    """
    uri, keys = _local(located), vault.artifacts.keys
    if forget and any(state.is_open for state in vault.runs.runs()):
        raise UsageError("expected no open run while an epoch is forgotten, found one; let it end, or abandon it")
    new = with_next_epoch(_kek_of(keys), now)
    replace_kek(uri, new, passphrase())
    rewrapped = 0
    for digest, wrapped in list(keys.all()):
        keys.rewrap(digest, wrapped, new)
        rewrapped += 1
    if not forget:
        return Rotated(new.epoch, rewrapped, ())
    left = {wrapped.epoch for _, wrapped in keys.all()} - {new.epoch}
    if left:
        raise UsageError(f"expected every data key under {new.epoch}, found some under {', '.join(left)}; run it again")
    replace_kek(uri, LocalKek({new.epoch: new.keys[new.epoch]}), passphrase())
    return Rotated(new.epoch, rewrapped, tuple(epoch for epoch in new.keys if epoch != new.epoch))


def found_keys(located: Located, folder: Path, now: datetime) -> dict[str, str]:
    """A key encryption key and a folder for data keys, for settings from before there were any: what to add to them."""
    if data_keys_of(located) is not None:
        raise UsageError("expected settings without vault.keys, found them there; nothing was made")
    kek, data_keys = folder / "data-keys.kek", folder / "data-keys"
    create_kek(kek, passphrase(), now, vault_url=located.vault_url)
    KeyFolder(data_keys).create()
    return {"url": str(data_keys), "kek": f"file:{kek}"}


def _local(located: Located) -> str:
    keys = located.settings.vault.keys
    if keys is None or not keys.kek.startswith("file:"):
        raise UsageError("expected a key encryption key in a file, found none; a key in KMS is rotated there")
    return f"file:{located.path(keys.kek)}"


def _kek_of(keys: DataKeys) -> LocalKek:
    kek = keys.kek
    if not isinstance(kek, LocalKek):
        raise UsageError("expected a key encryption key in a file, found another")
    return kek
