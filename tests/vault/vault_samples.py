"""What the vault's tests write: entries, receipts, and stores that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from evidence_schema.digest import Digest
from evidence_schema.models.entry import Judged, RunClose, RunOpen, Statement, Subject
from evidence_schema.models.names import GatherResult, Trigger
from evidence_schema.models.receipt import Custody, Receipt, RedactionCount
from evidence_schema.models.transcript import Collector
from evidence_schema.models.unit import Period, Unit
from evidence_schema.reader import StoredVersion
from flows.vault.errors import StoreUnavailable
from flows.vault.locks import Lock
from flows.vault.log import NextEntry
from flows.vault.store import Head, Source, Store, StoreFacts

NOVEMBER = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))
DIGEST = Digest.of(b"something sealed")
ORIGIN = "evidence.example/acme"


@dataclass
class Clock:
    """Starts now, because a real server compares lock dates with its own clock; moves when told to."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


def run_id(number: int) -> str:
    return f"run-20261101T060000Z-{number:08x}"


def opening(number: int, slot: str = "monthly/2026-11") -> Callable[[NextEntry], Statement]:
    def make(following: NextEntry) -> Statement:
        predicate = RunOpen(
            **following.common(run_id(number), slot),
            trigger=Trigger.SCHEDULE,
            requester="0" * 32,
            at=following.time,
            period=NOVEMBER,
            catalogue=DIGEST,
            plan=DIGEST,
            settings=DIGEST,
            expected=3,
            expected_digest=DIGEST,
        )
        return Statement(subject=(Subject.of("plan.json", DIGEST),), predicate=predicate)

    return make


def closing(number: int, slot: str = "monthly/2026-11", manifest: Digest = DIGEST) -> Callable[[NextEntry], Statement]:
    def make(following: NextEntry) -> Statement:
        predicate = RunClose(
            **following.common(run_id(number), slot),
            manifest=manifest,
            results={GatherResult.COLLECTED: 3},
            redacted=0,
            quarantined=0,
            duration_s=1,
            status="complete",
        )
        return Statement(subject=(Subject.of("manifest.json", manifest),), predicate=predicate)

    return make


def judging(number: int, slot: str = "monthly/2026-11") -> Callable[[NextEntry], Statement]:
    def make(following: NextEntry) -> Statement:
        predicate = Judged(
            **following.common(run_id(number), slot), findings=DIGEST, outcomes=DIGEST, engine="cel 1", counts={}
        )
        return Statement(subject=(Subject.of("findings.jsonl", DIGEST),), predicate=predicate)

    return make


def receipt(
    region: str = "eu-central-1",
    *,
    account: str = "111111111111",
    kind: str = "aws.s3.buckets",
    result: GatherResult = GatherResult.COLLECTED,
    reason: str = "",
    redacted: int = 0,
) -> Receipt:
    return Receipt(
        run_id=run_id(1),
        unit=Unit(kind=kind, account=account, region=region),
        requirements=("EV-IAM-01",),
        result=result,
        reason=reason,
        redactions=(RedactionCount(rule="pem", count=redacted),) if redacted else (),
        collector=Collector(name="declared", version="1", declaration=DIGEST),
        period=NOVEMBER,
        started=NOVEMBER.start,
        finished=NOVEMBER.start,
    )


@dataclass
class LosesReplies:
    """A store that does what it is asked and then, for some keys, does not say so."""

    inner: Store
    loses: Callable[[str], bool]
    lost: list[str] = field(default_factory=list)
    before: bool = False
    """Fail before anything was written."""
    near = False

    def put(
        self, key: str, source: Source, *, digest: Digest, size: int, media_type: str, lock: Lock | None
    ) -> Custody:
        lose = self.loses(key)
        if lose:
            self.lost.append(key)
        if lose and self.before:
            raise StoreUnavailable(f"no connection for {key}")
        custody = self.inner.put(key, source, digest=digest, size=size, media_type=media_type, lock=lock)
        if lose:
            raise StoreUnavailable(f"connection lost after {key}")
        return custody

    def extend(self, key: str, lock: Lock) -> Custody:
        return self.inner.extend(key, lock)

    def read(self, key: str, *, limit: int, version: str = "") -> bytes:
        return self.inner.read(key, limit=limit, version=version)

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        return self.inner.stream(key, version)

    def head(self, key: str) -> Head | None:
        return self.inner.head(key)

    def keys(self, prefix: str) -> Iterator[str]:
        return self.inner.keys(prefix)

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        return self.inner.versions(prefix)

    def describe(self) -> StoreFacts:
        return self.inner.describe()

    def check_ready(self) -> None:
        self.inner.check_ready()

    def sweep(self) -> int:
        return self.inner.sweep()
