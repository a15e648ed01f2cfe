"""A table sheet that streams: rows and links go to temporary files, the library draws what stands around them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange

from flows.report.errors import UnknownTemplateError
from flows.report.workbook.cells import Formula, Link, Place, Shown, StyleId, Value, cell_xml
from flows.report.workbook.styles import Style

PERSON_MARK = "\n(person)"
_ROWS_GO_HERE = ("<sheetData></sheetData>", "<sheetData/>", "<sheetData />")
_LINKS_GO_BEFORE = "<printOptions"
_COPY = 128 * 1024
_KEPT = 4096
_WORTH_KEEPING = 120
"""Drawn cells that are kept for when they come again, and the longest text among them."""
_LETTERS_A_UNIT, _LOST_AT_LINE_ENDS = 1.3, 3
"""A column's width is measured in digits of a larger font than ours; words do not fill a line."""
_LONG = 10_000
"""Letters beyond which a row is at its highest anyway."""
_HIGHEST = 400.0
"""Points; a row cannot be higher than 409."""


@dataclass(frozen=True)
class Limits:
    """What a spreadsheet program reads without repair: 1,048,576 rows and 65,530 links a sheet, with some to spare."""

    rows: int = 1_048_000
    links: int = 65_000


@dataclass(frozen=True)
class Column:
    """A column; a person's starts empty, stays unlocked and is never written by the program."""

    heading: str
    width: float
    style: Style = Style.TEXT
    person: bool = False


def person(heading: str, width: float = 16) -> Column:
    """A column for a person to fill."""
    return Column(heading + PERSON_MARK, width, Style.PERSON, person=True)


class Sheet:
    """One sheet. `add` takes the values of the machine's columns in order and leaves the persons' columns empty."""

    def __init__(self, drawn: Any, columns: Sequence[Column], limits: Limits, style_id: StyleId) -> None:
        self.drawn = drawn
        self.columns = tuple(columns)
        self.title: str = drawn.title
        self.rows = 0
        self.last_row = 0
        self.omitted = 0
        self.header_row = 0
        self._limits = limits
        self._style_id = style_id
        self.letters = [get_column_letter(number) for number in range(1, len(self.columns) + 1)]
        self._machine = [number for number, column in enumerate(self.columns) if not column.person]
        self._links = 0
        self._drawn = lru_cache(maxsize=_KEPT, typed=True)(self._draw)
        self._row_file: BinaryIO = TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._link_file: BinaryIO = TemporaryFile()  # noqa: SIM115 (closed by `close`)

    def close(self) -> None:
        self._row_file.close()
        self._link_file.close()

    @property
    def size(self) -> int:
        """Bytes of rows and links so far."""
        return self._row_file.tell() + self._link_file.tell()

    def place(self, row: int) -> Place:
        return Place(self.title, row)

    def line(self, values: Mapping[int, Value], *, height: float | None = None) -> int:
        """A row outside the table: values by column number, each in its own style."""
        return self._write([self._cell(number, value) for number, value in sorted(values.items())], height)

    def spread(self, parts: Sequence[tuple[int, int, Value, Style]]) -> int:
        """A row of cells that may span columns: first column, last column, value, style."""
        row, values, lines = self.last_row + 1, dict[int, Value](), 1
        for first, last, value, style in parts:
            if last > first:
                self._merge(first, last, row)
            values |= {number: Shown(None, style) for number in range(first, last + 1)}
            values[first] = value if isinstance(value, Shown | Link | Formula) else Shown(value, style)
            width = sum(column.width for column in self.columns[first : last + 1])
            lines = max(lines, _lines(value, width))
        return self.line(values, height=_height(lines))

    def banner(self, text: str) -> int:
        """One large word across all columns."""
        last = len(self.columns) - 1
        self._merge(0, last, self.last_row + 1)
        return self.line({n: Shown(text if n == 0 else None, Style.BANNER) for n in range(last + 1)}, height=48)

    def skip(self, rows: int = 1) -> None:
        """Leave rows empty."""
        self.last_row += rows

    def headings(self) -> int:
        """The table's header row."""
        self.header_row = self.line(dict(enumerate(map(_heading, self.columns))), height=self._heading_height())
        return self.header_row

    def add(self, values: Sequence[Value]) -> int:
        """A row of the table; its number, or 0 where the sheet is full."""
        if self.last_row + 1 >= self._limits.rows:
            self.omitted += 1
            return 0
        row: list[Value] = [None] * len(self.columns)
        for number, value in zip(self._machine, values, strict=True):
            row[number] = value
        self.rows += 1
        cells = [self._table_cell(value, number) for number, value in enumerate(row)]
        place = self.last_row + 1
        drawn = [f'<c r="{letter}{place}"{xml}' for letter, (xml, _) in zip(self.letters, cells, strict=True)]
        return self._write(drawn, _height(max(lines for _, lines in cells)))

    def say_omitted(self, source: str) -> None:
        """Where the sheet was full: a last row that says how much is missing and where it stands."""
        if self.omitted:
            text = f"{self.omitted:,} more rows are NOT shown: the sheet is full. All of them stand in {source}."
            self.line({0: Shown(text, Style.EXCEPTION)})

    def pages_across(self, comfortable: float) -> int:
        """How many pages the columns need side by side, so that print stays readable."""
        return max(1, math.ceil(sum(column.width for column in self.columns) / comfortable - 0.15))

    def body(self, template: str) -> Iterator[bytes]:
        """The sheet's XML: the library's frame with our rows and links in it."""
        head, tail = _split(template)
        frame, mark, end = tail.partition(_LINKS_GO_BEFORE)
        if not mark:
            raise UnknownTemplateError(
                f"expected {_LINKS_GO_BEFORE!r} in the sheet {self.title!r}; try the locked openpyxl"
            )
        yield f"{head}<sheetData>".encode()
        yield from _pieces(self._row_file)
        yield f"</sheetData>{frame}".encode()
        if self._links:
            yield b"<hyperlinks>"
            yield from _pieces(self._link_file)
            yield b"</hyperlinks>"
        yield f"{mark}{end}".encode()

    def _merge(self, first: int, last: int, row: int) -> None:
        """Straight to the ranges: the library's own `add` looks through all of them each time."""
        self.drawn.merged_cells.ranges.add(CellRange(f"{self.letters[first]}{row}:{self.letters[last]}{row}"))

    def _write(self, cells: Sequence[str], height: float | None) -> int:
        self.last_row += 1
        size = f' ht="{height:g}"' if height else ""
        self._row_file.write(f'<row r="{self.last_row}"{size}>{"".join(cells)}</row>'.encode())
        return self.last_row

    def _cell(self, number: int, value: Value) -> str:
        """A cell outside the table, in the row that is about to be written."""
        value = self._linked(value, number)
        return f'<c r="{self.letters[number]}{self.last_row + 1}"{cell_xml(value, Style.PLAIN, self._style_id)}'

    def _table_cell(self, value: Value, number: int) -> tuple[str, int]:
        """A cell's XML and lines. Most values of a column come again and again, so they are drawn once."""
        if isinstance(value, Link):
            value = self._linked(value, number)
            value = Shown(value.value, value.style) if isinstance(value, Link) else value
        if isinstance(value, str) and len(value) > _WORTH_KEEPING:
            return self._draw(value, number)
        return self._drawn(value, number)

    def _draw(self, value: Value, number: int) -> tuple[str, int]:
        column = self.columns[number]
        return cell_xml(value, column.style, self._style_id), _lines(value, column.width)

    def _linked(self, value: Value, number: int) -> Value:
        """Write down a link of the row that is about to be written; the bare value where the sheet has too many."""
        if not isinstance(value, Link):
            return value
        if value.place is None or self._links >= self._limits.links:
            return value.value
        self._links += 1
        ref = f"{self.letters[number]}{self.last_row + 1}"
        self._link_file.write(f'<hyperlink ref="{ref}" location="{value.place.location}"/>'.encode())
        return value

    def _heading_height(self) -> float:
        lines = (_heading_lines(column.heading, column.width) for column in self.columns)
        return 6 + 12.0 * max(lines, default=1)


def _heading_lines(text: str, width: float) -> int:
    """About how many lines a heading needs: words do not break."""
    used, room = 0, 0.0
    for word in text.replace("\n", " \n ").split(" "):
        if word == "\n" or used == 0 or len(word) + 1 > room:
            used, room = used + 1, width - 1
        room -= 0 if word == "\n" else len(word) + 1
    return used


def _heading(column: Column) -> Value:
    return Shown(column.heading, Style.PERSON_HEADER if column.person else Style.HEADER)


def _lines(value: Value, width: float) -> int:
    """About how many lines a value takes: programs do not all find the height of a row by themselves."""
    if isinstance(value, Shown | Link):
        value = value.value
    if not isinstance(value, str):
        return 1
    room = max(1.0, width * _LETTERS_A_UNIT - _LOST_AT_LINE_ENDS)
    if len(value) <= room and "\n" not in value:
        return 1
    return sum(max(1, math.ceil(len(line) / room)) for line in value[:_LONG].split("\n"))


def _height(lines: int) -> float | None:
    """In points; None leaves the usual height of one line."""
    return None if lines == 1 else min(4 + 11.5 * lines, _HIGHEST)


def _split(template: str) -> tuple[str, str]:
    for mark in _ROWS_GO_HERE:
        head, found, tail = template.partition(mark)
        if found:
            return head, tail
    raise UnknownTemplateError(f"expected one of {_ROWS_GO_HERE} in a sheet without rows; try the locked openpyxl")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_COPY):
        yield piece
