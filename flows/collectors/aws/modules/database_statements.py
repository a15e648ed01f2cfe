"""Privileged statements in the logs that databases export: found by word, kept without their words.

A statement's text can hold a password or a patient's data, so the text is read in memory only: the transcript holds the
answers without it, and the extract who made it, when, and with which verb.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from evidence_schema.canonical import canonical_bytes
from evidence_schema.models.base import format_time
from evidence_schema.records.statements import FILE_NAME, MEDIA_TYPE
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.paging import pages
from flows.collectors.aws.work import Work
from flows.collectors.redaction import Redactor
from flows.collectors.spool import Spool

_STEP = "statements"
_REDACTOR = Redactor()
_GROUP = re.compile(r"^/aws/(rds/instance|rds/cluster|redshift/cluster)/([^/]+)/([^/]+)$")
AUDIT_LOGS = ("audit", "postgresql", "useractivitylog")
"""The last part of the names of log groups in which engines write who did what."""
WORDS = ("GRANT", "REVOKE", "CREATE", "ALTER", "DROP", "TRUNCATE")
PATTERN = " ".join(f"?{word}" for upper in WORDS for word in (upper, upper.lower()))
"""CloudWatch's own filter: any of these words. What it returns is looked at again."""
_OBJECTS = "USER|ROLE|LOGIN|GROUP|DATABASE|SCHEMA|TABLE|VIEW|FUNCTION|PROCEDURE|EXTENSION|POLICY|SYSTEM|DEFAULT"
_VERB = re.compile(
    rf"(?<![A-Z0-9_])(?:(GRANT|REVOKE|TRUNCATE)|((?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:{_OBJECTS})))(?![A-Z0-9_])",
    re.IGNORECASE,
)
_WHO = (
    re.compile(r":([^:@\s]{1,128})@[^:\s]*:\[\d+\]:"),  # PostgreSQL's prefix on RDS: time:host:user@database:[pid]:
    re.compile(r"\[ db=\S* user=(\S{1,128}) pid="),  # Redshift's user activity log
    re.compile(r"^(?:\d{8} [\d:]{8}|\d{10,20}),[^,]*,([^,\s]{1,128}),"),  # the audit plugin: time,server,user,host,...
)


@dataclass(frozen=True)
class Log:
    """A log group that a database writes to."""

    group: str
    holder: str
    database: str
    name: str

    def line(self) -> dict[str, Any]:
        return {
            "type": "log", "group": self.group, "holder": self.holder, "database": self.database, "log": self.name,
        }  # fmt: skip


def gather(work: Work) -> None:
    """Search each audit log of the region's databases for the period; write the extract."""
    if work.source is None:
        raise ValueError("expected the log groups as source, found none")
    extract = work.new_file(FILE_NAME, MEDIA_TYPE)
    try:
        for item in work.source.items():
            log = log_of(item.id)
            if log is not None:
                _search(work, log, extract)
    finally:
        work.keep(extract)


def log_of(group: str) -> Log | None:
    """What a log group's name says, where it is a database's audit log."""
    found = _GROUP.match(group)
    if found is None or found[3] not in AUDIT_LOGS:
        return None
    return Log(group, found[1], found[2], found[3])


def verb_of(message: str) -> str:
    """The first words of a privileged statement in a line of a log; empty where there is none."""
    found = _VERB.search(message)
    return " ".join(found[0].upper().split()) if found else ""


def principal_of(message: str) -> str:
    """Who made the statement, by the forms in which RDS and Redshift write it."""
    return next((found[1] for form in _WHO if (found := form.search(message))), "(unknown)")


def _search(work: Work, log: Log, extract: Spool) -> None:
    line, count = log.line(), 0
    for answer in _pages(work, log):
        work.tally.pages += answer.has_body
        if answer.call.error is not None:
            line |= {"error": answer.call.error.code, "result": answer.call.error.result}
        for event in answer.plain.get("events", []):
            count += _take(log, event, extract)
    _write(extract, line | {"statements": count})
    work.tally.returned += 1
    work.tally.kept += 1


def _take(log: Log, event: Mapping[str, Any], extract: Spool) -> bool:
    message = str(event.get("message", ""))
    verb = verb_of(message)
    if not verb:
        return False
    at = datetime.fromtimestamp(int(event.get("timestamp", 0)) / 1000, UTC)
    _write(extract, {
        "type": "statement", "group": log.group, "database": log.database, "id": str(event.get("eventId", "")),
        "at": format_time(at), "verb": verb, "principal": principal_of(message),
    })  # fmt: skip
    return True


def _pages(work: Work, log: Log) -> Iterator[Answer]:
    period = work.scope.period

    def asked(parameters: Mapping[str, Any], page: int) -> Ask:
        return Ask(_STEP, "logs", "FilterLogEvents", parameters, (log.group,), page, primary=True)

    def ask(parameters: dict[str, Any], page: int) -> Answer:
        return work.caller.ask(asked(parameters, page))

    def fail(page: int, code: str, why: str) -> Answer:
        return work.caller.note_failure(asked({}, page), code, why)

    parameters = {
        "logGroupName": log.group,
        "startTime": _milliseconds(period.start),
        "endTime": _milliseconds(period.end - timedelta(milliseconds=1)),
        "filterPattern": PATTERN,
    }
    return pages(ask, fail, parameters, work.paginator("logs", "FilterLogEvents"))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _write(extract: Spool, line: Mapping[str, Any]) -> None:
    extract.write(canonical_bytes(_REDACTOR.answer("logs:statement", dict(line)).value) + b"\n")
