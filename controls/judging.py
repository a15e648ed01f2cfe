"""Judge a closed run: pure functions over its records, by the catalogue, parameters and time sealed with it.

Streams: one check after another, one unit after another, in the order of the findings file, so that the findings of a
run of any size are written in bounded memory and in the same order on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controls.checks import CompiledCheck, Companion, Scope
from controls.models import Catalog, Check, EvidenceRequirement
from controls.outcome import Tally, check_result, requirement_outcome
from evidence_schema.models.finding import Finding, KindCoverage, Reason, RequirementOutcome
from evidence_schema.models.names import FindingResult, GatherResult, Mode
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Record
from evidence_schema.models.unit import Period, Unit

WHOLE_UNIT = "(unit)"
"""Stands for a record where a whole unit is not known."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that the organisation set instead of the catalogue's default."""

    value: Any
    approved: bool


@dataclass(frozen=True)
class Evidence:
    """What a run gathered, as judging needs it.

    `units` are the expected units by kind; `receipts` what became of them; `records` derives a unit's records of a kind
    or of a view over it; `bases` maps a view to the kind it is derived from.
    """

    units: Mapping[str, tuple[Unit, ...]]
    receipts: Mapping[Unit, Receipt]
    records: Callable[[str, Unit], Iterable[Record]]
    bases: Mapping[str, str]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]

    def units_of(self, kind: str) -> tuple[Unit, ...]:
        """The expected units that a kind or view is read from, in order."""
        return self.units.get(self.bases.get(kind, kind), ())


@dataclass(frozen=True)
class Rules:
    """What the run is judged by: all of it sealed at run-open."""

    catalog: Catalog
    requirements: tuple[str, ...]
    at: datetime
    period: Period
    facts: Mapping[str, Any]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Overrides, by `EV-IAM-01-C3.max_key_age_days`."""


class Judgement:
    """Iterate for the findings, in the order of the findings file; then read `outcomes`."""

    def __init__(self, rules: Rules, evidence: Evidence) -> None:
        self._rules = rules
        self._evidence = evidence
        self._outcomes: list[RequirementOutcome] = []

    def __iter__(self) -> Iterator[Finding]:
        self._outcomes = []
        wanted = set(self._rules.requirements)
        for requirement in self._rules.catalog.requirements:
            if requirement.id in wanted:
                yield from self._requirement(requirement)

    @property
    def outcomes(self) -> tuple[RequirementOutcome, ...]:
        """The requirements judged so far; complete once the findings were read to the end."""
        return tuple(self._outcomes)

    def _requirement(self, requirement: EvidenceRequirement) -> Iterator[Finding]:
        results = []
        for check in sorted(requirement.checks, key=lambda check: check.id):
            parameters, unapproved = self._parameters(check)
            tally = Tally(units=self._scope_size(check))
            if check.mode is Mode.AUTO:
                for finding in self._findings(check, parameters):
                    tally.add(finding)
                    yield finding
            results.append(check_result(check, tally, parameters, unapproved))
        self._outcomes.append(
            requirement_outcome(
                requirement,
                results,
                [self._coverage(kind) for kind in requirement.kinds if kind not in self._evidence.bases],
                collected_at=self._collected_at(requirement),
                at=self._rules.at,
            )
        )

    def _findings(self, check: Check, parameters: Mapping[str, Any]) -> list[Finding]:
        """The findings of one check, sorted; memory holds one check's findings of one account at a time."""
        compiled = CompiledCheck(check)
        found: list[Finding] = []
        for account, region, records in self._judged(check):
            scope = self._scope(check, parameters, account, region)
            found += [item if isinstance(item, Finding) else compiled.judge(item, scope) for item in records]
        return sorted(found, key=lambda finding: finding.sort_key)

    def _judged(self, check: Check) -> Iterator[tuple[str, str, Iterable[Record | Finding]]]:
        for over in check.over:
            if over == "account":
                for account in self._evidence.accounts:
                    yield account, "global", [_place("account", account, "global", account)]
            elif over == "region":
                for account in self._evidence.accounts:
                    for region in self._evidence.regions:
                        yield account, region, [_place("region", account, region, region)]
            else:
                for unit in self._evidence.units_of(over):
                    yield unit.account, unit.region, self._of_unit(check, over, unit)

    def _of_unit(self, check: Check, kind: str, unit: Unit) -> Iterator[Record | Finding]:
        reason = self._unit_reason(kind, unit)
        if reason is not None:
            yield _unit_error(check, kind, unit, reason)
        receipt = self._evidence.receipts.get(unit)
        if receipt is not None and receipt.transcript is not None:
            yield from self._evidence.records(kind, unit)

    def _unit_reason(self, kind: str, unit: Unit) -> Reason | None:
        receipt = self._evidence.receipts.get(unit)
        if receipt is None:
            return Reason(type="unit", name=kind, text=f"{unit}: no receipt: it was never gathered")
        if receipt.result.is_complete:
            return None
        return Reason(type="unit", name=kind, text=f"{unit}: {receipt.result.value}: {receipt.reason}"[:2000])

    def _scope(self, check: Check, parameters: Mapping[str, Any], account: str, region: str) -> Scope:
        period = self._rules.period
        return Scope(
            at=self._rules.at,
            period={"start": period.start, "end": period.end},
            params=parameters,
            facts=self._rules.facts,
            companions={
                name: self._companion(companion.kind, account, region if companion.within == "region" else None)
                for name, companion in check.with_.items()
            },
        )

    def _companion(self, kind: str, account: str, region: str | None) -> Companion:
        records: list[Record] = []
        for unit in self._evidence.units_of(kind):
            if unit.account == account and region in (None, unit.region):
                reason = self._unit_reason(kind, unit)
                if reason is not None:
                    return Companion(gap=reason)
                receipt = self._evidence.receipts[unit]
                if receipt.transcript is not None:
                    records += self._evidence.records(kind, unit)
        return Companion(tuple(records))

    def _parameters(self, check: Check) -> tuple[dict[str, Any], list[str]]:
        values, unapproved = dict(check.params), []
        for name in check.params:
            override = self._rules.parameters.get(f"{check.id}.{name}")
            if override is not None:
                values[name] = override.value
                if not override.approved:
                    unapproved.append(name)
        return values, unapproved

    def _scope_size(self, check: Check) -> int:
        """How many places the check looks at: accounts, regions or units; 0 says that nothing of it was planned."""
        accounts, regions = len(self._evidence.accounts), len(self._evidence.regions)
        sizes = {"account": accounts, "region": accounts * regions}
        return sum(sizes[over] if over in sizes else len(self._evidence.units_of(over)) for over in check.over)

    def _coverage(self, kind: str) -> KindCoverage:
        units = self._evidence.units_of(kind)
        results: dict[GatherResult, int] = {}
        for unit in units:
            receipt = self._evidence.receipts.get(unit)
            if receipt is not None:
                results[receipt.result] = results.get(receipt.result, 0) + 1
        return KindCoverage(kind=kind, expected=len(units), results=dict(sorted(results.items())))

    def _collected_at(self, requirement: EvidenceRequirement) -> datetime | None:
        """When the oldest of the evidence that answered was gathered."""
        finished = [
            receipt.finished
            for kind in requirement.kinds
            for unit in self._evidence.units_of(kind)
            if (receipt := self._evidence.receipts.get(unit)) is not None and receipt.result.is_complete
        ]
        return min(finished, default=None)


def _place(kind: str, account: str, region: str, id_: str) -> Record:
    """The one record of a check over accounts or regions."""
    return Record(kind=f"scope.{kind}", account=account, region=region, id=id_, fields={})


def _unit_error(check: Check, kind: str, unit: Unit, reason: Reason) -> Finding:
    return Finding(
        check=check.id,
        requirement=check.id.rpartition("-")[0],
        kind=kind,
        account=unit.account,
        region=unit.region,
        record=WHOLE_UNIT,
        result=FindingResult.ERROR,
        reason=reason,
    )
