"""What an organisation promised to do how often, and who decided so."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evidence_schema.models.base import Frozen, UtcTime
from evidence_schema.models.disposition import Role

Cadence = Literal["daily", "monthly", "none"]
"""`none`: the schedule has ended."""
ScheduleId = Annotated[str, Field(pattern=r"^[a-z]{3,16}$")]
"""The first part of its slots: `monthly` of `monthly/2026-11`."""


class Schedule(Frozen):
    """A cadence for the slots that fall due from `since` on."""

    id: ScheduleId
    cadence: Cadence
    since: UtcTime
    approver: Role
