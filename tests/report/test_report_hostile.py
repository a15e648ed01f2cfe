"""Whatever a tag or user is called: no cell computes, none breaks the file, and each reads back as it was shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_builders import FINDINGS, RECEIPTS, assessment
from workbook_reading import compiled, opened, parts, table

from controls.assessment import Assessment
from flows.report.text import clean, could_be_command
from flows.report.words import values_words
from flows.report.workbook.cells import cell_xml
from flows.report.workbook.styles import Style

COMMANDS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=cmd|' /C calc'!A0",
    "#REF!",
    "#N/A",
    "=",
    "==",
    "{=1}",
]
MARKUP = ["<b>&amp;</b>", "]]>", "_x0041_", "_x000D_", "a_x0041_b", "<!--", "&#0;", '"quoted"', "'apostrophe"]
BROKEN = ["\x00\x01\x1f", "\ufffe", "\u202egnp.exe", "a\r\nb", " lead and trail ", "\n", "x" * 1_900]
# What the models hold was valid UTF-8, so lone surrogates cannot arrive in them.
outside = st.one_of(
    st.sampled_from([*COMMANDS, *MARKUP, *BROKEN]),
    st.text(max_size=60),
    st.builds(str.__add__, st.sampled_from("=+-@\t\r"), st.text(max_size=20)),
)


def named(names: Sequence[str], organisation: str = "Acme") -> Assessment:
    """The sample with outside text wherever such text can stand."""
    findings = [FINDINGS[0].model_copy(update={"record": name, "values": {"tag": name}}) for name in names]
    like = RECEIPTS[2]
    receipts = []
    for number, name in enumerate(names):
        unit = like.unit.model_copy(update={"region": f"region-{number}"})
        blob = like.blobs[0].model_copy(update={"name": name[:1024], "media_type": name[:120]})
        receipts.append(
            like.model_copy(update={"unit": unit, "blobs": (blob,), "reason": name, "principal": name[:400]})
        )
    return assessment(receipts, findings, organisation=organisation)


def formulas(book: Any) -> list[tuple[str, str]]:
    return [
        (sheet.title, cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]


def formula_count(data: bytes) -> int:
    return sum(len(re.findall(r"<f[ >]", text)) for name, text in parts(data).items() if "worksheets" in name)


@pytest.fixture(scope="module")
def ours() -> list[tuple[str, str]]:
    return formulas(opened(compiled(assessment())))


def test_only_the_lead_sheet_computes(ours: list[tuple[str, str]]) -> None:
    assert {title for title, _ in ours} == {"Lead sheet"}
    known = re.compile(r"=SUM\(|=IF\(SUM\(|=COUNTIFS?\(|=[A-Z]+\d+-[A-Z]+\d+$")
    assert [text for _, text in ours if not known.match(text)] == []


def assert_reads_back(ours: list[tuple[str, str]], names: Sequence[str], organisation: str = "Acme") -> None:
    data = compiled(named(names, organisation))
    book = opened(data)
    assert formulas(book) == ours
    assert formula_count(data) == len(ours)
    exceptions, register, files = (table(book, title) for title in ("Exceptions", "Evidence register", "Stored files"))
    assert exceptions.column("Item") == [clean(name) for name in names]
    assert exceptions.column("Description: the values that decided") == [clean(values_words({"tag": n})) for n in names]
    assert register.column("Principal") == [clean(name[:400]) for name in names]
    assert files.column("Name")[-len(names) :] == [clean(name[:1024]) for name in names]


@settings(max_examples=12)
@given(names=st.lists(outside, min_size=1, max_size=30), organisation=outside)
def test_no_name_becomes_a_formula_and_each_reads_back(
    ours: list[tuple[str, str]], names: list[str], organisation: str
) -> None:
    assert_reads_back(ours, names, organisation)


def test_each_known_trick_is_shown_and_not_done(ours: list[tuple[str, str]]) -> None:
    assert_reads_back(ours, [*COMMANDS, *MARKUP, *BROKEN])


def test_what_could_be_a_command_stays_text_when_a_person_edits_it() -> None:
    names = [*COMMANDS, *MARKUP]
    sheet = opened(compiled(named(names)))["Exceptions"]
    column = 1 + [cell.value for cell in sheet[4]].index("Item")
    marked = [bool(sheet.cell(row, column).quotePrefix) for row in range(5, 5 + len(names))]
    assert marked == [could_be_command(clean(name)) for name in names]


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_a_cell_of_text_is_never_anything_else(text: str) -> None:
    xml = cell_xml(text, Style.TEXT, lambda style, quoted: int(quoted))
    assert xml == ' s="0"/>' if text == "" else ' t="inlineStr"><is><t' in xml
    assert "<f" not in xml
    xml.encode("utf-8")


def test_a_name_with_lone_surrogates_does_not_stop_the_workbook() -> None:
    assert (
        "Acme \ufffd Clinic"
        in parts(compiled(assessment(organisation="Acme \ud83d Clinic")))["xl/worksheets/sheet1.xml"]
    )


def test_a_page_header_takes_no_commands_from_a_name() -> None:
    page = parts(compiled(assessment(organisation='A&B &"Courier"&72 &P')))["xl/worksheets/sheet1.xml"]
    assert 'A&amp;&amp;B &amp;&amp;"Courier"&amp;&amp;72 &amp;&amp;P - HIPAA' in page
