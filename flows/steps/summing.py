"""Sum a judged run up."""

from __future__ import annotations

from collections.abc import Iterable

from evidence_schema.models.finding import RequirementOutcome
from evidence_schema.models.names import GatherResult
from evidence_schema.models.receipt import Receipt
from flows.collectors.errors import CREDENTIALS_REFUSED
from flows.steps.compiling import Workbook
from flows.steps.judging import closed_of, judged_of, outcomes_of, receipts_of
from flows.steps.opening import Run
from flows.summary import RequirementLine, RunSummary, WorkbookLine, trouble_of
from flows.vault.runs import RunState
from flows.vault.vault import Vault


def summary_of(vault: Vault, run: Run, state: RunState, workbooks: Iterable[Workbook] = ()) -> RunSummary:
    """What the run came to, read from the vault: the same for whoever asks, whenever."""
    closed, titles = closed_of(state), {item.id: item.title for item in run.catalog.requirements}
    receipts = [row for row in receipts_of(vault, closed) if _is_worth_telling(row)]
    return RunSummary(
        run_id=state.run_id,
        slot=state.slot,
        simulated=state.open.simulated,
        resumed=run.joined,
        units=len(run.units),
        results=closed.results,
        troubles=tuple(trouble_of(row) for row in receipts),
        requirements=tuple(
            _line(outcome, titles[outcome.requirement]) for outcome in outcomes_of(vault, judged_of(state)).requirements
        ),
        awaiting=run.plan.awaiting,
        workbooks=tuple(
            WorkbookLine(
                framework=book.framework,
                name=book.name,
                digest=str(book.digest),
                key=book.key,
                path=str(book.path or ""),
            )
            for book in workbooks
        ),
        accounts_stopped=tuple(sorted({row.unit.account for row in receipts if _was_refused(row)})),
    )


def _is_worth_telling(receipt: Receipt) -> bool:
    return not receipt.result.is_complete or receipt.result is GatherResult.UNAVAILABLE


def _was_refused(receipt: Receipt) -> bool:
    return receipt.result is GatherResult.FAILED and receipt.reason.startswith(CREDENTIALS_REFUSED)


def _line(outcome: RequirementOutcome, title: str) -> RequirementLine:
    return RequirementLine(
        requirement=outcome.requirement,
        title=title,
        outcome=outcome.outcome,
        failed=sum(check.failed for check in outcome.checks),
        tested=sum(check.tested for check in outcome.checks),
        why=_why(outcome),
    )


def _why(outcome: RequirementOutcome) -> str:
    """The checks that failed, with their counts; where none did, the first reason."""
    failed = [f"{check.check}: {check.failed} of {check.tested} failed" for check in outcome.checks if check.failed]
    return "; ".join(failed) or next(iter(outcome.reasons), "")
