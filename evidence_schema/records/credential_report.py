"""Records of IAM's credential report: one a row, and one for each enabled password and active key."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from evidence_schema.models.base import format_time
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader

FILE_NAME = "credential_report.csv"
ROOT = "<root_account>"
OPERATION = "GetCredentialReport"

_ABSENT = frozenset({"", "N/A", "no_information", "not_supported"})
"""What AWS writes where there is nothing to write."""
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LARGEST_FIELD = 64 * 1024
_KEYS = ("access_key_1", "access_key_2")
_READ = (
    "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "mfa_active",
    "access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date",
    "access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date",
)  # fmt: skip
"""The names that rules read: all unknown where a row cannot be read."""


def users(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],
) -> Iterator[Record]:
    """A record a row, root included (`is_root`). What AWS does not know of a user is absent."""
    for user, fields, gaps in _rows(calls, files):
        yield _record(header, declaration, user, fields, gaps)


def credentials(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],
) -> Iterator[Record]:
    """A record for each enabled password and active key; root's are judged elsewhere and left out."""
    for user, fields, gaps in _rows(calls, files):
        if gaps:
            names = ("User", "Credential", "Created", "LastUsed", "LastUsedOrCreated", "NeverUsed")
            yield _record(header, declaration, user, {}, dict.fromkeys(names, next(iter(gaps.values()))))
        elif not fields["is_root"]:
            for credential in _credentials_of(user, fields):
                name = str(credential["Credential"])
                unknown = {} if "LastUsedOrCreated" in credential else {"LastUsedOrCreated": _gap("NotReported")}
                yield _record(header, declaration, f"{user}/{name}", credential, unknown)


def _credentials_of(user: str, fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    shared = {name: fields[name] for name in ("ReportGeneratedTime", "CallTime") if name in fields}
    shared |= {"User": user, "Arn": fields.get("arn", "")}
    if fields.get("password_enabled") is True:
        created = fields.get("password_last_changed", fields.get("user_creation_time"))
        yield shared | _ages("password", created, fields.get("password_last_used"))
    for key in _KEYS:
        if fields.get(f"{key}_active") is True:
            created = fields.get(f"{key}_last_rotated", fields.get("user_creation_time"))
            yield shared | _ages(key, created, fields.get(f"{key}_last_used_date"))


def _ages(name: str, created: Any, used: Any) -> dict[str, Any]:
    ages = {"Created": created, "LastUsed": used, "LastUsedOrCreated": used or created}
    return {"Credential": name, "NeverUsed": used is None} | {key: age for key, age in ages.items() if age is not None}


_Row = tuple[str, dict[str, Any], dict[str, Gap]]


def _rows(calls: Iterator[Call], files: Callable[[str], Iterable[bytes]]) -> Iterator[_Row]:
    report = next((call for call in calls if call.operation == OPERATION and call.body is not None), None)
    if report is None or report.body is None:
        return
    times = {"CallTime": format_time(report.source_date or report.started)}
    if isinstance(report.body.get("GeneratedTime"), str):
        times["ReportGeneratedTime"] = report.body["GeneratedTime"]
    columns: list[str] | None = None
    for number, cells in enumerate(_cells(files(FILE_NAME)), start=1):
        if columns is None:
            columns = cells or []
        elif cells is None or len(cells) != len(columns) or "user" not in columns:
            yield f"(unreadable row {number})", dict(times), dict.fromkeys(_READ, _gap("UnreadableRow"))
        else:
            fields = _fields(columns, cells)
            yield fields["user"], fields | times, {}


def _cells(lines: Iterable[bytes]) -> Iterator[list[str] | None]:
    """Each line's cells; None for one that is no CSV. User names hold no line breaks, so a line is a row."""
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            continue
        try:
            yield next(csv.reader([text], strict=True), None) if len(text) <= _LARGEST_FIELD else None
        except csv.Error:
            yield None


def _fields(columns: list[str], cells: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if _COLUMN.fullmatch(column) and (cell not in _ABSENT or column == "user"):
            found[column] = _value(cell) if column not in ("user", "arn") else cell[:2000]
    return found | {"is_root": found["user"] == ROOT}


def _value(cell: str) -> str | bool:
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return cell
    return format_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) if "T" in cell else cell


def _gap(code: str) -> Gap:
    return Gap(operation=f"iam:{OPERATION}", code=code, result="failed")


def _record(
    header: TranscriptHeader, declaration: KindDeclaration, id_: str, fields: dict[str, Any], gaps: dict[str, Gap]
) -> Record:
    return Record(
        kind=declaration.kind,
        account=header.unit.account,
        region=header.unit.region,
        id=id_,
        fields={**declaration.default, **fields},
        gaps=gaps,
    )
