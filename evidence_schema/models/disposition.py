"""What was erased, why, and on whose decision: the document that an erasure's entries name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evidence_schema.models.base import Frozen
from evidence_schema.models.encrypted import Part
from evidence_schema.models.names import LogName, RunId
from evidence_schema.models.unit import BlobDigest, Unit

Ground = Literal[
    "art17-1-a", "art17-1-b", "art17-1-c", "art17-1-d", "art17-1-e", "art17-1-f",
    "retention-ended", "contract-ended", "court-order", "collected-in-error",
]  # fmt: skip
"""GDPR Art. 17(1)(a) to (f), or another reason. A code and never free text: a reason in words can name a person."""

Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 -]{2,59}$")]
"""A role such as `privacy officer`: never a name, for it is sealed."""


class ErasedArtifact(BlobDigest):
    """A ciphertext that nobody can open any more; digest and size are its own."""

    part: Part
    role: Literal["transcript", "file", "facts", "findings", "workbook", "unnamed"]
    """`unnamed`: written for the unit by a process that was killed or lost a race; no row names it."""
    unit: Unit | None = None


class Disposition(Frozen):
    """The artifacts of one run whose data keys were destroyed."""

    schema_id: str = Field(default="evidence/disposition/v1", alias="schema", pattern=r"^evidence/disposition/v1$")
    log: LogName
    run_id: RunId
    ground: Ground
    approver: Role
    artifacts: tuple[ErasedArtifact, ...]
