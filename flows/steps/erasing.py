"""Erase personal artifacts: destroy their data keys, and say so in the log. What stays verifies as before.

The order of things is the safety of it (docs/adr/0008): the order is logged, then keys are destroyed and looked for,
then it is logged that they are gone. Whoever comes after a crash finishes what was ordered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from evidence_schema.digest import Digest
from evidence_schema.models.disposition import Disposition, ErasedArtifact, Ground
from evidence_schema.models.encrypted import EncryptedBlob
from evidence_schema.models.entry import Erasure, Statement, Subject
from evidence_schema.models.receipt import Receipt
from flows.errors import UsageError
from flows.steps.compiling import WORKBOOK
from flows.steps.judging import FINDINGS, closed_of, erased_of, receipts_of
from flows.steps.opening import FACTS, JSON_MEDIA_TYPE, read_sealed
from flows.steps.sealable import refuse_secrets
from flows.vault.log import NextEntry
from flows.vault.runs import RunState
from flows.vault.vault import Vault


@dataclass(frozen=True)
class Wanted:
    """What is to be erased. Several narrow one another; `everything` takes a run's facts as well."""

    run: str | None = None
    artifacts: tuple[Digest, ...] = ()
    kinds: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    everything: bool = False

    def __post_init__(self) -> None:
        named = (self.run, self.artifacts, self.kinds, self.accounts, self.regions, self.since, self.until)
        if not any(named):
            raise UsageError("expected a run, artifacts, kinds, accounts or a period to erase, found none of them")
        if self.everything and (self.run is None or any(named[1:])):
            raise UsageError("expected --everything with one run and nothing beside it, found more or no run")

    def takes_run(self, state: RunState) -> bool:
        """Whether the run may hold any of it."""
        if self.run not in (None, state.run_id, state.slot):
            return False
        period = state.open.period
        return (self.until is None or period.start < self.until) and (self.since is None or period.end > self.since)

    def takes(self, receipt: Receipt, digest: Digest) -> bool:
        """Whether an artifact of a unit is meant."""
        unit = receipt.unit
        return (
            (not self.artifacts or digest in self.artifacts)
            and (not self.kinds or unit.kind in self.kinds)
            and (not self.accounts or unit.account in self.accounts)
            and (not self.regions or unit.region in self.regions)
        )


@dataclass(frozen=True)
class Decision:
    """Who decided, and on what ground."""

    ground: Ground
    approver: str


@dataclass(frozen=True)
class Erased:
    """What became of one run: artifacts named in its disposition, and keys that were there to be destroyed."""

    run_id: str
    artifacts: tuple[ErasedArtifact, ...]
    destroyed: int


def erasable(vault: Vault, wanted: Wanted) -> dict[str, tuple[ErasedArtifact, ...]]:
    """What an erasure would take, by run; nothing is changed. Artifacts of an unfinished erasure are left out."""
    found = {state.run_id: _artifacts(vault, state, wanted) for state in _runs(vault, wanted)}
    return {run_id: artifacts for run_id, artifacts in found.items() if artifacts}


def erase(vault: Vault, wanted: Wanted, decision: Decision) -> list[Erased]:
    """Destroy keys, run by run; what an earlier erasure left unfinished is finished first.

    Raises Held, before anything is destroyed, where a hold stands on what is wanted; WrongRun for a run that is open;
    KeysKept where a place keeps what is deleted.
    """
    refuse_secrets(decision.approver, "the approver")
    keys = vault.artifacts.keys
    keys.place.check_ready()
    done = [item for state in _runs(vault, wanted) for item in finish(vault, state)]
    for state in _runs(vault, wanted):
        artifacts = _artifacts(vault, state, wanted)
        if not artifacts:
            continue
        disposition = Disposition(
            log=vault.layout.log,
            run_id=state.run_id,
            ground=decision.ground,
            approver=decision.approver,
            artifacts=artifacts,
        )
        data = disposition.canonical()
        stored = vault.blobs.put_bytes(data, media_type=JSON_MEDIA_TYPE, lock=vault.lock()).digest
        digests = {artifact.digest for artifact in artifacts}
        vault.runs.erase(state.run_id, _entry(state, disposition, stored, "ordered"), digests)
        done.append(_carried_out(vault, state, disposition, stored))
    return done


def finish(vault: Vault, state: RunState) -> Iterator[Erased]:
    """Carry out what was ordered and, because of a crash, not done."""
    for erasure in state.unfinished_erasures:
        disposition = read_sealed(vault, Disposition, erasure.disposition)
        yield _carried_out(vault, state, disposition, erasure.disposition)


def _carried_out(vault: Vault, state: RunState, disposition: Disposition, stored: Digest) -> Erased:
    destroyed = sum(vault.artifacts.keys.destroy(artifact.digest) for artifact in disposition.artifacts)
    vault.runs.erase(state.run_id, _entry(state, disposition, stored, "done"), ())
    return Erased(state.run_id, disposition.artifacts, destroyed)


def _entry(
    state: RunState, disposition: Disposition, stored: Digest, stage: Literal["ordered", "done"]
) -> Callable[[NextEntry], Statement]:
    def make(following: NextEntry) -> Statement:
        predicate = Erasure(
            **following.common(state.run_id, state.slot),
            stage=stage,
            disposition=stored,
            artifacts=len(disposition.artifacts),
            ground=disposition.ground,
            approver=disposition.approver,
        )
        return Statement(subject=(Subject.of("disposition.json", stored),), predicate=predicate)

    return make


def _runs(vault: Vault, wanted: Wanted) -> list[RunState]:
    return [state for state in vault.runs.runs() if wanted.takes_run(state)]


def _artifacts(vault: Vault, state: RunState, wanted: Wanted) -> tuple[ErasedArtifact, ...]:
    """The wanted artifacts of a run that are not erased yet, with all that was made of them."""
    gone = erased_of(vault, state)
    found = [item for item in _of_units(vault, state, wanted) if item.digest not in gone]
    documents = _documents(state)
    if found or wanted.everything:
        # Findings and workbooks show what stood in the artifacts: they go with any of them, and can be made again.
        derived = documents if wanted.everything else {part: documents[part] for part in (FINDINGS, WORKBOOK)}
    else:
        derived = {
            part: [blob for blob in blobs if blob.digest in wanted.artifacts] for part, blobs in documents.items()
        }
    for part, blobs in derived.items():
        found += [_document(part, blob) for blob in blobs if blob.digest not in gone]
    found += _unnamed(vault, state, found, {item.digest for item in found} | gone.keys() | _named(vault, state))
    return tuple(sorted(found, key=lambda item: (item.part, item.role, item.digest)))


def _of_units(vault: Vault, state: RunState, wanted: Wanted) -> list[ErasedArtifact]:
    return [
        ErasedArtifact(
            digest=blob.digest, size=blob.size, part=receipt.unit.digest.hex, role=blob.role, unit=receipt.unit
        )
        for receipt in _receipts(vault, state)
        for blob in receipt.blobs
        if blob.encryption is not None and wanted.takes(receipt, blob.digest)
    ]


def _receipts(vault: Vault, state: RunState) -> Iterable[Receipt]:
    """The manifest's rows; of a run without a manifest, what was written before it was given up."""
    return receipts_of(vault, closed_of(state)) if state.close else vault.receipts.all(state.run_id)


def _documents(state: RunState) -> dict[str, list[EncryptedBlob]]:
    judged = state.judged.personal_findings if state.judged else None
    return {
        FACTS: [state.open.facts] if state.open.facts else [],
        FINDINGS: [judged] if judged else [],
        WORKBOOK: [export.kept for export in state.exports if export.kept],
    }


def _document(part: str, blob: EncryptedBlob) -> ErasedArtifact:
    roles: dict[str, Literal["facts", "findings", "workbook"]] = {
        FACTS: "facts", FINDINGS: "findings", WORKBOOK: "workbook",
    }  # fmt: skip
    return ErasedArtifact(digest=blob.digest, size=blob.size, part=part, role=roles[part])


def _named(vault: Vault, state: RunState) -> set[Digest]:
    named = {blob.digest for receipt in _receipts(vault, state) for blob in receipt.blobs}
    return named | {blob.digest for blobs in _documents(state).values() for blob in blobs}


def _unnamed(vault: Vault, state: RunState, found: list[ErasedArtifact], known: set[Digest]) -> list[ErasedArtifact]:
    """Keys of the same units and documents that no row or entry names: what a killed process has left is erased too."""
    units = {item.part: item.unit for item in found}
    keys = vault.artifacts.keys.of_parts(vault.layout.log, state.run_id, units)
    return [
        ErasedArtifact(digest=digest, size=_size(vault, digest), part=part, role="unnamed", unit=units[part])
        for digest, part in keys
        if digest not in known
    ]


def _size(vault: Vault, digest: Digest) -> int:
    """0 where the ciphertext itself was never kept."""
    head = vault.store.head(vault.layout.blob(digest))
    return head.size if head else 0
