"""The flow that gathers, seals and judges: plan, open, gather, close, judge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from evidence_schema.models.names import Trigger
from evidence_schema.models.unit import Selection
from flows.memory import set_loaded_apart, share_heaps
from flows.observing import observer
from flows.settings import config_path
from flows.steps.closing import close_run
from flows.steps.gathering import Gathering, TaskKey
from flows.steps.judging import judge_run
from flows.steps.opening import Run, RunRequest, open_run
from flows.steps.periods import adhoc_period, adhoc_slot
from flows.steps.runtime import Runtime, open_runtime
from flows.steps.sources import collector_for
from flows.steps.summing import summary_of
from flows.summary import RunSummary
from flows.tasks import RUNNER, gather_task
from flows.vault.runs import RunState


def run_name() -> str:
    """For a person who reads the list of runs: what is collected, and for which case."""
    asked = flow_run.parameters
    named = [str(item) for part in ("controls", "requirements", "kinds") for item in asked.get(part) or ()]
    what = (", ".join(named[:3]) + (", ..." if len(named) > 3 else "")) or "everything"
    return f"collect {what}" + (f" ({asked['case']})" if asked.get("case") else "")


@flow(name="collect evidence", flow_run_name=run_name, task_runner=RUNNER, persist_result=False)
def collect_evidence(
    config: str | None = None,
    slot: str | None = None,
    frameworks: Sequence[str] = (),
    controls: Sequence[str] = (),
    requirements: Sequence[str] = (),
    kinds: Sequence[str] = (),
    accounts: Sequence[str] = (),
    regions: Sequence[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    case: str | None = None,
) -> dict[str, Any]:
    """Collect now, for some controls, requirements, kinds, accounts or regions (empty: all of the settings).

    `slot` resumes the open run of that slot; `case` is a ticket id, never a name. Returns the run's summary.
    """
    runtime = open_runtime(config_path(config))
    request = RunRequest(
        slot=slot or adhoc_slot(),
        trigger=Trigger.AD_HOC,
        selection=Selection(
            frameworks=tuple(frameworks),
            controls=tuple(controls),
            requirements=tuple(requirements),
            kinds=tuple(kinds),
            accounts=tuple(accounts),
            regions=tuple(regions),
        ),
        period=adhoc_period(start, end, runtime.clock()),
        case=case,
    )
    return collect(runtime, request).to_json()


def collect(runtime: Runtime, request: RunRequest) -> RunSummary:
    """Fill a slot: what is done already stays done, wherever an earlier process was stopped."""
    share_heaps()
    set_loaded_apart()
    watch = observer.get()
    run = open_run(runtime, request)
    if run.state.close is None:
        closed = gathered_and_closed(runtime, run)
    else:
        watch.step(f"{request.slot} is closed already; finishing what is missing")
        closed = run.state
    watch.step("judging")
    state = judge_run(runtime.vault, closed)
    summary = summary_of(runtime.vault, run, state)
    publish_table(summary)
    return summary


def gathered_and_closed(runtime: Runtime, run: Run) -> RunState:
    """Gather what has no receipt yet, then seal all receipts in the manifest."""
    watch = observer.get()
    gathering = Gathering(run, runtime.vault, collector_for(run, runtime.clock), runtime.clock, watch)
    gather_all(gathering)
    watch.step("sealing the manifest")
    return close_run(run, runtime.vault, gathering.receipts(), runtime.clock)


def gather_all(gathering: Gathering) -> None:
    """One task for each service, account and region; the accounts' own tasks first."""
    gather = gather_task(gathering.gather)
    for keys in (gathering.preflights, gathering.others):
        _await([gather.submit(*_arguments(key)) for key in keys])


def publish_table(summary: RunSummary) -> None:
    """The result as a table in Prefect's UI: counts and outcomes, never evidence."""
    rows = [
        {"requirement": line.requirement, "title": line.title, "outcome": line.outcome, "failed": line.failed,
         "tested": line.tested}
        for line in summary.requirements
    ]  # fmt: skip
    label = "SIMULATED. " if summary.simulated else ""
    results = ", ".join(f"{count} {result}" for result, count in sorted(summary.results.items()))
    create_table_artifact(table=rows, key="evidence-result", description=f"{label}{summary.run_id}: {results}")


def _arguments(key: TaskKey) -> tuple[str, str, str]:
    return key.service, key.account, key.region


def _await(futures: Sequence[Any]) -> None:
    """Wait for all; a task that failed fails the flow only after the others had their time."""
    for future in futures:
        future.wait()
    for future in futures:
        future.result()
