"""All commands, and the one place where a known error becomes a line and an exit code.

Only typer is imported before a command runs: `--help` must cost next to nothing.
"""

from __future__ import annotations

import sys
import traceback

import typer

from flows.cli import (
    collect,
    controls,
    data_keys,
    demo,
    diff,
    doctor,
    erase,
    heartbeat,
    init,
    keep,
    keys,
    package,
    plan,
    policy,
    prove,
    reperform,
    status,
    verify,
    workbook,
)
from flows.cli import (
    run as run_command,
)

UNFORESEEN = 3
"""Could not run. Not Python's own 1, which here means findings or gaps."""

app = typer.Typer(
    name="evidence",
    help="Gather, seal, judge and show audit evidence for HIPAA, GDPR and SOC 2. "
    "Integrity is not truth: see the README.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("doctor")(doctor.doctor)
app.command("plan")(plan.plan)
app.command("collect")(collect.collect)
app.add_typer(run_command.app, name="run")
app.command("heartbeat")(heartbeat.heartbeat)
app.command("status")(status.status)
app.command("workbook")(workbook.workbook)
app.command("package")(package.package)
app.command("unseal")(package.unseal)
app.command("prove")(prove.prove)
app.command("verify")(verify.verify)
app.command("reperform")(reperform.reperform)
app.command("diff")(diff.diff)
app.add_typer(controls.app, name="controls")
app.command("policy")(policy.policy)
app.command("erase")(erase.erase)
app.command("hold")(keep.hold)
app.command("extend")(keep.extend)
app.add_typer(data_keys.app, name="data-keys")
app.add_typer(keys.app, name="keys")
app.command("demo")(demo.demo)


def run() -> None:
    """Parse and run; exits with the codes of DESIGN section 8."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 (the last place: a known error ends in a line, any other in its trace)
        code = _exit_code(error)
        if code is None:
            traceback.print_exc()
            sys.exit(UNFORESEEN)
        typer.echo(f"evidence: {error}", err=True)
        sys.exit(code)


def _exit_code(error: Exception) -> int | None:
    """The code of an error that a person can act on; None for one that nobody foresaw."""
    from controls.errors import ControlsError
    from evidence_schema.errors import EvidenceSchemaError
    from flows.errors import FlowsError

    if isinstance(error, FlowsError):
        return error.exit_code
    if isinstance(error, ControlsError):
        return 2
    return 3 if isinstance(error, EvidenceSchemaError) else _collector_code(error)


def _collector_code(error: Exception) -> int | None:
    errors = sys.modules.get("flows.collectors.errors")  # an error of a room that was never entered cannot be raised
    return 3 if errors is not None and isinstance(error, errors.CollectorError) else None
