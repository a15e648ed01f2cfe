"""`evidence plan`: what a run would do, without touching anything."""

from __future__ import annotations

from typing import Any

import typer

from flows.cli.options import Accounts, Config, Controls, Frameworks, Json, Kinds, Regions, Requirements


def plan(
    config: Config = None,
    framework: Frameworks = None,
    control: Controls = None,
    requirement: Requirements = None,
    kind: Kinds = None,
    account: Accounts = None,
    region: Regions = None,
    json: Json = False,
) -> None:
    """Show units, API operations, IAM actions and controls of a run; makes no call and needs no credentials."""
    from flows.cli.console import print_json, print_table, say
    from flows.collectors.registry import load_kinds
    from flows.settings import config_path, load_settings
    from flows.steps.selecting import planned_for

    kinds = load_kinds()
    located = load_settings(config_path(config))
    planned, touched = planned_for(located, kinds, framework, control, requirement, kind, account, region)
    rows = [
        (
            str(unit.unit.kind),
            unit.unit.account,
            unit.unit.region,
            ", ".join(kinds.operations_of(unit.unit.kind)),
            ", ".join(unit.requirements),
        )
        for unit in planned.units
    ]
    if json:
        shown: dict[str, Any] = planned.plan.to_json() | {
            "tasks": [list(key) for key in planned.task_keys],
            "expected": [unit.to_json() for unit in planned.units],
            "controls": touched,
        }
        print_json(shown)
        raise typer.Exit(0)
    print_table("Units", ("kind", "account", "region", "operations", "for"), rows)
    print_table(
        "Controls touched",
        ("framework", "direct", "supporting"),
        [(name, len(found["direct"]), len(found["supporting"])) for name, found in touched.items()],
    )
    say(f"{len(planned.units)} units in {len(planned.task_keys)} tasks; IAM actions: {', '.join(planned.plan.actions)}")
    if planned.plan.not_asked:
        print_table(
            "Not asked: opt-in",
            ("kind", "not asked, since it", "for"),
            [(item.kind, item.reason, ", ".join(item.requirements)) for item in planned.plan.not_asked],
        )
        say("Requirements are judged by their other kinds; `opt_in` in the settings asks for it (docs/opt-in.md)")
    if planned.awaiting:
        print_table(
            "Awaiting a person",
            ("requirement", "title", "who supplies it", "how often"),
            [(item.id, item.title, item.source.supplied_by or item.source.system, item.cadence)
             for item in planned.awaiting],
        )  # fmt: skip
