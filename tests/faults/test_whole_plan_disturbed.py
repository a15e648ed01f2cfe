"""The whole plan while calls are throttled, and while the token expires in mid-run: nothing is lost in silence."""

from __future__ import annotations

import pytest
from comparing import by_key
from regathering import WholePlan
from truth import nothing_looks_better

from evidence_schema.models.names import GatherResult, Outcome
from flows.demo.world import World

pytestmark = pytest.mark.whole

EACH_HUNDREDTH = range(100, 1101, 100)
"""Calls after which the token is refused; the plan makes a few more than the last of them."""


def test_the_plan_makes_about_as_many_calls_as_are_tried(plan: WholePlan, whole_world: World) -> None:
    plan.gathered()
    assert EACH_HUNDREDTH[-1] < len(whole_world.accesses()) <= EACH_HUNDREDTH[-1] + 100


def test_a_tenth_of_all_calls_throttled_costs_retries_and_nothing_else(plan: WholePlan, whole_world: World) -> None:
    whole_world.faults.throttle("*", every=10)

    throttled = plan.gathered()

    struck = sum(access.fault == "throttle" for access in whole_world.accesses())
    assert struck >= len(whole_world.accesses()) // 10
    assert sum(row.calls.retries for row in throttled.receipts.values()) >= struck * 9 // 10
    assert {unit: row.result for unit, row in throttled.receipts.items()} == {
        unit: row.result for unit, row in plan.undisturbed.receipts.items()
    }
    before, after = by_key(plan.undisturbed.findings), by_key(throttled.findings)
    assert {key: item.result for key, item in after.items()} == {key: item.result for key, item in before.items()}


@pytest.mark.parametrize("calls", EACH_HUNDREDTH)
def test_a_token_that_expires_after_each_hundredth_call_hides_nothing(
    calls: int, plan: WholePlan, whole_world: World
) -> None:
    whole_world.faults.expire_token_after(calls)

    stopped = plan.gathered()

    failed = {unit: row for unit, row in stopped.receipts.items() if not row.result.is_complete}
    assert stopped.receipts.keys() == plan.undisturbed.receipts.keys()
    assert failed
    assert {row.result for row in failed.values()} <= {GatherResult.FAILED, GatherResult.PARTIAL}
    assert all(row.reason for row in failed.values())
    nothing_looks_better(stopped, plan.undisturbed)
    lost = {unit.kind for unit in failed}
    for outcome in stopped.outcomes.requirements:
        if lost & {item.kind for item in outcome.coverage}:
            assert outcome.outcome is not Outcome.NO_EXCEPTION or not reads(plan, outcome.requirement) & lost


def reads(plan: WholePlan, requirement: str) -> set[str]:
    """The kinds that its checks look at."""
    (found,) = (item for item in plan.catalog.requirements if item.id == requirement)
    return {kind for check in found.checks for kind in (*check.over, *(with_.kind for with_ in check.with_.values()))}
