"""The log's signing key ends and another follows; or it was stolen. Either way the auditor pins a new trust policy.

A rotation leaves, in this order: the entry, the checkpoint by both keys, the policy, the settings where that was asked
for. Killed anywhere between, the same command again does what is left.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from evidence_schema import signing_key
from evidence_schema.checkpoint import Checkpoint
from evidence_schema.digest import Digest
from evidence_schema.errors import BadCheckpoint, BadNote
from evidence_schema.models.entry import LogLink, Statement, Subject
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.note import VerifierKey
from evidence_schema.verification.checkpoints import parse_signed, signature_faults
from evidence_schema.verification.trust import Keyring
from flows.errors import FlowsError, UsageError
from flows.settings import NEW_PASSPHRASE_VARIABLE, Located, load_settings
from flows.steps.runtime import (
    key_uri,
    keyring_of,
    pinned_policy,
    signer_access,
    signer_of,
    vault_credentials,
    vault_settings,
)
from flows.vault.keys import (
    Signer,
    SignerAccess,
    check_signs,
    create_key,
    load_signer,
    path_of,
    policy_after_rotation,
    policy_after_theft,
    write_trust_policy,
)
from flows.vault.log import NextEntry
from flows.vault.vault import open_vault

_SUFFIX = re.compile(r"-(from-entry-\d+|revoked-[0-9TZ]+)$")


@dataclass(frozen=True)
class NewTrust:
    """A policy to pin, and what the settings must say from now on."""

    path: Path
    fingerprint: Digest
    log_key: str
    trust_policy: str
    are_settings_written: bool = False


@dataclass(frozen=True)
class HandedOver:
    """The rotation entry, the ids of the key that ended and of the one that follows, and what is to be pinned."""

    seq: int
    ended: str
    follows: str
    trust: NewTrust


def hand_over(config: Path, to: str, *, from_: str | None = None, write_settings: bool = False) -> HandedOver:
    """Rotate to the key that `to` names: one in KMS, or in a file, which is made where none is.

    `from_` names the key that ends, where the settings name the new one already. Paths are relative to the settings.
    """
    located = load_settings(config)
    policy = _policy(located)
    old = load_signer(key_uri(located, from_), signer_access(located))
    if old.key_id not in _ids(policy):
        raise UsageError(
            f"expected the key that ends, {old.key_id}, in the trust policy, found it not; name its policy"
        )
    new = _successor(located, to)
    if new.key_id == old.key_id:
        raise UsageError(
            "expected another key than the one that signs now, found the same; to finish a rotation after the settings "
            "were changed, name the key that ended with --from"
        )
    check_signs(new)
    vault = open_vault(vault_settings(located), old, credentials=vault_credentials(), pinned=keyring_of(located))
    if new.key_id not in _ids(policy):
        policy_after_rotation(policy, vault.log.head().size, new)  # it can be made, before anything is written
    seq = vault.log.rotate(new)
    trust = _pin(located, policy_after_rotation(policy, seq, new), f"from-entry-{seq + 1}", to)
    if write_settings:
        _write_settings(config, located, trust)
        trust = replace(trust, are_settings_written=True)
    return HandedOver(seq, old.key_id, new.key_id, trust)


def revoke(
    config: Path, stolen_at: datetime, *, key_id: str | None = None, first: int | None = None, write_settings: bool
) -> tuple[str, NewTrust]:
    """A policy that believes a key (by default the one that ended last) only for what stood before the theft.

    Nothing is written to the log: what stands there stands, and only whoever pins the policy can be told.
    """
    located = load_settings(config)
    policy = _policy(located)
    ended = [key for key in policy.keys if key.until is not None]
    if key_id is None and not ended:
        raise UsageError(
            "expected a key that signs no more, found none; first rotate to a new one: evidence keys rotate"
        )
    last = max(ended, key=lambda key: key.until or 0, default=None)
    revoked = key_id or (signing_key.key_id(VerifierKey.parse(last.vkey).public_key) if last else "")
    changed = policy_after_theft(policy, revoked, stolen_at, first)
    name = f"revoked-{stolen_at:%Y%m%dT%H%M%SZ}"
    trust = _pin(located, changed, name, located.settings.keys.log)
    if write_settings:
        _write_settings(config, located, trust)
        trust = replace(trust, are_settings_written=True)
    return revoked, trust


def link(config: Path, note: bytes, previous: TrustPolicy) -> Checkpoint:
    """Begin the log of the settings with the last kept checkpoint of a log whose key was lost; that checkpoint.

    Raises UsageError for a checkpoint that the previous log's policy does not believe, or a log that has begun.
    """
    located = load_settings(config)
    try:
        signed = parse_signed(note)
    except (BadNote, BadCheckpoint) as error:
        raise UsageError(f"expected a kept checkpoint, found: {error}; it is what --save-checkpoint wrote") from error
    faults = signature_faults(signed, Keyring.of(previous))
    if faults or signed.checkpoint.origin != previous.origin or previous.log == located.settings.log:
        found = "; ".join(f"{type_}: {what}" for type_, _, what in faults) or f"one of {signed.checkpoint.origin}"
        raise UsageError(f"expected a checkpoint of another log, {previous.origin}, by its policy, found {found}")
    vault = open_vault(
        vault_settings(located), signer_of(located), credentials=vault_credentials(), pinned=keyring_of(located)
    )
    text = note.decode("utf-8")

    def decide(following: NextEntry) -> Statement | None:
        if following.seq:
            return None
        entry = LogLink(**following.bare(), previous=previous.log, note=text)
        return Statement(subject=(Subject.of("checkpoint", Digest.of(note)),), predicate=entry)

    vault.log.append_unless(decide)
    vault.log.repair()
    first = next(vault.log.entries()).predicate
    if not isinstance(first, LogLink) or (first.previous, first.note) != (previous.log, text):
        raise UsageError(f"expected a log that has not begun, found {located.settings.log} begun by another entry")
    return signed.checkpoint


def _policy(located: Located) -> TrustPolicy:
    policy = pinned_policy(located)
    if policy is None:
        path = located.path(located.settings.trust_policy)
        raise UsageError(f"expected the trust policy at {path}, found none; restore it, or ask the auditor for it")
    return policy


def _ids(policy: TrustPolicy) -> set[str]:
    return {signing_key.key_id(VerifierKey.parse(key.vkey).public_key) for key in policy.keys}


def _successor(located: Located, to: str) -> Signer:
    """The new key's passphrase may be another one."""
    access = signer_access(located)
    new = os.environ.get(NEW_PASSPHRASE_VARIABLE)
    if new:
        access = replace(access, passphrase=new.encode())
    return _made_or_loaded(key_uri(located, to), access, located.vault_url)


def _made_or_loaded(uri: str, access: SignerAccess, vault_url: str) -> Signer:
    if not uri.startswith("awskms:") and not path_of(uri).exists():
        return create_key(path_of(uri), access.passphrase, vault_url=vault_url)
    return load_signer(uri, access)


def _pin(located: Located, policy: TrustPolicy, suffix: str, log_key: str) -> NewTrust:
    """Beside the old policy, which stays: it says what the auditor believed before."""
    before = Path(located.settings.trust_policy)
    name = str(before.with_name(f"{_SUFFIX.sub('', before.stem)}-{suffix}{before.suffix}"))
    path = located.path(name)
    write_trust_policy(path, policy, vault_url=located.vault_url)
    return NewTrust(path, policy.fingerprint, log_key, name)


def _write_settings(path: Path, located: Located, trust: NewTrust) -> None:
    """Two values, in place; everything else, comments too, stays as it was written."""
    settings, log_key = located.settings, trust.log_key
    keys = settings.keys.model_copy(update={"log": log_key})
    wanted = settings.model_copy(update={"keys": keys, "trust_policy": trust.trust_policy})
    if wanted == settings:
        return
    text = path.read_text(encoding="utf-8")
    if text.count(settings.keys.log) == 1:
        text = text.replace(settings.keys.log, log_key)
    line = f"trust_policy: {trust.trust_policy}"
    text, changed = re.subn(r"(?m)^trust_policy:.*$", lambda _: line, text)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    draft.write_text(text if changed else f"{text.rstrip()}\n{line}\n", encoding="utf-8")
    try:
        if not _says(draft, wanted):
            raise UsageError(
                f"expected to change keys.log and trust_policy in {path}, found them written in a way that is not "
                f"understood; set them by hand: keys.log: {log_key}, {line}"
            )
        shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _says(path: Path, wanted: object) -> bool:
    try:
        return load_settings(path).settings == wanted
    except FlowsError:
        return False
