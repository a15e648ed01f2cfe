"""Step 9, by the log's own schedule: which slots were due, which of them nobody filled, and how long the log is silent.

The rule is the writer's own word, as every time is: it shows what was promised and not kept. What it cannot show is a
schedule that was never written, or was slackened by whoever holds the key: each change is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from evidence_schema.models.base import format_time
from evidence_schema.models.entry import Heartbeat, Predicate, RunClose, RunOpen, ScheduleChange
from evidence_schema.models.schedule import Cadence, Schedule
from evidence_schema.models.trust import FreshnessTrust, TrustPolicy
from evidence_schema.slots import missing, rules_of
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.runs import Run

_AD_HOC = "adhoc/"


def check_schedule_entries(entries: Sequence[Entry], problems: Problems) -> None:
    """Each speaks about what it says that it speaks about; every change of a schedule is told."""
    standing: dict[str, Schedule] = {}
    for entry in entries:
        predicate = entry.predicate
        if isinstance(predicate, Heartbeat):
            _check_subject(entry, predicate.prev, "the entry before it", problems)
        elif isinstance(predicate, ScheduleChange):
            schedule = predicate.schedule
            _check_subject(entry, Digest.of(schedule.canonical()), "its schedule", problems)
            before = standing.get(schedule.id)
            if before is not None:
                problems.note("schedule-changed", entry.key, _words(before), _words(schedule))
            standing[schedule.id] = schedule


def check_slots(
    entries: Sequence[Entry], runs: Sequence[Run], trust: TrustPolicy, layout: Layout, now: datetime, problems: Problems
) -> str:
    """Every slot that was due has a closed run; a heartbeat fills none. What holds, in words for the verdict."""
    freshness = trust.freshness or FreshnessTrust()
    changes = [
        (entry.seq, entry.predicate.time, entry.predicate.schedule)
        for entry in entries
        if isinstance(entry.predicate, ScheduleChange)
    ]
    grace = grace_of(freshness)
    filled = dict(sorted((run.opened.slot, run.closed.time) for run in runs if run.closed is not None))
    for gap in missing(rules_of(changes), filled, now, grace):
        told = gap.first if gap.count == 1 else f"{gap.first} to {gap.last}, {gap.count} slots"
        days = grace[gap.rule.schedule.cadence].days
        promised = f"a closed run of {gap.first} within {days} days of {format_time(gap.due)}"
        problems.add("slot-missing", layout.entry(gap.rule.source), promised, f"none of {told}")
    _check_silence(entries, freshness, layout, now, problems)
    names = sorted({schedule.id for _, _, schedule in changes})
    return f"every due slot of {', '.join(names)} is filled" if names else "no schedule in the log tells what was due"


def grace_of(freshness: FreshnessTrust) -> dict[Cadence, timedelta]:
    """How long a slot may be due and not filled."""
    return {
        "daily": timedelta(days=freshness.daily_grace_days),
        "monthly": timedelta(days=freshness.monthly_grace_days),
    }


def _check_silence(
    entries: Sequence[Entry], freshness: FreshnessTrust, layout: Layout, now: datetime, problems: Problems
) -> None:
    """Signs of life are what the scheduler writes: its runs, and heartbeats where nothing was due."""
    longest = freshness.max_silence_days
    if longest is None:
        return
    signs = [entry.predicate for entry in entries if entry.predicate is not None and _is_sign(entry.predicate)]
    promised = f"a sign of life at most {longest} days old"
    newest = max((sign.time for sign in signs), default=None)
    if newest is None or now - newest > timedelta(days=longest):
        found = "none" if newest is None else f"the newest at {format_time(newest)}"
        problems.add("silent", layout.entries, promised, found)


def _is_sign(predicate: Predicate) -> bool:
    if isinstance(predicate, RunOpen | RunClose):
        return not predicate.slot.startswith(_AD_HOC)
    return isinstance(predicate, Heartbeat)


def _check_subject(entry: Entry, expected: Digest | None, what: str, problems: Problems) -> None:
    if entry.subject != (expected,):
        found = ", ".join(str(digest) for digest in entry.subject) or "none"
        problems.add("subject-differs", entry.key, f"{what}: {expected}", found)


def _words(schedule: Schedule) -> str:
    return f"{schedule.id}: {schedule.cadence} since {format_time(schedule.since)}, by {schedule.approver}"
