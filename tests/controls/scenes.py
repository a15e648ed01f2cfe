"""Scenes of a requirement: the examples of its checks gathered in one or two places, each unit with a gather result.

What `small_world` is for one account that answers, a scene is for any that does not: a unit's result decides what its
transcript can still hold, as `flows/collectors/tally.py` gives it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from answers import ACCOUNT, AT, REGION, RUN, kinds
from examples import EXAMPLES, Example
from hypothesis import strategies as st
from small_world import TRANSCRIPT, views

from controls.catalog import installed
from controls.checks import CompiledCheck
from controls.judging import Evidence, Judgement, Rules
from controls.models import Catalog, Check, EvidenceRequirement
from controls.rules import reads
from evidence_schema.digest import Digest
from evidence_schema.models.finding import Finding, RequirementOutcome
from evidence_schema.models.names import GLOBAL_REGION, GatherResult, Mode
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Collector, Gap, Record
from evidence_schema.models.unit import Period, Unit

Place = tuple[str, str]
"""Account and region."""
Rows = Mapping[str, tuple[Record, ...]]
"""Of one unit: records by the kind or view that they are read as."""

SECOND_REGION, SECOND_ACCOUNT = "eu-central-1", "777788889999"
PLACES: tuple[tuple[Place, ...], ...] = (
    ((ACCOUNT, REGION),),
    ((ACCOUNT, REGION), (ACCOUNT, SECOND_REGION)),
    ((ACCOUNT, REGION), (SECOND_ACCOUNT, REGION)),
)
PERIOD = Period(start=AT, end=AT + timedelta(seconds=1))
"""The period that the examples speak of."""
GAP = Gap(operation="x:GetSomething", code="AccessDenied", result="denied")
AUTOMATED: dict[str, EvidenceRequirement] = {
    item.id: item
    for item in installed().requirements
    if item.kinds and any(check.mode is Mode.AUTO for check in item.checks)
}
"""The requirements of which automatic checks read what is gathered."""


@dataclass(frozen=True)
class Answer:
    """What became of one unit; without a result it has no receipt."""

    result: GatherResult | None
    rows: Rows
    why: str = ""

    def __str__(self) -> str:
        ids = {kind: [f"{row.id}{sorted(row.gaps) or ''}" for row in rows] for kind, rows in self.rows.items()}
        return f"{self.result or 'no receipt'} {ids} {self.why}"

    @property
    def is_lost(self) -> bool:
        """Something that was asked has no answer. Told apart here by the words of DESIGN section 2, not by the code."""
        return self.result is None or self.result.value in ("partial", "denied", "failed")

    def receipt(self, unit: Unit) -> Receipt:
        assert self.result is not None
        return Receipt(
            run_id=RUN, unit=unit, requirements=(), result=self.result, reason=self.why,
            quarantined="Quarantined" in self.why, blobs=(TRANSCRIPT,) if self.has_transcript else (), period=PERIOD,
            started=AT, finished=AT,
            collector=Collector(name="evidence-collector", version="0", declaration=Digest.of(b"")),
        )  # fmt: skip

    @property
    def has_transcript(self) -> bool:
        """A region that is not enabled, or an account that was stopped, was never called."""
        return "no call was made" not in self.why


@dataclass(frozen=True, repr=False)
class Scene:
    """A requirement with what a run gathered for it."""

    requirement: EvidenceRequirement
    places: tuple[Place, ...]
    answers: Mapping[Unit, Answer]
    facts: Mapping[str, Any]
    not_asked: frozenset[str] = frozenset()
    """Kinds and views that nobody opted in to: no unit of them is expected."""

    def __repr__(self) -> str:
        """Short enough to be read where a property fails."""
        told = {str(unit): str(answer) for unit, answer in self.answers.items() if answer.rows or answer.is_lost}
        return f"Scene({self.requirement.id}, {told}, facts={sorted(self.facts)})"

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        printer.text(repr(self))

    def answer(self, unit: Unit, answer: Answer) -> Scene:
        return replace(self, answers={**self.answers, unit: answer})

    def units_of(self, kind: str) -> tuple[Unit, ...]:
        """The units that a kind or view is read from."""
        return tuple(unit for unit in self.answers if unit.kind == views().get(kind, kind))

    def judged(self) -> Judged:
        catalog = Catalog(frameworks=(), requirements=(self.requirement,), facts={})
        rules = Rules(catalog, (self.requirement.id,), at=AT, period=PERIOD, facts=self.facts)
        judgement = Judgement(rules, self._evidence())
        findings = tuple(judgement)
        (outcome,) = judgement.outcomes
        return Judged(findings, outcome)

    def _evidence(self) -> Evidence:
        by_kind: dict[str, list[Unit]] = defaultdict(list)
        for unit in self.answers:
            by_kind[unit.kind].append(unit)
        return Evidence(
            units={kind: tuple(found) for kind, found in by_kind.items()},
            receipts={unit: a.receipt(unit) for unit, a in self.answers.items() if a.result is not None},
            records=lambda kind, unit: self.answers[unit].rows.get(kind, ()),
            bases=views(),
            accounts=tuple(sorted({account for account, _ in self.places})),
            regions=tuple(sorted({region for _, region in self.places})),
            not_asked=self.not_asked,
        )


@dataclass(frozen=True)
class Judged:
    """What was said of a scene."""

    findings: tuple[Finding, ...]
    outcome: RequirementOutcome


def automatic(requirement: EvidenceRequirement) -> tuple[Check, ...]:
    return tuple(check for check in requirement.checks if check.mode is Mode.AUTO)


COMPILED: dict[tuple[str, str | None], CompiledCheck] = {}


def compiled_once(check: Check) -> CompiledCheck:
    """Judging compiles a check once a run; a test that judges thousands of runs does so once in all."""
    key = (check.id, check.unless)
    if key not in COMPILED:
        COMPILED[key] = CompiledCheck(check)
    return COMPILED[key]


# --- what is there to be gathered -----------------------------------------------------------------------------------


def units_at(id_: str, places: Iterable[Place]) -> tuple[Unit, ...]:
    """As planning expects them: a view is read from its base's units."""
    bases = sorted({views().get(kind, kind) for kind in AUTOMATED[id_].kinds})
    found = {
        Unit(kind=kind, account=account, region=GLOBAL_REGION if kinds()[kind].scope == "account" else region)
        for kind in bases
        for account, region in places
    }
    return tuple(sorted(found, key=lambda unit: unit.sort_key))


def rows_of(check: Check, item: Example) -> dict[str, list[Record]]:
    """An example's records by kind or view: the one that is judged first, then what stands beside it."""
    rows: dict[str, list[Record]] = defaultdict(list)
    if not item.record.kind.startswith("scope."):
        rows[item.record.kind].append(item.record)
    for name, found in item.lists.items():
        rows[check.with_[name].kind].extend(found)
    return rows


@cache
def examples_of(id_: str) -> tuple[tuple[Check, Example], ...]:
    return tuple((check, item) for check in automatic(AUTOMATED[id_]) for item in EXAMPLES[check.id])


@cache
def others_of(id_: str) -> Mapping[str, tuple[Record, ...]]:
    """Of each kind that a requirement reads, a few records of its examples: what stands there besides."""
    found: dict[str, list[Record]] = defaultdict(list)
    for check, item in examples_of(id_):
        for kind, rows in rows_of(check, item).items():
            found[kind].extend(rows)
    return {kind: tuple(rows[:: max(1, len(rows) // 3)][:3]) for kind, rows in found.items()}


def staged(id_: str, places: tuple[Place, ...], shown: Iterable[tuple[Check, Example]]) -> Scene:
    """One example in each place, everything collected; where it needs no list of a kind, other records stand there."""
    held: dict[Unit, dict[str, dict[str, Record]]] = {unit: defaultdict(dict) for unit in units_at(id_, places)}
    facts: dict[str, Any] = {}
    for place, (check, item) in zip(places, shown, strict=True):
        facts = {**item.facts, **facts}
        own = rows_of(check, item)
        spoken_for = {item.record.kind, *(companion.kind for companion in check.with_.values())}
        others = {kind: rows for kind, rows in others_of(id_).items() if kind not in spoken_for}
        for unit in held:
            if unit.account == place[0] and unit.region in (place[1], GLOBAL_REGION):
                for kind in (unit.kind, *(view for view, base in views().items() if base == unit.kind)):
                    for record in (*own.get(kind, ()), *others.get(kind, ())):
                        moved = record.model_copy(update={"account": unit.account, "region": unit.region})
                        held[unit][kind].setdefault(record.id, moved)
    return Scene(
        requirement=AUTOMATED[id_],
        places=places,
        answers={unit: whole({kind: tuple(rows.values()) for kind, rows in at.items()}) for unit, at in held.items()},
        facts=facts,
    )


# --- what becomes of it ---------------------------------------------------------------------------------------------


def whole(rows: Rows) -> Answer:
    """Every call was answered."""
    held = {kind: found for kind, found in rows.items() if found}
    return Answer(GatherResult.COLLECTED if held else GatherResult.EMPTY, held)


@cache
def names_read(id_: str) -> Mapping[str, frozenset[str]]:
    """By kind or view: the names that a requirement's rules read of its records."""
    found: dict[str, set[str]] = defaultdict(set)
    for check in automatic(AUTOMATED[id_]):
        read = reads(*check.rules.values(), lists=check.with_)
        for kind in check.over:
            found[kind] |= read.record
        for name, names in read.rows.items():
            found[check.with_[name].kind] |= names - {"account", "region", "id"}
    return {kind: frozenset(names) for kind, names in found.items()}


def partial(id_: str, answer: Answer, seed: int) -> Answer:
    """A page is missing, or a call for an item was not answered, or both: `seed` says which."""
    rows: dict[str, tuple[Record, ...]] = {}
    for kind, found in answer.rows.items():
        names = sorted(names_read(id_).get(kind, ()))
        kept = found[seed % 2 :: 1 + seed % 3]
        if names and seed % 4:
            name = names[seed % len(names)]
            kept = tuple(poisoned(record, name, still_filled=seed % 7 == 0) for record in kept)
        rows[kind] = kept
    code = "Quarantined" if seed % 5 == 0 else "AccessDenied"
    return Answer(GatherResult.PARTIAL, rows, f"2 of 7 calls did not answer: x:GetSomething ({code})")


def poisoned(record: Record, name: str, *, still_filled: bool) -> Record:
    """The call that would have filled the name did not answer, or a later page of it did not."""
    fields = {key: value for key, value in record.fields.items() if key != name or still_filled}
    return record.model_copy(update={"fields": fields, "gaps": {**record.gaps, name: GAP}})


def became(id_: str, was: Answer, how: str, seed: int) -> Answer:
    """What a unit that would have answered `was` holds when it ends so."""
    if how == "collected":
        return whole(was.rows)
    if how == "partial":
        return partial(id_, was, seed)
    if how == "broke off":  # an unexpected error: what was gathered until then is kept, without a word on the rest
        return Answer(GatherResult.FAILED, was.rows, "unexpected KeyError while gathering; the log has its trace")
    return {
        "empty": Answer(GatherResult.EMPTY, {}),
        "unavailable": Answer(GatherResult.UNAVAILABLE, {}, "x:ListThings unavailable (NotEnabled)"),
        "not enabled": Answer(GatherResult.UNAVAILABLE, {}, "region r is not enabled; no call was made"),
        "denied": Answer(GatherResult.DENIED, {}, "x:ListThings denied (AccessDenied)"),
        "failed": Answer(GatherResult.FAILED, {}, "x:ListThings failed (InternalError)"),
        "quarantined": Answer(GatherResult.FAILED, {}, "x:GetThings failed (Quarantined)"),
        "stopped": Answer(GatherResult.FAILED, {}, "credentials refused; no call was made"),
        "no receipt": Answer(None, {}),
    }[how]


@cache
def opt_in(id_: str) -> tuple[str, ...]:
    """The kinds and views that a requirement reads only where somebody opted in to them."""
    return tuple(kind for kind in AUTOMATED[id_].kinds if kinds().consent_of(kind))


LOST = ("denied", "failed", "quarantined", "stopped", "broke off", "no receipt")
ANSWERED = ("empty", "unavailable", "not enabled")
ENDINGS = ("collected",) * 10 + ("partial",) * 3 + ANSWERED + LOST


@st.composite
def scenes(draw: st.DrawFn, id_: str, endings: tuple[str, ...] = ENDINGS) -> Scene:
    """A requirement gathered in one or two places, every unit with an ending of its own."""
    places = draw(st.sampled_from(PLACES))
    shown = draw(st.lists(st.sampled_from(examples_of(id_)), min_size=len(places), max_size=len(places)))
    scene = staged(id_, places, shown)
    count = len(scene.answers)
    drawn = draw(st.lists(st.sampled_from(endings), min_size=count, max_size=count))
    seed = draw(st.integers(0, 59))
    facts = draw(st.sampled_from([scene.facts, scene.facts, {}]))
    answers = {
        unit: became(id_, answer, how, seed + number)
        for number, ((unit, answer), how) in enumerate(zip(scene.answers.items(), drawn, strict=True))
    }
    scene = replace(scene, answers=answers, facts=facts)
    return without_consent(scene) if opt_in(id_) and draw(st.booleans()) else scene


def without_consent(scene: Scene) -> Scene:
    """What bills was not asked."""
    not_asked = frozenset(opt_in(scene.requirement.id))
    kept = {unit: answer for unit, answer in scene.answers.items() if unit.kind not in not_asked}
    return replace(scene, answers=kept, not_asked=not_asked)
