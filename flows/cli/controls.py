"""`evidence controls`: the catalogue, read aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Frameworks, Json

if TYPE_CHECKING:
    from controls.models import Control, EvidenceRequirement, Framework

app = typer.Typer(help="Read the catalogue: frameworks, controls, what proves them.", no_args_is_help=True)


@app.command("list")
def list_controls(framework: Frameworks = None, json: Json = False) -> None:
    """List every control of the frameworks, in clause order."""
    from controls.catalog import framework_of, installed
    from flows.cli.console import print_json, print_table

    catalog = installed()
    chosen = [framework_of(catalog, name) for name in framework or [item.framework.id for item in catalog.frameworks]]
    if json:
        rows = [(item.framework.id, control) for item in chosen for control in item.controls]
        print_json([control.to_json() | {"framework": framework} for framework, control in rows])
        return
    for item in chosen:
        print_table(
            f"{item.framework.title} ({len(item.controls)} controls)",
            ("id", "title", "area", "binds"),
            [(control.id, control.title, control.area, ", ".join(control.applies_to)) for control in item.controls],
        )


@app.command("show")
def show_control(
    name: Annotated[str, typer.Argument(help="A control id such as 164.312(b), or a requirement such as EV-IAM-01")],
    json: Json = False,
) -> None:
    """Show a control with what evidences it, or a requirement with its checks and their rules."""
    from controls.catalog import control_of, installed, requirement_of
    from flows.cli.console import print_json

    catalog = installed()
    if name.startswith("EV-"):
        requirement = requirement_of(catalog, name)
        if json:
            print_json(requirement.to_json())
        else:
            _tell_requirement(requirement)
        return
    framework, control = control_of(catalog, name)
    serving = [item for item in catalog.requirements if control.id in item.mappings.get(framework.id, {})]
    pairs = {item.id: item.mappings[framework.id][control.id].value for item in serving}
    if json:
        print_json(control.to_json() | {"framework": framework.id, "evidence": pairs})
    else:
        _tell_control(control, framework, {item.id: item.title for item in serving}, pairs)


@app.command("coverage")
def coverage(json: Json = False) -> None:
    """Count, for each framework, the controls that this installation collects evidence for."""
    from controls.catalog import installed
    from controls.coverage import coverage_of
    from flows.cli.console import print_json, print_table

    catalog = installed()
    rows = [coverage_of(catalog, item) for item in catalog.frameworks]
    if json:
        print_json([row.to_json() for row in rows])
    else:
        print_table(
            "Coverage",
            ("framework", "controls", "direct evidence", "supporting only", "no requirement yet"),
            [(row.framework, row.controls, row.direct, row.supporting, row.unmapped) for row in rows],
        )


def _tell_control(control: Control, framework: Framework, titles: dict[str, str], pairs: dict[str, str]) -> None:
    from flows.cli.console import say

    say(f"{control.id}  {control.title}")
    say(f"{framework.title}; {control.citation}; binds {', '.join(control.applies_to)}")
    say(control.ask)
    for id_, how in pairs.items():
        say(f"  {id_}  {how:<10}  {titles[id_]}")
    if not pairs:
        say("  no evidence requirement of this installation speaks to it yet")


def _tell_requirement(requirement: EvidenceRequirement) -> None:
    from flows.cli.console import say

    say(f"{requirement.id}  {requirement.title}")
    say(f"kinds: {', '.join(requirement.kinds) or 'supplied by a person'}; cadence {requirement.cadence}")
    for check in requirement.checks:
        say(f"  {check.id} ({check.mode}) {check.text}")
        for part, rule in check.rules.items():
            say(f"      {part}: {rule}")
