"""What was promised and not done: by the log's own schedule, told to the slot; two programs say the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import LAYOUT, LOG, BuiltLog, LogBuilder

from evidence_schema.digest import Digest
from evidence_schema.dsse import parse_envelope
from evidence_schema.models.entry import CollectorVersion, Heartbeat, ScheduleChange
from evidence_schema.models.schedule import Schedule
from evidence_schema.models.trust import FreshnessTrust
from evidence_schema.slots import due_at, missing, name_of, number_of, rules_of
from evidence_schema.verification import Property, Report, verify_log
from flows.report.package import verify as single

pytestmark = pytest.mark.sealing

DAY = timedelta(days=1)
START = datetime(2026, 8, 1, 6, tzinfo=UTC)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no program `openssl`")


class Scheduled(LogBuilder):
    """Writes what a scheduler writes."""

    def common_of_log(self) -> dict[str, Any]:
        return {"log": LOG, "seq": 0, "time": self.now, "collector": CollectorVersion(version="0.1.0")}

    def promise(self, cadence: str = "monthly", since: datetime = START, id_: str = "monthly") -> None:
        schedule = Schedule(id=id_, cadence=cadence, since=since, approver="compliance lead")
        self.append(
            ScheduleChange(**self.common_of_log(), schedule=schedule),
            Digest.of(self.hooked("about", schedule.canonical())),
        )

    def beat(self) -> None:
        self.append(Heartbeat(**self.common_of_log()), Digest.of(self.files[-1]))

    def fill(self, slot: str, at: datetime, end: str = "closed") -> None:
        self.now = max(self.now, at)
        self.run(slot=slot, end=end)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def months(*filled: int, skip_to: str = "") -> Scheduled:
    """A monthly schedule from 2026-08-01, and a run on the first of the month after each of these."""
    log = Scheduled()
    log.promise()
    for month in filled:
        log.fill(f"monthly/2026-{month:02}", at(f"2026-{month + 1:02}-01T06:00:00"))
    return log


def both(log: LogBuilder, now: datetime, *, max_age_days: int = 10_000, **freshness: Any) -> set[str]:
    """The types of what is not fresh, which the package's verifier and the single file find alike."""
    built = log.built()
    rule = FreshnessTrust(**freshness) if freshness else None
    built.trust = built.trust.model_copy(update={"freshness": rule, "max_age_days": max_age_days})
    report = verify_log(built.reader, trust=built.trust, now=now)
    by_package = {problem.type for problem in report.problems}
    assert by_package == by_single_file(built, now), report.problems
    return by_package


def by_single_file(log: BuiltLog, now: datetime) -> set[str]:
    """Steps 2, 5 and 9 of `verify.py` alone: these logs are no packages."""
    problems = single.Problems()
    verifier = single.Verifier.__new__(single.Verifier)
    verifier.policy = json.loads(log.trust.canonical())
    verifier.problems, verifier.now, verifier.root, verifier.scope = problems, now, LAYOUT.root, None
    verifier.log, verifier.named, verifier.contexts = LOG, {}, {}
    verifier._name = lambda *_, **__: True  # type: ignore[method-assign]
    entries = [
        single.Entry(seq, key, log.reader.data(key), problems)
        for seq, key in enumerate(log.reader.keys(LAYOUT.entries))
    ]
    runs = verifier._runs(entries)
    verifier._times(entries, list(runs.values()))
    return {type_ for _, type_, _, _ in problems.found}


def judged(log: LogBuilder, now: datetime, **freshness: Any) -> Report:
    built = log.built()
    trust = built.trust.model_copy(update={"freshness": FreshnessTrust(**freshness), "max_age_days": 10_000})
    return verify_log(built.reader, trust=trust, now=now)


def test_a_slot_is_missing_when_its_grace_has_passed_and_not_before() -> None:
    log = months(8, 9)
    assert both(log, at("2026-11-07T23:59:59")) == set()
    assert both(log, at("2026-11-08T00:00:00")) == {"slot-missing"}
    assert both(log, at("2026-11-04T00:00:00"), monthly_grace_days=2) == {"slot-missing"}


def test_what_is_missing_is_named_with_when_it_was_due() -> None:
    report = judged(months(8, 9), at("2027-01-20T00:00:00"))
    (problem,) = report.problems
    assert (problem.type, problem.key) == ("slot-missing", LAYOUT.entry(0))
    assert problem.expected == "a closed run of monthly/2026-10 within 7 days of 2026-11-01T00:00:00Z"
    assert problem.found == "none of monthly/2026-10 to monthly/2026-12, 3 slots"
    assert report.exit_code == 5


def test_a_gap_between_filled_slots_is_told_though_the_newest_run_is_new() -> None:
    assert both(months(8, 10), at("2026-11-02T00:00:00"), max_age_days=38) == {"slot-missing"}


def test_a_heartbeat_fills_no_slot() -> None:
    log = months(8)
    log.now = at("2026-10-20T06:00:00")
    log.beat()
    assert both(log, at("2026-10-20T07:00:00")) == {"slot-missing"}


def test_a_heartbeat_does_not_lift_the_outer_bound() -> None:
    log = months(8)
    log.now = at("2026-12-20T06:00:00")
    log.beat()
    assert both(log, at("2026-12-20T07:00:00"), max_age_days=38) == {"slot-missing", "stale"}


def test_who_is_silent_for_longer_than_promised_is_told_and_a_heartbeat_is_a_sign_of_life() -> None:
    log = months(8)
    newest = log.now
    assert both(log, newest + timedelta(days=3), max_silence_days=4) == set()
    assert both(log, newest + timedelta(days=5), max_silence_days=4) == {"silent"}
    log.now = newest + timedelta(days=4)
    log.beat()
    assert both(log, newest + timedelta(days=7), max_silence_days=4) == set()
    log.fill("adhoc/0123456789ab", newest + timedelta(days=9))
    assert both(log, newest + timedelta(days=10), max_silence_days=4) == {"silent"}, "a request is no scheduler"


def test_a_log_without_a_schedule_owes_no_slot() -> None:
    log = Scheduled()
    log.fill("monthly/2026-08", at("2026-09-01T06:00:00"))
    assert both(log, at("2027-09-01T06:00:00")) == set()
    reason = judged(log, at("2026-09-02T06:00:00")).verdicts[Property.FRESH][1]
    assert reason.endswith("no schedule in the log tells what was due")


def test_an_abandoned_run_and_one_that_was_closed_before_its_month_was_over_fill_nothing() -> None:
    log = months(8)
    log.fill("monthly/2026-09", at("2026-09-15T06:00:00"))
    log.fill("monthly/2026-10", at("2026-11-01T06:00:00"), end="abandoned")
    assert both(log, at("2026-11-20T06:00:00")) == {"slot-missing"}
    (problem,) = judged(log, at("2026-11-20T06:00:00")).problems
    assert problem.found.endswith("monthly/2026-09 to monthly/2026-10, 2 slots")


def test_what_was_due_before_the_schedule_changed_stays_due() -> None:
    """Whoever ends a schedule today, dated back, is still asked for yesterday's slot."""
    log = months(8)
    log.now = at("2026-10-20T06:00:00")
    log.promise("none", since=START)
    assert both(log, at("2027-10-21T06:00:00")) == {"slot-missing"}
    report = judged(log, at("2027-10-21T06:00:00"))
    assert [problem.found for problem in report.problems] == ["none of monthly/2026-09"]
    (note,) = report.notes
    assert (note.type, note.expected) == (
        "schedule-changed",
        "monthly: monthly since 2026-08-01T06:00:00Z, by compliance lead",
    )


def test_a_schedule_that_is_ended_owes_nothing_more() -> None:
    log = months(8, 9)
    log.promise("none", since=at("2026-10-01T06:00:00"))
    assert both(log, at("2030-01-01T00:00:00")) == set()


def test_a_daily_schedule_is_told_after_two_days() -> None:
    log = Scheduled()
    log.promise("daily", id_="nightly")
    for day in (1, 2, 3):
        log.fill(f"nightly/2026-08-{day:02}", START + day * DAY)
    assert both(log, at("2026-08-06T12:00:00")) == set()
    assert both(log, at("2026-08-07T00:00:01")) == {"slot-missing"}


def test_an_entry_about_something_else_than_it_says_is_told() -> None:
    log = Scheduled({"about": lambda data, _: data + b" "})
    log.promise()
    assert "subject-differs" in both(log, START + DAY)
    forged = months(8)
    forged.append(Heartbeat(**forged.common_of_log()), Digest.of(b"something else"))
    assert "subject-differs" in both(forged, forged.now)


@pytest.mark.parametrize("kind", ["schedule-change", "heartbeat"])
def test_the_statements_are_small(kind: str) -> None:
    log = Scheduled()
    longest = Schedule(id="m" * 16, cadence="monthly", since=START, approver="a" + "b" * 59)
    log.append(ScheduleChange(**log.common_of_log(), schedule=longest), Digest.of(longest.canonical()))
    log.beat()
    sizes = [len(parse_envelope(file).payload) for file in log.files]
    assert max(sizes) < 1_000


# --- the arithmetic -------------------------------------------------------------------------------------------------

CADENCES = st.sampled_from(["daily", "monthly"])
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(CADENCES, st.integers(20_000, 100_000))
def test_a_number_names_its_period_and_periods_follow_one_another(cadence: Any, number: int) -> None:
    assert number_of(cadence, name_of(cadence, number)) == number
    assert due_at(cadence, number) < due_at(cadence, number + 1)
    assert single.period_number(cadence, name_of(cadence, number)) == number
    assert single.period_end(cadence, number) == due_at(cadence, number)


@given(CADENCES, MOMENTS, MOMENTS, st.integers(0, 40), st.sets(st.integers(0, 60), max_size=20), st.booleans())
def test_what_is_missing_is_what_a_walk_over_every_day_finds(
    cadence: Any, start: datetime, now: datetime, grace: int, filled: set[int], is_ended: bool
) -> None:
    first = number_of(cadence, f"{start:%Y-%m-%d}" if cadence == "daily" else f"{start:%Y-%m}")
    assert first is not None
    end = start + timedelta(days=100)
    changes = [(0, start, Schedule(id="job", cadence=cadence, since=start, approver="lead"))]
    if is_ended:
        changes.append((1, end, Schedule(id="job", cadence="none", since=end, approver="lead")))
    closed = {f"job/{name_of(cadence, first + item)}": due_at(cadence, first + item) for item in filled}
    told = {
        number
        for gap in missing(rules_of(changes), closed, now, {cadence: timedelta(days=grace)})
        for number in _numbers(cadence, gap.first, gap.count)
    }
    walked = {
        number
        for number in range(first - 2, first + 1_500)
        if (due := due_at(cadence, number)) >= start
        and due <= now - timedelta(days=grace)
        and not (is_ended and due >= end)
        and number - first not in filled
    }
    assert told == walked


def _numbers(cadence: Any, first: str, count: int) -> Iterator[int]:
    number = number_of(cadence, first.removeprefix("job/"))
    assert number is not None
    yield from range(number, number + count)


@given(st.text(max_size=12), CADENCES)
def test_any_name_has_a_number_or_none_and_both_programs_agree(name: str, cadence: Any) -> None:
    assert number_of(cadence, name) == single.period_number(cadence, name)


@pytest.mark.parametrize("name", ["0000-01", "2026-13", "2026-00", "0000-00-00", "2026-02-30", "2026-1", "२०२६-०१"])
def test_what_is_no_period_has_no_number(name: str) -> None:
    assert number_of("monthly", name) is None
    assert number_of("daily", name) is None


def test_a_schedule_since_the_year_one_costs_nothing() -> None:
    old = Schedule(id="job", cadence="daily", since=datetime(1, 1, 1, tzinfo=UTC), approver="lead")
    (gap,) = missing(rules_of([(0, datetime(1, 1, 1, tzinfo=UTC), old)]), {}, at("2026-08-01T00:00:00"), {})
    assert (gap.first, gap.count) == ("job/0001-01-01", 739_828)
