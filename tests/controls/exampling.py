"""How examples of checks are told: records that pass, fail, are not applicable, and lack a field, with what they need.

Each domain has a module `examples_<domain>.py`, named as its file of the catalogue. A check without examples fails the
build (test_check_examples.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from answers import ACCOUNT, AT

from controls.catalog import installed
from controls.checks import Companion, Scope
from controls.models import Check
from evidence_schema.models.names import Mode
from evidence_schema.models.transcript import Record

Case = Literal["pass", "fail", "not_applicable", "lacks_field", "cannot_tell"]
Records = tuple[Record, ...]
Rows = Mapping[str, Records]


@dataclass(frozen=True)
class Example:
    """A record with what stands around it, and what the check must say of it."""

    case: Case
    record: Record
    why: str = ""
    lists: Rows = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    excused: bool = False
    """It passes by `unless` only."""

    def scope(self, check: Check) -> Scope:
        return Scope(
            at=AT,
            period={"start": AT, "end": AT},
            params=check.params,
            facts=self.facts,
            companions={name: Companion(self.lists.get(name, ())) for name in check.with_},
        )


EXAMPLES: dict[str, list[Example]] = defaultdict(list)
AUTOMATIC = {
    check.id: check
    for item in installed().requirements if item.kinds
    for check in item.checks if check.mode is Mode.AUTO
}  # fmt: skip
"""The automatic checks of what this installation gathers."""
DERIVED: dict[str, Records] = {}
"""What each derivation yields of a source that left nothing out: its fields are those a rule may read."""


def example(check: str, case: Case, record: Record, why: str = "", **around: Any) -> None:
    EXAMPLES[check].append(Example(case, record, why, **around))


def place(kind: str = "account", id_: str = ACCOUNT, region: str = "global") -> Record:
    return Record(kind=f"scope.{kind}", account=ACCOUNT, region=region, id=id_, fields={})


def without(record: Record, *names: str) -> Record:
    """As if AWS had left these fields out."""
    assert set(names) <= record.fields.keys(), "only what is there can be left out"
    return record.model_copy(update={"fields": {k: v for k, v in record.fields.items() if k not in names}})


def derived(kind: str, records: Records) -> None:
    """A sample of a kind whose records a derivation of its own makes: all its fields are in it."""
    assert records
    DERIVED[kind] = records
