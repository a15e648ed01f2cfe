"""`evidence doctor`: is everything there that a run needs, and what is missing?"""

from __future__ import annotations

import typer

from flows.cli.options import Config, Json


def doctor(config: Config = None, json: Json = False) -> None:
    """Check settings, keys, data keys, vault and its lock (proven, with dates and cost), trust policy, AWS identities,
    anchors, supplied facts, and what the accounts would deny, with the controls that would go uncollected. It writes
    nothing but one small object that proves the bucket's lock, locked for ten minutes below `probe/`, and the newest
    checkpoint to an anchor that lacks it.

    Exit 0 ready, 1 facts missing or a lock for trials only, 3 something cannot be used.
    """
    from flows.cli.console import print_json, print_table
    from flows.settings import config_path
    from flows.steps.examining import examine

    results = examine(config_path(config))
    if json:
        print_json([{"part": item.part, "state": item.state, "text": item.text} for item in results])
    else:
        print_table(
            "Doctor", ("part", "state", "what was found"), [(item.part, item.state, item.text) for item in results]
        )
    states = {item.state for item in results}
    raise typer.Exit(3 if "fails" in states else 1 if "warns" in states else 0)
