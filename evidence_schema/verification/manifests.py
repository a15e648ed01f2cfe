"""Step 6: planned units are manifest rows are receipts, compared as they stream by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from evidence_schema.digest import Digest
from evidence_schema.merkle import leaf_hash
from evidence_schema.models.entry import RunClose
from evidence_schema.models.names import GatherResult
from evidence_schema.models.receipt import Manifest, ManifestPart, Receipt
from evidence_schema.models.unit import Plan, PlannedUnit
from evidence_schema.verification.checkpoints import RunningRoot
from evidence_schema.verification.listing import Listing, list_receipts
from evidence_schema.verification.plans import MAX_SEALED, Place, check_plan, planned_units
from evidence_schema.verification.reading import Misshapen, Unreadable, parsed, read_bounded
from evidence_schema.verification.receipts import MAX_RECEIPT, UnfinishedRun, claim_blobs
from evidence_schema.verification.runs import Run
from evidence_schema.verification.times import check_receipt_times


@dataclass(frozen=True, slots=True)
class Row:
    """A manifest row: its bytes, and what they say."""

    line: bytes
    receipt: Receipt
    key: str
    """The key of the part that it stands in."""


@dataclass
class Sums:
    """What a manifest and a closing entry count."""

    results: Counter[GatherResult] = field(default_factory=Counter)
    redacted: int = 0
    quarantined: int = 0
    root: RunningRoot = field(default_factory=RunningRoot)

    def add(self, row: Row) -> None:
        """One row."""
        receipt = row.receipt
        self.root.add(leaf_hash(row.line))
        self.results[receipt.result] += 1
        self.redacted += sum(redaction.count for redaction in receipt.redactions)
        self.quarantined += receipt.quarantined


def check_manifests(place: Place, runs: Iterable[Run], listing: Listing) -> dict[str, Plan]:
    """Every run; returns the sealed plans that could be read, by run id."""
    plans, known = {}, set()
    for run in runs:
        known.add(run.opened.run_id)
        plan = check_plan(place, run)
        if plan is not None:
            plans[run.opened.run_id] = plan
        if run.closed is not None:
            ClosedRun(place, run, run.closed, plan).check()
        else:
            UnfinishedRun(place, run, plan).check()
    for run_id in listing.receipts.keys() - known:
        key, found = place.layout.receipts(run_id), f"{listing.receipts[run_id]} receipts"
        place.problems.add("receipt-of-unknown-run", key, "receipts of opened runs only", found)
    return plans


class ClosedRun:
    """A run with a manifest."""

    def __init__(self, place: Place, run: Run, closed: RunClose, plan: Plan | None) -> None:
        self._place = place
        self._run = run
        self._closed = closed
        self._plan = plan
        self._key = place.layout.blob(closed.manifest)
        self._sums = Sums()

    def check(self) -> None:
        """Manifest against entries, rows against plan, receipts against rows."""
        place, run_id = self._place, self._run.opened.run_id
        manifest = place.sealed.read(Manifest, self._closed.manifest, "manifest-malformed", MAX_SEALED)
        if manifest is None:
            return
        self._check_root(manifest)
        listed = list_receipts(place.reader, place.layout, run_id)
        for row, stored in place.pace.ahead(self._stored, self._with_versions(self._rows(manifest), listed)):
            place.progress.step("receipts")
            self._check_receipt(row, stored)
        for unit in listed:  # what no row took
            key = place.layout.receipt(run_id, Digest(unit))
            place.problems.add("receipt-not-in-manifest", key, "receipts with a row only", "one without")
        self._check_sums(manifest)

    def _check_root(self, manifest: Manifest) -> None:
        opened = self._run.opened
        self._place.problems.compare(
            "manifest-differs",
            self._key,
            ("log", opened.log, manifest.log),
            ("run", opened.run_id, manifest.run_id),
            ("slot", opened.slot, manifest.slot),
            ("period", opened.period, manifest.period),
            ("plan", opened.plan, manifest.plan),
        )
        for before, part in pairwise(manifest.parts):
            if part.account <= before.account:
                self._place.problems.add("part-differs", self._key, f"a part after {before.account}", part.account)

    def _rows(self, manifest: Manifest) -> Iterator[Row]:
        """The rows that are in the plan or claim to be, each compared with its planned unit."""
        if self._plan is None:
            yield from self._all_rows(manifest)
            return
        for planned, row in _side_by_side(planned_units(self._place, self._plan), self._all_rows(manifest)):
            if row is None and planned is not None:
                self._place.problems.add("unit-not-in-manifest", self._key, f"a row for {planned.unit}", "none")
            if row is not None:
                self._compare_with_plan(planned, row)
                yield row

    def _compare_with_plan(self, planned: PlannedUnit | None, row: Row) -> None:
        receipt = row.receipt
        if planned is None:
            self._place.problems.add("row-not-in-plan", row.key, "rows of planned units only", receipt.unit)
        elif planned.requirements != receipt.requirements:
            expected = f"{', '.join(planned.requirements)} for {receipt.unit}"
            self._place.problems.add("requirements-differ", row.key, expected, ", ".join(receipt.requirements))

    def _all_rows(self, manifest: Manifest) -> Iterator[Row]:
        """Every row in order; one that is none, or out of order, is named and passed over."""
        last = ("", "", "")
        for part in manifest.parts:
            promised = self._place.scope.has_run(self._run.opened.run_id)
            self._place.claims.name("blob-missing", part.digest, part.size, self._key, promised=promised)
            for row in self._part(part):
                if row.receipt.unit.sort_key <= last:
                    expected = f"a unit after {' '.join(last)}"
                    self._place.problems.add("rows-unsorted", row.key, expected, row.receipt.unit)
                    continue
                last = row.receipt.unit.sort_key
                self._take(row)
                yield row

    def _part(self, part: ManifestPart) -> Iterator[Row]:
        key, count = self._place.layout.blob(part.digest), 0
        for line in self._place.sealed.lines(part.digest, "row-malformed", MAX_RECEIPT):
            count += 1
            try:
                row = Row(line, parsed(Receipt, line), key)
            except Misshapen as error:
                self._place.problems.add("row-malformed", key, f"a receipt in line {count}", error)
                continue
            if row.receipt.unit.account != part.account:
                self._place.problems.add("part-differs", key, f"rows of account {part.account}", row.receipt.unit)
            yield row
        if count != part.rows and self._place.claims.exists(part.digest):
            self._place.problems.add("part-differs", key, f"{part.rows} rows", count)

    def _take(self, row: Row) -> None:
        """What one row says by itself."""
        place, opened, receipt = self._place, self._run.opened, row.receipt
        self._sums.add(row)
        place.problems.compare(
            "row-differs",
            row.key,
            (f"run of {receipt.unit}", opened.run_id, receipt.run_id),
            (f"period of {receipt.unit}", opened.period, receipt.period),
        )
        check_receipt_times(receipt, row.key, opened.time, self._closed.time, place.problems)
        claim_blobs(place, receipt, opened.log, row.key)

    def _with_versions(self, rows: Iterator[Row], listed: dict[bytes, str]) -> Iterator[tuple[Row, str | None]]:
        for row in rows:
            yield row, listed.pop(row.receipt.unit.digest.raw, None)

    def _stored(self, found: tuple[Row, str | None]) -> tuple[Row, bytes | Unreadable | None]:
        """The receipt as it lies in the store, and no more of it than the row is long."""
        row, version = found
        if version is None:
            return row, None
        key = self._receipt_key(row)
        try:
            return row, read_bounded(self._place.reader, key, version, len(row.line))
        except Misshapen:
            return row, b""
        except Unreadable as error:
            return row, error

    def _check_receipt(self, row: Row, stored: bytes | Unreadable | None) -> None:
        problems, key = self._place.problems, self._receipt_key(row)
        if stored is None and self._place.scope.promised is not None:
            return  # a package has the rows, which say the same
        if stored is None:
            problems.add("receipt-missing", key, f"the receipt of {row.receipt.unit}", "none")
        elif isinstance(stored, Unreadable):
            problems.add("receipt-unreadable", key, "the bytes of a receipt", stored)
        elif stored != row.line:
            problems.add("receipt-differs", key, f"byte for byte the row of {row.receipt.unit}", "other bytes")

    def _receipt_key(self, row: Row) -> str:
        return self._place.layout.receipt(self._run.opened.run_id, row.receipt.unit.digest)

    def _check_sums(self, manifest: Manifest) -> None:
        """The same counts three times: computed, in the manifest, in the closing entry."""
        sums, closed = self._sums, self._closed
        computed = {result: count for result, count in sums.results.items() if count}
        self._place.problems.compare(
            "manifest-counts-differ",
            self._key,
            ("rows", sums.results.total(), manifest.rows),
            ("rows in parts", manifest.rows, sum(part.rows for part in manifest.parts)),
            ("results of the manifest", computed, _nonzero(manifest.results)),
            ("results of the closing entry", computed, _nonzero(closed.results)),
            ("redacted values", sums.redacted, closed.redacted),
            ("quarantined artifacts", sums.quarantined, closed.quarantined),
        )
        if closed.rows is not None and closed.rows.raw != sums.root.root():
            found = f"another root than {closed.rows}"
            self._place.problems.add("manifest-differs", self._run.ended_key, "the Merkle root over all rows", found)
        if closed.status == "complete" and not all(result.is_complete for result in computed):
            self._place.problems.add("manifest-counts-differ", self._run.ended_key, "status partial", computed)


def _side_by_side(
    planned: Iterator[PlannedUnit], rows: Iterator[Row]
) -> Iterator[tuple[PlannedUnit | None, Row | None]]:
    """Both sorted streams, with the same unit on both sides where both have it."""
    unit, row = next(planned, None), next(rows, None)
    while unit is not None or row is not None:
        if row is None or (unit is not None and unit.unit.sort_key < row.receipt.unit.sort_key):
            yield unit, None
            unit = next(planned, None)
        elif unit is None or row.receipt.unit.sort_key < unit.unit.sort_key:
            yield None, row
            row = next(rows, None)
        else:
            yield unit, row
            unit, row = next(planned, None), next(rows, None)


def _nonzero(results: dict[GatherResult, int]) -> dict[GatherResult, int]:
    return {result: count for result, count in results.items() if count}
