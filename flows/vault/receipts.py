"""Receipts: what became of each unit, written once after its blobs. A unit with a receipt is not gathered again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from evidence_schema.ahead import Pace
from evidence_schema.digest import Digest
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.layout import Layout
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Unit
from evidence_schema.reader import StoredVersion, first_versions
from flows.vault.errors import NotThere, WrongBytes
from flows.vault.locks import Lock
from flows.vault.store import Store, settled

RECEIPT_MEDIA_TYPE = "application/vnd.evidence.receipt+json"
MAX_RECEIPT = 4 * 1024 * 1024


class Receipts:
    """The receipts of all runs of a log."""

    def __init__(self, store: Store, layout: Layout) -> None:
        self._store = store
        self._layout = layout
        self._pace = Pace.of(store)

    def write(self, receipt: Receipt, lock: Lock | None) -> Receipt:
        """Keep a receipt; the first writer wins, and the receipt that stands is returned, be it ours or not."""
        data = receipt.canonical()
        key = self._layout.receipt(receipt.run_id, receipt.unit.digest)

        def put() -> Receipt:
            self._store.put(key, data, digest=Digest.of(data), size=len(data), media_type=RECEIPT_MEDIA_TYPE, lock=lock)
            return receipt

        return settled(put, lambda: self._standing(receipt.run_id, receipt.unit))

    def read(self, run_id: str, unit: Unit) -> Receipt | None:
        """The unit's receipt; None where the unit was not gathered yet."""
        try:
            return self._standing(run_id, unit)
        except NotThere:
            return None

    def each(self, run_id: str, units: Iterable[Unit]) -> Iterator[tuple[Unit, Receipt | None]]:
        """Every unit with its receipt, in the order given; several are read at a time, none is held."""
        return self._pace.ahead(lambda unit: (unit, self.read(run_id, unit)), units)

    def all(self, run_id: str) -> Iterator[Receipt]:
        """Every receipt of a run, in the order of their keys."""
        versions = first_versions(self._store.versions(self._layout.receipts(run_id)))
        return self._pace.ahead(lambda version: self._listed(run_id, version), versions)

    def _standing(self, run_id: str, unit: Unit) -> Receipt:
        key = self._layout.receipt(run_id, unit.digest)
        return self._parsed(key, run_id, self._store.read(key, limit=MAX_RECEIPT))

    def _listed(self, run_id: str, found: StoredVersion) -> Receipt:
        return self._parsed(found.key, run_id, self._store.read(found.key, limit=MAX_RECEIPT, version=found.version))

    def _parsed(self, key: str, run_id: str, data: bytes) -> Receipt:
        try:
            receipt = Receipt.from_canonical(data)
        except (EvidenceSchemaError, ValidationError) as error:
            raise WrongBytes(f"expected a receipt under {key}, found: {error}; run `evidence verify`") from error
        if receipt.run_id != run_id or self._layout.receipt(run_id, receipt.unit.digest) != key:
            raise WrongBytes(f"expected the receipt that {key} names, found one of {receipt.run_id}, {receipt.unit}")
        return receipt
