"""What a collector stores: every API call it made, in order (INTEGRITY 5.1).

A transcript is JSON Lines, each line canonical: a header, then one line a call. Lines, so that an account of any
size is written and read in bounded memory.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, Text, UtcTime
from evidence_schema.models.names import FieldName, KindName, RunId
from evidence_schema.models.unit import Period, Unit

TRANSCRIPT_MEDIA_TYPE = "application/vnd.evidence.transcript+jsonl"


class Redaction(Frozen):
    """A value was cut out before storage: where (RFC 6901 pointer into the body) and by which rule. Never the value."""

    pointer: Text
    rule: str = Field(pattern=r"^[a-z0-9:._-]{1,120}$")


class CallError(Frozen):
    """The service's own answer to a call that did not succeed, and what it means: denied, failed or unavailable."""

    code: str = Field(max_length=200)
    status: NonNegative
    message: Text = ""
    result: Literal["denied", "failed", "unavailable"]


class Attempt(Frozen):
    """One try that botocore repeated: throttled, or a server error."""

    code: str = Field(max_length=200)
    status: NonNegative
    request_id: str = Field(default="", max_length=200)


class Call(Frozen):
    """One API call with its answer.

    `step` says which part of the kind's declaration asked: `list`, `start`, `poll`, `batch`, `total`, or the dotted
    path of a per-item call (`encryption`, `selections.list`, `selections.selection`); `item` is the chain of item ids
    it was made for. `body` is the answer as parsed against the operation's output shape, after redaction; exactly one
    of `body` and `error` is there. `absent` marks an error code that the declaration calls a fact, not a failure.
    """

    seq: NonNegative
    service: str = Field(max_length=64)
    operation: str = Field(max_length=128)
    region: str = Field(max_length=32)
    parameters: dict[str, Any]
    step: str = Field(max_length=200)
    item: tuple[str, ...] = ()
    page: NonNegative = 1
    request_id: str = Field(default="", max_length=200)
    status: NonNegative = 0
    source_date: UtcTime | None = None
    started: UtcTime
    finished: UtcTime
    duration_ms: NonNegative = 0
    retried: tuple[Attempt, ...] = ()
    wire_bytes: NonNegative = 0
    wire_digest: Digest | None = None
    redactions: tuple[Redaction, ...] = ()
    body: dict[str, Any] | None = None
    error: CallError | None = None
    absent: bool = False

    @property
    def succeeded(self) -> bool:
        """The question was answered, be it with a declared absence."""
        return self.error is None or self.absent


class Collector(Frozen):
    """Who gathered: the report logic an auditor asks for."""

    name: str = Field(max_length=64)
    version: str = Field(max_length=64)
    declaration: Digest


class Input(Frozen):
    """Another unit's transcript that this one built on (`from:`)."""

    kind: KindName
    digest: Digest


class TranscriptHeader(Frozen):
    """The first line: what is needed to derive records from the calls, with nothing else at hand."""

    schema_id: str = Field(default="evidence/transcript/v1", alias="schema", pattern=r"^evidence/transcript/v1$")
    unit: Unit
    run_id: RunId
    principal: str = Field(max_length=400)
    period: Period
    collector: Collector
    declaration: dict[str, Any]
    inputs: tuple[Input, ...] = ()


class Gap(Frozen):
    """A call that did not answer: the poison of every rule that reads the name it would have filled."""

    operation: str
    code: str
    result: Literal["denied", "failed", "unavailable"]


class Record(Frozen):
    """One item derived from a transcript by a pure function. Rules read `fields`; `gaps` are the poisoned names."""

    kind: KindName
    account: str
    region: str
    id: str = Field(max_length=2048)
    fields: dict[str, Any]
    gaps: dict[FieldName, Gap] = Field(default_factory=dict)
