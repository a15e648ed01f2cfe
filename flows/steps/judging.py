"""Judge a closed run by what was sealed with it, and keep the findings; or judge it again elsewhere and compare."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from controls.checks import ENGINE
from controls.judging import Evidence, Judgement, Parameter, Rules
from controls.models import Catalog
from evidence_schema.canonical import parse_canonical
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.entry import Judged, RunClose, Statement, Subject
from evidence_schema.models.finding import FINDINGS_MEDIA_TYPE, Finding, FindingsHeader, Outcomes
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Unit
from flows.errors import RunNotClosed, RunNotFound, SealedDiffers
from flows.settings import Settings
from flows.steps.finding_order import in_order
from flows.steps.opening import JSON_MEDIA_TYPE, Run, load_run, read_sealed
from flows.steps.records import Records
from flows.vault.log import NextEntry
from flows.vault.manifest import manifest_rows, read_manifest
from flows.vault.runs import RunState
from flows.vault.vault import Vault


@dataclass(frozen=True)
class Verdicts:
    """A judgement at hand: findings as the lines of their file, and the outcomes once those were read."""

    header: FindingsHeader
    judgement: Judgement

    def lines(self, counts: Counter[str] | None = None) -> Iterator[bytes]:
        """The findings file, line by line; findings are counted by result as they pass."""
        yield self.header.canonical() + b"\n"
        for finding in self.judgement:
            if counts is not None:
                counts[f"finding {finding.result}"] += 1
            yield finding.canonical() + b"\n"


@dataclass(frozen=True)
class Reperformed:
    """What judging again gave, beside what was sealed."""

    run_id: str
    findings: Digest
    sealed: Digest
    count: int
    engine: str
    sealed_engine: str

    @property
    def identical(self) -> bool:
        return self.findings == self.sealed


def judge_run(vault: Vault, state: RunState) -> RunState:
    """Keep the findings and outcomes of a closed run and log them; nothing where the log has them already."""
    if state.judged is not None:
        return state
    run = load_run(vault, state)
    verdicts = verdicts_of(vault, run)
    lock = run.lock(vault)
    counts: Counter[str] = Counter()
    findings = vault.blobs.put_pieces(verdicts.lines(counts), media_type=FINDINGS_MEDIA_TYPE, lock=lock).digest
    outcomes = Outcomes(
        run_id=run.run_id,
        at=state.open.at,
        findings=findings,
        requirements=verdicts.judgement.outcomes,
    )
    for item in outcomes.requirements:
        counts[f"outcome {item.outcome}"] += 1
    kept = vault.blobs.put_bytes(outcomes.canonical(), media_type=JSON_MEDIA_TYPE, lock=lock).digest

    def make(following: NextEntry) -> Statement:
        predicate = Judged(
            **following.common(run.run_id, state.slot),
            findings=findings,
            outcomes=kept,
            engine=ENGINE,
            counts=dict(sorted(counts.items())),
        )
        subject = (Subject.of("findings.jsonl", findings), Subject.of("outcomes.json", kept))
        return Statement(subject=subject, predicate=predicate)

    return vault.runs.judge(run.run_id, make)


def reperform(
    vault: Vault, state: RunState, *, catalog: Catalog | None = None, write: Callable[[bytes], object] | None = None
) -> Reperformed:
    """Judge a run again from its stored transcripts, by the sealed rules (or by `catalog`), and compare the bytes."""
    if state.judged is None:
        raise RunNotClosed(f"expected a judged run, found {state.run_id} without findings; start its slot again")
    run = load_run(vault, state)
    stream, count = DigestStream(), -1  # the header line is no finding
    for line in verdicts_of(vault, run, catalog).lines():
        stream.update(line)
        count += 1
        if write is not None:
            write(line)
    return Reperformed(
        run_id=run.run_id,
        findings=stream.finish(),
        sealed=state.judged.findings,
        count=count,
        engine=ENGINE,
        sealed_engine=state.judged.engine,
    )


def verdicts_of(vault: Vault, run: Run, catalog: Catalog | None = None) -> Verdicts:
    """The judgement of a closed run, by its sealed rules or by another catalogue."""
    closed = closed_of(run.state)
    receipts = {receipt.unit: receipt for receipt in receipts_of(vault, closed)}
    rules = _rules(run, catalog or run.catalog)
    judgement = Judgement(rules, _evidence(vault, run, receipts), in_order)
    header = FindingsHeader(
        run_id=run.run_id,
        at=run.state.open.at,
        engine=ENGINE,
        manifest=closed.manifest,
        catalogue=run.state.open.catalogue,
        plan=run.state.open.plan,
        settings=run.state.open.settings,
    )
    return Verdicts(header, judgement)


def closed_of(state: RunState) -> RunClose:
    """The closing entry; raises RunNotClosed."""
    if state.close is None:
        raise RunNotClosed(f"expected a closed run, found {state.run_id} open; start {state.slot} again to resume it")
    return state.close


def receipts_of(vault: Vault, closed: RunClose) -> Iterator[Receipt]:
    """The manifest's rows, in order."""
    return manifest_rows(vault.blobs, read_manifest(vault.blobs, closed.manifest))


def outcomes_of(vault: Vault, judged: Judged) -> Outcomes:
    """The sealed outcomes."""
    return read_sealed(vault, Outcomes, judged.outcomes)


def findings_of(vault: Vault, judged: Judged) -> Iterator[Finding]:
    """The sealed findings, in order."""
    lines = vault.blobs.lines(judged.findings)
    next(lines, None)
    for line in lines:
        try:
            yield Finding.model_validate(parse_canonical(line))
        except (EvidenceSchemaError, ValidationError) as error:
            raise SealedDiffers(f"expected a finding in blob {judged.findings}, found: {error}") from error


def find_run(vault: Vault, name: str | None) -> RunState:
    """A run by its id or slot; without a name the newest that was judged. Raises RunNotFound."""
    runs = [state for state in vault.runs.runs() if name in (None, state.run_id, state.slot)]
    finished = [state for state in runs if state.judged is not None]
    if name is None and finished:
        return finished[-1]
    if name is not None and runs:
        return runs[-1]
    raise RunNotFound(f"expected a run {name or 'that was judged'}, found none; `evidence status` lists the runs")


def _rules(run: Run, catalog: Catalog) -> Rules:
    settings: Settings = run.settings
    return Rules(
        catalog=catalog,
        requirements=run.plan.requirements,
        at=run.state.open.at,
        period=run.plan.period,
        facts={name: fact.value for name, fact in settings.facts.items()},
        parameters={name: Parameter(item.value, item.is_approved) for name, item in settings.parameters.items()},
    )


def _evidence(vault: Vault, run: Run, receipts: dict[Unit, Receipt]) -> Evidence:
    units: dict[str, list[Unit]] = defaultdict(list)
    for planned in run.units:
        units[planned.unit.kind].append(planned.unit)
    views = {item.kind: item.view_of for item in run.catalog.declarations if item.view_of is not None}
    return Evidence(
        units={kind: tuple(found) for kind, found in units.items()},
        receipts=receipts,
        records=Records(vault.blobs, receipts, run.declarations),
        bases=views,
        accounts=run.plan.accounts,
        regions=run.plan.regions,
        not_asked=frozenset(item.kind for item in run.plan.not_asked),
    )
