"""What the derivations share: making records and gaps, and reading what may be hostile without a crash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from evidence_schema.canonical import parse_canonical
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.base import parse_time
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Gap, Record, TranscriptHeader

LONGEST_ID = 2000


def record_of(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    id_: str,
    fields: Mapping[str, Any],
    gaps: Mapping[str, Gap] | None = None,
) -> Record:
    """A record of the unit, with the defaults of its kind."""
    return Record(
        kind=declaration.kind,
        account=header.unit.account,
        region=header.unit.region,
        id=id_[:LONGEST_ID],
        fields={**declaration.default, **fields},
        gaps=dict(gaps or {}),
    )


def lines_of(extract: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The objects of an extract, a line each; one that is not ours (the bytes may be hostile) is passed over."""
    for line in extract:
        try:
            value = parse_canonical(line.rstrip(b"\n"))
        except EvidenceSchemaError:
            continue
        if isinstance(value, dict):
            yield value


def gap_of(line: Mapping[str, Any], operation: str) -> Gap:
    """Why an extract's line lacks its content: the call `service:Operation` that did not answer."""
    result = line.get("result")
    known = result if result in ("denied", "failed", "unavailable") else "failed"
    return Gap(operation=operation, code=str(line.get("error", ""))[:200], result=known)


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """A member that is a text, else an empty one."""
    found = fields.get(name)
    return found if isinstance(found, str) else ""


def texts_of(value: Any) -> list[str]:
    """The texts of a list; none where it is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def moment_of(value: Any) -> datetime | None:
    """An RFC 3339 time, or None where it is none."""
    try:
        return parse_time(value)
    except ValueError:
        return None
