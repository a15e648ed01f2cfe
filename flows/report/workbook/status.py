"""Which style repeats a status word. The word itself always stands in the cell."""

from __future__ import annotations

from collections.abc import Mapping

from evidence_schema.models.names import GatherResult, Outcome
from flows.report.workbook.cells import Shown
from flows.report.workbook.styles import Style

_OUTCOMES: Mapping[Outcome | None, Style] = {
    Outcome.EXCEPTION: Style.EXCEPTION,
    Outcome.NOT_COLLECTED: Style.GAP,
    Outcome.STALE: Style.GAP,
    Outcome.NEEDS_REVIEW: Style.REVIEW,
    None: Style.REVIEW,
}
_RESULTS: Mapping[GatherResult, Style] = {
    GatherResult.PARTIAL: Style.GAP,
    GatherResult.DENIED: Style.GAP,
    GatherResult.FAILED: Style.GAP,
    GatherResult.UNAVAILABLE: Style.REVIEW,
}
LOOKS: Mapping[Style, str] = {
    Style.EXCEPTION: "bold red on pale red",
    Style.GAP: "bold brown on pale orange",
    Style.REVIEW: "italic on pale blue",
    Style.TEXT: "plain",
}


def outcome_style(outcome: Outcome | None) -> Style:
    return _OUTCOMES.get(outcome, Style.TEXT)


def result_style(result: GatherResult) -> Style:
    return _RESULTS.get(result, Style.TEXT)


def counted(number: int, style: Style, zero: Style = Style.NUMBER) -> Shown:
    """A count that stands out only where it is not 0."""
    return Shown(number, style if number else zero)


def outcome_count(number: int, outcome: Outcome | None) -> Shown:
    """How many have an outcome (None: no outcome in this run); a dash for none."""
    style = outcome_style(outcome)
    return counted(number, Style.NUMBER if style is Style.TEXT else style, Style.ZERO)
