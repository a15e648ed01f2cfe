"""A unit's receipt, which is its manifest row, and the manifest over all of them (INTEGRITY 5.3)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, Text, UtcTime
from evidence_schema.models.encrypted import Encryption
from evidence_schema.models.names import AccountId, GatherResult, LockMode, LogName, RequirementId, RunId, SlotName
from evidence_schema.models.transcript import Collector
from evidence_schema.models.unit import Listing, Period, Unit


class Custody(Frozen):
    """How the store keeps a blob, as read back from the store after the put."""

    version_id: str = Field(default="", max_length=1024)
    lock_mode: LockMode = LockMode.NONE
    retain_until: UtcTime | None = None


class StoredBlob(Frozen):
    """An artifact of a unit: bytes by digest, and what they are. Encrypted, digest and size are the ciphertext's."""

    role: Literal["transcript", "file"]
    name: str = Field(max_length=1024)
    digest: Digest
    size: NonNegative
    media_type: str = Field(max_length=120)
    custody: Custody
    encryption: Encryption | None = None


class CallCounts(Frozen):
    """The work a unit took: calls and pages that answered, attempts repeated, calls that did not answer."""

    calls: NonNegative = 0
    pages: NonNegative = 0
    retries: NonNegative = 0
    errors: NonNegative = 0


class ItemCounts(Frozen):
    """Completeness, computed: items the source returned, records kept, and an independent count where one exists."""

    returned: NonNegative = 0
    kept: NonNegative = 0
    control_total: NonNegative | None = None
    difference: int | None = None


class CallProblem(Frozen):
    """Calls of one operation that did not answer, told apart by what it means."""

    service: str = Field(max_length=64)
    operation: str = Field(max_length=128)
    step: str = Field(max_length=200)
    result: Literal["denied", "failed", "unavailable"]
    code: str = Field(max_length=200)
    status: NonNegative = 0
    count: NonNegative = 1
    request_id: str = Field(default="", max_length=200)


class RedactionCount(Frozen):
    """How many values a rule cut out; the pointers stand in the transcript."""

    rule: str
    count: NonNegative


class Receipt(Frozen):
    """What became of one unit. Written once, after its blobs: a unit with a receipt is not gathered again."""

    schema_id: str = Field(default="evidence/receipt/v1", alias="schema", pattern=r"^evidence/receipt/v1$")
    run_id: RunId
    unit: Unit
    requirements: tuple[RequirementId, ...]
    result: GatherResult
    reason: Text = ""
    blobs: tuple[StoredBlob, ...] = ()
    calls: CallCounts = CallCounts()
    items: ItemCounts = ItemCounts()
    problems: tuple[CallProblem, ...] = ()
    redactions: tuple[RedactionCount, ...] = ()
    quarantined: NonNegative = 0
    principal: str = Field(default="", max_length=400)
    collector: Collector
    period: Period
    started: UtcTime
    finished: UtcTime

    @property
    def transcript(self) -> StoredBlob | None:
        """The unit's transcript; None where no call could be made."""
        return next((blob for blob in self.blobs if blob.role == "transcript"), None)


class ManifestPart(Listing):
    """One account's rows: JSON Lines of Receipt, sorted by unit."""

    account: AccountId


class Manifest(Frozen):
    """The small root over the parts."""

    schema_id: str = Field(default="evidence/manifest/v1", alias="schema", pattern=r"^evidence/manifest/v1$")
    log: LogName
    run_id: RunId
    slot: SlotName
    period: Period
    plan: Digest
    rows: NonNegative
    results: dict[GatherResult, NonNegative]
    parts: tuple[ManifestPart, ...]
