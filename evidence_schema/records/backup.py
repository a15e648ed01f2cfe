"""Expected backup occasions: what AWS Backup should have started in the period, by the schedule of each rule.

A check joins them with jobs: a job answers an occasion where its `CreatedBy` names plan and rule and it was created
from `ScheduledAt` up to `WindowEnd`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from evidence_schema.models.base import format_time
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import declared
from evidence_schema.records.making import moment_of, record_of, text_of, texts_of
from evidence_schema.records.schedule import UnreadableSchedule, is_rate
from evidence_schema.records.schedule import occasions as moments_of

START_WINDOW = 480
"""Minutes within which AWS Backup starts a job, where a rule does not say."""
COMPLETION_WINDOW = 10_080
JOB_HISTORY = timedelta(days=30)
"""How long AWS Backup lists jobs: an older occasion cannot be judged from this run."""
YEAR = timedelta(days=366)
FOR_EVER = 36_500
"""Days of retention of a rule that never deletes."""
_TIMES = ("ScheduledAt", "WindowEnd", "CompleteBy", "Due", "InJobHistory", "IntervalHours")
_LONGEST_WINDOW = 366 * 24 * 60


def occasions(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],
) -> Iterator[Record]:
    """A record for each occasion of each rule of each plan; one with its times unknown where a schedule cannot be
    read. Nothing is expected before the plan existed, nor after the plans were read.
    """
    clock = _Clock(calls)
    plans = declared(header, KindDeclaration.model_validate(header.declaration), iter(clock), files)
    for plan in plans:
        yield from _of_plan(header, declaration, plan, clock)


class _Clock:
    """Passes calls on and remembers when the last was made."""

    def __init__(self, calls: Iterator[Call]) -> None:
        self._calls = calls
        self.read_at: datetime | None = None

    def __iter__(self) -> Iterator[Call]:
        for call in self._calls:
            self.read_at = call.source_date or call.started
            yield call


def _of_plan(header: TranscriptHeader, view: KindDeclaration, plan: Record, clock: _Clock) -> Iterator[Record]:
    name = text_of(plan.fields, "BackupPlanName") or plan.id
    base = {"Plan": name, "PlanId": plan.id} | _selected(plan)
    poison = {
        field: plan.gaps["selections"]
        for field in ("Resources", "Patterns", "ByTag", "Selections")
        if "selections" in plan.gaps
    }
    if "plan" in plan.gaps:
        unknown = dict.fromkeys(("Rule", "RuleId", "Vault", *_TIMES), plan.gaps["plan"])
        yield record_of(header, view, f"{name}/(rules)", base, poison | unknown)
        return
    rules = look_up(plan.fields, "plan.Rules")
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict):
            yield from _of_rule(header, view, plan, rule, base, poison, clock)


def _of_rule(
    header: TranscriptHeader,
    view: KindDeclaration,
    plan: Record,
    rule: dict[str, Any],
    base: dict[str, Any],
    poison: dict[str, Gap],
    clock: _Clock,
) -> Iterator[Record]:
    expression = text_of(rule, "ScheduleExpression")
    fields = base | {
        "Rule": text_of(rule, "RuleName"),
        "RuleId": text_of(rule, "RuleId"),
        "Vault": text_of(rule, "TargetBackupVaultName"),
        "Schedule": expression,
        "Timezone": text_of(rule, "ScheduleExpressionTimezone") or "UTC",
        "Approximate": is_rate(expression),
        "RetentionDays": _retention_days(rule),
    }
    created = moment_of(plan.fields.get("CreationDate"))
    read_at = clock.read_at or header.period.end
    start, end = max(header.period.start, created or header.period.start), min(header.period.end, read_at)
    prefix = f"{fields['Plan']}/{fields['Rule'] or fields['RuleId']}"
    try:
        found = list(moments_of(expression, fields["Timezone"], start, end, created))
        fields["IntervalHours"] = _interval_hours(expression, fields["Timezone"], header.period.start)
        for moment in found:
            times = _times(rule, moment, read_at)
            yield record_of(header, view, f"{prefix}/{times['ScheduledAt']}", fields | times, poison)
    except UnreadableSchedule:
        gap = Gap(operation="backup:GetBackupPlan", code="UnreadableSchedule", result="failed")
        yield record_of(header, view, f"{prefix}/(schedule)", fields, poison | dict.fromkeys(_TIMES, gap))


def _retention_days(rule: dict[str, Any]) -> int:
    """How long the rule keeps backups; without an end, FOR_EVER."""
    days = look_up(rule, "Lifecycle.DeleteAfterDays")
    return days if isinstance(days, int) and not isinstance(days, bool) else FOR_EVER


def _interval_hours(expression: str, zone: str, start: datetime) -> int:
    """The longest time between two occasions of a year, in full hours upwards: what a recovery point objective bounds.
    A schedule with fewer than two a year has the year's own length.
    """
    found = list(moments_of(expression, zone, start, start + YEAR, start))
    gaps = [later - earlier for earlier, later in pairwise(found)]
    return -(-max(gaps, default=YEAR) // timedelta(hours=1))


def _times(rule: dict[str, Any], moment: datetime, read_at: datetime) -> dict[str, Any]:
    window_end = moment + _minutes(rule, "StartWindowMinutes", START_WINDOW)
    return {
        "ScheduledAt": format_time(moment),
        "WindowEnd": format_time(window_end),
        "CompleteBy": format_time(moment + _minutes(rule, "CompletionWindowMinutes", COMPLETION_WINDOW)),
        "Due": window_end <= read_at,
        "InJobHistory": moment > read_at - JOB_HISTORY,
    }


def _selected(plan: Record) -> dict[str, Any]:
    """What the plan's selections name: ARNs, patterns of ARNs, and whether tags choose more."""
    found = plan.fields.get("selections")
    selections = [item.get("selection") for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    details = [item for item in selections if isinstance(item, dict)]
    named = sorted({text for item in details for text in texts_of(item.get("Resources"))})
    return {
        "Selections": len(selections),
        "Resources": [name for name in named if "*" not in name],
        "Patterns": [name for name in named if "*" in name],
        "ByTag": any(item.get("ListOfTags") or _conditions(item) for item in details),
    }


def _conditions(selection: dict[str, Any]) -> bool:
    conditions = selection.get("Conditions")
    return isinstance(conditions, dict) and any(conditions.values())


def _minutes(rule: dict[str, Any], name: str, default: int) -> timedelta:
    found = rule.get(name)
    sane = isinstance(found, int) and not isinstance(found, bool) and 0 < found <= _LONGEST_WINDOW
    return timedelta(minutes=found if sane and isinstance(found, int) else default)
