"""Time-stamp tokens in a log: what they prove, and every way in which they can disagree with what the log claims."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from logs import LAYOUT, BuiltLog, MemoryReader
from stamped_logs import SOON, TSA, HonestAuthority, needs_openssl, stamped_log

from evidence_schema.digest import Digest
from evidence_schema.errors import TimestampsNotInstalled
from evidence_schema.models.entry import RunOpen
from evidence_schema.verification import Property, Report, Verdict, tokens, verify_log

pytestmark = [pytest.mark.sealing, needs_openssl]

HOUR = timedelta(hours=1)
SECOND_OPENING = 4
"""Number of the entry that opens the second run: the first one was opened, closed, judged and exported."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> HonestAuthority:
    return HonestAuthority.found(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def sound(authority: HonestAuthority) -> BuiltLog:
    return stamped_log(authority)


def verified(log: BuiltLog, reader: MemoryReader | None = None, **more: Any) -> Report:
    return verify_log(reader or log.reader, trust=log.trust, now=log.now, **more)


def types(report: Report) -> set[str]:
    return {problem.type for problem in report.problems}


def test_tokens_of_a_pinned_authority_prove_each_entrys_time(sound: BuiltLog) -> None:
    report = verified(sound)

    assert (report.exit_code, report.problems, report.notes) == (0, (), ())
    verdict, words = report.verdicts[Property.TIMELY]
    assert verdict is Verdict.HOLDS
    assert words.startswith("8 of 8 entries existed at the times that 8 tokens of simulated tell")


def test_tokens_of_an_authority_that_nobody_pinned_prove_nothing(sound: BuiltLog) -> None:
    trust = sound.trust.model_copy(update={"timestamps": None})
    report = verify_log(sound.reader, trust=trust, now=sound.now)

    assert report.exit_code == 0
    assert report.verdicts[Property.TIMELY][0] is Verdict.NOT_SHOWN
    assert {note.type for note in report.notes} == {"token-not-verified"}


def test_without_what_verifies_tokens_nothing_is_said_of_times(
    sound: BuiltLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TimestampsNotInstalled("none")

    monkeypatch.setattr(tokens, "verify_timestamp", refuse)
    verdict, words = verified(sound).verdicts[Property.TIMELY]
    assert verdict is Verdict.NOT_SHOWN
    assert "installed" in words


def test_a_token_that_came_late_is_told_and_is_no_tampering(authority: HonestAuthority) -> None:
    """The authority did not answer while the first run was closed, judged and exported; the next start asked again."""
    log = stamped_log(authority, delay=lambda size: None if size in (2, 3) else 5 * HOUR if size == 4 else SOON)

    report = verified(log)

    assert types(report) == {"entry-time-late"}
    assert [problem.key for problem in report.problems] == [LAYOUT.entry(seq) for seq in (1, 2, 3)]
    assert report.exit_code == 5
    assert report.verdicts[Property.TIMELY][0] is Verdict.BROKEN


def test_how_late_is_too_late_is_the_policys(authority: HonestAuthority) -> None:
    log = stamped_log(authority, delay=lambda _: 2 * HOUR, max_late_minutes=180)
    assert verified(log).exit_code == 0


def test_an_entry_without_a_token_is_unproven_once_one_could_have_come(authority: HonestAuthority) -> None:
    log = stamped_log(authority, delay=lambda size: None if size == 8 else SOON)
    assert types(verified(log)) == {"entry-time-unproven"}
    assert verified(log).exit_code == 5

    log.now -= timedelta(days=2) - 30 * SOON
    report = verified(log)
    assert report.problems == ()
    assert {note.type for note in report.notes} == {"entry-time-not-yet-proven"}


def test_entries_from_before_an_authority_was_named_need_no_token(authority: HonestAuthority) -> None:
    log = stamped_log(authority, delay=lambda size: SOON if size > SECOND_OPENING else None, first=SECOND_OPENING)
    assert verified(log).exit_code == 0
    assert types(verified(_with(log, first=0))) == {"entry-time-late"}


def test_who_dates_an_entry_back_is_contradicted_by_the_token(authority: HonestAuthority) -> None:
    """The insider has the key; the authority tells when it was really asked."""
    hooks = {"predicate": lambda value, _: value.model_copy(update={"time": value.time - timedelta(days=3)})}
    assert types(verified(stamped_log(authority, hooks=hooks))) >= {"entry-time-late"}


def test_who_dates_an_entry_forward_is_contradicted_by_the_token(authority: HonestAuthority) -> None:
    def forward(value: Any, _: int) -> Any:
        return value.model_copy(update={"time": value.time + timedelta(days=2)}) if value.seq == 7 else value

    report = verified(stamped_log(authority, hooks={"predicate": forward}))
    assert "entry-time-ahead" in types(report)
    assert report.exit_code == 4


@pytest.mark.parametrize(
    ("named", "type_"),
    [
        (lambda _: None, "earlier-token-missing"),
        (lambda _: Digest.of(b"another"), "earlier-token-unknown"),
    ],
)
def test_a_run_names_the_token_before_it(authority: HonestAuthority, named: Any, type_: str) -> None:
    def rename(value: Any, run: int) -> Any:
        return value.model_copy(update={"last_token": named(value)}) if run == 1 else value

    report = verified(stamped_log(authority, hooks={"opened": rename}))
    assert types(report) == {type_}
    assert report.exit_code == 4


def test_a_run_was_not_opened_before_the_token_that_it_names(authority: HonestAuthority) -> None:
    """Written today, and dated to last month: the token of this month betrays it."""

    def backdated(value: Any, _: int) -> Any:
        is_second = isinstance(value, RunOpen) and value.seq == SECOND_OPENING
        return value.model_copy(update={"time": value.time - timedelta(days=20)}) if is_second else value

    log = stamped_log(
        authority, hooks={"predicate": backdated}, delay=lambda size: 15 * 24 * HOUR if size == 4 else SOON
    )
    assert "entry-before-its-token" in types(verified(log))


STORED = {
    "token-invalid": lambda reader: reader.replace(LAYOUT.token(3, TSA), reader.data(LAYOUT.token(2, TSA))),
    "token-without-checkpoint": lambda reader: reader.replace(LAYOUT.token(99, TSA), reader.data(LAYOUT.token(2, TSA))),
    "token-authority-unknown": lambda reader: reader.replace(LAYOUT.token(3, "other"), b"x"),
    "unknown-key": lambda reader: reader.replace(f"{LAYOUT.tokens}3.simulated.tsr", b"x"),
    "second-version": lambda reader: reader.put(LAYOUT.token(3, TSA), b"x"),
    "delete-marker": lambda reader: reader.put(LAYOUT.token(3, TSA), None),
}


@pytest.mark.parametrize(("type_", "change"), STORED.items())
def test_a_changed_moved_or_planted_token_is_a_problem(sound: BuiltLog, type_: str, change: Any) -> None:
    reader = sound.reader.copy()
    change(reader)
    assert type_ in types(verified(sound, reader))


def test_a_token_that_cannot_be_read_is_a_problem(sound: BuiltLog) -> None:
    class Refusing(MemoryReader):
        def stream(self, key: str, version: str = "") -> Any:
            if key == LAYOUT.token(3, TSA):
                raise OSError("refused")
            return super().stream(key, version)

    assert "token-unreadable" in types(verified(sound, Refusing(sound.reader.objects)))


def test_every_single_bit_of_a_token_counts_or_proves_the_same(sound: BuiltLog) -> None:
    key = LAYOUT.token(5, TSA)
    data = sound.reader.data(key)
    for bit in range(0, 8 * len(data), 101):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        reader = sound.reader.copy()
        reader.replace(key, bytes(changed))
        report = verified(sound, reader)
        assert report.problems or "8 of 8 entries" in report.verdicts[Property.TIMELY][1]


def _with(log: BuiltLog, **changes: Any) -> BuiltLog:
    assert log.trust.timestamps is not None
    timestamps = log.trust.timestamps.model_copy(update=changes)
    return BuiltLog(
        log.reader, log.now, log.trust.model_copy(update={"timestamps": timestamps}), log.runs, log.workbooks
    )
