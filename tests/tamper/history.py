"""The log that is tampered with: 12 runs of 8 artifacts, written once by the vault's own code into a folder.

Everything in it is of a fixed key and clock, so that the same program makes the same bytes. One attempt beside the runs
was given up before it gathered anything: what an insider drops who runs again until the result pleases. With a
successor the key is rotated after nine runs, and the policy pins both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stored import Stored

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from evidence_schema.models.entry import Export, Judged, RunClose, RunOpen, Statement, Subject
from evidence_schema.models.finding import Finding, FindingsHeader, Outcomes, RequirementOutcome
from evidence_schema.models.names import FindingResult, GatherResult, Outcome, Trigger
from evidence_schema.models.receipt import Receipt, RedactionCount, StoredBlob
from evidence_schema.models.transcript import TRANSCRIPT_MEDIA_TYPE, Call, Collector, TranscriptHeader
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.models.unit import Listing, Period, Plan, PlannedUnit, Selection, Unit
from evidence_schema.verification.trust import Keyring
from flows.vault.directory import DirectoryStore
from flows.vault.keys import LocalKey, policy_after_rotation, trust_policy_for
from flows.vault.log import NextEntry
from flows.vault.manifest import ManifestSubject, build_manifest
from flows.vault.settings import VaultSettings
from flows.vault.store import Store
from flows.vault.vault import Vault, assemble

RUNS = 12
ATTEMPT_AFTER = 3
"""The attempt that was given up follows this many runs."""
ROTATED_AFTER = 9
"""Likewise the rotation, in a log that has one."""
LOG, ORIGIN = "acme", "evidence.example/acme"
LAYOUT = Layout(LOG)
SIGNER = LocalKey(Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
SUCCESSOR = LocalKey(Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
STRANGER = LocalKey(Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
START = datetime(2026, 1, 1, 6, tzinfo=UTC)
MONTH = timedelta(days=30)
ACCOUNTS = ("111111111111", "222222222222")
REQUIREMENTS = ("EV-IAM-01", "EV-LOG-01")
KINDS = (("aws.cloudtrail.trails", "eu-west-1"), ("aws.s3.buckets", "eu-west-1"), ("aws.iam.users", "global"))
ENGINE = "cel 0.10"
COLLECTOR = Collector(name="declared", version="1", declaration=Digest.of(b"declaration"))


@dataclass
class Clock:
    """Moves when told to."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **by: int) -> None:
        self.moment += timedelta(**by)


@dataclass(frozen=True)
class History:
    """A log, what an auditor has pinned of it, and when he looks."""

    place: Stored
    trust: TrustPolicy
    now: datetime
    ends: tuple[int, ...]
    """Of each run: how many entries the log had after it."""

    def checkpoint(self, size: int) -> bytes:
        """What an auditor kept who looked when the log had so many entries."""
        return self.place.data(LAYOUT.checkpoint(size))


@dataclass(frozen=True)
class Written:
    """Of a log in some store: what the auditor pins, the log's size after each run, and when he looks."""

    trust: TrustPolicy
    ends: tuple[int, ...]
    now: datetime


def make_history(folder: Path, runs: int = RUNS, attempted: int = 0, successor: LocalKey | None = None) -> History:
    """Write it, with an attempt that gathered so many units. The auditor looks two days after the newest run."""
    store = DirectoryStore(folder)
    store.create()
    written = write_history(store, LOG, runs, attempted, successor=successor)
    objects = {version.key: store.read(version.key, limit=1 << 20) for version in store.versions("v1/")}
    return History(Stored.of(objects), written.trust, written.now, written.ends)


def write_history(
    store: Store, log: str, runs: int, attempted: int = 0, start: datetime = START, successor: LocalKey | None = None
) -> Written:
    """The same into any store."""
    clock = Clock(start)
    settings = VaultSettings(url="dir:unused", log=log, origin=ORIGIN)
    vault = assemble(store, settings, SIGNER, clock=clock, collector_version="0.1.0")
    trust, ends = trust_policy_for(log, ORIGIN, SIGNER), []
    for number in range(runs):
        Occasion(vault, clock, number, f"monthly/{2026 + number // 12}-{number % 12 + 1:02}").whole()
        ends.append(vault.log.head().size)
        if number + 1 == ATTEMPT_AFTER:
            clock.advance(hours=6)
            attempt = Occasion(vault, clock, 99, "adhoc/0123456789ab")
            attempt.open()
            for place, planned in enumerate(attempt.units[:attempted]):
                attempt.gather(place, planned)
            clock.advance(hours=25)
            vault.runs.abandon(attempt.run_id)
            clock.advance(hours=-31)
        if successor is not None and number + 1 == ROTATED_AFTER:
            clock.advance(hours=6)
            trust = policy_after_rotation(trust, vault.log.rotate(successor), successor)
            pinned = Keyring.of(trust)
            vault = assemble(store, settings, successor, clock=clock, collector_version="0.1.0", pinned=pinned)
            clock.advance(hours=-6)
        clock.advance(days=MONTH.days)
    return Written(trust, tuple(ends), clock.moment - MONTH + timedelta(days=2))


@dataclass
class Occasion:
    """One run, by the vault's own steps. Every step can be done again: what stands is not written twice."""

    vault: Vault
    clock: Clock
    number: int
    slot: str
    period: Period = field(init=False)
    run_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.period = Period(start=self.clock.moment - MONTH, end=self.clock.moment)
        self.run_id = f"run-{self.clock.moment:%Y%m%dT%H%M%SZ}-{self.number:08x}"

    @classmethod
    def resumed(cls, vault: Vault, clock: Clock, opened: RunOpen) -> Occasion:
        """A run that another process has opened and did not end."""
        found = cls(vault, clock, int(opened.run_id[-8:], 16), opened.slot)
        found.period, found.run_id = opened.period, opened.run_id
        return found

    def whole(self) -> None:
        """Opened, gathered, closed, judged, exported; a minute each."""
        self.open()
        self.clock.advance(minutes=10)
        receipts = [self.gather(place, planned) for place, planned in enumerate(self.units)]
        for step in (lambda: self.close(receipts), self.judge, self.export):
            self.clock.advance(minutes=1)
            step()

    def open(self) -> None:
        self.units = tuple(
            PlannedUnit(unit=Unit(kind=kind, account=account, region=region), service="s3", requirements=REQUIREMENTS)
            for account in ACCOUNTS
            for kind, region in KINDS
        )
        plan = Plan(
            selection=Selection(frameworks=("hipaa",)),
            frameworks=("hipaa",),
            requirements=REQUIREMENTS,
            accounts=ACCOUNTS,
            regions=("eu-west-1",),
            period=self.period,
            actions=("s3:ListAllMyBuckets",),
            units=self.lines(tuple(planned.canonical() for planned in self.units)),
        )
        named = {
            "plan": self.blob(plan.canonical()),
            "catalogue": self.blob(canonical_bytes({"catalogue": "of this run", "number": self.number})),
            "settings": self.blob(canonical_bytes({"settings": "of this run", "number": self.number})),
        }
        self.vault.runs.open_or_join(
            self.slot,
            self.statement(
                RunOpen,
                "plan.json",
                named["plan"],
                trigger=Trigger.SCHEDULE,
                requester="0" * 32,
                at=self.clock.moment,
                period=self.period,
                expected=plan.units.rows,
                expected_digest=plan.units.digest,
                **named,
            ),
        )

    def gather(self, place: int, planned: PlannedUnit) -> Receipt:
        """The last unit of each account is denied and has no artifact; the first two have a file beside the answer."""
        denied = place % 3 == 2
        kept = [] if denied else [self.transcript(planned.unit)]
        if not denied:
            text = f"{planned.unit.kind} of {planned.unit.account}, run {self.number}\n" * 3
            kept.append(self.artifact("file", "report.csv", text.encode(), "text/csv"))
        now = self.clock.moment
        receipt = Receipt(
            run_id=self.run_id,
            unit=planned.unit,
            requirements=planned.requirements,
            result=GatherResult.DENIED if denied else GatherResult.COLLECTED,
            reason="AccessDenied" if denied else "",
            blobs=tuple(kept),
            redactions=(RedactionCount(rule="pem", count=2),),
            quarantined=int(denied),
            collector=COLLECTOR,
            period=self.period,
            started=now - timedelta(minutes=3),
            finished=now - timedelta(minutes=2),
        )
        return self.vault.receipts.write(receipt, self.vault.lock())

    def transcript(self, unit: Unit) -> StoredBlob:
        header = TranscriptHeader(
            unit=unit, run_id=self.run_id, principal="arn", period=self.period, collector=COLLECTOR, declaration={}
        )
        call = Call(
            seq=0,
            service="s3",
            operation="ListBuckets",
            region=unit.region,
            parameters={},
            step="list",
            started=self.clock.moment,
            finished=self.clock.moment,
            body={"Buckets": [{"Name": f"bucket-{number}"} for number in range(5)]},
        )
        data = header.canonical() + b"\n" + call.canonical() + b"\n"
        return self.artifact("transcript", "transcript.jsonl", data, TRANSCRIPT_MEDIA_TYPE)

    def artifact(self, role: Any, name: str, data: bytes, media_type: str) -> StoredBlob:
        stored = self.vault.blobs.put_bytes(data, media_type=media_type, lock=self.vault.lock())
        return StoredBlob(
            role=role,
            name=name,
            digest=stored.digest,
            size=stored.size,
            media_type=media_type,
            custody=stored.custody,
        )

    def close(self, receipts: list[Receipt]) -> None:
        opened = self.vault.runs.run(self.run_id)
        assert opened is not None
        subject = ManifestSubject(self.vault.layout.log, self.run_id, self.slot, self.period, opened.open.plan)
        rows = sorted(receipts, key=lambda receipt: receipt.unit.sort_key)
        stored = build_manifest(self.vault.blobs, rows, subject, self.vault.lock())
        self.vault.runs.close(
            self.run_id,
            self.statement(
                RunClose,
                "manifest.json",
                stored.digest,
                manifest=stored.digest,
                results=stored.manifest.results,
                redacted=stored.redacted,
                quarantined=stored.quarantined,
                duration_s=660,
                status="partial",
            ),
        )

    def judge(self) -> None:
        state = self.vault.runs.run(self.run_id)
        assert state is not None
        assert state.close is not None
        header = FindingsHeader(
            run_id=self.run_id,
            at=state.open.at,
            engine=ENGINE,
            manifest=state.close.manifest,
            catalogue=state.open.catalogue,
            plan=state.open.plan,
            settings=state.open.settings,
        )
        finding = Finding(
            check="EV-IAM-01-C1",
            requirement="EV-IAM-01",
            kind="aws.iam.users",
            account=ACCOUNTS[0],
            region="global",
            record="root",
            result=FindingResult.FAIL,
            values={"mfa": False},
        )
        findings = self.lines((header.canonical(), finding.canonical())).digest
        outcomes = Outcomes(
            run_id=self.run_id,
            at=state.open.at,
            findings=findings,
            requirements=(
                RequirementOutcome(requirement="EV-IAM-01", outcome=Outcome.EXCEPTION),
                RequirementOutcome(requirement="EV-LOG-01", outcome=Outcome.NOT_COLLECTED),
            ),
        )
        self.vault.runs.judge(
            self.run_id,
            self.statement(
                Judged,
                "findings.jsonl",
                findings,
                findings=findings,
                outcomes=self.blob(outcomes.canonical()),
                engine=ENGINE,
                counts={"fail": 1},
            ),
        )

    def export(self) -> None:
        workbook = f"workbook of {self.run_id}\n".encode() * 4
        digest, size = self.blob(workbook), self.vault.log.head().size
        name = "hipaa.xlsx"
        self.vault.runs.export(
            self.run_id,
            self.statement(
                Export, name, digest, framework="hipaa", name=name, digest=digest, size=len(workbook), tree_size=size
            ),
        )

    def statement(self, kind: Any, subject: str, about: Digest, /, **fields: Any) -> Callable[[NextEntry], Statement]:
        def make(following: NextEntry) -> Statement:
            predicate = kind(**following.common(self.run_id, self.slot), **fields)
            return Statement(subject=(Subject.of(subject, about),), predicate=predicate)

        return make

    def blob(self, data: bytes) -> Digest:
        return self.vault.blobs.put_bytes(data, media_type="application/json", lock=self.vault.lock()).digest

    def lines(self, rows: tuple[bytes, ...]) -> Listing:
        data = b"".join(row + b"\n" for row in rows)
        return Listing(digest=self.blob(data), size=len(data), rows=len(rows))
