"""Ask the store again what it keeps of a run, and keep the answer: evidence that the lock is there (EV-COL-02).

Every put is read back when it is made (`flows.vault.s3`). This is asked later, of everything at once, after the run was
closed and before its judgement is logged, which names the answer by digest. It costs two calls an object: all that
commits the run, and a sample of its artifacts.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from evidence_schema.ahead import ahead
from evidence_schema.digest import Digest
from evidence_schema.models.custody import CUSTODY_MEDIA_TYPE, CustodyHeader, ObjectCustody, Written
from evidence_schema.models.entry import RunClose
from evidence_schema.models.names import LockMode
from evidence_schema.models.receipt import Custody, Receipt, StoredBlob
from flows.steps.opening import Run
from flows.vault.locks import Lock
from flows.vault.manifest import manifest_rows, read_manifest
from flows.vault.vault import Vault

REQUIREMENT = "EV-COL-02"
SAMPLE = 60
"""Artifacts of a run that are asked about: all of a small one; of a large one as many as an auditor would draw."""
_narrator = logging.getLogger(__name__)


@dataclass(frozen=True)
class CustodyRead:
    """What the store said; `digest` is that of the stored document."""

    header: CustodyHeader
    digest: Digest


def read_custody(vault: Vault, run: Run, closed: RunClose, judgement: Iterable[Digest]) -> CustodyRead | None:
    """Ask about a closed run's objects and keep what was said; None where the store locks nothing.

    `judgement` are the documents that the judgement's entry will name: they stand already.
    """
    facts = vault.store.describe()
    if not facts.locks:
        return None
    sample, artifacts = _drawn(vault, closed)
    wanted = {key: what for what, key in _wanted(vault, run, closed, judgement, sample)}
    rows = list(ahead(lambda item: _asked(vault, *item), sorted(wanted.items())))
    now = vault.clock()
    header = CustodyHeader(
        run_id=run.run_id,
        requirement=REQUIREMENT,
        store=facts.url[:200],
        read_at=now,
        objects=len(rows),
        artifacts=artifacts,
        sampled=len(sample),
        unlocked=sum(not _holds(row.custody, now) for row in rows),
        differing=_differing(vault, rows, sample),
    )
    if header.unlocked or header.differing:
        _narrator.warning(
            "%d of %d objects of %s are not locked, %d are kept otherwise than recorded; see its custody document",
            header.unlocked, header.objects, run.run_id, header.differing,
        )  # fmt: skip
    lines = (value.canonical() + b"\n" for value in (header, *rows))
    return CustodyRead(
        header, vault.blobs.put_pieces(lines, media_type=CUSTODY_MEDIA_TYPE, lock=run.lock(vault)).digest
    )


def _drawn(vault: Vault, closed: RunClose) -> tuple[list[tuple[Receipt, StoredBlob]], int]:
    """The sample, and how many artifacts it was drawn from: in memory that the sample bounds."""
    count = 0

    def ranked() -> Iterator[tuple[bytes, int, Receipt, StoredBlob]]:
        nonlocal count
        for receipt in manifest_rows(vault.blobs, read_manifest(vault.blobs, closed.manifest)):
            for blob in receipt.blobs:
                count += 1
                yield drawing_rank(closed.manifest, blob.digest), count, receipt, blob

    drawn = heapq.nsmallest(SAMPLE, ranked(), key=lambda item: item[:2])
    return [(receipt, blob) for _, _, receipt, blob in drawn], count


def drawing_rank(manifest: Digest, blob: Digest) -> bytes:
    """Artifacts are drawn in this order."""
    return hashlib.sha256(f"{manifest}{blob}".encode()).digest()


def _wanted(
    vault: Vault,
    run: Run,
    closed: RunClose,
    judgement: Iterable[Digest],
    sample: Iterable[tuple[Receipt, StoredBlob]],
) -> Iterator[tuple[Written, str]]:
    """What the run wrote, and what was written to the log meanwhile."""
    layout, opened = vault.layout, run.state.open
    size = vault.log.head().size
    yield from (("entry", layout.entry(seq)) for seq in range(opened.seq, size))
    yield from (("checkpoint", layout.checkpoint(number)) for number in range(opened.seq + 1, size + 1))
    for key in vault.store.keys(layout.tokens):
        place = layout.token_place(key)
        if place is not None and place[0] > opened.seq:
            yield "token", key
    parts = (part.digest for part in read_manifest(vault.blobs, closed.manifest).parts)
    sealed = (opened.catalogue, opened.plan, opened.settings, opened.expected_digest, closed.manifest)
    facts = (opened.facts.digest,) if opened.facts else ()
    yield from (("document", layout.blob(digest)) for digest in (*sealed, *facts, *parts, *judgement))
    for receipt, blob in sample:
        yield "artifact", layout.blob(blob.digest)
        yield "receipt", layout.receipt(receipt.run_id, receipt.unit.digest)


def _asked(vault: Vault, key: str, what: Written) -> ObjectCustody:
    head = vault.store.head(key)
    if head is None:
        return ObjectCustody(key=key, what=what)
    return ObjectCustody(key=key, what=what, size=head.size, checksum=head.checksum, custody=head.custody)


def _holds(custody: Custody | None, now: datetime) -> bool:
    return custody is not None and custody.retain_until is not None and custody.retain_until > now


def _differing(vault: Vault, rows: Iterable[ObjectCustody], sample: Iterable[tuple[Receipt, StoredBlob]]) -> int:
    found = {row.key: row.custody for row in rows}
    return sum(not _as_recorded(blob.custody, found[vault.layout.blob(blob.digest)]) for _, blob in sample)


def _as_recorded(recorded: Custody, found: Custody | None) -> bool:
    """The same version, under a lock as strict and as long: the same bytes in a later run may have lengthened it."""
    if found is None or found.version_id != recorded.version_id:
        return False
    then, now = _lock(recorded), _lock(found)
    return then is None or (now is not None and now.covers(then))


def _lock(custody: Custody) -> Lock | None:
    if custody.retain_until is None or custody.lock_mode is LockMode.NONE:
        return None
    return Lock(custody.lock_mode, custody.retain_until)
