"""What an auditor keeps of a look at a log: signed by nobody, for it is the auditor's own (INTEGRITY 5.5)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.layout import AUTHORITY
from evidence_schema.models.base import Frozen, NonNegative, UtcTime
from evidence_schema.models.names import LogName

PropertyName = Literal["authentic", "intact", "complete", "ordered", "timely", "anchored", "fresh"]
VerdictName = Literal["holds", "broken", "not_shown"]


class SeenToken(Frozen):
    """A time-stamp token that lay over the checkpoint, judged or not."""

    authority: str = Field(pattern=f"^{AUTHORITY}$")
    digest: Digest


class AuditorReceipt(Frozen):
    """The log's size and root as its own signed checkpoint says them, and what the auditor was told of it, and when."""

    schema_id: str = Field(
        default="evidence/auditor-receipt/v1", alias="schema", pattern=r"^evidence/auditor-receipt/v1$"
    )
    log: LogName
    origin: str = Field(max_length=200)
    tree_size: NonNegative
    root: str = Field(pattern=r"^[A-Za-z0-9+/]{43}=$")
    """Base64, as in the checkpoint."""
    checkpoint: str = Field(max_length=256 * 1024)
    """The signed note itself: what a later look is held against."""
    policy: Digest | None = None
    """The fingerprint of the trust policy that was given; None: none was."""
    verdicts: dict[PropertyName, VerdictName]
    problems: NonNegative
    looked: UtcTime
    tokens: tuple[SeenToken, ...] = ()
    digest: Digest
    """Of all the rest: a damaged receipt is told from a sound one. It proves nothing against whoever can write it."""

    @classmethod
    def sealed(cls, **facts: object) -> Self:
        """The receipt of these facts, with their digest."""
        draft = cls.model_validate({**facts, "digest": Digest.of(b"")})
        return draft.model_copy(update={"digest": draft.expected_digest})

    @property
    def expected_digest(self) -> Digest:
        """The digest that the rest has."""
        rest = {name: value for name, value in self.to_json().items() if name != "digest"}
        return Digest.of(canonical_bytes(rest))
