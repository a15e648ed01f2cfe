"""What the log says of each run."""

from __future__ import annotations

from typing import Any

from evidence_schema.models.base import format_time
from flows.vault.runs import RunState
from flows.vault.vault import Vault


def run_lines(vault: Vault) -> list[dict[str, Any]]:
    """A line for each run, in the order of opening."""
    return [_line(vault, state) for state in vault.runs.runs()]


def _line(vault: Vault, state: RunState) -> dict[str, Any]:
    opened, closed = state.open, state.close
    done = opened.expected if closed else sum(1 for _ in vault.receipts.all(state.run_id))
    return {
        "run_id": state.run_id,
        "slot": state.slot,
        "opened": format_time(opened.time),
        "state": _word(state),
        "units": opened.expected,
        "done": done,
        "results": dict(sorted(closed.results.items())) if closed else {},
        "counts": state.judged.counts if state.judged else {},
        "workbooks": [export.name for export in state.exports],
        "case": opened.case or "",
    }


def _word(state: RunState) -> str:
    if state.abandoned is not None:
        return "abandoned: attempted, not finished"
    if state.close is None:
        return "open"
    return "judged" if state.judged else "closed, not judged"
