"""The generated policy at a gate before the emulated account, over the whole plan: least, and enough.

The gate names each operation from botocore's models and permits it by a table made independently of the collectors
(`service_actions`). All granted, nothing is denied; each action taken away in turn, exactly its kinds are denied, no
failing finding passes, none vanishes, and what depends on it says so. Where an action permits several operations, each
of them is denied by itself too: so every operation of the plan is denied in turn.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest
from regathering import WholePlan
from service_actions import action_of
from truth import nothing_looks_better
from worlds import Gathered

from controls.catalog import installed
from controls.models import Check
from evidence_schema.models.names import GatherResult, Outcome
from evidence_schema.models.receipt import Receipt
from flows.collectors.registry import Kinds, load_kinds
from flows.demo.world import World
from flows.planning import PREFLIGHT_KIND

pytestmark = pytest.mark.whole

VERSIONED = {"s3:GetObject": "versionId"}
"""Operations that need another action where this parameter is given, by its name on the wire."""
ONE_ADDRESS = {"neptune": "rds", "docdb": "rds"}
"""AWS knows them by one name, and permits them by one."""
KINDS: Kinds = load_kinds()
READ = {step for item in installed().requirements for kind in item.kinds for step in (kind, *KINDS.sources_of(kind))}
GATHERED = sorted(kind for kind in READ | {PREFLIGHT_KIND} if KINDS[kind].view_of is None)
NEEDED = {kind: {action_of(name, kind=kind) for name in KINDS.operations_of(kind)} for kind in GATHERED}
"""Kind -> the actions that its operations need, by the independent table."""
ACTIONS = sorted(set().union(*NEEDED.values()))
BEHIND = {"glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"}
"""What Athena itself asks of Glue with the rights of whoever queries; no call of ours, and so none of the gate's."""
UNASKED = {
    ("wafv2:GetWebACL", "aws.wafv2.cloudfront_web_acls"): "they are listed in a region that this plan leaves out"
}
"""(Action, kind) of which the emulated account holds nothing that the operation is asked for, with the reason."""


def as_permitted(operation: str) -> str:
    service, _, name = operation.partition(":")
    return f"{ONE_ADDRESS.get(service, service)}:{name}"


OPERATIONS_OF = {kind: {as_permitted(name) for name in KINDS.operations_of(kind)} for kind in GATHERED}
SHARING = Counter(action_of(name) for name in set().union(*OPERATIONS_OF.values()))
NOT_ALONE = sorted(name for name in set().union(*OPERATIONS_OF.values()) if SHARING[action_of(name)] > 1)
"""Operations whose action permits others too."""


def generated_policy(plan: WholePlan) -> set[str]:
    """The actions that `evidence policy` prints."""
    printed = plan.place.evidence("policy")
    assert printed.returncode == 0, printed.stderr
    (statement,) = json.loads(printed.stdout)["Statement"]
    assert statement["Effect"] == "Allow"
    return set(statement["Action"])


def enforce(world: World, granted: set[str]) -> None:
    """Permit what the granted actions permit, and nothing else."""
    operations = {name for names in OPERATIONS_OF.values() for name in names}
    for name, parameter in VERSIONED.items():
        plain, versioned = action_of(name), f"{name}Version"
        if plain not in granted:
            world.faults.deny(name, lacking=parameter)
        if versioned not in granted:
            world.faults.deny(name, given=parameter)
    world.faults.permit_only(*(name for name in operations if name in VERSIONED or action_of(name) in granted))


def denied_of(gathered: Gathered) -> set[str]:
    """The kinds that met a denial of their own."""
    return {
        unit.kind
        for unit, row in gathered.receipts.items()
        if any(problem.result == "denied" for problem in row.problems)
    }


def test_with_all_actions_granted_no_kind_is_denied(plan: WholePlan, whole_world: World) -> None:
    granted = generated_policy(plan)
    assert granted == set(ACTIONS) | BEHIND, "the policy holds what the independent table asks for"
    enforce(whole_world, granted)

    gathered = plan.gathered()

    assert {str(unit): row.reason for unit, row in gathered.receipts.items() if not row.result.is_complete} == {}
    nothing_looks_better(gathered, plan.undisturbed)


@pytest.mark.parametrize("action", ACTIONS)
def test_with_one_action_taken_away_exactly_its_kinds_are_denied(
    action: str, plan: WholePlan, whole_world: World
) -> None:
    kinds = {kind for kind in GATHERED if action in NEEDED[kind]}
    enforce(whole_world, set(ACTIONS) - {action})

    faulted = asked_again(plan, kinds)

    unasked = {kind for kind in kinds if (action, kind) in UNASKED}
    assert denied_of(faulted) == kinds - unasked


@pytest.mark.parametrize("operation", NOT_ALONE)
def test_each_operation_that_shares_its_action_is_denied_by_itself(
    operation: str, plan: WholePlan, whole_world: World
) -> None:
    kinds = {kind for kind in GATHERED if operation in OPERATIONS_OF[kind]}
    whole_world.faults.deny(operation)

    faulted = asked_again(plan, kinds)

    unasked = {kind for kind in kinds if (operation, kind) in UNASKED}
    assert denied_of(faulted) == kinds - unasked


def asked_again(plan: WholePlan, kinds: set[str]) -> Gathered:
    """The requirements that read these kinds, under the fault; whatever the fault, nothing may look better."""
    requirements = plan.requirements_reading(kinds)
    faulted = plan.again(kinds, requirements)
    undisturbed = plan.of_requirements(requirements)
    for unit, row in faulted.receipts.items():
        if row.problems and not row.result.is_complete:
            assert row.result in (GatherResult.DENIED, GatherResult.PARTIAL), unit
            assert unit.kind in kinds, f"{unit} met a call that did not answer"
        elif not row.result.is_complete:
            sources = plan.kinds.sources_of(unit.kind)
            assert any(source in row.reason for source in sources), f"{unit}: {row.result} without a word on why"
        else:
            assert row.result is undisturbed.receipts[unit].result
    nothing_looks_better(faulted, undisturbed)
    says_what_is_missing(faulted, plan, lost={unit.kind: row for unit, row in faulted.receipts.items() if is_lost(row)})
    return faulted


def is_lost(row: Receipt) -> bool:
    return not row.result.is_complete and row.result is not GatherResult.UNAVAILABLE


def says_what_is_missing(faulted: Gathered, plan: WholePlan, lost: dict[str, Receipt]) -> None:
    """A requirement that reads a lost kind shows it in its coverage, and is not good without it."""
    requirements = {item.id: item for item in plan.catalog.requirements}
    for outcome in faulted.outcomes.requirements:
        requirement = requirements[outcome.requirement]
        for kind in set(requirement.kinds) & lost.keys():
            shown = next(item for item in outcome.coverage if item.kind == kind)
            assert not all(result.is_complete for result in shown.results), f"{outcome.requirement}: {kind} looks whole"
            if any(kind in kinds_read_by(check) for check in requirement.checks):
                assert outcome.outcome is not Outcome.NO_EXCEPTION, f"{outcome.requirement} without {kind}"


def kinds_read_by(check: Check) -> set[str]:
    return {*check.over, *(companion.kind for companion in check.with_.values())}
