"""From tallies and coverage to outcomes: each branch by a table, and what must hold of all by properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.models import Check, EvidenceRequirement
from controls.outcome import MOST_REASONS, STALE_AFTER, Tally, check_result, requirement_outcome
from evidence_schema.models.finding import CheckResult, Finding, KindCoverage, Reason
from evidence_schema.models.names import FindingResult, GatherResult, Mode, Outcome

AT = datetime(2026, 11, 1, 6, tzinfo=UTC)
KIND = "aws.s3.buckets"
GOOD = (Outcome.NO_EXCEPTION, Outcome.NOT_APPLICABLE)


def a_check(**fields: Any) -> Check:
    rule = {} if fields.get("mode", "auto") != "auto" else {"over": KIND, "assert": "record.ok"}
    return Check.model_validate({"id": "EV-ENC-01-C1", "text": "t", "mode": "auto"} | rule | fields)


def finding(result: FindingResult, reason: Reason | None = None, record: str = "x") -> Finding:
    return Finding(
        check="EV-ENC-01-C1", requirement="EV-ENC-01", kind=KIND, account="1", region="r", record=record,
        result=result, reason=reason,
    )  # fmt: skip


CALL = Reason(type="call", name="encryption", text="encryption is not known")
FACT = Reason(type="fact", name="data_classification", text="list data_classification not supplied")
RESULTS = {
    "pass": finding(FindingResult.PASS),
    "fail": finding(FindingResult.FAIL),
    "na": finding(FindingResult.NOT_APPLICABLE),
    "error": finding(FindingResult.ERROR, CALL),
    "fact": finding(FindingResult.ERROR, FACT),
}


def tally(*found: str, unplanned: tuple[str, ...] = (), answered: bool = True) -> Tally:
    made = Tally(unplanned=unplanned, answered=answered)
    for name in found:
        made.add(RESULTS[name])
    return made


PLAIN, SCOPED, NONE_GOOD = a_check(), a_check(scope_filter=True, when="record.in_scope"), a_check(none_is_good=True)


@pytest.mark.parametrize(
    ("check", "made", "expected"),
    [
        (PLAIN, tally("pass"), Outcome.NO_EXCEPTION),
        (PLAIN, tally("pass", "na"), Outcome.NO_EXCEPTION),
        (PLAIN, tally("na"), Outcome.NOT_APPLICABLE),
        (PLAIN, tally(), Outcome.NOT_APPLICABLE),
        (PLAIN, tally("pass", "fail"), Outcome.EXCEPTION),
        (PLAIN, tally("fail", "error", "fact", "na"), Outcome.EXCEPTION),
        (PLAIN, tally("pass", "error"), Outcome.NOT_COLLECTED),
        (PLAIN, tally("pass", "error", "fact"), Outcome.NOT_COLLECTED),
        (PLAIN, tally("pass", "fact"), Outcome.NEEDS_REVIEW),
        (PLAIN, tally(unplanned=(KIND,)), Outcome.NOT_COLLECTED),
        (PLAIN, tally("pass", unplanned=(KIND,)), Outcome.NOT_COLLECTED),
        (PLAIN, tally("fail", unplanned=(KIND,)), Outcome.EXCEPTION),
        (SCOPED, tally("na", "na"), Outcome.NEEDS_REVIEW),
        (SCOPED, tally("na", "pass"), Outcome.NO_EXCEPTION),
        (SCOPED, tally("na", "fail"), Outcome.EXCEPTION),
        (SCOPED, tally("na", "error"), Outcome.NOT_COLLECTED),
        (SCOPED, tally(), Outcome.NOT_APPLICABLE),
        (NONE_GOOD, tally(), Outcome.NO_EXCEPTION),
        (NONE_GOOD, tally(answered=False), Outcome.NOT_APPLICABLE),
        (NONE_GOOD, tally("na"), Outcome.NOT_APPLICABLE),
        (NONE_GOOD, tally("error"), Outcome.NOT_COLLECTED),
        (NONE_GOOD, tally(unplanned=(KIND,)), Outcome.NOT_COLLECTED),
        (a_check(mode="human"), tally(), Outcome.NEEDS_REVIEW),
        (a_check(mode="report"), tally(), None),
    ],
)
def test_a_checks_outcome(check: Check, made: Tally, expected: Outcome | None) -> None:
    assert check_result(check, made, {}).outcome == expected


def test_the_counts_of_a_check_are_the_findings() -> None:
    found = check_result(PLAIN, tally("pass", "pass", "fail", "na", "error", "fact"), {"max_days": 90})
    assert found == CheckResult(
        check="EV-ENC-01-C1", requirement="EV-ENC-01", mode=Mode.AUTO, outcome=Outcome.EXCEPTION, population=6,
        tested=3, passed=2, failed=1, not_applicable=1, errors=2, parameters={"max_days": 90},
        reasons=(CALL.text, FACT.text),
    )  # fmt: skip


def test_a_filter_that_selects_nothing_says_of_how_many() -> None:
    assert check_result(SCOPED, tally("na", "na"), {}).reasons == ("the scope filter selected 0 of 2 records",)


@pytest.mark.parametrize("made", [tally("pass"), tally("na"), tally()])
def test_an_override_without_approval_needs_review(made: Tally) -> None:
    found = check_result(PLAIN, made, {"max_days": 400}, ["max_days"])
    assert found.outcome is Outcome.NEEDS_REVIEW
    assert "max_days" in found.reasons[0]


@pytest.mark.parametrize("made", [tally("fail"), tally("error")])
def test_an_override_without_approval_weakens_nothing(made: Tally) -> None:
    assert check_result(PLAIN, made, {}, ["max_days"]).outcome == check_result(PLAIN, made, {}).outcome


def test_reasons_are_told_once_and_not_without_end() -> None:
    made = Tally()
    for number in range(100):
        for _ in range(2):
            reason = Reason(type="call", name="x", text=f"call {number} was denied")
            made.add(finding(FindingResult.ERROR, reason, f"record {number}"))
    found = check_result(PLAIN, made, {})
    assert found.errors == 200
    assert found.reasons == tuple(f"call {number} was denied" for number in range(MOST_REASONS))


def a_requirement(**fields: Any) -> EvidenceRequirement:
    return EvidenceRequirement.model_validate(
        {
            "id": "EV-ENC-01", "title": "t", "kind": "inventory", "automation": "automated", "cadence": "monthly",
            "source": {"system": "aws"}, "scope": "per account", "retention_class": "audit",
            "kinds": [KIND], "checks": [PLAIN.model_dump(by_alias=True)], "mappings": {},
        } | fields
    )  # fmt: skip


def covered(expected: int = 1, **results: int) -> KindCoverage:
    return KindCoverage(kind=KIND, expected=expected, results={GatherResult(name): n for name, n in results.items()})


def outcome_of(
    checks: list[Outcome | None], *coverage: KindCoverage, age: timedelta = timedelta(), **fields: Any
) -> Any:
    results = [
        CheckResult(check=f"EV-ENC-01-C{number}", requirement="EV-ENC-01", mode=Mode.AUTO, outcome=outcome)
        for number, outcome in enumerate(checks, 1)
    ]
    return requirement_outcome(
        a_requirement(**fields), results, coverage or [covered(collected=1)], collected_at=AT - age, at=AT
    )


@pytest.mark.parametrize("strong", range(len(Outcome)))
@pytest.mark.parametrize("weak", range(len(Outcome)))
def test_the_strongest_outcome_wins(strong: int, weak: int) -> None:
    order = [
        Outcome.EXCEPTION, Outcome.NOT_COLLECTED, Outcome.STALE, Outcome.NEEDS_REVIEW, Outcome.NO_EXCEPTION,
        Outcome.NOT_APPLICABLE,
    ]  # fmt: skip
    for pair in ([order[strong], order[weak]], [order[weak], None, order[strong]]):
        assert outcome_of(pair).outcome == order[min(strong, weak)]


def test_a_requirement_of_reports_only_needs_review() -> None:
    assert outcome_of([None]).outcome is Outcome.NEEDS_REVIEW
    assert outcome_of([]).outcome is Outcome.NEEDS_REVIEW


@pytest.mark.parametrize("result", ["collected", "empty", "unavailable"])
def test_a_complete_answer_leaves_the_outcome_alone(result: str) -> None:
    assert outcome_of([Outcome.NO_EXCEPTION], covered(**{result: 1})).outcome is Outcome.NO_EXCEPTION


@pytest.mark.parametrize(
    ("coverage", "why"),
    [
        (covered(denied=1), "aws.s3.buckets: 0 of 1 units complete (1 denied)"),
        (covered(failed=1), "aws.s3.buckets: 0 of 1 units complete (1 failed)"),
        (covered(partial=1), "aws.s3.buckets: 0 of 1 units complete (1 partial)"),
        (covered(4, collected=1, denied=1, failed=2), "aws.s3.buckets: 1 of 4 units complete (1 denied, 2 failed)"),
        (covered(2, collected=1), "aws.s3.buckets: 1 of 2 units complete (the rest has no receipt)"),
        (covered(0), "aws.s3.buckets: no unit was planned"),
    ],
)
def test_what_is_incomplete_is_not_collected_and_says_why(coverage: KindCoverage, why: str) -> None:
    found = outcome_of([Outcome.NO_EXCEPTION], coverage)
    assert found.outcome is Outcome.NOT_COLLECTED
    assert found.reasons[0] == why


@pytest.mark.parametrize("cadence", STALE_AFTER)
def test_evidence_older_than_its_cadence_and_slack_is_stale(cadence: str) -> None:
    limit = STALE_AFTER[cadence]  # type: ignore[index]
    assert outcome_of([Outcome.NO_EXCEPTION], age=limit, cadence=cadence).outcome is Outcome.NO_EXCEPTION
    late = outcome_of([Outcome.NO_EXCEPTION], age=limit + timedelta(seconds=1), cadence=cadence)
    assert late.outcome is Outcome.STALE
    assert late.reasons[-1] == f"collected {limit.days} days before the evaluation; cadence {cadence}"


def test_a_longer_cadence_allows_older_evidence() -> None:
    assert list(STALE_AFTER.values()) == sorted(STALE_AFTER.values())
    assert list(STALE_AFTER) == ["daily", "weekly", "monthly", "quarterly", "annual"]


def test_an_exception_stays_one_however_old_or_incomplete() -> None:
    assert outcome_of([Outcome.EXCEPTION], covered(denied=1), age=timedelta(days=900)).outcome is Outcome.EXCEPTION


NAMES = st.lists(st.sampled_from(list(RESULTS)), max_size=8)
CHECKS = st.builds(
    a_check,
    scope_filter=st.booleans(),
    none_is_good=st.booleans(),
    when=st.sampled_from([None, "record.in_scope"]),
)
TALLIES = st.builds(
    lambda found, unplanned, answered: (found, tally(*found, unplanned=unplanned, answered=answered)),
    NAMES,
    st.sampled_from([(), (), (KIND,)]),
    st.booleans(),
)
COVERAGES = st.lists(
    st.dictionaries(st.sampled_from([*GatherResult]), st.integers(1, 3), max_size=3).flatmap(
        lambda results: st.builds(
            lambda extra: KindCoverage(kind=KIND, expected=sum(results.values()) + extra, results=results),
            st.integers(0, 2),
        )
    ),
    min_size=1,
    max_size=3,
)


def is_complete(kind: KindCoverage) -> bool:
    done = sum(n for result, n in kind.results.items() if result in ("collected", "empty", "unavailable"))
    return 0 < kind.expected == done


@settings(max_examples=200)
@given(CHECKS, TALLIES, st.sampled_from([(), ("max_days",)]))
def test_nothing_good_is_said_of_a_check_that_is_not_fully_known(
    check: Check, made: tuple[list[str], Tally], unapproved: tuple[str, ...]
) -> None:
    names, counted = made
    outcome = check_result(check, counted, {}, unapproved).outcome
    assert (outcome is Outcome.EXCEPTION) == ("fail" in names)
    unknown = {"error", "fact"} & set(names) or counted.unplanned or unapproved
    assert not (unknown and outcome in GOOD)
    if outcome is Outcome.NO_EXCEPTION:
        assert "pass" in names or (check.none_is_good and not names and counted.answered)
    if check.scope_filter and names and "pass" not in names:
        assert outcome not in GOOD


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([None, *Outcome]), max_size=5),
    COVERAGES,
    st.integers(0, 1000),
    st.sampled_from([*STALE_AFTER]),
)
def test_nothing_good_is_said_of_a_requirement_that_is_not_fully_collected(
    checks: list[Outcome | None], coverage: list[KindCoverage], days: int, cadence: str
) -> None:
    found = outcome_of(checks, *coverage, age=timedelta(days=days), cadence=cadence)
    assert (found.outcome is Outcome.EXCEPTION) == (Outcome.EXCEPTION in checks)
    if not all(is_complete(kind) for kind in coverage):
        assert found.outcome in (Outcome.EXCEPTION, Outcome.NOT_COLLECTED)
    if timedelta(days=days) > STALE_AFTER[cadence]:  # type: ignore[index]
        assert found.outcome not in GOOD
    told = [outcome for outcome in checks if outcome is not None]
    assert all(found.outcome.strength <= outcome.strength for outcome in told)
    assert found.coverage == tuple(coverage)
    assert found.collected_at == AT - timedelta(days=days)


@settings(max_examples=100)
@given(NAMES, st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_change_the_outcome(names: list[str], random: Any) -> None:
    mixed = list(names)
    random.shuffle(mixed)
    assert check_result(SCOPED, tally(*names), {}).outcome == check_result(SCOPED, tally(*mixed), {}).outcome
