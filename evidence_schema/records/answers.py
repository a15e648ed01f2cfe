"""What a unit asked, and the names of the fields that were answered: proof of what was not taken along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader


def answers(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],  # noqa: ARG001 (names of fields stand in the calls)
) -> Iterator[Record]:
    """One record for the unit, also where a call failed: what was asked is known of every call."""
    operations: set[str] = set()
    names: set[str] = set()
    for call in calls:
        operations.add(f"{call.service}:{call.operation}")
        names.update(_names_in(call.body))
    yield Record(
        kind=declaration.kind,
        account=header.unit.account,
        region=header.unit.region,
        id=header.unit.region,
        fields={"Operations": sorted(operations), "Fields": sorted(names)},
    )


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _names_in(member)
    elif isinstance(value, list):
        for item in value:
            yield from _names_in(item)
