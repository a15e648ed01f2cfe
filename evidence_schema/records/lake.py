"""Records of a second source of CloudTrail's events: the rows of a query in CloudTrail Lake, and their counts by day.

A row becomes the event that it was selected from, so that the same predicates read it as read the log files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from evidence_schema.models.base import parse_time
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.cloudtrail import COMPARED, actor_of, common_of, compared_as, days_of, principal_of
from evidence_schema.records.making import moment_of, record_of, text_of

STORE_STEP, START_STEP, RESULT_STEP = "store", "start", "results"
SETTLED_AFTER = timedelta(hours=3)
"""CloudTrail delivers within minutes; a day that ended this long ago is whole in every source that keeps it."""
COLUMNS: Mapping[str, str] = MappingProxyType({
    "eventID": "eventID", "eventTime": "eventTime", "eventName": "eventName", "eventSource": "eventSource",
    "eventType": "eventType", "awsRegion": "awsRegion", "readOnly": "readOnly", "errorCode": "errorCode",
    "sourceIPAddress": "sourceIPAddress", "userType": "userIdentity.type", "userName": "userIdentity.userName",
    "userArn": "userIdentity.arn", "principalId": "userIdentity.principalId", "invokedBy": "userIdentity.invokedBy",
    "issuerArn": "userIdentity.sessionContext.sessionIssuer.arn",
    "signInResult": "responseElements.ConsoleLogin", "mfaUsed": "additionalEventData.MFAUsed",
})  # fmt: skip
"""Column of the declared query -> where its value stands in an event."""
Files = Callable[[str], Iterable[bytes]]


def lake_events(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001 (all stands in the calls)
) -> Iterator[Record]:
    """A record for each event that a store gave, under the names that records of log files have."""
    for store in _stores(calls):
        for event in store.events:
            fields = common_of(event) | {
                "Store": store.arn, "Principal": principal_of(event), "Actor": actor_of(event),
                "ErrorCode": text_of(event, "errorCode"), "UserType": _text_at(event, "userIdentity.type"),
                "SignInResult": _text_at(event, "responseElements.ConsoleLogin"),
                "MFAUsed": _text_at(event, "additionalEventData.MFAUsed"), "CountedAs": compared_as(event),
            }  # fmt: skip
            yield record_of(header, declaration, f"{store.name}/{fields['EventId']}", fields)


def lake_days(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001
) -> Iterator[Record]:
    """A record for each store and settled day of the period: its counts by region, and whether it keeps that day whole,
    so that a region without a count had none.
    """
    for store in _stores(calls):
        if store.asked is None or store.failed:
            continue
        counts = _counted(store.events)
        for day in settled_days(days_of(header.period), store.asked):
            fields: dict[str, Any] = {name: dict(counts.get((day, name), {})) for name in COMPARED}
            fields |= {"Day": day, "Store": store.arn, "MultiRegion": store.body.get("MultiRegionEnabled") is True}
            fields |= {"Whole": _keeps_whole(store.body, day, store.asked)}
            yield record_of(header, declaration, f"{store.name}/{day}", fields)


def trail_days(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001
) -> Iterator[Record]:
    """A record for each settled day of the period: how many events Athena counted in it, by region."""
    asked, counts = None, dict[str, dict[str, int]]()
    for call in calls:
        if call.step == "start" and call.error is None:
            asked = call.source_date or call.started
        if call.step == "list" and call.error is None:
            for day, region, events in _athena_rows(call):
                counts.setdefault(day, {})[region] = events
    for day in settled_days(days_of(header.period), asked) if asked is not None else ():
        yield record_of(header, declaration, day, {"Day": day, "Events": counts.get(day, {})})


def settled_days(days: Iterable[str], asked: datetime) -> list[str]:
    """Those that had ended long enough before the question for all sources to hold them."""
    return [day for day in days if _begin(day) + timedelta(days=1) + SETTLED_AFTER <= asked]


@dataclass
class _Store:
    """What was asked of one event data store, and answered."""

    arn: str
    body: Mapping[str, Any]
    asked: datetime | None = None
    failed: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]


def _stores(calls: Iterator[Call]) -> Iterator[_Store]:
    """One store after the other, as they were asked: memory holds the rows of one."""
    store: _Store | None = None
    for call in calls:
        if call.step == STORE_STEP:
            if store is not None:
                yield store
            store = _Store(call.item[0] if call.item else "", call.body or {})
        elif store is not None:
            store.failed |= call.error is not None
            if call.step == START_STEP and call.error is None:
                store.asked = call.source_date or call.started
            if call.step == RESULT_STEP:
                store.events += [_event_of(row) for row in _rows(call)]
    if store is not None:
        yield store


def _rows(call: Call) -> Iterator[dict[str, str]]:
    """A row comes as a list of objects with one column each."""
    rows = (call.body or {}).get("QueryResultRows")
    for row in rows if isinstance(rows, list) else ():
        cells = [cell for cell in row if isinstance(cell, dict)] if isinstance(row, list) else []
        yield {name: value for cell in cells for name, value in cell.items() if isinstance(value, str) and value}


def _event_of(row: Mapping[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    given = {name.lower(): value for name, value in row.items()}  # SQL does not tell names apart by case
    for column, path in COLUMNS.items():
        if column.lower() in given:
            *around, last = path.split(".")
            place = event
            for name in around:
                place = place.setdefault(name, {})
            value = given[column.lower()]
            place[last] = value == "true" if column == "readOnly" else value
    return event


def _counted(events: Iterable[dict[str, Any]]) -> dict[tuple[str, str], dict[str, int]]:
    """(day, count) -> region -> how many different events."""
    seen: dict[tuple[str, str], dict[str, set[str]]] = {}
    for event in events:
        day, region = text_of(event, "eventTime")[:10], text_of(event, "awsRegion")
        for name in compared_as(event):
            seen.setdefault((day, name), {}).setdefault(region, set()).add(text_of(event, "eventID"))
    return {key: {region: len(ids) for region, ids in found.items()} for key, found in seen.items()}


def _keeps_whole(body: Mapping[str, Any], day: str, asked: datetime) -> bool:
    """All management events of the day: chosen without further conditions, since before it began, and not yet expired.
    A store that was changed later may have kept less before: what it kept then is not known.
    """
    changes = [moment_of(body.get(name)) for name in ("CreatedTimestamp", "UpdatedTimestamp") if name in body]
    kept = body.get("RetentionPeriod")
    begin = _begin(day)
    return (
        body.get("Status") == "ENABLED"
        and bool(changes)
        and all(changed is not None and changed <= begin for changed in changes)
        and isinstance(kept, int)
        and asked - begin < timedelta(days=kept)
        and any(_chooses_all_management(selector) for selector in body.get("AdvancedEventSelectors") or [])
    )


def _chooses_all_management(selector: Any) -> bool:
    chosen = selector.get("FieldSelectors") if isinstance(selector, dict) else None
    return chosen == [{"Field": "eventCategory", "Equals": ["Management"]}]


def _athena_rows(call: Call) -> Iterator[tuple[str, str, int]]:
    """Day, region and count; the row of the columns' names, which comes first, holds no number."""
    rows = look_up(call.body or {}, "ResultSet.Rows")
    for row in rows if isinstance(rows, list) else ():
        cells = row.get("Data") if isinstance(row, dict) else None
        texts = [text_of(cell, "VarCharValue") for cell in cells if isinstance(cell, dict)] if cells else []
        if len(texts) == 3 and texts[2].isascii() and texts[2].isdecimal() and len(texts[2]) <= 15:
            yield texts[0], texts[1], int(texts[2])


def _text_at(event: dict[str, Any], path: str) -> str:
    found = look_up(event, path)
    return found if isinstance(found, str) else ""


def _begin(day: str) -> datetime:
    return parse_time(f"{day}T00:00:00Z")
