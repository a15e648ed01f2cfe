"""What the store said of a run's objects when it was asked again: the lock as a fact, not as a setting."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, UtcTime
from evidence_schema.models.names import RequirementId, RunId
from evidence_schema.models.receipt import Custody

CUSTODY_MEDIA_TYPE = "application/vnd.evidence.custody+jsonl"

Written = Literal["entry", "checkpoint", "token", "document", "receipt", "artifact"]


class CustodyHeader(Frozen):
    """The first line. Entries, checkpoints, tokens and documents of the run are all asked about; of its artifacts
    `sampled` out of `artifacts`, those whose SHA-256 over `manifest digest, blob digest` (as text) is lowest, with
    their receipts: anybody can draw the same sample, and nobody could before the manifest stood.
    """

    schema_id: str = Field(default="evidence/custody/v1", alias="schema", pattern=r"^evidence/custody/v1$")
    run_id: RunId
    requirement: RequirementId
    store: str = Field(max_length=200)
    read_at: UtcTime
    objects: NonNegative
    artifacts: NonNegative
    sampled: NonNegative
    unlocked: NonNegative
    """Objects without a lock that holds at `read_at`, or that are not there at all."""
    differing: NonNegative
    """Artifacts whose version, or a lock that got weaker, is not what their receipt recorded after the put."""


class ObjectCustody(Frozen):
    """One object, as the store describes its first version: HeadObject in S3. Without `custody` nothing was there."""

    key: str = Field(max_length=512)
    what: Written
    size: NonNegative = 0
    checksum: Digest | None = None
    """SHA-256 as the store computed it."""
    custody: Custody | None = None
