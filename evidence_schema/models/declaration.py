"""How a kind is gathered and how its records are read, as data (DESIGN section 5).

A declaration is written in YAML beside the collector, sealed in the header of each transcript it produced, and
enough, together with the transcript, to derive the records on any machine in any year.

References in parameters: `$item.Path` (the item at hand, `$item` for a plain string), `$parent.Path` (the item one
level up), `$account`, `$region`, `$period.start`, `$period.end`, `$ids` (batch), `$started.Path` (answer of `start`),
`$query` (the kind's own `query`, filled in). Anything else is a literal.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from evidence_schema.models.base import Frozen
from evidence_schema.models.names import FieldName, KindName

WHOLE_BODY = "$body"
"""`items: $body`: the answer itself is the one item (a setting of the region or account)."""
PLAIN_STRING = "$value"
"""`id: $value`: the items are plain strings. `id: $region` / `$account`: the one item is named by its unit."""
DEEPEST_LIST = 3

Path = str
"""Dotted names into a JSON object: `BackupPlan.Rules`."""


class Pages(Frozen):
    """How an operation pages that has no botocore paginator: the answer's token goes into the next call's input."""

    output: Path
    input: str


class CallDeclaration(Frozen):
    """One operation: what it is asked, and which of its errors are facts."""

    operation: str = Field(pattern=r"^[A-Z][A-Za-z0-9]+$")
    service: str | None = None
    """boto3 service name, where it is not the kind's own."""
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with")
    absent: tuple[str, ...] = ()
    """Error codes that mean: there is none (a fact)."""
    unavailable: tuple[str, ...] = ()
    """Error codes that mean: the service is not enabled here."""
    pages: Pages | None = None


class ListDeclaration(CallDeclaration):
    """An operation whose answer holds items."""

    items: Path
    """A step that ends in `[]` is a list whose items are gone into: `Reservations[].Instances`."""
    id: Path
    id_within_parent: bool = False
    """The id tells items of one parent apart only (`from:`): the record's id is `parent/id`."""


class EachDeclaration(Frozen):
    """What is asked for every item: one call whose answer (or `take` of it) is merged under the key, or a list of
    its own, whose items are merged as a list and may be asked further.
    """

    operation: str | None = Field(default=None, pattern=r"^[A-Z][A-Za-z0-9]+$")
    service: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with")
    absent: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    pages: Pages | None = None
    take: Path | None = None
    list: ListDeclaration | None = None
    each: dict[FieldName, EachDeclaration] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _call_or_list(self) -> Self:
        if (self.operation is None) == (self.list is None):
            raise ValueError("expected either `operation` or `list`")
        if self.each and self.list is None:
            raise ValueError("expected `list` where `each` is given")
        return self

    @property
    def call(self) -> CallDeclaration:
        """The single call of this entry; only where it is not a list."""
        if self.operation is None:
            raise ValueError("expected a single call, found a list")
        return CallDeclaration(
            operation=self.operation,
            service=self.service,
            parameters=self.parameters,
            absent=self.absent,
            unavailable=self.unavailable,
            pages=self.pages,
        )


class BatchDeclaration(ListDeclaration):
    """An operation asked for up to `size` ids at a time; its items are merged under `under`, by id."""

    under: FieldName
    size: int = Field(ge=1, le=1000)


class PollDeclaration(CallDeclaration):
    """Asked until `path` of the answer is one of `done`."""

    path: Path
    done: tuple[str, ...]
    failed: tuple[str, ...] = ()
    every_s: int = Field(default=2, ge=0, le=60)
    at_most: int = Field(default=60, ge=1, le=600)


class TotalDeclaration(CallDeclaration):
    """An independent count to reconcile with."""

    path: Path


class FieldRedaction(Frozen):
    """A field of an answer that holds a secret: cut out before anything is written."""

    operation: str
    field: Path
    """Every value below any member of this name is cut out, wherever in the answer it stands."""


class KindDeclaration(Frozen):
    """One kind: one collector gathers it."""

    kind: KindName
    service: str
    scope: Literal["account", "region"]
    title: str = Field(max_length=200)
    personal: bool = False
    """Its artifacts hold personal data."""
    opt_in: str | None = Field(default=None, min_length=1, max_length=200)
    """Why it is gathered only where the organisation asked for it by name in its settings: what it costs or writes."""
    query: str | None = Field(default=None, min_length=1, max_length=8000)
    """The fixed text of a query. `{account}`, `{region}`, `{period.start}` and `{period.end}` are filled in, times as
    `2026-10-01 00:00:00` in UTC; `{store}`, by a module, with the checked id of what is queried. Nothing else is."""
    population: bool = True
    """Whether its records are counted; a kind that is only read by others says false."""
    source: KindName | None = Field(default=None, alias="from")
    start: CallDeclaration | None = None
    poll: PollDeclaration | None = None
    list: ListDeclaration | None = None
    each: dict[FieldName, EachDeclaration] = Field(default_factory=dict)
    batch: BatchDeclaration | None = None
    total: TotalDeclaration | None = None
    default: dict[str, Any] = Field(default_factory=dict)
    policies: tuple[Path, ...] = ()
    """Members that hold an IAM policy document as JSON text: records carry it parsed, with its lists made lists."""
    redact: tuple[FieldRedaction, ...] = ()
    module: str | None = None
    """The irregular collector that gathers it, by name."""
    derive: str = "declared"
    """The pure function that reads its records, by name."""
    view_of: KindName | None = None
    """Another kind whose transcripts its records are derived from; a view gathers nothing of its own."""
    operations: tuple[str, ...] = ()
    """`service:Operation` an irregular collector calls."""
    actions: tuple[str, ...] = ()
    """IAM actions the calls need."""

    @model_validator(mode="after")
    def _gathered_one_way(self) -> Self:
        ways = [self.list is not None or self.source is not None, self.module is not None, self.view_of is not None]
        if sum(ways) != 1 and not (self.module and self.source):
            raise ValueError("expected exactly one of `list`/`from`, `module`, `view_of`")
        if self.view_of is None and not self.actions:
            raise ValueError("expected `actions`: the IAM actions that its calls need")
        if self.poll is not None and self.list is None:
            raise ValueError("expected `list` after `poll`")
        if _depth(self.each) + (self.list is not None) + (self.source is not None) > DEEPEST_LIST:
            raise ValueError(f"expected lists nested at most {DEEPEST_LIST} deep")
        return self


def _depth(each: dict[str, EachDeclaration]) -> int:
    return max((1 + _depth(entry.each) for entry in each.values() if entry.list is not None), default=0)
