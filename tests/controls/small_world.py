"""A small account, gathered and ready to be judged: every example of every check stands in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from answers import ACCOUNT, AT, PERIOD, RUN, kinds
from examples import EXAMPLES
from examples_first import CLASSES, CLASSIFIED, NO_TICKET, PLATFORM, WANTED
from slices import eight

from controls.judging import Evidence, Judgement, Rules
from controls.models import Catalog
from evidence_schema.digest import Digest
from evidence_schema.models.finding import Finding, RequirementOutcome
from evidence_schema.models.names import GLOBAL_REGION, GatherResult
from evidence_schema.models.receipt import Custody, Receipt, StoredBlob
from evidence_schema.models.transcript import Collector, Record
from evidence_schema.models.unit import Unit

REGIONS = ("eu-central-1", "eu-west-1")
TRANSCRIPT = StoredBlob(
    role="transcript", name="transcript.jsonl", digest=Digest.of(b""), size=0, media_type="x", custody=Custody()
)
FACTS: dict[str, Any] = {
    **NO_TICKET,
    **PLATFORM,
    "rpo_by_class": CLASSIFIED["rpo_by_class"],
    "data_classification": {
        **CLASSES["data_classification"], **CLASSIFIED["data_classification"], **WANTED["data_classification"],
    },
}  # fmt: skip
Place = tuple[str, str]
"""Kind or view, and region."""
Key = tuple[str, str, str, str, str]


def a_receipt(unit: Unit, result: GatherResult = GatherResult.COLLECTED, *, transcript: bool = True) -> Receipt:
    return Receipt(
        run_id=RUN, unit=unit, requirements=(), result=result, reason="" if result.is_complete else "AccessDenied",
        blobs=(TRANSCRIPT,) if transcript else (), period=PERIOD, started=AT, finished=AT,
        collector=Collector(name="evidence-collector", version="0", declaration=Digest.of(b"")),
    )  # fmt: skip


@dataclass(frozen=True)
class World:
    """What a run gathered: receipts by unit, records by kind and region."""

    receipts: Mapping[Unit, Receipt]
    records: Mapping[Place, tuple[Record, ...]]
    units: tuple[Unit, ...]
    regions: tuple[str, ...] = REGIONS
    bases: Mapping[str, str] = field(default_factory=dict)

    def evidence(self) -> Evidence:
        by_kind: dict[str, list[Unit]] = defaultdict(list)
        for unit in self.units:
            by_kind[unit.kind].append(unit)
        return Evidence(
            units={kind: tuple(found) for kind, found in by_kind.items()},
            receipts=self.receipts,
            records=lambda kind, unit: self.records.get((kind, unit.region), ()),
            bases=self.bases,
            accounts=(ACCOUNT,),
            regions=self.regions,
        )

    def with_receipt(self, unit: Unit, receipt: Receipt | None) -> World:
        others = {one: kept for one, kept in self.receipts.items() if one != unit}
        return replace(self, receipts=others if receipt is None else {**others, unit: receipt})

    def with_records(self, unit: Unit, keep: Any) -> World:
        """`keep` says which of a unit's records, and of its views', are left."""
        names = {unit.kind, *(view for view, base in self.bases.items() if base == unit.kind)}
        changed = {
            place: tuple(keep(found)) if place[0] in names and place[1] == unit.region else found
            for place, found in self.records.items()
        }
        return replace(self, records=changed)


@cache
def views() -> Mapping[str, str]:
    return {kind: item.view_of for kind, item in kinds().items() if item.view_of is not None}


def all_units(catalog: Catalog, regions: Iterable[str] = REGIONS) -> tuple[Unit, ...]:
    named = {views().get(kind, kind) for item in catalog.requirements for kind in item.kinds}
    found = [
        Unit(kind=kind, account=ACCOUNT, region=region)
        for kind in named
        for region in ([GLOBAL_REGION] if kinds()[kind].scope == "account" else regions)
    ]
    return tuple(sorted(found, key=lambda unit: unit.sort_key))


@cache
def small_world() -> World:
    """Every record of every example, each with an id of its own."""
    catalog = eight()
    found: dict[Place, list[Record]] = defaultdict(list)
    lists = {check.id: check.with_ for item in catalog.requirements for check in item.checks}
    for check in lists:
        for number, item in enumerate(EXAMPLES[check]):
            _add(found, item.record.kind, item.record, f"{check} {number}")
            for name, rows in item.lists.items():
                for row in rows if item.case == "pass" else ():
                    _add(found, lists[check][name].kind, row, f"{check} {number}")
    units = all_units(catalog)
    return World(
        receipts={unit: a_receipt(unit) for unit in units},
        records={place: tuple(records) for place, records in found.items()},
        units=units,
        bases=views(),
    )


def _add(found: dict[Place, list[Record]], kind: str, record: Record, prefix: str) -> None:
    if not kind.startswith("scope."):
        here = found[kind, record.region]
        here.append(record.model_copy(update={"id": f"{prefix} {len(here)} {record.id}"}))


def judged(world: World, **rules: Any) -> tuple[list[Finding], tuple[RequirementOutcome, ...]]:
    catalog = rules.pop("catalog", eight())
    wanted = tuple(item.id for item in catalog.requirements)
    sealed = {"requirements": wanted, "at": AT, "period": PERIOD, "facts": FACTS} | rules
    judgement = Judgement(Rules(catalog=catalog, **sealed), world.evidence())
    return list(judgement), judgement.outcomes


def key(finding: Finding) -> Key:
    return finding.sort_key
