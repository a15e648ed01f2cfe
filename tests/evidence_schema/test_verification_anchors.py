"""Checkpoints outside of the vault: whatever became of the log, it must begin with what each of them covers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import LAYOUT, OTHER_KEY, BuiltLog, MemoryReader, build_log
from stamped_logs import TSA, HonestAuthority, needs_openssl, stamped_log

from evidence_schema.verification import Anchor, Property, Report, Verdict, verify_log

pytestmark = pytest.mark.sealing


@pytest.fixture(scope="module")
def sound() -> BuiltLog:
    return build_log(2)


@pytest.fixture(scope="module")
def forged() -> BuiltLog:
    """The same key tells the history otherwise: another first request."""
    return build_log(2, hooks={"opened": lambda opened, _: opened.model_copy(update={"case": "CASE-1"})})


def copies(log: BuiltLog, *sizes: int) -> MemoryReader:
    """What the anchor was given when the log had these sizes."""
    reader = MemoryReader()
    for size in sizes or range(1, len(log.reader.keys(LAYOUT.entries)) + 1):
        reader.replace(LAYOUT.checkpoint(size), log.reader.data(LAYOUT.checkpoint(size)))
    return reader


def judged(log: BuiltLog, *anchors: MemoryReader, reader: MemoryReader | None = None, **given: object) -> Report:
    named = [Anchor(f"s3://a{number}", anchor) for number, anchor in enumerate(anchors, 2)]
    return verify_log(reader or log.reader, **{"trust": log.trust, "now": log.now, "anchors": named, **given})


def types_of(report: Report) -> set[str]:
    return {problem.type for problem in report.problems}


def shortened(log: BuiltLog, size: int) -> MemoryReader:
    """Rolled back: nothing above this size was ever there."""
    reader = log.reader.copy()
    for number in range(size, 20):
        for key in (LAYOUT.entry(number), LAYOUT.checkpoint(number + 1)):
            if key in reader.objects:
                reader.remove(key)
    return reader


def test_the_verdict_says_how_far_and_where(sound: BuiltLog) -> None:
    report = judged(sound, copies(sound, 3, 7), copies(sound, 2))
    assert report.problems == ()
    verdict, reason = report.verdicts[Property.ANCHORED]
    assert (verdict, reason) == (
        Verdict.HOLDS, "extends the checkpoint in s3://a2 of 7 entries; 3 newer ones are not anchored"
    )  # fmt: skip


@given(st.integers(2, 9), st.integers(2, 9))
def test_a_log_shorter_than_any_checkpoint_of_any_anchor_is_told(length: int, anchored: int) -> None:
    log = _two_runs()
    report = judged(log, copies(log, anchored), reader=shortened(log, length))
    told = [problem for problem in report.problems if problem.property is Property.ANCHORED]
    assert [problem.type for problem in told] == (["log-shorter-than-kept"] if length < anchored else [])
    assert report.exit_code == (4 if length < anchored else report.exit_code)
    assert all(problem.key == f"s3://a2 {LAYOUT.checkpoint(anchored)}" for problem in told)


def test_another_history_by_the_same_key_is_told_at_every_size_that_it_changes(
    sound: BuiltLog, forged: BuiltLog
) -> None:
    assert judged(forged).problems == (), "the key holder's log agrees with itself"
    report = judged(forged, copies(sound))
    assert types_of(report) == {"kept-checkpoint-root-differs"}
    assert len(report.problems) == 10
    assert report.exit_code == 4


def test_one_true_anchor_is_enough_among_others(sound: BuiltLog, forged: BuiltLog) -> None:
    assert types_of(judged(forged, copies(forged), copies(sound, 5))) == {"kept-checkpoint-root-differs"}


def test_an_anchor_without_checkpoints_anchors_nothing_and_says_so(sound: BuiltLog) -> None:
    report = judged(sound, MemoryReader())
    assert types_of(report) == {"anchor-empty"}
    assert report.exit_code == 5
    assert report.verdicts[Property.ANCHORED][0] is Verdict.BROKEN


def test_a_checkpoint_that_was_deleted_or_written_over_is_told(sound: BuiltLog) -> None:
    anchor = copies(sound)
    anchor.put(LAYOUT.checkpoint(4), None)
    anchor.put(LAYOUT.checkpoint(5), b"rubbish")
    anchor.put(LAYOUT.checkpoint(6), sound.reader.data(LAYOUT.checkpoint(7)))
    report = judged(sound, anchor)
    assert [problem.key for problem in report.problems] == [f"s3://a2 {LAYOUT.checkpoint(size)}" for size in (4, 5, 6)]
    assert types_of(report) == {"anchor-changed"}


def test_a_second_version_is_held_against_the_log_like_the_first(sound: BuiltLog, forged: BuiltLog) -> None:
    anchor = copies(forged)
    anchor.put(LAYOUT.checkpoint(5), sound.reader.data(LAYOUT.checkpoint(5)))
    assert types_of(judged(forged, anchor)) == {"kept-checkpoint-root-differs"}


def test_a_checkpoint_by_a_key_that_nobody_pinned_is_told(sound: BuiltLog) -> None:
    other = build_log(2, keys=lambda _: OTHER_KEY)
    assert "kept-checkpoint-not-signed" in types_of(judged(sound, copies(other, 3)))


def test_what_the_anchor_lists_and_does_not_give_is_told(sound: BuiltLog) -> None:
    class Silent(MemoryReader):
        def stream(self, key, version=""):
            raise OSError("no connection")

    report = judged(sound, Silent(copies(sound, 3).objects))
    assert types_of(report) == {"anchor-unreadable", "anchor-empty"}
    assert report.exit_code == 5


def test_an_anchor_that_cannot_be_listed_ends_the_check_instead_of_passing_it(sound: BuiltLog) -> None:
    class Gone(MemoryReader):
        def versions(self, prefix):
            raise OSError("no connection")

    with pytest.raises(OSError, match="no connection"):
        judged(sound, Gone())


def test_a_vault_that_was_emptied_is_known_by_its_anchor(sound: BuiltLog) -> None:
    report = judged(sound, copies(sound), reader=MemoryReader(), trust=None)
    assert {"log-shorter-than-kept", "log-empty"} <= types_of(report)
    assert report.exit_code == 4


def test_an_anchor_does_not_make_an_old_log_fresh(sound: BuiltLog) -> None:
    late = judged(sound, copies(sound), now=sound.now + timedelta(days=60))
    assert types_of(late) == {"stale"}


@given(st.binary(max_size=300))
def test_whatever_lies_in_an_anchor_is_a_problem_and_never_a_crash(data: bytes) -> None:
    log = _two_runs()
    anchor = copies(log)
    anchor.put(LAYOUT.checkpoint(3), data)
    assert "anchor-changed" in types_of(judged(log, anchor))


def _two_runs(cache: list[BuiltLog] = []) -> BuiltLog:  # noqa: B006 (kept on purpose: made once for all examples)
    if not cache:
        cache.append(build_log(2))
    return cache[0]


@needs_openssl
def test_a_token_in_the_anchor_dates_the_farthest_checkpoint_by_whom_the_auditor_believes(tmp_path: Path) -> None:
    log = stamped_log(HonestAuthority.found(tmp_path), runs=1)
    anchor = copies(log)
    for key in log.reader.keys(LAYOUT.tokens):
        anchor.replace(key, log.reader.data(key))
    report = judged(log, anchor)
    assert report.problems == ()
    assert report.verdicts[Property.ANCHORED][1].startswith(
        "extends the checkpoint in s3://a2 of 4 entries (dated 2026-08-01T06:14:00Z by simulated)"
    )
    anchor.replace(LAYOUT.token(4, TSA), log.reader.data(LAYOUT.token(3, TSA)))
    report = judged(log, anchor)
    assert [(problem.type, problem.key) for problem in report.problems] == [
        ("anchor-changed", f"s3://a2 {LAYOUT.token(4, TSA)}")
    ]
