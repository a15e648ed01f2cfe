"""A run on the terminal: a bar on stderr while it works, and the first answer before the sealing ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import PlannedUnit
from flows.cli.console import err, plain
from flows.observing import observer


@contextmanager
def counting(what: str) -> Iterator[Callable[[str, int], None]]:
    """A line on stderr that counts what was done of each part; gone when the work ends."""
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err(), transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda part, count: progress.update(bar, description=f"{what}: {count} {part}")


class Terminal:
    """An observer that draws on stderr."""

    def __init__(self) -> None:
        self._console = err()
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=self._console, transient=True,
        )  # fmt: skip
        self._bar = self._progress.add_task("opening the run", total=None)
        self._mutex = Lock()
        self._answers: list[tuple[PlannedUnit, str, int, str]] = []

    def __enter__(self) -> Self:
        self._token = observer.set(self)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        observer.reset(self._token)

    def opened(self, run_id: str, slot: str, units: int, done: int, resumed: bool) -> None:
        word = "resumed" if resumed else "opened"
        self._console.print(f"{word} {run_id} for slot {slot}: {units} units expected, {done} done already")
        self._progress.update(self._bar, description="gathering", total=units, completed=done)

    def answered(self, unit: PlannedUnit, result: str, items: int, reason: str) -> None:
        with self._mutex:
            self._answers.append((unit, result, items, reason))

    def sealed(self, receipt: Receipt) -> None:
        self._progress.advance(self._bar)

    def step(self, text: str) -> None:
        self._first_answer()
        self._progress.update(self._bar, description=text)

    def _first_answer(self) -> None:
        """What was found, what failed and what was denied: told once, while manifest and judgement are made."""
        with self._mutex:
            answers, self._answers = self._answers, []
        if not answers:
            return
        items = sum(count for _, _, count, _ in answers)
        self._console.print(f"first answer: {items} items from {len(answers)} units")
        for unit, result, _, reason in sorted(answers, key=lambda answer: answer[0].unit.sort_key):
            if result not in ("collected", "empty"):
                self._console.print(f"  {result:<12} {unit.unit}: {plain(reason)[:200]}", markup=False)
