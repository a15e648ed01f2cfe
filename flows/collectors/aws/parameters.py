"""References in declared parameters (`$item.Name`, `$period.start` ...) become values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from evidence_schema.models.base import format_time
from evidence_schema.models.unit import Period
from evidence_schema.paths import MISSING, look_up

NAMES = ("item", "parent", "account", "region", "period", "ids", "started", "query")


class ParameterMissing(Exception):
    """The item at hand has no value where the declaration expects one; the call cannot be made."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"expected a value at {reference}, found none")
        self.reference = reference


@dataclass(frozen=True)
class Scope:
    """What references may name at one place of a declaration."""

    account: str
    region: str
    period: Period
    item: Any = MISSING
    parent: Any = MISSING
    ids: tuple[Any, ...] = ()
    started: Any = MISSING
    query: str = ""
    """The kind's query, filled in."""

    def within(self, item: Any) -> Scope:
        """One level down: the item at hand is the parent of what follows."""
        return replace(self, item=item, parent=self.item)

    def resolve(self, value: Any) -> Any:
        """The value with every reference replaced; raises ParameterMissing."""
        if isinstance(value, dict):
            return {name: self.resolve(member) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(member) for member in value]
        if isinstance(value, str) and value.startswith("$"):
            return self._reference(value)
        return value

    def _reference(self, reference: str) -> Any:
        name, _, path = reference[1:].partition(".")
        found = look_up(self._named(name), path) if path else self._named(name)
        if found is MISSING or found is None or (isinstance(found, str) and found.startswith("[redacted:")):
            raise ParameterMissing(reference)
        return found

    def _named(self, name: str) -> Any:
        if name == "period":
            return {"start": format_time(self.period.start), "end": format_time(self.period.end)}
        if name == "ids":
            return list(self.ids)
        return getattr(self, name) if name in NAMES else MISSING


def references_in(value: Any) -> list[str]:
    """Every reference of declared parameters, for validation."""
    if isinstance(value, dict):
        return [found for member in value.values() for found in references_in(member)]
    if isinstance(value, list | tuple):
        return [found for member in value for found in references_in(member)]
    return [value] if isinstance(value, str) and value.startswith("$") else []
