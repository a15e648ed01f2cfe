"""Who watches a run: progress is an object handed in, never a print (stdout is for results)."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import PlannedUnit


class Observer(Protocol):
    """Told what happens while it happens; called from several threads."""

    def opened(self, run_id: str, slot: str, units: int, done: int, resumed: bool) -> None:
        """The run is open in the log: `units` are expected, `done` of them have a receipt already."""

    def answered(self, unit: PlannedUnit, result: str, items: int, reason: str) -> None:
        """A unit was gathered; its sealing goes on."""

    def sealed(self, receipt: Receipt) -> None:
        """A unit's artifacts and receipt are in the vault."""

    def step(self, text: str) -> None:
        """The next step of the run begins."""


class Silent:
    """Watches without a word."""

    def opened(self, run_id: str, slot: str, units: int, done: int, resumed: bool) -> None: ...

    def answered(self, unit: PlannedUnit, result: str, items: int, reason: str) -> None: ...

    def sealed(self, receipt: Receipt) -> None: ...

    def step(self, text: str) -> None: ...


observer: ContextVar[Observer] = ContextVar("observer", default=Silent())  # noqa: B039 (frozen: it has no state)
