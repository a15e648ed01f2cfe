"""`evidence run`: what the schedule runs, by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Config, Folder, Json

app = typer.Typer(help="Run a scheduled job by hand.", no_args_is_help=True)


@app.callback()
def jobs() -> None:
    """Run a scheduled job by hand."""


@app.command("monthly")
def monthly(
    config: Config = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM [default: the month that has ended]")] = None,
    folder: Folder = "workbooks",
    again: Annotated[
        bool, typer.Option("--again", help="Open a further run of a month that was closed; both are kept")
    ] = False,
    json: Json = False,
) -> None:
    """Collect, seal, judge and compile a month. Started again, it resumes what was stopped.

    Exit 0 ok, 1 findings or gaps, 3 an account could not be asked.
    """
    from flows.cli.orchestrated import orchestrated
    from flows.cli.progress import Terminal
    from flows.cli.summary_table import show_summary
    from flows.settings import config_path
    from flows.steps.periods import month_period
    from flows.steps.runtime import check_ready
    from flows.summary import RunSummary

    path = config_path(config)
    if month is not None:
        month_period(month)
    check_ready(path)

    def work() -> RunSummary:
        from flows.monthly_compliance import monthly_compliance

        return RunSummary.model_validate(monthly_compliance(config=str(path), month=month, folder=folder, again=again))

    with Terminal():
        summary = orchestrated(work)
    show_summary(summary, as_json=json)
    raise typer.Exit(summary.exit_code)
