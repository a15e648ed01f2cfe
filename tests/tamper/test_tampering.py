"""Hundreds of ways to tamper with a log: tried, undetected, crashes; and the proof that this suite can fail.

`make tamper` tries tens of thousands. TAMPER_TRIES and TAMPER_SEED make these others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from history import LAYOUT, make_history
from insider import CONSISTENT, Draft
from measuring import (
    INSIDER,
    MIDDLE,
    NEWEST,
    NO_ANCHOR,
    OPERATIONS,
    OUTSIDER,
    OWN_ROTATION,
    ROTATED,
    STAMPED,
    Figures,
    Level,
    Sealed,
    World,
    look_at_sound,
    make_world,
    measure,
    mutated,
)
from outsider import ADDITIONS, drop_newest
from remembering import remembering
from switching import STEPS, switched_off

from evidence_schema.verification import Property

# One worker runs them all, so that the log is made once.
pytestmark = pytest.mark.sealing

TRIES = int(os.environ.get("TAMPER_TRIES", "3"))
"""Of each operation, with each knowledge."""
SEED = os.environ.get("TAMPER_SEED", "20261101")
EACH = [(attacker, operation) for attacker, operations in OPERATIONS.items() for operation in operations]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def figures(world: World) -> Figures:
    found = Figures()
    with remembering() as memory:
        look_at_sound(world, memory)
        for attacker, operation in EACH:
            found.add(measure(world, memory, attacker, operation, TRIES, SEED))
    return found


def _plain(world: World) -> Sealed:
    return world.logs[0]


def _level(world: World, name: str) -> Level:
    return next(level for level in world.levels if level.name == name)


def test_every_operation_is_tried_with_every_knowledge_and_none_crashes_the_verifier(world, figures, figure) -> None:
    tried = {(attacker, level.name, operation) for attacker, operation in EACH for level in world.levels}
    assert set(figures.tried) == tried
    for attacker in OPERATIONS:
        for level in world.levels:
            counts = {name: figures.sum(name, attacker, level.name) for name in ("tried", "undetected", "crashed")}
            figure(f"tampering, seed {SEED}, {attacker}, {level.name}: {counts}")
    assert set(figures.tried.values()) == {TRIES}
    assert figures.crashes == []


def test_outsider_is_detected_unless_the_newest_runs_are_dropped(figures) -> None:
    """With time stamps also where a token is touched that nothing rests on: it proves the same, or is not needed."""
    for level in (NO_ANCHOR, MIDDLE, STAMPED, ROTATED):
        undetected = figures.by_operation("undetected", OUTSIDER, level)
        spare = figures.by_operation("tokens_only", OUTSIDER, level)
        assert {name for name, count in undetected.items() if count > spare.get(name, 0)} <= {"drop newest"}


def test_who_kept_the_newest_checkpoint_detects_everything(figures) -> None:
    assert {attacker: figures.sum("undetected", attacker, NEWEST) for attacker in OPERATIONS} == {
        OUTSIDER: 0,
        INSIDER: 0,
    }


def test_insider_is_undetected_without_an_anchor_whatever_he_does_well(figures) -> None:
    undetected = figures.by_operation("undetected", INSIDER, NO_ANCHOR)
    assert set(CONSISTENT) - {"drop newest"} <= set(undetected)


def test_insider_is_undetected_after_the_anchor_only(figures) -> None:
    assert 0 < figures.sum("undetected", INSIDER, MIDDLE) < figures.sum("undetected", INSIDER, NO_ANCHOR)
    assert sum(figures.covered.values()) == 0


def test_who_held_every_key_can_neither_move_a_pinned_rotation_nor_make_one_of_his_own(figures) -> None:
    """The policy pins where a key ends: as much as an anchor there, for what comes before."""
    for level in (NO_ANCHOR, MIDDLE, STAMPED, ROTATED):
        assert OWN_ROTATION not in figures.by_operation("undetected", INSIDER, level)
    undetected = figures.by_operation("undetected", INSIDER, ROTATED)
    assert {"drop attempt", "re-run until green"} & set(undetected) == set()
    assert 0 < sum(undetected.values()) < figures.sum("undetected", INSIDER, NO_ANCHOR)


def test_insider_is_detected_by_time_stamps_unless_the_newest_is_dropped_or_told_anew(figures) -> None:
    """What an authority saw in its time cannot be made again; what it saw last can be left out."""
    undetected = figures.by_operation("undetected", INSIDER, STAMPED)
    assert set(undetected) <= {"drop newest", "drop an entry", "drop run"}
    assert sum(undetected.values()) < figures.sum("undetected", INSIDER, NO_ANCHOR)


def test_outsider_who_drops_the_newest_run_is_seen_by_who_kept_its_checkpoint_only(world) -> None:
    history = _plain(world).history
    place = history.place.copy()
    drop_newest(place, history.ends[-2])
    reports = {level.name: level.verify(place) for level in world.levels if level.history is history}
    assert reports[NO_ANCHOR].problems == reports[MIDDLE].problems == ()
    assert {problem.type for problem in reports[NEWEST].problems} == {"log-shorter-than-kept"}
    for level in (NO_ANCHOR, MIDDLE):
        assert "dropped" in reports[level].verdicts[Property.COMPLETE][1]


@pytest.mark.parametrize("name", [NO_ANCHOR, ROTATED])
def test_insider_who_changes_nothing_writes_what_the_vault_wrote(world, name: str) -> None:
    """So he leaves nothing undone that a writer does, and what is found of him is not his clumsiness."""
    log = next(log for log in world.logs if log.levels[0].name == name)
    draft = Draft(log.story)
    for run in log.story.runs:
        draft.retell(run, run)
    assert draft.sealed(0).changed(log.history.place) == {}


def test_answers_that_are_remembered_change_no_report(world) -> None:
    """The verifier that is measured is the verifier."""
    log = _plain(world)
    random = Random(SEED)
    with remembering() as memory:
        look_at_sound(world, memory)
        quick = {}
        for attacker, operation in EACH:
            place = mutated(attacker, operation, random, log)
            quick[attacker, operation] = place, log.levels[1].verify(place)
            memory.forget()
    for place, report in quick.values():
        assert log.levels[1].verify(place) == report


def _missed(world: World, step: int, attacker: str, operation: str, tries: int) -> Iterator[bool]:
    log = _plain(world)
    random = Random(f"{SEED} {step}")
    for _ in range(tries):
        place = mutated(attacker, operation, random, log)
        if log.levels[0].verify(place).problems:
            with switched_off(step):
                yield not log.levels[0].verify(place).problems


# Which operation is tried against which step: each is noticed by that step alone, at least now and then.
AGAINST = {
    1: (OUTSIDER, "second version"),
    2: (INSIDER, "one entry's time"),
    3: (INSIDER, "entries by another key"),
    4: (OUTSIDER, "old checkpoint"),
    5: (OUTSIDER, "delete"),
    6: (OUTSIDER, "receipt of another run"),
    7: (OUTSIDER, "flip bit"),
    8: (INSIDER, "findings of another run"),
    9: (OUTSIDER, "drop newest"),
}


@pytest.mark.parametrize("step", STEPS)
def test_with_any_step_switched_off_some_tampering_is_missed(world: World, step: int) -> None:
    with remembering() as memory:
        look_at_sound(world, memory)
        assert any(_missed(world, step, *AGAINST[step], tries=200))


@pytest.mark.parametrize("step", STEPS)
def test_sound_log_is_sound_with_any_step_switched_off(world: World, step: int) -> None:
    level = _plain(world).levels[0]
    with switched_off(step):
        assert level.verify(level.history.place).problems == ()


def test_what_nothing_names_is_noted_and_no_evidence(world: World) -> None:
    history = _plain(world).history
    random = Random(SEED)
    for operation in ADDITIONS.values():
        place = history.place.copy()
        operation(random, place)
        report = _level(world, NEWEST).verify(place)
        assert report.problems == ()
        assert [note.type for note in report.notes] == ["run-abandoned", "unnamed-blob"]
        assert "1 blobs that nothing names are no evidence" in report.verdicts[Property.INTACT][1]


def test_receipts_of_an_attempt_that_was_given_up_are_sealed_by_nothing(tmp_path: Path) -> None:
    """The one change of a log that no anchor shows: only a manifest seals receipts. The verifier names the attempt."""
    history = make_history(tmp_path / "vault", 4, attempted=2)
    level = Level(NEWEST, history, history.ends[-1])
    assert level.verify(history.place).problems == ()
    (attempt,) = [note for note in level.verify(history.place).notes if note.type == "run-abandoned"]
    run_id = attempt.found.split()[0]
    place = history.place.copy()
    place.remove(place.keys(LAYOUT.receipts(run_id))[0])
    report = level.verify(place)
    assert report.problems == ()
    assert "attempted, not finished" in attempt.found
    assert {note.type for note in report.notes} == {"run-abandoned", "unnamed-blob"}


def test_transcript_of_an_older_run_is_not_taken_for_a_newer_one(world: World) -> None:
    """Sealed anew by who holds the key, with every digest right: but a transcript says whose it is."""
    log = _plain(world)
    random = Random(SEED)
    for _ in range(10):
        place = mutated(INSIDER, "old transcript in a new run", random, log)
        assert "transcript-of-another-unit" in {problem.type for problem in log.levels[0].verify(place).problems}
