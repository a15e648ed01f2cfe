"""A sound log, and what its verdicts and exit codes say with and without what the auditor pinned and kept."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from random import Random

import pytest
from logs import KEY, LAYOUT, LOG, MONTH, ORIGIN, OTHER_KEY, LogBuilder, MemoryReader, build_log, trust_policy

from evidence_schema import merkle
from evidence_schema.encoding import to_base64
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.verification import Problem, Property, Report, Verdict, verify_log
from evidence_schema.verification.checkpoints import RunningRoot
from evidence_schema.verification.problems import Problems

pytestmark = pytest.mark.sealing

P = Property


@pytest.fixture(scope="module")
def sound():
    return build_log()


def _verdicts(report: Report) -> dict[Property, Verdict]:
    return {item: verdict for item, (verdict, _) in report.verdicts.items()}


def _types(report: Report) -> list[str]:
    return [problem.type for problem in report.problems]


def test_sound_log_has_no_problems(sound) -> None:
    report = verify_log(sound.reader, trust=sound.trust, now=sound.now)
    assert report.problems == ()
    assert report.exit_code == 0
    assert (report.log, report.origin, report.pinned) == (LOG, ORIGIN, True)
    assert (report.tree_size, report.entries, report.runs) == (14, 14, 4)
    blobs = [sound.reader.data(key) for key in sound.reader.keys(LAYOUT.blobs)]
    assert (report.blobs, report.bytes) == (len(blobs), sum(len(blob) for blob in blobs))
    assert report.root.encode() == sound.reader.data(LAYOUT.checkpoint(14)).split(b"\n")[2]


def test_no_verdict_is_green_for_what_was_not_shown(sound) -> None:
    report = verify_log(sound.reader, trust=sound.trust, now=sound.now)
    assert _verdicts(report) == {
        P.AUTHENTIC: Verdict.HOLDS,
        P.INTACT: Verdict.HOLDS,
        P.COMPLETE: Verdict.HOLDS,
        P.ORDERED: Verdict.HOLDS,
        P.TIMELY: Verdict.NOT_SHOWN,
        P.ANCHORED: Verdict.NOT_SHOWN,
        P.FRESH: Verdict.HOLDS,
    }
    assert all(reason for _, reason in report.verdicts.values())


def test_without_pinned_keys_nothing_holds(sound) -> None:
    report = verify_log(sound.reader, trust=None, now=sound.now)
    assert report.problems == ()
    assert report.exit_code == 6
    assert set(_verdicts(report).values()) == {Verdict.NOT_SHOWN}
    assert (report.log, report.origin) == (LOG, ORIGIN)


def test_without_pinned_keys_everything_else_is_still_checked(sound) -> None:
    reader = sound.reader.copy()
    reader.remove(reader.keys(LAYOUT.blobs)[0])
    report = verify_log(reader, trust=None, now=sound.now)
    assert report.exit_code == 5
    assert _verdicts(report)[P.COMPLETE] is Verdict.BROKEN


def test_kept_checkpoint_anchors_what_it_covers(sound) -> None:
    kept = sound.reader.data(LAYOUT.checkpoint(6))
    report = verify_log(sound.reader, trust=sound.trust, now=sound.now, kept=kept)
    verdict, reason = report.verdicts[P.ANCHORED]
    assert (report.exit_code, verdict) == (0, Verdict.HOLDS)
    assert "6 entries" in reason
    assert "8 newer" in reason


def test_report_hands_out_the_newest_checkpoint_to_keep(sound) -> None:
    report = verify_log(sound.reader, trust=sound.trust, now=sound.now)
    assert report.checkpoint == sound.reader.data(LAYOUT.checkpoint(14))
    again = verify_log(sound.reader, trust=sound.trust, now=sound.now, kept=report.checkpoint)
    assert again.verdicts[P.ANCHORED][0] is Verdict.HOLDS


def test_checkpoint_with_a_fault_is_not_handed_out(sound) -> None:
    reader = sound.reader.copy()
    reader.replace(LAYOUT.checkpoint(14), reader.data(LAYOUT.checkpoint(14))[:-3] + b"AA\n")
    report = verify_log(reader, trust=sound.trust, now=sound.now)
    assert report.checkpoint == reader.data(LAYOUT.checkpoint(13))


def test_checkpoint_of_an_empty_log_anchors_nothing(sound) -> None:
    empty = LogBuilder()
    empty.checkpoint(KEY)
    kept = empty.reader.data(LAYOUT.checkpoint(0))
    report = verify_log(sound.reader, trust=sound.trust, now=sound.now, kept=kept)
    assert report.verdicts[P.ANCHORED][0] is Verdict.NOT_SHOWN


def test_kept_file_that_is_no_checkpoint_is_refused(sound) -> None:
    for kept in (b"", b"not a note", sound.reader.data(LAYOUT.entry(0))):
        with pytest.raises(EvidenceSchemaError, match="expected"):
            verify_log(sound.reader, trust=sound.trust, now=sound.now, kept=kept)


def test_dropping_the_newest_run_shows_by_a_kept_checkpoint_or_by_age_only(sound) -> None:
    shorter, kept = build_log(2), sound.reader.data(LAYOUT.checkpoint(14))
    unnoticed = verify_log(shorter.reader, trust=sound.trust, now=shorter.now)
    by_anchor = verify_log(shorter.reader, trust=sound.trust, now=shorter.now, kept=kept)
    by_age = verify_log(shorter.reader, trust=sound.trust, now=shorter.now + timedelta(days=38))
    assert unnoticed.exit_code == 0
    assert "kept checkpoint" in unnoticed.verdicts[P.COMPLETE][1]
    assert (by_anchor.exit_code, _types(by_anchor)) == (4, ["log-shorter-than-kept"])
    assert (by_age.exit_code, _types(by_age)) == (5, ["stale"])


def test_run_on_request_does_not_make_a_missed_schedule_fresh() -> None:
    builder = LogBuilder()
    builder.run()
    builder.now += 2 * MONTH
    builder.run(slot="adhoc/0123456789ab")
    log = builder.built()
    assert _types(verify_log(log.reader, trust=log.trust, now=log.now)) == ["stale"]


def test_log_of_requests_only_is_as_fresh_as_its_newest() -> None:
    builder = LogBuilder()
    builder.run(slot="adhoc/0123456789ab")
    log = builder.built()
    assert verify_log(log.reader, trust=log.trust, now=log.now).problems == ()


def test_freshness_is_to_the_second(sound) -> None:
    trust = trust_policy(max_age_days=10)
    closed = sound.now - timedelta(days=2, minutes=3)  # then came the judgement and the export
    on_time = verify_log(sound.reader, trust=trust, now=closed + timedelta(days=10))
    late = verify_log(sound.reader, trust=trust, now=closed + timedelta(days=10, seconds=1))
    assert (_types(on_time), _types(late)) == ([], ["stale"])


def test_policy_without_a_bound_on_age_is_no_crash(sound) -> None:
    trust = trust_policy(max_age_days=10**15)
    assert verify_log(sound.reader, trust=trust, now=sound.now).problems == ()


@pytest.mark.parametrize(
    ("end", "gathered", "after", "problems", "notes"),
    [
        ("open", 2, timedelta(hours=1), [], ["run-in-progress"]),
        ("open", 0, timedelta(hours=1), [], ["run-in-progress"]),
        ("open", 2, timedelta(hours=25), ["run-unfinished"], []),
        ("abandoned", 2, timedelta(0), [], ["run-abandoned"]),
        ("closed", None, timedelta(0), [], []),
        ("judged", None, timedelta(0), [], []),
    ],
)
def test_run_that_did_not_get_to_its_end_is_told_apart(end, gathered, after, problems, notes) -> None:
    builder = LogBuilder()
    builder.run()
    builder.run(slot="adhoc/0123456789ab", end=end, gathered=gathered)
    log = builder.built()
    report = verify_log(log.reader, trust=log.trust, now=log.now + after)
    assert _types(report) == problems
    assert [note.type for note in report.notes] == notes
    assert report.exit_code == (5 if problems else 0)


def test_killed_before_its_checkpoint_a_writer_leaves_a_log_that_is_incomplete_not_tampered(sound) -> None:
    reader = sound.reader.copy()
    reader.remove(LAYOUT.checkpoint(14))
    report = verify_log(reader, trust=sound.trust, now=sound.now)
    assert (report.exit_code, _types(report)) == (5, ["checkpoint-missing"])
    assert "the next run writes it" in report.problems[0].expected


def test_killed_before_its_receipt_a_writer_leaves_a_blob_that_is_noted_only(sound) -> None:
    reader, left_behind = sound.reader.copy(), LogBuilder()
    left_behind.blob(b"never named by a receipt")
    reader.objects.update(left_behind.reader.objects)
    report = verify_log(reader, trust=sound.trust, now=sound.now)
    assert report.exit_code == 0
    assert [(note.type, note.key) for note in report.notes if note.step == 7] == [
        ("unnamed-blob", next(iter(left_behind.reader.objects)))
    ]
    assert "1 blobs that nothing names" in report.verdicts[P.INTACT][1]


def test_receipts_of_a_run_that_was_never_closed_are_sealed_by_nothing() -> None:
    """Known and said: only a manifest seals receipts, and such a run has none."""
    builder = LogBuilder()
    builder.run()
    builder.run(slot="adhoc/0123456789ab", end="abandoned", gathered=2)
    log = builder.built()
    sound = verify_log(log.reader, trust=log.trust, now=log.now)
    changed, dropped = log.reader.copy(), log.reader.copy()
    key, *_ = log.reader.keys(LAYOUT.receipts(log.runs[1]))
    changed.replace(key, log.reader.data(key).replace(b'"quarantined":0', b'"quarantined":1'))
    dropped.remove(key)
    assert changed.objects != log.reader.objects
    for reader in (changed, dropped):
        assert verify_log(reader, trust=log.trust, now=log.now).problems == sound.problems == ()


def test_keys_that_change_without_a_rotation_entry_are_told() -> None:
    log = build_log(keys=lambda seq: KEY if seq < 6 else OTHER_KEY)
    silent = verify_log(log.reader, trust=trust_policy((KEY, 0, 6), (OTHER_KEY, 6, None)), now=log.now)
    assert [problem.type for problem in silent.problems] == ["rotation-missing"]


def test_run_written_while_the_verifier_looks_is_no_gap(sound) -> None:
    class Growing(MemoryReader):
        """The last run is written just after the first listing."""

        listings = 0

        def versions(self, prefix):
            self.listings += 1
            return (build_log(2) if self.listings == 1 else sound).reader.versions(prefix)

    growing = Growing(sound.reader.objects)
    report = verify_log(growing, trust=sound.trust, now=sound.now)
    assert growing.listings > 1
    assert (report.problems, report.tree_size) == ((), 14)
    assert [note.type for note in report.notes] == ["run-abandoned"]


def test_log_is_found_by_its_keys_where_nothing_names_it(sound) -> None:
    reader = sound.reader.copy()
    reader.put("v1/NOT-A-LOG/entry/x", b"")
    assert verify_log(reader, trust=None, now=sound.now).log == LOG
    assert verify_log(MemoryReader(), trust=None, now=sound.now).log == ""


def test_another_log_than_the_policy_speaks_of_is_a_problem(sound) -> None:
    report = verify_log(sound.reader, trust=sound.trust, now=sound.now, log="elsewhere")
    assert "log-differs-from-trust" in _types(report)


@pytest.mark.parametrize("trust", [True, False])
def test_empty_place_is_incomplete(sound, trust) -> None:
    report = verify_log(MemoryReader(), trust=sound.trust if trust else None, now=sound.now)
    assert report.exit_code == 5
    assert "log-empty" in _types(report)
    assert (report.tree_size, report.root) == (0, to_base64(merkle.root([])))


def test_dropping_everything_shows_by_a_kept_checkpoint(sound) -> None:
    kept = sound.reader.data(LAYOUT.checkpoint(14))
    assert verify_log(MemoryReader(), trust=sound.trust, now=sound.now, kept=kept).exit_code == 4


def test_problems_have_one_order_however_they_were_found(sound) -> None:
    reader = sound.reader.copy()
    for key in reader.keys()[::3]:
        reader.replace(key, b"something else")
    shuffled = list(reader.objects)
    Random(1).shuffle(shuffled)
    one = verify_log(reader, trust=sound.trust, now=sound.now, width=1)
    same = MemoryReader({key: reader.objects[key] for key in shuffled})
    other = verify_log(same, trust=sound.trust, now=sound.now, width=8)
    assert one == other
    same.near = True
    assert verify_log(same, trust=sound.trust, now=sound.now, width=8) == one
    assert list(one.problems) == sorted(set(one.problems))


def test_worst_problem_decides_the_exit_code(sound) -> None:
    reader = sound.reader.copy()
    reader.remove(LAYOUT.checkpoint(14))
    assert verify_log(reader, trust=None, now=sound.now).exit_code == 5
    reader.put(f"{LAYOUT.root}stray", b"")
    assert verify_log(reader, trust=None, now=sound.now).exit_code == 4


def test_texts_of_a_hostile_store_cannot_reach_the_terminal() -> None:
    problems = Problems()
    problems.add("unknown-key", "v1/acme/\x1b[2J\udcff" + "k" * 5000, "a\nb", "ü" * 1000)
    (problem,) = problems.all()
    for text in (problem.key, problem.expected, problem.found):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) < 1200


def test_progress_counts_what_was_looked_at(sound) -> None:
    seen: list[tuple[str, int]] = []
    verify_log(sound.reader, trust=sound.trust, now=sound.now, progress=lambda what, done: seen.append((what, done)))
    newest = dict(seen)
    listed = len(sound.reader.objects)
    assert newest == {"listed": listed, "entries": 14, "receipts": 12, "blobs": 46}


def test_place_that_cannot_be_listed_is_an_error_not_a_verdict(sound) -> None:
    class Unreachable(MemoryReader):
        def versions(self, prefix):
            raise TimeoutError(prefix)

    with pytest.raises(TimeoutError):
        verify_log(Unreachable(), trust=sound.trust, now=sound.now)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 31, 64, 100])
def test_running_root_is_the_merkle_root_of_each_size(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    running = RunningRoot()
    for leaf in leaves:
        running.add(leaf)
    assert running.root() == merkle.root(leaves)


def test_verifying_loads_no_heavy_library() -> None:
    code = (
        "import sys, evidence_schema.verification as v;"
        "v.read_trust_policy.__module__;"
        "print(sorted({'prefect', 'boto3', 'botocore', 'openpyxl', 'jsonschema', 'cel', 'yaml', 'flows', 'controls'}"
        " & {name.split('.')[0] for name in sys.modules}))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_problem_sorts_by_step_first() -> None:
    assert Problem(1, P.INTACT, "z", "", "", "") < Problem(2, P.AUTHENTIC, "a", "", "", "")
