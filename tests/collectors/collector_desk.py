"""A desk at which tests gather: an engine over a scripted AWS, and a place that keeps transcripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stub_aws import ACCOUNT

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.models.unit import Period, PlannedUnit, Unit
from evidence_schema.records import derive, derive_view
from flows.collectors.aws.engine import AwsCollector
from flows.collectors.aws.limits import Limits
from flows.collectors.aws.session import AwsSessions
from flows.collectors.aws.settings import AccountAccess, AwsSettings
from flows.collectors.errors import CredentialsRefused
from flows.collectors.gathered import Gathered, GatherRequest
from flows.collectors.registry import Kinds

RUN = "run-20261101T060000Z-0a1b2c3d"
REGION = "eu-west-1"
PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
SETTINGS = AwsSettings(home_region=REGION, deadline_s=60)
NOW = datetime(2026, 11, 1, 6, 0, 0, tzinfo=UTC)


@dataclass
class Kept:
    """A unit as a test looks at it: everything its spools held, read before they are closed."""

    gathered: Gathered
    transcript: bytes
    files: dict[str, bytes]

    @property
    def header(self) -> TranscriptHeader:
        return TranscriptHeader.from_canonical(self.transcript.splitlines()[0])

    @property
    def calls(self) -> list[Call]:
        return [Call.from_canonical(line) for line in self.transcript.splitlines()[1:]]

    @property
    def records(self) -> list[Record]:
        return list(derive(self.header, iter(self.calls), self.lines))

    def view(self, declaration: KindDeclaration) -> list[Record]:
        return list(derive_view(declaration, self.header, iter(self.calls), self.lines))

    def lines(self, name: str) -> Iterator[bytes]:
        return iter(self.files[name].splitlines(keepends=True))


@dataclass
class Desk:
    """Gathers kinds and keeps what comes, as the task layer does."""

    kinds: Kinds
    settings: AwsSettings = SETTINGS
    account: str = ACCOUNT
    period: Period = PERIOD
    kept: dict[Unit, Kept] = field(default_factory=dict)
    slept: list[float] = field(default_factory=list)
    refused: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    access: dict[str, AccountAccess] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sessions = AwsSessions(self.access, self.settings)
        options = {"sleep": self.slept.append, "limits": Limits(4)} | self.options
        self.collector = AwsCollector(self.kinds, self.sessions, settings=self.settings, clock=lambda: NOW, **options)

    def gather(self, *names: str, region: str = REGION) -> list[Kept]:
        units = tuple(
            PlannedUnit(
                unit=Unit(
                    kind=name, account=self.account, region="global" if self.kinds[name].scope == "account" else region
                ),
                service=self.kinds[name].service,
                requirements=("EV-IAM-01",),
            )
            for name in names
        )
        request = GatherRequest(RUN, self.account, units[0].unit.region, units[0].service, units, self.period, REGION)
        found = []
        try:
            for gathered in self.collector.gather(request, self.transcript_of):
                kept = keep(gathered)
                self.kept[gathered.unit] = kept
                found.append(kept)
        except CredentialsRefused as error:
            self.refused = str(error)
        return found

    def one(self, name: str, region: str = REGION) -> Kept:
        return self.gather(name, region=region)[0]

    def transcript_of(self, unit: Unit) -> Iterator[bytes] | None:
        kept = self.kept.get(unit)
        return iter(kept.transcript.splitlines(keepends=True)) if kept and kept.transcript else None


def keep(gathered: Gathered) -> Kept:
    def read(spooled: Any) -> bytes:
        with spooled.open() as stream:
            return stream.read()

    transcript = read(gathered.transcript) if gathered.transcript else b""
    files = {spooled.name: read(spooled) for spooled in gathered.files}
    for spooled in filter(None, (gathered.transcript, *gathered.files)):
        assert spooled.size == len(read(spooled))
    gathered.close()
    Receipt(  # what the task layer writes must be writable
        run_id=RUN,
        unit=gathered.unit,
        requirements=gathered.requirements,
        result=gathered.result,
        reason=gathered.reason,
        calls=gathered.calls,
        items=gathered.items,
        problems=gathered.problems,
        redactions=gathered.redactions,
        quarantined=gathered.quarantined,
        principal=gathered.principal,
        collector=gathered.collector,
        period=PERIOD,
        started=gathered.started,
        finished=gathered.finished,
    ).canonical()
    return Kept(gathered, transcript, files)


def kind(**fields: Any) -> KindDeclaration:
    """A declaration for a test: region scope and an action, unless it says otherwise."""
    return KindDeclaration.model_validate(
        {"scope": "region", "title": "a test", "actions": ["x:Y"], "service": "kms"} | fields
    )


def desk_over(*declarations: KindDeclaration, **fields: Any) -> Desk:
    return Desk(Kinds(declarations), **fields)
