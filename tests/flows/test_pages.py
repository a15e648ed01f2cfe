"""The pages of docs/ never lag behind the command line: each command in them is one that it knows, options and all."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from flows.cli.app import app

PAGES = Path(__file__).parents[2] / "docs"
LINES = [
    (page.name, line)
    for page in sorted(PAGES.glob("*.md"))
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("evidence ")
]


def parsed(arguments: list[str]) -> None:
    """Go down to the command and read its options, without running it."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("evidence", arguments)
    while hasattr(command, "resolve_command"):
        name, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, arguments, parent=context)


@pytest.mark.parametrize(("page", "line"), LINES)
def test_every_command_of_a_page_is_known(page: str, line: str) -> None:
    parsed(shlex.split(line, comments=True)[1:])


def test_a_command_that_is_not_known_is_noticed() -> None:
    for line in ("erase --no-such-option", "nothing", "data-keys nothing"):
        with pytest.raises(Exception, match=r"No such|no such"):
            parsed(shlex.split(line))


def test_the_pages_hold_commands() -> None:
    assert len(LINES) >= 7
