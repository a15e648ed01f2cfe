"""The published schemas: `evidence_schema/json/*.schema.json` (draft 2020-12), equal to the models by test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from evidence_schema.models.auditor_receipt import AuditorReceipt
from evidence_schema.models.base import Frozen
from evidence_schema.models.custody import CustodyHeader, ObjectCustody
from evidence_schema.models.disposition import Disposition
from evidence_schema.models.entry import Statement
from evidence_schema.models.finding import Finding, FindingsHeader, Outcomes
from evidence_schema.models.package import Omission, PackageFile, PackageScope
from evidence_schema.models.proof import ArtifactProof
from evidence_schema.models.receipt import Manifest, Receipt
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.models.unit import Plan, PlannedUnit

FOLDER = Path(__file__).parent / "json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUBLISHED: dict[str, type[Frozen]] = {
    "auditor-receipt": AuditorReceipt,
    "call": Call,
    "custody-header": CustodyHeader,
    "custody-object": ObjectCustody,
    "disposition": Disposition,
    "finding": Finding,
    "findings-header": FindingsHeader,
    "manifest": Manifest,
    "outcomes": Outcomes,
    "package-file": PackageFile,
    "package-omission": Omission,
    "package-scope": PackageScope,
    "plan": Plan,
    "planned-unit": PlannedUnit,
    "proof": ArtifactProof,
    "receipt": Receipt,
    "record": Record,
    "statement": Statement,
    "transcript-header": TranscriptHeader,
    "trust-policy": TrustPolicy,
}
"""Name -> model. Everything that is stored or signed."""
FROM_OUTSIDE = frozenset({"trust-policy"})
"""What a person may have written: a field with a default may be left out. We ourselves write every field."""


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of a published model; its `$id` carries its version."""
    mode: Literal["validation", "serialization"] = "validation" if name in FROM_OUTSIDE else "serialization"
    schema = PUBLISHED[name].model_json_schema(by_alias=True, mode=mode)
    _drop_nulls(schema)
    return {"$schema": DIALECT, "$id": f"urn:evidence-collector:schema:{name}:v1", **schema}


def _drop_nulls(schema: Any) -> None:
    """Canonical JSON has no null: a field without a value is left out, so it is optional instead of nullable."""
    if isinstance(schema, list):
        for part in schema:
            _drop_nulls(part)
    if not isinstance(schema, dict):
        return
    for name, field in schema.get("properties", {}).items():
        choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
        if choices and len(choices) < len(field["anyOf"]):
            del field["anyOf"]
            field.update(choices[0] if len(choices) == 1 else {"anyOf": choices})
            field.pop("default", None)
            schema["required"] = [required for required in schema.get("required", ()) if required != name]
    for part in schema.values():
        _drop_nulls(part)


def schema_text(name: str) -> str:
    """The file's content."""
    return json.dumps(schema_of(name), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def schema_path(name: str) -> Path:
    return FOLDER / f"{name}.schema.json"


def publish() -> None:
    """Write every schema; run by `python -m evidence_schema.published`."""
    FOLDER.mkdir(exist_ok=True)
    for name in PUBLISHED:
        schema_path(name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    publish()
