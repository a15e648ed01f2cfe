"""Writes a transcript: a header, then one canonical line a call."""

from __future__ import annotations

from evidence_schema.canonical import MAX_BYTES
from evidence_schema.models.transcript import TRANSCRIPT_MEDIA_TYPE, Call, TranscriptHeader
from flows.collectors.spool import Spool, Spooled

TRANSCRIPT_NAME = "transcript.jsonl"


class LineTooLong(ValueError):
    """An answer is larger than readers of transcripts accept."""


class TranscriptWriter:
    """Lines into a spool, numbered."""

    def __init__(self, header: TranscriptHeader, *, memory: int) -> None:
        self._spool = Spool(TRANSCRIPT_NAME, TRANSCRIPT_MEDIA_TYPE, memory=memory)
        self._spool.write(header.canonical() + b"\n")
        self.next_seq = 0

    def write(self, call: Call) -> None:
        """Append a call, which must carry `next_seq`; raises LineTooLong or NotCanonical, and then wrote nothing."""
        line = call.canonical()
        if len(line) > MAX_BYTES:
            raise LineTooLong(f"expected an answer of at most {MAX_BYTES} bytes, found {len(line)}")
        self._spool.write(line + b"\n")
        self.next_seq += 1

    def finish(self) -> Spooled:
        """No more calls."""
        return self._spool.finish()

    def discard(self) -> None:
        """Forget it."""
        self._spool.discard()
