"""Draw the rows of a run: its artifacts under readable names, a printable view of each, and their index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from evidence_schema.canonical import parse_canonical
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.base import format_time
from evidence_schema.models.names import PackageStatus
from evidence_schema.models.package import PackageFile
from evidence_schema.models.receipt import Receipt, StoredBlob
from evidence_schema.verification.package import VAULT_FOLDER
from flows.report.package import views
from flows.steps.packing.packed_run import PackedRun
from flows.vault.errors import VaultError

LARGEST_COPY = 8 * 1024 * 1024
"""Longest artifact that also gets a copy under a readable name; of a longer one the view says where its bytes are."""
SHORT = 8
"""Hexadecimal digits of a digest in a file's name."""


@dataclass(frozen=True)
class _Artifact:
    """A row's artifact, or None for a row that has none."""

    receipt: Receipt
    blob: StoredBlob | None
    masked: bool
    closed_off: str = ""
    """Why nobody can read it, not even masked."""

    @property
    def short(self) -> str:
        return (self.blob.digest if self.blob else self.receipt.unit.digest).hex[:SHORT]


class ArtifactDrawing:
    """Draws the artifacts of one run."""

    def __init__(self, of: PackedRun, heading: views.Heading) -> None:
        self._of, self._draft, self._heading = of, of.draft, heading

    def draw(self, receipt: Receipt) -> None:
        """A row: what the scope takes of it, or that it is out of scope."""
        served = self._of.chosen.takes(receipt)
        if not served:
            for left_out in receipt.blobs:
                run_id, name = self._of.run.run_id, f"{receipt.unit}"
                self._draft.omit("artifact", "out of scope", run_id, name, left_out.digest, left_out.size)
            return
        blobs: tuple[StoredBlob | None, ...] = receipt.blobs or (None,)
        for blob in blobs:
            found = self._taken(receipt, blob)
            if found is not None:
                self._views(found, served)

    def _taken(self, receipt: Receipt, blob: StoredBlob | None) -> _Artifact | None:
        """An artifact that is in, or masked; None of one that cannot be read."""
        if blob is None:
            return _Artifact(receipt, None, masked=False)
        if receipt.unit.kind in self._of.run.personal_kinds:
            return _Artifact(receipt, blob, masked=True, closed_off=self._of.withholding.artifact(receipt, blob))
        try:
            self._of.promise(blob.digest)
        except (VaultError, EvidenceSchemaError) as error:
            self._draft.lower(PackageStatus.PARTIAL)
            name = f"{receipt.unit}: {error}"[:2000]
            self._draft.omit("artifact", "unreadable", self._of.run.run_id, name, blob.digest, blob.size)
            return None
        self._draft.artifacts += 1
        return _Artifact(receipt, blob, masked=False)

    def _views(self, found: _Artifact, served: list[str]) -> None:
        """The first requirement's folder gets the bytes; each further one a view that says where they are."""
        first = views.stem(found.receipt, served[0], found.short)
        place = self._place(found, served[0], first)
        for requirement in served:
            name = f"data/evidence/{requirement}/{views.stem(found.receipt, requirement, found.short)}"
            name += f"{'' if found.blob else '_no-artifact'}{'_MASKED' if found.masked else ''}.view.txt"
            if name in self._draft.contents:  # two files of one unit with the same bytes
                continue
            shown = "" if requirement == served[0] else f"data/evidence/{served[0]}/{first}"
            self._draft.draw_lines(name, self._view(found, requirement, place, shown))
            self._index(found, requirement, place, name)

    def _place(self, found: _Artifact, requirement: str, stem: str) -> str:
        """Where the sealed bytes can be had, as a view says it."""
        blob, vault = found.blob, self._of.vault
        if blob is None:
            return "none"
        if found.masked:
            return "not in this package: personal data"
        sealed = VAULT_FOLDER + vault.layout.blob(blob.digest)
        if blob.size > LARGEST_COPY:
            return sealed
        path = f"data/evidence/{requirement}/{stem}{views.extension(blob)}"
        if path not in self._draft.contents:
            file = PackageFile(path=path, digest=blob.digest, size=blob.size)
            self._draft.take(file, partial(vault.blobs.stream, blob.digest))
        return f"{path} (the same as {sealed})"

    def _view(self, found: _Artifact, requirement: str, place: str, shown: str) -> Iterator[str]:
        of, receipt, blob = self._of, found.receipt, found.blob
        item = next(item for item in of.run.catalog.requirements if item.id == requirement)
        controls = [
            f"{name.upper()} {control}" for name in of.chosen.frameworks for control in item.mappings.get(name, {})
        ]
        subject = views.Subject(
            receipt=receipt,
            requirement=requirement,
            title=item.title,
            controls=controls,
            index=_index_of(receipt),
            sealed_by=f"a row of manifest {of.closed.manifest}, which entry {of.closed.seq:012d} names",
        )
        yield from views.head(self._heading, subject, blob, place, masked=found.masked)
        if found.closed_off:
            yield f"The content cannot be shown: {found.closed_off}"
        elif shown:
            yield f"The answers are shown once, in the view beside {shown}*"
        elif blob is not None and blob.role == "transcript":
            yield from views.transcript(self._calls(receipt, blob, masked=found.masked))
        elif blob is not None:
            yield "A file, kept byte for byte as the source gave it." + " It is not shown: MASKED." * found.masked

    def _calls(self, receipt: Receipt, blob: StoredBlob, *, masked: bool) -> Iterator[dict[str, Any]]:
        lines = self._of.vault.artifacts.lines(blob, receipt.run_id, receipt.unit.digest.hex)
        next(lines, None)
        for line in lines:
            call: Any = parse_canonical(line)
            if masked:
                for name in ("parameters", "body", "item"):
                    if call.get(name):
                        call[name] = self._of.masker.value(call[name])
                if call.get("error"):
                    call["error"]["message"] = "MASKED"
            yield call

    def _index(self, found: _Artifact, requirement: str, place: str, view: str) -> None:
        receipt, unit, blob = found.receipt, found.receipt.unit, found.blob
        self._draft.index.append(
            (
                requirement,
                _index_of(receipt),
                unit.kind,
                unit.account,
                unit.region,
                receipt.result.value,
                format_time(receipt.finished),
                str(blob.size) if blob else "",
                blob.digest.hex if blob else "",
                "MASKED" if found.masked else place.partition(" ")[0],
                view,
            )
        )


def _index_of(receipt: Receipt) -> str:
    """How the workbook's register calls the evidence."""
    return f"{receipt.run_id[-8:]}-{receipt.unit.digest.hex[:12]}"
