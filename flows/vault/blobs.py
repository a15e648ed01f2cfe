"""Artifacts by their digest: other bytes have another name, the same bytes are kept once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.layout import Layout
from evidence_schema.models.receipt import Custody
from flows.vault.errors import TooLarge, WrongBytes
from flows.vault.locks import Lock
from flows.vault.store import Source, Store, put_same

MAX_LINE = 16 * 1024 * 1024
_IN_MEMORY = 256 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob as stored."""

    digest: Digest
    size: int
    custody: Custody


class Blobs:
    """The content-addressed part of a vault."""

    def __init__(self, store: Store, layout: Layout) -> None:
        self._store = store
        self._layout = layout

    def put(self, stream: Source, *, digest: Digest, size: int, media_type: str, lock: Lock | None) -> Custody:
        """Keep bytes. The same bytes once more: their lock is extended where it is shorter than asked for.

        Raises WrongBytes where the bytes are not those announced, AlreadyThere where something else lies under
        their name.
        """
        key = self._layout.blob(digest)
        return put_same(self._store, key, stream, digest=digest, size=size, media_type=media_type, lock=lock)

    def put_bytes(self, data: bytes, *, media_type: str, lock: Lock | None) -> Stored:
        """Keep a few bytes."""
        digest = Digest.of(data)
        custody = self.put(data, digest=digest, size=len(data), media_type=media_type, lock=lock)
        return Stored(digest, len(data), custody)

    def put_pieces(self, pieces: Iterable[bytes], *, media_type: str, lock: Lock | None) -> Stored:
        """Keep bytes that come in pieces, of any total length; they wait in a temporary file."""
        digest = DigestStream()
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.seek(0)
            found, size = digest.finish(), digest.size
            custody = self.put(cast(BinaryIO, file), digest=found, size=size, media_type=media_type, lock=lock)
        return Stored(found, size, custody)

    def read(self, digest: Digest, *, limit: int) -> bytes:
        """The bytes; raises WrongBytes where they are not those that the digest names, NotThere, or TooLarge."""
        data = self._store.read(self._layout.blob(digest), limit=limit)
        _check(digest, Digest.of(data))
        return data

    def stream(self, digest: Digest) -> Iterator[bytes]:
        """The bytes in pieces. Raises WrongBytes after the last piece: until then nothing is proven."""
        found = DigestStream()
        for piece in self._store.stream(self._layout.blob(digest)):
            found.update(piece)
            yield piece
        _check(digest, found.finish())

    def lines(self, digest: Digest) -> Iterator[bytes]:
        """The lines of a JSON Lines blob, without their newlines; proven as by `stream`, after the last one."""
        return split_lines(self.stream(digest), digest)


def split_lines(pieces: Iterable[bytes], name: object) -> Iterator[bytes]:
    """The lines of bytes that come in pieces, without their newlines; `name` is theirs in TooLarge."""
    rest = bytearray()
    for piece in pieces:
        first, *others = piece.split(b"\n")
        rest += first  # in place: a long line in small pieces must not be copied again for each of them
        for following in others:
            yield bytes(rest)
            rest = bytearray(following)
        if len(rest) > MAX_LINE:
            raise TooLarge(f"expected lines of at most {MAX_LINE} bytes in {name}, found a longer one")
    if rest:
        yield bytes(rest)


def _check(expected: Digest, found: Digest) -> None:
    if found != expected:
        raise WrongBytes(f"expected blob {expected}, found bytes with {found}; run `evidence verify`")
