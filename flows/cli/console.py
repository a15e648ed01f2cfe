"""Printing: results on stdout, progress on stderr, JSON for machines. Text from outside is never markup."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evidence_schema.models.base import parse_time
from flows.errors import UsageError


def out() -> Console:
    """Where results go."""
    return Console(highlight=False)


def err() -> Console:
    """Where progress goes."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table of plain text: names and tags come from outside, so nothing in a cell is markup or a control sign."""
    table = Table(title=Text(title), title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    out().print(table)


def plain(value: object) -> str:
    """Text without control signs (a terminal would obey them)."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in str(value))


def say(text: str) -> None:
    """A line of the result."""
    out().print(Text(plain(text)))


def print_lines(lines: Iterable[str]) -> None:
    """Lines of the result as they are, however long: editors and other programs read them."""
    for line in lines:
        sys.stdout.write(plain(line) + "\n")


def read_moment(text: str | None) -> datetime | None:
    """A date or time of an option, UTC; raises UsageError."""
    if text is None:
        return None
    try:
        return parse_time(f"{text}T00:00:00Z" if len(text) == 10 else text)
    except ValueError as error:
        raise UsageError(f"{error}; write 2026-11-01 or 2026-11-01T06:00:00Z") from None


def now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)
