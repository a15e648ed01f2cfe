"""The verifier's answer: a verdict for each property, every problem, and an exit code that the worst decides."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from evidence_schema.digest import Digest
from evidence_schema.models.entry import Export
from evidence_schema.verification.problems import Problem, Property

EXIT_OK, EXIT_TAMPERED, EXIT_INCOMPLETE, EXIT_UNPINNED = 0, 4, 5, 6


class Verdict(StrEnum):
    """Of one property. What was not looked at, or cannot be shown from what was given, is NOT_SHOWN."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOT_SHOWN = "not_shown"


@dataclass(frozen=True, slots=True)
class Event:
    """An entry that came since, in the words of `evidence verify`."""

    seq: int
    type: str
    time: datetime
    about: str


@dataclass(frozen=True, slots=True)
class Since:
    """What came to the log after a receipt over `size` entries: entries by type, and each one that is told apart."""

    size: int
    looked: datetime
    entries: int
    counts: Mapping[str, int]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What was examined and what came of it.

    `root` is the Merkle root over `tree_size` entries as a checkpoint writes it (base64); `checkpoint` the newest sound
    checkpoint note, for the auditor to keep; `blobs` and `bytes` count what was hashed. `notes` have the form of
    problems and are none: runs in progress or abandoned, and blobs that nothing names. Those are what a writer that was
    killed, or lost a race, leaves behind, or what somebody put there: they are nobody's evidence.
    """

    log: str
    origin: str
    tree_size: int
    root: str
    entries: int
    runs: int
    simulated_runs: int
    blobs: int
    bytes: int
    verdicts: Mapping[Property, tuple[Verdict, str]]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    pinned: bool
    checkpoint: builtins.bytes
    left_out: int = 0
    """Blobs that a package names and does not hold, as its scope says; of a vault none."""
    encrypted: int = 0
    """Artifacts that are ciphertexts; of them `opened` were opened with keys, and `erased` nobody can open any more."""
    opened: int = 0
    erased: int = 0
    tokens: tuple[tuple[str, Digest], ...] = ()
    """Authority and digest of each token over `checkpoint`, judged or not."""
    since: Since | None = None
    """What came after the auditor's receipt, where one was given and the log continues it."""

    @property
    def exit_code(self) -> int:
        """The worst wins: 4 tampered, before 5 incomplete or stale, before 6 unpinned, before 0."""
        return exit_code(self.problems, pinned=self.pinned)


@dataclass(frozen=True, slots=True)
class WorkbookReport:
    """Whether these bytes left the log as an export. `export` and `seq` are the entry that names them."""

    digest: Digest
    size: int
    export: Export | None
    seq: int | None
    problems: tuple[Problem, ...]
    pinned: bool

    @property
    def exit_code(self) -> int:
        """As of `Report`."""
        return exit_code(self.problems, pinned=self.pinned)


def exit_code(problems: tuple[Problem, ...], *, pinned: bool) -> int:
    """4 over 5 over 6 over 0."""
    if any(problem.shows_tampering() for problem in problems):
        return EXIT_TAMPERED
    if problems:
        return EXIT_INCOMPLETE
    return EXIT_OK if pinned else EXIT_UNPINNED


@dataclass(frozen=True, slots=True)
class Given:
    """What the verdicts rest on besides the log itself."""

    pinned: bool
    tree_size: int
    kept_size: int | None
    max_age_days: int | None
    unnamed_blobs: int
    time: str | None = None
    """What time-stamp tokens prove; None where they prove nothing."""
    time_missing: str = ""
    """Why they prove nothing."""
    left_out: int = 0
    slots: str = ""
    """What the log's schedule says of slots that were due."""
    kept_words: str = ""
    """The farthest of the kept checkpoints and those of anchors: where, how far, since when."""


def verdicts(problems: tuple[Problem, ...], given: Given) -> dict[Property, tuple[Verdict, str]]:
    """A verdict and its reason for each property."""
    broken = {item: [problem for problem in problems if problem.property is item] for item in Property}
    unbroken = _unbroken(given)
    return {item: _broken(broken[item]) if broken[item] else unbroken[item] for item in Property}


def _broken(problems: list[Problem]) -> tuple[Verdict, str]:
    first = problems[0]
    return Verdict.BROKEN, f"{len(problems)} problem{'s' * (len(problems) > 1)}, first: {first.type} {first.key}"


def _unbroken(given: Given) -> dict[Property, tuple[Verdict, str]]:
    return {
        Property.AUTHENTIC: _authentic(given),
        Property.INTACT: _by_itself(given, f"every digest and root recomputed{_unnamed(given)}"),
        Property.COMPLETE: _by_itself(
            given, f"planned units, rows, receipts and blobs agree{_scoped(given)}{_tail(given)}"
        ),
        Property.ORDERED: _by_itself(given, "no gap, no fork, every entry names the one before it"),
        Property.TIMELY: _timely(given),
        Property.ANCHORED: _anchored(given),
        Property.FRESH: _fresh(given),
    }


def _authentic(given: Given) -> tuple[Verdict, str]:
    if not given.pinned:
        return Verdict.NOT_SHOWN, "unpinned: no trust policy given, and keys found in the store are never trusted"
    return Verdict.HOLDS, "every entry and checkpoint signed by a key pinned for it"


def _by_itself(given: Given, reason: str) -> tuple[Verdict, str]:
    """Whoever rewrites a whole log makes it agree with itself: without a pinned key that shows nothing."""
    if given.pinned:
        return Verdict.HOLDS, reason
    return Verdict.NOT_SHOWN, f"unpinned; the log agrees with itself: {reason}"


def _unnamed(given: Given) -> str:
    return f"; {given.unnamed_blobs} blobs that nothing names are no evidence" if given.unnamed_blobs else ""


def _scoped(given: Given) -> str:
    return f"; {given.left_out} blobs are not in this package, as its scope says" if given.left_out else ""


def _tail(given: Given) -> str:
    """What stays unseen: newest runs that were dropped, as long as those that are left are fresh."""
    if given.kept_size:
        return "; newest runs written after the kept checkpoint and dropped would show by age only"
    return "; dropped newest runs would show by age only, as no kept checkpoint was given"


def _timely(given: Given) -> tuple[Verdict, str]:
    if given.time is None:
        return Verdict.NOT_SHOWN, f"{given.time_missing}: times are plausible, and the writer's own word"
    return Verdict.HOLDS, given.time


def _anchored(given: Given) -> tuple[Verdict, str]:
    if given.kept_size is None:
        return Verdict.NOT_SHOWN, (
            "no kept checkpoint given: dropped newest runs show by age only, and whoever holds the signing key could "
            "have told everything otherwise; keep this checkpoint, and give it next time, or name an anchor"
        )
    if given.kept_size == 0:
        return Verdict.NOT_SHOWN, "the kept checkpoint is of an empty log, which every log extends"
    newer = given.tree_size - given.kept_size
    reason = f"extends {given.kept_words}; {newer} newer ones are not anchored"
    return Verdict.HOLDS, reason


def _fresh(given: Given) -> tuple[Verdict, str]:
    if given.max_age_days is None:
        return Verdict.NOT_SHOWN, "no trust policy given, and so no promised age"
    return Verdict.HOLDS, f"the newest closed run is at most {given.max_age_days} days old; {given.slots}"
