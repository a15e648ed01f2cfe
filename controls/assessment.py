"""One framework's view of a judged run: the single model that workbook and page draw (DESIGN 4.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from controls.models import Catalog, Control, EvidenceRequirement, Framework
from controls.profile import Profile, exclusion
from evidence_schema.digest import Digest
from evidence_schema.models.finding import Finding, Outcomes, RequirementOutcome
from evidence_schema.models.names import Directness, Outcome
from evidence_schema.models.receipt import Manifest, Receipt
from evidence_schema.models.unit import Period


@dataclass(frozen=True)
class LogPosition:
    """Where in the log the assessment stands."""

    origin: str
    tree_size: int
    root: str
    checkpoint: str
    key_fingerprints: tuple[str, ...]
    trust_policy: str


@dataclass(frozen=True)
class Header:
    """What the cover says."""

    organisation: str
    framework: Framework
    period: Period
    run_id: str
    slot: str
    trigger: str
    case: str
    at: datetime
    simulated: bool
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    generator: str
    catalogue: Digest
    plan: Digest
    settings: Digest
    manifest: Digest
    findings: Digest
    lock: str
    log: LogPosition
    custody: Digest | None = None
    """What the store said of the run's objects when it was asked again, where it locks."""


@dataclass(frozen=True)
class ControlRow:
    """A control with the outcomes of its direct requirements, counted; never one green word.

    `direct` and `supporting` name requirements of this catalogue; `counts` is over the direct ones that the run
    planned; `unmapped` says that the catalogue has no requirement for it yet.
    """

    control: Control
    direct: tuple[str, ...]
    supporting: tuple[str, ...]
    counts: Mapping[Outcome, int]
    exceptions: tuple[str, ...]
    not_applicable: str = ""
    """Why it does not bind the organisation; then nothing is counted for it."""

    @property
    def unmapped(self) -> bool:
        return not self.direct and not self.supporting and not self.not_applicable


@dataclass(frozen=True)
class RequirementRow:
    """A requirement that serves the framework, with its outcome; None where the run did not plan it."""

    requirement: EvidenceRequirement
    outcome: RequirementOutcome | None
    direct: tuple[str, ...]
    supporting: tuple[str, ...]


@dataclass(frozen=True)
class Assessment:
    """All that a renderer needs. Rows that can be many come as functions that start a fresh stream, in id order."""

    header: Header
    manifest: Manifest
    controls: tuple[ControlRow, ...]
    requirements: tuple[RequirementRow, ...]
    wording: Mapping[str, str]
    """Control id -> wording that the organisation supplied."""
    receipts: Callable[[], Iterator[Receipt]]
    findings: Callable[[], Iterator[Finding]]


def assess(
    header: Header,
    catalog: Catalog,
    outcomes: Outcomes,
    manifest: Manifest,
    receipts: Callable[[], Iterator[Receipt]],
    findings: Callable[[], Iterator[Finding]],
    profile: Profile | None = None,
) -> Assessment:
    """Turn a judged run into the rows of one framework; pure."""
    by_id = {outcome.requirement: outcome for outcome in outcomes.requirements}
    serving = [item for item in catalog.requirements if header.framework.id in item.mappings]
    framework = next(item for item in catalog.frameworks if item.framework.id == header.framework.id)
    requirements = tuple(_requirement_row(item, header.framework.id, by_id) for item in serving)
    wanted = {item.id for item in serving}
    return Assessment(
        header=header,
        manifest=manifest,
        controls=tuple(
            _control_row(control, requirements, exclusion(profile, framework.framework.id, control))
            for control in framework.controls
        ),
        wording=catalog.wording,
        requirements=requirements,
        receipts=lambda: (row for row in receipts() if wanted.intersection(row.requirements)),
        findings=lambda: (row for row in findings() if row.requirement in wanted),
    )


def _requirement_row(
    requirement: EvidenceRequirement, framework: str, outcomes: Mapping[str, RequirementOutcome]
) -> RequirementRow:
    mapping = requirement.mappings[framework]
    return RequirementRow(
        requirement=requirement,
        outcome=outcomes.get(requirement.id),
        direct=tuple(control for control, how in mapping.items() if how is Directness.DIRECT),
        supporting=tuple(control for control, how in mapping.items() if how is Directness.SUPPORTING),
    )


def _control_row(control: Control, requirements: Iterable[RequirementRow], excluded: str) -> ControlRow:
    if excluded:
        return ControlRow(control, (), (), MappingProxyType(dict.fromkeys(Outcome, 0)), (), excluded)
    direct = [row for row in requirements if control.id in row.direct]
    judged = [row.outcome.outcome for row in direct if row.outcome is not None]
    return ControlRow(
        control=control,
        direct=tuple(row.requirement.id for row in direct),
        supporting=tuple(row.requirement.id for row in requirements if control.id in row.supporting),
        counts=MappingProxyType({outcome: judged.count(outcome) for outcome in Outcome}),
        exceptions=tuple(
            row.requirement.id for row in direct if row.outcome and row.outcome.outcome is Outcome.EXCEPTION
        ),
    )
