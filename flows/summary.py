"""What a run came to, for terminal, `--json`, Prefect's artifact and exit code: counts and ids, never evidence."""

from __future__ import annotations

from evidence_schema.models.base import Frozen, NonNegative
from evidence_schema.models.names import GatherResult, Outcome
from evidence_schema.models.receipt import Receipt


class UnitTrouble(Frozen):
    """A unit that was not gathered completely, and why."""

    kind: str
    account: str
    region: str
    result: GatherResult
    reason: str
    calls: tuple[str, ...] = ()
    """`service:Operation code (n)` of the calls that did not answer."""


class RequirementLine(Frozen):
    """A requirement with its outcome."""

    requirement: str
    title: str
    outcome: Outcome
    failed: NonNegative
    tested: NonNegative
    why: str = ""


class WorkbookLine(Frozen):
    """A workbook that was compiled."""

    framework: str
    name: str
    digest: str
    key: str
    path: str = ""


class RunSummary(Frozen):
    """A run that was closed and judged."""

    run_id: str
    slot: str
    simulated: bool
    resumed: bool
    units: NonNegative
    results: dict[GatherResult, NonNegative]
    troubles: tuple[UnitTrouble, ...]
    requirements: tuple[RequirementLine, ...]
    awaiting: tuple[str, ...] = ()
    """Requirements that no connector gathers: a person supplies them."""
    workbooks: tuple[WorkbookLine, ...] = ()
    accounts_stopped: tuple[str, ...] = ()
    """Accounts whose credentials were refused: their units failed without a call."""

    @property
    def exit_code(self) -> int:
        """0 ok, 1 findings or gaps, 3 where an account could not be asked at all (DESIGN section 8)."""
        if self.accounts_stopped:
            return 3
        gaps = any(not result.is_complete for result in self.results)
        loud = (Outcome.EXCEPTION, Outcome.NOT_COLLECTED, Outcome.STALE)
        return 1 if gaps or any(line.outcome in loud for line in self.requirements) else 0


def trouble_of(receipt: Receipt) -> UnitTrouble:
    """An incomplete unit in a line."""
    return UnitTrouble(
        kind=receipt.unit.kind,
        account=receipt.unit.account,
        region=receipt.unit.region,
        result=receipt.result,
        reason=receipt.reason,
        calls=tuple(
            f"{problem.service}:{problem.operation} {problem.code} ({problem.count})" for problem in receipt.problems
        ),
    )
