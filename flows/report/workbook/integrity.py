"""Integrity and stored files: what the evidence is bound to, each stored file by digest, and how to verify both."""

from __future__ import annotations

from collections.abc import Iterator

from controls.assessment import Assessment
from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from evidence_schema.models.receipt import Receipt
from flows.report.workbook.book import FILES, INTEGRITY, Book
from flows.report.workbook.cells import Link, Place, Shown, Value
from flows.report.workbook.places import evidence_id
from flows.report.workbook.register import stored_name
from flows.report.workbook.sheet import Column
from flows.report.workbook.styles import Style

COLUMNS = (
    Column("File (storage key)", 60, Style.CODE),
    Column("SHA-256", 60, Style.CODE),
    Column("Bytes", 12, Style.NUMBER),
    Column("What it is", 14),
    Column("Name", 30),
    Column("Evidence id", 20, Style.CODE),
    Column("Kind", 24),
    Column("Account", 14),
    Column("Region", 13),
    Column("Media type", 26),
    Column("Version id", 20, Style.CODE),
    Column("Lock", 13),
    Column("Retain until (UTC)", 19, Style.TIME),
)
NOTE = "Every stored file behind this workbook. The name in the store is the SHA-256 of the bytes: anyone can check it."
_STATEMENT = (Column("", 26), Column("", 112))
STEPS = (
    ("Stored files", "Take any file of the sheet Stored files from the vault or the package, by its storage key."),
    ("Command", "sha256sum FILE"),
    (
        "Expected",
        (
            "The 64 digits printed are those in the column SHA-256, and the last part of the file's own name. Other"
            " digits, or a missing file: the evidence was changed or withheld."
        ),
    ),
    (
        "The whole log",
        (
            "Pin the trust policy at the start of the engagement, from a source other than this workbook, and compare"
            " its fingerprint with the one above. A key found beside the evidence proves nothing."
        ),
    ),
    ("Command", "evidence verify --trust trust-policy.json"),
    (
        "Expected",
        (
            "A verdict for each property (authentic, intact, complete, ordered, ...), every problem by name, exit code"
            " 0 where there is none. Without --trust the exit code is 6: unpinned."
        ),
    ),
    (
        "The judgement",
        (
            "The command evidence reperform runs the sealed rules over the sealed evidence again; the findings must"
            " have the digest shown above."
        ),
    ),
    (
        "This workbook",
        (
            "Its own SHA-256 is in the log, in the export entry written when it was compiled. Compiled again from the"
            " same evidence by the same version it has the same bytes. What people type in changes the file,"
            " not the log."
        ),
    ),
    (
        "What this cannot show",
        (
            "Integrity is not truth: a file that verifies is the answer that the source gave, unchanged since. Whether"
            " the source told the truth, and whether the right questions were asked, is for a person to judge."
        ),
    ),
)


def sealed_rows(assessment: Assessment) -> Iterator[list[Value]]:
    """The run's own documents, before the artifacts."""
    header, layout = assessment.header, Layout(assessment.manifest.log)
    parts = assessment.manifest.parts
    documents: list[tuple[str, Digest, int | None]] = [
        ("catalogue", header.catalogue, None),
        ("plan", header.plan, None),
        ("settings", header.settings, None),
        ("manifest", header.manifest, None),
        *((f"manifest part, account {part.account}", part.digest, part.size) for part in parts),
        ("findings", header.findings, None),
        *((("custody, read back from the store", header.custody, None),) if header.custody else ()),
    ]
    for name, digest, size in documents:
        yield [layout.blob(digest), digest.hex, size, "sealed document", name, *[None] * 8]


def artifact_rows(receipt: Receipt, layout: Layout) -> Iterator[list[Value]]:
    """The artifacts of a unit."""
    unit, evidence = receipt.unit, evidence_id(receipt)
    for blob in receipt.blobs:
        yield [
            layout.blob(blob.digest),
            blob.digest.hex,
            blob.size,
            blob.role,
            stored_name(blob),
            evidence,
            unit.kind,
            unit.account,
            unit.region,
            blob.media_type,
            blob.custody.version_id,
            blob.custody.lock_mode.value,
            blob.custody.retain_until,
        ]


def draw(book: Book, assessment: Assessment) -> None:
    """What this workbook rests on, and the steps by which a stranger checks it."""
    header, log = assessment.header, assessment.header.log
    sheet = book.sheet(INTEGRITY, _STATEMENT)
    book.heading(sheet, "What the evidence is bound to, and how to check it without trusting us or this workbook.")
    facts: list[tuple[str, Value, Style]] = [
        ("Log origin", log.origin, Style.TEXT),
        ("Tree size", log.tree_size, Style.FIGURE),
        ("Root", log.root, Style.CODE),
        ("Checkpoint", log.checkpoint, Style.CODE),
        ("Key fingerprints", "\n".join(log.key_fingerprints), Style.CODE),
        ("Trust policy (fingerprint)", log.trust_policy, Style.CODE),
        ("Manifest", str(header.manifest), Style.CODE),
        ("Findings", str(header.findings), Style.CODE),
        ("Catalogue", str(header.catalogue), Style.CODE),
        ("Plan", str(header.plan), Style.CODE),
        ("Settings", str(header.settings), Style.CODE),
        ("Lock", header.lock, Style.TEXT),
        *((("Custody (EV-COL-02)", str(header.custody), Style.CODE),) if header.custody else ()),
        ("Stored files", Link("each with its SHA-256, on the sheet Stored files", Place(FILES, 1)), Style.TEXT),
    ]
    for label, value, style in facts:
        sheet.spread([(0, 0, label, Style.LABEL), (1, 1, value, style)])
    sheet.skip()
    sheet.line({0: Shown("How to verify", Style.SECTION)})
    for label, text in STEPS:
        style = Style.CODE if label.startswith("Command") else Style.TEXT
        sheet.spread([(0, 0, label, Style.LABEL), (1, 1, text, style)])
    book.page(sheet)
