"""`evidence demo`: one simulated month, end to end, on real servers of our own."""

from __future__ import annotations

from typing import Annotated

import typer


def demo(
    folder: Annotated[str, typer.Option("--folder", "-o", help="Where the results are written")] = "demo-output",
) -> None:
    """Start a real S3 server and an emulated AWS account, run the month, verify, re-perform, tamper and verify again.

    Everything that it produces says SIMULATED. It leaves no process behind.
    """
    from pathlib import Path

    from flows.demo.show import show

    raise typer.Exit(show(Path(folder)))
