"""Read all that a package's scope promises once, and draw what can be read: artifacts, views, findings, workbooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from evidence_schema.canonical import parse_canonical
from evidence_schema.digest import Digest
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.base import format_time
from evidence_schema.models.entry import RunClose
from evidence_schema.models.finding import Finding
from evidence_schema.models.names import PackageStatus
from evidence_schema.models.package import Omission, PackageFile, ScopedRun
from evidence_schema.models.receipt import Receipt, StoredBlob
from evidence_schema.verification.package import VAULT_FOLDER
from flows.errors import RunNotFound
from flows.report.package import views
from flows.report.package.masking import Masker
from flows.report.package.readme import Facts, readme
from flows.report.package.writing import file_source
from flows.report.workbook import compile_workbook, workbook_name
from flows.steps.compiling import assessment_of
from flows.steps.judging import findings_of, receipts_of
from flows.steps.opening import Run
from flows.steps.packing.choosing import Chosen, package_stem
from flows.steps.packing.draft import Draft
from flows.steps.runtime import GENERATOR, Runtime
from flows.vault.errors import VaultError
from flows.vault.keys import load_pseudonyms
from flows.vault.manifest import read_manifest

LARGEST_COPY = 8 * 1024 * 1024
"""Longest artifact that also gets a copy under a readable name; of a longer one the view says where its bytes are."""
SHORT = 8
"""Hexadecimal digits of a digest in a file's name."""
_INDEX_COLUMNS = (
    "requirement", "index", "kind", "account", "region", "result", "collected", "bytes", "sha256", "file", "view",
)  # fmt: skip


class Drawing:
    """Reads all that the scope promises once, and draws what can be read."""

    def __init__(self, runtime: Runtime, chosen: Chosen, draft: Draft) -> None:
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
            name=package_stem(self._runtime, chosen),
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
        short = (blob.digest if blob else receipt.unit.digest).hex[:SHORT]
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
