"""Judge a closed run by what was sealed with it, and keep the findings; or judge it again elsewhere and compare."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from controls.checks import ENGINE
from controls.judging import Evidence, Judgement, Parameter, Rules
from controls.models import Catalog
from evidence_schema.canonical import parse_canonical
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.key_wrapping import Commitment, DataKey
from evidence_schema.models.base import format_time
from evidence_schema.models.disposition import Disposition
from evidence_schema.models.encrypted import EncryptedBlob
from evidence_schema.models.entry import Judged, RunClose, Statement, Subject
from evidence_schema.models.finding import FINDINGS_MEDIA_TYPE, Finding, FindingsHeader, Outcomes, Reason
from evidence_schema.models.names import FindingResult
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Unit
from flows.errors import RunNotClosed, RunNotFound, SealedDiffers
from flows.settings import Settings
from flows.steps.custody import read_custody
from flows.steps.finding_order import in_order
from flows.steps.opening import JSON_MEDIA_TYPE, Run, load_run, read_sealed
from flows.steps.records import Records
from flows.vault.errors import KeyMissing, NoDataKeys
from flows.vault.log import NextEntry
from flows.vault.manifest import manifest_rows, read_manifest
from flows.vault.runs import RunState
from flows.vault.vault import Vault

FINDINGS = "findings"


@dataclass(frozen=True)
class Verdicts:
    """A judgement at hand: findings as the lines of their files, and the outcomes once those were read."""

    header: FindingsHeader
    judgement: Judgement
    personal: frozenset[str]
    """The checks whose findings go into a file of their own."""
    unreadable: Mapping[Unit, str]

    def lines(self, counts: Counter[str] | None = None) -> Iterator[tuple[bool, bytes]]:
        """Every line, and whether it belongs to the file of personal findings; findings are counted as they pass."""
        header = self.header.canonical() + b"\n"
        yield False, header
        if self.personal:
            yield True, header
        for finding in self.judgement:
            if counts is not None:
                counts[f"finding {finding.result}"] += 1
            yield finding.check in self.personal, finding.canonical() + b"\n"


Comparison = Literal["identical", "different", "not compared"]


@dataclass(frozen=True)
class Reperformed:
    """What judging again gave, beside what was sealed."""

    run_id: str
    findings: Digest
    sealed: Digest
    count: int
    engine: str
    sealed_engine: str
    personal: Comparison | None = None
    """The findings of checks that read personal kinds; None where the run has none, or keeps them with the others."""
    unreadable: Mapping[Unit, str] = field(default_factory=dict)
    """Units that cannot be judged any more, or not here, with the reason: their findings are errors."""
    without_facts: bool = False
    """Facts that name people could not be opened."""

    @property
    def identical(self) -> bool:
        """Everything that could be compared is the same."""
        return self.findings == self.sealed and self.personal != "different"

    @property
    def complete(self) -> bool:
        """All of the run could be judged again."""
        return not self.unreadable and self.personal != "not compared"


def judge_run(vault: Vault, state: RunState) -> RunState:
    """Keep the findings and outcomes of a closed run and log them; nothing where the log has them already."""
    if state.judged is not None:
        return state
    run = load_run(vault, state)
    verdicts = verdicts_of(vault, run)
    lock = run.lock(vault)
    counts: Counter[str] = Counter()
    context = vault.artifacts.context(run.run_id, FINDINGS) if verdicts.personal else None
    with vault.artifacts.writer() as in_clear, vault.artifacts.writer(context) as encrypted:
        for is_personal, line in verdicts.lines(counts):
            (encrypted if is_personal else in_clear).write(line)
        findings = in_clear.keep(FINDINGS_MEDIA_TYPE, lock).digest
        personal = encrypted.keep(FINDINGS_MEDIA_TYPE, lock).ciphertext if context else None
    outcomes = Outcomes(
        run_id=run.run_id,
        at=state.open.at,
        findings=findings,
        requirements=verdicts.judgement.outcomes,
    )
    for item in outcomes.requirements:
        counts[f"outcome {item.outcome}"] += 1
    kept = vault.blobs.put_bytes(outcomes.canonical(), media_type=JSON_MEDIA_TYPE, lock=lock).digest
    documents = (findings, kept, *((personal.digest,) if personal else ()))
    custody = read_custody(vault, run, closed_of(state), documents)
    if custody is not None:
        counts["custody asked"] = custody.header.objects
        counts["custody not as it must be"] = custody.header.unlocked + custody.header.differing

    def make(following: NextEntry) -> Statement:
        predicate = Judged(
            **following.common(run.run_id, state.slot),
            findings=findings,
            personal_findings=personal,
            outcomes=kept,
            custody=None if custody is None else custody.digest,
            engine=ENGINE,
            counts=dict(sorted(counts.items())),
        )
        subject = (Subject.of("findings.jsonl", findings), Subject.of("outcomes.json", kept))
        return Statement(subject=subject, predicate=predicate)

    judged = vault.runs.judge(run.run_id, make)
    standing = judged_of(judged).personal_findings
    if personal is not None and standing is not None and standing.digest != personal.digest:
        vault.artifacts.keys.destroy(personal.digest)  # another process has judged: ours is nobody's
    return judged


def reperform(
    vault: Vault,
    state: RunState,
    *,
    catalog: Catalog | None = None,
    write: Callable[[bool, bytes], object] | None = None,
) -> Reperformed:
    """Judge a run again from its stored transcripts, by the sealed rules (or by `catalog`), and compare the bytes.

    `write` gets each line, and whether it belongs to the file of personal findings.
    """
    judged = judged_of(state)
    run = load_run(vault, state)
    sealed = judged.personal_findings
    verdicts = verdicts_of(vault, run, catalog, apart=sealed is not None, may_lack_keys=True)
    key = _key_of(vault, run, sealed)
    commitment = key.commitment() if key is not None else None
    stream, count = DigestStream(), -1 - bool(verdicts.personal)  # the header lines are no findings
    for is_personal, line in verdicts.lines():
        count += 1
        if not is_personal:
            stream.update(line)
        elif commitment is not None:
            commitment.update(line)
        if write is not None:
            write(is_personal, line)
    return Reperformed(
        run_id=run.run_id,
        findings=stream.finish(),
        sealed=judged.findings,
        count=count,
        engine=ENGINE,
        sealed_engine=judged.engine,
        personal=_compared(sealed, commitment, lacks_some=bool(verdicts.unreadable) or run.without_facts),
        unreadable=verdicts.unreadable,
        without_facts=run.without_facts,
    )


def _key_of(vault: Vault, run: Run, sealed: EncryptedBlob | None) -> DataKey | None:
    if sealed is None:
        return None
    try:
        return vault.artifacts.key(sealed, run.run_id, FINDINGS)
    except (KeyMissing, NoDataKeys):
        return None


def _compared(sealed: EncryptedBlob | None, commitment: Commitment | None, *, lacks_some: bool) -> Comparison | None:
    """By the commitment: the ciphertext of the same findings is another one each time."""
    if sealed is None:
        return None
    if commitment is None or lacks_some:
        return "not compared"
    return "identical" if commitment.finish() == sealed.encryption.commitment_raw else "different"


def verdicts_of(
    vault: Vault, run: Run, catalog: Catalog | None = None, *, apart: bool = True, may_lack_keys: bool = False
) -> Verdicts:
    """The judgement of a closed run, by its sealed rules or by another catalogue.

    `apart` tells personal findings from the others. With `may_lack_keys` a unit that cannot be opened is judged as an
    error; else only an erased one is, and any other raises KeyMissing or NoDataKeys: nothing is sealed by accident.
    """
    closed = closed_of(run.state)
    receipts = {receipt.unit: receipt for receipt in receipts_of(vault, closed)}
    unreadable = unreadable_units(vault, run.state, receipts.values(), may_lack_keys=may_lack_keys)
    personal = run.personal_checks if apart and run.personal else frozenset()
    rules = _rules(run, catalog or run.catalog, personal)
    judgement = Judgement(rules, _evidence(vault, run, receipts, unreadable), in_order)
    header = FindingsHeader(
        run_id=run.run_id,
        at=run.state.open.at,
        engine=ENGINE,
        manifest=closed.manifest,
        catalogue=run.state.open.catalogue,
        plan=run.state.open.plan,
        settings=run.state.open.settings,
    )
    return Verdicts(header, judgement, personal, unreadable)


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


def judged_of(state: RunState) -> Judged:
    """The judgement's entry; raises RunNotClosed."""
    if state.judged is None:
        raise RunNotClosed(f"expected a judged run, found {state.run_id} without findings; start its slot again")
    return state.judged


def findings_of(vault: Vault, judged: Judged) -> Iterator[Finding]:
    """The sealed findings, in order. Of personal ones that were erased, one error a check says so.

    Raises NoDataKeys where there are personal ones and no keys.
    """
    in_clear = _findings(vault.blobs.lines(judged.findings), judged.findings)
    if judged.personal_findings is None:
        return in_clear
    personal = judged.personal_findings
    if not vault.artifacts.keys.has(personal.digest):
        return heapq.merge(in_clear, _erased(vault, judged), key=lambda finding: finding.check)
    lines = vault.artifacts.lines(personal, judged.run_id, FINDINGS)
    return heapq.merge(in_clear, _findings(lines, personal.digest), key=lambda finding: finding.check)


def _findings(lines: Iterator[bytes], digest: Digest) -> Iterator[Finding]:
    next(lines, None)
    for line in lines:
        try:
            yield Finding.model_validate(parse_canonical(line))
        except (EvidenceSchemaError, ValidationError) as error:
            raise SealedDiffers(f"expected a finding in blob {digest}, found: {error}") from error


def _erased(vault: Vault, judged: Judged) -> Iterator[Finding]:
    """What stands in the place of personal findings when their key is gone; how many there were, outcomes still say."""
    run = load_run(vault, _required(vault, judged.run_id))
    personal, text = run.personal_checks, "the findings of this check were erased"
    for item in outcomes_of(vault, judged).requirements:
        for check in item.checks:
            if check.check in personal and check.population:
                yield Finding(
                    check=check.check,
                    requirement=item.requirement,
                    kind="(erased)",
                    account="-",
                    region="-",
                    record="(erased)",
                    result=FindingResult.ERROR,
                    reason=Reason(type="unit", name="findings", text=f"{text}: {check.population} of them"),
                )


def _required(vault: Vault, run_id: str) -> RunState:
    state = vault.runs.run(run_id)
    if state is None:
        raise RunNotFound(f"expected {run_id} in the log, found none")
    return state


def unreadable_units(
    vault: Vault, state: RunState, receipts: Iterable[Receipt], *, may_lack_keys: bool
) -> dict[Unit, str]:
    """Units of which an encrypted artifact cannot be opened, with the reason."""
    erased = erased_of(vault, state)
    artifacts, found = vault.artifacts, {}
    for receipt in receipts:
        for blob in receipt.blobs:
            if blob.encryption is None or receipt.unit in found:
                continue
            if blob.digest in erased:
                found[receipt.unit] = erased[blob.digest]
            elif not artifacts.has_keys and may_lack_keys:
                found[receipt.unit] = "encrypted, and no keys are at hand"
            elif not artifacts.keys.has(blob.digest):
                if not may_lack_keys:
                    raise KeyMissing(f"expected the data key of {receipt.unit}, found none, and no erasure in the log")
                found[receipt.unit] = "its data key is missing, and the log tells of no erasure"
    return found


def erased_of(vault: Vault, state: RunState) -> dict[Digest, str]:
    """The artifacts of a run that an erasure names, with what the log says of it."""
    found: dict[Digest, str] = {}
    for erasure in state.erasures:
        disposition = read_sealed(vault, Disposition, erasure.disposition)
        text = f"erased at {format_time(erasure.time)} ({erasure.ground}, by the {erasure.approver})"
        found |= {artifact.digest: text for artifact in disposition.artifacts if artifact.digest not in found}
    return found


def find_run(vault: Vault, name: str | None) -> RunState:
    """A run by its id or slot; without a name the newest that was judged. Raises RunNotFound."""
    runs = [state for state in vault.runs.runs() if name in (None, state.run_id, state.slot)]
    finished = [state for state in runs if state.judged is not None]
    if name is None and finished:
        return finished[-1]
    if name is not None and runs:
        return runs[-1]
    raise RunNotFound(f"expected a run {name or 'that was judged'}, found none; `evidence status` lists the runs")


def _rules(run: Run, catalog: Catalog, personal: frozenset[str]) -> Rules:
    settings: Settings = run.settings
    return Rules(
        catalog=catalog,
        requirements=run.plan.requirements,
        at=run.state.open.at,
        period=run.plan.period,
        facts={name: fact.value for name, fact in settings.facts.items()},
        parameters={name: Parameter(item.value, item.is_approved) for name, item in settings.parameters.items()},
        personal=personal,
    )


def _evidence(vault: Vault, run: Run, receipts: dict[Unit, Receipt], unreadable: Mapping[Unit, str]) -> Evidence:
    units: dict[str, list[Unit]] = defaultdict(list)
    for planned in run.units:
        units[planned.unit.kind].append(planned.unit)
    views = {item.kind: item.view_of for item in run.catalog.declarations if item.view_of is not None}
    return Evidence(
        units={kind: tuple(found) for kind, found in units.items()},
        receipts=receipts,
        records=Records(vault.artifacts, receipts, run.declarations),
        bases=views,
        accounts=run.plan.accounts,
        regions=run.plan.regions,
        not_asked=frozenset(item.kind for item in run.plan.not_asked),
        unreadable=unreadable,
    )
