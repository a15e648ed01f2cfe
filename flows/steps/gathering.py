"""Gather the units of an open run: what has a receipt is not asked for again, what fails is a result with its reason.

One `Gathering` belongs to one run in one process. Its tasks may run at the same time; each has its own clients.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock as Mutex
from typing import Literal, Protocol

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.models.names import GLOBAL_REGION, GatherResult
from evidence_schema.models.receipt import Receipt, StoredBlob
from evidence_schema.models.transcript import Collector
from evidence_schema.models.unit import PlannedUnit, Unit
from flows.collectors.errors import CREDENTIALS_REFUSED, CredentialsRefused
from flows.collectors.gathered import Gathered, GatherRequest
from flows.collectors.redaction import safe_text
from flows.collectors.spool import Spooled
from flows.observing import Observer
from flows.planning import PREFLIGHT_KIND
from flows.steps.opening import Run
from flows.steps.records import Records
from flows.steps.runtime import GENERATOR
from flows.vault.artifacts import Kept
from flows.vault.vault import Vault

_PIECE = 64 * 1024
NOT_ENABLED = "not-opted-in"


@dataclass(frozen=True, order=True)
class TaskKey:
    """A Prefect task gathers the units of one service in one account and region."""

    account: str
    region: str
    service: str


class CollectorOfUnits(Protocol):
    """What gathers: `flows.collectors.aws.AwsCollector`, or a simulator in tests."""

    def gather(
        self, request: GatherRequest, transcript_of: Callable[[Unit], Iterator[bytes] | None]
    ) -> Iterator[Gathered]:
        """One value a unit, whatever happened; raises CredentialsRefused where the account must be stopped."""
        ...


class Gathering:
    """The gathering of one run."""

    def __init__(
        self, run: Run, vault: Vault, collector: CollectorOfUnits, clock: Callable[[], datetime], watch: Observer
    ) -> None:
        self._run = run
        self._vault = vault
        self._collector = collector
        self._clock = clock
        self._watch = watch
        self._mutex = Mutex()
        self._receipts: dict[Unit, Receipt] = {}
        self._stopped: dict[str, str] = {}
        self._disabled: dict[str, frozenset[str]] = {}
        self._pending: dict[TaskKey, list[PlannedUnit]] = defaultdict(list)
        standing = self._standing() if run.joined else {}
        for planned in run.units:
            receipt = standing.get(planned.unit)
            if receipt is not None:
                self._receipts[planned.unit] = receipt
            else:
                key = TaskKey(planned.unit.account, planned.unit.region, planned.service)
                self._pending[key].append(planned)
        watch.opened(run.run_id, run.state.slot, len(run.units), len(self._receipts), run.joined)

    def _standing(self) -> dict[Unit, Receipt]:
        """The receipts that an earlier process, or one beside us, has written."""
        units = [planned.unit for planned in self._run.units]
        found = self._vault.receipts.each(self._run.run_id, units)
        return {unit: receipt for unit, receipt in found if receipt is not None}

    @property
    def preflights(self) -> list[TaskKey]:
        """The tasks that say which regions an account has enabled: first of all."""
        return [key for key in sorted(self._pending) if self._is_preflight(key)]

    @property
    def others(self) -> list[TaskKey]:
        """All further tasks, a service's regions one after the other, since they share its API's description.

        Who joins begins at the other end: two processes of a slot meet in the middle.
        """
        further = [key for key in self._pending if not self._is_preflight(key)]
        further.sort(key=lambda key: (key.account, key.service, key.region))
        return further[::-1] if self._run.joined else further

    def _is_preflight(self, key: TaskKey) -> bool:
        return any(planned.unit.kind == PREFLIGHT_KIND for planned in self._pending[key])

    def gather(self, service: str, account: str, region: str) -> str:
        """Gather and keep the units of one task; returns what became of them, in words."""
        units = self._left(TaskKey(account, region, service))
        reason = self._why_not(account, region)
        if reason is not None:
            return self._summary(self._without_calls(units, *reason))
        return self._summary(self._with_calls(units, service, account, region))

    def _left(self, key: TaskKey) -> tuple[PlannedUnit, ...]:
        """The task's units, but those that a process beside us has gathered meanwhile."""
        planned = {item.unit: item for item in self._pending[key]}
        for unit, receipt in self._vault.receipts.each(self._run.run_id, list(planned)):
            if receipt is not None:
                self._take(receipt)
                del planned[unit]
        return tuple(planned.values())

    def receipts(self) -> list[Receipt]:
        """Every receipt so far, in manifest order."""
        with self._mutex:
            return sorted(self._receipts.values(), key=lambda receipt: receipt.unit.sort_key)

    def _with_calls(self, units: tuple[PlannedUnit, ...], service: str, account: str, region: str) -> list[Receipt]:
        request = GatherRequest(
            run_id=self._run.run_id,
            account=account,
            region=region,
            service=service,
            units=units,
            period=self._run.plan.period,
            home_region=self._run.settings.first_region,
        )
        kept: list[Receipt] = []
        try:
            for gathered in self._collector.gather(request, self._transcript_of):
                kept.append(self._keep(gathered))
        except CredentialsRefused as refused:
            with self._mutex:
                self._stopped[account] = safe_text(f"{CREDENTIALS_REFUSED}: {refused}")
            done = {receipt.unit for receipt in kept}
            left = tuple(planned for planned in units if planned.unit not in done)
            kept += self._without_calls(left, GatherResult.FAILED, self._stopped[account])
        return kept

    def _why_not(self, account: str, region: str) -> tuple[GatherResult, str] | None:
        """A reason to make no call at all: the account was stopped, or the region is not enabled in it."""
        with self._mutex:
            if account in self._stopped:
                return GatherResult.FAILED, self._stopped[account]
        if region != GLOBAL_REGION and region in self._disabled_regions(account):
            return GatherResult.UNAVAILABLE, f"region {region} is not enabled in account {account}"
        return None

    def _disabled_regions(self, account: str) -> frozenset[str]:
        """By the account's own answer; none where it was not given: then each call says for itself."""
        if account not in self._disabled:
            preflight = self._receipts.get(Unit(kind=PREFLIGHT_KIND, account=account))
            if preflight is None or not preflight.result.is_complete:
                return frozenset()
            records = Records(self._vault.artifacts, {preflight.unit: preflight}, self._run.declarations)
            self._disabled[account] = frozenset(
                record.id
                for record in records(PREFLIGHT_KIND, preflight.unit)
                if record.fields.get("OptInStatus") == NOT_ENABLED
            )
        return self._disabled[account]

    def _without_calls(self, units: tuple[PlannedUnit, ...], result: GatherResult, reason: str) -> list[Receipt]:
        now = self._clock()
        kept = []
        for planned in units:
            declaration = self._run.declarations[planned.unit.kind]
            receipt = Receipt(
                run_id=self._run.run_id,
                unit=planned.unit,
                requirements=planned.requirements,
                result=result,
                reason=reason[:4096],
                collector=Collector(
                    name="evidence-collector",
                    version=GENERATOR.split()[-1],
                    declaration=Digest.of(canonical_bytes(declaration.to_json())),
                ),
                period=self._run.plan.period,
                started=now,
                finished=now,
            )
            self._watch.answered(planned, result, 0, reason)
            kept.append(self._write(receipt))
        return kept

    def _keep(self, gathered: Gathered) -> Receipt:
        """Store the artifacts, then the receipt that names them."""
        planned = PlannedUnit(unit=gathered.unit, service="-", requirements=gathered.requirements)
        self._watch.answered(planned, gathered.result, gathered.items.kept, gathered.reason)
        try:
            transcript = [self._store("transcript", gathered.transcript, planned)] if gathered.transcript else []
            files = [self._store("file", file, planned) for file in gathered.files]
        finally:
            gathered.close()
        return self._write(
            Receipt(
                run_id=self._run.run_id,
                unit=gathered.unit,
                requirements=gathered.requirements,
                result=gathered.result,
                reason=gathered.reason[:4096],
                blobs=(*transcript, *files),
                calls=gathered.calls,
                items=gathered.items,
                problems=gathered.problems,
                redactions=gathered.redactions,
                quarantined=gathered.quarantined,
                principal=gathered.principal,
                collector=gathered.collector,
                period=self._run.plan.period,
                started=gathered.started,
                finished=gathered.finished,
            )
        )

    def _store(self, role: Literal["transcript", "file"], spooled: Spooled, planned: PlannedUnit) -> StoredBlob:
        kept = self._kept(spooled, planned)
        return StoredBlob(
            role=role,
            name=spooled.name,
            digest=kept.digest,
            size=kept.size,
            media_type=spooled.media_type,
            custody=kept.custody,
            encryption=kept.encryption,
        )

    def _kept(self, spooled: Spooled, planned: PlannedUnit) -> Kept:
        """Encrypted, where the kind is personal; else the spool itself is sent, which has its digest already."""
        vault, run = self._vault, self._run
        personal = planned.unit.kind in run.personal_kinds
        lock = run.artifact_lock(vault, planned.requirements)
        if personal:
            context = vault.artifacts.context(run.run_id, planned.unit.digest.hex)
            with spooled.open() as file:
                pieces = iter(lambda: file.read(_PIECE), b"")
                return vault.artifacts.put(pieces, media_type=spooled.media_type, lock=lock, context=context)
        digest, size = spooled.digest, spooled.size
        custody = vault.blobs.put(spooled.open(), digest=digest, size=size, media_type=spooled.media_type, lock=lock)
        return Kept(digest, size, custody)

    def _write(self, receipt: Receipt) -> Receipt:
        """The first writer wins: the receipt that stands counts, be it ours or not."""
        standing = self._vault.receipts.write(receipt, self._run.lock(self._vault))
        named = {blob.digest for blob in standing.blobs}
        for blob in receipt.blobs:  # what the other's receipt does not name, nobody needs to read ever
            if blob.encryption is not None and blob.digest not in named:
                self._vault.artifacts.keys.destroy(blob.digest)
        return self._take(standing)

    def _take(self, standing: Receipt) -> Receipt:
        with self._mutex:
            self._receipts[standing.unit] = standing
        self._watch.sealed(standing)
        return standing

    def _transcript_of(self, unit: Unit) -> Iterator[bytes] | None:
        """The lines of a transcript that is in the vault already: no call is repeated, also when a run is resumed."""
        with self._mutex:
            receipt = self._receipts.get(unit)
        if receipt is None or receipt.transcript is None:
            return None
        return self._vault.artifacts.lines(receipt.transcript, receipt.run_id, unit.digest.hex)

    @staticmethod
    def _summary(receipts: list[Receipt]) -> str:
        counts: dict[str, int] = defaultdict(int)
        for receipt in receipts:
            counts[receipt.result] += 1
        return ", ".join(f"{count} {result}" for result, count in sorted(counts.items())) or "nothing left to gather"
