"""What a package says of itself: its scope, which the log signs; the files drawn for it; what it leaves out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, Text
from evidence_schema.models.encrypted import Context
from evidence_schema.models.names import (
    AccountId,
    FrameworkId,
    KindName,
    LogName,
    PackageStatus,
    RecipientId,
    RequirementId,
    RunId,
)
from evidence_schema.models.unit import BlobDigest, Listing

Omitted = Literal["artifact", "facts", "findings", "workbook", "run"]
OmissionReason = Literal[
    "out of scope", "personal data", "erased", "no key", "unreadable", "not finished", "speaks of more than the scope",
]  # fmt: skip


class ScopedRun(Frozen):
    """A run whose manifest, plan, catalogue and settings are in; `findings`: its sealed findings are in as well."""

    run_id: RunId
    findings: bool


class PackageScope(Frozen):
    """What a package promises, named by the export entry that is the last one of its log.

    Promised are all entries and checkpoints up to that entry and, of each run here, its manifest with all rows; of the
    rows of these accounts that serve one of these requirements, the artifacts, unless their kind is `withheld`.
    A verifier derives from the rows which artifacts that is: nobody has to believe a list.
    """

    schema_id: str = Field(default="evidence/package-scope/v1", alias="schema", pattern=r"^evidence/package-scope/v1$")
    log: LogName
    runs: tuple[ScopedRun, ...] = Field(min_length=1)
    frameworks: tuple[FrameworkId, ...]
    requirements: tuple[RequirementId, ...]
    accounts: tuple[AccountId, ...]
    withheld: tuple[KindName, ...]
    """Kinds that hold personal data: shown masked, their sealed artifacts left out."""
    workbooks: tuple[Digest, ...]
    """Sealed workbooks that are in, as their own export entries name them."""
    status: PackageStatus
    recipient: RecipientId | None = None
    """Who can open the sealed part."""
    contents: Listing
    """JSON Lines of PackageFile: every file of the bag besides the log, its own manifests and this list."""
    omitted: NonNegative


class PackageFile(BlobDigest):
    """A file drawn for the package, by its path from the bag's folder."""

    path: str = Field(max_length=1024, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")


class Omission(Frozen):
    """Something that the package does not hold, and why."""

    what: Omitted
    reason: OmissionReason
    run_id: RunId
    name: Text
    digest: Digest | None = None
    size: NonNegative | None = None


class DisclosedKey(Frozen):
    """What opens a ciphertext of the sealed part: with it the recipient has the plaintext, and can prove it.

    The ciphertext's digest stands in a signed row or entry, and it opens with no other key, and to nothing else.
    """

    digest: Digest
    context: Context
    data_key: str = Field(pattern=r"^[A-Za-z0-9+/]{86}==$")
    """64 bytes in base64: data key, then blind."""
