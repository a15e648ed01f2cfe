"""`evidence diff`: what changed between two runs."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Config, Json


def diff(
    before: Annotated[str, typer.Argument(help="The earlier run, by id or slot")],
    after: Annotated[str, typer.Argument(help="The later run, by id or slot")],
    config: Config = None,
    vault: Annotated[
        str | None, typer.Option(help="A vault folder (a copy will do) [default: the settings' vault]")
    ] = None,
    json: Json = False,
) -> None:
    """Show what changed in the account, and apart from it in rules, parameters, facts, collectors and scope.

    Reads the vault only. Exit 0 where nothing changed, else 1.
    """
    from flows.cli.console import print_json, print_table, say
    from flows.steps.differing import difference
    from flows.steps.judging import find_run
    from flows.steps.places import vault_at

    place = vault_at(vault, config)
    found = difference(place, find_run(place, before), find_run(place, after))
    if json:
        print_json(found.to_json())
        raise typer.Exit(0 if found.is_empty else 1)
    say(f"{found.before} -> {found.after}")
    print_table(
        f"In the account ({len(found.account)})",
        ("kind", "account", "region", "record", "change", "what"),
        [
            (item.kind, item.account, item.region, item.id, item.change, ", ".join(item.fields) or item.why)
            for item in found.account
        ],
    )
    print_table(
        f"In rules, settings, collectors, scope ({len(found.rules)})",
        ("part", "name", "change"),
        [(item.part, item.name, item.change) for item in found.rules],
    )
    print_table(
        f"Outcomes ({len(found.outcomes)})",
        ("requirement", "before", "after"),
        [
            (item.requirement, item.before or "not in the run", item.after or "not in the run")
            for item in found.outcomes
        ],
    )
    raise typer.Exit(0 if found.is_empty else 1)
