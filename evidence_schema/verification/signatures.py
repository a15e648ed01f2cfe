"""Step 3: each entry is signed once, by a key pinned for its number."""

from __future__ import annotations

from collections.abc import Iterable

from evidence_schema.dsse import verify_envelope
from evidence_schema.errors import BadSignature
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.trust import Keyring


def check_signatures(entries: Iterable[Entry], keyring: Keyring | None, problems: Problems) -> None:
    """Without pinned keys only the number of signatures is looked at."""
    for entry in entries:
        if entry.envelope is None:
            continue
        if len(entry.envelope.signatures) != 1:
            found = f"{len(entry.envelope.signatures)} signatures"
            problems.add("unsigned-entry", entry.key, "exactly one signature", found)
        elif keyring is not None:
            _check_signature(entry, keyring, problems)


def check_log_name(log: str, trust: TrustPolicy, key: str, problems: Problems) -> None:
    """The log that was asked for is the one that the policy speaks about."""
    if log != trust.log:
        problems.add("log-differs-from-trust", key, trust.log, log)


def _check_signature(entry: Entry, keyring: Keyring, problems: Problems) -> None:
    envelope = entry.envelope
    if envelope is None:
        return
    claimed = envelope.signatures[0].keyid
    known = keyring.by_key_id(claimed)
    if not known:
        problems.add("entry-key-unknown", entry.key, "a signature by a pinned key", f"one by key {claimed}")
        return
    if not any(pinned.may_sign(entry.seq) for pinned in known):
        found = f"one by key {claimed}, pinned for other entries"
        problems.add("entry-key-out-of-range", entry.key, f"a key pinned for entry {entry.seq}", found)
    try:
        verify_envelope(envelope, known[0].key.public_key)
    except BadSignature as error:
        problems.add("entry-signature-bad", entry.key, "a signature that holds", error)
