"""Queries that bill: not asked, not planned and not permitted until somebody consents; then once, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from worlds import Founder, Gathered, Organisation, collected_here, json_of

from evidence_schema.models.names import FindingResult, GatherResult
from evidence_schema.models.unit import Selection
from flows.collectors.aws.never_call import OPT_IN
from flows.demo.access_log import Access
from flows.demo.filling import HOME_REGION, SECOND_REGION
from flows.demo.world import World

pytestmark = pytest.mark.journey

LAKE, ATHENA = "aws.cloudtrail.lake_events", "aws.athena.trail_days"
READERS = Selection(requirements=("EV-ACC-02", "EV-LOG-06"))
CONSENT = {"approved_by": "security officer", "as_of": "2026-11-01T00:00:00Z"}
QUERIES = {
    "cloudtrail:StartQuery", "cloudtrail:DescribeQuery", "cloudtrail:GetQueryResults",
    "athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
}  # fmt: skip
BILLS = {"cloudtrail:StartQuery", "athena:StartQueryExecution"}
Run = tuple[Gathered, tuple[Access, ...]]


def run_of(place: Organisation, world: World) -> Run:
    world.faults.clear()
    world.clear_accesses()
    return collected_here(place, READERS), world.accesses()


def consenting(place: Organisation) -> Organisation:
    place.change_settings(lambda settings: settings.update(opt_in={LAKE: dict(CONSENT), ATHENA: dict(CONSENT)}))
    return place


def asked(accesses: tuple[Access, ...]) -> Counter[str]:
    return Counter(name for access in accesses if (name := f"{access.service}:{access.operation}") in QUERIES)


def first_checks(gathered: Gathered) -> dict[str, FindingResult]:
    wanted = ("EV-ACC-02-C1", "EV-LOG-06-C1")
    return {finding.check: finding.result for finding in gathered.findings if finding.check in wanted}


@pytest.fixture(scope="module")
def place(whole_organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return whole_organisation(tmp_path_factory.mktemp("without-consent"))


@pytest.fixture(scope="module")
def consented(whole_organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return consenting(whole_organisation(tmp_path_factory.mktemp("with-consent")))


@pytest.fixture(scope="module")
def without(place: Organisation, whole_world: World) -> Run:
    return run_of(place, whole_world)


@pytest.fixture(scope="module")
def asking(consented: Organisation, whole_world: World) -> Run:
    return run_of(consented, whole_world)


def test_without_consent_no_query_is_asked_and_the_checks_decide_by_the_log_files(without: Run) -> None:
    gathered, accesses = without
    assert asked(accesses) == {}
    assert not {LAKE, ATHENA} & {unit.kind for unit in gathered.receipts}
    assert first_checks(gathered) == dict.fromkeys(("EV-ACC-02-C1", "EV-LOG-06-C1"), FindingResult.PASS)
    told = [reason for item in gathered.outcomes.requirements for reason in item.reasons]
    assert not [reason for reason in told if "lake" in reason or "athena" in reason]


def test_with_consent_each_query_is_asked_once_and_its_counts_agree(asking: Run) -> None:
    gathered, accesses = asking
    counts = asked(accesses)
    assert counts.keys() == QUERIES
    assert {name: counts[name] for name in BILLS} == dict.fromkeys(BILLS, 1), "one store keeps management events"
    same = Counter(
        (one.operation, one.parameters_sha256) for one in accesses if f"{one.service}:{one.operation}" in QUERIES
    )
    assert set(same.values()) == {1}, "further calls are further pages"
    results = {(unit.kind, unit.region): row for unit, row in gathered.receipts.items() if unit.kind in (LAKE, ATHENA)}
    assert {place: row.result for place, row in results.items()} == {
        (LAKE, HOME_REGION): GatherResult.COLLECTED, (LAKE, SECOND_REGION): GatherResult.EMPTY,
        (ATHENA, "global"): GatherResult.COLLECTED,
    }  # fmt: skip
    assert "1 of 2 stores keep no management events" in results[LAKE, HOME_REGION].reason
    records = list(gathered.records())
    counted = Counter(name for item in records if item.kind == LAKE for name in item.fields["CountedAs"])
    assert all(counted[name] > 0 for name in ("AccessChanges", "SignIns"))
    assert sum(sum(item.fields["Events"].values()) for item in records if item.kind == ATHENA) > 100
    assert first_checks(gathered) == dict.fromkeys(("EV-ACC-02-C1", "EV-LOG-06-C1"), FindingResult.PASS)


@pytest.fixture
def something_lost(whole_world: World) -> Iterator[None]:
    """The store has none of the events."""
    control, account = whole_world.server.control, whole_world.filled.account
    control.put_facts(account, HOME_REGION, {"lake_is_empty": True})
    yield
    control.put_facts(account, HOME_REGION, {"lake_is_empty": False})


def test_a_second_source_that_disagrees_is_an_exception(
    consented: Organisation, whole_world: World, something_lost: None
) -> None:
    gathered, _ = run_of(consented, whole_world)
    assert first_checks(gathered) == dict.fromkeys(("EV-ACC-02-C1", "EV-LOG-06-C1"), FindingResult.FAIL)


def test_a_query_that_is_denied_after_consent_is_a_gap(consented: Organisation, whole_world: World) -> None:
    whole_world.faults.clear()
    whole_world.faults.deny("cloudtrail:StartQuery")
    try:
        gathered = collected_here(consented, READERS)
    finally:
        whole_world.faults.clear()
    denied = {unit.region: row.result for unit, row in gathered.receipts.items() if unit.kind == LAKE}
    assert denied[HOME_REGION] is GatherResult.DENIED
    assert first_checks(gathered) == dict.fromkeys(("EV-ACC-02-C1", "EV-LOG-06-C1"), FindingResult.ERROR)


def test_the_plan_says_what_is_not_asked_and_why(place: Organisation, consented: Organisation) -> None:
    without = place.evidence("plan", "-r", "EV-LOG-06")
    assert "Not asked: opt-in" in without.stdout
    assert "bills by data scanned" in " ".join(without.stdout.split())
    plan, with_consent = (json_of(one.evidence("plan", "-r", "EV-LOG-06", "--json")) for one in (place, consented))
    assert {item["kind"] for item in plan["not_asked"]} == {LAKE, ATHENA, "aws.cloudtrail.lake_days"}
    assert with_consent["not_asked"] == []
    kinds = [{unit["unit"]["kind"] for unit in found["expected"]} for found in (plan, with_consent)]
    assert kinds[1] - kinds[0] >= {LAKE, ATHENA}


def test_the_policy_permits_what_bills_only_after_consent(place: Organisation, consented: Organisation) -> None:
    def actions(one: Organisation) -> set[Any]:
        return set(json_of(one.evidence("policy"))["Statement"][0]["Action"])

    assert OPT_IN - {"cloudformation:DetectStackDrift"} == BILLS
    assert not actions(place) & BILLS
    assert actions(consented) >= BILLS


def test_consent_to_an_unknown_kind_is_a_clear_line_and_nothing_starts(
    whole_organisation: Founder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = whole_organisation(tmp_path_factory.mktemp("misspelt"))
    place.change_settings(lambda settings: settings.update(opt_in={"aws.cloudtrail.lake_event": CONSENT}))
    done = place.evidence("plan")
    assert done.returncode == 2
    assert "expected a known kind under `opt_in`" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
