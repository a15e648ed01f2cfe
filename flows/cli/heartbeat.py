"""`evidence heartbeat`: the scheduler's sign of life on days on which nothing is due."""

from __future__ import annotations

from flows.cli.options import Config, Json


def heartbeat(config: Config = None, json: Json = False) -> None:
    """Write to the log that nothing is due now by its schedules (`schedules` in the settings). Fills no slot.

    Exit 0 written, 1 a slot is due and not closed (nothing is written: run it).
    """
    from evidence_schema.models.base import format_time
    from flows.cli.console import print_json, say
    from flows.settings import config_path
    from flows.steps.runtime import open_runtime
    from flows.steps.scheduling import heartbeat

    runtime = open_runtime(config_path(config))
    entry = heartbeat(runtime.vault, runtime.settings)
    told = {"entry": entry.seq, "time": format_time(entry.predicate.time)}
    if json:
        print_json(told)
    else:
        say(f"entry {told['entry']}: nothing was due at {told['time']}")
