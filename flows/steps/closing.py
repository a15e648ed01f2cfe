"""Close a run: the manifest of all expected units, then run-close."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from evidence_schema.models.entry import RunClose, Statement, Subject
from evidence_schema.models.receipt import Receipt
from flows.errors import RunNotClosed
from flows.steps.opening import Run
from flows.vault.log import NextEntry
from flows.vault.manifest import ManifestSubject, StoredManifest, build_manifest
from flows.vault.runs import RunState
from flows.vault.vault import Vault


def close_run(run: Run, vault: Vault, receipts: list[Receipt], clock: Callable[[], datetime]) -> RunState:
    """Write manifest and run-close; raises RunNotClosed while an expected unit has no receipt."""
    if run.state.close is not None:
        return run.state
    missing = {planned.unit for planned in run.units} - {receipt.unit for receipt in receipts}
    if missing:
        raise RunNotClosed(
            f"expected a receipt for each of {len(run.units)} units, found none for {len(missing)}, first "
            f"{min(missing, key=lambda unit: unit.sort_key)}; start {run.state.slot} again to resume the run"
        )
    subject = ManifestSubject(
        log=vault.layout.log,
        run_id=run.run_id,
        slot=run.state.slot,
        period=run.plan.period,
        plan=run.state.open.plan,
    )
    stored = build_manifest(vault.blobs, receipts, subject, run.lock(vault))
    complete = all(receipt.result.is_complete for receipt in receipts)
    duration = clock() - run.state.open.time
    return vault.runs.close(run.run_id, _closing(run, stored, complete, max(0, int(duration.total_seconds()))))


def _closing(run: Run, stored: StoredManifest, complete: bool, seconds: int) -> Callable[[NextEntry], Statement]:
    def make(following: NextEntry) -> Statement:
        predicate = RunClose(
            **following.common(run.run_id, run.state.slot),
            manifest=stored.digest,
            results=stored.manifest.results,
            redacted=stored.redacted,
            quarantined=stored.quarantined,
            rows=stored.rows,
            duration_s=seconds,
            status="complete" if complete else "partial",
        )
        return Statement(subject=(Subject.of("manifest.json", stored.digest),), predicate=predicate)

    return make
