"""`evidence reperform`: judge a run again from its stored transcripts, on any machine, in any year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Json, RunName

if TYPE_CHECKING:
    from pathlib import Path

    from controls.models import Catalog


def reperform(
    run: RunName = None,
    config: Config = None,
    vault: Annotated[
        str | None, typer.Option(help="A vault folder (a copy will do) [default: the settings' vault]")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", help="Write the findings here, those of personal kinds beside it (NAME.personal)"),
    ] = None,
    current: Annotated[
        bool, typer.Option("--current", help="Judge by the installed rules instead of the sealed ones")
    ] = False,
    json: Json = False,
) -> None:
    """Make the findings again and compare them byte for byte with the sealed ones. Needs no AWS credentials.

    What is encrypted is judged where the settings name its keys; what was erased, or has no key here, is an error of
    its units and never a pass. Exit 0 identical (or --current), 1 identical as far as it could be judged, 4 different.
    """
    from contextlib import ExitStack
    from pathlib import Path

    from flows.cli.console import print_json, say
    from flows.cli.files import private
    from flows.steps.judging import find_run
    from flows.steps.judging import reperform as judge_again
    from flows.steps.places import vault_at

    place = vault_at(vault, config)
    state = find_run(place, run)
    with ExitStack() as stack:
        files = [stack.enter_context(private(path)) for path in (Path(out), _beside(Path(out)))] if out else []
        catalog = _installed() if current else None
        write = (lambda is_personal, line: files[is_personal].write(line)) if out else None
        result = judge_again(place, state, catalog=catalog, write=write)
    if out and result.personal is None:
        _beside(Path(out)).unlink()  # there are none
    if json:
        print_json(
            {
                "run_id": result.run_id,
                "findings": result.count,
                "digest": str(result.findings),
                "sealed": str(result.sealed),
                "identical": result.identical,
                "complete": result.complete,
                "personal": result.personal,
                "not_judged": {str(unit): reason for unit, reason in result.unreadable.items()},
                "without_facts": result.without_facts,
                "engine": result.engine,
                "sealed_engine": result.sealed_engine,
                "rules": "installed" if current else "sealed",
            }
        )
    else:
        word = "identical to" if result.identical else "different from"
        say(f"{result.run_id}: {result.count} findings, {word} the sealed ones")
        say(f"  again  {result.findings} ({result.engine})\n  sealed {result.sealed} ({result.sealed_engine})")
        if result.personal is not None:
            say(f"  findings of personal kinds: {result.personal}")
        for unit, reason in result.unreadable.items():
            say(f"  cannot be judged: {unit}: {reason}")
    raise typer.Exit(0 if current else 4 if not result.identical else 0 if result.complete else 1)


def _beside(path: Path) -> Path:
    """Where findings that name people are written: beside the others, for whoever may read them."""
    return path.with_name(f"{path.stem}.personal{path.suffix}")


def _installed() -> Catalog:
    from controls.catalog import installed

    return installed()
