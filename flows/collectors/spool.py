"""Temporary bytes on their way to the vault: in memory while small, in a nameless file when large.

Only redacted bytes are written to a spool, so nothing secret ever touches a disk.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from evidence_schema.digest import Digest, DigestStream
from flows.collectors.errors import NotSpooled

SMALL = 128 * 1024


class Spool:
    """A spool being written; its digest is computed as bytes pass by."""

    def __init__(self, name: str, media_type: str, *, memory: int = SMALL) -> None:
        self._name = name
        self._media_type = media_type
        # Closed by whoever finishes with the spool: its life is longer than any block here.
        self._file: Any = tempfile.SpooledTemporaryFile(max_size=memory)  # noqa: SIM115
        self._digest = DigestStream()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._digest.size

    def write(self, data: bytes) -> None:
        """Append redacted bytes."""
        self._file.write(data)
        self._digest.update(data)

    def finish(self) -> Spooled:
        """No more is written; from now on it is read."""
        return Spooled(
            name=self._name,
            media_type=self._media_type,
            digest=self._digest.finish(),
            size=self._digest.size,
            _file=self._file,
        )

    def discard(self) -> None:
        """Forget the bytes."""
        self._file.close()


@dataclass(frozen=True)
class Spooled:
    """A finished spool: may be opened as often as needed until it is closed."""

    name: str
    media_type: str
    digest: Digest
    size: int
    _file: Any = field(repr=False, compare=False)

    def open(self) -> BinaryIO:
        """A fresh stream from the first byte; closing it leaves the spool open."""
        if self._file.closed:
            raise NotSpooled(f"expected the open spool {self.name!r}, found it closed")
        return io.BufferedReader(_View(self._file), 64 * 1024)

    def close(self) -> None:
        """Forget the bytes."""
        self._file.close()


class _View(io.RawIOBase):
    """Reads a shared file from a position of its own."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._shared = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Whoever stores a spool asks for its length first, and may have to send it twice."""
        if whence == io.SEEK_SET:
            self._at = offset
        elif whence == io.SEEK_CUR:
            self._at += offset
        else:
            self._at = self._shared.seek(offset, io.SEEK_END)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._shared.seek(self._at)
        piece = self._shared.read(len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
