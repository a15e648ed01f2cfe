"""Compile a framework's workbook from a judged run, keep it, and log the export."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from controls.assessment import Assessment, Header, LogPosition, assess
from controls.catalog import framework_of
from evidence_schema.checkpoint import parse_checkpoint
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.models.encrypted import EncryptedBlob
from evidence_schema.models.entry import Export, Judged, Statement, Subject
from evidence_schema.note import parse_note
from flows.report.workbook import compile_workbook, workbook_name
from flows.steps.judging import closed_of, findings_of, judged_of, outcomes_of, receipts_of
from flows.steps.opening import load_run
from flows.steps.runtime import GENERATOR, Runtime, pinned_policy
from flows.vault.log import NextEntry
from flows.vault.manifest import read_manifest
from flows.vault.runs import RunState
from flows.vault.vault import Vault

WORKBOOK_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORKBOOK = "workbook"
_IN_MEMORY = 256 * 1024
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Workbook:
    """A compiled workbook, as kept in the vault."""

    framework: str
    name: str
    digest: Digest
    size: int
    key: str
    path: Path | None


def compile_framework(runtime: Runtime, state: RunState, framework: str, folder: Path | None) -> Workbook:
    """Draw the workbook, keep it as a blob, log its export, and write it into `folder` where one is given."""
    vault = runtime.vault
    assessment = assessment_of(runtime, state, framework)
    name = workbook_name(assessment)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        file = cast(BinaryIO, spooled)
        compile_workbook(assessment, file)
        digest, size = _digested(file)
        file.seek(0)
        key = vault.layout.blob(digest)
        known = next((item for item in state.exports if (item.digest, item.framework) == (digest, framework)), None)
        if known is None:
            kept = _kept(vault, state, file, digest, size)
            vault.runs.export(state.run_id, _export(state, framework, name, digest, size, assessment, kept))
            key = vault.layout.blob(kept.digest) if kept else key
        elif known.kept is not None:
            key = vault.layout.blob(known.kept.digest)
        path = _written(file, folder, name) if folder is not None else None
    return Workbook(framework, name, digest, size, key, path)


def _kept(vault: Vault, state: RunState, file: BinaryIO, digest: Digest, size: int) -> EncryptedBlob | None:
    """Keep the vault's own copy: encrypted, where it shows personal findings; None where it lies there in clear."""
    lock = vault.lock()
    if judged_of(state).personal_findings is None:
        vault.blobs.put(file, digest=digest, size=size, media_type=WORKBOOK_MEDIA_TYPE, lock=lock)
        return None
    context = vault.artifacts.context(state.run_id, WORKBOOK)
    pieces = iter(lambda: file.read(_PIECE), b"")
    return vault.artifacts.put(pieces, media_type=WORKBOOK_MEDIA_TYPE, lock=lock, context=context).ciphertext


def assessment_of(runtime: Runtime, state: RunState, framework: str) -> Assessment:
    """One framework's view of a judged run."""
    vault, judged, closed = runtime.vault, judged_of(state), closed_of(state)
    run = load_run(vault, state)
    opened = state.open
    header = Header(
        organisation=run.settings.organisation,
        framework=framework_of(run.catalog, framework).framework,
        period=opened.period,
        run_id=state.run_id,
        slot=state.slot,
        trigger=opened.trigger,
        case=opened.case or "",
        at=opened.at,
        simulated=opened.simulated,
        accounts=run.plan.accounts,
        regions=run.plan.regions,
        generator=GENERATOR,
        catalogue=opened.catalogue,
        plan=opened.plan,
        settings=opened.settings,
        manifest=closed.manifest,
        findings=judged.findings,
        lock=_lock_text(vault),
        log=_position(runtime, judged),
        custody=judged.custody,
    )
    return assess(
        header,
        run.catalog,
        outcomes_of(vault, judged),
        read_manifest(vault.blobs, closed.manifest),
        lambda: receipts_of(vault, closed),
        lambda: findings_of(vault, judged),
        run.settings.profile,
    )


def _position(runtime: Runtime, judged: Judged) -> LogPosition:
    """Where the judgement stands in the log: fixed, so that a workbook compiled again has the same bytes."""
    vault, size = runtime.vault, judged.seq + 1
    vault.log.repair()
    note = parse_note(vault.log.checkpoint(size))
    checkpoint = parse_checkpoint(note.text)
    policy = pinned_policy(runtime.located)
    return LogPosition(
        origin=checkpoint.origin,
        tree_size=checkpoint.size,
        root=checkpoint.root.hex(),
        checkpoint=note.text,
        key_fingerprints=tuple(key.vkey for key in policy.keys) if policy else (),
        trust_policy=str(policy.fingerprint) if policy else "",
    )


def _lock_text(vault: Vault) -> str:
    facts = vault.store.describe()
    if not facts.locks:
        return "none: this store does not lock; use it for trials only"
    if vault.policy.by == "retention class":
        return f"{vault.policy.mode}, by retention class"
    return f"{vault.policy.mode}, {vault.policy.days} day{'s' if vault.policy.days > 1 else ''}"


def _export(
    state: RunState,
    framework: str,
    name: str,
    digest: Digest,
    size: int,
    assessment: Assessment,
    kept: EncryptedBlob | None,
) -> Callable[[NextEntry], Statement]:
    def make(following: NextEntry) -> Statement:
        predicate = Export(
            **following.common(state.run_id, state.slot),
            framework=framework,
            name=name,
            digest=digest,
            size=size,
            tree_size=assessment.header.log.tree_size,
            kept=kept,
        )
        return Statement(subject=(Subject.of(name, digest),), predicate=predicate)

    return make


def _digested(file: BinaryIO) -> tuple[Digest, int]:
    file.seek(0)
    stream = DigestStream()
    while piece := file.read(_PIECE):
        stream.update(piece)
    return stream.finish(), stream.size


def _written(file: BinaryIO, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    file.seek(0)
    with path.open("wb") as target:
        while piece := file.read(_PIECE):
            target.write(piece)
    return path
