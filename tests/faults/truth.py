"""What must never happen when calls fail: a finding gets better, or is not there any more."""

from __future__ import annotations

from comparing import by_key
from worlds import Gathered

from controls.judging import WHOLE_UNIT
from evidence_schema.models.finding import Finding
from evidence_schema.models.names import FindingResult, GatherResult, Outcome
from flows.steps.opening import load_run


def nothing_looks_better(faulted: Gathered, undisturbed: Gathered) -> None:
    """Finding by finding and requirement by requirement."""
    expected, found = by_key(undisturbed.findings), by_key(faulted.findings)
    for key, finding in expected.items():
        if key in found:
            assert found[key].result in _allowed(finding), f"{key}: {finding.result} became {found[key].result}"
        else:
            assert _is_accounted_for(finding, faulted, found), f"{key} has disappeared"
    for key, finding in found.items():
        assert key in expected or finding.result is FindingResult.ERROR, f"{key}: a new {finding.result}"
    _no_outcome_is_better(faulted, undisturbed)


def _allowed(finding: Finding) -> tuple[FindingResult, ...]:
    """What was judged may become unknown; nothing else may change, and least of all to pass."""
    return (finding.result, FindingResult.ERROR)


def _is_accounted_for(finding: Finding, faulted: Gathered, found: dict[tuple[str, ...], Finding]) -> bool:
    whole = (finding.check, finding.account, finding.region, finding.kind, WHOLE_UNIT)
    if whole in found:
        return found[whole].result is FindingResult.ERROR
    return (finding.kind, finding.account, finding.region) in unavailable(faulted)


def unavailable(gathered: Gathered) -> set[tuple[str, str, str]]:
    """Kinds and views of the units that the manifest shows as unavailable."""
    declarations = load_run(gathered.vault, gathered.state).declarations.values()
    views = {(item.view_of or item.kind, item.kind) for item in declarations}
    return {
        (kind, unit.account, unit.region)
        for unit, receipt in gathered.receipts.items()
        if receipt.result is GatherResult.UNAVAILABLE
        for base, kind in views
        if base == unit.kind
    }


def _no_outcome_is_better(faulted: Gathered, undisturbed: Gathered) -> None:
    before = {outcome.requirement: outcome for outcome in undisturbed.outcomes.requirements}
    after = {outcome.requirement: outcome for outcome in faulted.outcomes.requirements}
    assert before.keys() == after.keys()
    for name, outcome in after.items():
        allowed = (before[name].outcome, Outcome.NOT_COLLECTED)
        lost = sum(kind.results.get(GatherResult.UNAVAILABLE, 0) for kind in outcome.coverage)
        assert outcome.outcome in allowed or lost, f"{name}: {before[name].outcome} became {outcome.outcome}"
