"""Records of the extract of CloudTrail's log files: files, days, sign-ins, root's doings.

The extract is JSON Lines, each canonical, written by the collector in the order in which it read the files: a line
`{"type": "file", ...}` after the `{"type": "event", ...}` lines of the events it picked from that file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.models.unit import Period
from evidence_schema.paths import look_up
from evidence_schema.records.changes import is_change, is_deployment, is_root, is_sign_in
from evidence_schema.records.making import gap_of, lines_of, record_of

FILE_NAME = "extract.jsonl"
EXTRACT_MEDIA_TYPE = "application/vnd.evidence.cloudtrail-extract+jsonl"
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
LIST_STEP, OBJECT_STEP = "list", "object"
_FILE_FIELDS = (
    ("version_id", "VersionId"), ("sha256", "Sha256"), ("bytes", "Bytes"), ("events", "Events"),
    ("in_period", "InPeriod"), ("by_source", "BySource"), ("first", "First"), ("last", "Last"), ("error", "Error"),
)  # fmt: skip
COMPARED: Mapping[str, str] = MappingProxyType({
    "AccessChanges": "privileged", "SignIns": "sign_in", "RootEvents": "root",
})  # fmt: skip
"""Counts of management events that a second source can be held against, with the reason for which each was taken."""
_DAY_COUNTS = ("Files", "Events", "Privileged", "PrivilegedKept", *COMPARED)
_COUNTED = ("Events", "InPeriod", "BySource", "First", "Last", "Sha256")
_IDENTITY_SOURCES = frozenset({
    "iam.amazonaws.com", "sso.amazonaws.com", "identitystore.amazonaws.com", "sso-directory.amazonaws.com",
})  # fmt: skip
_GRANTING_VERBS = (
    "Create", "Attach", "Put", "Add", "Set", "Enable", "UpdateAssumeRolePolicy", "UpdateAccessKey",
    "UpdateLoginProfile", "UploadSigningCertificate", "UploadSSHPublicKey", "ChangePassword", "ProvisionPermissionSet",
    "ResetServiceSpecific",
)  # fmt: skip
_TAKING_VERBS = ("Delete", "Detach", "Remove", "Deactivate", "Disable", "Update")
_ACCESS_VERBS = (*_GRANTING_VERBS, *_TAKING_VERBS)
Files = Callable[[str], Iterable[bytes]]


def days_of(period: Period) -> list[str]:
    """The days that a period touches, `YYYY-MM-DD`."""
    first, last = period.start.date(), (period.end - timedelta(seconds=1)).date()
    return [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]


def log_files(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001 (a file's own line says all)
    files: Files,
) -> Iterator[Record]:
    """A record a log file: name, version, digest, and what was counted in it."""
    for line in lines_of(files(FILE_NAME)):
        if line.get("type") == "file":
            fields = {ours: line[theirs] for theirs, ours in _FILE_FIELDS if theirs in line}
            fields |= {"Key": str(line.get("key", "")), "Day": str(line.get("day", ""))}
            gaps = dict.fromkeys(_COUNTED, gap_of(line, "s3:GetObject")) if "error" in line else {}
            yield record_of(header, declaration, fields["Key"], fields, gaps)


def log_days(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record a day of the period that had begun when the logs were read, also where a day has no file."""
    days = {day: _Day() for day in days_of(header.period)}
    asked = _take_listings(days, calls)
    for line in lines_of(files(FILE_NAME)):
        if line.get("type") == "file":
            _take_file(days, line)
        elif line.get("type") == "event":
            _take_event(days, line)
    for day, found in days.items():
        if asked is not None and day > asked.date().isoformat():
            continue
        fields = {"Day": day, "Files": found.files, "Events": found.events}
        fields |= {"Privileged": found.privileged, "PrivilegedKept": found.privileged_kept}
        fields |= {name: len(found.compared[name]) for name in COMPARED}
        yield record_of(header, declaration, day, fields, dict.fromkeys(_DAY_COUNTS, found.gap) if found.gap else {})


def sign_in_days(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """Failed console sign-ins, a record for each day and principal; by source address where the name is hidden."""
    failed: dict[tuple[str, str, bool], int] = {}
    for event in _events(files, "sign_in"):
        if event.get("eventName") == "ConsoleLogin" and _sign_in_result(event) == "Failure":
            name = principal_of(event)
            hidden = name == HIDDEN
            key = (_text(event, "eventTime")[:10], _text(event, "sourceIPAddress") if hidden else name, hidden)
            failed[key] = failed.get(key, 0) + 1
    for (day, who, hidden), count in sorted(failed.items()):
        fields = {"Day": day, "Principal": HIDDEN if hidden else who, "Failed": count, "Hidden": hidden}
        fields |= {"SourceAddress": who} if hidden else {}
        yield record_of(header, declaration, f"{day}/{who}", fields, {})


def sign_ins(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """Successful console sign-ins."""
    for event in _events(files, "sign_in"):
        if event.get("eventName") == "ConsoleLogin" and _sign_in_result(event) == "Success":
            fields = common_of(event) | {
                "UserType": _text(event, "userIdentity.type"),
                "Principal": principal_of(event),
                "MFAUsed": _text(event, "additionalEventData.MFAUsed"),
            }
            yield record_of(header, declaration, fields["EventId"], fields, {})


def root_events(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """What the root user did."""
    return _plain_events(header, declaration, files, "root")


def privileged_events(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """Changes to access, logging, keys and backups: what a reviewer looks at."""
    return _plain_events(header, declaration, files, "privileged")


def role_sessions(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """Roles that somebody, not a service of AWS, took on; a refused attempt is no use of a role."""
    for event in _events(files, "assumed_role"):
        if _text(event, "errorCode"):
            continue
        fields = common_of(event) | {
            "RoleArn": _text(event, "requestParameters.roleArn"),
            "SessionName": _text(event, "requestParameters.roleSessionName"),
            "Principal": principal_of(event),
        }
        yield record_of(header, declaration, fields["EventId"], fields, {})


def access_changes(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """Changes to who may do what: identities made and removed, rights attached, assigned and taken away."""
    for event in _events(files, "privileged"):
        if not is_access_change(event):
            continue
        name = _text(event, "eventName")
        actor, target = actor_of(event), _target(event)
        fields = common_of(event) | {
            "Actor": actor,
            "Principal": principal_of(event),
            "Target": target,
            "Grant": name.startswith(_GRANTING_VERBS),
            "ToItself": bool(target) and target == actor.rpartition("/")[2],
        }
        yield record_of(header, declaration, fields["EventId"], fields, {})


def change_events(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """What people and programs of the organisation changed, for whatever reason the event was picked."""
    for line in lines_of(files(FILE_NAME)):
        event = line.get("event")
        if line.get("type") != "event" or not isinstance(event, dict) or not is_change(event):
            continue
        fields = common_of(event) | {
            "Actor": actor_of(event), "Principal": principal_of(event), "Deployment": is_deployment(event),
        }  # fmt: skip
        yield record_of(header, declaration, fields["EventId"], fields, {})


def data_reads(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """Reads of stored data, a record for each day, principal and store."""
    counted: dict[tuple[str, str, str], int] = {}
    for line in _accesses(files):
        key = (str(line.get("day", "")), str(line.get("principal", "")), str(line.get("store", "")))
        counted[key] = counted.get(key, 0) + line["reads"]
    for (day, principal, store), reads in sorted(counted.items()):
        fields = {"Day": day, "Principal": principal, "Store": store, "Reads": reads}
        yield record_of(header, declaration, f"{day}/{principal}/{store}", fields, {})


def data_read_days(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """Reads of stored data, a record for each day and principal, whatever the store."""
    counted: dict[tuple[str, str], int] = {}
    for line in _accesses(files):
        key = (str(line.get("day", "")), str(line.get("principal", "")))
        counted[key] = counted.get(key, 0) + line["reads"]
    for (day, principal), reads in sorted(counted.items()):
        fields = {"Day": day, "Principal": principal, "Reads": reads}
        yield record_of(header, declaration, f"{day}/{principal}", fields, {})


def is_access_change(event: dict[str, Any]) -> bool:
    """A change to an identity or its rights that was not refused, among events that change something."""
    name, source = _text(event, "eventName"), _text(event, "eventSource")
    return source in _IDENTITY_SOURCES and name.startswith(_ACCESS_VERBS) and not _text(event, "errorCode")


def _accesses(files: Files) -> Iterator[dict[str, Any]]:
    return (
        line
        for line in lines_of(files(FILE_NAME))
        if line.get("type") == "access" and isinstance(line.get("reads"), int)
    )


def actor_of(event: dict[str, Any]) -> str:
    """The role behind a session, else the user: what an approved list can name."""
    issuer = _text(event, "userIdentity.sessionContext.sessionIssuer.arn")
    return issuer or _text(event, "userIdentity.arn") or _text(event, "userIdentity.principalId") or "(unknown)"


def _target(event: dict[str, Any]) -> str:
    """The user, role, group or principal that is changed."""
    found = (_text(event, f"requestParameters.{name}") for name in ("userName", "roleName", "groupName", "principalId"))
    return next((name for name in found if name), "")


def _plain_events(
    header: TranscriptHeader, declaration: KindDeclaration, files: Files, reason: str
) -> Iterator[Record]:
    for event in _events(files, reason):
        fields = common_of(event) | {"Principal": principal_of(event), "ErrorCode": _text(event, "errorCode")}
        yield record_of(header, declaration, fields["EventId"], fields, {})


@dataclass
class _Day:
    files: int = 0
    events: int = 0
    privileged: int = 0
    """As counted in the files; `privileged_kept` as found in the extract."""
    privileged_kept: int = 0
    compared: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in COMPARED})
    """Ids of events: each once, though files can repeat one."""
    gap: Gap | None = field(default=None)


def _take_listings(days: dict[str, _Day], calls: Iterator[Call]) -> datetime | None:
    """Days whose files could not be listed are unknown; answers when the last call was made."""
    asked = None
    for call in calls:
        asked = call.source_date or call.started
        if call.step != LIST_STEP or call.error is None or call.absent:
            continue
        gap = Gap(operation=f"{call.service}:{call.operation}", code=call.error.code, result=call.error.result)
        for day in call.item[1:]:
            if day in days:
                days[day].gap = gap
    return asked


def _take_file(days: dict[str, _Day], line: dict[str, Any]) -> None:
    own = days.get(str(line.get("day", "")))
    if own is not None:
        own.files += 1
        if "error" in line:
            own.gap = gap_of(line, "s3:GetObject")
    for day, count in _counts(line, "by_day"):
        if day in days:
            days[day].events += count
    for day, count in _counts(line, "privileged"):
        if day in days:
            days[day].privileged += count


def _take_event(days: dict[str, _Day], line: dict[str, Any]) -> None:
    event, reasons = line.get("event"), line.get("reasons")
    day = _text(event, "eventTime")[:10] if isinstance(event, dict) else ""
    if day not in days or not isinstance(event, dict) or not isinstance(reasons, list):
        return
    days[day].privileged_kept += "privileged" in reasons
    for name in compared_as(event):
        if COMPARED[name] in reasons:
            days[day].compared[name].add(_text(event, "eventID"))


def compared_as(event: dict[str, Any]) -> list[str]:
    """Under which of the compared counts a management event stands; data events are no part of them."""
    if event.get("eventCategory", "Management") != "Management":
        return []
    tests = {"AccessChanges": is_access_change, "SignIns": is_sign_in, "RootEvents": is_root}
    return [name for name, test in tests.items() if test(event)]


def _counts(line: dict[str, Any], name: str) -> Iterator[tuple[str, int]]:
    found = line.get(name)
    for day, count in found.items() if isinstance(found, dict) else ():
        if isinstance(count, int):
            yield day, count


def _events(files: Files, reason: str) -> Iterator[dict[str, Any]]:
    for line in lines_of(files(FILE_NAME)):
        event, reasons = line.get("event"), line.get("reasons")
        if line.get("type") == "event" and isinstance(event, dict) and isinstance(reasons, list) and reason in reasons:
            yield event


def common_of(event: dict[str, Any]) -> dict[str, Any]:
    """What records of events have in common."""
    return {
        "EventId": _text(event, "eventID") or "(without id)",
        "EventTime": _text(event, "eventTime"),
        "EventName": _text(event, "eventName"),
        "EventSource": _text(event, "eventSource"),
        "SourceAddress": _text(event, "sourceIPAddress"),
        "Region": _text(event, "awsRegion"),
        "ReadOnly": event.get("readOnly") is True,
    }


def principal_of(event: dict[str, Any]) -> str:
    """The user name where there is one, else the ARN, else the principal's id; root is `root`."""
    if look_up(event, "userIdentity.type") == "Root":
        return "root"
    names = (_text(event, f"userIdentity.{name}") for name in ("userName", "arn", "principalId"))
    return next((name for name in names if name), "(unknown)")


def _sign_in_result(event: dict[str, Any]) -> str:
    return _text(event, "responseElements.ConsoleLogin")


def _text(event: dict[str, Any], path: str) -> str:
    found = look_up(event, path)
    return found if isinstance(found, str) else ""
