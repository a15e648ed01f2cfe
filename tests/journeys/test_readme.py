"""README.md is always true: its commands run, in its order, and its figures are the catalogue's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from slices import sliced_catalogue
from worlds import PROJECT, Organisation, plain_environment

from controls.catalog import installed
from controls.coverage import totals_of
from flows.demo.world import World

pytestmark = pytest.mark.journey

NAMED = ("EV-IAM-01", "EV-LOG-01", "EV-NET-01")
"""The commands run over the requirements that they name: a whole month is another journey's."""
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line]
EXPECTED = {"doctor": (1,), "run": (1,), "collect": (0, 1), "status": (0,), "diff": (0, 1), "heartbeat": (2,)}
"""Exit codes that are no trouble: the simulated account has findings, and a folder does not lock. Nothing is promised
there, and so a heartbeat would say nothing."""


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= 100


def test_every_command_of_the_readme_runs(session_world: World, prefect_url: str, tmp_path: Path) -> None:
    commands = [shlex.split(line, comments=True)[1:] for line in COMMANDS if line.startswith("evidence ")]
    assert len(commands) >= 13
    environment = plain_environment(tmp_path / "home") | session_world.account_environment()
    reader = Organisation(tmp_path, environment | {"PREFECT_API_URL": prefect_url})
    for arguments in commands:
        if arguments[0] == "init":
            arguments += ["--keys", str(tmp_path / "keys")]
        if arguments[0] == "diff":
            arguments[1:] = [state.run_id for state in reader.runs()[-2:]]
        if arguments[0] == "prove":
            arguments[1] = reader.runs()[-1].judged.findings.hex
        done = reader.process(*arguments)
        if arguments[0] == "init":
            sliced_catalogue(tmp_path / "catalogue", NAMED)
            reader.change_settings(lambda settings: settings.update(catalogue=str(tmp_path / "catalogue")))
        assert done.returncode in EXPECTED.get(arguments[0], (0,)), f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_the_figures_of_the_readme_are_those_of_the_catalogue() -> None:
    catalog, told = installed(), " ".join(README.split())
    found = totals_of(catalog)
    controls = sum(len(item.controls) for item in catalog.frameworks)
    assert (
        f"all {controls} controls and all {found.requirements} evidence requirements with their {found.checks}" in told
    )
    assert f"collects the {found.aws_automated} requirements of AWS, with {found.automatic_here} automatic" in told


def test_every_command_of_the_product_stands_in_the_readme_or_a_page_that_it_names() -> None:
    from flows.cli.app import app

    names = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    pages = [page for page in (PROJECT / "docs").glob("*.md") if f"docs/{page.name}" in README]
    told = " ".join(COMMANDS) + " ".join(page.read_text(encoding="utf-8") for page in pages)
    missing = {name for name in names if f"evidence {name}" not in told and name not in ("demo", "workbook", "unseal")}
    assert missing == set()
    assert "make demo" in told
