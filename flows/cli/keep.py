"""`evidence hold` and `evidence extend`: keep evidence for longer."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Config, Json, RunName

Role = Annotated[str, typer.Option("--approver-role", help="Who decided: a role such as 'legal counsel', not a name")]


def hold(
    case: Annotated[str, typer.Option(help="The case's number: never a name")],
    approver_role: Role,
    run: RunName = None,
    artifact: Annotated[
        list[str] | None, typer.Option(help="sha256:... of artifacts to hold (at most 16) [default: the whole run]")
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="Release what the case holds")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Put a run on hold for a case, or release it: while a hold stands, nothing that it names is erased."""
    from evidence_schema.digest import Digest
    from flows.cli.console import print_json, say
    from flows.settings import config_path
    from flows.steps.judging import find_run
    from flows.steps.keeping import hold
    from flows.steps.runtime import open_runtime

    vault = open_runtime(config_path(config)).vault
    digests = tuple(Digest.parse(text) for text in artifact or ())
    state = hold(vault, find_run(vault, run), case, approver_role, digests, "release" if release else "hold")
    cases = sorted({item.case for item in state.holds})
    if json:
        print_json({"run_id": state.run_id, "held_for": cases})
    else:
        say(f"{state.run_id}: held for {', '.join(cases) or 'nothing'}")


def extend(
    until: Annotated[str, typer.Option(help="UTC: 2032-12-31[T00:00:00Z]")],
    approver_role: Role,
    run: RunName = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Lengthen the store's lock of a closed run: its artifacts, receipts and documents, and the log. Never shortens."""
    from flows.cli.console import print_json, read_moment, say
    from flows.errors import UsageError
    from flows.settings import config_path
    from flows.steps.judging import find_run
    from flows.steps.keeping import extend
    from flows.steps.runtime import open_runtime

    moment = read_moment(until)
    if moment is None:
        raise UsageError("expected --until, found none")
    vault = open_runtime(config_path(config)).vault
    state = find_run(vault, run)
    objects = extend(vault, state, moment, approver_role)
    if json:
        print_json({"run_id": state.run_id, "objects": objects, "until": until})
    else:
        say(f"{state.run_id}: {objects} objects kept until {until} at least")
