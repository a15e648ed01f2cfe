"""Outcomes in words: never one green word, always of how many and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from report_builders import (
    ACCOUNT,
    AT,
    HEADER,
    OUTCOMES,
    RECEIPTS,
    REQUIREMENTS,
    RUN,
    assessment,
    check,
    coverage,
    result,
)

from controls.assessment import RequirementRow
from controls.models import Source
from evidence_schema.models.finding import RequirementOutcome
from evidence_schema.models.names import GatherResult, Mode, Outcome
from evidence_schema.models.unit import Period
from flows.report.legend import GATHER_MEANINGS, OUTCOME_MEANINGS
from flows.report.naming import workbook_name
from flows.report.words import (
    AWAITING,
    check_text,
    check_words,
    coverage_words,
    gather_reason,
    is_gap,
    outcome_words,
    period_label,
    requirement_words,
    rule_words,
)
from flows.report.words import (
    OUTCOMES as OUTCOME_WORDS,
)


def row(id_: str) -> RequirementRow:
    return next(row for row in assessment().requirements if row.requirement.id == id_)


def test_every_outcome_and_gather_result_has_words_and_a_meaning() -> None:
    assert list(OUTCOME_WORDS) == list(OUTCOME_MEANINGS) == list(Outcome)
    assert list(GATHER_MEANINGS) == list(GatherResult)


def test_no_word_of_ours_says_compliant_or_effective() -> None:
    words = " ".join([*OUTCOME_WORDS.values(), *OUTCOME_MEANINGS.values(), *GATHER_MEANINGS.values()]).lower()
    assert not any(word in words for word in ("complian", "effective", " ok", "green"))


def test_no_exception_says_of_how_many_items_and_when() -> None:
    assert (
        outcome_words(Outcome.NO_EXCEPTION, 12, 12, AT) == "no exception noted, 12 of 12 items, at 2026-11-01T06:00:00Z"
    )
    assert requirement_words(row("EV-LOG-01")) == "no exception noted, 2 of 2 items, at 2026-11-01T06:02:03Z"


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("EV-BKP-01", "stale"),
        ("EV-ENC-01", "exception"),
        ("EV-IAM-01", "needs review"),
        ("EV-LOG-06", "not collected"),
        ("EV-NET-01", "not applicable"),
        ("EV-GOV-05", "awaiting a person: security officer"),
        ("EV-VUL-01", "not asked for in this run"),
    ],
)
def test_requirement_in_words(id_: str, words: str) -> None:
    assert requirement_words(row(id_)) == words


def test_what_a_system_could_tell_that_is_not_connected_says_so() -> None:
    plain = row("EV-GOV-05")
    unconnected = plain.requirement.model_copy(update={"source": Source(system="hris")})
    words = "awaiting a person: a file from hris, which is not connected"
    assert requirement_words(replace(plain, requirement=unconnected)) == words


def test_several_checks_are_named_where_items_count_once_for_each() -> None:
    two = [result(f"EV-LOG-01-C{n}", Outcome.NO_EXCEPTION, tested=5, passed=5) for n in (1, 2)]
    outcome = RequirementOutcome(
        requirement="EV-LOG-01", outcome=Outcome.NO_EXCEPTION, collected_at=AT, checks=tuple(two)
    )
    words = requirement_words(replace(row("EV-LOG-01"), outcome=outcome))
    assert words == "no exception noted, 10 of 10 items in 2 checks, at 2026-11-01T06:00:00Z"


def test_a_human_check_awaits_a_person() -> None:
    judged = row("EV-IAM-01")
    human = next(check for check in judged.outcome.checks if check.mode is Mode.HUMAN) if judged.outcome else None
    assert check_words(Mode.HUMAN, human, judged) == "needs review: awaiting a person"
    assert check_words(Mode.HUMAN, None, row("EV-GOV-05")) == f"{AWAITING}: security officer"


def test_a_report_check_has_no_result() -> None:
    assert check_words(Mode.REPORT, None, row("EV-ENC-01")) == "shown only: no pass or fail"


def test_an_automatic_check_without_result_is_not_silent() -> None:
    assert check_words(Mode.AUTO, None, row("EV-LOG-01")) == "needs review: no result on record"


def test_coverage_tells_the_results_apart_and_names_what_has_no_receipt() -> None:
    words = coverage_words([coverage("aws.x.y", 5, collected=1, empty=1, denied=1, failed=1)])
    assert words == "aws.x.y: 2 of 5 units complete (1 collected, 1 denied, 1 empty, 1 failed, 1 without a receipt)"


@pytest.mark.parametrize(
    ("id_", "gap"),
    [("EV-ENC-01", True), ("EV-LOG-06", True), ("EV-BKP-01", True), ("EV-LOG-01", False), ("EV-NET-01", False)],
)
def test_a_gap_shows_also_beside_an_exception(id_: str, gap: bool) -> None:
    outcome = next(outcome for outcome in OUTCOMES if outcome.requirement == id_)
    assert is_gap(outcome) is gap


def test_what_was_not_planned_is_no_gap_of_the_run() -> None:
    assert not is_gap(None)


def test_parameters_that_were_used_stand_in_the_text() -> None:
    backup = REQUIREMENTS[0].checks[0]
    used = result(backup.id, Outcome.NO_EXCEPTION, parameters={"max_age_hours": 12})
    assert check_text(backup, used) == "Each database has a recovery point of the last 12 hours"
    assert check_text(backup, None) == "Each database has a recovery point of the last 24 hours"


def test_a_rule_is_shown_verbatim_with_all_its_parts() -> None:
    rule = check(
        "EV-ENC-01-C9", "x", when="record.a", unless="record.b in facts.list", **{"with": {"keys": "aws.kms.keys"}}
    )
    assert rule_words(rule).splitlines() == [
        "over: aws.s3.buckets",
        "with: keys = aws.kms.keys in the same region",
        "when: record.a",
        "assert: record.encryption.enabled",
        "unless: record.b in facts.list",
    ]


def test_gather_reason_names_each_call_that_did_not_answer() -> None:
    assert gather_reason(RECEIPTS[0]) == (
        "the bucket refused every call\ns3:ListObjectsV2 (list) denied: AccessDenied x1"
    )


def test_a_calendar_month_is_named_so_and_other_periods_by_both_days() -> None:
    month = Period(start=datetime(2026, 12, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC))
    quarter = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC))
    hours = Period(start=datetime(2026, 12, 1, 3, tzinfo=UTC), end=datetime(2026, 12, 1, 9, tzinfo=UTC))
    assert [period_label(p) for p in (month, quarter, hours)] == [
        "2026-12",
        "2026-10-01_to_2027-01-01",
        "2026-12-01_to_2026-12-01",
    ]


def test_the_file_name_says_simulated_only_where_it_is() -> None:
    assert workbook_name(assessment()) == f"SIMULATED_HIPAA_2026-10_{RUN}.xlsx"
    assert workbook_name(assessment(simulated=False)) == f"HIPAA_2026-10_{RUN}.xlsx"


def test_the_file_name_holds_no_name_and_no_space() -> None:
    name = workbook_name(assessment())
    assert " " not in name
    assert HEADER.organisation.split()[0] not in name
    assert ACCOUNT not in name
