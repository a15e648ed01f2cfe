"""The words an auditor reads: one wording for every sheet, page and terminal table. No word concludes anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from controls.assessment import RequirementRow
from controls.models import Check, EvidenceRequirement
from evidence_schema.models.base import format_time
from evidence_schema.models.finding import CheckResult, KindCoverage, RequirementOutcome
from evidence_schema.models.names import Mode, Outcome
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Period

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.EXCEPTION: "exception",
    Outcome.NOT_COLLECTED: "not collected",
    Outcome.STALE: "stale",
    Outcome.NEEDS_REVIEW: "needs review",
    Outcome.NO_EXCEPTION: "no exception noted",
    Outcome.NOT_APPLICABLE: "not applicable",
}
AWAITING = "awaiting a person"
UNPLANNED = "not asked for in this run"
GAPS = frozenset({Outcome.NOT_COLLECTED, Outcome.STALE})


def outcome_words(outcome: Outcome, passed: int, tested: int, at: datetime | None) -> str:
    """An outcome as it is printed: "no exception noted" always says of how many items, and when."""
    if outcome is not Outcome.NO_EXCEPTION:
        return OUTCOMES[outcome]
    moment = f", at {format_time(at)}" if at else ""
    return f"{OUTCOMES[outcome]}, {passed:,} of {tested:,} items{moment}"


def requirement_words(row: RequirementRow) -> str:
    """A requirement's outcome. Items are counted once for each automatic check that judged them."""
    if row.outcome is None:
        return UNPLANNED if row.requirement.kinds else f"{AWAITING}: {_supplier(row.requirement)}"
    automatic = [check for check in row.outcome.checks if check.mode is Mode.AUTO and check.tested]
    words = outcome_words(
        row.outcome.outcome,
        sum(check.passed for check in automatic),
        sum(check.tested for check in automatic),
        row.outcome.collected_at,
    )
    if row.outcome.outcome is Outcome.NO_EXCEPTION and len(automatic) > 1:
        return words.replace(" items", f" items in {len(automatic)} checks")
    return words


def _supplier(requirement: EvidenceRequirement) -> str:
    """Who supplies what no connector gathers."""
    source = requirement.source
    return source.supplied_by or f"a file from {source.system}, which is not connected"


def check_words(mode: Mode, result: CheckResult | None, row: RequirementRow) -> str:
    """A check's result over its population; one that nothing has judged says who must."""
    if mode is Mode.REPORT:
        return "shown only: no pass or fail" if row.outcome else requirement_words(row)
    if result is not None and result.outcome is not None:
        at = row.outcome.collected_at if row.outcome else None
        words = outcome_words(result.outcome, result.passed, result.tested, at)
        return f"{words}: {AWAITING}" if mode is Mode.HUMAN and result.outcome is Outcome.NEEDS_REVIEW else words
    if row.outcome is not None and mode is Mode.AUTO:
        return "needs review: no result on record"
    return AWAITING if row.outcome is not None else requirement_words(row)


def coverage_words(coverage: Iterable[KindCoverage]) -> str:
    """How completely each kind was gathered: "aws.s3.buckets: 1 of 2 units complete (1 collected, 1 denied)"."""
    return "\n".join(_kind_words(kind) for kind in coverage)


def _kind_words(kind: KindCoverage) -> str:
    told = [f"{count} {result}" for result, count in sorted(kind.results.items()) if count]
    missing = kind.expected - sum(kind.results.values())
    told += [f"{missing} without a receipt"] if missing > 0 else []
    return f"{kind.kind}: {complete_units(kind)} of {kind.expected} units complete ({', '.join(told) or 'none'})"


def complete_units(kind: KindCoverage) -> int:
    return sum(count for result, count in kind.results.items() if result.is_complete)


def is_gap(outcome: RequirementOutcome | None) -> bool:
    """Something planned could not be gathered or judged, whatever the rest of it showed."""
    if outcome is None:
        return False
    incomplete = any(complete_units(kind) < kind.expected for kind in outcome.coverage)
    return outcome.outcome in GAPS or incomplete or any(check.errors for check in outcome.checks)


def period_words(period: Period) -> str:
    return f"{format_time(period.start)} to {format_time(period.end)} (end not included)"


def period_label(period: Period) -> str:
    """`2026-11` for a calendar month, else both dates; fit for a file name."""
    start, end = period.start, period.end
    whole_days = (start.hour, start.minute, start.second, end.hour, end.minute, end.second) == (0,) * 6
    months = (end.year - start.year) * 12 + end.month - start.month
    if whole_days and months == 1 and start.day == end.day == 1:
        return f"{start:%Y-%m}"
    return f"{start:%Y-%m-%d}_to_{end:%Y-%m-%d}"


def values_words(values: Mapping[str, Any]) -> str:
    """The values that decided, a line each, as JSON writes them."""
    return "\n".join(f"{name} = {_value_words(value)}" for name, value in sorted(values.items()))


def _value_words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def check_text(check: Check, result: CheckResult | None) -> str:
    """What a check tests, with the parameters that were used in place of their names."""
    text = check.text
    for name, value in {**check.params, **(result.parameters if result else {})}.items():
        if value is not None:
            text = text.replace(f"{{{name}}}", _value_words(value))
    for name in check.needs:
        text = text.replace(f"{{{name}}}", f"({name.replace('_', ' ')}, as supplied)")
    return text


def rule_words(check: Check) -> str:
    """The rule as the catalogue has it, a line for each part."""
    parts = [
        ("over", listed(check.over)),
        ("with", listed(f"{name} = {other.kind} in the same {other.within}" for name, other in check.with_.items())),
        ("when", check.when),
        ("fails when", check.fails_when),
        ("assert", check.assert_),
        ("unless", check.unless),
    ]
    return "\n".join(f"{name}: {part}" for name, part in parts if part)


def gather_reason(receipt: Receipt) -> str:
    """Why a unit is not complete: its reason, and each call that did not answer."""
    calls = [
        f"{problem.service}:{problem.operation} ({problem.step}) {problem.result}: {problem.code} x{problem.count}"
        for problem in receipt.problems
    ]
    return "\n".join([receipt.reason, *calls] if receipt.reason else calls)
