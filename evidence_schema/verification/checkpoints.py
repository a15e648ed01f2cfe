"""Step 4: every checkpoint's root and signatures, and the checkpoint that the auditor kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evidence_schema import merkle, signing_key
from evidence_schema.checkpoint import Checkpoint, parse_checkpoint
from evidence_schema.digest import Digest
from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadCheckpoint, BadNote, BadSignature
from evidence_schema.layout import Layout
from evidence_schema.merkle import node_hash
from evidence_schema.note import MAX_NOTE_BYTES, Note, VerifierKey, parse_note
from evidence_schema.reader import Reader
from evidence_schema.verification.listing import Listing, stands
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.reading import Misshapen, Unreadable, read_bounded
from evidence_schema.verification.trust import Keyring

REPAIR = "one over that many entries; where a writer was killed, the next run writes it"


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as read, nothing verified."""

    checkpoint: Checkpoint
    note: Note


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checkpoints say together: the log's origin, and the note over the most entries that is sound."""

    origin: str
    newest: bytes
    digests: Mapping[int, Digest] = field(default_factory=dict)
    """Tree size -> digest of the note as it lies there, of each that is sound: what a time-stamp token speaks about."""


class RunningRoot:
    """The Merkle root of a growing list of leaves, in one hash for each whole subtree."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """The next leaf hash."""
        subtree, size = leaf, self.size
        while size & 1:
            subtree, size = node_hash(self._subtrees.pop(), subtree), size >> 1
        self._subtrees.append(subtree)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far (RFC 6962 section 2.1)."""
        if not self._subtrees:
            return merkle.root(())
        *others, root = self._subtrees
        for subtree in reversed(others):
            root = node_hash(subtree, root)
        return root


def parse_signed(data: bytes) -> SignedCheckpoint:
    """Raises BadNote or BadCheckpoint."""
    note = parse_note(data)
    return SignedCheckpoint(parse_checkpoint(note.text), note)


class Checkpoints:
    """The checkpoints of a log over the entries that were read."""

    def __init__(
        self,
        reader: Reader,
        layout: Layout,
        leaves: Sequence[bytes],
        keyring: Keyring | None,
        problems: Problems,
        countersigners: Mapping[int, VerifierKey] | None = None,
    ) -> None:
        self._countersigners = countersigners or {}
        self._reader = reader
        self._layout = layout
        self._leaves = leaves
        self._keyring = keyring
        self._problems = problems

    def check(self, listing: Listing, origin: str | None) -> Checked:
        """Every checkpoint; `origin` is what the policy says, without one the first checkpoint's must be everyone's."""
        self._check_all_sizes(listing)
        running, newest, digests = RunningRoot(), b"", dict[int, Digest]()
        for size in sorted(listing.checkpoints):
            while running.size < min(size, len(self._leaves)):
                running.add(self._leaves[running.size])
            data = self._read(size, listing.checkpoints[size])
            signed = None if data is None else self._parse(size, data)
            if data is None or signed is None:
                continue
            origin = signed.checkpoint.origin if origin is None else origin
            if self._is_sound(size, signed, origin, running):
                newest, digests[size] = data, Digest.of(data)
        return Checked(origin or "", newest, digests)

    def _check_all_sizes(self, listing: Listing) -> None:
        for size in range(1, len(self._leaves) + 1):
            key = self._layout.checkpoint(size)
            # One that was not listed may have been written since: a writer may be at work.
            if size not in listing.checkpoints and not stands(self._reader, key):
                self._problems.add("checkpoint-missing", key, REPAIR, "none")

    def _read(self, size: int, version: str) -> bytes | None:
        key = self._layout.checkpoint(size)
        try:
            return read_bounded(self._reader, key, version, MAX_NOTE_BYTES)
        except Misshapen as error:
            self._problems.add("checkpoint-malformed", key, "a checkpoint note", error)
        except Unreadable as error:
            self._problems.add("checkpoint-unreadable", key, "the bytes of a checkpoint", error)
        return None

    def _parse(self, size: int, data: bytes) -> SignedCheckpoint | None:
        try:
            return parse_signed(data)
        except (BadNote, BadCheckpoint) as error:
            self._problems.add("checkpoint-malformed", self._layout.checkpoint(size), "a checkpoint note", error)
        return None

    def _is_sound(self, size: int, signed: SignedCheckpoint, origin: str, running: RunningRoot) -> bool:
        """Name every fault of one checkpoint."""
        key, checkpoint = self._layout.checkpoint(size), signed.checkpoint
        faults: list[tuple[str, object, object]] = []
        if checkpoint.origin != origin:
            faults.append(("checkpoint-origin-differs", origin, checkpoint.origin))
        if checkpoint.size != size:
            faults.append(("checkpoint-size-differs", size, checkpoint.size))
        if size > len(self._leaves):
            faults.append(("checkpoint-beyond-entries", f"{size} entries", f"{len(self._leaves)} without a gap"))
        elif checkpoint.root != running.root():
            faults.append(("checkpoint-root-differs", to_base64(running.root()), to_base64(checkpoint.root)))
        if self._keyring is not None:
            faults += signature_faults(signed, self._keyring)
        next_key = self._countersigners.get(size)
        if next_key is not None and not _names(signed.note, next_key):
            faults.append(("rotation-not-countersigned", f"a signature by {next_key} as well", "none"))
        for type_, expected, found in faults:
            self._problems.add(type_, key, expected, found)
        return not faults


def _names(note: Note, key: VerifierKey) -> bool:
    return any((line.name, line.key_id) == (key.name, key.key_id) for line in note.signatures)


def signature_faults(signed: SignedCheckpoint, keyring: Keyring) -> list[tuple[str, object, object]]:
    """Every line must be a pinned key's and hold; one by a key that may sign the newest entry covered, and another only
    by the key that follows it.
    """
    faults: list[tuple[str, object, object]] = []
    index = max(signed.checkpoint.size - 1, 0)
    message = signed.note.text.encode()
    in_range, strange, seen = False, False, set()
    for line in signed.note.signatures:
        known = keyring.by_note_key(line.name, line.key_id)
        who = f"{line.name} {line.key_id.hex()}"
        if not known:
            faults.append(("checkpoint-key-unknown", "signatures by pinned keys only", f"one by {who}"))
            continue
        if (line.name, line.key_id) in seen:
            faults.append(("checkpoint-signature-bad", "one signature a key", f"a second one by {who}"))
        seen.add((line.name, line.key_id))
        if any(pinned.may_sign(index) for pinned in known):
            in_range = True
        elif not any(pinned.first == index + 1 for pinned in known):
            strange = True
            found = f"one by {who}, pinned for other entries"
            faults.append(("checkpoint-key-out-of-range", f"signatures by keys pinned for entry {index}", found))
        try:
            signing_key.verify(known[0].key.public_key, message, line.signature)
        except BadSignature as error:
            faults.append(("checkpoint-signature-bad", "a signature that holds", error))
    if seen and not in_range and not strange:
        found = "none of its signatures by such a key"
        faults.append(("checkpoint-key-out-of-range", f"a signature by a key pinned for entry {index}", found))
    return faults
