"""Contents and legend: every sheet with its rows, every word, colour and mark, how to read times and digests."""

from __future__ import annotations

from collections.abc import Iterable

from flows.report.legend import GATHER_MEANINGS, OTHER_WORDS, OUTCOME_MEANINGS, TICK_MARKS
from flows.report.words import OUTCOMES
from flows.report.workbook.book import (
    COLLECTION,
    CONTENTS,
    COVER,
    EXCEPTIONS,
    FILES,
    INTEGRITY,
    LEAD,
    MATRIX,
    REGISTER,
    RESULTS,
    SHEETS,
    Book,
)
from flows.report.workbook.cells import Link, Place, Shown, Value
from flows.report.workbook.sheet import Column, Sheet
from flows.report.workbook.status import LOOKS, outcome_style, result_style
from flows.report.workbook.styles import Style

COLUMNS = (Column("Sheet", 30), Column("Purpose", 96), Column("Rows", 26))
PURPOSES = {
    COVER: "Whose paper this is, what it speaks about, what it rests on, what it leaves out; sign-off.",
    CONTENTS: "This page.",
    LEAD: "Each area in figures; every evidence requirement once, those with gaps first.",
    MATRIX: "Every control of the framework with its evidence, and the columns for a person's conclusions.",
    REGISTER: "Every unit of the run under each requirement it serves: source, completeness, digest, custody.",
    RESULTS: "Every check with its rule, parameters, population and counts; also those that await a person.",
    EXCEPTIONS: "Every item that failed a check, with the values that decided; the columns for cause and response.",
    COLLECTION: "The work: each unit's calls, pages, errors and retries.",
    INTEGRITY: "Checkpoint, root and digests, and how to verify them.",
    FILES: "Every stored file with its SHA-256 and lock.",
}
_NOTES = (
    ("Times", "All times are UTC, whole seconds, shown with a final Z. Periods include their start and not their end."),
    (
        "Hash of a file",
        "sha256sum FILE prints 64 digits: compare them with the column SHA-256. See the sheet Integrity.",
    ),
    (
        "Who fills what",
        (
            "Dark blue headings: written by the program, locked against slips (no password)."
            " Yellow headings marked (person): for people, and never written by the program."
        ),
    ),
    (
        "Text from outside",
        (
            "Names and tags are shown as text, never run. Characters that cannot be shown or that hide others appear"
            " as \N{REPLACEMENT CHARACTER}; text over 32,767 characters is cut with a mark."
            " The sealed evidence holds the original."
        ),
    ),
    (
        "Links",
        "Blue underlined cells lead inside this workbook. There are no macros, no outside links, no hidden sheets.",
    ),
    (
        "Evidence id",
        "The end of the run id, then the start of the digest that names the unit (kind, account, region).",
    ),
)


def draw(book: Book) -> None:
    """Drawn after the tables, whose rows it counts."""
    sheet = book.table(CONTENTS, COLUMNS, "The workbook is an index of sealed evidence. It is not the evidence.")
    for title in SHEETS:
        rows = book.sheets[title].rows if title in book.sheets and title != CONTENTS else 0
        sheet.add([Link(title, Place(title, 1)), PURPOSES[title], Shown(rows or "page", Style.NUMBER)])
    sheet.drawn.auto_filter.ref = f"A{sheet.header_row}:C{sheet.last_row}"
    sheet.drawn.freeze_panes = f"A{sheet.header_row + 1}"
    _legend(sheet)
    book.page(sheet, portrait=True)


def _legend(sheet: Sheet) -> None:
    outcomes = [
        (Shown(OUTCOMES[o], outcome_style(o)), text, LOOKS[outcome_style(o)]) for o, text in OUTCOME_MEANINGS.items()
    ]
    results = [(Shown(r.value, result_style(r)), text, LOOKS[result_style(r)]) for r, text in GATHER_MEANINGS.items()]
    _section(
        sheet, "Outcomes of checks and requirements, strongest first", ("Word", "Meaning", "Colour, in words"), outcomes
    )
    _section(sheet, "Gather results of units", ("Word", "Meaning", "Colour, in words"), results)
    _section(sheet, "Other words", ("Word", "Meaning", ""), ((a, b, "") for a, b in OTHER_WORDS.items()))
    _section(sheet, "Tick marks, for people", ("Mark", "Meaning", ""), ((a, b, "") for a, b in TICK_MARKS.items()))
    _section(sheet, "How to read this workbook", ("Subject", "Note", ""), ((a, b, "") for a, b in _NOTES))


def _section(
    sheet: Sheet, title: str, headings: tuple[str, str, str], rows: Iterable[tuple[Value, Value, Value]]
) -> None:
    sheet.skip()
    sheet.line({0: Shown(title, Style.SECTION)})
    sheet.line({n: Shown(heading, Style.HEADER) for n, heading in enumerate(headings)})
    for first, second, third in rows:
        sheet.spread([(0, 0, first, Style.LABEL), (1, 1, second, Style.TEXT), (2, 2, third, Style.TEXT)])
