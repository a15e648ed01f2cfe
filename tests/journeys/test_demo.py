"""The demonstration plays to its end, says SIMULATED everywhere, and leaves no process behind."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from demonstration import start_demonstration
from processes import living_of

pytestmark = pytest.mark.journey


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for left processes in /proc")
def test_the_demonstration_plays_whole(tmp_path: Path) -> None:
    demo = start_demonstration(tmp_path)
    told, _ = demo.communicate(timeout=400)
    assert demo.returncode == 0, told
    assert "blob-changed" in told
    assert "identical to the sealed ones" in told
    assert told.count("SIMULATED") > 5
    books = sorted((tmp_path / "out").glob("*/workbooks/*.xlsx"))
    assert len(books) == 3
    for book in books:
        assert book.name.startswith("SIMULATED_")
        assert str(book) in told.replace("\n", "") or book.name in told
        sheets = openpyxl.load_workbook(book, read_only=True)
        assert all("SIMULATED" in str(list(sheet.iter_rows(max_row=6, values_only=True))) for sheet in sheets)
    assert living_of(tmp_path) == []
