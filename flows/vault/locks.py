"""How long, and how strictly, the store must keep what we write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from controls.models import RetentionClass
from evidence_schema.models.names import LockMode
from flows.vault.errors import LockRefused

MAX_DAYS = 36_500
DOCUMENTATION_YEARS, DOCUMENTATION_DAYS = 6, 31
"""45 CFR 164.316(b)(2)(i): six years from creation, and a month for what was in effect a little longer."""
EXTRACT_MONTHS = 13
CLASSES: tuple[RetentionClass, ...] = ("documentation", "audit", "extract")


@dataclass(frozen=True, slots=True)
class Lock:
    """A promise of the store for one object; `until` is in whole seconds UTC."""

    mode: LockMode
    until: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", LockMode(self.mode))  # plain text would slip past `is`
        if self.mode is LockMode.NONE:
            raise LockRefused("expected GOVERNANCE or COMPLIANCE, found NONE; pass no lock where none is meant")
        if self.until.tzinfo is None:
            raise LockRefused("expected a date with its time zone, found one without")
        object.__setattr__(self, "until", self.until.astimezone(UTC).replace(microsecond=0))

    def __str__(self) -> str:
        return f"{self.mode} until {self.until:%Y-%m-%d %H:%M:%S}Z"

    def covers(self, other: Lock) -> bool:
        """At least as strict and as long as `other`."""
        strict = self.mode is LockMode.COMPLIANCE or other.mode is LockMode.GOVERNANCE
        return strict and self.until >= other.until

    def joined(self, other: Lock) -> Lock:
        """The stricter mode and the later date of both."""
        mode = LockMode.COMPLIANCE if LockMode.COMPLIANCE in (self.mode, other.mode) else LockMode.GOVERNANCE
        return Lock(mode, max(self.until, other.until))


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """The default is a rehearsal: a day in a mode that an administrator can lift."""

    mode: LockMode = LockMode.GOVERNANCE
    days: int = 1
    by: Literal["days", "retention class"] = "days"
    """In earnest, how long depends on what an artifact proves: then `days` counts for nothing."""
    audit_years: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", LockMode(self.mode))  # plain text would slip past `is`
        if self.mode is LockMode.NONE:
            raise LockRefused("expected lock mode GOVERNANCE or COMPLIANCE, found NONE; open the vault as a trial")
        if not 1 <= self.days <= MAX_DAYS:
            raise LockRefused(f"expected a lock of 1 to {MAX_DAYS} days, found {self.days}")


def lock_for(
    policy: LockPolicy,
    *,
    personal: bool,
    now: datetime,
    classes: Iterable[RetentionClass] = ("documentation",),
    period_end: datetime | None = None,
) -> Lock:
    """The lock of something written `now`: until the longest of its retention classes ends (INTEGRITY 5.8).

    `personal` is of personal data in clear: an artifact under a data key of its own is none. Raises LockRefused for
    such data under COMPLIANCE: nobody could erase it before its date, and there is no key to destroy either.
    """
    if personal and policy.mode is LockMode.COMPLIANCE:
        raise LockRefused(
            "expected GOVERNANCE for personal data in clear, found COMPLIANCE: without encryption per artifact nobody "
            "could erase it before its date; configure vault.keys, set GOVERNANCE, or leave those kinds out"
        )
    if policy.by == "days":
        return Lock(policy.mode, now + timedelta(days=policy.days))
    ends = [class_end(policy, name, now, period_end or now) for name in classes]
    return Lock(policy.mode, max([*ends, now + timedelta(days=1)]))  # a period of long ago: the lock is still a lock


def class_end(policy: LockPolicy, name: RetentionClass, now: datetime, period_end: datetime) -> datetime:
    """When a retention class ends for evidence of a period, written `now`."""
    if name == "documentation":
        return later(now, years=DOCUMENTATION_YEARS) + timedelta(days=DOCUMENTATION_DAYS)
    if name == "audit":
        return later(period_end, years=policy.audit_years)
    return later(period_end, months=EXTRACT_MONTHS)


def later(moment: datetime, *, years: int = 0, months: int = 0) -> datetime:
    """The same day some years or months on; where that month is shorter, the first day of the next one."""
    whole = moment.year * 12 + moment.month - 1 + years * 12 + months
    for shift in (0, 1):
        year, month = divmod(whole + shift, 12)
        try:
            return moment.replace(year=year, month=month + 1, day=1 if shift else moment.day)
        except ValueError:
            continue
    raise LockRefused(f"expected a date that a calendar has, found {moment} and {years} years, {months} months")
