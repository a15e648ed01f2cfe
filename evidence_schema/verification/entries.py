"""Step 2: the entries, read strictly, and the chain that they form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from evidence_schema.ahead import Pace
from evidence_schema.digest import Digest
from evidence_schema.dsse import MAX_ENVELOPE_BYTES, Envelope, check_pae_size, parse_envelope
from evidence_schema.errors import BadEnvelope
from evidence_schema.layout import Layout
from evidence_schema.merkle import leaf_hash
from evidence_schema.models.entry import PAYLOAD_TYPE, Predicate, Statement
from evidence_schema.reader import Reader
from evidence_schema.verification.listing import Listing
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.progress import Progress
from evidence_schema.verification.reading import Misshapen, Unreadable, parsed, read_bounded


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry's file as it lies there. What could not be read strictly is None."""

    seq: int
    key: str
    digest: Digest
    leaf: bytes
    envelope: Envelope | None
    predicate: Predicate | None
    subject: tuple[Digest, ...] = ()


def read_entries(
    reader: Reader, layout: Layout, listing: Listing, problems: Problems, progress: Progress, pace: Pace
) -> list[Entry]:
    """All entries whose bytes can be had, by number."""

    def read(seq: int) -> tuple[int, bytes | Exception]:
        try:
            return seq, read_bounded(reader, layout.entry(seq), listing.entries[seq], MAX_ENVELOPE_BYTES)
        except (Unreadable, Misshapen) as error:
            return seq, error

    entries = []
    for seq, data in pace.ahead(read, sorted(listing.entries)):
        progress.step("entries")
        if isinstance(data, bytes):
            entries.append(read_entry(layout.entry(seq), seq, data, problems))
        else:
            type_ = "entry-malformed" if isinstance(data, Misshapen) else "entry-unreadable"
            problems.add(type_, layout.entry(seq), "the bytes of an entry", data)
    return entries


def check_chain(layout: Layout, listing: Listing, entries: Sequence[Entry], problems: Problems) -> None:
    """Numbers without a gap, each entry of this log and after the one before it."""
    _check_numbers(layout, sorted(listing.entries), problems)
    for entry in entries:
        _check_place(layout, entry, problems)
    for before, entry in pairwise(entries):
        if entry.seq == before.seq + 1 and entry.predicate is not None and entry.predicate.prev != before.digest:
            problems.add("entry-prev-differs", entry.key, before.digest, entry.predicate.prev)
    _check_times(entries, problems)


def beginning(entries: Sequence[Entry]) -> list[Entry]:
    """The entries from number 0 up to the first gap: what a Merkle tree can be built over."""
    return [entry for place, entry in enumerate(entries) if entry.seq == place]


def read_entry(key: str, seq: int, data: bytes, problems: Problems) -> Entry:
    """One entry's file; what cannot be read strictly is a problem."""
    envelope, statement = None, None
    try:
        envelope = parse_envelope(data)
        statement = _statement(envelope)
    except (BadEnvelope, Misshapen) as error:
        problems.add("entry-malformed", key, "a canonical envelope around a canonical statement", error)
    return Entry(
        seq,
        key,
        Digest.of(data),
        leaf_hash(data),
        envelope,
        None if statement is None else statement.predicate,
        () if statement is None else _subjects(statement),
    )


def _statement(envelope: Envelope) -> Statement:
    if envelope.payload_type != PAYLOAD_TYPE:
        raise Misshapen(f"expected payload type {PAYLOAD_TYPE}, found {envelope.payload_type}")
    check_pae_size(envelope.payload_type, envelope.payload)
    return parsed(Statement, envelope.payload)


def _subjects(statement: Statement) -> tuple[Digest, ...]:
    return tuple(Digest.parse(f"sha256:{hexes}") for subject in statement.subject for hexes in subject.digest.values())


def _check_numbers(layout: Layout, numbers: Sequence[int], problems: Problems) -> None:
    """One problem for each gap: a planted high number must not make us count to it."""
    if not numbers:
        problems.add("log-empty", layout.entries, "at least one entry", "none")
    following = 0
    for number in numbers:
        if number != following:
            found = f"none; {number - following} missing before entry {number}"
            problems.add("entry-missing", layout.entry(following), "an entry", found)
        following = number + 1


def _check_place(layout: Layout, entry: Entry, problems: Problems) -> None:
    predicate = entry.predicate
    if predicate is None:
        return
    if predicate.log != layout.log:
        problems.add("entry-of-another-log", entry.key, layout.log, predicate.log)
    if predicate.seq != entry.seq:
        problems.add("entry-number-differs", entry.key, entry.seq, predicate.seq)
    if entry.seq == 0 and predicate.prev is not None:
        problems.add("entry-prev-differs", entry.key, "none, for it is the first", predicate.prev)


def _check_times(entries: Sequence[Entry], problems: Problems) -> None:
    latest = None
    for entry in entries:
        if entry.predicate is None:
            continue
        if latest is not None and entry.predicate.time < latest:
            problems.add("entry-time-backwards", entry.key, f"{latest} or later", entry.predicate.time)
        latest = entry.predicate.time if latest is None else max(latest, entry.predicate.time)
