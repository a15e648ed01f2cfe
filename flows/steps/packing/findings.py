"""Draw what was judged of a run: its findings, as far as the scope goes, and its workbooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from evidence_schema.models.entry import Judged
from evidence_schema.models.finding import Finding
from evidence_schema.models.package import OmissionReason, PackageFile
from flows.report.package.writing import file_source
from flows.report.workbook import compile_workbook, workbook_name
from flows.steps.compiling import assessment_of
from flows.steps.custody import REQUIREMENT as CUSTODY_REQUIREMENT
from flows.steps.judging import findings_of
from flows.steps.packing.packed_run import PackedRun
from flows.steps.runtime import Runtime

_NO_ACCOUNT = ("", "-")
"""Findings about no account in particular, and those that say that others were erased."""


class FindingsDrawing:
    """Draws the findings and workbooks of one run."""

    def __init__(self, runtime: Runtime, of: PackedRun) -> None:
        self._runtime, self._of, self._draft = runtime, of, of.draft

    def draw(self) -> bool:
        """Whether the sealed findings that name nobody are in as well."""
        of, run, judged = self._of, self._of.run, self._of.run.state.judged
        if judged is None:
            return False
        of.promise(judged.outcomes)
        if judged.custody is not None:
            of.promise(judged.custody)
            if CUSTODY_REQUIREMENT in of.chosen.requirements:
                self._draft.draw(f"data/custody/{run.run_id}_custody.jsonl", of.vault.blobs.stream(judged.custody))
        personal, narrowed = judged.personal_findings, of.chosen.is_narrowed(run)
        kind = "_MASKED" if personal else ""
        self._draft.draw(f"data/findings/{run.run_id}_findings{kind}.jsonl", self._in_scope(judged))
        reason: OmissionReason = "speaks of more than the scope" if narrowed else "personal data"
        if narrowed:
            self._draft.omit("findings", reason, run.run_id, "findings.jsonl", judged.findings)
        else:
            of.promise(judged.findings)
        if personal is not None:
            of.withholding.document("findings", reason, personal, "personal findings.jsonl")
        for framework in of.chosen.frameworks:
            self._workbook(framework, personal=personal is not None)
        return not narrowed

    def _in_scope(self, judged: Judged) -> Iterator[bytes]:
        chosen, personal = self._of.chosen, self._of.run.personal_checks
        accounts = {*chosen.accounts, *_NO_ACCOUNT}
        for finding in findings_of(self._of.vault, judged):
            if finding.requirement in chosen.requirements and finding.account in accounts:
                shown = self._masked(finding) if finding.check in personal else finding
                yield shown.canonical() + b"\n"

    def _masked(self, finding: Finding) -> Finding:
        masker, reason = self._of.masker, finding.reason
        if reason is not None and reason.type not in ("unit", "call", "fact"):
            reason = reason.model_copy(update={"text": "MASKED"})
        record, values = masker.text(finding.record), masker.value(finding.values)
        return finding.model_copy(update={"record": record, "values": values, "reason": reason})

    def _workbook(self, framework: str, *, personal: bool) -> None:
        of, run = self._of, self._of.run
        exports = {item.framework: item for item in run.state.exports if item.framework}  # the newest of each
        export = exports.get(framework)
        if of.chosen.is_narrowed(run, framework=framework):
            if export is not None:
                reason: OmissionReason = "speaks of more than the scope"
                self._draft.omit("workbook", reason, run.run_id, export.name, export.digest)
        elif personal:
            if framework in run.plan.frameworks:
                self._masked_workbook(framework)
            if export is not None and export.kept is not None:
                of.withholding.document("workbook", "personal data", export.kept, export.name)
        elif export is not None:
            of.promise(export.digest)
            self._draft.workbooks.append(export.digest)
            file = PackageFile(path=f"data/workbooks/{export.name}", digest=export.digest, size=export.size)
            self._draft.take(file, partial(of.vault.blobs.stream, export.digest))

    def _masked_workbook(self, framework: str) -> None:
        run = self._of.run
        assessment = assessment_of(self._runtime, run.state, framework)
        findings, personal = assessment.findings, run.personal_checks
        masked = replace(
            assessment,
            findings=lambda: (self._masked(item) if item.check in personal else item for item in findings()),
        )
        place = self._draft.stage / f"workbook-{run.run_id}-{framework}"
        with place.open("w+b") as file:
            compile_workbook(masked, file)
        name = workbook_name(assessment).removesuffix(".xlsx")
        self._draft.draw(f"data/workbooks/{name}_MASKED.xlsx", file_source(place)())
