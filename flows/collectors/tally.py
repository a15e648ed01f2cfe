"""A unit's figures, kept while it is gathered, and the gather result that follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from evidence_schema.models.names import GatherResult
from evidence_schema.models.receipt import CallCounts, CallProblem, ItemCounts, RedactionCount
from evidence_schema.models.transcript import Call, Redaction

_SHOWN = 4
_PREPARING = ("start", "poll")
"""Steps after which nothing is known yet."""
Problem = Literal["denied", "failed", "unavailable"]


@dataclass
class Tally:
    """Counts of one unit. A primary call is one without which nothing is known: start, poll, list, report."""

    calls: int = 0
    pages: int = 0
    retries: int = 0
    errors: int = 0
    returned: int = 0
    kept: int = 0
    control_total: int | None = None
    quarantined: int = 0
    primary_answers: int = 0
    primary_errors: list[CallProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What else makes the unit incomplete, in words."""
    remark: str = ""
    """What is worth saying of a unit that is complete."""
    _problems: dict[tuple[str, str, str, str, str], CallProblem] = field(default_factory=dict)
    _redactions: Counter[str] = field(default_factory=Counter)

    def count(self, call: Call, *, primary: bool) -> None:
        """Take a call as it was recorded."""
        self.retries += len(call.retried)
        if call.succeeded:
            self.calls += 1
            self.primary_answers += primary and call.step not in _PREPARING
            return
        problem = problem_of(call)
        self.problem(problem)
        if primary and len(self.primary_errors) < _SHOWN:
            self.primary_errors.append(problem)

    def problem(self, problem: CallProblem) -> None:
        """Take a call that did not answer; equal ones are counted together."""
        self.errors += problem.count
        key = (problem.service, problem.operation, problem.step, problem.result, problem.code)
        known = self._problems.get(key)
        together = problem if known is None else known.model_copy(update={"count": known.count + problem.count})
        self._problems[key] = together

    def cut(self, redactions: Iterable[Redaction]) -> None:
        """Count what was cut out, by rule."""
        self._redactions.update(item.rule for item in redactions)

    @property
    def problems(self) -> tuple[CallProblem, ...]:
        return tuple(self._problems[key] for key in sorted(self._problems))

    @property
    def redactions(self) -> tuple[RedactionCount, ...]:
        return tuple(RedactionCount(rule=rule, count=count) for rule, count in sorted(self._redactions.items()))

    @property
    def call_counts(self) -> CallCounts:
        return CallCounts(calls=self.calls, pages=self.pages, retries=self.retries, errors=self.errors)

    @property
    def item_counts(self) -> ItemCounts:
        total = self.control_total
        return ItemCounts(
            returned=self.returned,
            kept=self.kept,
            control_total=total,
            difference=None if total is None else total - self.kept,
        )

    def result(self) -> tuple[GatherResult, str]:
        """The gather result with its reason; empty only where every primary call was answered."""
        if self.primary_errors and not self.primary_answers:
            return GatherResult(self._worst()), "; ".join([*self.notes, _listed(self.primary_errors)])
        if self._problems or self.notes:
            return GatherResult.PARTIAL, "; ".join([*self.notes, *self._summary()])
        return (GatherResult.COLLECTED if self.kept else GatherResult.EMPTY), self.remark

    def _worst(self) -> str:
        """Alike: that; mixed: failed, since then no single word is true of all."""
        results = {problem.result for problem in self.primary_errors}
        return results.pop() if len(results) == 1 else "failed"

    def _summary(self) -> list[str]:
        if not self._problems:
            return []
        listed = _listed(self.problems)
        return [f"{self.errors} of {self.calls + self.errors} calls did not answer: {listed}"]


def problem_of(call: Call) -> CallProblem:
    """A recorded call that did not answer."""
    error = call.error
    if error is None:
        raise ValueError("expected a call with an error")
    return CallProblem(
        service=call.service,
        operation=call.operation,
        step=call.step,
        result=error.result,
        code=error.code,
        status=error.status,
        request_id=call.request_id,
    )


def _listed(problems: Iterable[CallProblem]) -> str:
    every = list(problems)
    shown = [
        f"{item.service}:{item.operation} {item.result} ({item.code})" + (f" x {item.count}" if item.count > 1 else "")
        for item in every[:_SHOWN]
    ]
    more = len(every) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")
