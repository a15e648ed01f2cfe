"""Step 9: times that can be true, and the age of the newest evidence.

They are the writer's own word. A timestamp token would show when, this shows only that they agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from evidence_schema.layout import Layout
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.runs import Run

SKEW = timedelta(minutes=5)
"""How far the clocks of two hosts may differ."""
_DAY = 86_400
_AD_HOC = "adhoc/"


def check_entry_times(entries: Iterable[Entry], now: datetime, problems: Problems) -> None:
    """Nothing was written later than now."""
    for entry in entries:
        if entry.predicate is not None and entry.predicate.time - now > SKEW:
            problems.add("entry-from-the-future", entry.key, f"a time up to {now}", entry.predicate.time)


def check_receipt_times(
    receipt: Receipt, key: str, opened: datetime, closed: datetime | None, problems: Problems
) -> None:
    """A unit was gathered after its run was opened and, where it was closed, before that."""
    found = f"{receipt.unit} from {receipt.started} to {receipt.finished}"
    is_outside = opened - receipt.started > SKEW or (closed is not None and receipt.finished - closed > SKEW)
    if is_outside or receipt.finished < receipt.started:
        problems.add("receipt-outside-its-run", key, f"from {opened} to {closed or 'its close'}", found)


def check_freshness(runs: Iterable[Run], trust: TrustPolicy, layout: Layout, now: datetime, problems: Problems) -> None:
    """The newest closed run is not older than promised.

    A run on somebody's request does not make a missed schedule fresh; it counts only in a log without a schedule.
    """
    runs = list(runs)
    scheduled = [run for run in runs if not run.opened.slot.startswith(_AD_HOC)] or runs
    newest = max((run.closed for run in scheduled if run.closed), key=lambda closed: closed.time, default=None)
    promised = f"a closed run at most {trust.max_age_days} days old"
    if newest is None:
        problems.add("nothing-collected", layout.entries, promised, "no closed run")
    elif (age := (now - newest.time).total_seconds()) > trust.max_age_days * _DAY:
        problems.add("stale", layout.entry(newest.seq), promised, f"{newest.run_id}, {int(age // _DAY)} days old")
