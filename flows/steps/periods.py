"""Which time evidence speaks about, and which occasion a run fills."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

from evidence_schema.models.base import format_time
from evidence_schema.models.unit import Period
from flows.errors import UsageError

_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ADHOC = re.compile(r"adhoc/[0-9a-z-]{4,32}")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def month_slot(month: str) -> str:
    """The slot of the monthly run over `month` (YYYY-MM)."""
    month_period(month)
    return f"monthly/{month}"


def month_before(now: datetime) -> str:
    """The month that a run on the 1st speaks about: the one that has just ended."""
    last = now.astimezone(UTC).replace(day=1) - timedelta(days=1)
    return f"{last.year:04}-{last.month:02}"


def month_period(month: str) -> Period:
    """The whole month, UTC; raises UsageError for anything but YYYY-MM."""
    match = _MONTH.fullmatch(month)
    if match is None or not 0 < int(match[1]) < 9999:
        raise UsageError(f"expected a month like 2026-10, found {month[:40]!r}")
    year, number = int(match[1]), int(match[2])
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return Period(start=start, end=end)


def adhoc_slot() -> str:
    """An occasion of its own."""
    return f"adhoc/{secrets.token_hex(6)}"


def checked_case(case: str | None) -> str | None:
    """A ticket id, or UsageError: names and free text would stand in the log for ever."""
    if case is not None and not _CASE.fullmatch(case):
        raise UsageError(f"expected a ticket id such as INC-1234, found {case[:40]!r}; names and text do not go here")
    return case


def checked_slot(slot: str | None) -> str | None:
    """The slot of an ad-hoc run, or UsageError."""
    if slot is not None and not _ADHOC.fullmatch(slot):
        raise UsageError(f"expected a slot like adhoc/9f2c51d07a3e, found {slot[:40]!r}; `evidence status` lists them")
    return slot


def adhoc_period(start: datetime | None, end: datetime | None, now: datetime) -> Period:
    """From and to as given; by default the 24 hours that end now."""
    until = (end or now).replace(microsecond=0)
    since = (start or until - timedelta(days=1)).replace(microsecond=0)
    if since >= until:
        raise UsageError(f"expected --from before --to, found {format_time(since)} and {format_time(until)}")
    return Period(start=since, end=until)


def new_run_id(now: datetime) -> str:
    """Names the run, and the role session in which it asks AWS, so that CloudTrail can witness the calls."""
    return f"run-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
