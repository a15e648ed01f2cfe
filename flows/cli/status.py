"""`evidence status`: what the log says of each run, and where the next start would go on."""

from __future__ import annotations

import typer

from flows.cli.options import Config, Json


def status(config: Config = None, json: Json = False) -> None:
    """List the runs of the log, and whether each anchor has its newest checkpoint (one that lacks it is given it).

    Exit 1 where a run is open, else 0.
    """
    from flows.cli.console import print_json, print_table, say
    from flows.settings import config_path
    from flows.steps.runtime import open_runtime
    from flows.steps.states import run_lines

    runtime = open_runtime(config_path(config), writing=False)
    lines = run_lines(runtime.vault)
    if json:
        print_json(lines)
    else:
        columns = ("run_id", "slot", "opened", "state", "units", "done", "results", "workbooks")
        print_table("Runs", columns, [[line[column] for column in columns] for line in lines])
        for line in lines:
            if line["state"] == "open":
                say(f"{line['slot']} is open: start it again to resume it")
        for anchor in runtime.vault.anchors.look(runtime.vault.newest_checkpoint()):
            say(f"anchor {anchor.id}: {anchor.url} {anchor.text}")
    raise typer.Exit(1 if any(line["state"] == "open" for line in lines) else 0)
