"""CloudTrail's log files of the period, read where they lie and left there: counted whole, extracted in part.

The original files are named by key, version, size and digest; the extract holds a line a file and a line for each
event that an auditor asks about. Everything streams: a file of any size is read in bounded memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from botocore.exceptions import BotoCoreError

from evidence_schema.canonical import canonical_bytes
from evidence_schema.errors import NotCanonical
from evidence_schema.models.base import format_time, parse_time
from evidence_schema.models.receipt import CallProblem
from evidence_schema.models.unit import Period
from evidence_schema.records.cloudtrail import EXTRACT_MEDIA_TYPE, FILE_NAME, LIST_STEP, OBJECT_STEP
from flows.collectors.aws.calls import Answer, Ask, Streamed
from flows.collectors.aws.modules.data_access import DataAccess
from flows.collectors.aws.modules.log_reader import Bounds, LogReader, UnreadableFile
from flows.collectors.aws.modules.trail_events import reasons_for, source_of
from flows.collectors.aws.modules.trails import Trail, choose_trail, listing_days, may_hold
from flows.collectors.aws.paging import pages
from flows.collectors.aws.work import Work
from flows.collectors.plain import TooDeep, plain
from flows.collectors.redaction import Redactor
from flows.collectors.spool import Spool

BOUNDS = Bounds()
_CHUNK = 256 * 1024
_MOST_SOURCES = 1000
_ORGANISATION = re.compile(r"/(o-[a-z0-9]{10,32})/$")


def gather(work: Work) -> None:
    """List the period's files day by day, read each, write the extract."""
    if work.source is None:
        raise ValueError("expected the trails as source, found none")
    trail = choose_trail((item.fields for item in work.source.items()), work.scope.region)
    extract = work.new_file(FILE_NAME, EXTRACT_MEDIA_TYPE)
    try:
        if trail is None:
            work.tally.remark = f"no trail records {work.scope.region}: there is no log file to read"
        else:
            _write(extract, {"type": "trail", "arn": trail.arn, "bucket": trail.bucket, "prefix": trail.prefix})
            _Reading(work, trail, extract).all_days()
    finally:
        work.keep(extract)


@dataclass
class _Counts:
    """What was counted in one file."""

    events: int = 0
    by_source: Counter[str] = field(default_factory=Counter)
    by_day: Counter[str] = field(default_factory=Counter)
    privileged: Counter[str] = field(default_factory=Counter)
    """By day, counted beside what is written to the extract: the two are compared later."""
    access: DataAccess = field(default_factory=DataAccess)
    first: str = ""
    last: str = ""

    def take(self, event: dict[str, Any], moment: datetime | None, period: Period) -> bool:
        """Count an event; answers whether it lies in the period."""
        self.events += 1
        source = source_of(event)
        known = source in self.by_source or len(self.by_source) < _MOST_SOURCES
        self.by_source[source if known else "(others)"] += 1
        if moment is None:
            return False
        text = format_time(moment)
        self.first, self.last = min(self.first or text, text), max(self.last, text)
        inside = period.start <= moment < period.end
        if inside:
            self.by_day[text[:10]] += 1
        return inside

    def as_line(self) -> dict[str, Any]:
        line = {
            "events": self.events,
            "in_period": sum(self.by_day.values()),
            "by_source": dict(self.by_source),
            "by_day": dict(self.by_day),
            "privileged": dict(self.privileged),
        }
        return line | ({"first": self.first, "last": self.last} if self.first else {})


@dataclass
class _Reading:
    work: Work
    trail: Trail
    extract: Spool
    redactor: Redactor = field(default_factory=Redactor)
    organisation_id: str = ""

    def all_days(self) -> None:
        if self.trail.organisation and not self._find_organisation():
            return
        for day, only_late in listing_days(self.work.scope.period):
            for found in self._files_of(day, only_late=only_late):
                self._read(day, found)

    def _find_organisation(self) -> bool:
        """An organisation's trail files everything under its id, which only the bucket itself tells."""
        parameters = {"Bucket": self.trail.bucket, "Prefix": self.trail.base(), "Delimiter": "/"}
        ask = Ask("organisation", "s3", "ListObjectsV2", parameters, (self.trail.arn,), primary=True)
        answer = self.work.caller.ask(ask)
        folders = answer.plain.get("CommonPrefixes", [])
        found = [match[1] for folder in folders if (match := _ORGANISATION.search("/" + str(folder.get("Prefix", ""))))]
        if len(found) == 1:
            self.organisation_id = found[0]
        elif answer.has_body:
            self.work.caller.note_failure(ask, "OrganisationUnknown", f"expected one organisation, found {len(found)}")
        return len(found) == 1

    def _files_of(self, day: date, *, only_late: bool) -> Iterator[dict[str, Any]]:
        """The day's files that can hold events of the period, page by page."""
        work = self.work
        prefix = self.trail.day_prefix(work.unit.account, work.scope.region, day, self.organisation_id)
        if only_late:
            prefix += f"{work.unit.account}_CloudTrail_{work.scope.region}_{day:%Y%m%d}T0"
        item = (self.trail.arn, day.isoformat())

        def ask(parameters: dict[str, Any], page: int) -> Answer:
            return work.caller.ask(Ask(LIST_STEP, "s3", "ListObjectsV2", parameters, item, page, primary=True))

        def fail(page: int, code: str, why: str) -> Answer:
            return work.caller.note_failure(
                Ask(LIST_STEP, "s3", "ListObjectsV2", {}, item, page, primary=True), code, why
            )

        config = work.paginator("s3", "ListObjectsV2")
        for answer in pages(ask, fail, {"Bucket": self.trail.bucket, "Prefix": prefix}, config):
            work.tally.pages += answer.has_body
            for found in answer.plain.get("Contents", []):
                if may_hold(str(found["Key"]), work.scope.period):
                    yield found

    def _read(self, day: date, found: dict[str, Any]) -> None:
        key = str(found["Key"])
        shown = self.redactor.text(key)
        line: dict[str, Any] = {"type": "file", "key": shown, "day": day.isoformat()}
        ask = Ask(OBJECT_STEP, "s3", "GetObject", {"Bucket": self.trail.bucket, "Key": key}, (self.trail.arn, shown))
        got = self.work.caller.stream(ask)
        self.work.tally.returned += 1
        if isinstance(got, Answer):
            error = got.call.error
            line |= {"error": error.code if error else "NotRead", "result": error.result if error else "failed"}
        else:
            line |= self._read_content(got)
        _write(self.extract, self.redactor.answer("cloudtrail:file", line).value)
        self.work.tally.kept += 1

    def _read_content(self, got: Streamed) -> dict[str, Any]:
        reader, counts = LogReader(_pieces(got.parsed["Body"]), BOUNDS), _Counts()
        fault = broken = ""
        try:
            for event in reader.events():
                self._take(event, counts)
            reader.drain()
        except UnreadableFile as error:
            fault, broken = error.code, self._drained(reader)
        except BotoCoreError as error:  # the connection broke, or the checksum differs
            broken = type(error).__name__
        finally:
            got.parsed["Body"].close()
        self.work.caller.finish_stream(got, "Body", reader.size, reader.digest, fault=broken)
        for access in counts.access.lines():
            _write(self.extract, self.redactor.answer("cloudtrail:event", access).value)
        if broken:
            return {"error": broken, "result": "failed"}
        line = {"sha256": reader.digest.hex, "bytes": reader.size}
        if "VersionId" in got.parsed:
            line["version_id"] = str(got.parsed["VersionId"])
        if fault:
            self._note_unreadable(fault)
            return line | {"error": fault, "result": "failed"}
        return line | counts.as_line()

    def _drained(self, reader: LogReader) -> str:
        try:
            reader.drain()
        except UnreadableFile:
            return "TooLarge"
        except BotoCoreError as error:
            return type(error).__name__
        return ""

    def _note_unreadable(self, fault: str) -> None:
        """The object was fetched, but tells nothing: as much a gap as a denied call."""
        self.work.tally.problem(
            CallProblem(service="s3", operation="GetObject", step=OBJECT_STEP, result="failed", code=fault, status=200)
        )

    def _take(self, event: dict[str, Any], counts: _Counts) -> None:
        inside = counts.take(event, _moment(event), self.work.scope.period)
        reasons = reasons_for(event) if inside else ()
        if inside:
            counts.access.take(event)
            day = str(event.get("eventTime", ""))[:10]
            counts.privileged[day] += "privileged" in reasons
        if not reasons:
            return
        try:
            redacted = self.redactor.answer("cloudtrail:event", plain(event))
            _write(self.extract, {"type": "event", "reasons": list(reasons), "event": redacted.value})
        except (TooDeep, NotCanonical) as error:
            raise UnreadableFile("NotStorable", str(error)) from error
        self.work.tally.cut(redacted.counted)


def _moment(event: dict[str, Any]) -> datetime | None:
    try:
        return parse_time(event.get("eventTime"))
    except ValueError:
        return None


def _pieces(body: Any) -> Iterator[bytes]:
    while piece := body.read(_CHUNK):
        yield piece


def _write(extract: Spool, line: dict[str, Any]) -> None:
    extract.write(canonical_bytes(line) + b"\n")
