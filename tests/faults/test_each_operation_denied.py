"""Each operation of eight requirements denied, one at a time: every dependent unit says so, nothing looks better.

The steps of a run without orchestrator and workbook, in this process: what is gathered, sealed and judged is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from slices import EIGHT, eight
from truth import nothing_looks_better
from worlds import Founder, Gathered, Organisation, collected_here

from evidence_schema.models.names import GatherResult
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Selection
from flows.collectors.registry import Kinds, load_kinds
from flows.demo.world import World
from flows.planning import PREFLIGHT_KIND

pytestmark = [pytest.mark.faults, pytest.mark.thorough]

KINDS: Kinds = load_kinds()
READ = {step for item in eight().requirements for kind in item.kinds for step in (kind, *KINDS.sources_of(kind))}
GATHERED = sorted(kind for kind in READ | {PREFLIGHT_KIND} if KINDS[kind].view_of is None)
ONE_ADDRESS = {"neptune": "rds", "docdb": "rds"}  # AWS knows them by one name, and permits them by one


def as_permitted(operation: str) -> str:
    service, _, name = operation.partition(":")
    return f"{ONE_ADDRESS.get(service, service)}:{name}"


OPERATIONS_OF = {kind: {as_permitted(name) for name in KINDS.operations_of(kind)} for kind in GATHERED}
OPERATIONS = sorted(set().union(*OPERATIONS_OF.values()))
Month = Callable[[tuple[str, ...]], Gathered]


@pytest.fixture(scope="module")
def place(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return organisation(tmp_path_factory.mktemp("denied"), regions=["eu-central-1"], requirements=EIGHT)


@pytest.fixture(scope="module")
def undisturbed_by(place: Organisation) -> Month:
    """The month of some requirements with nothing wrong, made when it is first asked for."""
    return cache(lambda requirements: collected_here(place, Selection(requirements=requirements)))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_denied_operation_is_told_and_nothing_looks_better(
    operation: str, place: Organisation, undisturbed_by: Month, world: World
) -> None:
    kinds = {kind for kind in GATHERED if operation in OPERATIONS_OF[kind]}
    requirements = requirements_reading(kinds)
    undisturbed = undisturbed_by(requirements)
    world.faults.deny(operation)

    faulted = collected_here(place, Selection(requirements=requirements))

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
        for item in eight().requirements
        if any(kinds & {name, KINDS[name].view_of or name, *KINDS.sources_of(name)} for name in item.kinds)
    ) or ("EV-ENC-01",)  # the preflight serves all: one will do
