"""Session Manager's preferences: a document whose content is JSON text, or none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evidence_schema.canonical import parse_json
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import gap_of

TEXTS = {"LogGroup": "cloudWatchLogGroupName", "Bucket": "s3BucketName", "KmsKeyId": "kmsKeyId"}
FLAGS = {"LogGroupEncrypted": "cloudWatchEncryptionEnabled", "BucketEncrypted": "s3EncryptionEnabled"}
MINUTES = {"IdleMinutes": "idleSessionTimeout", "LongestMinutes": "maxSessionDuration"}
UNSET: dict[str, Any] = {**dict.fromkeys(TEXTS, ""), **dict.fromkeys(FLAGS, False), "IdleMinutes": 20}
"""What holds where nobody saved preferences: AWS ends an idle session after 20 minutes and writes no log."""


def session_preferences(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],  # noqa: ARG001 (a declared kind keeps no files)
) -> Iterator[Record]:
    """One record a region: the preferences, `Saved: false` where there are none."""
    for call in calls:
        if call.step != "list":
            continue
        fields, gap = _read(call)
        unknown = dict.fromkeys(("Saved", *TEXTS, *FLAGS, *MINUTES), gap) if gap is not None else {}
        yield Record(
            kind=declaration.kind,
            account=header.unit.account,
            region=header.unit.region,
            id=header.unit.region,
            fields=fields,
            gaps=unknown,
        )


def _read(call: Call) -> tuple[dict[str, Any], Gap | None]:
    if call.absent:
        return {"Saved": False, **UNSET}, None
    if call.error is not None:
        return {}, gap_of(call)
    inputs = _inputs(call.body)
    if inputs is None:
        return {}, Gap(operation="ssm:GetDocument", code="UnreadableDocument", result="failed")
    return {"Saved": True, **UNSET, **_plain(inputs)}, None


def _inputs(body: Any) -> dict[str, Any] | None:
    content = look_up(body, "Content")
    try:
        found = look_up(parse_json(content.encode()), "inputs") if isinstance(content, str) else None
    except EvidenceSchemaError:
        return None
    return found if isinstance(found, dict) else None


def _plain(inputs: dict[str, Any]) -> dict[str, Any]:
    texts = {name: inputs[key] for name, key in TEXTS.items() if isinstance(inputs.get(key), str)}
    flags = {name: inputs[key] for name, key in FLAGS.items() if isinstance(inputs.get(key), bool)}
    minutes = {name: int(text) for name, key in MINUTES.items() if (text := str(inputs.get(key, ""))).isdigit()}
    return {**texts, **flags, **minutes}
