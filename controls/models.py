"""The catalogue's values: frameworks with their controls, evidence requirements with their checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from evidence_schema.canonical import canonical_bytes
from evidence_schema.errors import NotCanonical
from evidence_schema.models.base import Frozen
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.names import (
    CheckId,
    ControlId,
    Directness,
    FieldName,
    FrameworkId,
    KindName,
    Mode,
    RequirementId,
)

RetentionClass = Literal["documentation", "audit", "extract"]
EvidenceKind = Literal[
    "config_snapshot", "access_log", "backup_proof", "inventory", "report", "document", "attestation", "benchmark"
]
Cadence = Literal["daily", "weekly", "monthly", "quarterly", "annual"]
System = Literal[
    "aws", "manual", "application", "ticketing", "hris", "postgres", "github", "linux", "idp", "scanner", "mdm",
    "collector",
]  # fmt: skip
FieldType = Annotated[str, StringConstraints(pattern=r"^(id|text|date|datetime|boolean|number)\??$")]
"""What stands in a field of a submitted document or table; with `?` it may be left out."""


class Framework(Frozen):
    """A law or set of criteria, with what our catalogue of it leaves out."""

    id: FrameworkId
    title: str
    citation: str
    authority: str
    version: str
    official_text: str
    leaves_out: str
    roles: dict[str, str]


class Control(Frozen):
    """One addressable item of a framework: official id and heading, the ask in our own words."""

    id: ControlId
    title: str
    area: str
    ask: str
    citation: str
    applies_to: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    parent: str | None = None
    rule: Literal["security", "breach_notification", "privacy"] | None = None
    designation: Literal["required", "addressable"] | None = None
    heading: str | None = None
    category: Literal["security", "availability", "confidentiality", "processing_integrity", "privacy"] | None = None
    common_criteria: bool | None = None


class FrameworkCatalog(Frozen):
    """A framework and all its controls, in clause order."""

    framework: Framework
    controls: tuple[Control, ...]


class Population(Frozen):
    """What is listed, and what one item of it is; the frequency of the organisation's control drives sample sizes."""

    description: str
    unit: str
    control_frequency: str


class Source(Frozen):
    """Where the facts are: a system that a connector asks, or (`manual`) the role that supplies them."""

    system: System
    supplied_by: str = ""

    @model_validator(mode="after")
    def _a_person_is_named(self) -> Self:
        if (self.system == "manual") != bool(self.supplied_by):
            raise ValueError("expected `supplied_by` of a manual source, and of no other")
        return self


class Supply(Frozen):
    """What is asked for where no connector gathers it: the fields of a document, the columns of a table."""

    document: dict[FieldName, FieldType] = Field(default_factory=dict)
    table: dict[FieldName, FieldType] = Field(default_factory=dict)


class Sensitivity(Frozen):
    """What an artifact tends to hold."""

    personal_data: bool = False
    phi: bool = False
    secrets: bool = False
    confidential: bool = True


class With(Frozen):
    """A further kind that a rule reads, as a list: the records of the same account, or of the same region in it."""

    kind: KindName
    within: Literal["account", "region"] = "region"

    @model_validator(mode="before")
    @classmethod
    def _plain_name(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value


class Check(Frozen):
    """A rule over records, as an auditor reads it.

    `over` names the kind(s) whose records are judged one by one, or `account` / `region`: one record for each in scope.
    In this order: `when` selects; `fails_when` fails a record by itself, so that what the records alone decide does not
    wait for a supplied fact; `assert` must hold; `unless` may excuse a record for which it does not.
    `with` names further kinds, whose records stand as lists under the given names.
    Rules read `record`, `account`, `region`, `id`, `params`, `facts`, `at` (the run's evaluation time), `period`.
    """

    id: CheckId
    text: str
    mode: Mode
    severity: Literal["low", "normal"] = "normal"
    over: tuple[KindName | Literal["account", "region"], ...] = ()
    with_: dict[FieldName, With] = Field(default_factory=dict, alias="with")
    when: str | None = None
    fails_when: str | None = None
    assert_: str | None = Field(default=None, alias="assert")
    unless: str | None = None
    scope_filter: bool = False
    """`when` is a scope filter ("in scope", "classified"): 0 of n records selected is needs_review."""
    none_is_good: bool = False
    """No record at all, completely collected, is itself the good answer (no root activity)."""
    params: dict[FieldName, Any] = Field(default_factory=dict)
    needs: tuple[FieldName, ...] = ()
    direct: dict[FrameworkId, tuple[ControlId, ...]] = Field(default_factory=dict)
    """Controls to which only this check speaks directly, where the requirement's pair alone would say too much."""

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("over"), str):
            return {**value, "over": [value["over"]]}
        return value

    @model_validator(mode="after")
    def _sealable(self) -> Self:
        try:
            canonical_bytes(self.params)
        except NotCanonical as error:
            raise ValueError(
                f"{self.id}: params {error}; what only the organisation knows goes under `needs`"
            ) from None
        return self

    @property
    def rules(self) -> dict[str, str]:
        """The CEL sources by the part they play, in the order of evaluation."""
        parts = {"when": self.when, "fails_when": self.fails_when, "assert": self.assert_, "unless": self.unless}
        return {name: source for name, source in parts.items() if source is not None}


class EvidenceRequirement(Frozen):
    """One thing that must be proven."""

    id: RequirementId
    title: str
    kind: EvidenceKind
    automation: Literal["automated", "manual"]
    """What its source allows; whether this installation gathers it is said by `kinds`."""
    source: Source
    scope: str
    cadence: Cadence
    retention_class: RetentionClass
    source_keeps_days: int | None = Field(default=None, ge=1)
    """For how long the source still gives the facts: what is not collected within it is lost."""
    period: bool = False
    """It must cover the whole audit period, not only the moment of collection."""
    sensitivity: Sensitivity = Sensitivity()
    population: Population | None = None
    supply: Supply | None = None
    kinds: tuple[KindName, ...] = ()
    checks: tuple[Check, ...]
    mappings: dict[FrameworkId, dict[ControlId, Directness]]
    notes: str = ""


class Catalog(Frozen):
    """Everything that must be proven, linked. Sealed whole at run-open."""

    schema_id: str = Field(default="evidence/catalogue/v1", alias="schema", pattern=r"^evidence/catalogue/v1$")
    frameworks: tuple[FrameworkCatalog, ...]
    requirements: tuple[EvidenceRequirement, ...]
    facts: dict[FieldName, str]
    """Facts that AWS cannot give: id, and what is asked for."""
    wording: dict[ControlId, str] = Field(default_factory=dict)
    """Wording that the organisation supplied, shown beside ours."""
    declarations: tuple[KindDeclaration, ...] = ()
    """How the kinds of a run are gathered and read; added when the catalogue is sealed with it."""
