"""What an auditor pins at the start of an engagement: a key found elsewhere is never trusted (INTEGRITY 5.4)."""

from __future__ import annotations

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.layout import AUTHORITY
from evidence_schema.models.base import Frozen, NonNegative, UtcTime
from evidence_schema.models.names import LogName


class TrustedKey(Frozen):
    """A verifier key (C2SP vkey) and the entries it may sign: from `first`, up to and without `until`.

    A key that was stolen is believed only for entries that stood before: a time-stamp token or a kept checkpoint older
    than the theft covers them.
    """

    vkey: str = Field(max_length=400)
    first: NonNegative = 0
    until: NonNegative | None = None
    stolen_at: UtcTime | None = None
    """The earliest moment at which somebody else may have had it."""
    revoked_from: NonNegative | None = None
    """Of a stolen key: entries from this number on are not believed, whatever covers them."""


class TrustedAuthority(Frozen):
    """A time-stamp authority by the name that its tokens carry in the vault, and the certificates that vouch for it."""

    id: str = Field(pattern=f"^{AUTHORITY}$")
    roots: str = Field(min_length=1, max_length=256 * 1024)
    """PEM: one or more roots, and intermediate certificates where its replies lack them."""


class TimestampTrust(Frozen):
    """Whose time is believed (RFC 3161), and how late a token may be before it is told."""

    authorities: tuple[TrustedAuthority, ...] = Field(min_length=1)
    max_late_minutes: NonNegative = 60
    first: NonNegative = 0
    """Entries from this number on have tokens: an authority may have been named long after the log began."""


class FreshnessTrust(Frozen):
    """How long after it fell due a slot of the log's schedule may be filled, and how long a log may be silent."""

    daily_grace_days: int = Field(default=2, ge=0, le=3650)
    monthly_grace_days: int = Field(default=7, ge=0, le=3650)
    max_silence_days: int | None = Field(default=None, ge=0, le=3650)
    """The newest heartbeat, opening or closing of a scheduled run is not older. None: silence is not looked at."""


class TrustPolicy(Frozen):
    """The origin and keys that a verifier believes; `max_age_days` is the freshness rule of the schedule."""

    schema_id: str = Field(default="evidence/trust-policy/v1", alias="schema", pattern=r"^evidence/trust-policy/v1$")
    log: LogName
    origin: str = Field(max_length=200)
    keys: tuple[TrustedKey, ...] = Field(min_length=1)
    max_age_days: NonNegative = 38
    timestamps: TimestampTrust | None = None
    """None: no authority is pinned, and tokens prove nothing."""
    freshness: FreshnessTrust | None = None
    """None: the graces above, where the log has a schedule."""

    @property
    def fingerprint(self) -> Digest:
        """Printed in the engagement letter and on the workbook's cover."""
        return Digest.of(self.canonical())
