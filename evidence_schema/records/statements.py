"""Records of the extract of databases' own logs: which logs were searched, and the privileged statements in them.

The extract is JSON Lines, each canonical: a line `{"type": "log", ...}` after the `{"type": "statement", ...}` lines of
its statements. The words of a statement are not in it: they can hold passwords and data of patients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.records.making import gap_of, lines_of, record_of

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
    for line in _of_type(files, "log"):
        gaps = dict.fromkeys(("Statements",), gap_of(line, "logs:FilterLogEvents")) if "error" in line else {}
        yield record_of(header, declaration, str(line.get("group", "")), _fields(line, _LOG), gaps)


def privileged_statements(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """A record a statement that changes rights or structure: who, where, when, and its first words."""
    for line in _of_type(files, "statement"):
        id_ = f"{line.get('group', '')}/{line.get('id', '')}"
        yield record_of(header, declaration, id_, _fields(line, _STATEMENT), {})


def _of_type(files: Files, type_: str) -> Iterator[dict[str, Any]]:
    return (line for line in lines_of(files(FILE_NAME)) if line.get("type") == type_)


def _fields(line: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {ours: line[theirs] for theirs, ours in names.items() if theirs in line}
