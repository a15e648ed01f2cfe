"""Keys that follow one another, and a key that was stolen: what is believed, and what each attacker is told.

The stranger is an insider who holds the signing key (and, where said, both) and writes the whole log anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from logs import (
    KEY,
    LAYOUT,
    LOG,
    ORIGIN,
    OTHER_KEY,
    BuiltLog,
    LogBuilder,
    MemoryReader,
    link,
    trust_policy,
    verifier_key,
)
from stamped_logs import SOON, HonestAuthority, StampedBuilder, needs_openssl

from evidence_schema.digest import Digest
from evidence_schema.dsse import parse_envelope
from evidence_schema.encoding import to_base64
from evidence_schema.merkle import inclusion_proof, leaf_hash
from evidence_schema.models.entry import RunClose, Statement
from evidence_schema.models.proof import ArtifactProof
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.note import Note, parse_note, sign_text
from evidence_schema.verification import TYPES, BadTrustPolicy, Report, read_trust_policy, verify_log, verify_proof
from flows.report.package import verify as single

pytestmark = pytest.mark.sealing

STRANGER = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
LATER = timedelta(days=30)
OF_KEYS = {name for name, (step, _) in TYPES.items() if step in (2, 3, 4)} | {"entry-of-stolen-key"}


def by_single_file(log: BuiltLog, trust: TrustPolicy | None, folder: Path, kept: bytes | None = None) -> set[str]:
    """What the auditor's one file says of the same log, as far as entries, keys and checkpoints go."""
    for key in log.reader.keys("v1/"):
        place = folder / "bag" / single.VAULT / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(log.reader.data(key))
    policy = json.loads(trust.canonical()) if trust else None
    scratch = folder / "scratch"
    scratch.mkdir()
    package, openssl = single.Package(folder / "bag"), single.OpenSSL(scratch)
    given = [folder / "kept"] if kept is not None else []
    for path in given:
        path.write_bytes(kept or b"")
    found = single.Verifier(package, policy, given, None, log.now, openssl).check().found
    return {item[1] for item in found} & OF_KEYS


@dataclass
class Rotated:
    """A log with a rotation at entry `at`; each report is compared with that of the single file."""

    log: BuiltLog
    at: int

    def policy(self, old: int = 0, **changes: Any) -> TrustPolicy:
        """As the rotation's own command makes it; `old` moves the end of the old key, and so the next one's begin."""
        end = self.at + 1 + old
        policy = trust_policy((KEY, 0, end), (OTHER_KEY, end, None))
        first, second = policy.keys
        return policy.model_copy(update={"keys": (first.model_copy(update=changes), second)})

    def report(self, trust: TrustPolicy | None = None, **given: Any) -> Report:
        trust = trust or self.policy()
        report = verify_log(self.log.reader, trust=trust, now=self.log.now, **given)
        with TemporaryDirectory() as folder:
            by_file = by_single_file(self.log, trust, Path(folder), given.get("kept"))
        assert by_file == {problem.type for problem in report.problems} & OF_KEYS
        return report

    def changed(self, reader: MemoryReader) -> Rotated:
        """The same log as somebody left it who writes to the store."""
        return Rotated(replace(self.log, reader=reader), self.at)

    def types(self, trust: TrustPolicy | None = None, **given: Any) -> set[str]:
        return {problem.type for problem in self.report(trust, **given).problems}


def rotated(
    builder: LogBuilder | None = None, to: Ed25519PrivateKey = OTHER_KEY, *, both: bool = True, runs: int = 1
) -> Rotated:
    """A run, the rotation, and more runs."""
    builder = builder or LogBuilder()
    builder.run()
    at = builder.rotate(to, signed_by_both=both)
    for _ in range(runs):
        builder.now += LATER
        builder.run()
    builder.now += timedelta(days=1)
    return Rotated(builder.built(), at)


@pytest.fixture(scope="module")
def sound() -> Rotated:
    return rotated()


def test_a_rotation_that_the_policy_pins_is_sound(sound: Rotated) -> None:
    report = sound.report()
    assert (report.exit_code, report.problems, report.notes) == (0, (), ())
    lines = parse_note(sound.log.reader.data(LAYOUT.checkpoint(sound.at + 1))).signatures
    assert [line.key_id for line in lines] == [verifier_key(KEY).key_id, verifier_key(OTHER_KEY).key_id]
    assert len(parse_note(report.checkpoint).signatures) == 1


def test_several_rotations_follow_one_another() -> None:
    builder = LogBuilder()
    builder.run()
    first = builder.rotate(OTHER_KEY)
    second = builder.rotate(STRANGER)
    builder.run()
    log = builder.built()
    pinned = (KEY, 0, first + 1), (OTHER_KEY, first + 1, second + 1), (STRANGER, second + 1, None)
    assert verify_log(log.reader, trust=trust_policy(*pinned), now=log.now).problems == ()


def test_the_policy_from_before_the_rotation_says_that_the_new_key_is_not_pinned(sound: Rotated) -> None:
    report = sound.report(trust_policy())
    assert report.exit_code == 4
    assert {problem.type for problem in report.problems} == {
        "rotation-not-pinned", "entry-key-unknown", "checkpoint-key-unknown",
    }  # fmt: skip
    (told,) = (problem for problem in report.problems if problem.type == "rotation-not-pinned")
    assert (told.key, str(verifier_key(OTHER_KEY)) in told.found) == (LAYOUT.entry(sound.at), True)


def test_an_insider_who_rotates_to_a_key_of_his_own_is_told_as_not_pinned() -> None:
    own = rotated(to=STRANGER)
    for policy in (trust_policy(), own.policy()):
        assert "rotation-not-pinned" in own.types(policy)


def test_without_a_policy_nothing_is_believed_and_a_rotation_alone_is_no_problem(sound: Rotated) -> None:
    report = verify_log(sound.log.reader, trust=None, now=sound.log.now)
    assert (report.exit_code, report.problems) == (6, ())


@pytest.mark.parametrize(("moved", "more"), [(-1, set()), (1, {"rotation-not-pinned"})])
def test_a_rotation_elsewhere_than_pinned_is_told(sound: Rotated, moved: int, more: set[str]) -> None:
    assert {"rotation-missing", "entry-key-out-of-range"} | more <= sound.types(sound.policy(old=moved))


def test_a_rotation_that_both_keys_moved_is_told(sound: Rotated) -> None:
    """Who holds both keys writes the log anew, with the rotation after one more run."""
    builder = LogBuilder()
    builder.run()
    builder.now += LATER
    builder.run()
    moved = Rotated(builder.built(), builder.rotate(OTHER_KEY))
    assert moved.types(sound.policy()) == {
        "rotation-missing", "entry-key-out-of-range", "checkpoint-key-out-of-range",
    }  # fmt: skip


def test_a_rotation_that_was_dropped_is_told(sound: Rotated) -> None:
    """From the store; with all that follows; and by who holds both keys and leaves it out."""
    cut, back = sound.log.reader.copy(), sound.log.reader.copy()
    cut.remove(LAYOUT.entry(sound.at))
    assert "entry-missing" in sound.changed(cut).types(sound.policy())
    for key in back.keys(LAYOUT.entries)[sound.at :] + back.keys(LAYOUT.checkpoints)[sound.at :]:
        back.remove(key)
    assert sound.changed(back).types(sound.policy()) >= {"rotation-missing"}
    silent = LogBuilder(keys=lambda seq: KEY if seq <= sound.at else OTHER_KEY)
    silent.run()
    silent.run()
    assert "rotation-missing" in Rotated(silent.built(), sound.at).types(sound.policy())


def test_the_old_key_signs_nothing_after_its_end() -> None:
    """It goes on after the rotation, as who kept a copy of it would."""
    builder = LogBuilder()
    builder.run()
    at = builder.rotate(OTHER_KEY)
    builder.keys = lambda _: KEY
    builder.run()
    types = Rotated(builder.built(), at).types()
    assert types == {"entry-key-out-of-range", "checkpoint-key-out-of-range"}


def test_the_new_key_signs_nothing_before_its_beginning() -> None:
    builder = LogBuilder(keys=lambda seq: OTHER_KEY if seq == 2 else KEY)
    types = rotated(builder).types()
    assert types == {"entry-key-out-of-range", "checkpoint-key-out-of-range"}


def test_a_rotation_signed_by_the_new_key_itself_is_out_of_range() -> None:
    builder = LogBuilder()
    builder.run()
    builder.keys = lambda _: OTHER_KEY
    at = builder.rotate(OTHER_KEY, signed_by_both=False)
    assert "entry-key-out-of-range" in Rotated(builder.built(), at).types()


def test_a_further_line_of_an_ended_key_is_told(sound: Rotated) -> None:
    """The old key signs the newest checkpoint beside the new one: true, and nobody may ask it any more."""
    reader = sound.log.reader.copy()
    key = reader.keys(LAYOUT.checkpoints)[-1]
    note = parse_note(reader.data(key))
    more = (*note.signatures, sign_text(note.text, verifier_key(KEY), KEY.sign))
    reader.replace(key, Note(note.text, more).encode())
    assert sound.changed(reader).types() == {"checkpoint-key-out-of-range"}


def test_a_rotation_that_the_new_key_did_not_sign_is_told() -> None:
    assert rotated(both=False).types() == {"rotation-not-countersigned"}


def test_a_countersignature_alone_does_not_carry_a_checkpoint(sound: Rotated) -> None:
    reader = sound.log.reader.copy()
    key = LAYOUT.checkpoint(sound.at + 1)
    note = parse_note(reader.data(key))
    reader.replace(key, Note(note.text, note.signatures[1:]).encode())
    assert sound.changed(reader).types() == {"checkpoint-key-out-of-range"}


ELSEWHERE = str(verifier_key(OTHER_KEY)).replace(ORIGIN, "evidence.example/other")


@pytest.mark.parametrize("vkey", ["nonsense", ELSEWHERE, str(verifier_key(STRANGER)), str(verifier_key(KEY)) + "A"])
def test_a_rotation_that_names_no_key_of_the_log_is_malformed(vkey: str) -> None:
    changed = LogBuilder({"rotation": lambda value, run: value.model_copy(update={"vkey": vkey})})
    assert {"rotation-malformed", "rotation-missing"} <= rotated(changed).types()


@pytest.mark.parametrize("at", [2, 6])
def test_an_entry_of_another_epoch_is_told_once(at: int) -> None:
    def change(value: Any, run: int) -> Any:
        return value.model_copy(update={"key_epoch": 7}) if value.seq == at else value

    report = rotated(LogBuilder({"predicate": change})).report()
    assert {problem.type for problem in report.problems} == {"key-epoch-differs"}
    assert report.problems[0].key == LAYOUT.entry(at)


def test_a_key_with_two_ranges_needs_no_rotation_where_they_touch(sound: Rotated) -> None:
    first, second = sound.policy().keys
    halves = (first.model_copy(update={"until": 2}), first.model_copy(update={"first": 2}), second)
    assert sound.types(sound.policy().model_copy(update={"keys": halves})) == set()


# ------------------------------------------------------------------------------------------------------- stolen keys


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> HonestAuthority:
    return HonestAuthority.found(tmp_path_factory.mktemp("authority"))


def stamped(authority: HonestAuthority, delay: Callable[[int], timedelta | None] = lambda _: SOON) -> Rotated:
    return rotated(StampedBuilder({}, authority=authority, delay=delay))


def _entry_times(found: Rotated) -> list[datetime]:
    data = (found.log.reader.data(key) for key in found.log.reader.keys(LAYOUT.entries))
    return [Statement.from_canonical(parse_envelope(one).payload).predicate.time for one in data]


@needs_openssl
def test_what_a_token_dates_before_the_theft_stays_good(authority: HonestAuthority) -> None:
    found = stamped(authority)
    stolen_at = _entry_times(found)[found.at] + timedelta(seconds=1)  # a token comes a minute after its entry
    trust = authority.pinned(found.policy(stolen_at=stolen_at))
    report = found.report(trust)
    assert (report.exit_code, report.problems) == (0, ())


@needs_openssl
def test_what_a_token_dates_after_the_theft_is_not_believed(authority: HonestAuthority) -> None:
    """The theft was after the token of entry 1; the rotation is believed because the policy pins what follows."""
    found = stamped(authority)
    stolen_at = _entry_times(found)[2] + timedelta(seconds=1)
    report = found.report(authority.pinned(found.policy(stolen_at=stolen_at)))
    assert {problem.type for problem in report.problems} == {"entry-of-stolen-key"}
    assert [problem.key for problem in report.problems] == [LAYOUT.entry(seq) for seq in range(2, found.at)]
    assert report.exit_code == 4


@needs_openssl
def test_an_entry_without_a_token_from_before_is_covered_by_a_later_one_only_if_that_is_early(
    authority: HonestAuthority,
) -> None:
    found = stamped(authority, lambda size: SOON if size == 3 else None)
    after = _entry_times(found)[found.at]
    report = found.report(authority.pinned(found.policy(stolen_at=after), first=99))
    assert [problem.key for problem in report.problems] == [LAYOUT.entry(seq) for seq in range(3, found.at)]


@needs_openssl
@pytest.mark.parametrize("junk", [b"", b"junk", b"\x30\x80" * 1_000_000])
def test_a_token_that_is_none_proves_nothing_of_a_stolen_key(authority: HonestAuthority, junk: bytes) -> None:
    found = stamped(authority)
    reader = found.log.reader.copy()
    for key in reader.keys(LAYOUT.tokens):
        reader.replace(key, junk)
    trust = authority.pinned(found.policy(stolen_at=_entry_times(found)[-1]))
    assert "entry-of-stolen-key" in found.changed(reader).types(trust)


def test_a_stolen_key_without_token_or_kept_checkpoint_is_believed_for_nothing(sound: Rotated) -> None:
    report = sound.report(sound.policy(stolen_at=_entry_times(sound)[-1]))
    assert [problem.key for problem in report.problems] == [LAYOUT.entry(seq) for seq in range(sound.at)]


def test_a_kept_checkpoint_covers_and_the_auditor_is_reminded_of_its_age(sound: Rotated) -> None:
    stolen_at = _entry_times(sound)[3]
    kept = sound.log.reader.data(LAYOUT.checkpoint(3))
    report = sound.report(sound.policy(stolen_at=stolen_at), kept=kept)
    assert [problem.key for problem in report.problems] == [LAYOUT.entry(seq) for seq in range(3, sound.at)]
    (note,) = report.notes
    assert (note.type, "entries 0 to 2" in note.found) == ("believed-as-kept", True)


def test_what_is_revoked_by_number_is_not_believed_whatever_covers_it(sound: Rotated) -> None:
    end = _entry_times(sound)[-1]
    kept = sound.log.reader.data(LAYOUT.checkpoint(sound.at))
    report = sound.report(sound.policy(stolen_at=end, revoked_from=2), kept=kept)
    assert [problem.key for problem in report.problems] == [LAYOUT.entry(seq) for seq in range(2, sound.at)]


def test_a_thief_who_rotates_is_not_believed_for_it() -> None:
    """His key is not pinned: the hand-over is not excused, and neither is the theft."""
    own = rotated(to=STRANGER)
    first, second = own.policy().keys
    stolen = first.model_copy(update={"stolen_at": _entry_times(own)[0]})
    types = own.types(own.policy().model_copy(update={"keys": (stolen, second)}))
    assert {"rotation-not-pinned", "entry-of-stolen-key", "entry-key-unknown"} <= types


def test_a_number_without_a_time_of_theft_is_refused(sound: Rotated) -> None:
    with pytest.raises(BadTrustPolicy, match="stolen_at"):
        read_trust_policy(sound.policy(revoked_from=2).canonical())
    dated = sound.policy(revoked_from=2, stolen_at=sound.log.now.replace(microsecond=0))
    assert read_trust_policy(dated.canonical()) == dated


# --------------------------------------------------------------------------------------------------------- lost keys


def linked(note: bytes, *subject: Digest, runs_before: int = 0) -> Rotated:
    """A log that takes the place of another one; `at` is where it says so."""
    builder = LogBuilder()
    for _ in range(runs_before):
        builder.run()
    link(builder, note, *subject)
    at = len(builder.files) - 1
    builder.run()
    return Rotated(builder.built(), at)


def test_a_log_in_the_place_of_another_is_sound_and_the_break_is_told(sound: Rotated) -> None:
    found = linked(sound.log.reader.data(LAYOUT.checkpoint(3)))
    report = found.report(trust_policy())
    (note,) = report.notes
    assert (report.exit_code, note.type) == (0, "log-linked")
    assert "a break: in the place of lost-log, whose first 3 entries" in note.found


def test_a_break_in_the_middle_is_told(sound: Rotated) -> None:
    found = linked(sound.log.reader.data(LAYOUT.checkpoint(3)), runs_before=1)
    assert found.types(trust_policy()) == {"link-not-first"}


def test_a_link_to_nothing_is_malformed(sound: Rotated) -> None:
    note = sound.log.reader.data(LAYOUT.checkpoint(3))
    for found in (linked(b"no note"), linked(note + b"x"), linked(note, Digest.of(b"another"))):
        assert found.types(trust_policy()) == {"link-malformed"}


def test_without_a_policy_the_single_file_sees_no_problem_of_keys_either(sound: Rotated, tmp_path: Path) -> None:
    assert by_single_file(sound.log, None, tmp_path) == set()


def test_a_proof_by_a_stolen_key_shows_nothing_by_itself() -> None:
    """Both programs: a proof has no token that anybody judged."""
    builder = LogBuilder()
    builder.run(end="closed")
    at = builder.rotate(OTHER_KEY)
    log = Rotated(builder.built(), at)
    leaves = [leaf_hash(file) for file in builder.files]
    size, index = at + 1, 1
    path = "".join(f"{to_base64(node)}\n" for node in inclusion_proof(index, leaves[:size]))
    note = log.log.reader.data(LAYOUT.checkpoint(size)).decode()
    closed = Statement.from_canonical(parse_envelope(builder.files[index]).payload).predicate
    assert isinstance(closed, RunClose)
    artifact = log.log.reader.data(LAYOUT.blob(closed.manifest))
    proof = ArtifactProof(
        log=LOG,
        artifact=closed.manifest,
        entry=builder.files[index].decode(),
        tlog_proof=f"c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{note}",
    ).canonical()
    for policy, expected in ((log.policy(), set()), (log.policy(stolen_at=log.log.now), {"entry-of-stolen-key"})):
        report = verify_proof(proof, trust=policy, artifact=[artifact])
        assert {problem.type for problem in report.problems} == expected
        with TemporaryDirectory() as folder:
            openssl = single.OpenSSL(Path(folder))
            found = single.check_proof(proof, json.loads(policy.canonical()), artifact, openssl).found
        assert {item[1] for item in found} == expected
