"""The scheduled month: collect, seal and judge the month that has ended, then compile every framework's workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.runtime import flow_run

from evidence_schema.models.names import Trigger
from evidence_schema.models.unit import Selection
from flows.collect_evidence import collect
from flows.compile_workbook import compile_all
from flows.settings import config_path
from flows.steps.opening import RunRequest, load_run
from flows.steps.periods import month_before, month_period, month_slot
from flows.steps.runtime import Runtime, open_runtime
from flows.steps.summing import summary_of
from flows.summary import RunSummary
from flows.tasks import RUNNER
from flows.vault.vault import utc_now


def run_name() -> str:
    """The month that is collected."""
    return f"monthly {flow_run.parameters.get('month') or month_before(utc_now())}"


@flow(name="monthly compliance", flow_run_name=run_name, task_runner=RUNNER, persist_result=False)
def monthly_compliance(
    config: str | None = None, month: str | None = None, folder: str | None = None, again: bool = False
) -> dict[str, Any]:
    """Fill the slot of a month (YYYY-MM; by default the one that has ended). What is done already stays done;
    `again` opens a further run of a month that was closed, and keeps both. Returns the run's summary.
    """
    runtime = open_runtime(config_path(config))
    month = month or month_before(runtime.clock())
    slot, period = month_slot(month), month_period(month)
    selection = Selection(frameworks=runtime.settings.frameworks)
    request = RunRequest(slot=slot, trigger=Trigger.SCHEDULE, selection=selection, period=period, again=again)
    return deliver(runtime, collect(runtime, request), Path(folder) if folder else None).to_json()


def deliver(runtime: Runtime, summary: RunSummary, folder: Path | None) -> RunSummary:
    """Compile the workbooks of a judged run."""
    state = runtime.vault.runs.run(summary.run_id)
    if state is None:
        raise LookupError(f"the log has lost {summary.run_id}")  # the run was judged a moment ago
    books = compile_all(runtime, state, (), folder)
    run = load_run(runtime.vault, state)
    told = summary_of(runtime.vault, run, state, books)
    return told.model_copy(update={"resumed": summary.resumed})
