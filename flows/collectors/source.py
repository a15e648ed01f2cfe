"""The kept transcript of another unit, for kinds that ask more about its items (`from:`): no call is repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.names import GatherResult
from evidence_schema.models.transcript import Call, Gap, Input, TranscriptHeader
from evidence_schema.models.unit import Unit
from evidence_schema.records import derive

TranscriptOf = Callable[[Unit], Iterator[bytes] | None]


class SourceUnreadable(Exception):
    """A kept transcript cannot be read back."""


@dataclass(frozen=True)
class SourceItem:
    """An item of the source: its record's id, fields, and what is unknown about it."""

    id: str
    fields: dict[str, Any]
    gaps: dict[str, Gap]


@dataclass(frozen=True)
class Source:
    """A source unit that was gathered; `incomplete` says why items of it may be missing, if so."""

    unit: Unit
    digest: Digest
    result: GatherResult | None
    """Denied, failed or unavailable where its list gave nothing at all."""
    incomplete: str
    _lines: Callable[[], Iterator[bytes]]

    @property
    def as_input(self) -> Input:
        """As it stands in the header of the transcript that builds on it."""
        return Input(kind=self.unit.kind, digest=self.digest)

    def items(self) -> Iterator[SourceItem]:
        """The source's records, streamed."""
        lines = self._lines()
        header = TranscriptHeader.from_canonical(_line(next(lines)))
        for record in derive(header, (Call.from_canonical(_line(line)) for line in lines), _no_files):
            yield SourceItem(record.id, record.fields, record.gaps)


def read_source(unit: Unit, transcript_of: TranscriptOf) -> Source | None:
    """One pass over the kept transcript: its digest, and whether its list was answered; None where there is none."""
    lines = transcript_of(unit)
    if lines is None:
        return None
    digest, answered, errors = DigestStream(), 0, []
    try:
        for number, line in enumerate(lines):
            digest.update(_line(line) + b"\n")
            call = Call.from_canonical(_line(line)) if number else None
            if call is not None and call.step in ("start", "poll", "list"):
                answered += call.succeeded
                errors += [] if call.succeeded else [call]
    except (EvidenceSchemaError, ValueError) as error:
        raise SourceUnreadable(f"expected a transcript of {unit}, found: {error}") from error

    def again() -> Iterator[bytes]:
        found = transcript_of(unit)
        if found is None:
            raise SourceUnreadable(f"expected the transcript of {unit} again, found none")
        return found

    return Source(unit, digest.finish(), _result(answered, errors), _incomplete(unit, errors), again)


def _result(answered: int, errors: list[Call]) -> GatherResult | None:
    if answered or not errors:
        return None
    results = {call.error.result for call in errors if call.error}
    return GatherResult(results.pop()) if len(results) == 1 else GatherResult.FAILED


def _incomplete(unit: Unit, errors: list[Call]) -> str:
    if not errors or errors[0].error is None:
        return ""
    first = errors[0]
    return (
        f"its source {unit.kind} is incomplete: {first.service}:{first.operation} "
        f"{errors[0].error.result} ({errors[0].error.code})"
    )


def _line(line: bytes) -> bytes:
    return line.rstrip(b"\n")


def _no_files(name: str) -> Iterable[bytes]:
    raise SourceUnreadable(f"expected a source that needs no file of its own, found one that opens {name!r}")
