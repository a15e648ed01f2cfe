"""Exceptions: one row for each finding that failed. What could not be collected is a gap, and stands elsewhere."""

from __future__ import annotations

from controls.assessment import Assessment, RequirementRow
from controls.models import Check
from evidence_schema.models.base import format_time
from evidence_schema.models.finding import CheckResult, Finding
from evidence_schema.models.names import FindingResult
from flows.report.words import check_text, is_gap, period_words, values_words
from flows.report.workbook.book import EXCEPTIONS, LEAD, Book
from flows.report.workbook.cells import Link, Place, Shown, Value
from flows.report.workbook.places import Places, check_results, control_cells
from flows.report.workbook.sheet import Column, person
from flows.report.workbook.styles import Style

COLUMNS = (
    Column("Exception no.", 10),
    Column("Test", 14),
    Column("Requirement", 12),
    Column("Controls", 24),
    Column("To the matrix", 19),
    Column("What was tested", 36),
    Column("Kind", 22),
    Column("Account", 14),
    Column("Region", 13),
    Column("Item", 30),
    Column("Description: the values that decided", 36, Style.CODE),
    Column("Evidence id", 20, Style.CODE),
    Column("Severity", 9),
    Column("Population n", 10, Style.NUMBER),
    Column("Sample n (tested)", 10, Style.NUMBER),
    Column("Deviations n", 10, Style.NUMBER),
    Column("Found at (UTC)", 19, Style.TIME),
    Column("Period affected", 26),
    person("Cause", 24),
    person("Risk", 24),
    person("Compensating control", 24),
    person("Management response", 28),
    person("Owner", 14),
    person("Due", 12),
    person("Status", 12),
    person("Closure evidence", 18),
    person("Accepted by", 14),
    person("Accepted until", 12),
)


def draw(book: Book, assessment: Assessment, places: Places) -> None:
    """The failing findings, numbered in the order of the sealed findings; the gaps are counted above them."""
    gaps = sum(is_gap(row.outcome) for row in assessment.requirements)
    sheet = book.table(EXCEPTIONS, COLUMNS, _note(gaps), Place(LEAD, 1))
    tests = {
        check.id: (row, check, check_results(row).get(check.id))
        for row in assessment.requirements
        for check in row.requirement.checks
    }
    failing = (finding for finding in assessment.findings() if finding.result is FindingResult.FAIL)
    for count, finding in enumerate(failing, 1):
        row, check, result = tests[finding.check]
        number = sheet.add(_cells(f"E{count}", finding, row, check, result, assessment, places))
        places.exceptions[finding.requirement].add(sheet.place(number) if number else None, f"E{count}")
    if not sheet.rows:
        sheet.line({0: Shown("No finding of this run failed. Read the gaps before relying on it.", Style.PLAIN)})
    sheet.say_omitted(f"the sealed findings {assessment.header.findings}")
    book.freeze(sheet, 2)


def _note(gaps: int) -> str:
    if not gaps:
        return "One row for each item that did not meet a check. No gaps: everything planned was gathered and judged."
    return (
        f"One row for each item that did not meet a check. NOT here: {gaps} requirements with gaps (not collected,"
        " stale, partial); see the Lead sheet."
    )


def _cells(
    number: str,
    finding: Finding,
    row: RequirementRow,
    check: Check,
    result: CheckResult | None,
    assessment: Assessment,
    places: Places,
) -> list[Value]:
    evidence, place = places.units.get(
        (finding.requirement, finding.kind, finding.account, finding.region),
        ("see the register", places.evidence[finding.requirement].first),
    )
    return [
        Shown(number, Style.EXCEPTION),
        Link(finding.check, places.checks[finding.check]),
        finding.requirement,
        *control_cells(row, places),
        check_text(check, result),
        finding.kind,
        finding.account,
        finding.region,
        finding.record,
        values_words(finding.values),
        Link(evidence, place),
        check.severity,
        result.population if result else None,
        result.tested if result else None,
        result.failed if result else None,
        assessment.header.at,
        _period_affected(row, assessment),
    ]


def _period_affected(row: RequirementRow, assessment: Assessment) -> str:
    if row.requirement.period:
        return period_words(assessment.header.period)
    at = row.outcome.collected_at if row.outcome else None
    return f"state at {format_time(at)}; from when to when is for a person to find" if at else "not known"
