"""Checks over records, in CEL. The only door to the CEL engine (`common-expression-language`).

Unknown is poison: a rule that reads a name whose call was denied or failed is not evaluated, so that `has()`, `||` or
`exists` can never make an unanswered question look like an answer (DESIGN section 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

import cel

from controls.errors import RuleError
from controls.models import Check
from controls.rules import FOLLOWED, Reads, reads
from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.finding import Finding, Reason
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Gap, Record

ENGINE = f"common-expression-language {version('common-expression-language')}"
ALWAYS_THERE = frozenset({*FOLLOWED, "account", "region", "id", "at", "period"})
LARGEST_VALUE = 1000
"""Bytes of a value that is shown in a finding; a larger one is shown by its digest."""


@dataclass(frozen=True)
class Companion:
    """The records of a `with:` kind in scope, and what is not known of them."""

    records: tuple[Record, ...] = ()
    gap: Reason | None = None
    """The kind was not gathered completely here: a list that may lack items decides nothing."""

    @cached_property
    def values(self) -> list[dict[str, Any]]:
        return [{**item.fields, "account": item.account, "region": item.region, "id": item.id} for item in self.records]


@dataclass(frozen=True)
class Scope:
    """What a rule may read besides its record."""

    at: datetime
    period: Mapping[str, datetime]
    params: Mapping[str, Any]
    facts: Mapping[str, Any]
    """The supplied facts; one that the organisation did not supply is not among them."""
    companions: Mapping[str, Companion] = field(default_factory=dict)


class CompiledCheck:
    """A check whose rules are compiled once and evaluated for many records."""

    def __init__(self, check: Check) -> None:
        """Raises RuleError where a rule cannot be parsed or reads what it does not declare."""
        self.check = check
        self._rules = {name: _compiled(check, source) for name, source in check.rules.items()}
        self._reads = {name: reads(source) for name, source in check.rules.items()}
        for found in self._reads.values():
            _refuse_undeclared(check, found)

    def judge(self, record: Record, scope: Scope) -> Finding:
        """The finding for one record: never pass where something that was read is unknown."""
        try:
            result, reason = self._decide(record, scope)
        except _Unknown as unknown:
            result, reason = FindingResult.ERROR, unknown.reason
        return Finding(
            check=self.check.id,
            requirement=self.check.id.rpartition("-")[0],
            kind=record.kind,
            account=record.account,
            region=record.region,
            record=record.id,
            result=result,
            values=self._values(record, scope),
            reason=reason,
        )

    def _decide(self, record: Record, scope: Scope) -> tuple[FindingResult, Reason | None]:
        if "when" in self._rules and not self._holds("when", record, scope):
            return FindingResult.NOT_APPLICABLE, None
        if "fails_when" in self._rules and self._holds("fails_when", record, scope):
            return FindingResult.FAIL, None
        if self._holds("assert", record, scope):
            return FindingResult.PASS, None
        if "unless" in self._rules and self._holds("unless", record, scope):
            return FindingResult.PASS, None
        return FindingResult.FAIL, None

    def _holds(self, name: str, record: Record, scope: Scope) -> bool:
        found = self._reads[name]
        self._refuse_unknown(found, record, scope)
        try:
            value = self._rules[name].execute(_context(record, scope))
        except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:  # the engine's own error types
            text = f"the rule `{name}` could not be decided: {type(error).__name__}: {error}"
            raise _Unknown("rule", name, text) from None
        if not isinstance(value, bool):
            raise _Unknown("rule", name, f"expected true or false from `{name}`, found {type(value).__name__}")
        return value

    def _refuse_unknown(self, found: Reads, record: Record, scope: Scope) -> None:
        for name in sorted(found.record):
            if name in record.gaps:
                raise _of_gap(name, record.gaps[name])
            if name not in record.fields and name not in found.guarded:
                raise _Unknown("field", name, f"the source left out {name}, and the kind declares no default for it")
        for name in sorted(found.facts):
            if name not in scope.facts:
                raise _Unknown("fact", name, f"list {name} not supplied")
        for name in sorted(found.variables & scope.companions.keys()):
            _refuse_unknown_companion(scope.companions[name], found.members)

    def _values(self, record: Record, scope: Scope) -> dict[str, Any]:
        """The values that decided: each name read of the record, and how many records each companion list had."""
        names = sorted({name for found in self._reads.values() for name in found.record})
        shown = {name: _shown(record.fields[name]) for name in names if name in record.fields}
        counts = {name: len(companion.records) for name, companion in scope.companions.items() if companion.gap is None}
        return shown | {f"{name} (records)": count for name, count in sorted(counts.items())}


class _Unknown(Exception):
    """Something that a rule reads is not known."""

    def __init__(self, type_: Any, name: str, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(type=type_, name=name[:200], text=text[:2000])


def _of_gap(name: str, gap: Gap) -> _Unknown:
    return _Unknown("call", name, f"{name} is not known: {gap.operation} was {gap.result} ({gap.code})")


def _refuse_unknown_companion(companion: Companion, members: frozenset[str]) -> None:
    if companion.gap is not None:
        raise _Unknown(companion.gap.type, companion.gap.name, companion.gap.text)
    for record in companion.records:
        for name in sorted(members & record.gaps.keys()):
            raise _of_gap(f"{record.kind} {name}", record.gaps[name])


def _context(record: Record, scope: Scope) -> dict[str, Any]:
    return {
        "record": record.fields,
        "account": record.account,
        "region": record.region,
        "id": record.id,
        "at": scope.at,
        "period": dict(scope.period),
        "params": dict(scope.params),
        "facts": dict(scope.facts),
        **{name: companion.values for name, companion in scope.companions.items()},
    }


def _compiled(check: Check, source: str) -> cel.Program:
    try:
        return cel.compile(source)
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise RuleError(f"{check.id}: expected a CEL expression, found {source!r}: {problem}") from None


def _refuse_undeclared(check: Check, found: Reads) -> None:
    for name in found.params - check.params.keys():
        raise RuleError(f"{check.id}: params.{name} is read but not declared; add it under `params`")
    for name in found.facts - set(check.needs):
        raise RuleError(f"{check.id}: facts.{name} is read but not declared; add it under `needs`")


def _shown(value: Any) -> Any:
    try:
        data = canonical_bytes(value)
    except EvidenceSchemaError:
        return f"(a value that has no canonical form: {type(value).__name__})"
    return value if len(data) <= LARGEST_VALUE else {"digest": str(Digest.of(data)), "bytes": len(data)}


def undeclared_variables(check: Check) -> Sequence[str]:
    """Variables of a check's rules that nothing gives: misspelt, or a `with:` kind that was not declared."""
    return sorted(reads(*check.rules.values()).variables - ALWAYS_THERE - check.with_.keys())
