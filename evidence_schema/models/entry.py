"""Log entries: in-toto Statement v1 whose predicate says what happened (INTEGRITY 5.3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, UtcTime
from evidence_schema.models.disposition import Ground, Role
from evidence_schema.models.encrypted import EncryptedBlob
from evidence_schema.models.names import (
    CaseId,
    FrameworkId,
    GatherResult,
    LogName,
    RecipientId,
    RunId,
    SlotName,
    Trigger,
)
from evidence_schema.models.schedule import Schedule
from evidence_schema.models.unit import Period

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:evidence-collector:entry:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Subject(Frozen):
    """What the entry speaks about, by digest."""

    name: str = Field(max_length=120)
    digest: dict[Literal["sha256"], Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]

    @classmethod
    def of(cls, name: str, digest: Digest) -> Subject:
        return cls(name=name, digest={"sha256": digest.hex})


class CollectorVersion(Frozen):
    """The program that wrote the entry."""

    name: str = "evidence-collector"
    version: str = Field(max_length=64)


class EntryBase(Frozen):
    """What each entry carries. `prev` is the SHA-256 of the previous entry's file; entry 0 has none. `key_epoch` counts
    the rotations before it.
    """

    log: LogName
    seq: NonNegative
    prev: Digest | None = None
    time: UtcTime
    key_epoch: NonNegative = 0
    collector: CollectorVersion


class RunEntry(EntryBase):
    """What each entry about a run carries."""

    run_id: RunId
    slot: SlotName


class RunOpen(RunEntry):
    """Written before the first API call: what is about to happen, for whom, and by which rules."""

    type: Literal["run-open"] = "run-open"
    trigger: Trigger
    requester: str = Field(pattern=r"^[0-9a-f]{32}$")
    """Keyed pseudonym of who asked."""
    case: CaseId | None = None
    at: UtcTime
    """The evaluation time of every rule: rules have no clock."""
    period: Period
    catalogue: Digest
    plan: Digest
    settings: Digest
    facts: EncryptedBlob | None = None
    """The facts of the settings, where the run gathers personal data: approved lists can name people."""
    expected: NonNegative
    expected_digest: Digest
    last_token: Digest | None = None
    """Of the latest time-stamp token that stood before: the run was opened not earlier than its time."""
    simulated: bool = False


class RunClose(RunEntry):
    """Written after the last artifact."""

    type: Literal["run-close"] = "run-close"
    manifest: Digest
    results: dict[GatherResult, NonNegative]
    redacted: NonNegative
    quarantined: NonNegative
    rows: Digest | None = None
    """Merkle root (RFC 6962) over the manifest's rows in their order: proves one row without all others."""
    duration_s: NonNegative
    status: Literal["complete", "partial"]


class RunAbandoned(RunEntry):
    """An attempt that will not be finished stays visible."""

    type: Literal["run-abandoned"] = "run-abandoned"
    reason: Literal["resume window passed", "operator"]


class Judged(RunEntry):
    """Findings and outcomes of a closed run, by the rules sealed at its opening."""

    type: Literal["judged"] = "judged"
    findings: Digest
    personal_findings: EncryptedBlob | None = None
    """The findings of checks that read personal kinds: their values and record ids name people."""
    outcomes: Digest
    custody: Digest | None = None
    """What the store, where it locks, said of the run's objects when it was asked again (evidence/custody/v1)."""
    engine: str = Field(max_length=80)
    counts: dict[str, NonNegative]


class Export(RunEntry):
    """A workbook left the log: which bytes, compiled at which tree size. Of a package (`package` says in which form)
    the bytes are its scope statement, which names the digest of all that was drawn for it.
    """

    type: Literal["export"] = "export"
    framework: FrameworkId | None = None
    """Of a workbook."""
    package: Literal["masked", "unmasked"] | None = None
    recipient: RecipientId | None = None
    """Who can open the unmasked part."""
    reason: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    """Keyed pseudonym of why it was unmasked: the words themselves could name somebody."""
    name: str = Field(max_length=200)
    digest: Digest
    size: NonNegative
    tree_size: NonNegative
    kept: EncryptedBlob | None = None
    """The vault's own copy, where it shows personal findings; else the copy is the blob of `digest`."""


class Erasure(RunEntry):
    """Data keys of a run's artifacts: to be destroyed (`ordered`), and found destroyed when looked for (`done`).

    The order stands in the log before the first key goes, so that a hold written meanwhile is seen by one side or the
    other, and whoever comes after a crash can finish.
    """

    type: Literal["erasure"] = "erasure"
    stage: Literal["ordered", "done"]
    disposition: Digest
    artifacts: NonNegative
    ground: Ground
    approver: Role


class Hold(RunEntry):
    """Nothing of the run may be erased (or, where `artifacts` are named, none of these) until the case releases it."""

    type: Literal["hold"] = "hold"
    action: Literal["hold", "release"]
    case: CaseId
    approver: Role
    artifacts: tuple[Digest, ...] = Field(default=(), max_length=16)


class Extension(RunEntry):
    """The store was told to keep everything that proves a run for longer; a lock is never shortened."""

    type: Literal["extension"] = "extension"
    until: UtcTime
    objects: NonNegative
    approver: Role


class KeyRotate(EntryBase):
    """The log goes on with another key. Signed by the key that ends here; the checkpoint over it by both. The subject
    is the new key's id. It proves nothing to whoever has not pinned the new key as well.
    """

    type: Literal["key-rotate"] = "key-rotate"
    vkey: str = Field(max_length=400)
    """The key that signs from the next entry on (C2SP verifier key)."""


class LogLink(EntryBase):
    """The first entry of a log that takes the place of one whose key was lost: where that one ended, as somebody kept
    it. A break, and told as one: no key of the old log signs it. The subject is the digest of the note's bytes.
    """

    type: Literal["log-link"] = "log-link"
    previous: LogName
    note: str = Field(max_length=2048)
    """The last checkpoint of the previous log that was kept outside of it, with its signatures."""


class Heartbeat(EntryBase):
    """The scheduler looked, and nothing was due: a sign of life, which fills no slot."""

    type: Literal["heartbeat"] = "heartbeat"


class ScheduleChange(EntryBase):
    """What is promised from now on. What fell due before this entry was written stays due."""

    type: Literal["schedule-change"] = "schedule-change"
    schedule: Schedule


RunPredicate = RunOpen | RunClose | RunAbandoned | Judged | Export | Erasure | Hold | Extension
Predicate = Annotated[RunPredicate | KeyRotate | LogLink | Heartbeat | ScheduleChange, Field(discriminator="type")]


class Statement(Frozen):
    """The signed payload."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:evidence-collector:entry:v1"] = Field(
        default="urn:evidence-collector:entry:v1", alias="predicateType"
    )
    predicate: Predicate
