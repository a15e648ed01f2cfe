"""The auditor's package: choose, read and check what the scope promises, draw what can be read, log the export, write.

The export entry comes before the first byte leaves: it names the scope statement, the scope names the digest of every
file drawn, and the package holds the log up to that entry. So the log itself signs what a package is.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from controls.catalog import framework_of
from controls.models import Catalog
from evidence_schema.canonical import parse_canonical
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.layout import Layout
from evidence_schema.models.base import format_time
from evidence_schema.models.entry import Export, RunClose, Statement, Subject
from evidence_schema.models.finding import Finding
from evidence_schema.models.names import PackageStatus
from evidence_schema.models.package import Omission, PackageFile, PackageScope, ScopedRun
from evidence_schema.models.receipt import Receipt, StoredBlob
from evidence_schema.models.unit import Listing
from evidence_schema.reader import first_versions
from evidence_schema.sealing import recipient_key, seal
from evidence_schema.verification.package import CONTENTS, VAULT_FOLDER
from flows.errors import FlowsError, RunNotFound, UsageError
from flows.report.errors import NotDisclosed
from flows.report.package import views
from flows.report.package.masking import Masker
from flows.report.package.readme import Facts, readme
from flows.report.package.writing import Source, Written, ZipTarget, file_source, is_payload, write_bag
from flows.report.words import period_label
from flows.report.workbook import compile_workbook, workbook_name
from flows.settings import Recipient
from flows.steps.compiling import assessment_of
from flows.steps.judging import findings_of, receipts_of
from flows.steps.opening import Run, load_run
from flows.steps.runtime import GENERATOR, Runtime
from flows.vault.errors import VaultError
from flows.vault.keys import load_pseudonyms
from flows.vault.log import LoggedEntry, NextEntry
from flows.vault.manifest import read_manifest
from flows.vault.runs import RunState
from flows.vault.vault import Vault

SCOPE_MEDIA_TYPE = "application/vnd.evidence.package-scope+json"
LARGEST_COPY = 8 * 1024 * 1024
"""Longest artifact that also gets a copy under a readable name; of a longer one the view says where its bytes are."""
_SHORT = 8
_INDEX_COLUMNS = (
    "requirement", "index", "kind", "account", "region", "result", "collected", "bytes", "sha256", "file", "view",
)  # fmt: skip


@dataclass(frozen=True)
class PackageRequest:
    """What somebody asks to be packed; empty means all. `runs` are ids or slots."""

    frameworks: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    unmasked: bool = False
    reason: str = ""
    recipient: str | None = None


@dataclass(frozen=True)
class Packaged:
    """A package that stands."""

    written: Written
    name: str
    scope: PackageScope
    statement: Digest
    seq: int
    omitted: dict[str, int]


@dataclass(frozen=True)
class _Chosen:
    """The resolved scope, before anything is read."""

    runs: tuple[Run, ...]
    others: tuple[RunState, ...]
    frameworks: tuple[str, ...]
    requirements: frozenset[str]
    accounts: frozenset[str]
    personal: frozenset[str]
    recipient: Recipient | None

    def is_narrowed(self, run: Run, *, framework: str | None = None) -> bool:
        """Whether the scope leaves out accounts or requirements of the run (or of one framework of it)."""
        planned = set(run.plan.requirements)
        if framework is not None:
            planned &= _serving(run.catalog, (framework,))
        return not (planned <= self.requirements and set(run.plan.accounts) <= self.accounts)

    def takes(self, receipt: Receipt) -> list[str]:
        """The requirements of the scope that a row serves."""
        if receipt.unit.account not in self.accounts:
            return []
        return sorted(self.requirements.intersection(receipt.requirements))


@dataclass
class _Draft:
    """What was drawn and checked so far."""

    stage: Path
    payload: dict[str, Source] = field(default_factory=dict)
    tags: dict[str, Source] = field(default_factory=dict)
    contents: dict[str, PackageFile] = field(default_factory=dict)
    promised: dict[Digest, Source] = field(default_factory=dict)
    withheld: dict[Digest, Source] = field(default_factory=dict)
    omissions: list[Omission] = field(default_factory=list)
    index: list[tuple[str, ...]] = field(default_factory=list)
    runs: list[ScopedRun] = field(default_factory=list)
    workbooks: list[Digest] = field(default_factory=list)
    artifacts: int = 0
    status: PackageStatus = PackageStatus.COMPLETE

    def draw(self, path: str, pieces: Iterable[bytes]) -> PackageFile:
        """Make a file of the package, kept on the disk until all is written."""
        place, stream = self.stage / str(len(self.contents)), DigestStream()
        with place.open("wb") as file:
            for piece in pieces:
                stream.update(piece)
                file.write(piece)
        return self.take(PackageFile(path=path, digest=stream.finish(), size=stream.size), file_source(place))

    def draw_lines(self, path: str, lines: Iterable[str]) -> PackageFile:
        """The same of text."""
        return self.draw(path, (f"{line}\n".encode() for line in lines))

    def take(self, file: PackageFile, source: Source) -> PackageFile:
        """Take a file in, wherever its bytes are."""
        if file.path in self.contents:
            raise ValueError(f"expected each file once, found {file.path} again")
        self.contents[file.path] = file
        (self.payload if is_payload(file.path) else self.tags)[file.path] = source
        return file

    def lower(self, status: PackageStatus) -> None:
        """Something is not as promised; the worst stays."""
        order = list(PackageStatus)
        self.status = max(self.status, status, key=order.index)


def make_package(runtime: Runtime, request: PackageRequest, out: Path | None) -> Packaged:
    """Write a package, a zip where `out` ends so, else a folder; by default a zip below `packages`.

    Raises UsageError or RunNotFound for what is not in the log, NotDisclosed for unmasked evidence without reason,
    recipient or agreement.
    """
    runtime.vault.repair()
    chosen = _choose(runtime, request)
    with tempfile.TemporaryDirectory() as stage:
        draft = _Draft(Path(stage))
        _Drawing(runtime, chosen, draft).draw()
        if chosen.recipient is not None:
            _seal(runtime.vault.layout, chosen.recipient, draft)
        return _write(runtime, request, chosen, draft, out)


def _choose(runtime: Runtime, request: PackageRequest) -> _Chosen:
    states = runtime.vault.runs.runs()
    picked = [state for state in states if _is_asked(state, request)]
    closed = [state for state in picked if state.close is not None]
    for name in request.runs:
        if not any(name in (state.run_id, state.slot) for state in closed):
            raise RunNotFound(f"expected a closed run {name}, found none; `evidence status` lists the runs")
    if not request.runs and request.since is None and request.until is None:
        closed = [state for state in closed if state.judged is not None][-1:]
    if not closed:
        raise RunNotFound("expected a closed run in the scope, found none; `evidence status` lists the runs")
    runs = tuple(load_run(runtime.vault, state) for state in closed)
    frameworks = request.frameworks or tuple(sorted({name for run in runs for name in run.plan.frameworks}))
    for name in frameworks:
        framework_of(runtime.catalog, name)
    planned = {name for run in runs for name in run.plan.requirements}
    accounts = {name for run in runs for name in run.plan.accounts}
    _refuse_unknown("requirement", request.requirements, planned)
    _refuse_unknown("account", request.accounts, accounts)
    served = frozenset().union(*(_serving(run.catalog, frameworks) for run in runs))
    requirements = served & planned & (set(request.requirements) or planned)
    if not requirements:
        raise UsageError("expected a scope that holds a requirement, found none; widen --framework or --requirement")
    chosen = _Chosen(
        runs=runs,
        others=tuple(state for state in states if state.run_id not in {run.run_id for run in runs}),
        frameworks=tuple(frameworks),
        requirements=frozenset(requirements),
        accounts=frozenset(set(request.accounts) or accounts),
        personal=frozenset().union(*(_personal(run) for run in runs)),
        recipient=None,
    )
    return replace(chosen, recipient=_recipient(runtime, request, chosen)) if request.unmasked else chosen


def _is_asked(state: RunState, request: PackageRequest) -> bool:
    if request.runs and not {state.run_id, state.slot}.intersection(request.runs):
        return False
    period = state.open.period
    return not (
        (request.since is not None and period.end <= request.since)
        or (request.until is not None and period.start >= request.until)
    )


def _refuse_unknown(what: str, wanted: Sequence[str], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in wanted:
        if name not in known:
            raise UsageError(f"expected a {what} of these runs, found {name}; they have {', '.join(known[:12])}")


def _serving(catalog: Catalog, frameworks: Iterable[str]) -> frozenset[str]:
    wanted = set(frameworks)
    return frozenset(item.id for item in catalog.requirements if wanted.intersection(item.mappings))


def _personal(run: Run) -> frozenset[str]:
    """Kinds that hold personal data, and those derived from their transcripts."""
    kinds = {name for name, item in run.declarations.items() if item.personal}
    return frozenset(kinds | {name for name, item in run.declarations.items() if {item.view_of, item.source} & kinds})


def _recipient(runtime: Runtime, request: PackageRequest, chosen: _Chosen) -> Recipient:
    """Who is given unmasked evidence: named, bound, and for a reason."""
    if not request.reason.strip():
        raise NotDisclosed("expected --reason with --unmasked: why must this recipient see personal data?")
    known = {item.id: item for item in runtime.settings.recipients}
    recipient = known.get(request.recipient or "")
    if recipient is None:
        raise NotDisclosed(
            f"expected --recipient to name one of the settings' recipients, found {request.recipient or 'none'}; "
            f"they are {', '.join(sorted(known)) or 'none'}"
        )
    now = runtime.clock()
    bound = {agreement.kind for agreement in recipient.agreements if agreement.is_in_force(now)}
    has_phi = any(
        item.sensitivity.phi
        for run in chosen.runs
        for item in run.catalog.requirements
        if item.id in chosen.requirements
    )
    if has_phi and "business_associate" not in bound:
        raise NotDisclosed(
            f"expected a business associate agreement in force with {recipient.id}, for the scope can hold PHI; found "
            f"{', '.join(sorted(bound)) or 'none'}; record it under recipients, or narrow --requirement"
        )
    if not bound:
        raise NotDisclosed(
            f"expected processor or confidentiality terms in force with {recipient.id}, found none; record them under "
            "recipients"
        )
    return recipient


class _Drawing:
    """Reads all that the scope promises once, and draws what can be read."""

    def __init__(self, runtime: Runtime, chosen: _Chosen, draft: _Draft) -> None:
        settings = runtime.settings
        self._runtime, self._vault, self._chosen, self._draft = runtime, runtime.vault, chosen, draft
        self._heading = views.Heading(settings.organisation, settings.simulated, GENERATOR)
        keep = {*chosen.accounts, *settings.regions, "global"}
        keep |= {name for run in chosen.runs for name in (*run.declarations, *run.plan.regions)}
        pseudonyms = load_pseudonyms(f"file:{runtime.located.path(settings.keys.pseudonyms)}")
        self._masker = Masker(pseudonyms.pseudonym, frozenset(keep))

    def draw(self) -> None:
        """Every run, then what speaks of all of them."""
        draft = self._draft
        for run in self._chosen.runs:
            self._run(run)
        for state in self._chosen.others:
            reason = "not finished" if state.close is None else "out of scope"
            draft.omissions.append(Omission(what="run", reason=reason, run_id=state.run_id, name=state.slot))
        draft.index.sort()
        draft.draw_lines("data/index.tsv", ("\t".join(row) for row in (_INDEX_COLUMNS, *draft.index)))
        draft.omissions.sort(key=lambda item: (item.run_id, item.what, item.name, str(item.digest)))
        draft.draw("data/omitted.jsonl", (item.canonical() + b"\n" for item in draft.omissions))
        program = Path(views.__file__).with_name("verify.py").read_bytes()
        draft.draw("verify.py", [program])
        draft.draw("README.txt", [readme(self._facts()).encode()])

    def _facts(self) -> Facts:
        chosen, settings = self._chosen, self._runtime.settings
        return Facts(
            name=package_stem(self._runtime, chosen.frameworks, chosen.runs),
            organisation=settings.organisation,
            simulated=settings.simulated,
            log=settings.log,
            status=self._draft.status.value,
            frameworks=[name.upper() for name in chosen.frameworks],
            runs=[run.run_id for run in chosen.runs],
            accounts=sorted(chosen.accounts),
            requirements=len(chosen.requirements),
            artifacts=self._draft.artifacts,
            omitted=Counter(str(item.reason) for item in self._draft.omissions),
            masked=bool(chosen.personal),
            recipient=chosen.recipient.id if chosen.recipient else None,
        )

    def _run(self, run: Run) -> None:
        opened, closed = run.state.open, run.state.close
        if closed is None:
            raise RunNotFound(f"expected a closed run, found {run.run_id} open")
        try:
            manifest = read_manifest(self._vault.blobs, closed.manifest)
            for digest in (opened.catalogue, opened.plan, opened.settings, opened.expected_digest, closed.manifest):
                self._promise(digest)
            for part in manifest.parts:
                self._promise(part.digest)
            for receipt in receipts_of(self._vault, closed):
                self._row(run, closed, receipt)
            findings = self._findings(run)
        except (VaultError, EvidenceSchemaError) as error:
            self._draft.lower(PackageStatus.FAILED)
            self._omit("run", "unreadable", run.run_id, f"{run.state.slot}: {error}"[:2000])
            findings = False
        self._draft.runs.append(ScopedRun(run_id=run.run_id, findings=findings))

    def _promise(self, digest: Digest) -> None:
        """Read a blob to its end: raises where it is not what its name says."""
        if digest not in self._draft.promised:
            for _ in self._vault.blobs.stream(digest):
                pass
            self._draft.promised[digest] = partial(self._vault.blobs.stream, digest)

    def _omit(
        self, what: Any, reason: Any, run_id: str, name: str, digest: Digest | None = None, size: int | None = None
    ) -> None:
        self._draft.omissions.append(
            Omission(what=what, reason=reason, run_id=run_id, name=name, digest=digest, size=size)
        )

    def _row(self, run: Run, closed: RunClose, receipt: Receipt) -> None:
        served = self._chosen.takes(receipt)
        if not served:
            for blob in receipt.blobs:
                name = f"{receipt.unit}"
                self._omit("artifact", "out of scope", run.run_id, name, blob.digest, blob.size)
            return
        masked = receipt.unit.kind in self._chosen.personal
        blobs: tuple[StoredBlob | None, ...] = receipt.blobs or (None,)
        for item in blobs:
            self._artifact(run, closed, receipt, item, served, masked=masked)

    def _artifact(
        self, run: Run, closed: RunClose, receipt: Receipt, blob: StoredBlob | None, served: list[str], *, masked: bool
    ) -> None:
        """The first requirement's folder gets the bytes; each further one a view that says where they are."""
        if blob is not None and masked:
            self._omit("artifact", "personal data", run.run_id, f"{receipt.unit}", blob.digest, blob.size)
            self._draft.withheld[blob.digest] = partial(self._vault.blobs.stream, blob.digest)
        elif blob is not None and not self._is_readable(run, receipt, blob):
            return
        short = (blob.digest if blob else receipt.unit.digest).hex[:_SHORT]
        first = views.stem(receipt, served[0], short)
        place = self._place(blob, served[0], first, masked=masked)
        for requirement in served:
            view = f"data/evidence/{requirement}/{views.stem(receipt, requirement, short)}"
            view += f"{'' if blob else '_no-artifact'}{'_MASKED' if masked and blob else ''}.view.txt"
            if view in self._draft.contents:  # two files of one unit with the same bytes
                continue
            shown = "" if requirement == served[0] else f"data/evidence/{served[0]}/{first}"
            self._draft.draw_lines(
                view, self._view(run, closed, receipt, blob, requirement, place, shown, masked=masked)
            )
            self._index(receipt, blob, requirement, place, view, masked=masked)

    def _is_readable(self, run: Run, receipt: Receipt, blob: StoredBlob) -> bool:
        try:
            self._promise(blob.digest)
        except (VaultError, EvidenceSchemaError) as error:
            self._draft.lower(PackageStatus.PARTIAL)
            name = f"{receipt.unit}: {error}"[:2000]
            self._omit("artifact", "unreadable", run.run_id, name, blob.digest, blob.size)
            return False
        self._draft.artifacts += 1
        return True

    def _place(self, blob: StoredBlob | None, requirement: str, stem: str, *, masked: bool) -> str:
        """Where the sealed bytes can be had, as a view says it."""
        if blob is None:
            return "none"
        sealed = VAULT_FOLDER + self._vault.layout.blob(blob.digest)
        if masked:
            return "not in this package: personal data"
        if blob.size > LARGEST_COPY:
            return sealed
        path = f"data/evidence/{requirement}/{stem}{views.extension(blob)}"
        if path not in self._draft.contents:
            file = PackageFile(path=path, digest=blob.digest, size=blob.size)
            self._draft.take(file, partial(self._vault.blobs.stream, blob.digest))
        return f"{path} (the same as {sealed})"

    def _view(
        self, run: Run, closed: RunClose, receipt: Receipt, blob: StoredBlob | None, requirement: str, place: str,
        shown: str, *, masked: bool,
    ) -> Iterator[str]:  # fmt: skip
        item = next(item for item in run.catalog.requirements if item.id == requirement)
        controls = [
            f"{name.upper()} {control}" for name in self._chosen.frameworks for control in item.mappings.get(name, {})
        ]
        subject = views.Subject(
            receipt=receipt,
            requirement=requirement,
            title=item.title,
            controls=controls,
            index=f"{receipt.run_id[-8:]}-{receipt.unit.digest.hex[:12]}",
            sealed_by=f"a row of manifest {closed.manifest}, which entry {closed.seq:012d} names",
        )
        yield from views.head(self._heading, subject, blob, place, masked=masked)
        if shown:
            yield f"The answers are shown once, in the view beside {shown}*"
        elif blob is not None and blob.role == "transcript":
            yield from views.transcript(self._calls(blob, masked=masked))
        elif blob is not None:
            yield "A file, kept byte for byte as the source gave it." + " It is not shown: MASKED." * masked

    def _calls(self, blob: StoredBlob, *, masked: bool) -> Iterator[dict[str, Any]]:
        lines = self._vault.blobs.lines(blob.digest)
        next(lines, None)
        for line in lines:
            call: Any = parse_canonical(line)
            if masked:
                for name in ("parameters", "body", "item"):
                    if call.get(name):
                        call[name] = self._masker.value(call[name])
                if call.get("error"):
                    call["error"]["message"] = "MASKED"
            yield call

    def _index(
        self, receipt: Receipt, blob: StoredBlob | None, requirement: str, place: str, view: str, *, masked: bool
    ) -> None:
        unit = receipt.unit
        file = "MASKED" if masked and blob else place.partition(" ")[0]
        self._draft.index.append(
            (
                requirement,
                f"{receipt.run_id[-8:]}-{unit.digest.hex[:12]}",
                unit.kind,
                unit.account,
                unit.region,
                receipt.result.value,
                format_time(receipt.finished),
                str(blob.size) if blob else "",
                blob.digest.hex if blob else "",
                file,
                view,
            )
        )

    def _findings(self, run: Run) -> bool:
        """Draw the findings of the scope and the workbooks; whether the sealed findings are in as well."""
        judged, draft = run.state.judged, self._draft
        if judged is None:
            return False
        self._promise(judged.outcomes)
        names_people = _names_people(run, self._chosen.personal)
        found, personal = [], False
        for finding in findings_of(self._vault, judged):
            personal = personal or names_people(finding)
            if finding.requirement in self._chosen.requirements and finding.account in {*self._chosen.accounts, ""}:
                found.append(self._masked(finding).canonical() if names_people(finding) else finding.canonical())
        kind = "_MASKED" if personal else ""
        draft.draw(f"data/findings/{run.run_id}_findings{kind}.jsonl", (line + b"\n" for line in found))
        narrowed = self._chosen.is_narrowed(run)
        if personal or narrowed:
            reason = "speaks of more than the scope" if narrowed else "personal data"
            self._omit("findings", reason, run.run_id, "findings.jsonl", judged.findings)
            if not narrowed:
                draft.withheld[judged.findings] = partial(self._vault.blobs.stream, judged.findings)
        else:
            self._promise(judged.findings)
        self._workbooks(run, names_people, personal=personal)
        return not personal and not narrowed

    def _masked(self, finding: Finding) -> Finding:
        reason = finding.reason
        if reason is not None and reason.type not in ("unit", "call", "fact"):
            reason = reason.model_copy(update={"text": "MASKED"})
        return finding.model_copy(
            update={
                "record": self._masker.text(finding.record),
                "values": self._masker.value(finding.values),
                "reason": reason,
            }
        )

    def _workbooks(self, run: Run, names_people: Callable[[Finding], bool], *, personal: bool) -> None:
        exports = {item.framework: item for item in run.state.exports if item.framework}  # the newest of each
        for framework in self._chosen.frameworks:
            export = exports.get(framework)
            if self._chosen.is_narrowed(run, framework=framework):
                if export is not None:
                    self._omit("workbook", "speaks of more than the scope", run.run_id, export.name, export.digest)
            elif personal:
                self._masked_workbook(run, framework, names_people)
                if export is not None:
                    self._omit("workbook", "personal data", run.run_id, export.name, export.digest, export.size)
                    self._draft.withheld[export.digest] = partial(self._vault.blobs.stream, export.digest)
            elif export is not None:
                self._promise(export.digest)
                self._draft.workbooks.append(export.digest)
                file = PackageFile(path=f"data/workbooks/{export.name}", digest=export.digest, size=export.size)
                self._draft.take(file, partial(self._vault.blobs.stream, export.digest))

    def _masked_workbook(self, run: Run, framework: str, names_people: Callable[[Finding], bool]) -> None:
        if framework not in run.plan.frameworks:
            return
        assessment = assessment_of(self._runtime, run.state, framework)
        findings = assessment.findings
        masked = replace(
            assessment,
            findings=lambda: (self._masked(item) if names_people(item) else item for item in findings()),
        )
        place = self._draft.stage / f"workbook-{run.run_id}-{framework}"
        with place.open("w+b") as file:
            compile_workbook(masked, file)
        name = workbook_name(assessment).removesuffix(".xlsx")
        self._draft.draw(f"data/workbooks/{name}_MASKED.xlsx", file_source(place)())


def _names_people(run: Run, personal: frozenset[str]) -> Callable[[Finding], bool]:
    """Whether a finding rests on kinds that hold personal data: its own, or one that its rule reads beside it."""
    beside = {
        check.id: {item.kind for item in check.with_.values()}
        for requirement in run.catalog.requirements
        for check in requirement.checks
    }

    def names_people(finding: Finding) -> bool:
        return finding.kind in personal or not personal.isdisjoint(beside.get(finding.check, ()))

    return names_people


def package_stem(runtime: Runtime, frameworks: Sequence[str], runs: Sequence[Run]) -> str:
    """What a package is called: framework, log, period, newest run; never a person's name."""
    parts = [
        "-".join(name.upper() for name in frameworks),
        runtime.settings.log,
        period_label(runs[-1].state.open.period),
    ]
    return "_".join([*(["SIMULATED"] if runtime.settings.simulated else []), *parts, runs[-1].run_id])


def _seal(layout: Layout, recipient: Recipient, draft: _Draft) -> None:
    """All that was withheld, as a zip that only the recipient can open."""
    place = draft.stage / "withheld.zip"
    moment = datetime(1980, 1, 1)  # noqa: DTZ001 (a zip's own first moment: the bytes must not depend on a clock)
    target = ZipTarget(place, "withheld", moment)
    for digest in sorted(draft.withheld):
        target.add(layout.blob(digest), draft.withheld[digest]())
    target.close()
    context = layout.log.encode()
    pieces = seal(recipient_key(recipient.key), context, file_source(place)())
    draft.draw(f"data/sealed/{recipient.id}.sealed", pieces)


def _write(runtime: Runtime, request: PackageRequest, chosen: _Chosen, draft: _Draft, out: Path | None) -> Packaged:
    scope, lines = _statement(runtime, chosen, draft)
    entry = _logged(runtime, request, chosen, scope)
    predicate = entry.predicate
    statement = Digest.of(scope.canonical())
    layout, vault = runtime.vault.layout, runtime.vault
    draft.payload[CONTENTS] = lambda: lines
    draft.promised[statement] = partial(vault.blobs.stream, statement)
    for digest, source in draft.promised.items():
        draft.payload[VAULT_FOLDER + layout.blob(digest)] = source
    for key, version in _log_keys(vault, entry.seq):
        draft.payload[VAULT_FOLDER + key] = partial(vault.store.stream, key, version)
    name = f"{package_stem(runtime, chosen.frameworks, chosen.runs)}_{statement.hex[:_SHORT]}"
    path = (out or Path("packages") / f"{name}.zip").absolute()
    info = _info(runtime, name, scope, statement, entry)
    written = write_bag(path, name, draft.payload, draft.tags, info, predicate.time)
    if chosen.recipient is not None:
        _record(path, request, chosen.recipient, entry)
    omitted = dict(sorted(Counter(str(item.reason) for item in draft.omissions).items()))
    return Packaged(written, name, scope, statement, entry.seq, omitted)


def _statement(runtime: Runtime, chosen: _Chosen, draft: _Draft) -> tuple[PackageScope, list[bytes]]:
    lines = [draft.contents[path].canonical() + b"\n" for path in sorted(draft.contents)]
    stream = DigestStream()
    for line in lines:
        stream.update(line)
    scope = PackageScope(
        log=runtime.settings.log,
        runs=tuple(draft.runs),
        frameworks=chosen.frameworks,
        requirements=tuple(sorted(chosen.requirements)),
        accounts=tuple(sorted(chosen.accounts)),
        withheld=tuple(sorted(chosen.personal)),
        workbooks=tuple(sorted(set(draft.workbooks))),
        status=draft.status,
        recipient=chosen.recipient.id if chosen.recipient else None,
        contents=Listing(digest=stream.finish(), size=stream.size, rows=len(lines)),
        omitted=len(draft.omissions),
    )
    return scope, lines


def _logged(runtime: Runtime, request: PackageRequest, chosen: _Chosen, scope: PackageScope) -> LoggedEntry:
    """The export's entry. The same package again, with nothing but exports since, is the same export: same bytes."""
    vault, data = runtime.vault, scope.canonical()
    digest, standing = Digest.of(data), None
    for entry in vault.log.entries():
        predicate = entry.predicate
        if not isinstance(predicate, Export):
            standing = None
        elif predicate.package is not None and predicate.digest == digest:
            standing = entry
    if standing is not None:
        return standing
    run = chosen.runs[-1]
    vault.blobs.put_bytes(data, media_type=SCOPE_MEDIA_TYPE, lock=run.lock(vault))
    vault.runs.export(run.run_id, _export(runtime, request, chosen, digest, len(data)))
    return next(
        entry
        for entry in vault.log.entries()
        if isinstance(entry.predicate, Export) and entry.predicate.digest == digest and entry.predicate.package
    )


def _export(
    runtime: Runtime, request: PackageRequest, chosen: _Chosen, digest: Digest, size: int
) -> Callable[[NextEntry], Statement]:
    run = chosen.runs[-1]
    pseudonyms = load_pseudonyms(f"file:{runtime.located.path(runtime.settings.keys.pseudonyms)}")

    def make(following: NextEntry) -> Statement:
        predicate = Export(
            **following.common(run.run_id, run.state.slot),
            package="unmasked" if chosen.recipient else "masked",
            recipient=chosen.recipient.id if chosen.recipient else None,
            reason=pseudonyms.pseudonym(request.reason) if chosen.recipient else None,
            name="scope.json",
            digest=digest,
            size=size,
            tree_size=following.seq,
        )
        return Statement(subject=(Subject.of("scope.json", digest),), predicate=predicate)

    return make


def _log_keys(vault: Vault, newest: int) -> Iterator[tuple[str, str]]:
    """Entries, checkpoints and time-stamp tokens up to an entry: first versions, of a place that may have many."""
    layout = vault.layout
    tokens = f"{layout.root}tsr/"
    for prefix in (layout.entries, layout.checkpoints, tokens):
        for found in first_versions(vault.store.versions(prefix)):
            number = found.key.removeprefix(prefix).partition(".")[0]
            limit = newest if prefix == layout.entries else newest + 1
            if number.isascii() and number.isdigit() and int(number) <= limit:
                yield found.key, found.version


def _info(runtime: Runtime, name: str, scope: PackageScope, statement: Digest, entry: LoggedEntry) -> bytes:
    """What a receiving desk wants to know; the scope statement in the log says it with authority."""
    fields = (
        ("Source-Organization", " ".join(runtime.settings.organisation.split())),
        ("External-Identifier", name),
        ("Bagging-Date", format_time(entry.predicate.time)[:10]),
        ("Bag-Software-Agent", GENERATOR),
        ("Package-Status", scope.status.value),
        ("Package-Omitted", str(scope.omitted)),
        ("Package-Form", "unmasked part sealed" if scope.recipient else "masked"),
        ("Package-Log", scope.log),
        ("Package-Entry", str(entry.seq)),
        ("Package-Scope", str(statement)),
    )
    return "".join(f"{field}: {value}\n" for field, value in fields).encode()


def _record(path: Path, request: PackageRequest, recipient: Recipient, entry: LoggedEntry) -> None:
    """The reason in words, for the organisation's own file: the log holds only its keyed pseudonym."""
    record = {
        "package": path.name,
        "entry": entry.seq,
        "time": format_time(entry.predicate.time),
        "recipient": recipient.id,
        "agreements": [item.to_json() for item in recipient.agreements],
        "reason": request.reason,
    }
    place = path.with_name(f"{path.name}.disclosure.json")
    place.write_text(json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    place.chmod(0o600)


__all__ = ["FlowsError", "PackageRequest", "Packaged", "make_package", "package_stem"]
