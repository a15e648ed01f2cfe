"""Checks over records, in CEL.

Unknown is poison: a rule that reads a name whose call was denied or failed is not evaluated, so that `has()`, `||` or
`exists` can never make an unanswered question look like an answer (DESIGN section 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

from controls.cel_engine import cel
from controls.errors import RuleError
from controls.models import Check
from controls.rules import ALWAYS_THERE, Reads, reads
from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.finding import Finding, Reason
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Gap, Record

ENGINE = f"common-expression-language {version('common-expression-language')}"
ENGINE_ERRORS = (LookupError, ArithmeticError, TypeError, ValueError, RuntimeError)
"""What the engine raises where a rule cannot be evaluated: a missing field or item, an overflow, a wrong type ..."""
LARGEST_VALUE = 1000
"""Bytes of a value that is shown in a finding; a larger one is shown by its digest."""


@dataclass(frozen=True)
class Companion:
    """The records of a `with:` kind in scope, and what is not known of them."""

    records: tuple[Record, ...] = ()
    gap: Reason | None = None
    """The kind was not gathered completely here: a list that may lack items decides nothing."""

    def rows(self, names: frozenset[str]) -> list[dict[str, Any]]:
        """The records as a rule reads them: only the fields that it names, since handing values over is dear."""
        return [
            {name: item.fields[name] for name in names & item.fields.keys()}
            | {"account": item.account, "region": item.region, "id": item.id}
            for item in self.records
        ]


@dataclass(frozen=True)
class Scope:
    """What a rule may read besides its record."""

    at: datetime
    period: Mapping[str, datetime]
    params: Mapping[str, Any]
    facts: Mapping[str, Any]
    """The supplied facts; one that the organisation did not supply is not among them."""
    companions: Mapping[str, Companion] = field(default_factory=dict)
    variables: dict[str, _Variables] = field(default_factory=dict, compare=False, repr=False)
    """Of each rule that was evaluated here, by its source."""


class _Variables:
    """What one rule reads in one scope. Lists are handed to the engine once, not again for each record."""

    def __init__(self, found: Reads, scope: Scope) -> None:
        shared = {
            "at": scope.at,
            "period": dict(scope.period),
            "params": {name: scope.params[name] for name in found.params & scope.params.keys()},
            "facts": {name: scope.facts[name] for name in found.facts & scope.facts.keys()},
        }
        lists = {name: scope.companions[name].rows(names) for name, names in found.rows.items()}
        self._names = found.record
        self._own: dict[str, Any] = {}
        self._context = cel.Context(shared | lists)
        self._context.set_variable_resolver(self._own.get)

    def of(self, record: Record) -> cel.Context:
        self._own.update(
            record={name: record.fields[name] for name in self._names & record.fields.keys()},
            account=record.account,
            region=record.region,
            id=record.id,
        )
        return self._context


class CompiledCheck:
    """A check whose rules are compiled once and evaluated for many records."""

    def __init__(self, check: Check) -> None:
        """Raises RuleError where a rule cannot be parsed or reads what it does not declare."""
        self.check = check
        self._rules: dict[str, cel.Program] = {}
        self._reads: dict[str, Reads] = {}
        for name, source in check.rules.items():
            try:
                self._rules[name] = _compiled(check, source)
                self._reads[name] = reads(source, lists=check.with_)
                _refuse_undeclared(check, self._reads[name])
            except RuleError as error:
                raise RuleError(str(error), part=name) from error
        self._read_of_rows = {
            list_: frozenset(name for found in self._reads.values() for name in found.rows.get(list_, ()))
            for list_ in check.with_
        }

    @property
    def names(self) -> frozenset[str]:
        """The names of `record` that the rules read."""
        return frozenset(name for found in self._reads.values() for name in found.record)

    def only_read(self, record: Record, list_: str) -> Record:
        """A record of a companion list with the fields that the rules name: the others need not be held."""
        names = self._read_of_rows[list_]
        return record.model_copy(
            update={
                "fields": {name: record.fields[name] for name in names & record.fields.keys()},
                "gaps": {name: record.gaps[name] for name in names & record.gaps.keys()},
            }
        )

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
            value = self._rules[name].execute(self._variables(name, scope).of(record))
        except ENGINE_ERRORS as error:
            text = f"the rule `{name}` could not be decided: {type(error).__name__}: {error}"
            raise _Unknown("rule", name, text) from None
        if isinstance(value, str):  # a rule that cannot tell says why
            raise _Unknown("rule", name, value)
        if not isinstance(value, bool):
            raise _Unknown("rule", name, f"expected true or false from `{name}`, found {type(value).__name__}")
        return value

    def _variables(self, name: str, scope: Scope) -> _Variables:
        source = self.check.rules[name]
        if source not in scope.variables:
            scope.variables[source] = _Variables(self._reads[name], scope)
        return scope.variables[source]

    def _refuse_unknown(self, found: Reads, record: Record, scope: Scope) -> None:
        for name in sorted(found.record):
            if name in record.gaps:
                raise _of_gap(name, record.gaps[name])
            if name not in record.fields and name not in found.guarded:
                raise _Unknown("field", name, f"the source left out {name}, and the kind declares no default for it")
        for list_, names in found.rows.items():
            _refuse_unknown_companion(scope.companions[list_], names)
        for name in sorted(found.facts):  # last: a list that a person may still supply is the weaker gap
            if name not in scope.facts:
                self._refuse_gaps_of_any_rule(record, scope)
                raise _Unknown("fact", name, f"list {name} not supplied")

    def _refuse_gaps_of_any_rule(self, record: Record, scope: Scope) -> None:
        """What was not gathered counts for more than a missing fact, also where only a later rule would read it."""
        for found in self._reads.values():
            for name in sorted(found.record & record.gaps.keys()):
                raise _of_gap(name, record.gaps[name])
            for list_, names in found.rows.items():
                _refuse_unknown_companion(scope.companions[list_], names)

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


def _refuse_unknown_companion(companion: Companion, names: frozenset[str]) -> None:
    if companion.gap is not None:
        raise _Unknown(companion.gap.type, companion.gap.name, companion.gap.text)
    for record in companion.records:
        for name in sorted(names & record.gaps.keys()):
            raise _of_gap(f"{record.kind} {name}", record.gaps[name])


def _compiled(check: Check, source: str) -> cel.Program:
    try:
        return cel.compile(source)
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise RuleError(f"{check.id}: expected a CEL expression, found {source!r}: {problem}") from None


def _refuse_undeclared(check: Check, found: Reads) -> None:
    for name in sorted(found.params - check.params.keys()):
        raise RuleError(f"{check.id}: params.{name} is read but not declared; add it under `params`")
    for name in sorted(found.facts - set(check.needs)):
        raise RuleError(f"{check.id}: facts.{name} is read but not declared; add it under `needs`")
    undeclared = sorted(found.variables - ALWAYS_THERE - check.with_.keys())
    if undeclared:  # misspelt, or a `with:` kind that was not declared
        raise RuleError(
            f"{check.id}: expected only declared variables, found {', '.join(undeclared)}; "
            "use record, account, region, id, params, facts, at, period, or a name under `with`"
        )


def _shown(value: Any) -> Any:
    try:
        data = canonical_bytes(value)
    except EvidenceSchemaError:
        return f"(a value that has no canonical form: {type(value).__name__})"
    return value if len(data) <= LARGEST_VALUE else {"digest": str(Digest.of(data)), "bytes": len(data)}
