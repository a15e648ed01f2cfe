"""AWS schedule expressions, `cron(...)` and `rate(...)`, as the moments they mean."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

MOST = 10_000
"""Occasions of one schedule; more than an hourly one, AWS Backup's most frequent, has in a year."""

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_CRON = re.compile(r"cron\(\s*(.{9,200}?)\s*\)")
_RATE = re.compile(r"rate\(\s*([1-9]\d{0,4})\s+(minute|hour|day)s?\s*\)")
_DayTest = Callable[[date], bool]


class UnreadableSchedule(ValueError):
    """A schedule expression or time zone that this version cannot read."""


def occasions(
    expression: str, zone: str, start: datetime, end: datetime, anchor: datetime | None = None
) -> Iterator[datetime]:
    """The moments from `start` up to and without `end`, in UTC and in order; raises UnreadableSchedule.

    `rate` counts from `anchor`.
    """
    place = _zone(zone)
    rate = _RATE.fullmatch(expression.strip())
    found = _rated(rate, start, end, anchor) if rate else _Cron.parse(expression).between(start, end, place)
    for number, moment in enumerate(found):
        if number >= MOST:
            raise UnreadableSchedule(f"expected at most {MOST} occasions, found more")
        yield moment


def is_rate(expression: str) -> bool:
    """Whether the moments depend on when the schedule was set up."""
    return _RATE.fullmatch(expression.strip()) is not None


def _zone(name: str) -> tzinfo:
    if name.upper() in ("", "UTC", "ETC/UTC"):
        return UTC
    try:
        return ZoneInfo(name[:64])
    except (KeyError, ValueError, OSError) as error:
        raise UnreadableSchedule(f"expected a known time zone, found {name[:64]!r}") from error


def _rated(rate: re.Match[str], start: datetime, end: datetime, anchor: datetime | None) -> Iterator[datetime]:
    if anchor is None:
        raise UnreadableSchedule("expected the moment a rate counts from, found none")
    step = timedelta(**{f"{rate[2]}s": int(rate[1])})
    moment = anchor + max(0, -((anchor - start) // step)) * step
    while moment < end:
        if moment >= start:
            yield moment
        moment += step


@dataclass(frozen=True)
class _Cron:
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    is_day: _DayTest

    @classmethod
    def parse(cls, expression: str) -> _Cron:
        match = _CRON.fullmatch(expression.strip())
        fields = match[1].upper().split() if match else []
        if len(fields) != 6:
            raise UnreadableSchedule(f"expected cron() of six fields or rate(), found {expression[:80]!r}")
        minute, hour, day, month, weekday, year = fields
        if "?" not in (day, weekday) or day == weekday:
            raise UnreadableSchedule(f"expected `?` in one of both day fields, found {expression[:80]!r}")
        return cls(
            minutes=tuple(sorted(_numbers(minute, 0, 59))),
            hours=tuple(sorted(_numbers(hour, 0, 23))),
            months=_numbers(month, 1, 12, _MONTHS),
            years=_numbers(year, 1970, 2199),
            is_day=_day_of_week(weekday) if day == "?" else _day_of_month(day),
        )

    def between(self, start: datetime, end: datetime, zone: tzinfo) -> Iterator[datetime]:
        day, last = start.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date()
        while day <= last:
            if day.year in self.years and day.month in self.months and self.is_day(day):
                for moment in self._of_day(day, zone):
                    if start <= moment < end:
                        yield moment
            day += timedelta(days=1)

    def _of_day(self, day: date, zone: tzinfo) -> list[datetime]:
        moments = (
            datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
            for hour in self.hours
            for minute in self.minutes
        )
        return sorted(set(moments))  # where clocks are put forward, two wall times are one moment


def _numbers(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin = low if first in ("*", "?") else _number(first, low, high, names)
        open_ended = high if first in ("*", "?") or step else begin
        stop = _number(last, low, high, names) if dash else open_ended
        every = _number(step, 1, high, None) if step else 1
        if stop < begin:  # FRI-MON goes round
            found.update(range(begin, high + 1, every))
            begin = low
        found.update(range(begin, stop + 1, every))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    number = (names or {}).get(text)
    if number is None and re.fullmatch(r"\d{1,4}", text):
        number = int(text)
    if number is None or not low <= number <= high:
        raise UnreadableSchedule(f"expected a number from {low} to {high}, found {text[:20]!r}")
    return number


def _day_of_month(text: str) -> _DayTest:
    if text == "L":
        return lambda day: day.day == _length(day)
    if text == "LW":
        return lambda day: day.day == _nearest_weekday(day, _length(day))
    near = re.fullmatch(r"(\d{1,2})W", text)
    if near:
        wanted = _number(near[1], 1, 31, None)
        return lambda day: wanted <= _length(day) and day.day == _nearest_weekday(day, wanted)
    days = _numbers(text, 1, 31)
    return lambda day: day.day in days


def _day_of_week(text: str) -> _DayTest:
    if text == "L":
        return lambda day: _weekday(day) == _DAYS["SAT"]
    last = re.fullmatch(r"(\w{1,3})L", text)
    if last:
        wanted = _number(last[1], 1, 7, _DAYS)
        return lambda day: _weekday(day) == wanted and day.day + 7 > _length(day)
    nth = re.fullmatch(r"(\w{1,3})#([1-5])", text)
    if nth:
        wanted, place = _number(nth[1], 1, 7, _DAYS), int(nth[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == place
    days = _numbers(text, 1, 7, _DAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The working day nearest to a day of the month, inside that month."""
    target = day.replace(day=wanted)
    shift = {6: -1, 7: 1}.get(target.isoweekday(), 0)
    if wanted + shift < 1:
        shift = 2
    if wanted + shift > _length(day):
        shift = -2
    return wanted + shift
