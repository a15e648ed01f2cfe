"""Step 7: every blob's bytes, against its name and against what rows and entries say of it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from evidence_schema.ahead import Pace
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.layout import Layout
from evidence_schema.models.base import Frozen
from evidence_schema.models.encrypted import Context, Encryption
from evidence_schema.models.transcript import TranscriptHeader
from evidence_schema.reader import Reader, StoredVersion
from evidence_schema.verification.listing import list_blobs, stands
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.progress import Progress
from evidence_schema.verification.reading import Misshapen, Unreadable, lines, parsed, pieces, read_bounded

MAX_HEADER = 1024 * 1024
"""Longest first line of a transcript; it holds the declaration of its kind."""

Model = TypeVar("Model", bound=Frozen)


@dataclass(frozen=True, slots=True)
class Hashed:
    """What a blob's bytes came to; `binding` is that of the transcript header it begins with, if it does."""

    key: str
    claimed: Digest
    digest: Digest
    size: int
    binding: bytes
    unreadable: str = ""


class EncryptedClaim(NamedTuple):
    """What a row or entry says of a ciphertext; `binding` is that of the transcript in it, if it is to be one."""

    context: Context
    encryption: Encryption
    binding: bytes = b""


class Claims:
    """What entries and rows say about blobs: that they exist, their sizes, whose transcript one is.

    In memory a blob costs its digest and a number, a transcript 16 bytes more.
    """

    def __init__(self, reader: Reader, layout: Layout, blobs: set[bytes], problems: Problems) -> None:
        self._reader = reader
        self._layout = layout
        self._blobs = blobs
        self._problems = problems
        self._sizes: dict[bytes, int] = {}
        self._bindings: dict[bytes, bytes] = {}
        self._left_out: set[bytes] = set()
        self.ciphertexts: dict[bytes, EncryptedClaim] = {}
        """Raw digest -> what was said of it; some hundred bytes for each encrypted artifact."""

    @property
    def left_out(self) -> int:
        """How many blobs are named and not there, as the scope of a package has it."""
        return len(self._left_out)

    def name(self, type_: str, digest: Digest, size: int | None, by: str, *, promised: bool = True) -> None:
        """`by` says that a blob exists; `type_` is the problem where it does not, if it was `promised` here."""
        if not promised:
            if not self.exists(digest):
                self._left_out.add(digest.raw)
        elif not self.exists(digest):
            self._problems.add(type_, self._layout.blob(digest), f"a blob, for {by} names it", "none")
        known = self._sizes.setdefault(digest.raw, -1 if size is None else size)
        if size is None or known == size:
            return
        if known == -1:
            self._sizes[digest.raw] = size
        else:
            self._problems.add("blob-size-differs", self._layout.blob(digest), f"{known} bytes", f"{size} says {by}")

    def bind(self, digest: Digest, run_id: str, unit: Digest) -> None:
        """The blob is the transcript of this unit in this run, and so of no other."""
        ours = binding(run_id, unit)
        if self._bindings.setdefault(digest.raw, ours) != ours:
            found = f"one of another row, claimed for unit {unit} of {run_id} too"
            self._problems.add(
                "transcript-of-another-unit", self._layout.blob(digest), "a transcript of one row", found
            )

    def encrypted(self, digest: Digest, claim: EncryptedClaim) -> None:
        """The blob is a ciphertext, which opens in one context only."""
        known = self.ciphertexts.setdefault(digest.raw, claim)
        if known.context != claim.context:
            first, second = known.context.bytes.decode(), claim.context.bytes.decode()
            self._problems.add("ciphertext-claimed-twice", self._layout.blob(digest), f"an artifact of {first}", second)

    def exists(self, digest: Digest) -> bool:
        """Whether the blob was listed, or was written since."""
        if digest.raw not in self._blobs and stands(self._reader, self._layout.blob(digest)):
            self._blobs.add(digest.raw)
        return digest.raw in self._blobs

    def check(self, hashed: Hashed) -> None:
        """Compare one blob with its name and its claims."""
        raw, key = hashed.claimed.raw, hashed.key
        is_listed = raw in self._blobs
        self._blobs.discard(raw)
        if hashed.unreadable:
            self._problems.add("blob-unreadable", key, "the bytes of a blob", hashed.unreadable)
            return
        if hashed.digest != hashed.claimed:
            self._problems.add("blob-changed", key, hashed.claimed, hashed.digest)
            return
        size = self._sizes.get(raw)
        if size is None:
            if is_listed:  # else it was written while we looked, and the next look will tell
                self._problems.note("unnamed-blob", key, "an entry, row or receipt that names it", _what(hashed))
        elif size not in (-1, hashed.size):
            self._problems.add("blob-size-differs", key, f"{size} bytes", f"{hashed.size} bytes")
        if self._bindings.get(raw, hashed.binding) != hashed.binding:
            expected = "a transcript that begins with the unit and run of its row"
            self._problems.add("transcript-of-another-unit", key, expected, _what(hashed))

    def check_vanished(self) -> None:
        """Blobs that were listed at first and were gone when they were to be hashed."""
        for raw in self._blobs:
            self._problems.add("blob-missing", self._layout.blob(Digest(raw)), "a blob, as first listed", "none")


def check_blobs(reader: Reader, layout: Layout, claims: Claims, progress: Progress, pace: Pace) -> tuple[int, int]:
    """Hash every blob; returns how many there were and how many bytes."""
    count = size = 0

    def hashed(found: tuple[StoredVersion, Digest]) -> Hashed:
        return hash_blob(reader, *found)

    for blob in pace.ahead(hashed, list_blobs(reader, layout), lambda found: found[0].size):
        progress.step("blobs")
        claims.check(blob)
        count, size = count + 1, size + blob.size
    claims.check_vanished()
    return count, size


def hash_blob(reader: Reader, version: StoredVersion, claimed: Digest) -> Hashed:
    """Read a blob once, in pieces; keep its digest, its size and what its first line says."""
    stream, first_line = DigestStream(), bytearray()
    may_grow = True
    try:
        for piece in pieces(reader, version.key, version.version):
            stream.update(piece)
            if may_grow:
                first_line += piece[: MAX_HEADER + 1]
                may_grow = b"\n" not in piece and len(first_line) <= MAX_HEADER
    except Unreadable as error:
        return Hashed(version.key, claimed, stream.finish(), stream.size, b"", str(error))
    head = binding_of(bytes(first_line).partition(b"\n")[0])
    return Hashed(version.key, claimed, stream.finish(), stream.size, head)


def binding(run_id: str, unit: Digest) -> bytes:
    """16 bytes that stand for a unit in a run."""
    return hashlib.sha256(f"{run_id} {unit}".encode()).digest()[:16]


def binding_of(first_line: bytes) -> bytes:
    """The binding of a transcript's first line; empty where it is no transcript's."""
    if not first_line.startswith(b'{"collector":'):  # as a canonical header does
        return b""
    try:
        header = parsed(TranscriptHeader, first_line)
    except Misshapen:
        return b""
    return binding(header.run_id, header.unit.digest)


def _what(hashed: Hashed) -> str:
    return f"{hashed.size} bytes, {'a transcript' if hashed.binding else 'no transcript'}"


class Sealed:
    """Reads blobs by digest for their content. Each reading proves itself: a place may answer otherwise next time."""

    def __init__(self, reader: Reader, layout: Layout, claims: Claims, problems: Problems) -> None:
        self._reader = reader
        self._layout = layout
        self._claims = claims
        self._problems = problems

    def read(self, model: type[Model], digest: Digest, malformed: str, limit: int) -> Model | None:
        """A value; None, and a problem, where the blob is another thing. A missing blob is named by who names it."""
        key = self._layout.blob(digest)
        if not self._claims.exists(digest):
            return None
        try:
            data = read_bounded(self._reader, key, "", limit)
        except Misshapen as error:
            self._problems.add(malformed, key, model.__name__, error)
            return None
        except Unreadable as error:
            self._problems.add("blob-unreadable", key, "the bytes of a blob", error)
            return None
        if not self._is_as_named(key, digest, Digest.of(data)):
            return None
        try:
            return parsed(model, data)
        except Misshapen as error:
            self._problems.add(malformed, key, model.__name__, error)
        return None

    def lines(self, digest: Digest, malformed: str, longest: int) -> Generator[bytes]:
        """Lines as they come; problems with the blob as a whole follow after the last one."""
        if not self._claims.exists(digest):
            return
        key, stream = self._layout.blob(digest), DigestStream()

        def passing() -> Iterator[bytes]:
            for piece in pieces(self._reader, key):
                stream.update(piece)
                yield piece

        try:
            yield from lines(passing(), longest)
        except Misshapen as error:
            self._problems.add(malformed, key, "JSON Lines", error)
            return
        except Unreadable as error:
            self._problems.add("blob-unreadable", key, "the bytes of a blob", error)
            return
        self._is_as_named(key, digest, stream.finish())

    def first_line(self, digest: Digest, malformed: str, longest: int) -> bytes | None:
        """The first line alone; that its blob is as named is shown where all blobs are hashed."""
        with closing(self.lines(digest, malformed, longest)) as found:
            return next(found, None)

    def _is_as_named(self, key: str, expected: Digest, found: Digest) -> bool:
        if found != expected:
            self._problems.add("sealed-bytes-differ", key, expected, found)
        return found == expected
