"""`evidence collect`: a sealed answer now, for a control, a kind, an account or an incident."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import (
    Accounts,
    Config,
    Controls,
    Frameworks,
    Json,
    Kinds,
    Regions,
    Requirements,
    Since,
    Until,
)

if TYPE_CHECKING:
    from evidence_schema.models.unit import Selection


def collect(
    config: Config = None,
    framework: Frameworks = None,
    control: Controls = None,
    requirement: Requirements = None,
    kind: Kinds = None,
    account: Accounts = None,
    region: Regions = None,
    resource: Annotated[
        list[str] | None, typer.Option(help="Show these resource ids from the sealed answer; may be repeated")
    ] = None,
    since: Since = None,
    until: Until = None,
    case: Annotated[str | None, typer.Option(help="A ticket or incident number; never a name")] = None,
    slot: Annotated[str | None, typer.Option(help="Resume the open run of this slot (adhoc/...)")] = None,
    json: Json = False,
) -> None:
    """Collect, seal and judge now. Exit 0 ok, 1 findings or gaps, 3 an account could not be asked."""
    from flows.cli.console import read_moment
    from flows.cli.orchestrated import orchestrated
    from flows.cli.progress import Terminal
    from flows.cli.summary_table import show_summary
    from flows.settings import config_path
    from flows.steps.periods import checked_case, checked_slot
    from flows.steps.runtime import check_ready
    from flows.steps.selecting import selection_of
    from flows.summary import RunSummary

    path = config_path(config)
    selection = selection_of(framework, control, requirement, kind, account, region)
    start, end = read_moment(since), read_moment(until)
    checked_case(case)
    checked_slot(slot)
    _refuse_unknown_names(path, selection)
    check_ready(path)

    def work() -> RunSummary:
        from flows.collect_evidence import collect_evidence

        return RunSummary.model_validate(
            collect_evidence(
                config=str(path),
                slot=slot,
                frameworks=list(selection.frameworks),
                controls=list(selection.controls),
                requirements=list(selection.requirements),
                kinds=list(selection.kinds),
                accounts=list(selection.accounts),
                regions=list(selection.regions),
                start=start,
                end=end,
                case=case,
            )
        )

    with Terminal():
        summary = orchestrated(work)
    show_summary(summary, as_json=json)
    if resource:
        _show_resources(path, summary.run_id, resource)
    raise typer.Exit(summary.exit_code)


def _refuse_unknown_names(path: Path, selection: Selection) -> None:
    """Say what is unknown before anything is started, Prefect included."""
    from flows.collectors.registry import load_kinds
    from flows.settings import load_settings
    from flows.steps.selecting import planned_for

    planned_for(
        load_settings(path),
        load_kinds(),
        selection.frameworks,
        selection.controls,
        selection.requirements,
        selection.kinds,
        selection.accounts,
        selection.regions,
    )


def _show_resources(path: Path, run_id: str, wanted: list[str]) -> None:
    """The records of the named resources, from the sealed transcripts."""
    from flows.cli.console import print_json, say
    from flows.steps.finding_records import records_named
    from flows.steps.runtime import open_runtime

    found = list(records_named(open_runtime(path, writing=False).vault, run_id, wanted))
    for record in found:
        print_json(record.to_json())
    if not found:
        say(f"no record of {run_id} is named {', '.join(wanted)}")
