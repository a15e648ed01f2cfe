"""Records that were derived once, in a nameless temporary file: read again without deriving them anew.

Every check reads its kinds' records, and many checks read the same; an account's size must not show in memory. What
lies in the file was derived from stored transcripts, so it holds nothing that was not redacted before.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterable, Iterator
from tempfile import TemporaryFile
from typing import BinaryIO

from evidence_schema.models.transcript import Record

MOST_BYTES = 2 * 1024**3
"""What the file may hold; records beyond it are derived anew each time."""
_BATCH = 64 * 1024
"""Bytes that are written and read at a time; a single record may be larger."""


class KeptRecords:
    """Streams of records by key. Not safe with threads; several streams may be read and kept at the same time."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._file: BinaryIO = TemporaryFile()  # noqa: SIM115 (closed by the finalizer)
        weakref.finalize(self, self._file.close)
        self._size = 0
        self._batches: dict[Hashable, list[tuple[int, int]]] = {}
        """Key -> offset and length of each of its batches."""

    def __contains__(self, key: Hashable) -> bool:
        return key in self._batches

    def read(self, key: Hashable) -> Iterator[Record]:
        """The records kept under the key, in their order."""
        for offset, length in self._batches[key]:
            self._file.seek(offset)
            for line in self._file.read(length).splitlines():
                yield Record.model_validate_json(line)

    def keeping(self, key: Hashable, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the records; once all of them were read, they are kept."""
        batches: list[tuple[int, int]] = []
        lines: list[bytes] = []
        held, fits = 0, True
        for record in records:
            if fits:
                lines.append(record.model_dump_json().encode() + b"\n")
                held += len(lines[-1])
                fits = self._size + held <= self._most
            if held >= _BATCH and fits:
                batches.append(self._append(lines))
                lines, held = [], 0
            yield record
        if fits:
            if lines:
                batches.append(self._append(lines))
            self._batches.setdefault(key, batches)

    def _append(self, lines: list[bytes]) -> tuple[int, int]:
        data = b"".join(lines)
        offset = self._size
        self._file.seek(offset)
        self._file.write(data)
        self._size += len(data)
        return offset, len(data)
