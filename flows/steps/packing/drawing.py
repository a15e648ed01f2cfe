"""Read all that a package's scope promises once, and draw what can be read: artifacts, views, findings, workbooks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.entry import RunClose
from evidence_schema.models.names import PackageStatus
from evidence_schema.models.package import Omission, ScopedRun
from flows.errors import RunNotFound
from flows.report.package import views
from flows.report.package.masking import Masker
from flows.report.package.readme import Facts, readme
from flows.steps.judging import receipts_of
from flows.steps.opening import Run
from flows.steps.packing.artifacts import ArtifactDrawing
from flows.steps.packing.choosing import Chosen, package_stem
from flows.steps.packing.draft import Draft
from flows.steps.packing.findings import FindingsDrawing
from flows.steps.packing.packed_run import PackedRun
from flows.steps.packing.withholding import Withholding
from flows.steps.runtime import GENERATOR, Runtime
from flows.vault.errors import VaultError
from flows.vault.keys import load_pseudonyms
from flows.vault.manifest import read_manifest

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
            findings = self._closed_run(self._packed(run, closed))
        except (VaultError, EvidenceSchemaError) as error:
            self._draft.lower(PackageStatus.FAILED)
            self._draft.omit("run", "unreadable", run.run_id, f"{opened.slot}: {error}"[:2000])
            findings = False
        self._draft.runs.append(ScopedRun(run_id=run.run_id, findings=findings))

    def _packed(self, run: Run, closed: RunClose) -> PackedRun:
        vault, chosen, draft = self._vault, self._chosen, self._draft
        withholding = Withholding(run, vault, draft, for_recipient=chosen.recipient is not None)
        return PackedRun(run, closed, vault, chosen, draft, self._masker, withholding)

    def _closed_run(self, of: PackedRun) -> bool:
        """Whether its sealed findings are in."""
        opened, closed = of.run.state.open, of.closed
        manifest = read_manifest(self._vault.blobs, closed.manifest)
        for digest in (opened.catalogue, opened.plan, opened.settings, opened.expected_digest, closed.manifest):
            of.promise(digest)
        for part in manifest.parts:
            of.promise(part.digest)
        for erasure in of.run.state.erasures:
            of.promise(erasure.disposition)
        if opened.facts is not None:
            of.withholding.document("facts", "personal data", opened.facts, "facts that name people")
        artifacts = ArtifactDrawing(of, self._heading)
        for receipt in receipts_of(self._vault, closed):
            artifacts.draw(receipt)
        return FindingsDrawing(self._runtime, of).draw()
