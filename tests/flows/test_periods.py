"""Months, slots and periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from evidence_schema.models.names import RunId, SlotName
from flows.errors import UsageError
from flows.steps.periods import (
    adhoc_period,
    adhoc_slot,
    checked_case,
    checked_slot,
    month_before,
    month_period,
    month_slot,
    new_run_id,
)

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
SLOT, RUN = TypeAdapter(SlotName), TypeAdapter(RunId)
MOMENTS = st.datetimes(datetime(1970, 2, 1), datetime(9998, 12, 31), timezones=st.just(UTC))
ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("month", "start", "end"),
    [
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
    ],
)
def test_a_month_is_its_days_without_the_next_ones_first(month: str, start: str, end: str) -> None:
    period = month_period(month)
    assert (period.start, period.end) == tuple(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (start, end))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-1",
        "2026-13",
        "2026-00",
        "26-10",
        "2026-10-01",
        " 2026-10",
        "2026-10\n",
        "0000-01",
        "9999-12",
        "२०२६-10",
        "2026-१०",
        "october",
        "-001-01",
    ],
)
def test_what_is_no_month_is_told(text: str) -> None:
    for ask in (month_period, month_slot):
        with pytest.raises(UsageError, match="expected a month like 2026-10"):
            ask(text)


@settings(max_examples=100)
@given(MOMENTS, ZONES)
def test_the_month_before_ends_where_the_month_of_now_begins(moment: datetime, zone: timezone) -> None:
    period = month_period(month_before(moment.astimezone(zone)))
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert period.end == first
    assert 28 <= (period.end - period.start).days <= 31
    assert period.start.day == 1
    SLOT.validate_python(month_slot(month_before(moment)))


@settings(max_examples=100)
@given(st.integers(1, 9997), st.integers(1, 12))
def test_months_follow_one_another_without_gap_or_overlap(year: int, month: int) -> None:
    following = f"{year + month // 12:04}-{month % 12 + 1:02}"
    assert month_period(f"{year:04}-{month:02}").end == month_period(following).start


@settings(max_examples=50)
@given(st.text(max_size=10))
def test_no_text_crashes_the_month(text: str) -> None:
    try:
        month_period(text)
    except UsageError as error:
        assert "2026-10" in str(error)  # noqa: PT017 (either is right; nothing else may come)


def test_an_occasion_of_its_own_has_a_slot_of_its_own() -> None:
    slots = {adhoc_slot() for _ in range(50)}
    assert len(slots) == 50
    for slot in slots:
        SLOT.validate_python(slot)
        assert checked_slot(slot) == slot


@pytest.mark.parametrize(
    "slot", ["monthly/2026-10", "adhoc/", "adhoc/ABC1", "adhoc/abc", "x", "adhoc/a b c", "adhoc/abcd\n"]
)
def test_another_slot_is_told(slot: str) -> None:
    with pytest.raises(UsageError, match="expected a slot like adhoc/"):
        checked_slot(slot)


@pytest.mark.parametrize("case", ["INC-1234", "A", "jira.OPS-1_2", "x" * 64])
def test_a_ticket_id_is_a_case(case: str) -> None:
    assert checked_case(case) == case


@pytest.mark.parametrize("case", ["", "Ana Maria", "-x", "x" * 65, "a@b.example", "INC-1\n", "ü1", "a/b"])
def test_names_and_free_text_are_no_case(case: str) -> None:
    with pytest.raises(UsageError, match="expected a ticket id such as INC-1234"):
        checked_case(case)


def test_no_case_and_no_slot_are_fine() -> None:
    assert checked_case(None) is None
    assert checked_slot(None) is None


def test_by_default_a_collection_now_speaks_about_the_last_day() -> None:
    period = adhoc_period(None, None, NOW)
    assert (period.start, period.end) == (NOW - timedelta(days=1), NOW)


def test_from_and_to_are_taken_as_given() -> None:
    start, end = NOW - timedelta(days=9), NOW - timedelta(days=2)
    assert adhoc_period(start, end, NOW).start == start
    assert adhoc_period(start, end, NOW).end == end
    assert adhoc_period(None, end, NOW).start == end - timedelta(days=1)
    assert adhoc_period(start, None, NOW).end == NOW


@pytest.mark.parametrize(
    ("start", "end"),
    [(NOW, NOW), (NOW + timedelta(hours=1), NOW), (NOW, NOW + timedelta(milliseconds=500))],
)
def test_from_that_is_not_before_to_is_told(start: datetime, end: datetime) -> None:
    """Times are kept in whole seconds."""
    with pytest.raises(UsageError, match="expected --from before --to"):
        adhoc_period(start, end, NOW + timedelta(days=1))


@settings(max_examples=50)
@given(MOMENTS, ZONES)
def test_a_run_is_named_by_its_moment_in_utc_and_by_chance(moment: datetime, zone: timezone) -> None:
    name = new_run_id(moment.astimezone(zone))
    RUN.validate_python(name)
    assert name.startswith(f"run-{moment:%Y%m%dT%H%M%SZ}") or moment.year < 1000
    assert name != new_run_id(moment)
    assert len(name) <= 64, "the longest name of a role session"
