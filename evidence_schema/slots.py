"""When a schedule's slots are due: pure arithmetic over numbered periods.

A slot `monthly/2026-10` is the occasion to speak about a period. When the next period begins, this one is over and the
slot is due. Periods are numbered, so that a question about a thousand years costs no more than one about a month.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from evidence_schema.models.schedule import Cadence, Schedule

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A schedule while it is in force: for slots due from `start` on, and before `end`; `source` is its entry."""

    schedule: Schedule
    source: int
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Slots of a rule, one after the other, that were due and that nobody filled."""

    rule: Rule
    first: str
    last: str
    count: int
    due: datetime
    """Of the first."""


def number_of(cadence: Cadence, name: str) -> int | None:
    """The number of the period that a slot's last part names; None where it names none."""
    if cadence == "monthly" and (match := _MONTH.fullmatch(name)) and int(match[1]):
        return int(match[1]) * 12 + int(match[2]) - 1
    if cadence == "daily" and _DAY.fullmatch(name):
        try:
            return date.fromisoformat(name).toordinal()
        except ValueError:
            return None
    return None


def name_of(cadence: Cadence, number: int) -> str:
    """The inverse of `number_of`."""
    if cadence == "monthly":
        return f"{number // 12:04}-{number % 12 + 1:02}"
    return date.fromordinal(number).isoformat()


def due_at(cadence: Cadence, number: int) -> datetime:
    """When the period is over."""
    if cadence == "monthly":
        return datetime((number + 1) // 12, (number + 1) % 12 + 1, 1, tzinfo=UTC)
    return datetime.combine(date.fromordinal(number + 1), datetime.min.time(), UTC)


def rules_of(changes: Iterable[tuple[int, datetime, Schedule]]) -> list[Rule]:
    """What is in force when, by the changes of a log in their order: entry number, its time, and what it says.

    A change takes effect when it says, and never before it was written: what was due by then stays due.
    """
    rules: dict[str, list[Rule]] = {}
    for source, time, schedule in changes:
        start = max(time, schedule.since)
        earlier = [_until(rule, start) for rule in rules.get(schedule.id, [])]
        rules[schedule.id] = [*(rule for rule in earlier if rule is not None), Rule(schedule, source, start)]
    return [rule for name in sorted(rules) for rule in rules[name]]


def missing(
    rules: Sequence[Rule], filled: Mapping[str, datetime], now: datetime, grace: Mapping[Cadence, timedelta]
) -> Iterator[Missing]:
    """Every slot that was due for longer than the grace and was not filled, in stretches.

    `filled`: slot -> when its last run was closed. Whoever closes one before its period is over fills nothing.
    """
    for rule in rules:
        cadence = rule.schedule.cadence
        if cadence == "none":
            continue
        until = now - grace.get(cadence, timedelta())
        until = until if rule.end is None else min(until, rule.end - timedelta(seconds=1))
        if until < rule.start:
            continue
        first, last = _first_due(cadence, rule.start), _last_due(cadence, until)
        prefix = f"{rule.schedule.id}/"
        closed = (
            (number_of(cadence, slot.removeprefix(prefix)), time)
            for slot, time in filled.items()
            if slot.startswith(prefix)
        )
        standing = sorted(
            number
            for number, time in closed
            if number is not None and first <= number <= last and time >= due_at(cadence, number)
        )
        for number in [*standing, last + 1]:
            if first < number:
                names = (prefix + name_of(cadence, first), prefix + name_of(cadence, number - 1))
                yield Missing(rule, *names, number - first, due_at(cadence, first))
            first = number + 1


def _until(rule: Rule, end: datetime) -> Rule | None:
    """The rule as far as it goes before another one; None where nothing is left of it."""
    end = end if rule.end is None else min(end, rule.end)
    return Rule(rule.schedule, rule.source, rule.start, end) if rule.start < end else None


def _first_due(cadence: Cadence, moment: datetime) -> int:
    """The first period that is over at this moment or later."""
    before = _last_due(cadence, moment)
    is_due_now = before >= _lowest(cadence) and due_at(cadence, before) == moment
    return max(before if is_due_now else before + 1, _lowest(cadence))


def _last_due(cadence: Cadence, moment: datetime) -> int:
    """The last period that is over at this moment."""
    moment = moment.astimezone(UTC)
    return (moment.year * 12 + moment.month - 1 if cadence == "monthly" else moment.date().toordinal()) - 1


def _lowest(cadence: Cadence) -> int:
    return 12 if cadence == "monthly" else 1
