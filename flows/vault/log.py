"""The signed log: one write-once file per entry, chained, and a signed checkpoint over the Merkle tree of the files.

Writers do not wait for one another and trust no clock: each prepares the next entry and writes it under the next
number, which the store gives to exactly one of them (INTEGRITY 5.7). An entry that stands is committed; a checkpoint
that is missing is written by any later writer, to the same bytes. Only the checkpoint over a rotation needs two keys:
whoever has one of them alone leaves it, and says how it is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import uniform
from threading import RLock
from typing import Any

from pydantic import ValidationError

from evidence_schema import merkle
from evidence_schema.ahead import Pace
from evidence_schema.checkpoint import Checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import (
    MAX_ENVELOPE_BYTES,
    encode_envelope,
    parse_envelope,
    sign_envelope,
)
from evidence_schema.errors import BadNote, BadSignature, EvidenceSchemaError
from evidence_schema.layout import Layout
from evidence_schema.models.entry import PAYLOAD_TYPE, CollectorVersion, KeyRotate, Predicate, Statement, Subject
from evidence_schema.note import MAX_NOTE_BYTES, parse_note
from evidence_schema.reader import first_versions
from evidence_schema.verification.trust import Keyring
from flows.vault.anchoring import Anchors
from flows.vault.errors import BrokenLog, Contended, NotThere, StoreUnavailable, WrongKey
from flows.vault.keys import Signer
from flows.vault.locks import Lock
from flows.vault.log_keys import LogKeys
from flows.vault.stamping import Stamps
from flows.vault.store import Store, settled

ENTRY_MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
CHECKPOINT_MEDIA_TYPE = "text/plain; charset=utf-8"
APPEND_ATTEMPTS = 100
_LONGEST_PAUSE = 0.2
_narrator = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry that stands in the log; `digest` is that of its file."""

    seq: int
    digest: Digest
    statement: Statement

    @property
    def predicate(self) -> Predicate:
        return self.statement.predicate


@dataclass(frozen=True, slots=True)
class NextEntry:
    """What the next entry must carry, whatever it says."""

    log: str
    seq: int
    prev: Digest | None
    time: datetime
    collector: CollectorVersion
    key_epoch: int = 0

    def bare(self) -> dict[str, Any]:
        """The fields that every predicate has."""
        return {
            "log": self.log,
            "seq": self.seq,
            "prev": self.prev,
            "time": self.time,
            "key_epoch": self.key_epoch,
            "collector": self.collector,
        }

    def common(self, run_id: str, slot: str) -> dict[str, Any]:
        """The fields that every predicate about a run has: `RunOpen(**entry.common(run_id, slot), ...)`."""
        return {**self.bare(), "run_id": run_id, "slot": slot}


@dataclass(frozen=True, slots=True)
class LogHead:
    """How many entries the log has, and the digest of the newest one's file."""

    size: int
    newest: Digest | None


class Log:
    """One log in a store. Holds two hashes an entry in memory; safe to share between threads."""

    def __init__(
        self,
        store: Store,
        layout: Layout,
        signer: Signer | None,
        origin: str,
        collector_version: str,
        clock: Callable[[], datetime],
        lock: Callable[[datetime], Lock | None],
        stamps: Stamps | None = None,
        pinned: Keyring | None = None,
        anchors: Anchors | None = None,
    ) -> None:
        """`pinned` are the keys that the trust policy names: those that signed before ours."""
        self._stamps = stamps
        self._anchors = anchors
        self._keys = LogKeys(origin, signer, pinned)
        self._store = store
        self._layout = layout
        self._origin = origin
        self._collector = CollectorVersion(version=collector_version)
        self._clock = clock
        self._lock = lock
        self._guard = RLock()
        self._digests: list[Digest] = []
        self._leaves: list[bytes] = []
        self._newest_time = datetime.min.replace(tzinfo=UTC)

    def entries(self, first: int = 0) -> Iterator[LoggedEntry]:
        """Every entry from number `first` on, oldest first.

        This reads a state to act on: it checks numbers, chain and, where we have a key, signatures, and raises
        BrokenLog at the first fault. It is no substitute for `evidence verify`, which names every fault.
        """
        for seq, data in self._all_files() if first == 0 else self._files_from(first):
            yield self._take(seq, data)

    def head(self) -> LogHead:
        """The log's present end; reads what was added since this object last looked."""
        with self._guard:
            for _ in self.entries(len(self._digests)):
                pass
            return LogHead(len(self._digests), self._digests[-1] if self._digests else None)

    def check_signer(self) -> None:
        """Raise WrongKey, before anything is kept, where another key signs the next entry; ReadOnly without one."""
        self._keys.require_signer()
        self._keys.refuse_ended(self.head().size)

    def append(self, make: Callable[[NextEntry], Statement]) -> LoggedEntry:
        """Write the next entry; `make` is asked again whenever another writer took the number."""
        entry = self.append_unless(make)
        if entry is None:
            raise TypeError("expected a statement from `make`, found None; use append_unless to decide against one")
        return entry

    def append_unless(self, decide: Callable[[NextEntry], Statement | None]) -> LoggedEntry | None:
        """Write the entry that `decide` makes, or nothing where it returns None.

        `decide` is asked before each attempt, when all entries that stand can be read: it sees what the writer who
        was faster has written.
        """
        self._keys.require_signer()
        for attempt in range(APPEND_ATTEMPTS):
            following = self._next()
            statement = decide(following)
            if statement is None:
                return None
            data = self._sealed(statement, following)
            if self._is_ours(following, data):
                entry = self._committed(following.seq, data)
                self._witness(entry.seq + 1)
                return entry
            pause = uniform(0, min(_LONGEST_PAUSE, 0.005 * 2 ** min(attempt, 10)))  # noqa: S311 (not a secret)
            time.sleep(pause)
        raise Contended(f"expected to append to {self._layout.root}, lost {APPEND_ATTEMPTS} races in a row; try again")

    def repair(self) -> tuple[int, ...]:
        """Write every checkpoint that is missing up to the newest size; which sizes it was."""
        self._keys.require_signer()
        with self._guard:
            size = self.head().size
            present = {self._layout.checkpoint_size(key) for key in self._store.keys(self._layout.checkpoints)}
            missing = tuple(number for number in range(1, size + 1) if number not in present)
            for number in missing:
                self._write_checkpoint(number)
        if self._stamps is not None:
            self._stamps.repair(size, lambda: self.checkpoint(size))
        if self._anchors is not None:
            self._anchors.copy(size)
        return missing

    def rotate(self, successor: Signer) -> int:
        """Let the log go on with another key; the number of the rotation entry.

        Written by the key that ends, its checkpoint by both. A rotation to this key that stands already is finished:
        killed anywhere, the same call again does what is left. Raises WrongKey where the log has another key.
        """
        following = self._keys.hand_over(successor)

        def decide(entry: NextEntry) -> Statement | None:
            if self._keys.named_before(entry.seq) == following:
                return None
            subject = Subject.of("key", Digest.parse(f"sha256:{successor.key_id}"))
            return Statement(subject=(subject,), predicate=KeyRotate(**entry.bare(), vkey=str(following)))

        self.append_unless(decide)
        self.repair()
        return self._keys.rotation_to(following)

    def checkpoint(self, size: int) -> bytes:
        """The signed note over the first `size` entries, as stored; raises NotThere where none was written."""
        return self._store.read(self._layout.checkpoint(size), limit=MAX_NOTE_BYTES)

    def entry_digest(self, seq: int) -> Digest:
        """The digest of an entry's file; raises NotThere beyond the log's end."""
        with self._guard:
            size = self.head().size
            if not 0 <= seq < size:
                raise NotThere(f"expected an entry from 0 to {size - 1}, found number {seq}")
            return self._digests[seq]

    def _all_files(self) -> Iterator[tuple[int, bytes]]:
        def read(numbered: tuple[int, str, str]) -> tuple[int, bytes]:
            seq, key, version = numbered
            return seq, self._store.read(key, limit=MAX_ENVELOPE_BYTES, version=version)

        return Pace.of(self._store).ahead(read, self._listed())

    def _listed(self) -> Iterator[tuple[int, str, str]]:
        """Number, key and first version of every entry; other keys are the verifier's business."""
        following = 0
        for found in first_versions(self._store.versions(self._layout.entries)):
            seq = self._layout.entry_seq(found.key)
            if seq is None:
                continue
            if seq != following:
                raise BrokenLog(f"expected entry {following}, found {seq} after a gap; run `evidence verify`")
            yield seq, found.key, found.version
            following += 1

    def _files_from(self, first: int) -> Iterator[tuple[int, bytes]]:
        """One after the other until there is none: cheap where little or nothing is new."""
        seq = first
        while True:
            try:
                data = self._store.read(self._layout.entry(seq), limit=MAX_ENVELOPE_BYTES)
            except NotThere:
                return
            yield seq, data
            seq += 1

    def _take(self, seq: int, data: bytes) -> LoggedEntry:
        """Check an entry against those before it, and remember its hashes."""
        entry = LoggedEntry(seq, Digest.of(data), self._parsed(seq, data))
        with self._guard:
            self._check_place(entry)
            if seq == len(self._digests):
                self._digests.append(entry.digest)
                self._leaves.append(merkle.leaf_hash(data))
                self._newest_time = entry.predicate.time
                if isinstance(entry.predicate, KeyRotate):
                    self._keys.take(seq, entry.predicate)
        return entry

    def _parsed(self, seq: int, data: bytes) -> Statement:
        try:
            envelope = parse_envelope(data)
            self._keys.check(seq, envelope)
            return Statement.from_canonical(envelope.payload)
        except BadSignature as error:
            raise WrongKey(
                f"expected entry {seq} to be signed by our key, found: {error}; use the key that this log began with, "
                "or was rotated to, beside the trust policy that names those before it, or run `evidence verify`"
            ) from error
        except (EvidenceSchemaError, ValidationError) as error:
            raise BrokenLog(f"expected an entry under number {seq}, found: {error}; run `evidence verify`") from error

    def _check_place(self, entry: LoggedEntry) -> None:
        predicate, known = entry.predicate, len(self._digests)
        if (predicate.log, predicate.seq) != (self._layout.log, entry.seq):
            raise BrokenLog(
                f"expected entry {entry.seq} of {self._layout.log}, found {predicate.seq} of {predicate.log}"
            )
        if entry.seq < known and self._digests[entry.seq] != entry.digest:
            raise BrokenLog(f"expected entry {entry.seq} as read before, found other bytes; run `evidence verify`")
        if entry.seq <= known and predicate.prev != (self._digests[entry.seq - 1] if entry.seq else None):
            raise BrokenLog(f"expected entry {entry.seq} to name the entry before it, found {predicate.prev}")

    def _next(self) -> NextEntry:
        with self._guard:
            head = self.head()
            # A clock that runs behind must not make the log's times run backwards.
            moment = max(self._clock().astimezone(UTC).replace(microsecond=0), self._newest_time)
            collector, epoch = self._collector, self._keys.epoch
            return NextEntry(self._layout.log, head.size, head.newest, moment, collector, epoch)

    def _sealed(self, statement: Statement, following: NextEntry) -> bytes:
        predicate = statement.predicate
        if (predicate.log, predicate.seq, predicate.prev) != (following.log, following.seq, following.prev):
            raise BrokenLog(f"expected a statement for entry {following.seq}, found one for {predicate.seq}")
        self._keys.refuse_ended(following.seq)
        signer = self._keys.require_signer()
        return encode_envelope(sign_envelope(PAYLOAD_TYPE, statement.canonical(), signer.public_key, signer.sign))

    def _is_ours(self, following: NextEntry, data: bytes) -> bool:
        """Write, and find out whose bytes stand under the number."""
        key = self._layout.entry(following.seq)
        lock = self._lock(following.time)

        def put() -> bytes:
            self._store.put(key, data, digest=Digest.of(data), size=len(data), media_type=ENTRY_MEDIA_TYPE, lock=lock)
            return data

        try:
            return settled(put, lambda: self._store.read(key, limit=MAX_ENVELOPE_BYTES)) == data
        except Contended:
            return False

    def _committed(self, seq: int, data: bytes) -> LoggedEntry:
        with self._guard:
            entry = self._take(seq, data)
            try:
                self._write_checkpoint(seq + 1)
            except (StoreUnavailable, Contended):
                # The entry stands: to report a failure would make the caller write it again.
                _narrator.warning("checkpoint %d is not written yet; the next writer does so", seq + 1, exc_info=True)
        return entry

    def _witness(self, size: int) -> None:
        """Others' word on when it stood, and copies elsewhere; who does not answer is asked again by the next writer.

        The copy goes first: an authority may let us wait, and a token that came is copied after it.
        """
        if self._anchors is not None:
            self._anchors.copy(size)
        is_stamped = self._stamps is not None and bool(self._stamps.stamp(size, lambda: self.checkpoint(size)))
        if is_stamped and self._anchors is not None:
            self._anchors.copy(size)

    def _write_checkpoint(self, size: int) -> None:
        text = Checkpoint(self._origin, size, merkle.root(self._leaves[:size])).text
        data, key = self._keys.note(size, text), self._layout.checkpoint(size)

        def put() -> bytes:
            self._store.put(
                key,
                data,
                digest=Digest.of(data),
                size=len(data),
                media_type=CHECKPOINT_MEDIA_TYPE,
                lock=self._lock(self._clock()),
            )
            return data

        _refuse_other_text(size, text, settled(put, lambda: self.checkpoint(size)))


def _refuse_other_text(size: int, text: str, standing: bytes) -> None:
    """Not the bytes: a signer whose signatures are random writes another note over the same text."""
    try:
        found = parse_note(standing).text
    except BadNote as error:
        raise BrokenLog(f"expected checkpoint {size} to be a note, found: {error}; run `evidence verify`") from error
    if found != text:
        raise BrokenLog(f"expected checkpoint {size} over our entries, found another; run `evidence verify`")
