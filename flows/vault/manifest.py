"""The manifest of a run: one JSON Lines part of receipts per account, sorted by unit, and a small root over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from pydantic import ValidationError

from evidence_schema.digest import Digest
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.merkle import leaf_hash
from evidence_schema.models.names import GatherResult
from evidence_schema.models.receipt import Manifest, ManifestPart, Receipt
from evidence_schema.models.unit import Period
from evidence_schema.verification.checkpoints import RunningRoot
from flows.vault.blobs import Blobs
from flows.vault.errors import WrongBytes, WrongRun
from flows.vault.locks import Lock

MANIFEST_MEDIA_TYPE = "application/vnd.evidence.manifest+json"
PART_MEDIA_TYPE = "application/vnd.evidence.receipts+jsonl"
MAX_MANIFEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ManifestSubject:
    """What the manifest is about."""

    log: str
    run_id: str
    slot: str
    period: Period
    plan: Digest


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest in the vault, and the sums that a run's closing entry states."""

    manifest: Manifest
    digest: Digest
    size: int
    redacted: int
    quarantined: int
    rows: Digest
    """Merkle root over the rows in their order."""


@dataclass
class _Sums:
    """What is counted while the rows pass by."""

    run_id: str
    results: Counter[GatherResult] = field(default_factory=Counter)
    redacted: int = 0
    quarantined: int = 0
    last: tuple[str, str, str] = ("", "", "")
    root: RunningRoot = field(default_factory=RunningRoot)

    def counted(self, receipts: Iterable[Receipt]) -> Iterator[Receipt]:
        for receipt in receipts:
            self._check(receipt)
            self.results[receipt.result] += 1
            self.redacted += sum(redaction.count for redaction in receipt.redactions)
            self.quarantined += receipt.quarantined
            self.root.add(leaf_hash(receipt.canonical()))
            yield receipt

    def _check(self, receipt: Receipt) -> None:
        if receipt.run_id != self.run_id:
            raise WrongRun(f"expected receipts of {self.run_id}, found one of {receipt.run_id}")
        if receipt.unit.sort_key <= self.last:
            raise WrongRun(f"expected receipts in the order of their units, each once, found {receipt.unit} too late")
        self.last = receipt.unit.sort_key


def build_manifest(
    blobs: Blobs, receipts: Iterable[Receipt], subject: ManifestSubject, lock: Lock | None
) -> StoredManifest:
    """Store parts and root. Receipts come sorted by `Unit.sort_key`, are read once and never held.

    The same receipts give the same bytes: whoever closes a run after a crash closes it with the same manifest.
    """
    sums = _Sums(subject.run_id)
    by_account = groupby(sums.counted(receipts), key=lambda receipt: receipt.unit.account)
    parts = tuple(_store_part(blobs, account, rows, lock) for account, rows in by_account)
    manifest = Manifest(
        log=subject.log,
        run_id=subject.run_id,
        slot=subject.slot,
        period=subject.period,
        plan=subject.plan,
        rows=sums.results.total(),
        results=dict(sums.results),
        parts=parts,
    )
    stored = blobs.put_bytes(manifest.canonical(), media_type=MANIFEST_MEDIA_TYPE, lock=lock)
    root = Digest(sums.root.root())
    return StoredManifest(manifest, stored.digest, stored.size, sums.redacted, sums.quarantined, root)


def read_manifest(blobs: Blobs, digest: Digest) -> Manifest:
    """The root of a stored manifest."""
    data = blobs.read(digest, limit=MAX_MANIFEST)
    try:
        return Manifest.from_canonical(data)
    except (EvidenceSchemaError, ValidationError) as error:
        raise WrongBytes(f"expected a manifest in blob {digest}, found: {error}") from error


def manifest_rows(blobs: Blobs, manifest: Manifest) -> Iterator[Receipt]:
    """Every row in order, one at a time. Proven after the last row of each part: see `Blobs.lines`."""
    for part in manifest.parts:
        rows = 0
        for line in blobs.lines(part.digest):
            rows += 1
            yield _row(line, part)
        if rows != part.rows:
            raise WrongBytes(f"expected {part.rows} rows in part {part.digest}, found {rows}")


def _store_part(blobs: Blobs, account: str, rows: Iterable[Receipt], lock: Lock | None) -> ManifestPart:
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for row in rows:
            count += 1
            yield row.canonical() + b"\n"

    stored = blobs.put_pieces(lines(), media_type=PART_MEDIA_TYPE, lock=lock)
    return ManifestPart(account=account, digest=stored.digest, size=stored.size, rows=count)


def _row(line: bytes, part: ManifestPart) -> Receipt:
    try:
        receipt = Receipt.from_canonical(line)
    except (EvidenceSchemaError, ValidationError) as error:
        raise WrongBytes(f"expected rows of receipts in part {part.digest}, found: {error}") from error
    if receipt.unit.account != part.account:
        raise WrongBytes(f"expected rows of account {part.account}, found one of {receipt.unit.account}")
    return receipt
