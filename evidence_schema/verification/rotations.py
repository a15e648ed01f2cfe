"""Step 3, of keys that follow one another, and step 9, of a key that was stolen.

A rotation entry is signed by the key that ends with it, and whoever stole that key can write one: so the next key is
believed because the auditor's policy pins it for what follows, never because the entry names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from evidence_schema import signing_key
from evidence_schema.digest import Digest
from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadCheckpoint, BadKey, BadNote
from evidence_schema.layout import Layout
from evidence_schema.models.base import format_time
from evidence_schema.models.entry import KeyRotate, LogLink
from evidence_schema.note import VerifierKey
from evidence_schema.verification.checkpoints import parse_signed
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.trust import Keyring, PinnedKey


def check_rotations(
    entries: Sequence[Entry], keyring: Keyring | None, origin: str | None, layout: Layout, problems: Problems
) -> Mapping[int, VerifierKey]:
    """Every rotation against the policy, both ways; returns tree size -> key that must sign that checkpoint too."""
    named: dict[int, VerifierKey] = {}
    epoch = 0
    for entry in entries:
        predicate = entry.predicate
        if predicate is None:
            continue
        if predicate.key_epoch != epoch:
            problems.add("key-epoch-differs", entry.key, epoch, predicate.key_epoch)
        epoch = predicate.key_epoch
        if isinstance(predicate, KeyRotate):
            epoch += 1
            key = _named(entry, predicate, origin, problems)
            if key is not None:
                named[entry.seq] = key
    if keyring is not None:
        _check_pinned(named, keyring, layout, problems)
        _check_present(named, keyring, layout, len(entries), problems)
    return {seq + 1: key for seq, key in named.items()}


def check_links(entries: Sequence[Entry], problems: Problems) -> None:
    """A log in the place of another: the break is told, and stands at the beginning or nowhere."""
    for entry in entries:
        link = entry.predicate
        if not isinstance(link, LogLink):
            continue
        if entry.seq:
            problems.add("link-not-first", entry.key, "a link to a previous log in entry 0 only", f"entry {entry.seq}")
        data = link.note.encode("utf-8", "surrogatepass")
        try:
            kept = parse_signed(data).checkpoint
        except (BadNote, BadCheckpoint) as error:
            problems.add("link-malformed", entry.key, "the last checkpoint of the previous log", error)
            continue
        if entry.subject != (Digest.of(data),):
            found = ", ".join(map(str, entry.subject)) or "none"
            problems.add("link-malformed", entry.key, f"the note's digest {Digest.of(data)} as subject", found)
        first = f"whose first {kept.size} entries have root {to_base64(kept.root)}"
        found = f"a break: in the place of {link.previous}, {first}"
        problems.note("log-linked", entry.key, "that you verify the previous log too, by its own policy", found)


def check_stolen(
    entries: Sequence[tuple[Entry, datetime | None]], keyring: Keyring, kept_size: int, problems: Problems
) -> None:
    """Entries of a stolen key, each with the earliest time that a token proves of it, or none.

    A kept checkpoint covers too, if it was kept before the theft: only the auditor can know, and is reminded. The
    hand-over to the pinned next key is believed for the policy's sake.
    """
    kept: dict[datetime, list[int]] = {}
    for entry, seen in entries:
        stolen = _stolen(entry, keyring)
        if stolen is None or stolen.stolen_at is None or _is_pinned_hand_over(entry, keyring):
            continue
        theft = format_time(stolen.stolen_at)
        if stolen.revoked_from is not None and entry.seq >= stolen.revoked_from:
            expected = f"an entry before {stolen.revoked_from}, from which on the stolen key is revoked"
            problems.add("entry-of-stolen-key", entry.key, expected, f"entry {entry.seq}")
        elif seen is not None and seen < stolen.stolen_at:
            continue
        elif entry.seq < kept_size:
            kept.setdefault(stolen.stolen_at, []).append(entry.seq)
        else:
            expected = f"a token, or a kept checkpoint, from before {theft}, when its key was stolen"
            problems.add("entry-of-stolen-key", entry.key, expected, format_time(seen) if seen else "none")
    for at, numbers in kept.items():
        found = f"the kept checkpoint alone covers entries {numbers[0]} to {numbers[-1]}"
        problems.note("believed-as-kept", entries[0][0].key, f"that you kept it before {format_time(at)}", found)


def _named(entry: Entry, rotation: KeyRotate, origin: str | None, problems: Problems) -> VerifierKey | None:
    try:
        key = VerifierKey.parse(rotation.vkey)
    except BadKey as error:
        problems.add("rotation-malformed", entry.key, "the verifier key of this log that follows", error)
        return None
    expected = (Digest.parse(f"sha256:{signing_key.key_id(key.public_key)}"),)
    if entry.subject != expected or (origin is not None and key.name != origin):
        found = f"a key of {key.name}, and {', '.join(map(str, entry.subject)) or 'no'} subject"
        problems.add("rotation-malformed", entry.key, f"a key of {origin or key.name}, its id as subject", found)
        return None
    return key


def _check_pinned(named: Mapping[int, VerifierKey], keyring: Keyring, layout: Layout, problems: Problems) -> None:
    for seq, key in named.items():
        pinned = keyring.signing(seq + 1)
        if pinned != {key}:
            expected = " and ".join(sorted(map(str, pinned))) or "no key"
            problems.add("rotation-not-pinned", layout.entry(seq), f"{expected}, pinned for entry {seq + 1}", key)


def _check_present(
    named: Mapping[int, VerifierKey], keyring: Keyring, layout: Layout, size: int, problems: Problems
) -> None:
    """A key pinned from a later entry on: the entry before is the rotation to it."""
    for pinned in keyring.pinned:
        before = pinned.first - 1
        if before < 0 or pinned.key in keyring.signing(before) or before in named:
            continue
        expected = f"the rotation to {pinned.key}, pinned from entry {pinned.first} on"
        found = "another entry" if before < size else f"a log of {size} entries"
        problems.add("rotation-missing", layout.entry(before), expected, found)


def _stolen(entry: Entry, keyring: Keyring) -> PinnedKey | None:
    if entry.envelope is None or len(entry.envelope.signatures) != 1:
        return None
    known = keyring.by_key_id(entry.envelope.signatures[0].keyid)
    return next((pinned for pinned in known if pinned.may_sign(entry.seq) and pinned.stolen_at is not None), None)


def _is_pinned_hand_over(entry: Entry, keyring: Keyring) -> bool:
    if not isinstance(entry.predicate, KeyRotate):
        return False
    return {str(key) for key in keyring.signing(entry.seq + 1)} == {entry.predicate.vkey}
