"""Vaults of any size, written by the vault's own code; in a folder without waiting for the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.models.entry import RunClose, RunOpen, Statement, Subject
from evidence_schema.models.names import GatherResult, Trigger
from evidence_schema.models.receipt import Custody, Receipt, StoredBlob
from evidence_schema.models.transcript import TRANSCRIPT_MEDIA_TYPE, Call, Collector, TranscriptHeader
from evidence_schema.models.unit import Listing, Period, Plan, PlannedUnit, Selection, Unit
from flows.vault.directory import DirectoryStore
from flows.vault.errors import AlreadyThere
from flows.vault.keys import Signer
from flows.vault.locks import Lock
from flows.vault.log import NextEntry
from flows.vault.manifest import ManifestSubject, build_manifest
from flows.vault.settings import VaultSettings
from flows.vault.store import Source, Store, check_key
from flows.vault.vault import Vault, assemble

LOG, ORIGIN = "simulated-bench", "evidence/simulated-bench"
START = datetime(2026, 1, 1, 6, tzinfo=UTC)
MONTH = timedelta(days=30)
REQUIREMENTS = ("EV-IAM-01",)
UNITS_A_RUN = 2000
ARTIFACTS_A_UNIT = 5
SIZES = (300, 800, 2_000, 4_000, 9_000)
"""Bytes of a unit's artifacts: its transcript is the last."""
COLLECTOR = Collector(name="declared", version="1", declaration=Digest.of(b"declaration"))


class QuickStore(DirectoryStore):
    """A folder that is written once and not waited for: a benchmark of reading needs no fsync while it is made."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._place = folder
        self._made: set[Path] = set()

    def put(
        self, key: str, source: Source, *, digest: Digest, size: int, media_type: str, lock: Lock | None
    ) -> Custody:
        path = self._place / check_key(key)
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        try:
            with path.open("xb") as file:
                file.write(source if isinstance(source, bytes) else source.read())
        except FileExistsError:
            raise AlreadyThere(f"expected {key} to be free, found it written") from None
        return Custody()


@dataclass
class Clock:
    """Moves when told to."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment


def write_vault(
    store: Store,
    signer: Signer,
    *,
    runs: int,
    units: int = UNITS_A_RUN,
    sizes: tuple[int, ...] = SIZES,
    start: datetime = START,
) -> Clock:
    """So many closed runs of so many units, each with an artifact of each size; returns the time after the last."""
    clock = Clock(start)
    settings = VaultSettings(url="dir:unused", log=LOG, origin=ORIGIN)
    vault = assemble(store, settings, signer, clock=clock, collector_version="0.1.0")
    random = Random(20261101)
    for number in range(runs):
        _Writing(vault, clock, number, units, sizes, random).whole()
        clock.moment += MONTH
    clock.moment -= MONTH - timedelta(days=2)
    return clock


@dataclass
class _Writing:
    """One run."""

    vault: Vault
    clock: Clock
    number: int
    count: int
    sizes: tuple[int, ...]
    random: Random

    def whole(self) -> None:
        start = self.clock.moment
        self.period = Period(start=start - MONTH, end=start)
        self.run_id = f"run-{start:%Y%m%dT%H%M%SZ}-{self.number:08x}"
        self.slot = f"monthly/{2026 + self.number // 12}-{self.number % 12 + 1:02}"
        units = sorted(self._units(), key=lambda unit: unit.sort_key)
        plan = self._open(tuple(PlannedUnit(unit=unit, service="s3", requirements=REQUIREMENTS) for unit in units))
        self.clock.moment += timedelta(minutes=10)
        subject = ManifestSubject(LOG, self.run_id, self.slot, self.period, plan)
        stored = build_manifest(self.vault.blobs, (self._gathered(unit) for unit in units), subject, self.vault.lock())
        closing = {
            "manifest": stored.digest, "results": stored.manifest.results, "redacted": 0, "quarantined": 0,
            "rows": stored.rows, "duration_s": 600, "status": "complete",
        }  # fmt: skip
        self.vault.runs.close(self.run_id, self._statement(RunClose, "manifest.json", stored.digest, closing))

    def _units(self) -> Iterator[Unit]:
        for number in range(self.count):
            yield Unit(
                kind=f"aws.made.kind{number % 100:03}", account=f"{111111111111 + number // 500}",
                region=f"eu-made-{number // 100 % 5}",
            )  # fmt: skip

    def _open(self, units: tuple[PlannedUnit, ...]) -> Digest:
        data = b"".join(unit.canonical() + b"\n" for unit in units)
        accounts = tuple(sorted({unit.unit.account for unit in units}))
        plan = Plan(
            selection=Selection(frameworks=("hipaa",)), frameworks=("hipaa",), requirements=REQUIREMENTS,
            accounts=accounts, regions=("eu-made-0",), period=self.period, actions=("s3:ListAllMyBuckets",),
            units=Listing(digest=self._blob(data), size=len(data), rows=len(units)),
        )  # fmt: skip
        kept = self._blob(plan.canonical())
        opening = {
            "trigger": Trigger.SCHEDULE, "requester": "0" * 32, "at": self.clock.moment, "period": self.period,
            "plan": kept, "catalogue": self._blob(canonical_bytes({"catalogue": self.number})),
            "settings": self._blob(canonical_bytes({"settings": self.number})),
            "expected": len(units), "expected_digest": plan.units.digest, "simulated": True,
        }  # fmt: skip
        self.vault.runs.open_or_join(self.slot, self._statement(RunOpen, "plan.json", kept, opening))
        return kept

    def _gathered(self, unit: Unit) -> Receipt:
        *files, last = self.sizes
        blobs = [self._artifact("transcript", "transcript.jsonl", self._transcript(unit, last), TRANSCRIPT_MEDIA_TYPE)]
        for number, size in enumerate(files):
            data = self.random.randbytes(size)
            blobs.append(self._artifact("file", f"file-{number}.bin", data, "application/octet-stream"))
        now = self.clock.moment
        receipt = Receipt(
            run_id=self.run_id, unit=unit, requirements=REQUIREMENTS, result=GatherResult.COLLECTED,
            blobs=tuple(blobs), collector=COLLECTOR, period=self.period,
            started=now - timedelta(minutes=3), finished=now - timedelta(minutes=2),
        )  # fmt: skip
        return self.vault.receipts.write(receipt, self.vault.lock())

    def _transcript(self, unit: Unit, size: int) -> bytes:
        header = TranscriptHeader(
            unit=unit, run_id=self.run_id, principal="arn", period=self.period, collector=COLLECTOR, declaration={}
        )
        call = Call(
            seq=0, service="s3", operation="ListBuckets", region=unit.region, parameters={}, step="list",
            started=self.clock.moment, finished=self.clock.moment, body={"filler": "x" * max(0, size - 900)},
        )  # fmt: skip
        return header.canonical() + b"\n" + call.canonical() + b"\n"

    def _artifact(self, role: Any, name: str, data: bytes, media_type: str) -> StoredBlob:
        stored = self.vault.blobs.put_bytes(data, media_type=media_type, lock=self.vault.lock())
        return StoredBlob(
            role=role, name=name, digest=stored.digest, size=stored.size, media_type=media_type, custody=stored.custody
        )

    def _blob(self, data: bytes) -> Digest:
        return self.vault.blobs.put_bytes(data, media_type="application/json", lock=self.vault.lock()).digest

    def _statement(
        self, kind: Any, name: str, subject: Digest, fields: dict[str, Any]
    ) -> Callable[[NextEntry], Statement]:
        def make(following: NextEntry) -> Statement:
            predicate = kind(**following.common(self.run_id, self.slot), **fields)
            return Statement(subject=(Subject.of(name, subject),), predicate=predicate)

        return make
