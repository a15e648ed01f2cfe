"""Whether a workbook is one that left this log: its bytes against the export entries."""

from __future__ import annotations

import pytest
from logs import LAYOUT, OTHER_KEY, MemoryReader, build_log

from evidence_schema.digest import Digest
from evidence_schema.verification import verify_workbook

pytestmark = pytest.mark.sealing


@pytest.fixture(scope="module")
def log():
    return build_log(2)


def test_exported_workbook_is_found_by_its_bytes(log) -> None:
    report = verify_workbook(log.reader, iter([log.workbooks[1][:5], log.workbooks[1][5:]]), trust=log.trust)
    assert (report.problems, report.exit_code, report.seq) == ((), 0, 9)
    assert report.digest == Digest.of(log.workbooks[1])
    assert report.export is not None
    assert (report.export.run_id, report.export.framework) == (log.runs[2], "hipaa")


def test_workbook_with_one_changed_byte_never_left_the_log(log) -> None:
    report = verify_workbook(log.reader, [log.workbooks[0][:-1] + b"!"], trust=log.trust)
    assert [problem.type for problem in report.problems] == ["workbook-not-exported"]
    assert (report.exit_code, report.export, report.seq) == (4, None, None)


def test_without_pinned_keys_an_export_entry_shows_nothing(log) -> None:
    assert verify_workbook(log.reader, [log.workbooks[0]], trust=None).exit_code == 6


def test_export_entry_by_another_key_does_not_count(log) -> None:
    forged = build_log(2, keys=lambda _: OTHER_KEY)
    report = verify_workbook(forged.reader, [forged.workbooks[0]], trust=log.trust)
    assert report.exit_code == 4
    assert "entry-key-unknown" in {problem.type for problem in report.problems}


def test_workbook_is_checked_against_an_unbroken_log_only(log) -> None:
    reader = log.reader.copy()
    reader.remove(LAYOUT.entry(2))
    assert verify_workbook(reader, [log.workbooks[0]], trust=log.trust).exit_code == 4
    assert verify_workbook(MemoryReader(), [log.workbooks[0]], trust=log.trust).exit_code == 4
