"""From findings to outcomes: one pure rule for checks, one for requirements (DESIGN section 2).

Nothing is concluded from absence: what was denied, failed, partial or never planned is not_collected, a scope filter
that selects nothing of something is needs_review, and a human check waits for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from controls.models import Cadence, Check, EvidenceRequirement
from evidence_schema.models.finding import CheckResult, Finding, KindCoverage, RequirementOutcome
from evidence_schema.models.names import FindingResult, Mode, Outcome

STALE_AFTER: Mapping[Cadence, timedelta] = {
    "daily": timedelta(days=1 + 1),
    "weekly": timedelta(days=7 + 3),
    "monthly": timedelta(days=31 + 7),
    "quarterly": timedelta(days=92 + 14),
    "annual": timedelta(days=366 + 31),
}
"""The cadence and its slack: evidence older than this at the evaluation time is stale."""
WITH_THE_FINDINGS = "a rule could not be decided; the reason can name people and stands with the findings"
MOST_REASONS = 20
"""Reasons shown with a check or requirement; all of them stand in the findings."""


@dataclass
class Tally:
    """The findings of one check, counted as they stream by."""

    results: Counter[FindingResult] = field(default_factory=Counter)
    fact_errors: int = 0
    reasons: dict[str, None] = field(default_factory=dict)
    unplanned: tuple[str, ...] = ()
    """What the check looks at, but the run did not plan to gather."""
    not_asked: tuple[str, ...] = ()
    """What the check looks at, and nobody opted in to: it bills or writes."""
    answered: bool = True
    """Some place answered, be it with nothing: not everywhere was the service unavailable."""
    is_personal: bool = False
    """Its findings name people, and are kept apart: a text that a rule made of a record stays with them."""

    def add(self, finding: Finding) -> None:
        """Count one finding."""
        self.results[finding.result] += 1
        if finding.reason is not None:
            self.fact_errors += finding.reason.type == "fact"
            if len(self.reasons) < MOST_REASONS:
                hidden = self.is_personal and finding.reason.type == "rule"
                self.reasons[WITH_THE_FINDINGS if hidden else finding.reason.text] = None

    @property
    def population(self) -> int:
        return self.results.total()


def check_result(
    check: Check, tally: Tally, parameters: Mapping[str, Any], unapproved: Sequence[str] = ()
) -> CheckResult:
    """A check over its whole population. `unapproved` names parameters that were overridden without approval."""
    outcome, reasons = _check_outcome(check, tally, unapproved)
    return CheckResult(
        check=check.id,
        requirement=check.id.rpartition("-")[0],
        mode=check.mode,
        outcome=outcome,
        population=tally.population,
        tested=tally.results[FindingResult.PASS] + tally.results[FindingResult.FAIL],
        passed=tally.results[FindingResult.PASS],
        failed=tally.results[FindingResult.FAIL],
        not_applicable=tally.results[FindingResult.NOT_APPLICABLE],
        errors=tally.results[FindingResult.ERROR],
        parameters=dict(parameters),
        reasons=tuple(reasons),
    )


def _check_outcome(check: Check, tally: Tally, unapproved: Sequence[str]) -> tuple[Outcome | None, list[str]]:
    reasons = list(tally.reasons)
    if check.mode is Mode.REPORT:
        return None, reasons
    if check.mode is Mode.HUMAN:
        return Outcome.NEEDS_REVIEW, ["a person decides; nobody has signed yet"]
    if tally.results[FindingResult.FAIL]:
        return Outcome.EXCEPTION, reasons
    if tally.unplanned:
        return Outcome.NOT_COLLECTED, [*(f"{kind}: no unit was planned" for kind in tally.unplanned), *reasons]
    if tally.results[FindingResult.ERROR] > tally.fact_errors:
        return Outcome.NOT_COLLECTED, reasons
    if tally.fact_errors:
        return Outcome.NEEDS_REVIEW, reasons
    tested = tally.results[FindingResult.PASS]
    if check.scope_filter and tally.population and not tested:
        return Outcome.NEEDS_REVIEW, [f"the scope filter selected 0 of {tally.population} records"]
    if unapproved:
        return Outcome.NEEDS_REVIEW, [
            f"parameter {name} was changed without approver and reason" for name in unapproved
        ]
    if tested or (check.none_is_good and not tally.population and tally.answered):
        return Outcome.NO_EXCEPTION, reasons
    return Outcome.NOT_APPLICABLE, [
        *(f"{kind}: not asked: nobody opted in to it" for kind in tally.not_asked),
        *reasons,
    ]


def requirement_outcome(
    requirement: EvidenceRequirement,
    checks: Iterable[CheckResult],
    coverage: Iterable[KindCoverage],
    *,
    collected_at: datetime | None,
    at: datetime,
) -> RequirementOutcome:
    """The strongest of its checks' outcomes; stale where the newest evidence is older than the cadence allows."""
    results = tuple(checks)
    outcomes = [result.outcome for result in results if result.outcome is not None]
    reasons = list(dict.fromkeys(reason for result in results for reason in result.reasons))
    incomplete = _incomplete(coverage := tuple(coverage))
    if incomplete:
        outcomes.append(Outcome.NOT_COLLECTED)
        reasons = [*incomplete, *reasons]
    if collected_at is not None and at - collected_at > STALE_AFTER[requirement.cadence]:
        outcomes.append(Outcome.STALE)
        reasons.append(
            f"collected {(at - collected_at).days} days before the evaluation; cadence {requirement.cadence}"
        )
    return RequirementOutcome(
        requirement=requirement.id,
        outcome=min(outcomes, key=lambda outcome: outcome.strength, default=Outcome.NEEDS_REVIEW),
        collected_at=collected_at,
        checks=results,
        coverage=coverage,
        reasons=tuple(reasons[:MOST_REASONS]),
    )


def _incomplete(coverage: Iterable[KindCoverage]) -> list[str]:
    """What is missing of the expected units, in words."""
    found = []
    for kind in coverage:
        complete = sum(count for result, count in kind.results.items() if result.is_complete)
        if not kind.expected:
            found.append(f"{kind.kind}: no unit was planned")
        elif complete < kind.expected:
            told = ", ".join(
                f"{count} {result}" for result, count in sorted(kind.results.items()) if not result.is_complete
            )
            found.append(
                f"{kind.kind}: {complete} of {kind.expected} units complete ({told or 'the rest has no receipt'})"
            )
    return found
