"""Which vault a reader means: a folder or bucket named on the command line, or the settings' own."""

from __future__ import annotations

from evidence_schema.models.names import LockMode
from evidence_schema.verification import Anchor
from flows.errors import UsageError
from flows.settings import config_path, load_settings
from flows.steps.runtime import data_keys_of, vault_credentials, vault_settings
from flows.vault.data_keys import DataKeys
from flows.vault.settings import VaultSettings, folder_of
from flows.vault.store import Store
from flows.vault.vault import Vault, assemble, open_store


def vault_at(place: str | None, config: str | None) -> Vault:
    """A vault to read from. A folder needs no settings: its one log names itself; to open what is encrypted does."""
    store, settings = store_at(place, config)
    return assemble(store, settings, keys=keys_at(config, required=place is None))


def keys_at(config: str | None, *, required: bool = False) -> DataKeys | None:
    """The data keys that the settings name; None where there are no settings and none are `required`, or no keys."""
    path = config_path(config)
    return data_keys_of(load_settings(path)) if required or config or path.exists() else None


def store_at(place: str | None, config: str | None) -> tuple[Store, VaultSettings]:
    """The store alone, with its settings."""
    if place is None:
        settings = vault_settings(load_settings(config_path(config)))
        return open_store(settings, credentials=vault_credentials()), settings
    reading = VaultSettings(url=place, log="any", origin="any", lock_mode=LockMode.GOVERNANCE, trial=True)
    store = open_store(reading, credentials=vault_credentials())
    log = only_log(store, place)
    return store, VaultSettings(url=place, log=log, origin=f"evidence/{log}", trial=True)


def anchor_at(url: str, endpoint: str | None = None, profile: str | None = None) -> Anchor:
    """An anchor to read from, by the rights of a profile or the environment: never by those of the vault."""
    settings = VaultSettings(url=url, log="any", origin="any", endpoint=endpoint, profile=profile, trial=True)
    if (place := folder_of(url)) is not None and not place.is_dir():
        raise UsageError(f"expected an anchor at {place}, found no folder; mount the drive, or correct --anchor")
    return Anchor(url, open_store(settings))


def only_log(store: Store, place: str) -> str:
    """The name of the one log in a store; raises UsageError where there is none, or more than one."""
    logs = {key.split("/")[1] for key in store.keys("v1/")}
    if len(logs) != 1:
        raise UsageError(f"expected one log in {place}, found {', '.join(sorted(logs)) or 'none'}; name another place")
    return logs.pop()
