"""A proof of one artifact in a few kilobytes: it was sealed in this log, and for what."""

from __future__ import annotations

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, Text
from evidence_schema.models.names import LogName

_LONGEST = 4 * 1024 * 1024


class RowProof(Frozen):
    """A manifest row, and its way to the Merkle root over all rows that the run's closing entry names."""

    line: str = Field(max_length=_LONGEST)
    """The row's bytes: canonical JSON of a Receipt, without its newline."""
    index: NonNegative
    size: NonNegative
    path: tuple[Text, ...] = Field(max_length=63)
    """Sibling hashes from the leaf up, base64 (RFC 6962)."""


class Token(Frozen):
    """A time-stamp reply over the proof's checkpoint, by the name it has in the vault."""

    name: str = Field(pattern=r"^[0-9]{1,12}\.[A-Za-z0-9_.-]{1,80}\.tsr$")
    reply: str = Field(max_length=256 * 1024)
    """Base64 of the RFC 3161 reply, untouched."""


class ArtifactProof(Frozen):
    """`tlog_proof` (C2SP) shows `entry` in the log; the entry names the artifact, or the rows one of which does."""

    schema_id: str = Field(default="evidence/proof/v1", alias="schema", pattern=r"^evidence/proof/v1$")
    log: LogName
    artifact: Digest
    tlog_proof: str = Field(max_length=512 * 1024)
    entry: str = Field(max_length=64 * 1024)
    """The entry's file: a DSSE envelope in canonical JSON."""
    row: RowProof | None = None
    tokens: tuple[Token, ...] = Field(default=(), max_length=16)
