"""Keep evidence for longer: holds, which nothing may be erased against, and extensions of the store's own lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

from evidence_schema.ahead import ahead
from evidence_schema.digest import Digest
from evidence_schema.models.entry import Extension, Hold, Statement, Subject
from evidence_schema.reader import first_versions
from flows.errors import UsageError
from flows.steps.judging import closed_of, receipts_of
from flows.steps.opening import load_run
from flows.steps.sealable import refuse_secrets
from flows.vault.locks import Lock
from flows.vault.log import NextEntry
from flows.vault.manifest import read_manifest
from flows.vault.runs import RunState
from flows.vault.vault import Vault


def hold(
    vault: Vault,
    state: RunState,
    case: str,
    approver: str,
    artifacts: tuple[Digest, ...] = (),
    action: Literal["hold", "release"] = "hold",
) -> RunState:
    """Write a hold on a run (or on some artifacts of it), or its release. Raises WrongRun, SecretInWords."""
    refuse_secrets([case, approver], "case and approver")

    def make(following: NextEntry) -> Statement:
        predicate = Hold(
            **following.common(state.run_id, state.slot),
            action=action,
            case=case,
            approver=approver,
            artifacts=artifacts if action == "hold" else (),
        )
        return Statement(subject=(_opening(vault, state),), predicate=predicate)

    return vault.runs.hold(state.run_id, make)


def extend(vault: Vault, state: RunState, until: datetime, approver: str) -> int:
    """Lengthen the lock of everything that proves a closed run; returns how many objects that are.

    A lock that is longer already stays as it is. Raises UsageError for a store that locks nothing, or a past date, and
    SecretInWords.
    """
    refuse_secrets(approver, "the approver")
    if not vault.store.describe().locks:
        raise UsageError(f"expected a store that locks, found {vault.store.describe().url}: nothing can be extended")
    if until <= vault.clock():
        raise UsageError(f"expected a date to come, found {until}")
    lock = Lock(vault.policy.mode, until)
    objects = sum(1 for _ in ahead(lambda key: vault.store.extend(key, lock), sorted(set(_keys(vault, state)))))
    vault.runs.extend(state.run_id, _extension(vault, state, until, approver, objects))
    return objects


def _extension(
    vault: Vault, state: RunState, until: datetime, approver: str, objects: int
) -> Callable[[NextEntry], Statement]:
    def make(following: NextEntry) -> Statement:
        common = following.common(state.run_id, state.slot)
        predicate = Extension(**common, until=until, objects=objects, approver=approver)
        return Statement(subject=(_opening(vault, state),), predicate=predicate)

    return make


def _opening(vault: Vault, state: RunState) -> Subject:
    seq = state.open.seq
    return Subject.of(f"{seq:012d}.dsse.json", vault.log.entry_digest(seq))


def _keys(vault: Vault, state: RunState) -> Iterator[str]:
    """Artifacts, receipts and sealed documents of the run, and the log up to now: a part of it proves nothing."""
    layout, opened, closed = vault.layout, state.open, closed_of(state)
    for receipt in receipts_of(vault, closed):
        yield layout.receipt(state.run_id, receipt.unit.digest)
        yield from (layout.blob(blob.digest) for blob in receipt.blobs)
    manifest, plan = read_manifest(vault.blobs, closed.manifest), load_run(vault, state).plan
    sealed = [opened.catalogue, opened.plan, opened.settings, opened.expected_digest, closed.manifest]
    sealed += [plan.units.digest, *(part.digest for part in manifest.parts)]
    sealed += [opened.facts.digest] if opened.facts else []
    if state.judged:
        sealed += [state.judged.findings, state.judged.outcomes]
        sealed += [state.judged.custody] if state.judged.custody else []
        sealed += [state.judged.personal_findings.digest] if state.judged.personal_findings else []
    sealed += [export.kept.digest if export.kept else export.digest for export in state.exports]
    sealed += [erasure.disposition for erasure in state.erasures]
    yield from (layout.blob(digest) for digest in sealed)
    size = vault.log.head().size
    yield from (layout.entry(seq) for seq in range(size))
    yield from (layout.checkpoint(number) for number in range(1, size + 1))
    yield from (found.key for found in first_versions(vault.store.versions(layout.tokens)))
