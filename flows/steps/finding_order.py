"""Findings in the order of their file, in bounded memory: what is more than a few is sorted in a temporary file."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import pairwise
from tempfile import TemporaryFile
from typing import BinaryIO

from evidence_schema.models.finding import Finding

HELD = 1_000
"""Findings that are held at a time; each takes a few kilobytes."""
_PIECE = 4 * 1024
"""Bytes of each sorted run that are held while runs are merged."""


def in_order(findings: Iterable[Finding], held: int = HELD) -> Iterator[Finding]:
    """What `sorted(findings, key=...)` gives by their sort key, findings with equal keys in the order they came."""
    last: list[Finding] = []
    with TemporaryFile() as file:
        ends = [0]
        for finding in findings:
            if len(last) == held:
                ends.append(_write(file, last))
                last = []
            last.append(finding)
        last.sort(key=_key)
        runs = [_read(file, start, end) for start, end in pairwise(ends)]
        yield from heapq.merge(*runs, last, key=_key)


def _key(finding: Finding) -> tuple[str, ...]:
    return finding.sort_key


def _write(file: BinaryIO, run: list[Finding]) -> int:
    """Append a sorted run; where it ends."""
    run.sort(key=_key)
    file.writelines(finding.model_dump_json(exclude_none=True).encode() + b"\n" for finding in run)
    return file.tell()


def _read(file: BinaryIO, start: int, end: int) -> Iterator[Finding]:
    rest = b""
    while start < end:
        file.seek(start)
        piece = file.read(min(_PIECE, end - start))
        start += len(piece)
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield Finding.model_validate_json(line)
