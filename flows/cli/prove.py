"""`evidence prove`: one artifact's proof, small enough for a mail."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Config


def prove(
    artifact: Annotated[str, typer.Argument(help="A SHA-256, or an evidence id of the workbook's register")],
    out: Annotated[str | None, typer.Option("--out", "-o", help="Write it here [default: stdout]")] = None,
    vault: Annotated[str | None, typer.Option(help="A vault folder [default: the settings' vault]")] = None,
    config: Config = None,
) -> None:
    """Prove that one artifact was sealed in this log, and for what, without handing over anything else.

    `evidence verify --proof FILE --trust trust-policy.json ARTIFACT-FILE` checks it, anywhere.
    """
    import sys
    from pathlib import Path

    from flows.cli.console import say
    from flows.steps.places import vault_at
    from flows.steps.proving import prove as make_proof

    data = make_proof(vault_at(vault, config), artifact).canonical()
    if out is None:
        sys.stdout.buffer.write(data + b"\n")
    else:
        Path(out).write_bytes(data)
        say(f"{out}: {len(data)} bytes")
    raise typer.Exit(0)
