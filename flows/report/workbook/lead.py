"""Lead sheet: each area in figures, then every evidence requirement once, those with gaps first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from controls.assessment import Assessment, ControlRow, RequirementRow
from evidence_schema.models.names import Outcome
from flows.report.words import OUTCOMES, complete_units, coverage_words, is_gap, listed, requirement_words
from flows.report.workbook import matrix
from flows.report.workbook.book import CONCLUSIONS, EXCEPTIONS, FIRST_ROW, LEAD, MATRIX, Book
from flows.report.workbook.cells import Formula, Link, Place, Shown, Value
from flows.report.workbook.places import Places
from flows.report.workbook.sheet import Column, Sheet, person
from flows.report.workbook.status import outcome_count, outcome_style
from flows.report.workbook.styles import Style

COLUMNS = (
    Column("Area", 30),
    Column("Controls", 9, Style.NUMBER),
    Column("Without direct evidence", 9, Style.NUMBER),
    Column("Control and direct requirement, pairs", 11.5, Style.NUMBER),
    *(Column(words[0].upper() + words[1:], 9.5, Style.NUMBER) for words in OUTCOMES.values()),
    Column("Not in this run", 9, Style.NUMBER),
    Column("Automated in this run", 10, Style.PERCENT),
    Column("Units gathered completely", 10, Style.PERCENT),
    Column("Exceptions (items)", 11, Style.NUMBER),
    Column("Oldest evidence (UTC)", 19, Style.TIME),
    Column("Matrix rows", 10),
    *(Column(f"Concluded: {word}", 9.7, Style.NUMBER) for word in CONCLUSIONS),
    person("Preparer, date", 14),
    person("Reviewer, date", 14),
)
NOTE = (
    "Figures count pairs of a control and a direct requirement, in this run. 'Concluded' counts what people enter"
    " in the Control matrix."
)
_SUMMED = range(1, 11)
_AUTOMATED = 11
_EXCEPTIONS = 13
_CONCLUDED = range(16, 20)
_TITLES = (
    "Requirement",
    "Id, to its tests",
    "Gap",
    "Outcome",
    "Exceptions",
    "How completely gathered, and why not more",
    "Direct controls",
)
_SPREAD = ((0, 0), (1, 2), (3, 3), (4, 8), (9, 10), (11, 16), (17, 21))


@dataclass(frozen=True)
class _Area:
    """Neighbouring controls and the requirements that serve them directly, each once."""

    name: str
    first: int
    controls: tuple[ControlRow, ...]
    requirements: tuple[RequirementRow, ...]

    @property
    def pairs(self) -> int:
        return sum(len(row.direct) for row in self.controls)

    def counted(self, outcome: Outcome) -> int:
        return sum(row.counts[outcome] for row in self.controls)

    @property
    def automated(self) -> int:
        """Pairs whose requirement a connector gathered in this run."""
        here = {row.requirement.id for row in self.requirements if _is_automated(row)}
        return sum(name in here for row in self.controls for name in row.direct)

    @property
    def oldest(self) -> datetime | None:
        times = [row.outcome.collected_at for row in self.requirements if row.outcome and row.outcome.collected_at]
        return min(times, default=None)


def draw(book: Book, assessment: Assessment, places: Places) -> None:
    """Areas, totals, requirements."""
    sheet = book.table(LEAD, COLUMNS, NOTE)
    areas = _areas(assessment)
    for area in areas:
        row = sheet.last_row + 1
        concluded = (_concluded(row, word, assessment) for word in CONCLUSIONS)
        sheet.add([*_figures(area, places), *concluded])
    _totals(sheet, areas, places)
    sheet.drawn.auto_filter.ref = f"A{sheet.header_row}:{sheet.letters[-1]}{sheet.header_row + len(areas)}"
    sheet.drawn.freeze_panes = f"B{FIRST_ROW}"
    _requirements(sheet, assessment, places)
    book.page(sheet)


def _areas(assessment: Assessment) -> list[_Area]:
    rows: dict[str, list[ControlRow]] = {}
    for row in assessment.controls:
        rows.setdefault(row.control.area, []).append(row)
    numbers = {row.control.id: number for number, row in enumerate(assessment.controls, FIRST_ROW)}
    areas = []
    for name, controls in rows.items():
        wanted = {requirement for row in controls for requirement in row.direct}
        serving = tuple(row for row in assessment.requirements if row.requirement.id in wanted)
        areas.append(_Area(name, numbers[controls[0].control.id], tuple(controls), serving))
    return areas


def _figures(area: _Area, places: Places) -> list[Value]:
    last = area.first + len(area.controls) - 1
    return [
        area.name,
        len(area.controls),
        sum(_lacks_direct(row) for row in area.controls),
        area.pairs,
        *(outcome_count(area.counted(outcome), outcome) for outcome in Outcome),
        outcome_count(sum(matrix.not_in_run(row) for row in area.controls), None),
        area.automated / area.pairs if area.pairs else None,
        _gathered(area.requirements),
        sum(places.exceptions[row.requirement.id].rows for row in area.requirements),
        area.oldest,
        Link(f"{area.first}-{last}", Place(MATRIX, area.first)),
    ]


def _lacks_direct(row: ControlRow) -> bool:
    """A control that binds the organisation and has no direct evidence."""
    return not row.direct and not row.not_applicable


def _gathered(requirements: Iterable[RequirementRow]) -> float | None:
    """The share of the expected units that answered in full; None where nothing was expected."""
    kinds = [kind for row in requirements if row.outcome for kind in row.outcome.coverage]
    expected = sum(kind.expected for kind in kinds)
    return sum(complete_units(kind) for kind in kinds) / expected if expected else None


def _is_automated(row: RequirementRow) -> bool:
    return row.outcome is not None and row.requirement.automation == "automated"


def _concluded(row: int, word: str, assessment: Assessment) -> Formula:
    """Counts a person's conclusions, of which there are none yet."""
    last = FIRST_ROW + len(assessment.controls) - 1
    letters = (matrix.letter(assessment, heading) for heading in (matrix.AREA, matrix.CONCLUSION))
    areas, entries = (f"'{MATRIX}'!${letter}${FIRST_ROW}:${letter}${last}" for letter in letters)
    return Formula(f'COUNTIFS({areas},$A{row},{entries},"{word}")', 0, Style.NUMBER)


def _totals(sheet: Sheet, areas: Sequence[_Area], places: Places) -> None:
    """Totals by formula, the same figures as stored when the workbook was made, and the difference."""
    first, last = FIRST_ROW, FIRST_ROW + len(areas) - 1
    stored = _stored_totals(areas, places)
    formulas = {column: _sum(sheet, column, first, last) for column in (*_SUMMED, *_CONCLUDED)}
    share, pairs = sheet.letters[_AUTOMATED], sheet.letters[3]
    formulas[_AUTOMATED] = (
        f"IF(SUM({pairs}{first}:{pairs}{last})=0,0,SUMPRODUCT({share}{first}:{share}{last},{pairs}{first}:{pairs}{last})"
        f"/SUM({pairs}{first}:{pairs}{last}))"
    )
    formulas[_EXCEPTIONS] = f"COUNTIF('{EXCEPTIONS}'!$A${FIRST_ROW}:$A$1048576,\"E*\")"
    formula_row = sheet.last_row + 1
    _total_line(sheet, "Total (by formula)", {n: Formula(t, stored[n], _style(n)) for n, t in formulas.items()})
    _total_line(sheet, "Total (stored value)", {n: Shown(stored[n], _style(n)) for n in formulas})
    differences: dict[int, Value] = {
        n: Formula(f"{sheet.letters[n]}{formula_row}-{sheet.letters[n]}{formula_row + 1}", 0, _style(n))
        for n in formulas
        if n not in _CONCLUDED
    }
    _total_line(sheet, "Difference (0 expected)", differences)
    words = "An item that bears on several areas counts in each of them, and once in the total of exceptions."
    sheet.line({0: Shown(words, Style.SUBTITLE)})


def _stored_totals(areas: Sequence[_Area], places: Places) -> dict[int, int | float]:
    pairs = sum(area.pairs for area in areas)
    totals: list[int] = [
        sum(len(area.controls) for area in areas),
        sum(_lacks_direct(row) for area in areas for row in area.controls),
        pairs,
        *(sum(area.counted(outcome) for area in areas) for outcome in Outcome),
        sum(matrix.not_in_run(row) for area in areas for row in area.controls),
    ]
    return {
        **dict(zip(_SUMMED, totals, strict=True)),
        **dict.fromkeys(_CONCLUDED, 0),
        _AUTOMATED: sum(area.automated for area in areas) / pairs if pairs else 0,
        _EXCEPTIONS: sum(group.rows for group in places.exceptions.values()),
    }


def _sum(sheet: Sheet, column: int, first: int, last: int) -> str:
    letter = sheet.letters[column]
    return f"SUM({letter}{first}:{letter}{last})"


def _style(column: int) -> Style:
    return Style.TOTAL_PERCENT if column == _AUTOMATED else Style.TOTAL


def _total_line(sheet: Sheet, label: str, values: dict[int, Value]) -> None:
    empty: dict[int, Value] = {n: Shown(None, Style.TOTAL) for n in range(1, len(COLUMNS))}
    sheet.line({**empty, **values, 0: Shown(label, Style.LABEL)})


def _requirements(sheet: Sheet, assessment: Assessment, places: Places) -> None:
    """Every requirement that serves the framework, gaps first."""
    rows = sorted(assessment.requirements, key=lambda row: (not is_gap(row.outcome), row.requirement.id))
    gaps = sum(is_gap(row.outcome) for row in rows)
    sheet.skip()
    sheet.line({0: Shown("Evidence requirements, each once; those with gaps first", Style.SECTION)})
    words = f"{gaps} of {len(rows)} requirements have gaps: something planned could not be gathered or judged."
    sheet.line({0: Shown(words, Style.PLAIN)})
    sheet.spread([(*span, title, Style.HEADER) for span, title in zip(_SPREAD, _TITLES, strict=True)])
    for row in rows:
        values = _requirement(row, places)
        sheet.spread([(*span, value, style) for span, (value, style) in zip(_SPREAD, values, strict=True)])


def _requirement(row: RequirementRow, places: Places) -> list[tuple[Value, Style]]:
    name, exceptions = row.requirement.id, places.exceptions[row.requirement.id]
    gap = is_gap(row.outcome)
    return [
        (row.requirement.title, Style.LABEL),
        (Link(name, places.requirements[name]), Style.LINK),
        ("GAP" if gap else "", Style.GAP if gap else Style.TEXT),
        (requirement_words(row), outcome_style(row.outcome.outcome if row.outcome else None)),
        (Link(f"{exceptions.rows:,} items", exceptions.first) if exceptions.rows else "", Style.TEXT),
        (_why(row), Style.TEXT),
        (listed(row.direct) or "supporting only", Style.TEXT),
    ]


def _why(row: RequirementRow) -> str:
    if row.outcome is None:
        return row.requirement.notes
    covered = coverage_words(row.outcome.coverage)
    reasons = [reason for reason in row.outcome.reasons if reason.split(" (")[0] not in covered]
    return "\n".join([covered, *reasons] if covered else reasons)
