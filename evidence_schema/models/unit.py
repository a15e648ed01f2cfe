"""The grain of gathering: unit, period, plan."""

from __future__ import annotations

from functools import lru_cache
from typing import Self

from pydantic import Field, model_validator

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen, NonNegative, UtcTime
from evidence_schema.models.names import (
    GLOBAL_REGION,
    AccountId,
    ControlId,
    FrameworkId,
    KindName,
    RegionName,
    RequirementId,
)


class Period(Frozen):
    """The time that evidence speaks about: from `start` (included) to `end` (excluded)."""

    start: UtcTime
    end: UtcTime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("expected a period whose end is after its start")
        return self


class Unit(Frozen):
    """One kind in one account and region; `region` is `global` where the kind exists once per account."""

    kind: KindName
    account: AccountId
    region: RegionName = GLOBAL_REGION

    @property
    def digest(self) -> Digest:
        """Names the unit's receipt within its run."""
        return _digest_of(self)

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """Manifest order: account, region, kind."""
        return (self.account, self.region, self.kind)

    def __str__(self) -> str:
        return f"{self.kind} {self.account} {self.region}"


@lru_cache(maxsize=64)
def _digest_of(unit: Unit) -> Digest:
    """Whoever walks along rows asks several times for the same one's."""
    return Digest.of(canonical_bytes(unit.to_json()))


class PlannedUnit(Frozen):
    """A line of the expected list: a unit, the service whose task gathers it, and whom it serves."""

    unit: Unit
    service: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    requirements: tuple[RequirementId, ...]


class BlobDigest(Frozen):
    """A stored blob, by what it is and how long."""

    digest: Digest
    size: NonNegative


class Listing(BlobDigest):
    """A stored JSON Lines blob with its number of lines."""

    rows: NonNegative


class Selection(Frozen):
    """What was asked for; empty means all. Resource ids are not kept here: they can name people."""

    frameworks: tuple[FrameworkId, ...] = ()
    controls: tuple[ControlId, ...] = ()
    requirements: tuple[RequirementId, ...] = ()
    kinds: tuple[KindName, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    regions: tuple[RegionName, ...] = ()


class NotAsked(Frozen):
    """A kind that the selected requirements could read, and that the settings do not opt in to."""

    kind: KindName
    reason: str = Field(max_length=200)
    """What it costs or writes: the `opt_in` of its declaration, or of the kind that it is read from."""
    requirements: tuple[RequirementId, ...]


class Plan(Frozen):
    """The sealed intention of a run; its units stand in `units`, a JSON Lines blob of PlannedUnit."""

    schema_id: str = Field(default="evidence/plan/v1", alias="schema", pattern=r"^evidence/plan/v1$")
    selection: Selection
    frameworks: tuple[FrameworkId, ...]
    requirements: tuple[RequirementId, ...]
    awaiting: tuple[RequirementId, ...] = ()
    """Requirements of the selection that no connector gathers: a person supplies them."""
    not_asked: tuple[NotAsked, ...] = ()
    """Kinds left out because nobody opted in to them: the requirements are judged by their other kinds."""
    accounts: tuple[AccountId, ...]
    regions: tuple[RegionName, ...]
    period: Period
    actions: tuple[str, ...]
    units: Listing
