"""Step 6 for a run without a manifest: its receipts speak for themselves."""

from __future__ import annotations

from evidence_schema.digest import Digest
from evidence_schema.models.encrypted import Context
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import TRANSCRIPT_MEDIA_TYPE
from evidence_schema.models.unit import Plan
from evidence_schema.verification.blobs import EncryptedClaim, binding
from evidence_schema.verification.listing import list_receipts
from evidence_schema.verification.plans import Place, planned_units
from evidence_schema.verification.reading import Misshapen, Unreadable, parsed, read_bounded
from evidence_schema.verification.runs import Run
from evidence_schema.verification.times import check_receipt_times

MAX_RECEIPT = 4 * 1024 * 1024


class UnfinishedRun:
    """A run in progress, given up or left behind."""

    def __init__(self, place: Place, run: Run, plan: Plan | None) -> None:
        self._place = place
        self._run = run
        self._plan = plan

    def check(self) -> None:
        """Each receipt is a planned unit's, lies under its key, and claims its blobs."""
        place, run_id = self._place, self._run.opened.run_id
        planned: dict[bytes, tuple[str, ...]] | None = None
        if self._plan is not None:
            planned = {item.unit.digest.raw: item.requirements for item in planned_units(place, self._plan)}
        listed = list_receipts(place.reader, place.layout, run_id)
        for unit, data in place.pace.ahead(self._read, listed.items()):
            place.progress.step("receipts")
            key = place.layout.receipt(run_id, Digest(unit))
            receipt = self._parsed(key, data)
            if receipt is not None:
                self._check_receipt(key, unit, receipt)
            if planned is not None and unit not in planned:
                place.problems.add("receipt-not-in-plan", key, "receipts of planned units only", "one of another unit")
            elif planned is not None and receipt is not None and planned[unit] != receipt.requirements:
                expected = ", ".join(planned[unit])
                place.problems.add("requirements-differ", key, expected, ", ".join(receipt.requirements))

    def _read(self, found: tuple[bytes, str]) -> tuple[bytes, bytes | Unreadable | Misshapen]:
        unit, version = found
        key = self._place.layout.receipt(self._run.opened.run_id, Digest(unit))
        try:
            return unit, read_bounded(self._place.reader, key, version, MAX_RECEIPT)
        except (Unreadable, Misshapen) as error:
            return unit, error

    def _parsed(self, key: str, data: bytes | Unreadable | Misshapen) -> Receipt | None:
        if isinstance(data, Unreadable):
            self._place.problems.add("receipt-unreadable", key, "the bytes of a receipt", data)
            return None
        try:
            if isinstance(data, Misshapen):
                raise data
            return parsed(Receipt, data)
        except Misshapen as error:
            self._place.problems.add("receipt-malformed", key, "a receipt", error)
        return None

    def _check_receipt(self, key: str, unit: bytes, receipt: Receipt) -> None:
        opened = self._run.opened
        self._place.problems.compare(
            "receipt-differs",
            key,
            ("run", opened.run_id, receipt.run_id),
            ("period", opened.period, receipt.period),
            ("unit", Digest(unit), receipt.unit.digest),
        )
        # A slow worker may still write for a run that was given up: such receipts have no latest time.
        check_receipt_times(receipt, key, opened.time, None, self._place.problems)
        claim_blobs(self._place, receipt, opened.log, key)


def claim_blobs(place: Place, receipt: Receipt, log: str, by: str) -> None:
    """The blobs of a unit exist, have their sizes, and its transcript is its own: encrypted, once it is opened."""
    claims, promised, unit = place.claims, place.scope.has_artifacts(receipt), receipt.unit.digest
    for blob in receipt.blobs:
        claims.name("blob-missing", blob.digest, blob.size, by, promised=promised)
        is_transcript = blob.role == "transcript" and blob.media_type == TRANSCRIPT_MEDIA_TYPE
        if blob.encryption is not None:
            context = Context(log=log, run_id=receipt.run_id, part=unit.hex)
            bound = binding(receipt.run_id, unit) if is_transcript else b""
            claims.encrypted(blob.digest, EncryptedClaim(context, blob.encryption, bound))
        elif is_transcript:
            claims.bind(blob.digest, receipt.run_id, unit)
