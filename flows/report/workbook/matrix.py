"""Control matrix: every control of the framework, with counts over its direct requirements and no verdict."""

from __future__ import annotations

from collections.abc import Mapping

from openpyxl.utils import get_column_letter

from controls.assessment import Assessment, ControlRow
from controls.models import Control
from evidence_schema.models.names import Outcome
from flows.report.words import OUTCOMES, listed
from flows.report.workbook.book import MATRIX, Book
from flows.report.workbook.cells import Link, Shown, Value
from flows.report.workbook.places import Group, Places
from flows.report.workbook.sheet import Column, person
from flows.report.workbook.status import outcome_count
from flows.report.workbook.styles import Style

AREA = "Area"
CONCLUSION = "Conclusion"
MOST_LINKS = 6
_COUNTS = tuple(Column(words[0].upper() + words[1:], 10, Style.NUMBER) for words in OUTCOMES.values())
_PERSONS = (
    person("Own control id"),
    person("Control description", 36),
    person("Owner"),
    person("Frequency", 12),
    person("Type", 14),
    person("Design result"),
    person("Operating result"),
    person("Addressable decision", 20),
    person("Not-applicable reason", 22),
    person(CONCLUSION),
    person("Preparer", 12),
    person("Prepared on", 12),
    person("Reviewer", 12),
    person("Reviewed on", 12),
)
NOTE = "Every control of the framework. Counts are over its direct requirements; conclusions are a named person's."


def columns(assessment: Assessment) -> tuple[Column, ...]:
    """As many link columns as the best served control needs."""
    links = min(MOST_LINKS, max((len(row.direct) for row in assessment.controls), default=0))
    return (
        Column("Control", 19),
        Column("Title", 26),
        Column("What it asks, in our own words", 54),
        *([Column("Wording supplied by the organisation", 54)] if assessment.wording else []),
        Column("Required or addressable; category", 13),
        Column("Direct evidence requirements", 14),
        *(Column(f"Go to {number}", 11) for number in range(1, links + 1)),
        Column("Supporting", 14),
        *_COUNTS,
        Column("Not in this run", 10.5, Style.NUMBER),
        Column("Evidence", 13),
        Column("Exceptions", 13),
        Column("Note", 26),
        Column(AREA, 18),
        Column("Applies to", 18),
        Column("Citation", 20),
        *_PERSONS,
    )


def draw(book: Book, assessment: Assessment, places: Places) -> None:
    """The controls in clause order."""
    shape = columns(assessment)
    links = sum(column.heading.startswith("Go to") for column in shape)
    sheet = book.table(MATRIX, shape, NOTE)
    for row in assessment.controls:
        sheet.add(_cells(row, links, places, assessment.wording))
    sheet.say_omitted(f"the sealed catalogue {assessment.header.catalogue}")
    for heading in ("Design result", "Operating result", CONCLUSION):
        book.choices(sheet, heading)
    book.freeze(sheet, 2)


def _cells(row: ControlRow, links: int, places: Places, wording: Mapping[str, str]) -> list[Value]:
    control = row.control
    return [
        Shown(control.id, Style.LABEL),
        control.title,
        control.ask,
        *([wording.get(control.id, "")] if wording else []),
        _designation(control),
        "\n".join(row.direct),
        *(_go_to(row, number, places) for number in range(links)),
        "\n".join(row.supporting),
        *(outcome_count(row.counts[outcome], outcome) for outcome in Outcome),
        outcome_count(not_in_run(row), None),
        _first([places.evidence[name] for name in (*row.direct, *row.supporting)], "rows"),
        _first([places.exceptions[name] for name in row.direct], "items"),
        _note(row),
        control.area,
        listed(role.replace("_", " ") for role in control.applies_to),
        control.citation,
    ]


def letter(assessment: Assessment, heading: str) -> str:
    """The column whose heading begins so."""
    headings = [column.heading for column in columns(assessment)]
    return get_column_letter(1 + next(n for n, found in enumerate(headings) if found.startswith(heading)))


def not_in_run(row: ControlRow) -> int:
    """Direct requirements without an outcome: the run did not plan them."""
    return len(row.direct) - sum(row.counts.values())


def _designation(control: Control) -> str:
    words = [control.designation, control.category, control.rule if control.designation is None else None]
    return "\n".join(word.replace("_", " ") for word in words if word)


def _go_to(row: ControlRow, number: int, places: Places) -> Value:
    if number >= len(row.direct):
        return None
    name = row.direct[number]
    return Link(name, places.requirements[name])


def _first(groups: list[Group], unit: str) -> Value:
    """How many rows there are, leading to the first of them."""
    total = sum(group.rows for group in groups)
    place = next((group.first for group in groups if group.first), None)
    return Link(f"{total:,} {unit}", place) if total else ""


def _note(row: ControlRow) -> str:
    if row.not_applicable:
        return f"Not applicable: {row.not_applicable}."
    if row.unmapped:
        return "No evidence requirement in this catalogue: awaiting a person."
    if not row.direct:
        return "Supporting evidence only, which is not counted."
    if not sum(row.counts.values()):
        return "None of its direct requirements was in this run: awaiting a person."
    return ""
