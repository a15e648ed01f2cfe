"""Records of the configuration history of resources: when each changed, and by which event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.paths import look_up

QUERY_STEP, HISTORY_STEP = "list", "history"
_KEPT = (
    ("resourceType", "ResourceType"), ("resourceId", "ResourceId"), ("resourceName", "ResourceName"),
    ("configurationItemCaptureTime", "CapturedAt"), ("configurationItemStatus", "Status"),
    ("relatedEvents", "RelatedEvents"),
)  # fmt: skip
_ID_LENGTH = 2000


def config_changes(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],  # noqa: ARG001
) -> Iterator[Record]:
    """A record a configuration item: one for each change of a resource in the period."""
    for call in calls:
        items = look_up(call.body, "configurationItems") if call.step == HISTORY_STEP and call.body else None
        for item in items if isinstance(items, list) else ():
            fields = {ours: item[theirs] for theirs, ours in _KEPT if theirs in item}
            named = (str(fields.get(name, "")) for name in ("ResourceType", "ResourceId", "CapturedAt"))
            yield Record(
                kind=declaration.kind,
                account=header.unit.account,
                region=header.unit.region,
                id="/".join(named)[:_ID_LENGTH],
                fields={**declaration.default, **fields},
                gaps={},
            )
