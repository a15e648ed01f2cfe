"""Judge a closed run: pure functions over its records, by the catalogue, parameters and time sealed with it.

Streams: one check after another, one unit after another, in the order of the findings file, so that the findings of a
run of any size are written in bounded memory and in the same order on every machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controls.checks import Companion, CompiledCheck, Scope
from controls.models import Catalog, Check, EvidenceRequirement, With
from controls.outcome import Tally, check_result, requirement_outcome
from evidence_schema.models.finding import Finding, KindCoverage, Reason, RequirementOutcome
from evidence_schema.models.names import GLOBAL_REGION, FindingResult, GatherResult, Mode
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
    not_asked: Set[str] = frozenset()
    """Kinds and views that bill and that nobody opted in to: no gap, the others decide."""
    unreadable: Mapping[Unit, str] = field(default_factory=dict)
    """Units whose artifacts nobody can read any more, or not here, with the reason: erased, or no key at hand."""

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
    personal: frozenset[str] = frozenset()
    """Checks whose findings name people: no text that a rule made of records gets into an outcome."""


@dataclass(frozen=True)
class _Item:
    """A record to be judged."""

    record: Record
    lost: Reason | None = None
    """Its unit was denied or failed: it may have broken off, and what the record lacks was then never asked."""

    def judged(self, compiled: CompiledCheck, scope: Scope) -> Finding:
        """A record of a lost unit may condemn by what it holds; it never acquits, nor waits for a fact alone."""
        found = compiled.judge(self.record, scope)
        if self.lost is None or (found.reason is not None and found.reason.type != "fact"):
            return found
        if found.result is FindingResult.FAIL and compiled.names <= self.record.fields.keys():
            return found
        return found.model_copy(update={"result": FindingResult.ERROR, "reason": self.lost})


InOrder = Callable[[Iterable[Finding]], Iterable[Finding]]
"""Brings findings into the order of their `sort_key`; those with equal keys stay in the order they came."""


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.sort_key)


class Judgement:
    """Iterate for the findings, in the order of the findings file; then read `outcomes`."""

    def __init__(self, rules: Rules, evidence: Evidence, in_order: InOrder = _sorted) -> None:
        """`in_order` sorts the findings of one check in one account and region, be they ever so many."""
        self._rules = rules
        self._evidence = evidence
        self._in_order = in_order
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
            tally = Tally(
                unplanned=self._unplanned(check),
                not_asked=self._not_asked(check),
                answered=self._answered(check),
                is_personal=check.id in self._rules.personal,
            )
            if check.mode is Mode.AUTO:
                for finding in self._findings(check, parameters):
                    tally.add(finding)
                    yield finding
            results.append(check_result(check, tally, parameters, unapproved))
        self._outcomes.append(
            requirement_outcome(
                requirement,
                results,
                [self._coverage(kind) for kind in self._expected_kinds(requirement)],
                collected_at=self._collected_at(requirement),
                at=self._rules.at,
            )
        )

    def _expected_kinds(self, requirement: EvidenceRequirement) -> list[str]:
        """The kinds of which units are expected: of a view those of its base, of what nobody opted in to none."""
        evidence = self._evidence
        asked = [kind for kind in requirement.kinds if kind not in evidence.not_asked]
        return list(dict.fromkeys(evidence.bases.get(kind, kind) for kind in asked))

    def _findings(self, check: Check, parameters: Mapping[str, Any]) -> Iterator[Finding]:
        """The findings of one check, sorted; its companion lists are held for one account and region at a time."""
        compiled = CompiledCheck(check)
        for (account, region), sources in sorted(self._places(check).items()):
            scope = self._scope(compiled, parameters, account, region)
            yield from self._in_order(
                item if isinstance(item, Finding) else item.judged(compiled, scope)
                for source in sources
                for item in source
            )

    def _places(self, check: Check) -> Mapping[tuple[str, str], list[Iterable[_Item | Finding]]]:
        """What is judged in each account and region."""
        places: dict[tuple[str, str], list[Iterable[_Item | Finding]]] = defaultdict(list)
        for over in check.over:
            if over == "account":
                for account in self._evidence.accounts:
                    places[account, GLOBAL_REGION].append([_place("account", account, GLOBAL_REGION, account)])
            elif over == "region":
                for account in self._evidence.accounts:
                    for region in self._evidence.regions:
                        places[account, region].append([_place("region", account, region, region)])
            else:
                for unit in self._evidence.units_of(over):
                    places[unit.account, unit.region].append(self._of_unit(check, over, unit))
        return places

    def _of_unit(self, check: Check, kind: str, unit: Unit) -> Iterator[_Item | Finding]:
        reason = self._unit_reason(kind, unit)
        if reason is not None:
            yield _unit_error(check, kind, unit, reason)
        receipt = self._evidence.receipts.get(unit)
        if receipt is not None and receipt.transcript is not None and unit not in self._evidence.unreadable:
            lost = reason if receipt.result in (GatherResult.DENIED, GatherResult.FAILED) else None
            yield from (_Item(record, lost) for record in self._evidence.records(kind, unit))

    def _unit_reason(self, kind: str, unit: Unit) -> Reason | None:
        receipt = self._evidence.receipts.get(unit)
        if receipt is None:
            return Reason(type="unit", name=kind, text=f"{unit}: no receipt: it was never gathered")
        if unit in self._evidence.unreadable:
            return Reason(type="unit", name=kind, text=f"{unit}: {self._evidence.unreadable[unit]}"[:2000])
        if receipt.result.is_complete:
            return None
        return Reason(type="unit", name=kind, text=f"{unit}: {receipt.result.value}: {receipt.reason}"[:2000])

    def _scope(self, compiled: CompiledCheck, parameters: Mapping[str, Any], account: str, region: str) -> Scope:
        period = self._rules.period
        return Scope(
            at=self._rules.at,
            period={"start": period.start, "end": period.end},
            params=parameters,
            facts=self._rules.facts,
            companions={name: self._companion(compiled, name, account, region) for name in compiled.check.with_},
        )

    def _companion(self, compiled: CompiledCheck, name: str, account: str, region: str) -> Companion:
        """The records of a further kind; without a unit that answered, what it would have said is not known. What
        nobody opted in to gives an empty list: the rule says what it adds, and judges without it as it always did.
        """
        check, wanted = compiled.check, compiled.check.with_[name]
        if wanted.kind in self._evidence.not_asked:
            return Companion()
        units = [
            unit
            for unit in self._evidence.units_of(wanted.kind)
            if unit.account == account and (wanted.within == "account" or unit.region == region)
        ]
        reasons = [reason for unit in units if (reason := self._companion_reason(check, wanted, unit)) is not None]
        if not units:
            text = f"{wanted.kind} {account} {region}: no unit was planned"
            reasons = [Reason(type="unit", name=wanted.kind, text=text)]
        if reasons:
            return Companion(gap=reasons[0])
        kept = [unit for unit in units if self._evidence.receipts[unit].transcript is not None]
        records = (record for unit in kept for record in self._evidence.records(wanted.kind, unit))
        return Companion(tuple(compiled.only_read(record, name) for record in records))

    def _companion_reason(self, check: Check, wanted: With, unit: Unit) -> Reason | None:
        """Where a record stands beside a service that says it is not enabled, the service has not answered."""
        receipt = self._evidence.receipts.get(unit)
        beside_records = wanted.within == "region" and not {"account", "region"} & set(check.over)
        if receipt is not None and receipt.result is GatherResult.UNAVAILABLE and beside_records:
            return Reason(type="unit", name=wanted.kind, text=f"{unit}: unavailable: {receipt.reason}"[:2000])
        return self._unit_reason(wanted.kind, unit)

    def _parameters(self, check: Check) -> tuple[dict[str, Any], list[str]]:
        values, unapproved = dict(check.params), []
        for name in check.params:
            override = self._rules.parameters.get(f"{check.id}.{name}")
            if override is not None:
                values[name] = override.value
                if not override.approved:
                    unapproved.append(name)
        return values, unapproved

    def _unplanned(self, check: Check) -> tuple[str, ...]:
        """The kinds that the check looks at and of which no unit is expected, though it was asked for."""
        if not check.over:
            return ("any kind",)  # nothing gathers it yet, which is no answer
        places = {"account": self._evidence.accounts, "region": self._evidence.regions}
        asked = [over for over in check.over if over not in self._evidence.not_asked]
        return tuple(over for over in asked if not (places.get(over) or self._evidence.units_of(over)))

    def _not_asked(self, check: Check) -> tuple[str, ...]:
        """The kinds that the check looks at and that nobody opted in to."""
        return tuple(over for over in check.over if over in self._evidence.not_asked)

    def _answered(self, check: Check) -> bool:
        """Whether any unit that the check looks at said more than that the service is not enabled."""
        units = [unit for over in check.over for unit in self._evidence.units_of(over)]
        receipts = [self._evidence.receipts.get(unit) for unit in units]
        return any(receipt is None or receipt.result is not GatherResult.UNAVAILABLE for receipt in receipts)

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


def _place(kind: str, account: str, region: str, id_: str) -> _Item:
    """The one record of a check over accounts or regions."""
    return _Item(Record(kind=f"scope.{kind}", account=account, region=region, id=id_, fields={}))


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
