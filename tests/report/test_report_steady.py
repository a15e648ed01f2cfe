"""Same input, same bytes: on another day, in another process, with another hash seed."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from report_builders import AT, assessment
from workbook_reading import compiled, opened

from flows.report.errors import UnknownTemplateError
from flows.report.workbook.sheet import Column, Limits, Sheet

PRINT_DIGEST = """
import hashlib, io, sys
sys.path.insert(0, sys.argv[1])
from report_builders import assessment
from flows.report.workbook import compile_workbook
target = io.BytesIO()
compile_workbook(assessment(), target)
print(hashlib.sha256(target.getvalue()).hexdigest())
"""


def test_two_days_apart_the_bytes_are_the_same() -> None:
    with time_machine.travel(datetime(2026, 11, 2, tzinfo=UTC)):
        first = compiled(assessment())
    with time_machine.travel(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)):
        assert compiled(assessment()) == first


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_gives_the_same_bytes(seed: str) -> None:
    command = [sys.executable, "-c", PRINT_DIGEST, str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    assert printed == hashlib.sha256(compiled(assessment())).hexdigest()


def test_the_order_of_receipts_of_one_requirement_is_the_streams() -> None:
    assert compiled(assessment()) != compiled(assessment(tuple(reversed(tuple(assessment().receipts())))))


def test_every_time_in_the_file_is_the_runs() -> None:
    data = compiled(assessment())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 11, 1, 6, 0, 0)}
    properties = opened(data).properties
    assert properties.created == properties.modified == AT.replace(tzinfo=None)
    assert properties.creator == "evidence-collector 0.1.0"


def test_a_stream_that_fails_leaves_no_half_workbook() -> None:
    def broken() -> object:
        raise OSError("the store went away")

    target = io.BytesIO()
    sample = assessment()
    object.__setattr__(sample, "findings", broken)
    from flows.report.workbook import compile_workbook

    with pytest.raises(OSError, match="the store went away"):
        compile_workbook(sample, target)
    assert target.getvalue() == b""


def test_a_frame_of_another_shape_is_refused() -> None:
    class Drawn:
        title = "x"

    sheet = Sheet(Drawn(), [Column("a", 1)], Limits(), lambda style, quoted: 0)
    with pytest.raises(UnknownTemplateError, match="sheetData"):
        list(sheet.body("<worksheet/>"))
    with pytest.raises(UnknownTemplateError, match="printOptions"):
        list(sheet.body("<worksheet><sheetData/></worksheet>"))
    sheet.close()
