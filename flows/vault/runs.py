"""What became of each run, read from the log's entries, and the rules of starting and ending one (INTEGRITY 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Literal

from evidence_schema.digest import Digest
from evidence_schema.models.entry import (
    Erasure,
    Export,
    Extension,
    Hold,
    Judged,
    Predicate,
    RunAbandoned,
    RunClose,
    RunEntry,
    RunOpen,
    RunPredicate,
    ScheduleChange,
    Statement,
    Subject,
)
from flows.vault.errors import Held, WrongRun
from flows.vault.log import Log, LoggedEntry, NextEntry
from flows.vault.settings import RESUME_WINDOW


@dataclass(frozen=True, slots=True)
class RunState:
    """A run by its entries. Of two closing or abandoning entries the first counts; of two judgements the last."""

    open: RunOpen
    close: RunClose | None = None
    judged: Judged | None = None
    exports: tuple[Export, ...] = ()
    abandoned: RunAbandoned | None = None
    erasures: tuple[Erasure, ...] = ()
    holds: tuple[Hold, ...] = ()
    """Those that stand: a release takes its case's away."""

    @property
    def run_id(self) -> str:
        return self.open.run_id

    @property
    def slot(self) -> str:
        return self.open.slot

    def cases_holding(self, artifacts: Collection[Digest]) -> tuple[str, ...]:
        """The cases for which any of these artifacts must be kept."""
        held = (hold for hold in self.holds if not hold.artifacts or not set(hold.artifacts).isdisjoint(artifacts))
        return tuple(sorted(hold.case for hold in held))

    @property
    def unfinished_erasures(self) -> tuple[Erasure, ...]:
        """Ordered, and not yet found done."""
        done = {erasure.disposition for erasure in self.erasures if erasure.stage == "done"}
        return tuple(item for item in self.erasures if item.stage == "ordered" and item.disposition not in done)

    @property
    def is_open(self) -> bool:
        """Neither closed nor abandoned: the next start of its slot resumes it."""
        return self.close is None and self.abandoned is None


@dataclass(frozen=True, slots=True)
class Started:
    """A run to work on: opened by us, or `joined`: opened by another before us, and perhaps closed as well."""

    run: RunState
    joined: bool


class Runs:
    """The runs of a log, and the schedules that they fill."""

    def __init__(self, log: Log, clock: Callable[[], datetime], resume_window: timedelta = RESUME_WINDOW) -> None:
        self._log = log
        self._clock = clock
        self._window = resume_window
        self._guard = RLock()
        self._states: dict[str, RunState] = {}
        self._changes: list[ScheduleChange] = []
        self._seen = 0

    def runs(self) -> tuple[RunState, ...]:
        """Every run, in the order of opening."""
        with self._guard:
            for entry in self._log.entries(self._seen):
                _fold(self._states, entry)
                if isinstance(entry.predicate, ScheduleChange):
                    self._changes.append(entry.predicate)
                self._seen = entry.seq + 1
            return tuple(self._states.values())

    def schedule_changes(self) -> tuple[ScheduleChange, ...]:
        """What was promised, in the order of the entries."""
        with self._guard:
            self.runs()
            return tuple(self._changes)

    def run(self, run_id: str) -> RunState | None:
        """One run by its id."""
        return next((state for state in self.runs() if state.run_id == run_id), None)

    def run_of(self, slot: str, *, again: bool = False) -> RunState | None:
        """The run that a start of the slot joins: its open one, else the last that was closed (`again`: not that)."""
        standing = None
        for state in self.runs():
            if state.slot == slot and state.is_open:
                return state
            if state.slot == slot and state.close is not None and not again:
                standing = state
        return standing

    def open_or_join(self, slot: str, make_open: Callable[[NextEntry], Statement], *, again: bool = False) -> Started:
        """Join the slot's run, or open one; who loses the race for the entry joins the winner's run.

        A slot is filled once: a run of it that is closed is joined too, unless `again` asks for a further one. Writes
        missing checkpoints first, and abandons open runs of other slots whose resume window has passed.
        """
        self._log.repair()
        self._abandon_stale(slot)
        found: list[RunState] = []

        def decide(following: NextEntry) -> Statement | None:
            if (standing := self.run_of(slot, again=again)) is not None:
                found.append(standing)
                return None
            return _opening(slot, make_open(following))

        entry = self._log.append_unless(decide)
        if entry is None:
            return Started(found[-1], joined=True)
        return Started(self._required(_run_of(entry.predicate)), joined=False)

    def close(self, run_id: str, make: Callable[[NextEntry], Statement]) -> RunState:
        """Write the closing entry, unless another who had joined the run was first: then the run is closed as well."""
        return self._once(run_id, RunClose, make, lambda state: state.close is not None)

    def judge(self, run_id: str, make: Callable[[NextEntry], Statement]) -> RunState:
        """Write the judgement of a closed run, unless it stands already."""
        return self._once(run_id, Judged, make, lambda state: state.judged is not None)

    def export(self, run_id: str, make: Callable[[NextEntry], Statement]) -> RunState:
        """Write that something left the log; each time it does."""
        return self._once(run_id, Export, make, lambda _: False)

    def erase(self, run_id: str, make: Callable[[NextEntry], Statement], artifacts: Collection[Digest]) -> RunState:
        """Write that keys are to be, or were found, destroyed; raises Held where a hold was written before an order.

        The same stage of the same disposition is written once.
        """

        def decide(following: NextEntry) -> Statement | None:
            state = self._required(run_id)
            if state.is_open:
                raise WrongRun(f"expected a run that has ended, found {run_id} open; close or abandon it first")
            statement = make(following)
            erasure = statement.predicate
            if not isinstance(erasure, Erasure):
                raise WrongRun(f"expected an erasure, found {erasure.type}")
            if any((item.stage, item.disposition) == (erasure.stage, erasure.disposition) for item in state.erasures):
                return None
            if erasure.stage == "ordered" and (cases := state.cases_holding(artifacts)):
                raise Held(f"expected no hold on {run_id}, found {', '.join(cases)}; release it first: evidence hold")
            return _of_run(state, Erasure, statement)

        self._log.append_unless(decide)
        return self._required(run_id)

    def hold(self, run_id: str, make: Callable[[NextEntry], Statement]) -> RunState:
        """Write a hold or its release; a hold that stands is not written again.

        Raises WrongRun for a release of no hold, and for a hold on a run of which an erasure is under way.
        """

        def decide(following: NextEntry) -> Statement | None:
            state = self._required(run_id)
            statement = make(following)
            hold = statement.predicate
            if not isinstance(hold, Hold):
                raise WrongRun(f"expected a hold, found {hold.type}")
            standing = [item for item in state.holds if item.case == hold.case]
            if hold.action == "release" and not standing:
                raise WrongRun(f"expected {hold.case} to hold {run_id}, found no such hold")
            if hold.action == "hold" and state.unfinished_erasures:
                raise WrongRun(f"expected nothing to be erased of {run_id}, found an erasure ordered; finish it first")
            if hold.action == "hold" and any(item.artifacts == hold.artifacts for item in standing):
                return None
            return _of_run(state, Hold, statement)

        self._log.append_unless(decide)
        return self._required(run_id)

    def extend(self, run_id: str, make: Callable[[NextEntry], Statement]) -> RunState:
        """Write that a run is kept for longer."""
        self._log.append(lambda following: _of_run(self._required(run_id), Extension, make(following)))
        return self._required(run_id)

    def abandon(self, run_id: str) -> RunState:
        """An operator gives a run up; raises WrongRun within the resume window, in which it can be resumed."""
        state = self._required(run_id)
        if state.close is not None:
            raise WrongRun(f"expected an open run, found {run_id} closed at {state.close.time}")
        if state.is_open and not self._is_stale(state):
            raise WrongRun(
                f"expected {run_id} to be open for more than {self._window}, found it opened at {state.open.time}; "
                f"resume it by a start of {state.slot}, or wait"
            )
        return self._abandon(run_id, "operator")

    def _abandon_stale(self, slot: str) -> None:
        for state in self.runs():
            if state.is_open and state.slot != slot and self._is_stale(state):
                self._abandon(state.run_id, "resume window passed")

    def _is_stale(self, state: RunState) -> bool:
        return self._clock() - state.open.time > self._window

    def _abandon(self, run_id: str, reason: Literal["resume window passed", "operator"]) -> RunState:
        def decide(following: NextEntry) -> Statement | None:
            state = self._required(run_id)
            if not state.is_open:
                return None
            given_up = RunAbandoned(**following.common(run_id, state.slot), reason=reason)
            opening = Subject.of(f"{state.open.seq:012d}.dsse.json", self._log.entry_digest(state.open.seq))
            return Statement(subject=(opening,), predicate=given_up)

        self._log.append_unless(decide)
        return self._required(run_id)

    def _once(
        self,
        run_id: str,
        kind: type[RunClose | Judged | Export],
        make: Callable[[NextEntry], Statement],
        is_done: Callable[[RunState], bool],
    ) -> RunState:
        def decide(following: NextEntry) -> Statement | None:
            state = self._required(run_id)
            _refuse_wrong_state(state, kind)
            return None if is_done(state) else _of_run(state, kind, make(following))

        self._log.append_unless(decide)
        return self._required(run_id)

    def _required(self, run_id: str) -> RunState:
        state = self.run(run_id)
        if state is None:
            raise WrongRun(f"expected a run of this log, found none called {ascii(run_id)[:80]}; see `evidence status`")
        return state


def _fold(states: dict[str, RunState], entry: LoggedEntry) -> None:
    """Take one entry into account. What belongs to no opened run changes nothing; the verifier reports it."""
    predicate = entry.predicate
    if not isinstance(predicate, RunEntry):
        return
    if isinstance(predicate, RunOpen):
        states.setdefault(predicate.run_id, RunState(predicate))
    elif (state := states.get(predicate.run_id)) is not None:
        states[predicate.run_id] = _advanced(state, predicate)


def _advanced(state: RunState, predicate: RunPredicate) -> RunState:
    if isinstance(predicate, Judged):
        return replace(state, judged=predicate)
    if isinstance(predicate, Export):
        return replace(state, exports=(*state.exports, predicate))
    if isinstance(predicate, Erasure):
        return replace(state, erasures=(*state.erasures, predicate))
    if isinstance(predicate, Hold):
        others = tuple(hold for hold in state.holds if hold.case != predicate.case)
        return replace(state, holds=(*others, predicate) if predicate.action == "hold" else others)
    if isinstance(predicate, Extension | RunOpen) or not state.is_open:
        return state
    return replace(state, close=predicate) if isinstance(predicate, RunClose) else replace(state, abandoned=predicate)


def _refuse_wrong_state(state: RunState, kind: type[RunClose | Judged | Export]) -> None:
    if state.abandoned is not None:
        raise WrongRun(f"expected a run that goes on, found {state.run_id} abandoned ({state.abandoned.reason})")
    if kind is Judged and state.close is None:
        raise WrongRun(f"expected {state.run_id} to be closed before it is judged, found it open; resume it first")


def _run_of(predicate: Predicate) -> str:
    if not isinstance(predicate, RunEntry):
        raise WrongRun(f"expected an entry about a run, found {predicate.type}")
    return predicate.run_id


def _opening(slot: str, statement: Statement) -> Statement:
    if not isinstance(statement.predicate, RunOpen) or statement.predicate.slot != slot:
        raise WrongRun(f"expected the opening of slot {slot}, found {statement.predicate.type}")
    return statement


def _of_run(
    state: RunState, kind: type[RunClose | Judged | Export | Erasure | Hold | Extension], statement: Statement
) -> Statement:
    predicate = statement.predicate
    if not isinstance(predicate, kind):
        raise WrongRun(f"expected {kind.__name__} of {state.run_id}, found {predicate.type}")
    if (predicate.run_id, predicate.slot) != (state.run_id, state.slot):
        raise WrongRun(f"expected {kind.__name__} of {state.run_id}, found {predicate.type} of {predicate.run_id}")
    return statement
