"""What the fault tests compare with: the same month with nothing wrong, made once a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from comparing import Substance, substance_of
from slices import FIVE
from worlds import NO_PREFECT, Founder, Gathered, collected_here, world_with_few_log_files

from evidence_schema.models.unit import Selection
from flows.collectors.registry import load_kinds
from flows.demo.facts import supplied_facts
from flows.demo.world import World

pytest.register_assert_rewrite("killing", "truth", "told", "workbooks")

from killing import UNITS, small  # noqa: E402 (rewritten before it is imported)
from regathering import WholePlan  # noqa: E402

CONSENT = {
    name: {"approved_by": "head of security", "as_of": "2026-01-01T00:00:00Z"}
    for name, kind in load_kinds().items()
    if kind.opt_in is not None
}
"""So that what bills is asked, and denied, too."""


@pytest.fixture(scope="session")
def whole_plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WholePlan, World]]:
    """The month of the whole plan in one region, with nothing wrong, and the account that it looked at."""
    with world_with_few_log_files(tmp_path_factory.mktemp("whole-world"), whole=True) as world:
        found = Founder(world, NO_PREFECT, tmp_path_factory.mktemp("whole-founded"))
        place = found(tmp_path_factory.mktemp("whole"), regions=["eu-central-1"])
        place.change_settings(lambda settings: settings.update(facts=supplied_facts(), opt_in=CONSENT))
        plan = WholePlan.of(place)
        assert all(row.result.is_complete for row in plan.undisturbed.receipts.values())
        yield plan, world


@pytest.fixture
def plan(whole_plan: tuple[WholePlan, World]) -> WholePlan:
    return whole_plan[0]


@pytest.fixture
def whole_world(whole_plan: tuple[WholePlan, World]) -> Iterator[World]:
    """The account of the whole plan, without faults and with an empty access log, before and after."""
    _, world = whole_plan
    world.clear_accesses()
    yield world
    world.faults.clear()


@pytest.fixture(scope="session")
def undisturbed_small(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Substance:
    """The month in one region."""
    place = small(organisation, tmp_path_factory.mktemp("undisturbed-small"))
    gathered = collected_here(place, Selection())
    assert len(gathered.receipts) == UNITS
    return substance_of(gathered)


@pytest.fixture(scope="session")
def undisturbed(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    """The month in both regions."""
    place = organisation(tmp_path_factory.mktemp("undisturbed"), frameworks=["soc2"], requirements=FIVE)
    gathered = collected_here(place, Selection())
    assert all(receipt.result.is_complete for receipt in gathered.receipts.values())
    return gathered
