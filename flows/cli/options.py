"""Options that several commands share, with one wording each."""

from __future__ import annotations

from typing import Annotated

import typer

Config = Annotated[
    str | None, typer.Option("--config", "-c", help="Settings file [default: $EVIDENCE_CONFIG or ./evidence.yaml]")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout")]
Frameworks = Annotated[
    list[str] | None, typer.Option("--framework", "-f", help="hipaa, gdpr or soc2; may be repeated [default: settings]")
]
Controls = Annotated[
    list[str] | None, typer.Option("--control", help="A control id such as 164.312(b) or CC6.1; may be repeated")
]
Requirements = Annotated[
    list[str] | None,
    typer.Option("--requirement", "-r", help="Such as EV-IAM-01; may be repeated"),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", "-k", help="Such as aws.ec2.volumes; may be repeated")]
Accounts = Annotated[list[str] | None, typer.Option("--account", help="An account of the settings; may be repeated")]
Regions = Annotated[list[str] | None, typer.Option("--region", help="A region of the settings; may be repeated")]
Since = Annotated[str | None, typer.Option("--from", help="Begin of the period, UTC: 2026-11-01[T06:00:00Z]")]
Until = Annotated[str | None, typer.Option("--to", help="End of the period (not included), UTC [default: now]")]
Folder = Annotated[str, typer.Option("--folder", "-o", help="Where workbooks are written")]
RunName = Annotated[str | None, typer.Argument(help="A run id or slot [default: the newest judged run]")]
