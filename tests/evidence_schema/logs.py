"""Logs to verify, made from the foundation and bare keys only: the verifier is tested without the writer it judges.

`build_log` makes a sound log. Hooks change a value on its way into it, before anything is digested or signed: that is
what an insider with the signing key can do. `MemoryReader` changes what is stored: what anybody with the store can do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence_schema import merkle
from evidence_schema.canonical import canonical_bytes
from evidence_schema.checkpoint import Checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import encode_envelope, sign_envelope
from evidence_schema.layout import Layout
from evidence_schema.models.entry import (
    PAYLOAD_TYPE,
    CollectorVersion,
    Export,
    Judged,
    KeyRotate,
    LogLink,
    RunAbandoned,
    RunClose,
    RunOpen,
    Statement,
    Subject,
)
from evidence_schema.models.finding import Finding, FindingsHeader, Outcomes, RequirementOutcome
from evidence_schema.models.names import FindingResult, GatherResult, Outcome, Trigger
from evidence_schema.models.receipt import Custody, Manifest, ManifestPart, Receipt, RedactionCount, StoredBlob
from evidence_schema.models.transcript import TRANSCRIPT_MEDIA_TYPE, Call, Collector, TranscriptHeader
from evidence_schema.models.trust import TrustedKey, TrustPolicy
from evidence_schema.models.unit import Listing, Period, Plan, PlannedUnit, Selection, Unit
from evidence_schema.note import Note, VerifierKey, sign_text
from evidence_schema.reader import StoredVersion
from evidence_schema.signing_key import key_id

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
LOG, ORIGIN = "acme", "evidence.example/acme"
LAYOUT = Layout(LOG)
START = datetime(2026, 8, 1, 6, tzinfo=UTC)
MONTH = timedelta(days=30)
ENGINE = "cel 0.10"
Hooks = Mapping[str, Callable[[Any, int], Any]]
"""Name of the value -> what stands instead of it, given the value and its run's number."""


class MemoryReader:
    """A place that holds versions of keys, oldest first; None is a delete marker."""

    near = False

    def __init__(self, objects: Mapping[str, list[tuple[str, bytes | None]]] | None = None) -> None:
        self.objects = dict(objects or {})

    def copy(self) -> MemoryReader:
        """Another place with the same content."""
        return MemoryReader(self.objects)

    def put(self, key: str, data: bytes | None) -> None:
        """A new version, after those that are there."""
        before = self.objects.get(key, [])
        self.objects[key] = [*before, (f"v{len(before)}", data)]

    def replace(self, key: str, data: bytes) -> None:
        """Other bytes in the same place, as below a lock."""
        self.objects[key] = [("v0", data)]

    def remove(self, key: str) -> None:
        """As if it had never been."""
        del self.objects[key]

    def data(self, key: str) -> bytes:
        """The bytes of the first version."""
        data = self.objects[key][0][1]
        assert data is not None
        return data

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        for key in self.keys(prefix):
            *_, (newest, _) = self.objects[key]
            for version, data in self.objects[key]:
                yield StoredVersion(key, version, len(data or b""), data is None, version == newest)

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        for name, data in self.objects[key]:
            if data is not None and version in ("", name):
                yield from (data[at : at + 4096] for at in range(0, len(data), 4096))
                return
        raise KeyError(key)


@dataclass
class BuiltLog:
    """A log, and what an auditor would know of it."""

    reader: MemoryReader
    now: datetime
    trust: TrustPolicy
    runs: list[str]
    workbooks: list[bytes]


@dataclass
class LogBuilder:
    """Writes a log as the layout says. `keys` signs, by entry number; the default is one key for all."""

    hooks: Hooks = field(default_factory=dict)
    keys: Callable[[int], Ed25519PrivateKey] = lambda _: KEY
    accounts: tuple[str, ...] = ("111111111111", "222222222222")
    reader: MemoryReader = field(default_factory=MemoryReader)
    now: datetime = START
    files: list[bytes] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    workbooks: list[bytes] = field(default_factory=list)
    countersigner: Ed25519PrivateKey | None = None
    """Signs the next checkpoint too."""
    epoch: int = 0
    _run: int = 0

    def hooked(self, name: str, value: Any) -> Any:
        """The value, or what a hook makes of it."""
        return self.hooks[name](value, self._run) if name in self.hooks else value

    def blob(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        self.reader.replace(LAYOUT.blob(digest), data)
        return digest

    def lines(self, rows: list[bytes]) -> Listing:
        data = b"".join(row + b"\n" for row in rows)
        return Listing(digest=self.blob(data), size=len(data), rows=len(rows))

    def append(self, predicate: Any, *subject: Digest) -> None:
        """An entry and the checkpoint over it."""
        seq = len(self.files)
        prev = Digest.of(self.files[-1]) if self.files else None
        changes = {"seq": seq, "prev": prev, "time": self.now, "key_epoch": self.epoch}
        predicate = predicate.model_copy(update=changes)
        predicate = self.hooked("predicate", predicate)
        subjects = tuple(Subject.of(f"{number}.json", digest) for number, digest in enumerate(subject))
        statement = self.hooked("statement", Statement(subject=subjects, predicate=predicate))
        key = self.keys(seq)
        envelope = sign_envelope(PAYLOAD_TYPE, statement.canonical(), key.public_key().public_bytes_raw(), key.sign)
        file = self.hooked("entry", encode_envelope(envelope))
        self.files.append(file)
        self.reader.replace(LAYOUT.entry(seq), file)
        self.checkpoint(key)
        self.now += timedelta(minutes=1)

    def checkpoint(self, key: Ed25519PrivateKey) -> None:
        root = merkle.root([merkle.leaf_hash(file) for file in self.files])
        checkpoint = self.hooked("checkpoint", Checkpoint(ORIGIN, len(self.files), root))
        signers = [key] if self.countersigner is None else [key, self.countersigner]
        lines = [sign_text(checkpoint.text, verifier_key(one), one.sign) for one in signers]
        note = Note(checkpoint.text, tuple(lines)).encode()
        self.reader.replace(LAYOUT.checkpoint(len(self.files)), note)

    def rotate(self, to: Ed25519PrivateKey, *, signed_by_both: bool = True) -> int:
        """The log goes on with another key; the number of the entry that says so."""
        named = verifier_key(to)
        common = {"log": LOG, "seq": 0, "time": self.now, "collector": CollectorVersion(version="0.1.0")}
        rotation = self.hooked("rotation", KeyRotate(**common, vkey=str(named)))
        self.countersigner = to if signed_by_both else None
        self.append(rotation, Digest(bytes.fromhex(key_id(named.public_key))))
        self.countersigner, self.epoch, self.keys = None, self.epoch + 1, lambda _: to
        return len(self.files) - 1

    def common(self, run_id: str, slot: str) -> dict[str, Any]:
        collector = CollectorVersion(version="0.1.0")
        return {"log": LOG, "seq": 0, "time": self.now, "collector": collector, "run_id": run_id, "slot": slot}

    def run(self, *, slot: str = "", end: str = "exported", gathered: int | None = None) -> None:
        """A run up to `end`: opened, gathered, closed, judged, exported; or abandoned after `gathered` units."""
        run = _RunBuilder(self, self._run, slot or f"monthly/2026-{8 + self._run:02}")
        self.runs.append(run.run_id)
        run.open()
        self.now += timedelta(minutes=10)
        run.gather(gathered)
        steps = {"closed": 1, "judged": 2, "exported": 3}.get(end, 0)
        for step in (run.close, run.judge, run.export)[:steps]:
            step()
        if end == "abandoned":
            self.now += timedelta(hours=25)
            self.append(RunAbandoned(**self.common(run.run_id, run.slot), reason="operator"), run.opening)
        self._run += 1

    def built(self) -> BuiltLog:
        return BuiltLog(self.reader, self.now, trust_policy(), self.runs, self.workbooks)


def link(builder: LogBuilder, note: bytes, *subject: Digest, previous: str = "lost-log") -> None:
    """The log takes the place of another one."""
    common = {"log": LOG, "seq": 0, "time": builder.now, "collector": CollectorVersion(version="0.1.0")}
    builder.append(LogLink(**common, previous=previous, note=note.decode()), *(subject or (Digest.of(note),)))


def verifier_key(key: Ed25519PrivateKey) -> VerifierKey:
    """As it stands in a policy, and in a checkpoint."""
    return VerifierKey(ORIGIN, key.public_key().public_bytes_raw())


def trust_policy(*keys: tuple[Ed25519PrivateKey, int, int | None], max_age_days: int = 38) -> TrustPolicy:
    """The keys pinned for their ranges; by default the one key for all entries."""
    pinned = tuple(
        TrustedKey(vkey=str(verifier_key(key)), first=first, until=until)
        for key, first, until in keys or ((KEY, 0, None),)
    )
    return TrustPolicy(log=LOG, origin=ORIGIN, keys=pinned, max_age_days=max_age_days)


def build_log(
    runs: int = 3, *, hooks: Hooks | None = None, keys: Callable[[int], Ed25519PrivateKey] = lambda _: KEY
) -> BuiltLog:
    """A sound log of monthly runs over two accounts; between the first two, a request given up before it gathered."""
    builder = LogBuilder(hooks or {}, keys)
    for number in range(runs):
        builder.run()
        if number == 0:
            builder.now += timedelta(days=1)
            builder.run(slot="adhoc/0123456789ab", end="abandoned", gathered=0)
        builder.now += MONTH
    builder.now -= MONTH - timedelta(days=2)
    return builder.built()


@dataclass
class _RunBuilder:
    """One run, step by step."""

    log: LogBuilder
    number: int
    slot: str

    def __post_init__(self) -> None:
        self.run_id = f"run-{self.log.now:%Y%m%dT%H%M%SZ}-{self.number:08x}"
        self.period = Period(start=self.log.now - MONTH, end=self.log.now)
        self.receipts: list[Receipt] = []

    def open(self) -> None:
        log = self.log
        requirements = ("EV-IAM-01", "EV-LOG-01")
        self.units = [
            PlannedUnit(unit=Unit(kind=kind, account=account, region=region), service="s3", requirements=requirements)
            for account in log.accounts
            for kind, region in (("aws.s3.buckets", "eu-west-1"), ("aws.iam.users", "global"))
        ]
        plan = Plan(
            selection=Selection(frameworks=("hipaa",)),
            frameworks=("hipaa",),
            requirements=requirements,
            accounts=log.accounts,
            regions=("eu-west-1",),
            period=self.period,
            actions=("s3:ListAllMyBuckets",),
            units=log.lines([unit.canonical() for unit in log.hooked("units", self.units)]),
        )
        self.plan = log.blob(log.hooked("plan", plan).canonical())
        self.catalogue = log.blob(canonical_bytes({"catalogue": "of this run", "number": self.number}))
        self.settings = log.blob(canonical_bytes({"settings": "of this run", "number": self.number}))
        opened = RunOpen(
            **log.common(self.run_id, self.slot),
            trigger=Trigger.SCHEDULE,
            requester="0" * 32,
            at=log.now,
            period=self.period,
            catalogue=self.catalogue,
            plan=self.plan,
            settings=self.settings,
            expected=plan.units.rows,
            expected_digest=plan.units.digest,
        )
        self.opened = log.hooked("opened", opened)
        log.append(self.opened, self.plan)
        self.opening = Digest.of(log.files[-1])

    def gather(self, most: int | None) -> None:
        for number, planned in enumerate(self.units[:most]):
            receipt = self.log.hooked("receipt", self.receipt(number, planned))
            self.receipts.append(receipt)
            self.log.reader.replace(LAYOUT.receipt(self.run_id, planned.unit.digest), receipt.canonical())

    def receipt(self, number: int, planned: PlannedUnit) -> Receipt:
        """Every fourth unit is denied and has no artifact; every other one has a file beside its transcript."""
        denied = number % 4 == 3
        now = self.log.now
        collector = Collector(name="declared", version="1", declaration=Digest.of(b"declaration"))
        blobs = [] if denied else [self.transcript(planned.unit, collector)]
        if number % 2 == 0:
            blobs.append(
                self.stored("file", "report.csv", f"file of {planned.unit} {self.number}".encode(), "text/csv")
            )
        return Receipt(
            run_id=self.run_id,
            unit=planned.unit,
            requirements=planned.requirements,
            result=GatherResult.DENIED if denied else GatherResult.COLLECTED,
            reason="AccessDenied" if denied else "",
            blobs=tuple(blobs),
            redactions=(RedactionCount(rule="pem", count=2),),
            quarantined=int(denied),
            collector=collector,
            period=self.period,
            started=now - timedelta(minutes=3),
            finished=now - timedelta(minutes=2),
        )

    def transcript(self, unit: Unit, collector: Collector) -> StoredBlob:
        header = TranscriptHeader(
            unit=unit, run_id=self.run_id, principal="arn", period=self.period, collector=collector, declaration={}
        )
        call = Call(
            seq=0,
            service="s3",
            operation="ListBuckets",
            region=unit.region,
            parameters={},
            step="list",
            started=self.log.now,
            finished=self.log.now,
            body={"Buckets": [{"Name": f"bucket-{number}"} for number in range(5)]},
        )
        header = self.log.hooked("header", header)
        data = header.canonical() + b"\n" + call.canonical() + b"\n"
        return self.stored("transcript", "transcript.jsonl", data, TRANSCRIPT_MEDIA_TYPE)

    def stored(self, role: Any, name: str, data: bytes, media_type: str) -> StoredBlob:
        return StoredBlob(
            role=role, name=name, digest=self.log.blob(data), size=len(data), media_type=media_type, custody=Custody()
        )

    def close(self) -> None:
        log = self.log
        rows = log.hooked("rows", sorted(self.receipts, key=lambda receipt: receipt.unit.sort_key))
        by_account: dict[str, list[bytes]] = {}
        for row in rows:
            by_account.setdefault(row.unit.account, []).append(row.canonical())
        listings = {account: log.lines(lines) for account, lines in by_account.items()}
        results = Counter(row.result for row in rows)
        manifest = Manifest(
            log=LOG,
            run_id=self.run_id,
            slot=self.slot,
            period=self.period,
            plan=self.plan,
            rows=len(rows),
            results=dict(results),
            parts=tuple(ManifestPart(account=name, **dict(listing)) for name, listing in listings.items()),
        )
        self.manifest = log.blob(log.hooked("manifest", manifest).canonical())
        closed = RunClose(
            **log.common(self.run_id, self.slot),
            manifest=self.manifest,
            results=dict(results),
            redacted=sum(count.count for row in rows for count in row.redactions),
            quarantined=sum(row.quarantined for row in rows),
            duration_s=600,
            status="complete" if all(result.is_complete for result in results) else "partial",
        )
        log.append(log.hooked("closed", closed), self.manifest)

    def judge(self) -> None:
        log = self.log
        header = FindingsHeader(
            run_id=self.run_id,
            at=self.opened.at,
            engine=ENGINE,
            manifest=self.manifest,
            catalogue=self.catalogue,
            plan=self.plan,
            settings=self.settings,
        )
        finding = Finding(
            check="EV-IAM-01-C1",
            requirement="EV-IAM-01",
            kind="aws.iam.users",
            account=log.accounts[0],
            region="global",
            record="root",
            result=FindingResult.FAIL,
            values={"mfa": False},
        )
        findings = log.lines([log.hooked("findings", header).canonical(), finding.canonical()]).digest
        outcomes = Outcomes(
            run_id=self.run_id,
            at=self.opened.at,
            findings=findings,
            requirements=(
                RequirementOutcome(requirement="EV-IAM-01", outcome=Outcome.EXCEPTION),
                RequirementOutcome(requirement="EV-LOG-01", outcome=Outcome.NOT_COLLECTED),
            ),
        )
        judged = Judged(
            **log.common(self.run_id, self.slot),
            findings=findings,
            outcomes=log.blob(log.hooked("outcomes", outcomes).canonical()),
            engine=ENGINE,
            counts={"fail": 1},
        )
        log.append(log.hooked("judged", judged), findings)

    def export(self) -> None:
        log = self.log
        workbook = f"workbook of {self.run_id}".encode()
        log.workbooks.append(workbook)
        export = Export(
            **log.common(self.run_id, self.slot),
            framework="hipaa",
            name="hipaa.xlsx",
            digest=log.blob(workbook),
            size=len(workbook),
            tree_size=len(log.files),
        )
        log.append(log.hooked("export", export), export.digest)
