"""Reads a compiled workbook back, as a spreadsheet program would."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from dataclasses import dataclass
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from controls.assessment import Assessment
from flows.report.workbook import compile_workbook
from flows.report.workbook.book import TABLE_HEADER_ROW
from flows.report.workbook.compile import compile_within
from flows.report.workbook.sheet import Limits


def compiled(assessment: Assessment, limits: Limits | None = None) -> bytes:
    target = io.BytesIO()
    if limits is None:
        compile_workbook(assessment, target)
    else:
        compile_within(assessment, target, limits)
    return target.getvalue()


def opened(data: bytes) -> Any:
    """The workbook; anything the library would have to repair is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_workbook(io.BytesIO(data))


def parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


@dataclass(frozen=True)
class Table:
    """A sheet's rows below its header, by heading."""

    headings: list[str]
    rows: list[dict[str, Any]]

    def column(self, heading: str) -> list[Any]:
        return [row[heading] for row in self.rows]

    def where(self, heading: str, value: Any) -> dict[str, Any]:
        (row,) = [row for row in self.rows if row[heading] == value]
        return row


def table(workbook: Any, title: str) -> Table:
    """Rows until the first empty one; empty strings where a cell holds nothing."""
    sheet = workbook[title]
    headings = [cell.value for cell in sheet[TABLE_HEADER_ROW]]
    rows = []
    for cells in sheet.iter_rows(min_row=TABLE_HEADER_ROW + 1):
        values = [shown(cell) for cell in cells]
        if not any(value != "" for value in values):
            break
        rows.append(dict(zip(headings, values, strict=True)))
    return Table(headings, rows)


def shown(cell: Any) -> Any:
    """What a person sees in the cell: the format's own escapes undone."""
    value = cell.value
    if value is None:
        return ""
    return unescape(value) if isinstance(value, str) and cell.data_type != "f" else value


def links(sheet: Any) -> dict[str, tuple[str, str]]:
    """Where each linked cell leads: sheet and cell."""
    found = {}
    for row in sheet.iter_rows():
        for cell in row:
            if cell.hyperlink is not None:
                match = re.fullmatch(r"'([^']+)'!([A-Z]+\d+)", cell.hyperlink.location)
                assert match, cell.hyperlink.location
                found[cell.coordinate] = (match[1], match[2])
    return found
