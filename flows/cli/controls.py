"""`evidence controls`: the catalogue, read aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Config, Frameworks, Json

if TYPE_CHECKING:
    from controls.models import Catalog, Control, EvidenceRequirement, Framework
    from controls.profile import Profile

app = typer.Typer(help="Read the catalogue: frameworks, controls, what proves them.", no_args_is_help=True)


@app.command("list")
def list_controls(config: Config = None, framework: Frameworks = None, json: Json = False) -> None:
    """List every control of the frameworks, in clause order."""
    from controls.catalog import framework_of
    from controls.profile import exclusion
    from flows.cli.console import print_json, print_table

    catalog, profile = _rules(config)
    chosen = [framework_of(catalog, name) for name in framework or [item.framework.id for item in catalog.frameworks]]
    if json:
        rows = [(item.framework.id, control) for item in chosen for control in item.controls]
        print_json(
            [
                control.to_json()
                | {"framework": framework, "not_applicable": exclusion(profile, framework, control)}
                | _wording(catalog, control)
                for framework, control in rows
            ]
        )
        return
    for item in chosen:
        print_table(
            f"{item.framework.title} ({len(item.controls)} controls)",
            ("id", "title", "area", "binds", "not applicable"),
            [
                (
                    control.id,
                    control.title,
                    control.area,
                    ", ".join(control.applies_to),
                    exclusion(profile, item.framework.id, control),
                )
                for control in item.controls
            ],
        )


@app.command("show")
def show_control(
    name: Annotated[str, typer.Argument(help="A control id such as 164.312(b), or a requirement such as EV-IAM-01")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Show a control with what evidences it, or a requirement with its checks and their rules."""
    from controls.catalog import control_of, requirement_of
    from controls.profile import exclusion
    from flows.cli.console import print_json

    catalog, profile = _rules(config)
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
        told = {
            "framework": framework.id,
            "evidence": pairs,
            "not_applicable": exclusion(profile, framework.id, control),
        }
        print_json(control.to_json() | told | _wording(catalog, control))
        return
    _tell_control(control, framework, exclusion(profile, framework.id, control), catalog.wording.get(control.id, ""))
    for item in serving:
        _tell_serving(item, pairs[item.id])


@app.command("coverage")
def coverage(config: Config = None, json: Json = False) -> None:
    """Count the controls of each framework by how direct evidence comes: collected, from a file, from a person."""
    from controls.coverage import coverage_of, totals_of
    from flows.cli.console import print_json, print_table, say

    catalog, profile = _rules(config)
    rows = [coverage_of(catalog, item, profile) for item in catalog.frameworks]
    totals = totals_of(catalog)
    if json:
        print_json({"frameworks": [row.to_json() for row in rows], "totals": totals.to_json()})
        return
    print_table(
        "Controls, by how their direct evidence comes",
        ("framework", "controls", "not applicable", "in scope", "collected", "file", "person", "unmapped"),
        [
            (row.framework, row.controls, row.not_applicable, row.in_scope, row.collected, row.from_file,
             row.person_only, row.unmapped)
            for row in rows
        ],
    )  # fmt: skip
    pairs = ", ".join(
        f"{row.framework} {row.direct_pairs} direct and {row.supporting_pairs} supporting" for row in rows
    )
    say(f"pairs of a control and a requirement: {pairs}")
    say(
        f"{totals.requirements} evidence requirements: {totals.collected} collected by this installation, "
        f"{totals.from_file} from a file of a system that is not connected, {totals.person_only} from a person"
    )
    say(
        f"{totals.checks} checks: {totals.automatic} automatic ({totals.automatic_here} of them over what is collected "
        f"here), {totals.human} human, {totals.report} report"
    )


@app.command("check")
def check(
    config: Config = None,
    catalogue: Annotated[
        str | None, typer.Option("--catalogue", help="A catalogue's folder [default: settings, else the installed one]")
    ] = None,
    declarations: Annotated[
        str | None, typer.Option("--declarations", help="A folder of declared kinds [default: the installed one]")
    ] = None,
    json: Json = False,
) -> None:
    """Check catalogue and kinds as files: names, links, rules, and that what they name exists in AWS's interfaces.

    Asks nobody and needs no credentials. Prints every mistake as FILE:LINE: what was expected, found, to be done.
    Exit 0 all is well, 2 mistakes.
    """
    from flows.cli.console import print_json, print_lines, say
    from flows.cli.files import folder
    from flows.collectors.registry import DECLARATIONS
    from flows.settings import config_path
    from flows.steps.checking import check_rules
    from flows.steps.rules import folder_to_read

    place, wording = folder_to_read(config_path(config)) if catalogue is None else (folder(catalogue), None)
    checked = check_rules(place, folder(declarations) if declarations else DECLARATIONS, wording)
    counts = {"requirements": checked.requirements, "checks": checked.checks, "rules": checked.rules}
    counts |= {"kinds": checked.kinds, "names": checked.names}
    if json:
        mistakes = [{"file": item.path, "line": item.line, "text": item.text} for item in checked.mistakes]
        print_json({"mistakes": mistakes, "counts": counts, "untold": checked.untold})
        raise typer.Exit(2 if mistakes else 0)
    print_lines(str(mistake) for mistake in checked.mistakes)
    found = len(checked.mistakes)
    say(
        f"{checked.requirements} requirements, {checked.checks} checks with {checked.rules} rules, "
        f"{checked.kinds} kinds: {found or 'no'} mistake{'' if found == 1 else 's'}"
    )
    say(
        f"rules read {checked.names} names that the shapes of their kinds have; {len(checked.untold)} checks also read "
        "below a field of which no shape is known: only an answer shows whether those are right (--json lists them)"
    )
    raise typer.Exit(2 if checked.mistakes else 0)


def _rules(config: str | None) -> tuple[Catalog, Profile | None]:
    from flows.settings import config_path
    from flows.steps.rules import rules_to_read

    return rules_to_read(config_path(config))


def _wording(catalog: Catalog, control: Control) -> dict[str, str]:
    return {"wording": catalog.wording[control.id]} if control.id in catalog.wording else {}


def _tell_control(control: Control, framework: Framework, not_applicable: str, wording: str) -> None:
    from flows.cli.console import say

    say(f"{control.id}  {control.title}")
    say(f"{framework.title}; {control.citation}; binds {', '.join(control.applies_to)}")
    say(control.ask)
    if wording:
        say(f"wording supplied by the organisation: {wording}")
    if not_applicable:
        say(f"not applicable: {not_applicable}")


def _tell_serving(requirement: EvidenceRequirement, how: str) -> None:
    from flows.cli.console import say

    say(f"  {requirement.id}  {how:<10}  {requirement.title} ({_supply(requirement)})")


def _supply(requirement: EvidenceRequirement) -> str:
    """How its evidence comes, in words."""
    if requirement.kinds:
        return "collected"
    source = requirement.source
    return (
        f"awaiting {source.supplied_by}" if source.supplied_by else f"awaiting a file from the {source.system} system"
    )


def _tell_requirement(requirement: EvidenceRequirement) -> None:
    from flows.cli.console import say

    say(f"{requirement.id}  {requirement.title}")
    say(f"kinds: {', '.join(requirement.kinds) or _supply(requirement)}; cadence {requirement.cadence}")
    for form, fields in requirement.supply or ():
        if fields:
            say(f"{form} to supply: {', '.join(f'{name} ({type_})' for name, type_ in fields.items())}")
    for check in requirement.checks:
        say(f"  {check.id} ({check.mode}) {check.text}")
        for part, rule in check.rules.items():
            say(f"      {part}: {rule}")
