"""What judging yields: findings, check results, outcomes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, Text, UtcTime
from evidence_schema.models.names import (
    CheckId,
    FindingResult,
    FrameworkId,
    GatherResult,
    KindName,
    Mode,
    Outcome,
    RequirementId,
    RunId,
)

FINDINGS_MEDIA_TYPE = "application/vnd.evidence.findings+jsonl"


class Reason(Frozen):
    """Why a finding is an error: what was not known, and so could not be judged."""

    type: Literal["call", "unit", "fact", "field", "rule"]
    name: str = Field(max_length=200)
    text: Text


class Finding(Frozen):
    """The result of one check for one record, with the values that decided."""

    check: CheckId
    requirement: RequirementId
    kind: str = Field(max_length=96)
    account: str = Field(max_length=64)
    region: str = Field(max_length=32)
    record: str = Field(max_length=2048)
    result: FindingResult
    values: dict[str, Any] = Field(default_factory=dict)
    reason: Reason | None = None

    @property
    def sort_key(self) -> tuple[str, str, str, str, str]:
        """The order of the findings file."""
        return (self.check, self.account, self.region, self.kind, self.record)


class FindingsHeader(Frozen):
    """The first line of a findings file: everything the judgement rests on."""

    schema_id: str = Field(default="evidence/findings/v1", alias="schema", pattern=r"^evidence/findings/v1$")
    run_id: RunId
    at: UtcTime
    engine: str = Field(max_length=80)
    manifest: Digest
    catalogue: Digest
    plan: Digest
    settings: Digest


class CheckResult(Frozen):
    """A check over its whole population."""

    check: CheckId
    requirement: RequirementId
    mode: Mode
    outcome: Outcome | None = None
    """None for a report check: it only shows."""
    population: NonNegative = 0
    tested: NonNegative = 0
    passed: NonNegative = 0
    failed: NonNegative = 0
    not_applicable: NonNegative = 0
    errors: NonNegative = 0
    parameters: dict[str, Any] = Field(default_factory=dict)
    reasons: tuple[Text, ...] = ()


class KindCoverage(Frozen):
    """How many of the expected units of a kind ended how."""

    kind: KindName
    expected: NonNegative
    results: dict[GatherResult, NonNegative]


class RequirementOutcome(Frozen):
    """An evidence requirement, judged; the conclusion stays a person's."""

    requirement: RequirementId
    outcome: Outcome
    collected_at: UtcTime | None = None
    checks: tuple[CheckResult, ...] = ()
    coverage: tuple[KindCoverage, ...] = ()
    reasons: tuple[Text, ...] = ()


class Outcomes(Frozen):
    """All requirements of a run, in id order."""

    schema_id: str = Field(default="evidence/outcomes/v1", alias="schema", pattern=r"^evidence/outcomes/v1$")
    run_id: RunId
    at: UtcTime
    findings: Digest
    requirements: tuple[RequirementOutcome, ...]


class ControlRef(Frozen):
    """A control of a framework."""

    framework: FrameworkId
    control: str
