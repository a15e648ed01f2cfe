"""How often tampering passes unnoticed: attackers, what the auditor knows, and the counts.

Detected is what the verifier answers otherwise than for the sound log with the same knowledge: another exit code, or
other problems. A note is no detection; it is counted beside.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import insider
import outsider
from authority import Authority
from history import LAYOUT, RUNS, START, SUCCESSOR, History, make_history
from remembering import Memory
from stored import Stored

from evidence_schema.models.trust import TimestampTrust, TrustedAuthority
from evidence_schema.verification import Report, verify_log

OUTSIDER, INSIDER = "outsider", "insider"
OPERATIONS: Mapping[str, Mapping[str, Callable[..., None]]] = {
    OUTSIDER: outsider.OUTSIDER,
    INSIDER: insider.INSIDER,
}
NO_ANCHOR, STAMPED, MIDDLE, NEWEST, ROTATED = "no anchor", "time stamps", "mid anchor", "newest anchor", "rotated key"
MIDDLE_RUN = 6
OWN_ROTATION = "rotation to his own key"


@dataclass(frozen=True)
class Level:
    """What the auditor knows besides the pinned keys: the checkpoint that he kept after a run, if any."""

    name: str
    history: History
    kept_size: int = 0

    def verify(self, place: Stored) -> Report:
        kept = self.history.checkpoint(self.kept_size) if self.kept_size else None
        return verify_log(place, trust=self.history.trust, now=self.history.now, kept=kept, width=1)


@dataclass(frozen=True)
class Sealed:
    """A sound log, how an insider reads it, and what auditors know of it."""

    history: History
    story: insider.Story
    levels: tuple[Level, ...]
    authority: Authority | None = None


@dataclass
class World:
    """The sound logs, what each auditor knows of them, and what the verifier says of each."""

    logs: tuple[Sealed, ...]
    sound: dict[str, Report] = field(default_factory=dict)

    @property
    def levels(self) -> list[Level]:
        return [level for log in self.logs for level in log.levels]


@dataclass
class Figures:
    """Counts by (attacker, level, operation)."""

    tried: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    undetected: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    noted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Of the undetected: those with a note that the sound log has not."""
    crashed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    covered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Of the undetected: those with an entry changed that the kept checkpoint covers. There must be none."""
    tokens_only: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Of the undetected: those where nothing but time-stamp tokens differ, and what they prove does not."""
    as_tampered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Exit code 4; the other detected ones show as incomplete or stale."""
    distinct: dict[str, set[bytes]] = field(default_factory=dict)
    crashes: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        for name in ("tried", "undetected", "noted", "crashed", "covered", "tokens_only", "as_tampered"):
            getattr(self, name).update(getattr(other, name))
        for attacker, found in other.distinct.items():
            self.distinct.setdefault(attacker, set()).update(found)
        self.crashes += other.crashes

    def sum(self, name: str, attacker: str, level: str) -> int:
        counts: Counter[tuple[str, str, str]] = getattr(self, name)
        return sum(count for key, count in counts.items() if key[:2] == (attacker, level))

    def by_operation(self, name: str, attacker: str, level: str) -> dict[str, int]:
        counts: Counter[tuple[str, str, str]] = getattr(self, name)
        return {key[2]: count for key, count in counts.items() if key[:2] == (attacker, level) and count}


def make_world(runs: int = RUNS) -> World:
    """The logs that are tampered with."""
    with tempfile.TemporaryDirectory() as folder:
        plain = make_history(Path(folder) / "vault", runs)
        rotated = make_history(Path(folder) / "rotated", runs, successor=SUCCESSOR)
    authority = Authority(START)
    dated = insider.stamped(plain, authority)
    pinned = TimestampTrust(authorities=(TrustedAuthority(id=insider.TSA, roots=authority.root),))
    stamped = replace(plain, place=dated, trust=plain.trust.model_copy(update={"timestamps": pinned}))
    levels = (
        Level(NO_ANCHOR, plain),
        Level(MIDDLE, plain, plain.ends[MIDDLE_RUN - 1]),
        Level(NEWEST, plain, plain.ends[-1]),
    )
    return World(
        (
            Sealed(plain, insider.Story(plain.place), levels),
            Sealed(stamped, insider.Story(dated), (Level(STAMPED, stamped),), authority),
            Sealed(rotated, insider.Story(rotated.place), (Level(ROTATED, rotated),)),
        )
    )


def look_at_sound(world: World, memory: Memory) -> None:
    """The report of each level over its sound log; there must be nothing to find. Remembered from then on."""
    world.sound = {level.name: level.verify(level.history.place) for level in world.levels}
    for name, report in world.sound.items():
        if report.exit_code or report.problems:
            raise AssertionError(f"expected a sound log with {name}, found {report.problems[:3]}")
    memory.keep()


def measure(world: World, memory: Memory, attacker: str, operation: str, tries: int, seed: str) -> Figures:
    """Mutate `tries` times by one operation, each log of the world; verify each with each level's knowledge."""
    figures = Figures()
    for log in world.logs:
        random = Random(f"{seed} {attacker} {operation}")
        for _ in range(tries):
            place = mutated(attacker, operation, random, log)
            figures.distinct.setdefault(attacker, set()).add(_fingerprint(place, log.history))
            for level in log.levels:
                _judge(figures, (attacker, level.name, operation), level, place, world.sound[level.name])
            memory.forget()
    return figures


def mutated(attacker: str, operation: str, random: Random, log: Sealed) -> Stored:
    """A log that is not the sound one: that bytes or objects differ is looked at, not believed."""
    if attacker == OUTSIDER:
        return outsider.mutated(outsider.OUTSIDER[operation], random, log.history)
    return insider.mutated(insider.INSIDER[operation], random, log.history, log.story, log.authority)


def _judge(figures: Figures, key: tuple[str, str, str], level: Level, place: Stored, sound: Report) -> None:
    figures.tried[key] += 1
    try:
        report = level.verify(place)
    except Exception as error:
        figures.crashed[key] += 1
        figures.crashes.append(f"{key}: {type(error).__name__}: {error}")
        return
    figures.as_tampered[key] += report.exit_code == 4
    if (report.exit_code, report.problems) == (sound.exit_code, sound.problems):
        figures.undetected[key] += 1
        figures.noted[key] += report.notes != sound.notes
        figures.covered[key] += _is_covered(level, place)
        figures.tokens_only[key] += all(name.startswith(LAYOUT.tokens) for name in place.changed(level.history.place))


def _is_covered(level: Level, place: Stored) -> bool:
    before = level.history.place
    entries = [LAYOUT.entry(seq) for seq in range(level.kept_size)]
    return any(place.objects.get(key) != before.objects[key] for key in entries)


def _fingerprint(place: Stored, history: History) -> bytes:
    changed = place.changed(history.place)
    if not changed:
        raise AssertionError("expected a log with other bytes or objects, found the sound one")
    told: list[Any] = [(key, changed[key]) for key in sorted(changed)]
    return sha256(repr(told).encode()).digest()[:8]
