"""What the task layer asks of a collector, and what it gets back: one value for each unit, whatever happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evidence_schema.models.names import GatherResult
from evidence_schema.models.receipt import CallCounts, CallProblem, ItemCounts, RedactionCount
from evidence_schema.models.transcript import Collector
from evidence_schema.models.unit import Period, PlannedUnit, Unit
from flows.collectors.spool import Spooled


@dataclass(frozen=True)
class GatherRequest:
    """The units of one service in one account and region."""

    run_id: str
    account: str
    region: str
    service: str
    units: tuple[PlannedUnit, ...]
    period: Period
    home_region: str


@dataclass
class Gathered:
    """A unit as it ended. Transcript and files are temporary: the consumer keeps their bytes and closes them."""

    unit: Unit
    requirements: tuple[str, ...]
    result: GatherResult
    reason: str
    transcript: Spooled | None
    files: tuple[Spooled, ...]
    calls: CallCounts
    items: ItemCounts
    problems: tuple[CallProblem, ...]
    redactions: tuple[RedactionCount, ...]
    quarantined: int
    principal: str
    collector: Collector
    started: datetime
    finished: datetime

    def close(self) -> None:
        """Forget the temporary bytes."""
        for spooled in (self.transcript, *self.files):
            if spooled is not None:
                spooled.close()
