"""The workbook as an auditor reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl.utils import get_column_letter
from report_builders import CONTROLS, HEADER, RECEIPTS, REQUIREMENTS, assessment, digest
from workbook_reading import compiled, links, opened, parts, shown, table

from evidence_schema.models.names import FindingResult
from flows.report.workbook.book import SHEETS
from flows.report.workbook.sheet import PERSON_MARK

GOLDEN = Path(__file__).parent / "golden" / "workbook.txt"
TABLES = (
    "Lead sheet",
    "Control matrix",
    "Evidence register",
    "Test results",
    "Exceptions",
    "Collection log",
    "Stored files",
)


@pytest.fixture(scope="module")
def data() -> bytes:
    return compiled(assessment())


@pytest.fixture(scope="module")
def book(data: bytes) -> Any:
    return opened(data)


def listing(book: Any) -> str:
    """Sheet names, sizes and headings: what a reader's own formulas and imports rely on."""
    lines = []
    for sheet in book:
        lines.append(f"[{sheet.title}] {sheet.dimensions}")
        if sheet.title in TABLES:
            lines += [f"  {get_column_letter(n)} {h!r}" for n, h in enumerate(table(book, sheet.title).headings, 1)]
    return "\n".join(lines) + "\n"


def test_sheets_and_headings_are_the_golden_ones(book: Any) -> None:
    assert listing(book) == GOLDEN.read_text(encoding="utf-8")


def test_every_control_of_the_framework_has_its_row(book: Any) -> None:
    assert table(book, "Control matrix").column("Control") == [control.id for control in CONTROLS]


def test_a_control_shows_counts_over_direct_requirements(book: Any) -> None:
    row = table(book, "Control matrix").where("Control", "164.312(b)")
    counts = {word: row[word] for word in ("Exception", "Not collected", "No exception noted", "Needs review")}
    assert counts == {"Exception": 0, "Not collected": 1, "No exception noted": 1, "Needs review": 0}
    assert row["Direct evidence requirements"] == "EV-LOG-01\nEV-LOG-06"


def test_supporting_evidence_is_not_counted_and_says_so(book: Any) -> None:
    row = table(book, "Control matrix").where("Control", "164.308(a)(1)(ii)(D)")
    assert row["Supporting"] == "EV-LOG-06"
    assert row["Note"] == "Supporting evidence only, which is not counted."


def test_the_register_has_a_row_for_each_receipt_and_requirement(book: Any) -> None:
    served = {row.id for row in REQUIREMENTS}
    expected = sorted(
        (name, receipt.unit.kind, receipt.unit.region, receipt.result.value)
        for receipt in RECEIPTS
        for name in receipt.requirements
        if name in served
    )
    found = [
        (row["Requirement"], row["Kind"], row["Region"], row["Status"]) for row in table(book, "Evidence register").rows
    ]
    assert sorted(found) == expected
    assert [name for name, *_ in found] == sorted(name for name, *_ in found)


def test_denied_and_failed_units_are_no_empty_answers(book: Any) -> None:
    rows = {row["Status"]: row for row in table(book, "Evidence register").rows}
    assert rows["empty"]["File name"] == "trails-us.jsonl"
    assert rows["denied"]["File name"] == rows["failed"]["File name"] == "no artifact: no call was answered"
    assert "s3:ListObjectsV2 (list) denied: AccessDenied" in rows["denied"]["Reason, calls that were not answered"]


def test_completeness_is_a_column_and_a_difference_stands_out(book: Any) -> None:
    row = table(book, "Evidence register").where("Requirement", "EV-IAM-01")
    assert (row["Items returned"], row["Items kept"], row["Control total"], row["Difference"]) == (60, 60, 61, -1)
    assert row["Redaction"] == "field:password: 3 cut out\n1 artifacts quarantined, not stored"


def test_an_evidence_id_is_one_for_each_unit_in_all_sheets(book: Any) -> None:
    register = {(r["Kind"], r["Region"]): r["Evidence id"] for r in table(book, "Evidence register").rows}
    log = {(r["Kind"], r["Region"]): r["Evidence id"] for r in table(book, "Collection log").rows}
    assert register == log
    assert len(set(log.values())) == len(log) == len(RECEIPTS)


def test_every_check_has_a_row_also_human_report_and_unplanned_ones(book: Any) -> None:
    results = {row["Check"]: row["Result"] for row in table(book, "Test results").rows}
    assert list(results) == [check.id for item in REQUIREMENTS for check in item.checks]
    assert results["EV-IAM-01-C6"] == "needs review: awaiting a person"
    assert results["EV-ENC-01-C3"] == "shown only: no pass or fail"
    assert results["EV-GOV-05-C1"] == "awaiting a person: security officer"
    assert results["EV-VUL-01-C1"] == "not asked for in this run"
    assert results["EV-LOG-01-C1"] == "no exception noted, 2 of 2 items, at 2026-11-01T06:02:03Z"


def test_a_check_states_its_population_and_what_could_not_be_judged(book: Any) -> None:
    row = table(book, "Test results").where("Check", "EV-ENC-01-C1")
    assert [row[name] for name in ("Population", "Tested", "Passed", "Failed", "Not judged")] == [4, 3, 1, 2, 1]
    assert row["Note"] == "s3:GetBucketEncryption was denied (AccessDenied)"


def test_exceptions_are_the_failing_findings_and_nothing_else(book: Any) -> None:
    rows = table(book, "Exceptions").rows
    failing = [finding for finding in assessment().findings() if finding.result is FindingResult.FAIL]
    assert [row["Item"] for row in rows] == [finding.record for finding in failing]
    assert [row["Exception no."] for row in rows] == ["E1", "E2"]
    assert "EV-LOG-06" not in [row["Requirement"] for row in rows]
    assert (rows[0]["Population n"], rows[0]["Sample n (tested)"], rows[0]["Deviations n"]) == (4, 3, 2)
    assert rows[0]["Description: the values that decided"].startswith("record.encryption.enabled = false")


def test_the_exceptions_sheet_says_how_many_gaps_stand_elsewhere(book: Any) -> None:
    sheet = book["Exceptions"]
    assert "NOT here: 3 requirements with gaps" in sheet["B3"].value
    assert sheet["B3"].hyperlink.location == "'Lead sheet'!A1"


def test_without_exceptions_the_sheet_does_not_reassure() -> None:
    sheet = opened(compiled(assessment(findings=())))["Exceptions"]
    assert sheet["A5"].value == "No finding of this run failed. Read the gaps before relying on it."


def test_the_lead_sheet_lists_gaps_first(book: Any) -> None:
    column = [cell.value for cell in book["Lead sheet"]["B"]]
    ids = [value for value in column if isinstance(value, str) and value.startswith("EV-")]
    assert ids == [
        "EV-BKP-01",
        "EV-ENC-01",
        "EV-LOG-06",
        "EV-GOV-05",
        "EV-IAM-01",
        "EV-LOG-01",
        "EV-NET-01",
        "EV-VUL-01",
    ]


def test_totals_are_formulas_with_the_stored_value_below(data: bytes, book: Any) -> None:
    sheet = book["Lead sheet"]
    rows = {sheet.cell(row, 1).value: row for row in range(5, 12)}
    total, stored = rows["Total (by formula)"], rows["Total (stored value)"]
    assert sheet.cell(total, 2).value == f"=SUM(B5:B{total - 1})"
    assert sheet.cell(stored, 2).value == len(CONTROLS)
    sums = {column: sum(sheet.cell(row, column).value or 0 for row in range(5, total)) for column in range(2, 12)}
    assert {column: sheet.cell(stored, column).value for column in sums} == sums
    cached = opened_values(data)["Lead sheet"]
    assert [cached.cell(total, c).value for c in sums] == [cached.cell(stored, c).value for c in sums]


def opened_values(data: bytes) -> Any:
    import io

    from openpyxl import load_workbook

    return load_workbook(io.BytesIO(data), data_only=True)


def test_the_pairs_of_an_area_add_up(book: Any) -> None:
    for row in table(book, "Lead sheet").rows[:2]:
        names = [
            "Exception",
            "Not collected",
            "Stale",
            "Needs review",
            "No exception noted",
            "Not applicable",
            "Not in this run",
        ]
        assert sum(row[name] for name in names) == row["Control and direct requirement, pairs"]


def test_columns_for_people_are_empty_unlocked_and_no_others_are_unlocked(book: Any) -> None:
    for title in TABLES[1:]:
        sheet = book[title]
        for cells in sheet.iter_cols(min_row=4):
            theirs = str(cells[0].value).endswith(PERSON_MARK)
            for cell in cells[1:]:
                assert cell.protection.locked is not theirs, cell
                assert not (theirs and cell.value is not None), cell


def test_the_columns_that_auditors_fill_are_there(book: Any) -> None:
    expected = {
        "Control matrix": [
            "Design result",
            "Operating result",
            "Addressable decision",
            "Not-applicable reason",
            "Conclusion",
            "Preparer",
            "Reviewer",
            "Owner",
            "Frequency",
        ],
        "Test results": ["Tick marks", "Result", "Tested by", "Date", "Note"],
        "Exceptions": [
            "Cause",
            "Risk",
            "Compensating control",
            "Management response",
            "Owner",
            "Due",
            "Status",
            "Closure evidence",
            "Accepted by",
            "Accepted until",
        ],
        "Evidence register": ["Uploaded by (manual evidence)", "Reviewer", "Review date", "Review result"],
    }
    for title, headings in expected.items():
        found = table(book, title).headings
        assert [heading for heading in headings if heading + PERSON_MARK not in found] == [], title


def test_every_link_leads_to_a_cell_with_content(book: Any) -> None:
    count = 0
    for sheet in book:
        for place, (title, cell) in links(sheet).items():
            count += 1
            assert book[title][cell].value is not None, (sheet.title, place, title, cell)
    assert count > 60


def test_matrix_tests_register_and_exceptions_lead_to_one_another(book: Any) -> None:
    ways = {(sheet.title, title) for sheet in book for title, _ in links(sheet).values()}
    matrix, results, register, exceptions = "Control matrix", "Test results", "Evidence register", "Exceptions"
    assert {(matrix, results), (matrix, register), (matrix, exceptions)} <= ways
    assert {(results, matrix), (register, matrix), (exceptions, matrix)} <= ways
    assert {(results, register), (results, exceptions), (exceptions, results), (exceptions, register)} <= ways
    assert {("Contents and legend", title) for title in SHEETS} <= ways


def test_an_exception_leads_to_the_evidence_of_its_own_unit(book: Any) -> None:
    sheet, found = book["Exceptions"], links(book["Exceptions"])
    headings = table(book, "Exceptions").headings
    column = get_column_letter(1 + headings.index("Evidence id"))
    title, cell = found[f"{column}5"]
    assert book[title][cell].value == sheet[f"{column}5"].value


def test_contents_count_the_rows_of_each_table(book: Any) -> None:
    rows = {row["Sheet"]: row["Rows"] for row in table(book, "Contents and legend").rows}
    assert list(rows) == list(SHEETS)
    for title in TABLES[1:]:
        assert rows[title] == len(table(book, title).rows), title


def facts(sheet: Any) -> dict[str, Any]:
    return {row[0].value: shown(row[1]) for row in sheet.iter_rows(max_col=2) if row[0].value}


def test_the_cover_carries_what_the_paper_rests_on(book: Any) -> None:
    cover = facts(book["Cover"])
    log = HEADER.log
    assert {
        "Entity": HEADER.organisation,
        "Period (UTC)": "2026-10-01T00:00:00Z to 2026-11-01T00:00:00Z (end not included)",
        "Run": HEADER.run_id,
        "Slot": HEADER.slot,
        "Generator": HEADER.generator,
        "Catalogue": str(HEADER.catalogue),
        "Plan": str(HEADER.plan),
        "Settings": str(HEADER.settings),
        "Manifest": str(HEADER.manifest),
        "Findings": str(HEADER.findings),
        "Log origin": log.origin,
        "Tree size": log.tree_size,
        "Root": log.root,
        "Trust policy (fingerprint)": log.trust_policy,
        "Lock": HEADER.lock,
        "What the catalogue leaves out": HEADER.framework.leaves_out,
        "Gaps": "EV-BKP-01, EV-ENC-01, EV-LOG-06",
    }.items() <= cover.items()
    assert cover["Generated at (UTC)"].startswith("2026-11-01T06:00:00Z")


def test_type_classification_and_sign_off_are_left_to_people(book: Any) -> None:
    cover = facts(book["Cover"])
    labels = ["Type (Type 1, Type 2, OCR, GDPR)", "Classification", "Retention date"]
    labels += [f"{act} by ({what})" for act in ("Prepared", "Reviewed", "Approved") for what in ("name", "date")]
    assert {label: cover[label] for label in labels} == dict.fromkeys(labels, "")


def test_integrity_lists_every_stored_file_with_the_digest_to_compare(book: Any) -> None:
    rows = table(book, "Stored files").rows
    blobs = {blob.digest.hex: blob for receipt in RECEIPTS for blob in receipt.blobs}
    assert {row["SHA-256"] for row in rows} >= set(blobs) | {
        digest("manifest").hex,
        digest("findings").hex,
        digest("part").hex,
    }
    for row in rows:
        assert row["File (storage key)"].endswith(row["SHA-256"])
        if row["SHA-256"] in blobs:
            assert row["Bytes"] == blobs[row["SHA-256"]].size


def test_integrity_shows_the_checkpoint_and_both_ways_to_verify(book: Any) -> None:
    sheet = book["Integrity"]
    texts = [row[1].value for row in sheet.iter_rows(max_col=2)]
    assert HEADER.log.checkpoint in texts
    assert "sha256sum FILE" in texts
    assert "evidence verify --trust trust-policy.json" in texts


def test_custody_that_was_read_back_is_named_where_there_is_one(book: Any) -> None:
    custody = digest("custody")
    with_it = opened(compiled(assessment(custody=custody)))
    labels = {row[0].value: row[1].value for row in with_it["Integrity"].iter_rows(max_col=2)}
    assert labels["Custody (EV-COL-02)"] == str(custody)
    assert custody.hex in table(with_it, "Stored files").column("SHA-256")
    assert custody.hex not in table(book, "Stored files").column("SHA-256")


def test_simulated_stands_on_every_sheet_every_page_and_large_on_the_cover(book: Any) -> None:
    assert book["Cover"]["A1"].value == "SIMULATED"
    assert book["Cover"]["A1"].font.size >= 28
    for sheet in book:
        assert "SIMULATED" in sheet.oddHeader.center.text
        assert "SIMULATED" in sheet["A1"].value
    assert book.properties.keywords == "SIMULATED"


def test_nothing_says_simulated_where_nothing_is() -> None:
    assert not [
        name
        for name, text in parts(compiled(assessment(simulated=False))).items()
        if "simulated" in text.lower().replace("evidence simulated", "")
    ]


def test_every_sheet_prints_with_its_name_pages_and_repeated_headings(book: Any) -> None:
    for sheet in book:
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == (1 if sheet.title == "Cover" else 0)
        assert sheet.oddFooter.right.text == "Page &P of &N"
        assert sheet.oddHeader.right.text == "&A"
        if sheet.title in TABLES[1:]:
            assert sheet.print_title_rows == "$4:$4"
            assert sheet.page_setup.orientation == "landscape"
            assert sheet.freeze_panes.endswith("5")
            assert sheet.auto_filter.ref.startswith("A4:")


def test_protection_prevents_slips_without_a_password(book: Any) -> None:
    for sheet in book:
        assert sheet.protection.sheet
        assert sheet.protection.password is None
        assert not sheet.protection.autoFilter


def test_there_are_no_macros_outside_links_or_hidden_sheets(data: bytes, book: Any) -> None:
    names = parts(data)
    assert not [name for name in names if "vba" in name.lower() or "externalLink" in name]
    assert not [name for name, text in names.items() if 'TargetMode="External"' in text]
    assert {sheet.sheet_state for sheet in book} == {"visible"}


def test_a_status_is_a_word_wherever_it_has_a_colour(book: Any) -> None:
    for title in TABLES:
        for row in book[title].iter_rows(min_row=5):
            for cell in row:
                if (
                    cell.style in ("evidence exception", "evidence gap", "evidence review")
                    and cell.coordinate not in book[title].merged_cells
                ):
                    assert cell.value is not None, (title, cell.coordinate)


def test_all_text_has_room_in_the_columns_it_names(book: Any) -> None:
    """Headings, ids and times fit their width: nothing that identifies is cut."""
    for title in TABLES:
        sheet = book[title]
        for cells in sheet.iter_cols(min_row=4, max_row=sheet.max_row if title != "Lead sheet" else 6):
            width = sheet.column_dimensions[cells[0].column_letter].width
            longest = max((len(word) for word in str(cells[0].value).split()), default=0)
            assert longest <= width * 1.2, (title, cells[0].value)
