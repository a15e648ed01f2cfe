"""What changed between two runs: in the account, and apart from it in the rules, the settings and the collectors.

The account is compared record by record, unit by unit; a unit that either run did not gather completely is named and
compared no further, since what is missing there may only not have been seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from controls.models import Catalog, EvidenceRequirement
from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.models.base import Frozen
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.names import Outcome
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Record
from evidence_schema.models.unit import Unit
from flows.errors import UsageError
from flows.steps.judging import closed_of, judged_of, outcomes_of, receipts_of
from flows.steps.opening import Run, load_run
from flows.steps.records import Records
from flows.vault.runs import RunState
from flows.vault.vault import Vault

Change = Literal["added", "removed", "changed", "not comparable"]
Part = Literal["rule", "parameter", "fact", "collector", "scope"]
OUR_OWN = frozenset({"CallTime"})
"""Fields that say when we asked, not what the account holds."""


class RecordChange(Frozen):
    """A record that is not as it was."""

    kind: str
    account: str
    region: str
    id: str
    change: Change
    fields: tuple[str, ...] = ()
    """The names that differ; their values stand in the sealed transcripts."""
    why: str = ""


class OtherChange(Frozen):
    """A rule, setting or collector that is not as it was."""

    part: Part
    name: str
    change: Change


class OutcomeChange(Frozen):
    """A requirement whose outcome is not as it was."""

    requirement: str
    before: Outcome | None
    after: Outcome | None


class Difference(Frozen):
    """Two runs, compared."""

    before: str
    after: str
    account: tuple[RecordChange, ...]
    rules: tuple[OtherChange, ...]
    outcomes: tuple[OutcomeChange, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.account or self.rules or self.outcomes)


@dataclass(frozen=True)
class _Side:
    """One of the two runs."""

    vault: Vault
    state: RunState
    run: Run
    receipts: Mapping[Unit, Receipt]

    @classmethod
    def of(cls, vault: Vault, state: RunState) -> _Side:
        receipts = {row.unit: row for row in receipts_of(vault, closed_of(state))}
        return cls(vault, state, load_run(vault, state), receipts)

    def records(self, unit: Unit) -> Iterable[Record]:
        return Records(self.vault.artifacts, self.receipts, self.run.declarations)(unit.kind, unit)

    def outcomes(self) -> dict[str, Outcome]:
        return {row.requirement: row.outcome for row in outcomes_of(self.vault, judged_of(self.state)).requirements}


def difference(vault: Vault, before: RunState, after: RunState) -> Difference:
    """Compare two judged runs of a log; raises RunNotClosed, and UsageError for a run and itself."""
    if before.run_id == after.run_id:
        raise UsageError(f"expected two runs, found {before.run_id} twice; `evidence status` lists the runs")
    old, new = _Side.of(vault, before), _Side.of(vault, after)
    outcomes = old.outcomes(), new.outcomes()
    return Difference(
        before=before.run_id,
        after=after.run_id,
        account=tuple(_account(old, new)),
        rules=tuple(sorted(_rules(old.run, new.run), key=lambda item: (item.part, item.name))),
        outcomes=tuple(
            OutcomeChange(requirement=name, before=outcomes[0].get(name), after=outcomes[1].get(name))
            for name in sorted({*outcomes[0], *outcomes[1]})
            if outcomes[0].get(name) is not outcomes[1].get(name)
        ),
    )


def _account(old: _Side, new: _Side) -> Iterator[RecordChange]:
    """Units that both runs gathered; those of one alone belong to the scope."""
    for unit in sorted(old.receipts.keys() & new.receipts.keys(), key=lambda unit: unit.sort_key):
        results = [side.receipts[unit].result for side in (old, new)]
        if all(result.is_complete for result in results):
            yield from _records(unit, old.records(unit), new.records(unit))
        else:
            why = f"{results[0]} in the first run, {results[1]} in the second"
            yield _record(unit, "", "not comparable", why=why)


def _records(unit: Unit, old: Iterable[Record], new: Iterable[Record]) -> Iterator[RecordChange]:
    """By id; only digests of the fields are held of one side, so that memory follows the number of records."""
    known = {record.id: _digests(record) for record in old}
    for record in new:
        before, now = known.pop(record.id, None), _digests(record)
        if before is None:
            yield _record(unit, record.id, "added")
        elif before != now:
            names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
            yield _record(unit, record.id, "changed", tuple(names))
    for id_ in known:
        yield _record(unit, id_, "removed")


def _digests(record: Record) -> dict[str, Digest]:
    return {name: Digest.of(canonical_bytes(value)) for name, value in record.fields.items() if name not in OUR_OWN}


def _record(unit: Unit, id_: str, change: Change, fields: tuple[str, ...] = (), why: str = "") -> RecordChange:
    return RecordChange(
        kind=unit.kind, account=unit.account, region=unit.region, id=id_, change=change, fields=fields, why=why
    )


def _rules(old: Run, new: Run) -> Iterator[OtherChange]:
    """What is ours: none of it is a change of the account."""
    yield from _changes("rule", _rules_of(old.catalog), _rules_of(new.catalog))
    yield from _changes("parameter", _plain(old.settings.parameters), _plain(new.settings.parameters))
    yield from _changes("fact", _plain(old.settings.facts), _plain(new.settings.facts))
    yield from _changes("collector", _declared(old.declarations), _declared(new.declarations))
    yield from _changes("scope", _scope(old), _scope(new))


def _changes(part: Part, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[OtherChange]:
    for name in old.keys() | new.keys():
        if name not in old:
            yield OtherChange(part=part, name=name, change="added")
        elif name not in new:
            yield OtherChange(part=part, name=name, change="removed")
        elif old[name] != new[name]:
            yield OtherChange(part=part, name=name, change="changed")


def _rules_of(catalog: Catalog) -> dict[str, Any]:
    """Checks one by one, and of each requirement what is not a check."""
    found: dict[str, Any] = {}
    for item in catalog.requirements:
        found[item.id] = _without_checks(item)
        found |= {check.id: check.to_json() for check in item.checks}
    return found


def _without_checks(item: EvidenceRequirement) -> dict[str, Any]:
    return {name: value for name, value in item.to_json().items() if name != "checks"}


def _plain(values: Mapping[str, Frozen]) -> dict[str, Any]:
    return {name: value.to_json() for name, value in values.items()}


def _declared(declarations: Mapping[str, KindDeclaration]) -> dict[str, Any]:
    return {kind: item.to_json() for kind, item in declarations.items()}


def _scope(run: Run) -> dict[str, Any]:
    """Accounts, regions and frameworks that were asked for, each by its name."""
    parts = {"account": run.plan.accounts, "region": run.plan.regions, "framework": run.plan.frameworks}
    return {f"{part} {name}": True for part, names in parts.items() for name in names}
