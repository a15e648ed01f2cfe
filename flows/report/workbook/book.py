"""The workbook as a whole: its sheets in order, page set-up, protection, properties, saving."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Self

from openpyxl import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.writer.excel import ExcelWriter

from controls.assessment import Header
from evidence_schema.models.base import format_time
from flows.report.text import one_line
from flows.report.words import period_label, period_words
from flows.report.workbook.archive import SteadyZip
from flows.report.workbook.cells import Link, Place, Shown
from flows.report.workbook.sheet import Column, Limits, Sheet
from flows.report.workbook.styles import Style, Styles

COVER = "Cover"
CONTENTS = "Contents and legend"
LEAD = "Lead sheet"
MATRIX = "Control matrix"
REGISTER = "Evidence register"
RESULTS = "Test results"
EXCEPTIONS = "Exceptions"
COLLECTION = "Collection log"
INTEGRITY = "Integrity"
FILES = "Stored files"
SHEETS = (COVER, CONTENTS, LEAD, MATRIX, REGISTER, RESULTS, EXCEPTIONS, COLLECTION, INTEGRITY, FILES)

TABLE_HEADER_ROW = 4
"""The table sheets' header row: title, whose paper it is and a note stand above."""
FIRST_ROW = TABLE_HEADER_ROW + 1
SIMULATED = "SIMULATED"
CONCLUSIONS = ("met", "exception", "not tested", "not applicable")
_A4 = 9
_COMFORTABLE = 200.0
"""Column widths that one landscape page shows in readable size."""


class Book:
    """A workbook being drawn. Sheets may be filled in any order and stand in the order of SHEETS."""

    def __init__(self, header: Header, name: str, limits: Limits) -> None:
        self.header = header
        self.name = name
        self.limits = limits
        self.sheets: dict[str, Sheet] = {}
        self._workbook = Workbook(write_only=True)
        self._drawn: dict[str, Any] = {title: self._workbook.create_sheet(title) for title in SHEETS}
        self._styles = Styles(self._workbook)
        self._describe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sheet in self.sheets.values():
            sheet.close()

    def sheet(self, title: str, columns: Sequence[Column]) -> Sheet:
        """A sheet without a heading of its own yet."""
        sheet = Sheet(self._drawn[title], columns, self.limits, self._styles.number)
        self.sheets[title] = sheet
        return sheet

    def table(self, title: str, columns: Sequence[Column], note: str, leads_to: Place | None = None) -> Sheet:
        """A sheet that is one table, ready for its rows."""
        sheet = self.sheet(title, columns)
        self.heading(sheet, note, leads_to)
        sheet.headings()
        return sheet

    def heading(self, sheet: Sheet, note: str, leads_to: Place | None = None) -> None:
        """The three lines above every table: what, whose, and why."""
        index = SHEETS.index(sheet.title) + 1
        mark = f"   {SIMULATED}: not evidence of a real system" if self.header.simulated else ""
        sheet.line({0: Shown(f"{index}  {sheet.title}{mark}", Style.TITLE)}, height=22)
        sheet.line({0: Shown(self.whose(), Style.SUBTITLE)})
        back = Link("Contents", Place(CONTENTS, 1), Style.PLAIN_LINK)
        sheet.line({0: back, 1: Link(note, leads_to, Style.PLAIN_LINK) if leads_to else Shown(note, Style.SUBTITLE)})

    def whose(self) -> str:
        """The line that each workpaper carries."""
        header = self.header
        return one_line(
            f"{header.organisation}  |  {header.framework.title}  |  {period_words(header.period)}  |  {header.run_id}",
            400,
        )

    def freeze(self, sheet: Sheet, columns: int) -> None:
        """Keep header row and first columns in sight, filter by every column, repeat both in print."""
        letters = sheet.letters
        sheet.drawn.freeze_panes = f"{letters[columns]}{sheet.header_row + 1}"
        sheet.drawn.auto_filter.ref = f"A{sheet.header_row}:{letters[-1]}{max(sheet.last_row, sheet.header_row)}"
        sheet.drawn.print_title_rows = f"{sheet.header_row}:{sheet.header_row}"
        pages = sheet.pages_across(_COMFORTABLE)
        if pages > 1:  # the lines above the table would be cut at each page; header and footer say the same
            sheet.drawn.print_title_cols = f"A:{letters[columns - 1]}"
            sheet.drawn.print_area = f"A{sheet.header_row}:{letters[-1]}{sheet.last_row}"
        self.page(sheet, across=pages)

    def page(self, sheet: Sheet, *, across: int = 1, down: int = 0, portrait: bool = False) -> None:
        """Print set-up and protection of a finished sheet; `down` 0: as many pages as it takes."""
        drawn = sheet.drawn
        for letter, column in zip(sheet.letters, sheet.columns, strict=True):
            drawn.column_dimensions[letter].width = column.width
        drawn.page_setup.orientation = "portrait" if portrait else "landscape"
        drawn.page_setup.paperSize = _A4
        drawn.page_setup.fitToWidth = across
        drawn.page_setup.fitToHeight = down
        drawn.sheet_properties.pageSetUpPr.fitToPage = True
        drawn.print_options.horizontalCentered = False
        drawn.print_options.gridLines = False
        drawn.sheet_view.showGridLines = False
        drawn.page_margins.left = drawn.page_margins.right = 0.4
        drawn.page_margins.top = drawn.page_margins.bottom = 0.8
        self._page_lines(drawn)
        _protect(drawn)

    def choices(self, sheet: Sheet, heading: str) -> None:
        """Offer the four conclusions in a person's column; other words stay possible."""
        number = next(
            i for i, column in enumerate(sheet.columns) if column.person and column.heading.startswith(heading)
        )
        if sheet.rows:
            letter = sheet.letters[number]
            offer = DataValidation(type="list", formula1=f'"{",".join(CONCLUSIONS)}"', allow_blank=True)
            offer.showErrorMessage = False
            offer.add(f"{letter}{sheet.header_row + 1}:{letter}{sheet.last_row}")
            sheet.drawn.data_validations.append(offer)

    def save(self, target: BinaryIO) -> None:
        """Write the file: made whole beside, then copied, so that a failure leaves no half workbook."""
        paths = {f"xl/worksheets/sheet{n}.xml": self.sheets[title] for n, title in enumerate(SHEETS, 1)}
        with TemporaryFile() as whole:
            archive = SteadyZip(whole, self.header.at, paths)
            ExcelWriter(self._workbook, archive).save()
            whole.seek(0)
            shutil.copyfileobj(whole, target)

    def _page_lines(self, drawn: Any) -> None:
        header = self.header
        whose = f"{header.organisation} - {header.framework.id.upper()} - {period_label(header.period)}"
        drawn.oddHeader.left.text = _page_text(whose, 90)
        drawn.oddHeader.center.text = SIMULATED if header.simulated else ""
        drawn.oddHeader.center.font, drawn.oddHeader.center.size = "Arial,Bold", 14
        drawn.oddHeader.right.text = "&A"
        drawn.oddFooter.left.text = _page_text(self.name, 90)
        drawn.oddFooter.right.text = "Page &P of &N"
        for part in (drawn.oddHeader.left, drawn.oddHeader.right, drawn.oddFooter.left, drawn.oddFooter.right):
            part.font, part.size = "Arial,Regular", 8

    def _describe(self) -> None:
        header, properties = self.header, self._workbook.properties
        properties.title = one_line(self.name, 200)
        properties.subject = one_line(f"{header.framework.title}, {period_words(header.period)}", 200)
        properties.creator = properties.lastModifiedBy = one_line(header.generator, 200)
        properties.description = one_line(
            f"{header.organisation}, compiled for {header.run_id} as judged at {format_time(header.at)}."
            " An index of sealed evidence, not the evidence.",
            400,
        )
        properties.category = "audit workpaper"
        properties.keywords = SIMULATED if header.simulated else None
        properties.created = properties.modified = header.at.replace(tzinfo=None)


def _page_text(text: str, most: int) -> str:
    """Text for a page's header or footer, where an ampersand commands."""
    return one_line(text, most).replace("&", "&&")


def _protect(drawn: Any) -> None:
    """Against slips, without a password: filters, widths and the persons' columns stay free."""
    drawn.protection.sheet = True
    for freedom in ("autoFilter", "sort", "formatColumns", "formatRows"):
        setattr(drawn.protection, freedom, False)
