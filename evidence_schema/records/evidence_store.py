"""Records of the evidence store, seen from outside: a sample of its objects, and the months with runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from evidence_schema.layout import Layout
from evidence_schema.models.base import format_time
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.making import record_of

STORE_STEP, RUNS_STEP, SAMPLE_STEP = "stores", "runs", "sample"
RETENTION_STEP, OBJECT_STEP = "retention", "object"
MONTHS_BACK = 120
"""How far back months are told: longer than evidence must be kept anywhere."""
_RUN = re.compile(r"v1/([^/]+)/run/run-(\d{4})(\d{2})\d{2}T[^/]*/")
_LOG = re.compile(r"v1/([^/]+)/")
_LOCK = ("Mode", "RetainUntilDate")
_COUNTED = ("Listed", "OldListed")
Files = Callable[[str], Iterable[bytes]]
Place = tuple[str, ...]


def objects(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001 (content is digested, not kept)
) -> Iterator[Record]:
    """A record a sampled object: where it lies, its lock, the digest that its name claims and that of its bytes."""
    listed: dict[str, dict[Place, dict[str, Any]]] = {}
    unlisted: dict[str, dict[str, Gap]] = {}
    lock: tuple[dict[str, Any], dict[str, Gap]] = {}, {}
    for call in calls:
        if call.step == SAMPLE_STEP:
            _take_listing(listed.setdefault(call.item[1], {}), call)
            if call.error is not None:
                unlisted[call.item[1]] = dict.fromkeys(_COUNTED, _gap(call))
        elif call.step == RETENTION_STEP:
            lock = _lock_of(call)
        elif call.step == OBJECT_STEP:
            fields, gaps = lock
            gaps = {**gaps, **unlisted.get(_log_of(str(call.parameters.get("Key", ""))), {})}
            yield _object(header, declaration, call, listed, fields, gaps)


def months(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001
) -> Iterator[Record]:
    """A record a month and log, newest first, up to the end of the period: how many runs were stored in it."""
    runs: dict[Place, Counter[str]] = {}
    gaps: dict[Place, Gap] = {}
    for call in calls:
        if call.step != RUNS_STEP:
            continue
        found = runs.setdefault(call.item, Counter())
        if call.error is not None:
            gaps[call.item] = _gap(call)
        for prefix in _dicts((call.body or {}).get("CommonPrefixes")):
            if match := _RUN.fullmatch(str(prefix.get("Prefix", ""))):
                found[f"{match[2]}-{match[3]}"] += 1
    for place, found in runs.items():
        bucket, log = place[0], _log_of(place[1])
        unknown = {"Runs": gaps[place]} if place in gaps else {}
        for month, end in _months_before(header.period.end):
            fields = {"Bucket": bucket, "Log": log, "Month": month, "End": format_time(end), "Runs": found[month]}
            yield record_of(header, declaration, f"{bucket}/{log}/{month}", fields, unknown)


def _take_listing(listed: dict[Place, dict[str, Any]], call: Call) -> None:
    for item in _dicts((call.body or {}).get("Versions")):
        listed[_version(call.item[0], item)] = item


def _object(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    call: Call,
    listed: Mapping[str, Mapping[Place, dict[str, Any]]],
    fields: dict[str, Any],
    gaps: dict[str, Gap],
) -> Record:
    place = _version(call.item[0], call.parameters)
    log = _log_of(place[1])
    known = listed.get(log, {})
    start = format_time(header.period.start)
    claimed = Layout(log).blob_digest(place[1])
    said = {
        "Bucket": place[0],
        "Log": log,
        "Key": place[1],
        "VersionId": place[2],
        "ClaimedSha256": claimed.hex if claimed else "",
        "Listed": len(known),
        "OldListed": sum(_modified(item) < start for item in known.values()),
    }
    if modified := _modified(known.get(place, {})):
        said |= {"LastModified": modified, "Old": modified < start}
    if call.error is not None:
        gaps = {**gaps, "Sha256": _gap(call)}
    elif isinstance(digest := look_up(call.body, "Body.sha256"), str):
        said["Sha256"] = digest
    return record_of(header, declaration, "/".join(place), {**said, **fields}, gaps)


def _lock_of(call: Call) -> tuple[dict[str, Any], dict[str, Gap]]:
    """Mode and date; neither where the object has no lock."""
    if call.absent:
        return {}, {}
    if call.error is not None:
        return {}, dict.fromkeys(_LOCK, _gap(call))
    found = look_up(call.body, "Retention")
    return ({name: found[name] for name in _LOCK if name in found} if isinstance(found, dict) else {}), {}


def _months_before(end: datetime) -> Iterator[tuple[str, datetime]]:
    """Months that ended by then, newest first, with the moment at which each ended."""
    ended = end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(MONTHS_BACK):
        last_day = ended - timedelta(days=1)
        yield f"{last_day:%Y-%m}", ended
        ended = last_day.replace(day=1)


def _version(bucket: str, item: Mapping[str, Any]) -> Place:
    return bucket, str(item.get("Key", "")), str(item.get("VersionId", "null"))


def _modified(item: Mapping[str, Any]) -> str:
    return str(item.get("LastModified", ""))


def _log_of(key: str) -> str:
    match = _LOG.match(key)
    return match[1] if match else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _gap(call: Call) -> Gap:
    error = call.error
    if error is None:
        raise ValueError("expected a call with an error")
    return Gap(operation=f"{call.service}:{call.operation}", code=error.code, result=error.result)
