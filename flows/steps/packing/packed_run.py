"""One run of a package: what is read of it, where it is drawn to, and what masks the names in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from evidence_schema.digest import Digest
from evidence_schema.models.entry import RunClose
from flows.report.package.masking import Masker
from flows.steps.opening import Run
from flows.steps.packing.choosing import Chosen
from flows.steps.packing.draft import Draft
from flows.steps.packing.withholding import Withholding
from flows.vault.vault import Vault


@dataclass(frozen=True)
class PackedRun:
    """A closed run in the scope."""

    run: Run
    closed: RunClose
    vault: Vault
    chosen: Chosen
    draft: Draft
    masker: Masker
    withholding: Withholding

    def promise(self, digest: Digest) -> None:
        """Read a blob to its end, once: raises where it is not what its name says."""
        if digest not in self.draft.promised:
            for _ in self.vault.blobs.stream(digest):
                pass
            self.draft.promised[digest] = partial(self.vault.blobs.stream, digest)
