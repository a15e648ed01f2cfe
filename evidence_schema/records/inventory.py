"""Whether an inventory is whole: which regions answered with how much, and whether a bounded search found all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import declared, gap_of

Files = Callable[[str], Iterable[bytes]]


def counted_regions(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """One record: the region, and how many resources it answered with; unknown where a page did not come."""
    seen = _Seen(calls)
    found = sum(1 for _ in declared(header, KindDeclaration.model_validate(header.declaration), iter(seen), files))
    yield from _of_region(header, declaration, seen, {"Resources": found})


def searches(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001 (a declared kind keeps no files)
) -> Iterator[Record]:
    """One record: how many resources match, and whether the search gave them all."""
    seen = _Seen(calls)
    counts = [look_up(call.body, "Count") for call in seen if call.body is not None]
    told = [count for count in counts if isinstance(count, dict)]
    if seen.answered and not told:
        seen.gap = Gap(operation="resource-explorer-2:Search", code="NoCount", result="failed")
    fields: dict[str, Any] = {
        "Found": max((count.get("TotalResources", 0) for count in told), default=0),
        "Complete": all(count.get("Complete") is True for count in told),
    }
    yield from _of_region(header, declaration, seen, fields)


class _Seen:
    """Passes calls on and remembers whether they answered."""

    def __init__(self, calls: Iterator[Call]) -> None:
        self._calls = calls
        self.answered = False
        self.gap: Gap | None = None

    def __iter__(self) -> Iterator[Call]:
        for call in self._calls:
            self.answered = self.answered or call.body is not None
            if call.error is not None and not call.absent:
                self.gap = gap_of(call)
            yield call


def _of_region(
    header: TranscriptHeader, view: KindDeclaration, seen: _Seen, fields: dict[str, Any]
) -> Iterator[Record]:
    """Nothing of a region that did not answer at all; where it did not answer to the end, nothing is known."""
    if not seen.answered:
        return
    yield Record(
        kind=view.kind,
        account=header.unit.account,
        region=header.unit.region,
        id=header.unit.region,
        fields={} if seen.gap else fields,
        gaps=dict.fromkeys(fields, seen.gap) if seen.gap else {},
    )
