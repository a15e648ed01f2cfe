"""Judging a run: what is lost while gathering never makes anything look better, and nothing disappears."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from answers import ACCOUNT, AT, PERIOD, kinds
from hypothesis import given, settings
from hypothesis import strategies as st
from slices import eight
from small_world import FACTS, REGIONS, World, a_receipt, all_units, judged, key, small_world, views

from controls.judging import WHOLE_UNIT, Evidence, Judgement, Parameter, Rules
from controls.models import Catalog, EvidenceRequirement
from evidence_schema.models.finding import Finding, RequirementOutcome
from evidence_schema.models.names import FindingResult, GatherResult, Outcome
from evidence_schema.models.transcript import Record
from evidence_schema.models.unit import Unit

Judged = tuple[list[Finding], tuple[RequirementOutcome, ...]]
LOST = ["denied", "failed", "partial", "no receipt"]


@cache
def undisturbed() -> Judged:
    return judged(small_world())


def degraded(world: World, unit: Unit, how: str, part: int = 2) -> World:
    """The unit was not gathered completely: some of its records, or all, are missing."""
    if how == "no receipt":
        return world.with_receipt(unit, None)
    result = GatherResult(how)
    if how == "partial":
        return world.with_receipt(unit, a_receipt(unit, result)).with_records(unit, lambda found: found[::part])
    return world.with_receipt(unit, a_receipt(unit, result, transcript=False))


def own_kinds(unit: Unit) -> set[str]:
    return {unit.kind, *(view for view, base in views().items() if base == unit.kind)}


def outcomes(found: Judged) -> dict[str, Outcome]:
    return {item.requirement: item.outcome for item in found[1]}


def test_the_small_world_is_worth_judging() -> None:
    findings, results = undisturbed()
    assert {finding.check for finding in findings} >= {
        check.id for item in eight().requirements for check in item.checks if check.mode == "auto"
    }
    counted = Counter(finding.result for finding in findings)
    assert all(counted[result] > 10 for result in FindingResult)
    assert [item.requirement for item in results] == [item.id for item in eight().requirements]
    assert len({key(finding) for finding in findings}) == len(findings)


def assert_nothing_looks_better(unit: Unit, how: str, before: Judged, after: Judged) -> None:
    now = {key(finding): finding for finding in after[0]}
    gone = {(item.check, item.kind, item.account, item.region) for item in after[0] if item.record == WHOLE_UNIT}
    for finding in before[0]:
        found = now.get(key(finding))
        if found is None:
            assert (finding.check, finding.kind, finding.account, finding.region) in gone, f"{key(finding)} vanished"
        else:
            assert found.result in (finding.result, FindingResult.ERROR), f"{key(finding)} was {finding.result}"
    touched = {item.id for item in eight().requirements if own_kinds(unit) & set(item.kinds)}
    assert touched
    for item in after[1]:
        if item.requirement in touched:
            assert item.outcome in (Outcome.EXCEPTION, Outcome.NOT_COLLECTED), f"{item.requirement} after {how}"
        else:
            assert item.outcome == outcomes(before)[item.requirement]


@settings(max_examples=25)
@given(st.sampled_from(small_world().units), st.sampled_from(LOST), st.integers(2, 5))
def test_a_unit_that_was_not_gathered_makes_nothing_look_better(unit: Unit, how: str, part: int) -> None:
    """No failing finding becomes a pass and none disappears: the same record, or its unit, says error.

    Here on whole runs, over requirements that share units; `test_lost_evidence.py` draws every requirement's own.
    """
    after = judged(degraded(small_world(), unit, how, part))
    assert_nothing_looks_better(unit, how, undisturbed(), after)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(small_world().units), st.sampled_from(LOST)), min_size=2, max_size=6))
def test_several_units_that_were_not_gathered_make_nothing_look_better(faults: list[tuple[Unit, str]]) -> None:
    world = small_world()
    for unit, how in faults:
        world = degraded(world, unit, how)
    after = judged(world)
    now = {key(finding): finding.result for finding in after[0]}
    for finding in undisturbed()[0]:
        assert now.get(key(finding), FindingResult.ERROR) in (finding.result, FindingResult.ERROR)
    assert all(item in (Outcome.EXCEPTION, Outcome.NOT_COLLECTED) for name, item in outcomes(after).items()
               if any(own_kinds(unit) & set(requirement(name).kinds) for unit, _ in faults))  # fmt: skip


def requirement(name: str) -> EvidenceRequirement:
    return next(item for item in eight().requirements if item.id == name)


def test_what_nobody_opted_in_to_is_no_gap_and_what_somebody_did_is_one() -> None:
    """Without consent the outcome is that of a catalogue which never heard of the kind."""
    bills = {kind for kind in kinds() if kinds().consent_of(kind)}
    whole = small_world().evidence()
    without = replace(whole, units={kind: units for kind, units in whole.units.items() if kind not in bills})
    named = requirement("EV-LOG-06")
    never = named.model_copy(update={"kinds": tuple(kind for kind in named.kinds if kind not in bills)})
    assert set(named.kinds) & bills
    [left_out] = judged_as(named, replace(without, not_asked=frozenset(bills)))
    [unheard_of] = judged_as(never, replace(without, not_asked=frozenset(bills)))
    assert left_out == unheard_of
    assert [check.errors for check in left_out.checks if check.check == "EV-LOG-06-C1"] == [0]
    [planned] = judged_as(named, without)
    assert [check.errors for check in planned.checks if check.check == "EV-LOG-06-C1"] == [1]
    assert planned.outcome in (Outcome.EXCEPTION, Outcome.NOT_COLLECTED)
    assert any("aws.athena.trail_days: no unit was planned" in reason for reason in planned.reasons)


def judged_as(item: EvidenceRequirement, evidence: Evidence) -> tuple[RequirementOutcome, ...]:
    catalog = eight().model_copy(update={"requirements": (item,)})
    found = Judgement(Rules(catalog, (item.id,), AT, PERIOD, FACTS), evidence)
    list(found)
    return found.outcomes


def test_a_check_of_only_what_nobody_opted_in_to_is_not_applicable_and_says_why() -> None:
    named = requirement("EV-LOG-06")
    check = named.checks[3].model_copy(update={"over": ("aws.cloudtrail.lake_events",), "none_is_good": True})
    evidence = replace(small_world().evidence(), not_asked=frozenset({"aws.cloudtrail.lake_events"}), units={})
    [found] = judged_as(
        named.model_copy(update={"checks": (check,), "kinds": ("aws.cloudtrail.lake_events",)}), evidence
    )
    assert found.outcome is Outcome.NOT_APPLICABLE
    assert found.checks[0].reasons == ("aws.cloudtrail.lake_events: not asked: nobody opted in to it",)


@settings(max_examples=20)
@given(st.sampled_from(small_world().units))
def test_a_service_that_is_not_enabled_takes_only_its_own_records_away(unit: Unit) -> None:
    """It has answered: there is nothing. Yet no record that stands turns from fail to pass by it."""
    after = judged(degraded(small_world(), unit, "unavailable"))
    now = {key(finding): finding for finding in after[0]}
    for finding in undisturbed()[0]:
        found = now.get(key(finding))
        if found is None:
            assert finding.kind in own_kinds(unit)
            assert finding.region == unit.region
        elif finding.result is FindingResult.FAIL:
            assert found.result in (FindingResult.FAIL, FindingResult.ERROR)
    shown = [kind for item in after[1] for kind in item.coverage if kind.kind == unit.kind]
    assert all(kind.results[GatherResult.UNAVAILABLE] == 1 for kind in shown)


def only(*kind_names: str) -> World:
    """The world reduced to the units of some kinds."""
    world = small_world()
    units = tuple(unit for unit in world.units if unit.kind in kind_names)
    return replace(world, receipts={unit: world.receipts[unit] for unit in units}, units=units)


def test_what_was_not_planned_is_not_collected_and_no_absence_is_concluded_from_it() -> None:
    """`--kind aws.ec2.security_group_rules`: the interfaces beside them are unknown, not none."""
    findings, results = judged(only("aws.ec2.security_group_rules"))
    attached = [finding for finding in findings if finding.check == "EV-NET-01-C2"]
    assert {finding.result for finding in attached} == {FindingResult.ERROR}
    assert all(finding.reason and "no unit was planned" in finding.reason.text for finding in attached)
    found = {item.requirement: item for item in results}
    assert found["EV-NET-01"].outcome is Outcome.EXCEPTION, "C1 needs nothing else"
    acls = next(check for check in found["EV-NET-01"].checks if check.check == "EV-NET-01-C4")
    assert acls.outcome is Outcome.NOT_COLLECTED
    assert acls.reasons == ("aws.ec2.network_acls: no unit was planned",)
    assert found["EV-IAM-01"].outcome is Outcome.NOT_COLLECTED
    assert "aws.iam.users: no unit was planned" in found["EV-IAM-01"].reasons


def test_one_of_several_kinds_that_was_not_planned_is_missing_from_the_check() -> None:
    world = only("aws.rds.instances").with_records(
        Unit(kind="aws.rds.instances", account=ACCOUNT, region="eu-west-1"),
        lambda found: [record for record in found if record.fields.get("StorageEncrypted") is True],
    )
    _, results = judged(world)
    check = next(item for one in results for item in one.checks if item.check == "EV-ENC-02-C1")
    assert check.passed
    assert not check.failed
    assert check.outcome is Outcome.NOT_COLLECTED


def lines(found: list[Finding]) -> bytes:
    return b"\n".join(finding.canonical() for finding in found)


def test_findings_are_sorted_and_the_same_bytes_however_the_evidence_is_ordered() -> None:
    findings, results = undisturbed()
    assert all(before.sort_key < after.sort_key for before, after in pairwise(findings))
    world = small_world()
    backwards = replace(
        world,
        receipts=dict(reversed(world.receipts.items())),
        records={place: found[::-1] for place, found in reversed(world.records.items())},
        units=world.units[::-1],
        regions=world.regions[::-1],
    )
    again, outcomes_again = judged(backwards)
    assert lines(again) == lines(findings)
    assert [item.outcome for item in outcomes_again] == [item.outcome for item in results]


def test_a_judgement_can_be_read_again() -> None:
    rules = Rules(catalog=eight(), requirements=("EV-ENC-01",), at=AT, period=undisturbed_period(), facts=FACTS)
    judgement = Judgement(rules, small_world().evidence())
    first, outcomes_first = list(judgement), judgement.outcomes
    assert list(judgement) == first
    assert judgement.outcomes == outcomes_first
    assert [item.requirement for item in outcomes_first] == ["EV-ENC-01"]


def undisturbed_period() -> Any:
    return next(iter(small_world().receipts.values())).period


def findings_of(found: Judged, check: str) -> list[Finding]:
    return [finding for finding in found[0] if finding.check == check]


@pytest.mark.parametrize(("days", "approved"), [(10, True), (10, False), (9000, True), (9000, False)])
def test_an_override_is_used_and_one_without_approval_is_said(days: int, approved: bool) -> None:
    name = "EV-IAM-01-C3.max_key_age_days"
    found = judged(small_world(), parameters={name: Parameter(days, approved)})
    results = Counter(finding.result for finding in findings_of(found, "EV-IAM-01-C3"))
    assert bool(results[FindingResult.FAIL]) == (days == 10)
    check = next(item for one in found[1] for item in one.checks if item.check == "EV-IAM-01-C3")
    assert check.parameters == {"max_key_age_days": days}
    assert findings_of(found, "EV-IAM-01-C4") == findings_of(undisturbed(), "EV-IAM-01-C4"), "another check's parameter"


def test_a_loose_override_without_approval_needs_review() -> None:
    kept = [record for record in small_world().records["aws.iam.credentials", "global"] if "Created" in record.fields]
    unit = Unit(kind="aws.iam.credential_report", account=ACCOUNT)
    world = small_world().with_records(unit, lambda found: [record for record in found if record in kept])
    for approved, outcome in ((True, Outcome.NO_EXCEPTION), (False, Outcome.NEEDS_REVIEW)):
        parameters = {"EV-IAM-01-C3.max_key_age_days": Parameter(9000, approved)}
        _, results = judged(world, parameters=parameters)
        check = next(item for one in results for item in one.checks if item.check == "EV-IAM-01-C3")
        assert check.outcome is outcome


def test_a_check_over_accounts_has_one_record_for_each() -> None:
    (finding,) = findings_of(undisturbed(), "EV-IAM-01-C1")
    assert (finding.kind, finding.record, finding.account, finding.region) == (
        "scope.account",
        ACCOUNT,
        ACCOUNT,
        "global",
    )


def own_catalog(**check: Any) -> Catalog:
    """A catalogue with one requirement of one check."""
    kind_names = sorted({kind for item in eight().requirements for kind in item.kinds})
    made = EvidenceRequirement.model_validate(
        {
            "id": "EV-NET-01", "title": "t", "kind": "inventory", "automation": "automated", "cadence": "monthly",
            "source": {"system": "aws"}, "scope": "per account", "retention_class": "audit",
            "kinds": kind_names, "mappings": {},
            "checks": [{"id": "EV-NET-01-C1", "text": "t", "mode": "auto"} | check],
        }
    )  # fmt: skip
    return Catalog(frameworks=(), requirements=(made,), facts={})


def result_by_region(found: Judged) -> dict[str, FindingResult]:
    return {finding.region: finding.result for finding in found[0]}


HAS_INTERFACES = own_catalog(
    over="region", **{"with": {"interfaces": "aws.ec2.network_interfaces"}, "assert": "interfaces.size() > 0"}
)


def test_a_check_over_regions_has_one_record_for_each_and_reads_lists_of_its_region() -> None:
    found = judged(small_world(), catalog=HAS_INTERFACES)
    assert result_by_region(found) == {"eu-west-1": FindingResult.PASS, "eu-central-1": FindingResult.FAIL}
    assert {(finding.kind, finding.record) for finding in found[0]} == {("scope.region", name) for name in REGIONS}


def test_a_service_that_is_off_is_an_exception_to_a_check_over_regions() -> None:
    unit = Unit(kind="aws.ec2.network_interfaces", account=ACCOUNT, region="eu-west-1")
    off = degraded(small_world(), unit, "unavailable")
    assert result_by_region(judged(off, catalog=HAS_INTERFACES))["eu-west-1"] is FindingResult.FAIL
    denied = degraded(small_world(), unit, "denied")
    assert result_by_region(judged(denied, catalog=HAS_INTERFACES))["eu-west-1"] is FindingResult.ERROR


def test_a_list_within_the_account_holds_all_its_regions() -> None:
    within = {"trails": {"kind": "aws.cloudtrail.trails", "within": "account"}}
    catalog = own_catalog(
        over="account", **{"with": within, "assert": "trails.exists(trail, trail.region == 'eu-central-1')"}
    )
    found = judged(small_world(), catalog=catalog)
    assert [finding.result for finding in found[0]] == [FindingResult.PASS]
    assert found[0][0].values["trails (records)"] == sum(
        len(small_world().records["aws.cloudtrail.trails", region]) for region in REGIONS
    )


def test_a_list_of_another_region_is_not_read() -> None:
    catalog = own_catalog(
        over="aws.cloudtrail.trails",
        **{"with": {"interfaces": "aws.ec2.network_interfaces"}, "assert": "interfaces.size() > 0"},
    )
    found = judged(small_world(), catalog=catalog)
    assert {item.region: item.result for item in found[0]} == {
        "eu-west-1": FindingResult.PASS, "eu-central-1": FindingResult.FAIL,
    }  # fmt: skip


def test_a_view_is_read_from_the_units_of_its_base() -> None:
    base = Unit(kind="aws.iam.credential_report", account=ACCOUNT)
    after = judged(degraded(small_world(), base, "denied"))
    (finding,) = findings_of(after, "EV-IAM-01-C3")
    assert (finding.kind, finding.record) == ("aws.iam.credentials", WHOLE_UNIT)
    assert finding.reason is not None
    assert finding.reason.type == "unit"
    assert "aws.iam.credential_report" in finding.reason.text
    assert "denied" in finding.reason.text


def test_a_view_has_no_coverage_of_its_own() -> None:
    told = {kind.kind for item in undisturbed()[1] for kind in item.coverage}
    assert told == {unit.kind for unit in all_units(eight())}
    assert not told & views().keys()


def test_the_oldest_answer_says_when_a_requirement_was_collected() -> None:
    world = small_world()
    unit = Unit(kind="aws.ec2.volumes", account=ACCOUNT, region="eu-west-1")
    early = world.receipts[unit].model_copy(update={"finished": AT - timedelta(days=40)})
    found = {item.requirement: item for item in judged(world.with_receipt(unit, early))[1]}
    assert found["EV-ENC-01"].collected_at == AT - timedelta(days=40)
    assert any("days before the evaluation" in reason for reason in found["EV-ENC-01"].reasons)
    assert found["EV-NET-01"].collected_at == AT


def test_an_empty_account_is_evidence_and_a_denied_one_is_not() -> None:
    kind, catalog = "aws.ec2.volumes", own_catalog(over="aws.ec2.volumes", **{"assert": "record.Encrypted"})
    for result, good in ((GatherResult.EMPTY, True), (GatherResult.DENIED, False)):
        world = only(kind).with_records(Unit(kind=kind, account=ACCOUNT, region="eu-west-1"), lambda found: [])
        world = world.with_records(Unit(kind=kind, account=ACCOUNT, region="eu-central-1"), lambda found: [])
        for unit in world.units:
            world = world.with_receipt(unit, a_receipt(unit, result))
        one = catalog.requirements[0].model_copy(update={"kinds": (kind,)})
        _, (outcome,) = judged(world, catalog=catalog.model_copy(update={"requirements": (one,)}))
        assert outcome.outcome is (Outcome.NOT_APPLICABLE if good else Outcome.NOT_COLLECTED)


@pytest.mark.parametrize("result", [GatherResult.COLLECTED, GatherResult.UNAVAILABLE])
def test_no_record_is_the_good_answer_only_of_a_service_that_answered(result: GatherResult) -> None:
    kind = "aws.ec2.volumes"
    catalog = own_catalog(over=kind, none_is_good=True, **{"assert": "record.Encrypted"})
    units = tuple(Unit(kind=kind, account=ACCOUNT, region=region) for region in REGIONS)
    world = World(receipts={unit: a_receipt(unit, result, transcript=False) for unit in units}, records={}, units=units)
    _, (outcome,) = judged(world, catalog=catalog)
    assert outcome.checks[0].outcome is (
        Outcome.NO_EXCEPTION if result is GatherResult.COLLECTED else Outcome.NOT_APPLICABLE
    )


def test_memory_holds_the_findings_of_one_place_at_a_time() -> None:
    """The second region is not read before the findings of the first were taken."""
    asked: list[str] = []
    world = small_world()

    def records(kind: str, unit: Unit) -> tuple[Record, ...]:
        asked.append(unit.region)
        return world.records.get((kind, unit.region), ())

    evidence = world.evidence()
    watched = type(evidence)(**{**vars(evidence), "records": records})
    rules = Rules(
        catalog=own_catalog(over="aws.cloudtrail.trails", **{"assert": "true"}), requirements=("EV-NET-01",), at=AT,
        period=undisturbed_period(), facts={},
    )  # fmt: skip
    stream = iter(Judgement(rules, watched))
    assert next(stream).region == "eu-central-1"
    assert asked == ["eu-central-1"]
    assert {finding.region for finding in stream} == {"eu-central-1", "eu-west-1"}
    assert kinds()["aws.cloudtrail.trails"].scope == "region"
