"""Four writers at once, each of which is killed with -9 sooner or later, and the S3 server under them as well.

A writer makes whole runs by the vault's own steps, one after the other, and notes what was acknowledged to it: each put
that returned, each run that it opened or ended. Some writers die at a given put of a run, before or after it; others
whenever the killer likes. Who takes a dead one's place resumes its run, or leaves it open for ever. When a store does
not answer, a writer tries again from the beginning of its run, as the next start of a slot does.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TextIO

from history import LOG, ORIGIN, SIGNER, Occasion

from evidence_schema.digest import Digest
from evidence_schema.models.names import RunId
from evidence_schema.verification import verify_log
from flows.demo.object_store import ObjectStore
from flows.vault.errors import AlreadyThere, Contended, VaultError
from flows.vault.keys import trust_policy_for
from flows.vault.settings import VaultSettings
from flows.vault.store import Source, Store
from flows.vault.vault import Vault, assemble

WRITERS = 4
Point = tuple[str, int]
"""`before` or `after`, and the number of the put of a run."""


class Now:
    """The clock of this machine, and of one that is ahead of it."""

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        self._ahead = ahead

    @property
    def moment(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) + self._ahead

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **by: int) -> None:
        """A real clock needs no help."""


class Noting:
    """A store that notes what it has acknowledged, and whose process dies at a point."""

    def __init__(self, inner: Store, notes: TextIO, point: Point | None) -> None:
        self._inner = inner
        self._notes = notes
        self._point = point
        self._puts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put(self, key: str, source: Source, *, digest: Digest, **options: Any) -> Any:
        self._puts += 1
        self._die_if("before")
        try:
            custody = self._inner.put(key, source, digest=digest, **options)
        except (AlreadyThere, Contended):
            if "/entry/" in key:
                self._notes.write(f"race {key}\n")
            raise
        self._notes.write(f"put {key} {digest}\n")
        self._die_if("after")
        return custody

    def _die_if(self, moment: str) -> None:
        # From the point on: the put of that number may have met what another had written.
        if self._point is not None and self._point[0] == moment and self._puts >= self._point[1]:
            self._notes.write("point\n")
            os.kill(os.getpid(), signal.SIGKILL)


def vault_over(store: Store, clock: Callable[[], datetime]) -> Vault:
    return assemble(store, VaultSettings(url="dir:unused", log=LOG, origin=ORIGIN), SIGNER, clock=clock)


def write(store: Store, notes: TextIO, resume: RunId | None) -> None:
    """Runs without end; first the one that was left open, if any."""
    logging.disable()  # that the store does not answer is what we came for
    clock = Now()
    vault = vault_over(store, clock)
    while True:
        occasion: Occasion | None = None
        while occasion is None:
            try:
                occasion = _next(vault, clock, resume)
            except VaultError:
                time.sleep(0.1)
        resume = None
        notes.write(f"attempt {occasion.run_id}\n")
        while True:
            try:
                occasion.whole()
                break
            except VaultError as error:
                notes.write(f"failed {type(error).__name__}\n")
                time.sleep(0.1)
        notes.write(f"done {occasion.run_id}\n")
        time.sleep(secrets.randbelow(200) / 1000)  # a log of thousands of entries would only be slower to judge


def _next(vault: Vault, clock: Any, resume: RunId | None) -> Occasion:
    state = vault.runs.run(resume) if resume else None
    if state is not None and state.is_open:
        return Occasion.resumed(vault, clock, state.open)
    return Occasion(vault, clock, secrets.randbits(32), f"adhoc/{secrets.token_hex(6)}")


@dataclass
class Writer:
    """A process."""

    pid: int
    notes: Path
    point: Point | None

    def lines(self) -> list[list[str]]:
        """Whole lines only: the last one of a killed writer may be half."""
        return [line.split() for line in self.notes.read_text().split("\n")[:-1]]


@dataclass
class Toll:
    """What was done to the writers, and what became of the log."""

    kills: int = 0
    at_points: int = 0
    server_kills: int = 0
    seconds: float = 0
    acknowledged: int = 0
    races: int = 0
    failures: int = 0
    resumed: int = 0
    entries: int = 0
    runs: int = 0
    finished: int = 0
    repaired: int = 0
    lost: list[str] = field(default_factory=list)
    forks: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    invisible: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.forks, *self.gaps, *self.invisible, *self.problems]

    def __str__(self) -> str:
        server = f" and {self.server_kills} of the server" if self.server_kills else ""
        return (
            f"{self.kills} kills of writers, {self.at_points} of them at a step{server} in {self.seconds:.0f} s; "
            f"{self.entries} entries of {self.runs} runs, {self.finished} finished, {self.resumed} resumed by another; "
            f"{self.acknowledged} puts acknowledged, {self.races} races lost, {self.failures} times the store failed, "
            f"{self.repaired} checkpoints repaired\n"
            f"acknowledged lost {len(self.lost)}, forks {len(self.forks)}, gaps {len(self.gaps)}, "
            f"attempts not visible {len(self.invisible)}, other problems {len(self.problems)}"
        )


class Crash:
    """One vault, its writers and who kills them."""

    def __init__(self, open_store: Callable[[], Store], folder: Path, seed: str, server: ObjectStore | None = None):
        self._open_store = open_store
        self._folder = folder
        self._random = Random(seed)
        self._server = server
        self._writers: list[Writer] = []
        self._dead: list[Writer] = []
        self._points: list[Point] = []
        self._left_open: list[RunId] = []
        self.toll = Toll()

    def run(self, points: list[Point], seconds: float) -> Toll:
        """Until every point was reached, and so many seconds have passed."""
        self._points = self._random.sample(points, len(points))
        began = time.monotonic()
        next_kill, next_server_kill = began + 1, began + 5
        try:
            while self._points or self._at_points() or time.monotonic() - began < seconds:
                self._reap()
                while len(self._writers) < WRITERS:
                    self._start()
                if time.monotonic() > next_kill:
                    self._kill_one()
                    next_kill = time.monotonic() + self._random.uniform(0.1, 1.5)
                if self._server is not None and time.monotonic() > next_server_kill:
                    self._server.kill()
                    time.sleep(self._random.uniform(0, 0.5))
                    self._server.restart()
                    self.toll.server_kills += 1
                    next_server_kill = time.monotonic() + self._random.uniform(6, 12)
                time.sleep(0.02)
        finally:
            self._end()
        self.toll.seconds = time.monotonic() - began
        return Judgement(self.toll, self._open_store(), self._dead).passed()

    def _at_points(self) -> bool:
        return any(writer.point for writer in self._writers)

    def _start(self) -> None:
        """Most writers die at a point, as long as there are any; every other one resumes a dead one's run."""
        point = self._points.pop() if self._points and self._random.random() < 0.8 else None
        resume = self._left_open.pop() if self._left_open and self._random.random() < 0.5 else None
        self.toll.resumed += resume is not None
        notes = self._folder / f"{len(self._dead) + len(self._writers):05d}.notes"
        store = self._open_store()  # it asks nothing yet: no connection is shared
        pid = os.fork()
        if pid == 0:
            with notes.open("w", buffering=1) as file:
                try:
                    write(Noting(store, file, point), file, resume)  # type: ignore[arg-type]
                except BaseException as error:
                    file.write(f"died {type(error).__name__} {error}\n")
                finally:
                    os._exit(1)
        self._writers.append(Writer(pid, notes, point))

    def _kill_one(self) -> None:
        """One of those that do not die by themselves."""
        victims = [writer for writer in self._writers if writer.point is None]
        if victims:
            os.kill(self._random.choice(victims).pid, signal.SIGKILL)

    def _reap(self) -> None:
        for writer in list(self._writers):
            pid, status = os.waitpid(writer.pid, os.WNOHANG)
            if pid:
                self._bury(writer, os.waitstatus_to_exitcode(status))

    def _bury(self, writer: Writer, code: int) -> None:
        self._writers.remove(writer)
        self._dead.append(writer)
        lines = writer.lines() if writer.notes.exists() else []
        if code != -signal.SIGKILL:
            raise AssertionError(f"expected a writer that is killed, found one that ended with {code}: {lines[-3:]}")
        self.toll.kills += 1
        if ["point"] in lines:
            self.toll.at_points += 1
        attempts = [line[1] for line in lines if line[0] == "attempt"]
        done = {line[1] for line in lines if line[0] == "done"}
        self._left_open += [run_id for run_id in attempts if run_id not in done]

    def _end(self) -> None:
        for writer in self._writers:
            os.kill(writer.pid, signal.SIGKILL)
        for writer in list(self._writers):
            os.waitpid(writer.pid, 0)
            self._writers.remove(writer)
            self._dead.append(writer)
            self.toll.kills += 1


class Judgement:
    """What stands after all that, asked from the store alone."""

    def __init__(self, toll: Toll, store: Store, writers: list[Writer]) -> None:
        self._toll = toll
        self._store = store
        self._notes = [line for writer in writers if writer.notes.exists() for line in writer.lines()]

    def passed(self) -> Toll:
        toll, noted = self._toll, Counter(line[0] for line in self._notes)
        toll.acknowledged, toll.races, toll.failures = noted["put"], noted["race"], noted["failed"]
        vault = vault_over(self._store, Now())
        toll.repaired = len(vault.repair().checkpoints)
        self._acknowledged()
        self._attempts(vault)
        toll.problems += self._verified("run-in-progress", vault, Now())
        self._next_day()
        return toll

    def _acknowledged(self) -> None:
        """Every put that returned stands with its bytes, and no two writers were told of different ones."""
        told: dict[str, set[str]] = {}
        for line in self._notes:
            if line[0] == "put":
                told.setdefault(line[1], set()).add(line[2])
        self._toll.forks += [f"{key} acknowledged twice" for key, digests in told.items() if len(digests) > 1]
        for key, digests in told.items():
            head = self._store.head(key)
            if head is None or str(head.checksum) not in digests:
                self._toll.lost.append(f"{key}: {digests} acknowledged, {head} found")

    def _attempts(self, vault: Vault) -> None:
        """Every run whose opening was acknowledged is in the log."""
        runs = {state.run_id: state for state in vault.runs.runs()}
        self._toll.entries = vault.log.head().size
        self._toll.runs, self._toll.finished = len(runs), sum(bool(state.close) for state in runs.values())
        known = {line[1] for line in self._notes if line[0] == "done"}
        self._toll.invisible += sorted(run_id for run_id in known if run_id not in runs or not runs[run_id].close)

    def _verified(self, word: str, vault: Vault, clock: Now) -> Iterator[str]:
        """The verifier's problems, sorted into what we count; every open run must be noted by that word."""
        report = verify_log(self._store, trust=trust_policy_for(LOG, ORIGIN, SIGNER), now=clock())
        for problem in report.problems:
            text = f"{problem.type} {problem.key}: {problem.found}"
            if problem.type in ("second-version", "entry-prev-differs", "run-opened-twice"):
                self._toll.forks.append(text)
            elif problem.type == "entry-missing":
                self._toll.gaps.append(text)
            else:
                yield text
        noted = {note.found.split()[0] for note in report.notes if note.type == word}
        unfinished = {state.run_id for state in vault.runs.runs() if state.close is None}
        self._toll.invisible += [f"{run_id} is not noted as {word}" for run_id in sorted(unfinished - noted)]

    def _next_day(self) -> None:
        """The next start abandons what nobody resumed, and the log is whole."""
        clock = Now(timedelta(hours=25))
        vault = vault_over(self._store, clock)
        Occasion(vault, clock, 1, "adhoc/000000000001").whole()
        self._toll.problems += self._verified("run-abandoned", vault, clock)


def points_of_a_run(open_store: Callable[[], Store]) -> list[Point]:
    """Before and after each put of a run that nobody disturbs."""
    puts = 0

    class Counting:
        def __init__(self, inner: Store) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def put(self, *args: Any, **options: Any) -> Any:
            nonlocal puts
            puts += 1
            return self._inner.put(*args, **options)

    clock = Now()
    vault = vault_over(Counting(open_store()), clock)  # type: ignore[arg-type]
    Occasion(vault, clock, 0, "adhoc/000000000000").whole()
    return [(moment, number) for number in range(1, puts + 1) for moment in ("before", "after")]
