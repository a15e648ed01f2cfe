"""One cell's value and its XML. Text is always written as text: only `Formula`, which no stream yields, computes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flows.report.text import clean, could_be_command
from flows.report.workbook.styles import Style

_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_DAY = 86_400
_MARKUP = re.compile(r"[&<>]")
_ESCAPE = re.compile(r"_x(?=[0-9A-Fa-f]{4}_)")  # a cell's own escape (ECMA-376 ST_Xstring): `_x0041_` would show as A


@dataclass(frozen=True, slots=True)
class Place:
    """A cell that links lead to."""

    sheet: str
    row: int

    @property
    def location(self) -> str:
        return f"'{self.sheet}'!A{self.row}"


@dataclass(frozen=True, slots=True)
class Link:
    """A value that leads to another sheet; without a place it is only the value."""

    value: str | int
    place: Place | None
    style: Style = Style.LINK


@dataclass(frozen=True, slots=True)
class Shown:
    """A value in another style than its column's."""

    value: str | int | float | datetime | None
    style: Style


@dataclass(frozen=True, slots=True)
class Formula:
    """A total of ours, with the value it has at compile time: shown by programs that do not calculate."""

    text: str
    stored: int | float
    style: Style


Value = str | int | float | datetime | None | Shown | Link | Formula
StyleId = Callable[[Style, bool], int]


def cell_xml(value: Value, style: Style, style_id: StyleId) -> str:
    """What follows a cell's place in its `<c>` element: ` s="3"><v>12</v></c>`."""
    if isinstance(value, Shown):
        return cell_xml(value.value, value.style, style_id)
    if isinstance(value, Link):
        return cell_xml(value.value, value.style if value.place else style, style_id)
    if isinstance(value, Formula):
        return f' s="{style_id(value.style, False)}"><f>{_markup(value.text)}</f><v>{value.stored!r}</v></c>'
    if value is None or value == "":
        return f' s="{style_id(style, False)}"/>'
    if isinstance(value, str):
        return _text_xml(clean(value), style, style_id)
    return f' s="{style_id(style, False)}"><v>{_serial(value) if isinstance(value, datetime) else repr(value)}</v></c>'


def _text_xml(text: str, style: Style, style_id: StyleId) -> str:
    number = style_id(style, could_be_command(text))
    space = ' xml:space="preserve"' if text[0].isspace() or text[-1].isspace() else ""
    written = _ESCAPE.sub("_x005F_x", _markup(text))
    return f' s="{number}" t="inlineStr"><is><t{space}>{written}</t></is></c>'


def _markup(text: str) -> str:
    if not _MARKUP.search(text):
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _serial(moment: datetime) -> str:
    """Days since the epoch of spreadsheets; a time zone cannot be stored, the number format says that it is UTC."""
    return repr((moment - _EPOCH).total_seconds() / _DAY)
