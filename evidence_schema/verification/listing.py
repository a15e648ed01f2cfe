"""Step 1: what lies in the log's place, every version of every key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from evidence_schema.reader import Reader, StoredVersion, first_versions
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.progress import Progress

_RUN = "run-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"
_RECEIPT = re.compile(rf"({_RUN})/unit/([0-9a-f]{{64}})\.json")


@dataclass
class Listing:
    """The first version of each key that the layout knows; of blobs only the digests, of receipts only their number."""

    entries: dict[int, str] = field(default_factory=dict)
    checkpoints: dict[int, str] = field(default_factory=dict)
    tokens: dict[tuple[int, str], str] = field(default_factory=dict)
    """Tree size and authority -> version."""
    blobs: set[bytes] = field(default_factory=set)
    receipts: Counter[str] = field(default_factory=Counter)


class NoLog:
    """A place in which no log was found."""

    near = True

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """Nothing."""
        return iter(())

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        """Nothing."""
        raise KeyError(key)


def list_log(reader: Reader, layout: Layout, problems: Problems, progress: Progress) -> Listing:
    """Everything below the log's root.

    Entries are listed once more at the end: a writer may be at work, and what an entry names must not be missing only
    because its place was passed before it was written.
    """
    listing = _list_below(reader, layout, layout.root, problems, progress)
    listing.entries = _list_below(reader, layout, layout.entries, Problems(), Progress()).entries
    return listing


def list_entries(reader: Reader, layout: Layout, problems: Problems) -> Listing:
    """Entries and checkpoints only."""
    listing = _list_below(reader, layout, layout.checkpoints, problems, Progress())
    listing.entries = _list_below(reader, layout, layout.entries, problems, Progress()).entries
    return listing


def first_log(reader: Reader) -> str:
    """The name of the first log of a place, by its keys; empty where there is none."""
    for version in reader.versions("v1/"):
        match = re.match(r"v1/([a-z0-9][a-z0-9-]{2,47})/", version.key)
        if match:
            return match[1]
    return ""


def list_receipts(reader: Reader, layout: Layout, run_id: str) -> dict[bytes, str]:
    """The receipts of a run: raw digest of the unit -> first version."""
    found: dict[bytes, str] = {}
    if not re.fullmatch(_RUN, run_id):  # an id in other digits than these has no place in the layout
        return found
    for version in first_versions(reader.versions(layout.receipts(run_id))):
        receipt = receipt_of(layout, version.key)
        if receipt is not None:
            found[receipt[1].raw] = version.version
    return found


def list_blobs(reader: Reader, layout: Layout) -> Iterator[tuple[StoredVersion, Digest]]:
    """The first version of each blob, with the digest that its key claims."""
    for version in first_versions(reader.versions(layout.blobs)):
        digest = layout.blob_digest(version.key)
        if digest is not None:
            yield version, digest


def stands(reader: Reader, key: str) -> bool:
    """Whether a key has a version that holds bytes, now."""
    return any(version.key == key for version in first_versions(reader.versions(key)))


def receipt_of(layout: Layout, key: str) -> tuple[str, Digest] | None:
    """The run and unit of a receipt's key; None where the key is no receipt's."""
    match = _RECEIPT.fullmatch(key.removeprefix(layout.runs)) if key.startswith(layout.runs) else None
    return (match[1], Digest(bytes.fromhex(match[2]))) if match else None


def _list_below(reader: Reader, layout: Layout, prefix: str, problems: Problems, progress: Progress) -> Listing:
    listing = Listing()
    for key, versions in groupby(reader.versions(prefix), key=lambda version: version.key):
        progress.step("listed")
        first = _first(key, versions, problems)
        if first is not None and not _take(listing, layout, first):
            problems.add("unknown-key", key, "only keys that the layout knows", f"an object of {first.size} bytes")
    return listing


def _first(key: str, versions: Iterable[StoredVersion], problems: Problems) -> StoredVersion | None:
    """The authoritative version; every other one is a problem."""
    first = None
    for version in versions:
        if version.deleted:
            problems.add("delete-marker", key, "no delete marker", f"delete marker {version.version}")
        elif first is None:
            first = version
        else:
            found = f"version {version.version} of {version.size} bytes after {first.version}"
            problems.add("second-version", key, "exactly one version", found)
    return first


def _take(listing: Listing, layout: Layout, version: StoredVersion) -> bool:
    """Put a key where it belongs; False where it belongs nowhere. A number in other digits is another key."""
    key = version.key
    if (digest := layout.blob_digest(key)) is not None:
        listing.blobs.add(digest.raw)
    elif (receipt := receipt_of(layout, key)) is not None:
        listing.receipts[receipt[0]] += 1
    elif (seq := layout.entry_seq(key)) is not None and layout.entry(seq) == key:
        listing.entries[seq] = version.version
    elif (size := layout.checkpoint_size(key)) is not None and layout.checkpoint(size) == key:
        listing.checkpoints[size] = version.version
    elif (place := layout.token_place(key)) is not None and layout.token(*place) == key:
        listing.tokens[place] = version.version
    else:
        return False
    return True
