"""Thousands of ways to tamper with a log: tried, undetected, crashes; and the proof that this suite can fail.

`python -m pytest -m vectors -k mutations -s` prints the figures; TAMPER_TRIES and TAMPER_SEED make them other ones.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from random import Random

import pytest
from logs import LAYOUT, BuiltLog, LogBuilder, build_log
from tampering import OUTSIDER, insider_log, mutated
from test_verification_problems import INSIDER

from evidence_schema.verification import Report, verify_log

# One worker runs them all, so that the mutations are made once.
pytestmark = [pytest.mark.vectors, pytest.mark.xdist_group("tampering")]

TRIES = int(os.environ.get("TAMPER_TRIES", "110"))
"""Of each operation of the outsider; the insider's are a third."""
SEED = int(os.environ.get("TAMPER_SEED", "20261101"))
STEPS = range(1, 10)


def _small_log() -> BuiltLog:
    builder = LogBuilder(accounts=("111111111111",))
    builder.run()
    builder.run(slot="adhoc/0123456789ab", end="abandoned", gathered=0)
    builder.run()
    return builder.built()


def _verified(log: BuiltLog, reader=None, kept: bytes | None = None) -> Report:
    return verify_log(reader or log.reader, trust=log.trust, now=log.now, kept=kept, width=1)


@pytest.fixture(scope="module")
def steps_alone() -> dict[int, int]:
    """How often a step was the only one to notice: filled by both suites below."""
    return Counter()


def _count_alone(steps_alone: dict[int, int], report: Report) -> None:
    steps = {problem.step for problem in report.problems}
    if len(steps) == 1:
        steps_alone[steps.pop()] += 1


@pytest.fixture(scope="module")
def outsider(steps_alone) -> dict[str, Counter[str]]:
    """Of each operation: how many were tried, undetected, and undetected by an auditor who kept a checkpoint."""
    log = _small_log()
    newest = log.reader.data(LAYOUT.checkpoint(len(log.reader.keys(LAYOUT.entries))))
    assert _verified(log, kept=newest).exit_code == 0
    figures: dict[str, Counter[str]] = defaultdict(Counter)
    for name, operation in OUTSIDER.items():
        random = Random(f"{SEED} {name}")
        for _ in range(TRIES):
            reader = mutated(operation, random, log)
            report = _verified(log, reader)
            _count_alone(steps_alone, report)
            figures[name]["tried"] += 1
            if not report.problems:
                figures[name]["undetected"] += 1
                figures[name]["undetected with a kept checkpoint"] += not _verified(log, reader, newest).problems
    return figures


def test_outsider_is_detected_unless_the_newest_entries_are_dropped(outsider) -> None:
    """A crash of the verifier would fail here as well."""
    tried = sum(figures["tried"] for figures in outsider.values())
    undetected = {name: figures["undetected"] for name, figures in outsider.items() if figures["undetected"]}
    print(f"\noutsider, seed {SEED}: {tried} tried, {sum(undetected.values())} undetected {undetected}, 0 crashes")
    assert tried == TRIES * len(OUTSIDER)
    assert set(undetected) == {"drop-newest"}


def test_outsider_is_always_detected_by_who_kept_the_newest_checkpoint(outsider) -> None:
    assert sum(figures["undetected with a kept checkpoint"] for figures in outsider.values()) == 0


def test_insider_is_detected_by_who_kept_a_checkpoint_after_the_lie() -> None:
    """Without one nothing shows: whoever holds the key can rewrite everything that nobody else has a copy of."""
    random = Random(SEED)
    sound = build_log(2)
    openings = {0: 0, 2: 6}  # run -> its first entry
    middle, newest = (sound.reader.data(LAYOUT.checkpoint(size)) for size in (6, 10))
    undetected: Counter[str] = Counter()
    tries = max(TRIES // 3, 12)
    for _ in range(tries):
        lying, liar = insider_log(random, 2)
        assert lying.reader.objects != sound.reader.objects
        undetected["without"] += not _verified(lying).problems
        undetected["with one from the middle"] += not _verified(lying, kept=middle).problems
        undetected["with the newest"] += not _verified(lying, kept=newest).problems
        assert bool(_verified(lying, kept=middle).problems) == (openings[liar] < 6)
    print(f"\ninsider, seed {SEED}: {tries} tried; undetected {dict(undetected)}, 0 crashes")
    assert undetected["without"] == tries
    assert 0 < undetected["with one from the middle"] < tries
    assert undetected["with the newest"] == 0


def test_with_any_step_switched_off_some_tampering_is_missed(outsider, steps_alone) -> None:
    """What one step alone has noticed would pass without it."""
    for _, hooks in INSIDER:
        _count_alone(steps_alone, _verified(build_log(2, hooks=hooks)))
    print(f"\nnoticed by one step alone: {dict(sorted(steps_alone.items()))}")
    assert [step for step in STEPS if not steps_alone[step]] == []
