"""Collection log: one row for each unit, with the work it took."""

from __future__ import annotations

from evidence_schema.models.receipt import Receipt
from flows.report.words import gather_reason, listed
from flows.report.workbook.cells import Shown, Value
from flows.report.workbook.places import evidence_id
from flows.report.workbook.sheet import Column
from flows.report.workbook.status import counted, result_style
from flows.report.workbook.styles import Style

COLUMNS = (
    Column("Evidence id", 20, Style.CODE),
    Column("Kind", 26),
    Column("Account", 14),
    Column("Region", 13),
    Column("Status", 12),
    Column("Started (UTC)", 19, Style.TIME),
    Column("Ended (UTC)", 19, Style.TIME),
    Column("Calls", 8, Style.NUMBER),
    Column("Pages", 8, Style.NUMBER),
    Column("Items", 8, Style.NUMBER),
    Column("Errors", 8, Style.NUMBER),
    Column("Retries", 8, Style.NUMBER),
    Column("Reason, calls that were not answered", 40),
    Column("Requirements", 13),
    Column("Run id", 30, Style.CODE),
)
NOTE = "One row for each unit (one kind in one account and region), in the order of the manifest."


def cells(receipt: Receipt, requirements: frozenset[str]) -> list[Value]:
    """The row of a unit; only requirements of this workbook are named."""
    unit, calls = receipt.unit, receipt.calls
    return [
        evidence_id(receipt),
        unit.kind,
        unit.account,
        unit.region,
        Shown(receipt.result.value, result_style(receipt.result)),
        receipt.started,
        receipt.finished,
        calls.calls,
        calls.pages,
        receipt.items.returned,
        counted(calls.errors, Style.GAP),
        calls.retries,
        gather_reason(receipt),
        listed(name for name in receipt.requirements if name in requirements),
        receipt.run_id,
    ]
