"""From a selection to a plan: units, tasks, actions, and a clear line for what is unknown."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slices import eight

from controls.catalog import installed
from controls.errors import UnknownName
from controls.models import Catalog, EvidenceRequirement
from evidence_schema.digest import Digest
from evidence_schema.models.unit import Period, Plan, PlannedUnit, Selection
from flows.collectors.registry import load_kinds
from flows.errors import NothingPlanned, UsageError
from flows.planning import PREFLIGHT_KIND, PlannedRun, make_plan, unit_lines
from flows.settings import Settings

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("eu-west-1", "eu-central-1")
PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
KINDS = load_kinds()


def settings_of(**fields: Any) -> Settings:
    return Settings.model_validate(
        {
            "organisation": "A clinic",
            "log": "clinic",
            "accounts": [{"id": id_} for id_ in ACCOUNTS],
            "regions": list(REGIONS),
            "vault": {"url": "s3://vault"},
            "keys": {"log": "file:log.pem", "pseudonyms": "file:names.key"},
        }
        | fields
    )


def plan_of(selection: Selection | None = None, catalog: Catalog | None = None, **fields: Any) -> PlannedRun:
    return make_plan(catalog or eight(), KINDS, settings_of(**fields), selection or Selection(), PERIOD)


def gathered(planned: PlannedRun) -> set[str]:
    return {unit.unit.kind for unit in planned.units}


WHOLE = plan_of()
OPT_IN = {kind for kind in KINDS if KINDS[kind].opt_in is not None}
"""The kinds that bill."""


def consent(*kinds: str) -> dict[str, Any]:
    return {"opt_in": {kind: {"approved_by": "ciso", "as_of": "2026-01-01T00:00:00Z"} for kind in kinds}}


def test_a_whole_plan_has_every_requirement_kind_account_and_region() -> None:
    assert WHOLE.plan.requirements == tuple(item.id for item in eight().requirements if item.kinds)
    assert WHOLE.plan.accounts == tuple(sorted(ACCOUNTS))
    assert WHOLE.plan.regions == tuple(sorted(REGIONS))
    assert WHOLE.plan.frameworks == ("hipaa", "gdpr", "soc2")
    assert WHOLE.plan.period == PERIOD
    assert WHOLE.plan.units.rows == len(WHOLE.units)


def test_each_unit_is_planned_once_in_its_scope() -> None:
    counted = Counter((unit.unit.kind, unit.unit.account) for unit in WHOLE.units)
    assert len({unit.unit for unit in WHOLE.units}) == len(WHOLE.units)
    for (kind, _), count in counted.items():
        assert count == (1 if KINDS[kind].scope == "account" else len(REGIONS))
        regions = {unit.unit.region for unit in WHOLE.units if unit.unit.kind == kind}
        assert regions == ({"global"} if KINDS[kind].scope == "account" else set(REGIONS))
    assert {account for _, account in counted} == set(ACCOUNTS)


def test_views_are_read_and_not_gathered_and_what_they_are_read_from_is() -> None:
    named = {kind for item in eight().requirements for kind in item.kinds}
    views = {kind for kind in named if KINDS[kind].view_of is not None and not KINDS.consent_of(kind)}
    assert views
    assert gathered(WHOLE) & views == set()
    assert {KINDS[kind].view_of for kind in views} <= gathered(WHOLE)


def test_what_a_kind_builds_on_is_gathered_too_and_serves_the_same_requirement() -> None:
    planned = plan_of(Selection(requirements=("EV-LOG-06",)))
    assert "aws.cloudtrail.trails" not in installed_requirement("EV-LOG-06").kinds
    assert gathered(planned) == {PREFLIGHT_KIND, "aws.cloudtrail.log_files", "aws.cloudtrail.trails"}
    assert all(unit.requirements == ("EV-LOG-06",) for unit in planned.units)


def installed_requirement(id_: str) -> EvidenceRequirement:
    return next(item for item in eight().requirements if item.id == id_)


@pytest.mark.parametrize("id_", [item.id for item in eight().requirements])
def test_every_requirement_alone_plans_all_that_its_checks_read(id_: str) -> None:
    planned, item = plan_of(Selection(requirements=(id_,)), **consent(*OPT_IN)), installed_requirement(id_)
    bases = {KINDS[kind].view_of or kind for kind in item.kinds}
    sources = {source for kind in bases for source in KINDS.sources_of(kind)}
    assert gathered(planned) == bases | sources | {PREFLIGHT_KIND}
    assert planned.plan.requirements == (id_,)


def test_the_regions_are_asked_first_by_every_plan() -> None:
    for item in eight().requirements:
        planned = plan_of(Selection(requirements=(item.id,)))
        preflight = [unit for unit in planned.units if unit.unit.kind == PREFLIGHT_KIND]
        assert {unit.unit.account for unit in preflight} == set(ACCOUNTS)
        assert all(unit.requirements == planned.plan.requirements for unit in preflight)


def test_units_name_the_requirements_that_read_them() -> None:
    serves = {unit.unit.kind: unit.requirements for unit in WHOLE.units}
    assert serves["aws.backup.plans"] == ("EV-BKP-01", "EV-BKP-02")
    assert serves["aws.rds.instances"] == ("EV-BKP-02", "EV-ENC-02")
    assert serves["aws.cloudtrail.trails"] == ("EV-LOG-01", "EV-LOG-06")
    assert serves["aws.ec2.volumes"] == ("EV-ENC-01",)
    assert all(serves.values())


def test_a_task_gathers_one_service_in_one_account_and_region() -> None:
    keys = WHOLE.task_keys
    assert keys == sorted(set(keys))
    assert set(keys) == {(KINDS[u.unit.kind].service, u.unit.account, u.unit.region) for u in WHOLE.units}
    assert ("ec2", ACCOUNTS[0], "global") in keys, "the regions"
    assert ("iam", ACCOUNTS[0], "eu-west-1") not in keys


def test_the_actions_are_the_union_of_those_declared() -> None:
    assert WHOLE.plan.actions == tuple(sorted({a for kind in gathered(WHOLE) for a in KINDS[kind].actions}))
    assert WHOLE.plan.actions == KINDS.actions_of(gathered(WHOLE))
    narrow = plan_of(Selection(requirements=("EV-IAM-01",))).plan.actions
    assert narrow == (
        "ec2:DescribeRegions",
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
        "iam:ListMFADevices",
        "iam:ListUsers",
    )


@pytest.mark.parametrize(
    ("selection", "requirements"),
    [
        (Selection(controls=("164.312(d)",)), ("EV-IAM-01", "EV-LOG-06")),
        (Selection(controls=("164.312(d)",), requirements=("EV-IAM-01",)), ("EV-IAM-01",)),
        (Selection(controls=("Art.32(1)(a)",)), ("EV-BKP-01", "EV-BKP-02", "EV-ENC-01", "EV-ENC-02")),
        (Selection(controls=("CC6.6", "A1.2")), ("EV-BKP-01", "EV-BKP-02", "EV-IAM-01", "EV-NET-01")),
        (Selection(frameworks=("soc2",), controls=("P4.1",)), ("EV-ENC-02",)),
        (Selection(kinds=("aws.ec2.volumes",)), ("EV-ENC-01",)),
        (Selection(kinds=("aws.cloudtrail.sign_ins",)), ("EV-LOG-06",)),
        (Selection(kinds=("aws.rds.instances",)), ("EV-BKP-02", "EV-ENC-02")),
    ],
)
def test_a_selection_narrows_the_requirements(selection: Selection, requirements: tuple[str, ...]) -> None:
    assert plan_of(selection).plan.requirements == requirements


def test_a_control_may_be_named_by_its_alias() -> None:
    control = next(
        control
        for item in eight().frameworks
        for control in item.controls
        if control.aliases and any(control.id in m for r in eight().requirements for m in r.mappings.values())
    )
    by_id, by_alias = (plan_of(Selection(controls=(name,))) for name in (control.id, control.aliases[0]))
    assert by_alias.units == by_id.units
    assert by_alias.plan.requirements == by_id.plan.requirements


def test_a_kind_narrows_what_is_gathered_to_it_and_what_it_builds_on() -> None:
    assert gathered(plan_of(Selection(kinds=("aws.ec2.volumes",)))) == {PREFLIGHT_KIND, "aws.ec2.volumes"}
    assert gathered(plan_of(Selection(kinds=("aws.cloudtrail.sign_ins",)))) == {
        PREFLIGHT_KIND,
        "aws.cloudtrail.log_files",
        "aws.cloudtrail.trails",
    }


def test_accounts_and_regions_narrow_the_units() -> None:
    planned = plan_of(Selection(accounts=(ACCOUNTS[1],), regions=("eu-central-1",)))
    assert {unit.unit.account for unit in planned.units} == {ACCOUNTS[1]}
    assert {unit.unit.region for unit in planned.units} == {"eu-central-1", "global"}
    assert planned.plan.regions == ("eu-central-1",)


def test_frameworks_of_the_settings_are_the_default_and_named_once() -> None:
    assert plan_of(frameworks=["gdpr"]).plan.frameworks == ("gdpr",)
    assert plan_of(Selection(frameworks=("soc2", "soc2"))).plan.frameworks == ("soc2",)


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        (Selection(controls=("164.312b",)), "expected a known control, found '164.312b'; did you mean 164.312(b)"),
        (Selection(frameworks=("hippa",)), "expected a known framework, found 'hippa'; did you mean hipaa"),
        (
            Selection(requirements=("EV-IAM-11",)),
            "expected a known evidence requirement, found 'EV-IAM-11'; did you mean EV-IAM-01",
        ),
        (
            Selection(kinds=("aws.ec2.volume",)),
            "expected a known kind, found 'aws.ec2.volume'; did you mean aws.ec2.volumes",
        ),
        (
            Selection(accounts=("111122223334",)),
            "expected a known account of the settings, found '111122223334'; did you mean 1111",
        ),
        (
            Selection(regions=("eu-west-2",)),
            "expected a known region of the settings, found 'eu-west-2'; did you mean eu-west-1",
        ),
        (Selection(regions=("global",)), "expected a known region of the settings, found 'global'"),
    ],
)
def test_an_unknown_name_is_told_with_near_matches(selection: Selection, told: str) -> None:
    with pytest.raises((UnknownName, UsageError)) as caught:
        plan_of(selection)
    assert told in str(caught.value)


def test_an_unknown_framework_of_the_settings_is_told() -> None:
    with pytest.raises(UnknownName, match="did you mean soc2"):
        plan_of(frameworks=["soc1"])


def test_what_bills_is_planned_only_where_somebody_opted_in_to_it() -> None:
    whole = plan_of(catalog=installed())
    assert {"aws.cloudtrail.lake_events", "aws.athena.trail_days"} == OPT_IN
    assert gathered(whole) & OPT_IN == set()
    left_out = {item.kind: item for item in whole.plan.not_asked}
    assert left_out.keys() == OPT_IN | {"aws.cloudtrail.lake_days"}, "views of what is not asked among them"
    assert left_out["aws.cloudtrail.lake_days"].reason == KINDS["aws.cloudtrail.lake_events"].opt_in
    assert left_out["aws.cloudtrail.lake_events"].requirements == ("EV-ACC-02", "EV-LOG-06")
    of_them = {
        action for kind in OPT_IN for action in KINDS[kind].actions if action.startswith(("athena", "cloudtrail"))
    }
    assert not of_them & set(whole.plan.actions)


@pytest.mark.parametrize("kind", sorted(OPT_IN))
def test_consent_adds_one_kind_with_its_actions_and_nothing_else(kind: str) -> None:
    without, asked = plan_of(catalog=installed()), plan_of(catalog=installed(), **consent(kind))
    assert gathered(asked) - gathered(without) == {kind}
    assert set(asked.plan.actions) == set(without.plan.actions) | set(KINDS[kind].actions)
    assert {unit.unit for unit in without.units} < {unit.unit for unit in asked.units}
    assert kind not in {item.kind for item in asked.plan.not_asked}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            "aws.cloudtrail.lake_event",
            "found 'aws.cloudtrail.lake_event'; opt-in are: aws.athena.trail_days, aws.cloud",
        ),
        ("aws.cloudtrail.lake_days", "it is read from aws.cloudtrail.lake_events: name that"),
        ("aws.ec2.volumes", "it is gathered without; take the line away"),
    ],
)
def test_consent_to_what_needs_none_is_refused(kind: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_of(**consent(kind))
    assert told in str(caught.value)


@pytest.mark.parametrize("kind", ["aws.athena.trail_days", "aws.cloudtrail.lake_days"])
def test_what_bills_is_not_asked_either_where_it_is_named_on_the_command_line(kind: str) -> None:
    with pytest.raises(UsageError, match=r"which bills by data scanned.*`opt_in`"):
        plan_of(Selection(kinds=(kind, "aws.cloudtrail.trails")), catalog=installed())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"parameters": {"EV-IAM-01-C3.max_key_age": {"value": 30}}}, "did you mean EV-IAM-01-C3.max_key_age_days"),
        ({"parameters": {"max_key_age_days": {"value": 30}}}, "expected a known parameter in the settings"),
        (
            {"facts": {"log_platforms": {"value": {}, "approved_by": "ciso", "as_of": "2026-01-01T00:00:00Z"}}},
            "expected a known fact in the settings, found 'log_platforms'; did you mean log_platform",
        ),
    ],
)
def test_a_misspelt_parameter_or_fact_is_told_and_not_passed_over(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_of(**fields)
    assert told in str(caught.value)


def by_hand(item: EvidenceRequirement) -> EvidenceRequirement:
    return item.model_copy(update={"kinds": (), "automation": "manual"})


def test_what_a_person_supplies_is_named_and_not_planned() -> None:
    catalog = eight().model_copy(
        update={"requirements": tuple(by_hand(r) if r.id == "EV-NET-01" else r for r in eight().requirements)}
    )
    planned = plan_of(catalog=catalog)
    assert [item.id for item in planned.awaiting] == ["EV-NET-01"] == list(planned.plan.awaiting)
    assert "EV-NET-01" not in planned.plan.requirements
    with pytest.raises(NothingPlanned, match="found only what a person supplies: EV-NET-01;"):
        plan_of(Selection(requirements=("EV-NET-01",)), catalog=catalog)


def test_the_installed_catalogue_is_planned_whole_and_says_what_awaits_a_person() -> None:
    planned = plan_of(catalog=installed())
    assert {*planned.plan.requirements, *planned.plan.awaiting} == {item.id for item in installed().requirements}
    assert {"EV-PRV-01", "EV-IAM-06"} <= set(planned.plan.awaiting)
    assert len({unit.unit for unit in planned.units}) == len(planned.units)


def profiled(**roles: Any) -> dict[str, Any]:
    return {"profile": {"approved_by": "privacy officer", "as_of": "2026-01-01T00:00:00Z", **roles}}


@pytest.mark.parametrize("role", ["controller", "processor"])
def test_what_only_controls_ask_that_do_not_bind_the_organisation_is_not_planned(role: str) -> None:
    gdpr = next(item for item in installed().frameworks if item.framework.id == "gdpr")
    binding = {control.id for control in gdpr.controls if role in control.applies_to}
    asked = {item.id: item.mappings["gdpr"].keys() for item in installed().requirements if "gdpr" in item.mappings}
    planned = plan_of(Selection(frameworks=("gdpr",)), catalog=installed(), **profiled(gdpr=[role]))
    found = {*planned.plan.requirements, *planned.plan.awaiting}
    assert found == {id_ for id_, controls in asked.items() if controls & binding}
    assert role == "controller" or found < asked.keys()


def test_a_selection_that_nothing_serves_plans_nothing() -> None:
    with pytest.raises(NothingPlanned):
        plan_of(Selection(frameworks=("gdpr",), controls=("164.312(b)",)))
    with pytest.raises(NothingPlanned):
        plan_of(Selection(controls=("164.404(a)(1)",)))


def test_the_sealed_list_is_the_units_line_by_line() -> None:
    lines = list(unit_lines(WHOLE.units))
    data = b"".join(lines)
    assert WHOLE.plan.units.digest == Digest.of(data)
    assert WHOLE.plan.units.size == len(data)
    assert tuple(PlannedUnit.from_canonical(line.removesuffix(b"\n")) for line in lines) == WHOLE.units
    assert Plan.from_canonical(WHOLE.plan.canonical()) == WHOLE.plan


@settings(max_examples=25)
@given(st.permutations(ACCOUNTS), st.permutations(REGIONS))
def test_the_order_of_the_settings_does_not_change_the_plan(accounts: list[str], regions: list[str]) -> None:
    again = plan_of(accounts=[{"id": id_} for id_ in accounts], regions=regions)
    assert Digest.of(again.plan.canonical()) == Digest.of(WHOLE.plan.canonical())


@settings(max_examples=40)
@given(
    st.sets(st.sampled_from([item.id for item in eight().requirements])),
    st.sets(st.sampled_from(["hipaa", "gdpr", "soc2"])),
    st.sets(st.sampled_from(ACCOUNTS)),
    st.sets(st.sampled_from(REGIONS)),
)
def test_a_narrower_selection_plans_a_part_of_the_whole(
    requirements: set[str], frameworks: set[str], accounts: set[str], regions: set[str]
) -> None:
    selection = Selection(
        requirements=tuple(requirements), frameworks=tuple(frameworks), accounts=tuple(accounts), regions=tuple(regions)
    )
    planned = plan_of(selection)
    assert {unit.unit for unit in planned.units} <= {unit.unit for unit in WHOLE.units}
    served = {
        item.id for item in eight().requirements if item.mappings.keys() & (frameworks or {*WHOLE.plan.frameworks})
    }
    assert set(planned.plan.requirements) == (requirements or set(WHOLE.plan.requirements)) & served
    assert set(planned.plan.actions) <= set(WHOLE.plan.actions)
    tasks = [(unit.service, unit.unit.account, unit.unit.region) for unit in planned.units]
    assert planned.task_keys == sorted(set(tasks))
