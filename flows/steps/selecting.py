"""From the options of a command to a plan: no effects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from evidence_schema.models.names import Directness
from evidence_schema.models.unit import Selection
from flows.collectors.registry import Kinds
from flows.errors import UsageError
from flows.planning import PlannedRun, make_plan
from flows.settings import Located
from flows.steps.periods import month_before, month_period
from flows.steps.rules import catalog_of

Names = Sequence[str] | None


def selection_of(
    frameworks: Names, controls: Names, requirements: Names, kinds: Names, accounts: Names, regions: Names
) -> Selection:
    """What the options name; nothing named means all."""
    try:
        return _selection(frameworks, controls, requirements, kinds, accounts, regions)
    except ValidationError as error:
        wrong = ", ".join(f"{item['loc'][0]} {str(item['input'])[:60]!r}" for item in error.errors())
        raise UsageError(f"expected names of catalogue and settings, found {wrong}; `evidence controls list`") from None


def _selection(
    frameworks: Names, controls: Names, requirements: Names, kinds: Names, accounts: Names, regions: Names
) -> Selection:
    return Selection(
        frameworks=tuple(frameworks or ()),
        controls=tuple(controls or ()),
        requirements=tuple(requirements or ()),
        kinds=tuple(kinds or ()),
        accounts=tuple(accounts or ()),
        regions=tuple(regions or ()),
    )


def planned_for(
    located: Located,
    known: Kinds,
    frameworks: Names = None,
    controls: Names = None,
    requirements: Names = None,
    kinds: Names = None,
    accounts: Names = None,
    regions: Names = None,
) -> tuple[PlannedRun, dict[str, dict[str, list[str]]]]:
    """The plan of a selection over the month that has ended, and the controls that it touches, by framework."""
    selection = selection_of(frameworks, controls, requirements, kinds, accounts, regions)
    period = month_period(month_before(datetime.now(UTC)))
    planned = make_plan(catalog_of(located, known), known, located.settings, selection, period)
    return planned, {name: controls_touched(planned, name) for name in planned.plan.frameworks}


def controls_touched(planned: PlannedRun, framework: str) -> dict[str, list[str]]:
    """The framework's controls that the planned requirements speak to, by how."""
    pairs = [pair for item in planned.requirements for pair in item.mappings.get(framework, {}).items()]
    direct = {control for control, how in pairs if how is Directness.DIRECT}
    return {"direct": sorted(direct), "supporting": sorted({control for control, _ in pairs} - direct)}
