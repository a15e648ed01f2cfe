"""Find records of a run by their ids: what a security engineer asks for by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from evidence_schema.models.transcript import Record
from flows.steps.judging import closed_of, find_run, receipts_of
from flows.steps.opening import load_run
from flows.steps.records import Records
from flows.vault.vault import Vault


def records_named(vault: Vault, run_id: str, wanted: Collection[str]) -> Iterator[Record]:
    """The records whose id is one of `wanted`, from the sealed transcripts of a closed run."""
    state = find_run(vault, run_id)
    run = load_run(vault, state)
    receipts = {receipt.unit: receipt for receipt in receipts_of(vault, closed_of(state))}
    records = Records(vault.artifacts, receipts, run.declarations)
    for unit in receipts:
        yield from (record for record in records(unit.kind, unit) if record.id in wanted)
