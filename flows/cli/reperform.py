"""`evidence reperform`: judge a run again from its stored transcripts, on any machine, in any year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Json, RunName

if TYPE_CHECKING:
    from controls.models import Catalog


def reperform(
    run: RunName = None,
    config: Config = None,
    vault: Annotated[
        str | None, typer.Option(help="A vault folder (a copy will do) [default: the settings' vault]")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Write the findings file here")] = None,
    current: Annotated[
        bool, typer.Option("--current", help="Judge by the installed rules instead of the sealed ones")
    ] = False,
    json: Json = False,
) -> None:
    """Make the findings again and compare them byte for byte with the sealed ones. Needs no AWS credentials.

    Exit 0 identical (or --current), 4 different.
    """
    from contextlib import ExitStack
    from pathlib import Path

    from flows.cli.console import print_json, say
    from flows.steps.judging import find_run
    from flows.steps.judging import reperform as judge_again
    from flows.steps.places import vault_at

    place = vault_at(vault, config)
    state = find_run(place, run)
    with ExitStack() as stack:
        file = stack.enter_context(Path(out).open("wb")) if out else None
        catalog = _installed() if current else None
        result = judge_again(place, state, catalog=catalog, write=file.write if file else None)
    if json:
        print_json(
            {
                "run_id": result.run_id,
                "findings": result.count,
                "digest": str(result.findings),
                "sealed": str(result.sealed),
                "identical": result.identical,
                "engine": result.engine,
                "sealed_engine": result.sealed_engine,
                "rules": "installed" if current else "sealed",
            }
        )
    else:
        word = "identical to" if result.identical else "different from"
        say(f"{result.run_id}: {result.count} findings, {word} the sealed ones")
        say(f"  again  {result.findings} ({result.engine})\n  sealed {result.sealed} ({result.sealed_engine})")
    raise typer.Exit(0 if result.identical or current else 4)


def _installed() -> Catalog:
    from controls.catalog import installed

    return installed()
