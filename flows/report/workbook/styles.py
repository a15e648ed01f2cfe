"""The few named styles. Words carry every meaning; colour only repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.workbook import Workbook

FONT = "Arial"
MONOSPACED = "Courier New"
INK, BLUE, PAPER, RED = "1F2937", "1F3864", "FFFFFF", "B00020"
TIME_FORMAT = 'yyyy\\-mm\\-dd\\ hh:mm:ss"Z"'
COUNT_FORMAT = "#,##0"


class Style(StrEnum):
    """What a cell is for."""

    TITLE = "evidence title"
    SUBTITLE = "evidence subtitle"
    BANNER = "evidence simulated"
    HEADER = "evidence header"
    PERSON_HEADER = "evidence header (person)"
    SECTION = "evidence section"
    LABEL = "evidence label"
    TEXT = "evidence text"
    CODE = "evidence code"
    NUMBER = "evidence number"
    ZERO = "evidence zero"
    FIGURE = "evidence figure"
    PERCENT = "evidence percent"
    TIME = "evidence time"
    LINK = "evidence link"
    PLAIN_LINK = "evidence plain link"
    PERSON = "evidence person"
    EXCEPTION = "evidence exception"
    GAP = "evidence gap"
    REVIEW = "evidence review"
    PLAIN = "evidence plain"
    PLAIN_CODE = "evidence plain code"
    TOTAL = "evidence total"
    TOTAL_PERCENT = "evidence total percent"


@dataclass(frozen=True)
class _Look:
    """How a style differs from the ordinary cell: wrapped text at the top, a hairline round it, locked."""

    size: float = 9
    bold: bool = False
    italic: bool = False
    colour: str = INK
    fill: str | None = None
    font: str = FONT
    underline: bool = False
    border: bool = True
    wrap: bool = True
    horizontal: str | None = None
    indent: int = 0
    vertical: str = "top"
    format: str = "General"
    locked: bool = True


_LOOKS: Mapping[Style, _Look] = {
    Style.TITLE: _Look(size=14, bold=True, colour=BLUE, border=False, wrap=False),
    Style.SUBTITLE: _Look(colour="4B5563", border=False, wrap=False),
    Style.BANNER: _Look(
        size=30, bold=True, colour=RED, fill="FDE8E8", wrap=False, vertical="center", horizontal="center"
    ),
    Style.HEADER: _Look(bold=True, colour=PAPER, fill=BLUE, vertical="center"),
    Style.PERSON_HEADER: _Look(bold=True, fill="FFE699", vertical="center"),
    Style.SECTION: _Look(size=11, bold=True, colour=BLUE, border=False, wrap=False),
    Style.LABEL: _Look(bold=True, fill="EEF2F7"),
    Style.TEXT: _Look(),
    Style.CODE: _Look(size=8, font=MONOSPACED),
    Style.NUMBER: _Look(horizontal="right", indent=1, format=COUNT_FORMAT),
    Style.ZERO: _Look(
        horizontal="right", indent=1, format=f'{COUNT_FORMAT};-{COUNT_FORMAT};"\N{EN DASH}"', colour="6B7280"
    ),
    Style.FIGURE: _Look(horizontal="left", format=COUNT_FORMAT),
    Style.PERCENT: _Look(horizontal="right", indent=1, format="0%"),
    Style.TIME: _Look(horizontal="left", format=TIME_FORMAT),
    Style.LINK: _Look(colour="0B57D0", underline=True),
    Style.PLAIN_LINK: _Look(colour="0B57D0", underline=True, border=False, wrap=False),
    Style.PERSON: _Look(fill="FFF9E5", locked=False),
    Style.EXCEPTION: _Look(bold=True, colour=RED, fill="FDE8E8"),
    Style.GAP: _Look(bold=True, colour="7A4B00", fill="FFEFD5"),
    Style.REVIEW: _Look(italic=True, fill="E8F0FE"),
    Style.PLAIN: _Look(border=False, wrap=False),
    Style.PLAIN_CODE: _Look(size=8, font=MONOSPACED, border=False, wrap=False),
    Style.TOTAL: _Look(bold=True, fill="EEF2F7", horizontal="right", indent=1, format=COUNT_FORMAT),
    Style.TOTAL_PERCENT: _Look(bold=True, fill="EEF2F7", horizontal="right", indent=1, format="0%"),
}


class Styles:
    """The numbers by which a workbook's cells name their style."""

    def __init__(self, workbook: Workbook) -> None:
        for style in Style:
            workbook.add_named_style(_named(style))
        sheet: Any = workbook.worksheets[0]
        self._ids = {style: (_number(sheet, style, False), _number(sheet, style, True)) for style in Style}

    def number(self, style: Style, quoted: bool) -> int:
        """`quoted`: the cell stays text also when a person edits it."""
        return self._ids[style][quoted]


def _named(style: Style) -> NamedStyle:
    look = _LOOKS[style]
    side = Side(style="thin", color="C9D1DC")
    return NamedStyle(
        name=style.value,
        font=Font(
            name=look.font,
            size=look.size,
            bold=look.bold,
            italic=look.italic,
            color=look.colour,
            underline="single" if look.underline else None,
        ),
        fill=PatternFill("solid", fgColor=look.fill) if look.fill else None,
        border=Border(left=side, right=side, top=side, bottom=side) if look.border else None,
        alignment=Alignment(
            horizontal=look.horizontal, indent=look.indent, vertical=look.vertical, wrap_text=look.wrap
        ),
        number_format=look.format,
        protection=Protection(locked=look.locked),
    )


def _number(sheet: Any, style: Style, quoted: bool) -> int:
    cell: Any = Cell(sheet, row=1, column=1)
    cell.style = style.value
    cell.quotePrefix = quoted
    return int(cell.style_id)
