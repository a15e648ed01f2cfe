"""Each operation of the plan denied, one at a time, and no more: every dependent unit says so, nothing looks better.

The steps of a run without orchestrator and workbook, in this process: what is gathered, sealed and judged is the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from unittest import mock

import pytest
from truth import nothing_looks_better
from worlds import Founder, Gathered, Organisation

from controls.catalog import installed
from evidence_schema.models.names import GatherResult, Trigger
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Selection
from flows.collectors.registry import Kinds, load_kinds
from flows.demo.world import World
from flows.observing import Silent
from flows.steps.closing import close_run
from flows.steps.gathering import Gathering
from flows.steps.judging import judge_run
from flows.steps.opening import RunRequest, open_run
from flows.steps.periods import adhoc_slot, month_before, month_period
from flows.steps.runtime import open_runtime
from flows.steps.sources import collector_for

pytestmark = [pytest.mark.faults, pytest.mark.thorough]

KINDS: Kinds = load_kinds()
GATHERED = [kind for kind in KINDS if KINDS[kind].view_of is None]
ONE_ADDRESS = {"neptune": "rds", "docdb": "rds"}  # AWS knows them by one name, and permits them by one


def as_permitted(operation: str) -> str:
    service, _, name = operation.partition(":")
    return f"{ONE_ADDRESS.get(service, service)}:{name}"


OPERATIONS_OF = {kind: {as_permitted(name) for name in KINDS.operations_of(kind)} for kind in GATHERED}
OPERATIONS = sorted(set().union(*OPERATIONS_OF.values()))
Month = Callable[[tuple[str, ...]], Gathered]


@pytest.fixture(scope="module")
def place(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return organisation(tmp_path_factory.mktemp("denied"), regions=["eu-central-1"])


@pytest.fixture(scope="module")
def undisturbed_by(place: Organisation) -> Month:
    """The month of some requirements with nothing wrong, made when it is first asked for."""
    return cache(lambda requirements: month(place, requirements))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_denied_operation_is_told_and_nothing_looks_better(
    operation: str, place: Organisation, undisturbed_by: Month, world: World
) -> None:
    kinds = {kind for kind in GATHERED if operation in OPERATIONS_OF[kind]}
    requirements = requirements_reading(kinds)
    undisturbed = undisturbed_by(requirements)
    world.faults.deny(operation)

    faulted = month(place, requirements)

    hit = {unit.kind for unit, row in faulted.receipts.items() if tells_of(row, operation)}
    assert hit
    assert hit <= kinds
    for unit, row in faulted.receipts.items():
        if tells_of(row, operation):
            assert row.result in (GatherResult.DENIED, GatherResult.PARTIAL), unit
            assert {problem.result for problem in row.problems} == {"denied"}
        elif not row.result.is_complete:
            assert any(source in row.reason for source in kinds), f"{unit}: {row.result} without a word on why"
        else:
            assert row.result is undisturbed.receipts[unit].result
    nothing_looks_better(faulted, undisturbed)


def tells_of(row: Receipt, operation: str) -> bool:
    return any(as_permitted(f"{problem.service}:{problem.operation}") == operation for problem in row.problems)


def requirements_reading(kinds: set[str]) -> tuple[str, ...]:
    """The requirements that need one of these kinds, directly or through a view or a kind that builds on it."""
    return tuple(
        item.id
        for item in installed().requirements
        if any(kinds & {name, KINDS[name].view_of or name, *KINDS.sources_of(name)} for name in item.kinds)
    ) or ("EV-ENC-01",)  # the preflight serves all: one will do


def month(place: Organisation, requirements: tuple[str, ...]) -> Gathered:
    """Open, gather, close and judge."""
    with mock.patch.dict(os.environ, place.environment, clear=True):
        runtime = open_runtime(place.settings_file)
        period = month_period(month_before(runtime.clock()))
        selection = Selection(requirements=requirements)
        run = open_run(runtime, RunRequest(adhoc_slot(), Trigger.AD_HOC, selection, period))
        gathering = Gathering(run, runtime.vault, collector_for(run, runtime.clock), runtime.clock, Silent())
        for keys in (gathering.preflights, gathering.others):
            for key in keys:
                gathering.gather(key.service, key.account, key.region)
        state = judge_run(runtime.vault, close_run(run, runtime.vault, gathering.receipts(), runtime.clock))
        return Gathered(runtime.vault, state)
