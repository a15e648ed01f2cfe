"""How long, and how strictly, the store must keep what we write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from evidence_schema.models.names import LockMode
from flows.vault.errors import LockRefused

MAX_DAYS = 36_500


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", LockMode(self.mode))  # plain text would slip past `is`
        if self.mode is LockMode.NONE:
            raise LockRefused("expected lock mode GOVERNANCE or COMPLIANCE, found NONE; open the vault as a trial")
        if not 1 <= self.days <= MAX_DAYS:
            raise LockRefused(f"expected a lock of 1 to {MAX_DAYS} days, found {self.days}")


def lock_for(policy: LockPolicy, *, personal: bool, now: datetime) -> Lock:
    """The lock of something written `now`.

    Raises LockRefused for personal data under COMPLIANCE: such bytes could not be erased before their date by
    anybody, and as long as they are not encrypted under a key of their own there is no key to destroy either.
    """
    if personal and policy.mode is LockMode.COMPLIANCE:
        raise LockRefused(
            "expected GOVERNANCE for a plan with personal kinds, found COMPLIANCE: without encryption per artifact "
            f"nobody could erase personal data for {policy.days} days; set GOVERNANCE, or leave those kinds out"
        )
    return Lock(policy.mode, now + timedelta(days=policy.days))
