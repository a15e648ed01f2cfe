"""The auditor's package: choose, read and check what the scope promises, draw what can be read, log the export, write.

The export entry comes before the first byte leaves: it names the scope statement, the scope names the digest of every
file drawn, and the package holds the log up to that entry. So the log itself signs what a package is.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evidence_schema.digest import Digest
from evidence_schema.models.package import PackageScope
from evidence_schema.verification.package import CONTENTS, VAULT_FOLDER
from flows.report.package.writing import Written, write_bag
from flows.steps.packing.artifacts import SHORT
from flows.steps.packing.choosing import Chosen, PackageRequest, choose, package_stem
from flows.steps.packing.draft import Draft
from flows.steps.packing.drawing import Drawing
from flows.steps.packing.exporting import bag_info, log_keys, logged, record_disclosure, scope_of, seal_withheld
from flows.steps.runtime import Runtime


@dataclass(frozen=True)
class Packaged:
    """A package that stands."""

    written: Written
    name: str
    scope: PackageScope
    statement: Digest
    seq: int
    omitted: dict[str, int]


def make_package(runtime: Runtime, request: PackageRequest, out: Path | None) -> Packaged:
    """Write a package, a zip where `out` ends so, else a folder; by default a zip below `packages`.

    Raises UsageError or RunNotFound for what is not in the log, NotDisclosed for unmasked evidence without reason,
    recipient or agreement, NoDataKeys where there is personal evidence and nothing to open it with.
    """
    runtime.vault.repair()
    chosen = choose(runtime, request)
    if any(run.personal for run in chosen.runs):
        runtime.vault.artifacts.keys.check_ready()
    with tempfile.TemporaryDirectory() as stage:
        draft = Draft(Path(stage))
        Drawing(runtime, chosen, draft).draw()
        if chosen.recipient is not None:
            seal_withheld(runtime.vault.layout, chosen.recipient, draft)
        return _write(runtime, request, chosen, draft, out)


def _write(runtime: Runtime, request: PackageRequest, chosen: Chosen, draft: Draft, out: Path | None) -> Packaged:
    scope, lines = scope_of(runtime, chosen, draft)
    entry = logged(runtime, request, chosen, scope)
    predicate = entry.predicate
    statement = Digest.of(scope.canonical())
    layout, vault = runtime.vault.layout, runtime.vault
    draft.payload[CONTENTS] = lambda: lines
    draft.promised[statement] = partial(vault.blobs.stream, statement)
    for digest, source in draft.promised.items():
        draft.payload[VAULT_FOLDER + layout.blob(digest)] = source
    for key, version in log_keys(vault, entry.seq):
        draft.payload[VAULT_FOLDER + key] = partial(vault.store.stream, key, version)
    name = f"{package_stem(runtime, chosen)}_{statement.hex[:SHORT]}"
    path = (out or Path("packages") / f"{name}.zip").absolute()
    info = bag_info(runtime, name, scope, statement, entry)
    written = write_bag(path, name, draft.payload, draft.tags, info, predicate.time)
    if chosen.recipient is not None:
        record_disclosure(path, request, chosen.recipient, entry)
    omitted = dict(sorted(Counter(str(item.reason) for item in draft.omissions).items()))
    return Packaged(written, name, scope, statement, entry.seq, omitted)


__all__ = ["PackageRequest", "Packaged", "make_package"]
