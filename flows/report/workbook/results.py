"""Test results: every check of every requirement that serves the framework, judged or not."""

from __future__ import annotations

from controls.assessment import Assessment, RequirementRow
from controls.models import Check
from evidence_schema.models.finding import CheckResult
from evidence_schema.models.names import Mode
from flows.report.words import check_text, check_words, listed, rule_words, values_words
from flows.report.workbook.book import RESULTS, Book
from flows.report.workbook.cells import Link, Shown, Value
from flows.report.workbook.places import Group, Places, check_results, control_cells
from flows.report.workbook.sheet import Column, person
from flows.report.workbook.status import counted, outcome_style
from flows.report.workbook.styles import Style

COLUMNS = (
    Column("Requirement", 12),
    Column("Check", 14),
    Column("Requirement title", 24),
    Column("What is tested", 40),
    Column("Mode", 8),
    Column("Result", 22),
    Column("Population", 10, Style.NUMBER),
    Column("Tested", 9, Style.NUMBER),
    Column("Passed", 9, Style.NUMBER),
    Column("Failed", 9, Style.NUMBER),
    Column("Not applicable", 10, Style.NUMBER),
    Column("Not judged", 9, Style.NUMBER),
    Column("Note", 34),
    Column("Parameters used", 24, Style.CODE),
    Column("Rule, verbatim", 70, Style.CODE),
    Column("Severity", 9),
    Column("Evidence ids", 20, Style.CODE),
    Column("To the evidence", 10),
    Column("Exceptions", 12),
    Column("Controls", 24),
    Column("To the matrix", 19),
    Column("Supplied facts it reads", 20),
    Column("Tested at (UTC)", 19, Style.TIME),
    Column("Tested by", 20),
    person("Tick marks", 10),
    person("Result", 16),
    person("Tested by", 14),
    person("Date", 12),
    person("Note", 28),
)
NOTE = "One row for each check, also those only a person decides. Counts are items; rules can be run again by anyone."


def draw(book: Book, assessment: Assessment, places: Places) -> None:
    """The checks in id order."""
    sheet = book.table(RESULTS, COLUMNS, NOTE)
    for row in assessment.requirements:
        results = check_results(row)
        for check in row.requirement.checks:
            sheet.add(_cells(row, check, results.get(check.id), assessment, places))
    sheet.say_omitted(f"the sealed catalogue {assessment.header.catalogue}")
    book.choices(sheet, "Result\n")
    book.freeze(sheet, 2)


def _cells(
    row: RequirementRow, check: Check, result: CheckResult | None, assessment: Assessment, places: Places
) -> list[Value]:
    evidence, exceptions = places.evidence[row.requirement.id], places.exceptions[row.requirement.id]
    judged = result is not None and check.mode is Mode.AUTO
    return [
        row.requirement.id,
        check.id,
        row.requirement.title,
        check_text(check, result),
        check.mode.value,
        Shown(check_words(check.mode, result, row), _style(check, result)),
        *_counts(result if check.mode is Mode.AUTO else None),
        "\n".join(result.reasons) if result else "",
        values_words(result.parameters) if result else "",
        rule_words(check),
        check.severity,
        evidence.words or "none in this run",
        Link(f"{evidence.rows:,} rows", evidence.first) if evidence.rows else "",
        _failed(result, exceptions),
        *control_cells(row, places),
        listed(check.needs),
        assessment.header.at if judged else None,
        f"{assessment.header.generator} (automatic)" if judged else "",
    ]


def _counts(result: CheckResult | None) -> list[Value]:
    if result is None:
        return [None] * 6
    return [
        result.population,
        result.tested,
        result.passed,
        counted(result.failed, Style.EXCEPTION),
        result.not_applicable,
        counted(result.errors, Style.GAP),
    ]


def _style(check: Check, result: CheckResult | None) -> Style:
    if check.mode is Mode.REPORT:
        return Style.TEXT
    return outcome_style(result.outcome if result else None)


def _failed(result: CheckResult | None, exceptions: Group) -> Value:
    """Leads to the first exception of the requirement."""
    if result is None or not result.failed:
        return ""
    return Link(f"{result.failed:,} of them", exceptions.first)
