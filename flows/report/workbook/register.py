"""Evidence register: every unit of the run under every requirement it serves, whatever became of it."""

from __future__ import annotations

from controls.assessment import Assessment, RequirementRow
from controls.models import Sensitivity
from evidence_schema.layout import Layout
from evidence_schema.models.receipt import Receipt, StoredBlob
from flows.report.grouping import ReceiptsByRequirement
from flows.report.words import gather_reason, listed
from flows.report.workbook.book import REGISTER, Book
from flows.report.workbook.cells import Link, Shown, Value
from flows.report.workbook.places import Places, control_cells, evidence_id
from flows.report.workbook.sheet import Column, person
from flows.report.workbook.status import counted, result_style
from flows.report.workbook.styles import Style

COLUMNS = (
    Column("Evidence id", 20, Style.CODE),
    Column("Requirement", 12),
    Column("Title", 30),
    Column("Kind", 24),
    Column("Account", 14),
    Column("Region", 13),
    Column("Status", 12),
    Column("Reason, calls that were not answered", 34),
    Column("Items returned", 9, Style.NUMBER),
    Column("Items kept", 9, Style.NUMBER),
    Column("Control total", 9, Style.NUMBER),
    Column("Difference", 10, Style.NUMBER),
    Column("Collected at (UTC)", 19, Style.TIME),
    Column("Period from (UTC)", 19, Style.TIME),
    Column("Period to, not included (UTC)", 19, Style.TIME),
    Column("Source system", 9),
    Column("Operations and parameters", 30),
    Column("File name", 26),
    Column("Bytes", 10, Style.NUMBER),
    Column("SHA-256", 34, Style.CODE),
    Column("Storage key", 50, Style.CODE),
    Column("Version id", 18, Style.CODE),
    Column("Retain until (UTC)", 19, Style.TIME),
    Column("Lock", 13),
    Column("Redaction", 22),
    Column("Sensitivity", 20),
    Column("Collector", 18),
    Column("Declaration", 40, Style.CODE),
    Column("Principal", 44),
    Column("Run id", 30, Style.CODE),
    Column("Controls it serves directly", 24),
    Column("To the matrix", 19),
    person("Uploaded by (manual evidence)"),
    person("Reviewer"),
    person("Review date", 12),
    person("Review result"),
    person("Tick marks", 10),
)
NOTE = "One row for each unit and requirement it serves. Denied, failed and partial are never shown as empty."


def draw(book: Book, assessment: Assessment, groups: ReceiptsByRequirement, places: Places) -> None:
    """The rows in order of requirement, then account, region and kind."""
    sheet = book.table(REGISTER, COLUMNS, NOTE)
    layout = Layout(assessment.manifest.log)
    rows = {row.requirement.id: row for row in assessment.requirements}
    for name, receipts in groups:
        for receipt in receipts:
            evidence, unit = evidence_id(receipt), receipt.unit
            number = sheet.add([evidence, *_cells(receipt, rows[name], layout, places)])
            place = sheet.place(number) if number else None
            places.evidence[name].add(place, evidence)
            if place and len(places.units) < book.limits.links:
                places.units[name, unit.kind, unit.account, unit.region] = (evidence, place)
    sheet.say_omitted(f"the sealed manifest {assessment.header.manifest}")
    book.choices(sheet, "Review result")
    book.freeze(sheet, 2)


def _cells(receipt: Receipt, row: RequirementRow, layout: Layout, places: Places) -> list[Value]:
    unit, items = receipt.unit, receipt.items
    return [
        Link(row.requirement.id, places.requirements[row.requirement.id]),
        row.requirement.title,
        unit.kind,
        unit.account,
        unit.region,
        Shown(receipt.result.value, result_style(receipt.result)),
        gather_reason(receipt),
        items.returned,
        items.kept,
        items.control_total,
        counted(items.difference, Style.GAP) if items.difference is not None else None,
        receipt.finished,
        receipt.period.start,
        receipt.period.end,
        unit.kind.partition(".")[0],
        _operation_words(receipt),
        *_blob_cells(receipt, layout),
        _redaction_words(receipt),
        _sensitivity_words(row.requirement.sensitivity),
        f"{receipt.collector.name} {receipt.collector.version}",
        str(receipt.collector.declaration),
        receipt.principal,
        receipt.run_id,
        *control_cells(row, places),
    ]


def _blob_cells(receipt: Receipt, layout: Layout) -> list[Value]:
    """File name, bytes, SHA-256, key, version, lock end, lock: of the transcript, or of the first file."""
    blob = receipt.transcript or next(iter(receipt.blobs), None)
    if blob is None:
        return ["no artifact: no call was answered", None, None, None, None, None, None]
    return [
        _name(blob, len(receipt.blobs) - 1),
        blob.size,
        blob.digest.hex,
        layout.blob(blob.digest),
        blob.custody.version_id,
        blob.custody.retain_until,
        blob.custody.lock_mode.value,
    ]


def _name(blob: StoredBlob, others: int) -> str:
    name = stored_name(blob)
    return f"{name}\nand {others:,} more, see Stored files" if others else name


def stored_name(blob: StoredBlob) -> str:
    """The artifact's name; digest and size beside it are those of the bytes stored."""
    return f"{blob.name} (encrypted)" if blob.encryption is not None else blob.name


def _operation_words(receipt: Receipt) -> str:
    calls = receipt.calls
    if receipt.transcript is None:
        return f"{calls.calls:,} calls answered; no transcript"
    return f"{calls.calls:,} calls, {calls.pages:,} pages; each with its parameters and request id in the transcript"


def _redaction_words(receipt: Receipt) -> str:
    cut = [f"{count.rule}: {count.count:,} cut out" for count in receipt.redactions]
    held = [f"{receipt.quarantined:,} artifacts quarantined, not stored"] if receipt.quarantined else []
    return "\n".join([*cut, *held]) or "none"


def _sensitivity_words(sensitivity: Sensitivity) -> str:
    """What artifacts of the requirement tend to hold."""
    held = [
        (sensitivity.phi, "PHI"),
        (sensitivity.personal_data, "personal data"),
        (sensitivity.secrets, "secrets (cut out)"),
        (sensitivity.confidential, "confidential"),
    ]
    return listed(word for tends, word in held if tends) or "none"
