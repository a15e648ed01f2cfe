"""A compiled workbook, read as a person's program reads it: sheets as rows of named cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
from worlds import Gathered

from evidence_schema.models.names import FindingResult, Mode

HEADER_ROW = 4
Row = dict[str, Any]


class Book:
    """The sheets that a fault must be seen on."""

    def __init__(self, folder: Path) -> None:
        (path,) = folder.glob("*.xlsx")
        self._book = openpyxl.load_workbook(path, read_only=True)

    def rows(self, sheet: str) -> list[Row]:
        """The rows of a table below its header."""
        lines = list(self._book[sheet].iter_rows(values_only=True))
        names = [str(name) for name in lines[HEADER_ROW - 1]]
        return [dict(zip(names, line, strict=False)) for line in lines[HEADER_ROW:] if any(line)]

    def note(self, sheet: str) -> str:
        """The sentence above a table."""
        lines = self._book[sheet].iter_rows(min_row=3, max_row=3, values_only=True)
        return str(next(iter(lines))[1])


def says_what_the_manifest_says(book: Book, gathered: Gathered) -> None:
    """Collection log, register, test results and exceptions tell what was gathered and judged, row by row."""
    receipts = gathered.receipts.values()
    told = {(row["Kind"], row["Account"], row["Region"]): row for row in book.rows("Collection log")}
    assert len(told) == len(receipts)
    for receipt in receipts:
        row = told[receipt.unit.kind, receipt.unit.account, receipt.unit.region]
        assert row["Status"] == receipt.result
        assert (row["Items"], row["Errors"]) == (receipt.items.returned, receipt.calls.errors)
        assert all(problem.code in row[_reason(row)] for problem in receipt.problems)
    register = {
        (row["Requirement"], row["Kind"], row["Region"]): row["Status"] for row in book.rows("Evidence register")
    }
    assert register == {
        (name, receipt.unit.kind, receipt.unit.region): receipt.result
        for receipt in receipts
        for name in receipt.requirements
    }
    failing = [finding for finding in gathered.findings if finding.result is FindingResult.FAIL]
    assert [(row["Test"], row["Kind"], row["Region"], row["Item"]) for row in book.rows("Exceptions")] == [
        (finding.check, finding.kind, finding.region, finding.record) for finding in failing
    ]
    results = {row["Check"]: row for row in book.rows("Test results")}
    for outcome in gathered.outcomes.requirements:
        for check in outcome.checks:
            row = results[check.check]
            if check.mode is Mode.AUTO:
                told_counts = (row["Population"], row["Passed"], row["Failed"], row["Not judged"])
                assert told_counts == (check.population, check.passed, check.failed, check.errors), check.check


def _reason(row: Row) -> str:
    return next(name for name in row if name.startswith("Reason"))
