"""Streams of any length: memory stays flat, full sheets say so, links stop before programs must repair the file."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from report_builders import HEADER, sized
from workbook_reading import compiled, links, opened, table

from flows.report.grouping import ReceiptsByRequirement
from flows.report.workbook import sheet
from flows.report.workbook.compile import compile_within
from flows.report.workbook.sheet import Limits


def peak(units: int, failing: int) -> int:
    with tempfile.TemporaryFile() as target:
        tracemalloc.start()
        compile_within(sized(units, failing), target, Limits(links=100))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bounded (links, cells kept for when they come again) is made small here, so that growth would show."""
    monkeypatch.setattr(sheet, "_KEPT", 50)
    peak(10, 10)  # imports
    small, large = peak(150, 75), peak(650, 325)
    per_row = (large - small) / (500 + 250)
    assert per_row < 100, f"{per_row:.0f} bytes a row"


def test_grouped_receipts_are_kept_on_disk_in_the_order_they_came() -> None:
    receipts = list(sized(1_200, 0).receipts())
    tracemalloc.start()
    with ReceiptsByRequirement(["EV-LOG-01", "EV-ENC-01"]) as groups:
        for receipt in receipts:
            groups.add(receipt)
        held, _ = tracemalloc.get_traced_memory()
        read = {name: [receipt.unit for receipt in rows] for name, rows in groups}
    tracemalloc.stop()
    assert read == {"EV-ENC-01": [], "EV-LOG-01": [receipt.unit for receipt in receipts]}
    assert held < 500_000  # of about 1.4 MB


def test_a_full_sheet_ends_with_a_row_that_says_so() -> None:
    book = opened(compiled(sized(30, 30), Limits(rows=20)))
    register, exceptions = book["Evidence register"], book["Exceptions"]
    assert register.max_row == exceptions.max_row == 20
    assert register["A20"].value == (
        f"15 more rows are NOT shown: the sheet is full. All of them stand in the sealed manifest {HEADER.manifest}."
    )
    assert exceptions["A20"].value == (
        f"15 more rows are NOT shown: the sheet is full. All of them stand in the sealed findings {HEADER.findings}."
    )


def test_a_full_sheet_does_not_change_the_figures() -> None:
    rows = table(opened(compiled(sized(30, 30), Limits(rows=20))), "Control matrix").rows
    whole = table(opened(compiled(sized(30, 30))), "Control matrix").rows
    assert [row["Exceptions"] for row in rows] == [row["Exceptions"] for row in whole]
    assert "30 items" in [row["Exceptions"] for row in whole]


def test_beyond_the_most_links_the_value_stays_without_one() -> None:
    book = opened(compiled(sized(30, 30), Limits(links=10)))
    assert len(links(book["Evidence register"])) == len(links(book["Exceptions"])) == 10
    assert len({row["Requirement"] for row in table(book, "Evidence register").rows}) == 1
    assert len(table(book, "Evidence register").rows) == 30


def test_nothing_stays_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    compiled(sized(50, 5))
    assert list(tmp_path.iterdir()) == []
