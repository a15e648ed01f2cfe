"""Records of the extract of databases' own logs: which logs were searched, and the privileged statements in them.

The extract is JSON Lines, each canonical: a line `{"type": "log", ...}` after the `{"type": "statement", ...}` lines of
its statements. The words of a statement are not in it: they can hold passwords and data of patients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evidence_schema.canonical import parse_canonical
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader

FILE_NAME = "statements.jsonl"
MEDIA_TYPE = "application/vnd.evidence.database-statements+jsonl"
_LOG = {"group": "LogGroup", "database": "Database", "holder": "Holder", "log": "Log", "statements": "Statements"}
_STATEMENT = {"group": "LogGroup", "database": "Database", "at": "At", "verb": "Verb", "principal": "Principal"}
Files = Callable[[str], Iterable[bytes]]


def database_logs(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001 (a log's own line says all)
    files: Files,
) -> Iterator[Record]:
    """A record a log group of a database that was searched, with the number of privileged statements found."""
    for line in _lines(files, "log"):
        gaps = dict.fromkeys(("Statements",), _gap(line)) if "error" in line else {}
        yield _record(header, declaration, str(line.get("group", "")), _fields(line, _LOG), gaps)


def privileged_statements(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """A record a statement that changes rights or structure: who, where, when, and its first words."""
    for line in _lines(files, "statement"):
        id_ = f"{line.get('group', '')}/{line.get('id', '')}"
        yield _record(header, declaration, id_, _fields(line, _STATEMENT), {})


def _lines(files: Files, type_: str) -> Iterator[dict[str, Any]]:
    """Lines of a type; one that is not ours is passed over, never a crash."""
    for line in files(FILE_NAME):
        try:
            value = parse_canonical(line.rstrip(b"\n"))
        except EvidenceSchemaError:
            continue
        if isinstance(value, dict) and value.get("type") == type_:
            yield value


def _fields(line: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {ours: line[theirs] for theirs, ours in names.items() if theirs in line}


def _gap(line: dict[str, Any]) -> Gap:
    result = line.get("result")
    known = result if result in ("denied", "failed", "unavailable") else "failed"
    return Gap(operation="logs:FilterLogEvents", code=str(line.get("error", ""))[:200], result=known)


def _record(
    header: TranscriptHeader, declaration: KindDeclaration, id_: str, fields: dict[str, Any], gaps: dict[str, Gap]
) -> Record:
    return Record(
        kind=declaration.kind,
        account=header.unit.account,
        region=header.unit.region,
        id=id_[:2000],
        fields={**declaration.default, **fields},
        gaps=gaps,
    )
