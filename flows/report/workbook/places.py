"""Where things stand in the workbook, so that every sheet can lead to every other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controls.assessment import Assessment, RequirementRow
from evidence_schema.models.finding import CheckResult
from evidence_schema.models.receipt import Receipt
from flows.report.words import listed
from flows.report.workbook.book import FIRST_ROW, MATRIX, RESULTS
from flows.report.workbook.cells import Link, Place, Value

_IDS_SHOWN = 3


@dataclass
class Group:
    """Neighbouring rows that belong together."""

    first: Place | None = None
    rows: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, place: Place | None, name: str) -> None:
        """Count a row; `place` is None where the sheet was full."""
        self.first = self.first or place
        self.rows += 1
        if len(self.ids) < _IDS_SHOWN:
            self.ids.append(name)

    @property
    def words(self) -> str:
        """The ids, or the first of them and how many more."""
        more = self.rows - len(self.ids)
        return "\n".join([*self.ids, f"and {more:,} more"] if more else self.ids)


@dataclass
class Places:
    """Rows known from the assessment, and those that turn up while the streams are drawn."""

    controls: Mapping[str, Place]
    requirements: Mapping[str, Place]
    checks: Mapping[str, Place]
    evidence: dict[str, Group]
    exceptions: dict[str, Group]
    units: dict[tuple[str, str, str, str], tuple[str, Place]] = field(default_factory=dict)
    """Evidence id and row by requirement, kind, account and region; as many as a sheet may link to."""


def places_of(assessment: Assessment) -> Places:
    """What is known before anything is drawn."""
    checks, requirements, row = {}, {}, FIRST_ROW
    for item in assessment.requirements:
        requirements[item.requirement.id] = Place(RESULTS, row)
        for check in item.requirement.checks:
            checks[check.id] = Place(RESULTS, row)
            row += 1
    return Places(
        controls={item.control.id: Place(MATRIX, row) for row, item in enumerate(assessment.controls, FIRST_ROW)},
        requirements=requirements,
        checks=checks,
        evidence={item.requirement.id: Group() for item in assessment.requirements},
        exceptions={item.requirement.id: Group() for item in assessment.requirements},
    )


def evidence_id(receipt: Receipt) -> str:
    """Names a unit's evidence in this run for good: the run's own part, then the start of the unit's digest."""
    return f"{receipt.run_id[-8:]}-{receipt.unit.digest.hex[:12]}"


def control_cells(row: RequirementRow, places: Places) -> tuple[Value, Value]:
    """The controls that a requirement serves directly, and a link to the first of them."""
    first = next(iter(row.direct), None)
    if first is None:
        return "supporting only", None
    return listed(row.direct), Link(first, places.controls[first])


def check_results(row: RequirementRow) -> Mapping[str, CheckResult]:
    return {result.check: result for result in row.outcome.checks} if row.outcome else {}
