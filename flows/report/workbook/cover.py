"""Cover: whose paper this is, what it speaks about, what it rests on, what it leaves out, who signs."""

from __future__ import annotations

from collections.abc import Iterable

from controls.assessment import Assessment
from evidence_schema.models.base import format_time
from evidence_schema.models.names import GatherResult
from flows.report.naming import workbook_id
from flows.report.words import OUTCOMES, is_gap, listed, period_words
from flows.report.workbook.book import COVER, SIMULATED, Book
from flows.report.workbook.cells import Shown, Value
from flows.report.workbook.places import Places
from flows.report.workbook.sheet import Column, Sheet
from flows.report.workbook.styles import Style

COLUMNS = (Column("", 32), Column("", 92))
DISCLAIMER = (
    (
        "Integrity is not truth. Digests, log and lock show that the evidence is what the sources answered and that it"
        " was not changed since; they do not show that the sources told the truth."
    ),
    "This workbook is an index. The evidence is the sealed artifacts it names; where they differ, the artifacts count.",
    (
        "Outcomes are counts made by rules that anyone can run again. Whether a control is met or works is a"
        " conclusion: a named person's, on the sheets that follow, and empty until that person writes it."
    ),
    "An exception remains one when its risk is accepted. What was denied or failed is shown, and proves nothing.",
)
_SIMULATED_MEANS = (
    "The systems behind this workbook are emulated. It shows how the program works, and is evidence of nothing."
)
Pair = tuple[str, Value, Style]


def draw(book: Book, assessment: Assessment, places: Places) -> None:
    """Labels to the left, facts to the right, sign-off at the end."""
    sheet = book.sheet(COVER, COLUMNS)
    header = assessment.header
    if header.simulated:
        sheet.banner(SIMULATED)
        sheet.spread([(0, 1, _SIMULATED_MEANS, Style.EXCEPTION)])
        sheet.skip()
    sheet.spread([(0, 1, f"Evidence workbook: {header.framework.title}", Style.TITLE)])
    _section(sheet, "Engagement", _engagement(assessment))
    _section(sheet, "Scope", _scope(assessment))
    _section(sheet, "What this run reached", _reached(assessment, places))
    _section(sheet, "Made by", _made_by(assessment))
    _section(sheet, "What it rests on", _rests_on(assessment))
    _section(sheet, "Read this first", [("What the catalogue leaves out", header.framework.leaves_out, Style.TEXT)])
    for number, text in enumerate(DISCLAIMER):
        sheet.spread([(0, 0, "" if number else "Limits", Style.LABEL), (1, 1, text, Style.TEXT)])
    people = [f"{act} {what}" for act in ("Prepared by", "Reviewed by", "Approved by") for what in ("(name)", "(date)")]
    _section(sheet, "Sign-off (people)", [(label, None, Style.PERSON) for label in people])
    book.page(sheet, down=1, portrait=True)


def _section(sheet: Sheet, title: str, pairs: Iterable[Pair]) -> None:
    sheet.skip()
    sheet.line({0: Shown(title, Style.SECTION)})
    for label, value, style in pairs:
        sheet.spread([(0, 0, label, Style.LABEL), (1, 1, value, style)])


def _engagement(assessment: Assessment) -> list[Pair]:
    header = assessment.header
    return [
        ("Entity", header.organisation, Style.TEXT),
        ("Framework", header.framework.title, Style.TEXT),
        ("Version", header.framework.version, Style.TEXT),
        ("Citation", header.framework.citation, Style.TEXT),
        ("Official text", f"{header.framework.authority}: {header.framework.official_text}", Style.TEXT),
        ("Period (UTC)", period_words(header.period), Style.TEXT),
        ("Type (Type 1, Type 2, OCR, GDPR)", None, Style.PERSON),
        ("Classification", None, Style.PERSON),
        ("Retention date", None, Style.PERSON),
    ]


def _scope(assessment: Assessment) -> list[Pair]:
    header = assessment.header
    return [
        ("Accounts", listed(header.accounts), Style.TEXT),
        ("Regions", listed(header.regions), Style.TEXT),
        ("Systems, categories", None, Style.PERSON),
        ("Artifacts may hold", _may_hold(assessment), Style.TEXT),
    ]


def _may_hold(assessment: Assessment) -> str:
    kinds = [row.requirement.sensitivity for row in assessment.requirements if row.outcome]
    held = [(any(k.phi for k in kinds), "PHI"), (any(k.personal_data for k in kinds), "personal data")]
    return listed([*(word for tends, word in held if tends), "confidential information"])


def _reached(assessment: Assessment, places: Places) -> list[Pair]:
    planned = [row for row in assessment.requirements if row.outcome]
    outcomes = [f"{sum(row.outcome.outcome is o for row in planned if row.outcome)} {w}" for o, w in OUTCOMES.items()]
    results = assessment.manifest.results
    gathered = [f"{results.get(result, 0):,} {result}" for result in GatherResult]
    gaps = [row.requirement.id for row in planned if is_gap(row.outcome)]
    waiting = len(assessment.requirements) - len(planned)
    return [
        ("Controls of the framework", f"{len(assessment.controls)}, all shown in the Control matrix", Style.TEXT),
        ("Evidence requirements", f"{len(planned)} in this run: {listed(outcomes)}", Style.TEXT),
        ("Awaiting a person", f"{waiting} requirements of the catalogue were not in this run", Style.TEXT),
        ("Gaps", listed(gaps) or "none", Style.GAP if gaps else Style.TEXT),
        ("Exceptions", f"{sum(g.rows for g in places.exceptions.values()):,} items", Style.TEXT),
        ("Units of the whole run", f"{assessment.manifest.rows:,}: {listed(gathered)}", Style.TEXT),
    ]


def _made_by(assessment: Assessment) -> list[Pair]:
    header = assessment.header
    return [
        ("Workbook id", workbook_id(assessment), Style.CODE),
        ("Generated at (UTC)", f"{format_time(header.at)} (the run's sealed evaluation time)", Style.TEXT),
        ("Generator", header.generator, Style.TEXT),
        ("Run", header.run_id, Style.CODE),
        ("Slot", header.slot, Style.CODE),
        ("Trigger", " ".join([header.trigger, f"case {header.case}" if header.case else ""]).strip(), Style.TEXT),
    ]


def _rests_on(assessment: Assessment) -> list[Pair]:
    header, log = assessment.header, assessment.header.log
    return [
        ("Catalogue", str(header.catalogue), Style.CODE),
        ("Plan", str(header.plan), Style.CODE),
        ("Settings", str(header.settings), Style.CODE),
        ("Manifest", str(header.manifest), Style.CODE),
        ("Findings", str(header.findings), Style.CODE),
        ("Log origin", log.origin, Style.TEXT),
        ("Tree size", log.tree_size, Style.FIGURE),
        ("Root", log.root, Style.CODE),
        ("Trust policy (fingerprint)", log.trust_policy, Style.CODE),
        ("Key fingerprints", "\n".join(log.key_fingerprints), Style.CODE),
        ("Lock", header.lock, Style.TEXT),
    ]
