"""What scales by itself, one record for each resource and dimension."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader

STEP = "list"


def scalable_targets(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],  # noqa: ARG001 (no files)
) -> Iterator[Record]:
    """Each target under its resource and dimension: a table has one target for reading and one for writing."""
    for call in calls:
        found = (call.body or {}).get("ScalableTargets")
        for target in found if isinstance(found, list) else ():
            if isinstance(target, dict):
                yield Record(
                    kind=declaration.kind,
                    account=header.unit.account,
                    region=header.unit.region,
                    id=f"{target.get('ResourceId', '')}/{target.get('ScalableDimension', '')}"[:2000],
                    fields={**declaration.default, **target},
                )
