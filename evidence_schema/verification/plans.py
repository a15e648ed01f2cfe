"""Step 6, the sealed plan: what the run promised to gather when it was opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evidence_schema.ahead import Pace
from evidence_schema.layout import Layout
from evidence_schema.models.unit import Plan, PlannedUnit
from evidence_schema.reader import Reader
from evidence_schema.verification.blobs import Claims, Sealed
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.progress import Progress
from evidence_schema.verification.reading import Misshapen, parsed
from evidence_schema.verification.runs import Run
from evidence_schema.verification.scope import VAULT, Scope

MAX_SEALED = 16 * 1024 * 1024
"""Longest plan, manifest root or outcomes document that is read whole."""
MAX_PLANNED_UNIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """What every run is examined with."""

    reader: Reader
    layout: Layout
    claims: Claims
    sealed: Sealed
    problems: Problems
    progress: Progress
    pace: Pace
    scope: Scope = VAULT


def check_plan(place: Place, run: Run) -> Plan | None:
    """The plan, compared with the entry that names it; None where it cannot be read."""
    opened = run.opened
    plan = place.sealed.read(Plan, opened.plan, "plan-malformed", MAX_SEALED)
    if plan is None:
        return None
    key = place.layout.blob(opened.plan)
    promised = place.scope.has_run(opened.run_id)
    place.claims.name("entry-blob-missing", plan.units.digest, plan.units.size, key, promised=promised)
    place.problems.compare(
        "plan-differs",
        key,
        (f"digest of the expected units, in {run.key}", opened.expected_digest, plan.units.digest),
        (f"number of the expected units, in {run.key}", opened.expected, plan.units.rows),
        (f"period, in {run.key}", opened.period, plan.period),
    )
    return plan


def planned_units(place: Place, plan: Plan) -> Iterator[PlannedUnit]:
    """The expected list in order; a line that is none, or out of order, is named and passed over."""
    key, last, count = place.layout.blob(plan.units.digest), ("", "", ""), 0
    for line in place.sealed.lines(plan.units.digest, "planned-unit-malformed", MAX_PLANNED_UNIT):
        count += 1
        try:
            planned = parsed(PlannedUnit, line)
        except Misshapen as error:
            place.problems.add("planned-unit-malformed", key, f"a planned unit in line {count}", error)
            continue
        if planned.unit.sort_key <= last:
            place.problems.add("planned-units-unsorted", key, f"a unit after {' '.join(last)}", planned.unit)
            continue
        last = planned.unit.sort_key
        yield planned
    if count != plan.units.rows and place.claims.exists(plan.units.digest):
        place.problems.add("plan-differs", key, f"{plan.units.rows} lines", count)
