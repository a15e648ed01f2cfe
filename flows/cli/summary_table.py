"""A run's summary as tables."""

from __future__ import annotations

from flows.cli.console import print_json, print_table, say
from flows.summary import RunSummary


def show_summary(summary: RunSummary, *, as_json: bool) -> None:
    """The result on stdout."""
    if as_json:
        print_json(summary.to_json() | {"exit_code": summary.exit_code})
        return
    label = "SIMULATED " if summary.simulated else ""
    rows = [
        (line.requirement, line.title, line.outcome, f"{line.failed} of {line.tested}", line.why)
        for line in summary.requirements
    ]
    print_table(f"{label}{summary.run_id} ({summary.slot})", ("requirement", "title", "outcome", "failed", "why"), rows)
    if summary.troubles:
        columns = ("kind", "account", "region", "result", "reason", "calls")
        print_table(
            "Not gathered completely, or not available",
            columns,
            [
                (item.kind, item.account, item.region, item.result, item.reason, "; ".join(item.calls))
                for item in summary.troubles
            ],
        )
    results = ", ".join(f"{count} {result}" for result, count in sorted(summary.results.items()))
    say(f"{summary.units} units: {results}")
    if summary.awaiting:
        say(f"awaiting a person: {len(summary.awaiting)} requirements (`evidence plan` names who supplies each)")
    for book in summary.workbooks:
        say(f"workbook {book.framework}: {book.path or book.key} ({book.digest})")
