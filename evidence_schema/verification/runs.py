"""Step 5: the runs that the entries tell of, in the order in which things must happen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evidence_schema.digest import Digest
from evidence_schema.models.encrypted import Context, EncryptedBlob
from evidence_schema.models.entry import (
    EntryBase,
    Erasure,
    Export,
    Judged,
    Predicate,
    RunAbandoned,
    RunClose,
    RunOpen,
    RunPredicate,
)
from evidence_schema.verification.blobs import Claims, EncryptedClaim
from evidence_schema.verification.entries import Entry
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.scope import ENCRYPTED, VAULT, Scope

RESUME_WINDOW = timedelta(hours=24)
"""How long an open run may still be resumed by the next start of its slot."""


@dataclass
class Run:
    """A run by its entries; of two endings the first counts."""

    key: str
    opened: RunOpen
    opening: Digest
    ended: RunClose | RunAbandoned | None = None
    ended_key: str = ""
    judged: list[tuple[str, Judged]] = field(default_factory=list)

    @property
    def closed(self) -> RunClose | None:
        """The closing entry, if the run was finished."""
        return self.ended if isinstance(self.ended, RunClose) else None


def follow_runs(entries: Iterable[Entry], claims: Claims, problems: Problems, scope: Scope = VAULT) -> dict[str, Run]:
    """Every opened run by its id."""
    runs: dict[str, Run] = {}
    for entry in entries:
        if entry.predicate is None:
            continue
        if not isinstance(entry.predicate, EntryBase):  # about no run: see schedules
            continue
        if isinstance(entry.predicate, RunOpen):
            _open(runs, entry, entry.predicate, problems)
        elif (run := runs.get(entry.predicate.run_id)) is None:
            problems.add("run-not-opened", entry.key, f"an opened run {entry.predicate.run_id}", "none before it")
        else:
            _advance(run, entry, entry.predicate, problems)
        _check_named(entry, entry.predicate, runs.get(entry.predicate.run_id), claims, problems, scope)
    return runs


def check_endings(runs: Iterable[Run], now: datetime, window: timedelta, problems: Problems) -> None:
    """An attempt that was not finished stays visible: at work, given up, or left behind."""
    for run in runs:
        if run.ended is None and now - run.opened.time > window:
            found = f"{run.opened.run_id} open since {run.opened.time}"
            problems.add("run-unfinished", run.key, f"a run closed or abandoned within {window}", found)
        elif run.ended is None:
            problems.note("run-in-progress", run.key, "a closed run", f"{run.opened.run_id} may still be resumed")
        elif run.closed is None:
            problems.note("run-abandoned", run.key, "a closed run", f"{run.opened.run_id} attempted, not finished")


def _open(runs: dict[str, Run], entry: Entry, opened: RunOpen, problems: Problems) -> None:
    if opened.run_id in runs:
        problems.add("run-opened-twice", entry.key, "a new run", f"{opened.run_id}, as in {runs[opened.run_id].key}")
    else:
        runs[opened.run_id] = Run(entry.key, opened, entry.digest)


def _advance(run: Run, entry: Entry, predicate: RunPredicate, problems: Problems) -> None:
    if predicate.slot != run.opened.slot:
        problems.add("run-slot-differs", entry.key, run.opened.slot, predicate.slot)
    if isinstance(predicate, RunClose | RunAbandoned):
        _end(run, entry, predicate, problems)
    elif isinstance(predicate, Judged):
        _judge(run, entry, predicate, problems)
    elif isinstance(predicate, Export):
        _export(run, entry, predicate, problems)


def _end(run: Run, entry: Entry, ending: RunClose | RunAbandoned, problems: Problems) -> None:
    if run.ended is not None:
        problems.add("run-ended-twice", entry.key, "one ending of a run", f"{ending.type} after {run.ended_key}")
        return
    run.ended, run.ended_key = ending, entry.key


def _judge(run: Run, entry: Entry, judged: Judged, problems: Problems) -> None:
    """The same evidence by the same rules gives the same findings, whoever judges."""
    if run.closed is None:
        problems.add("judged-before-close", entry.key, "a closed run", "one that is not closed")
    for key, earlier in run.judged[:1]:
        # Ciphertexts of the same findings differ; only their keys can tell whether these are the same.
        if (earlier.findings, earlier.outcomes) != (judged.findings, judged.outcomes):
            problems.add("judged-differently", entry.key, f"the findings of {key}", "others")
    run.judged.append((entry.key, judged))


def _export(run: Run, entry: Entry, export: Export, problems: Problems) -> None:
    if run.closed is None:
        problems.add("export-before-close", entry.key, "a closed run", "one that is not closed")
    if not 0 < export.tree_size <= entry.seq:
        problems.add("export-beyond-log", entry.key, f"a tree of at most {entry.seq} entries", export.tree_size)


def _check_named(
    entry: Entry, predicate: RunPredicate, run: Run | None, claims: Claims, problems: Problems, scope: Scope
) -> None:
    """What an entry names exists, and its subject is something that it names."""
    named = named_by(predicate)
    for what, (digest, size) in named.items():
        promised = scope.has_named(predicate, what)
        claims.name("entry-blob-missing", digest, size, f"{entry.key} ({what})", promised=promised)
    for part, blob in _encrypted(predicate).items():
        context = Context(log=predicate.log, run_id=predicate.run_id, part=part)
        claims.encrypted(blob.digest, EncryptedClaim(context, blob.encryption))
    subjects = {digest for digest, _ in named.values()} | ({run.opening} if run else set())
    if isinstance(predicate, Export):
        subjects.add(predicate.digest)
    if not entry.subject or not subjects.issuperset(entry.subject):
        found = ", ".join(str(digest) for digest in entry.subject) or "none"
        problems.add("subject-differs", entry.key, "a subject that the entry names, or its run's opening", found)


def named_by(predicate: Predicate) -> dict[str, tuple[Digest, int | None]]:
    """The blobs that an entry names, by what they are: digest, and size where it is stated."""
    if isinstance(predicate, RunOpen):
        return {
            "catalogue": (predicate.catalogue, None),
            "plan": (predicate.plan, None),
            "settings": (predicate.settings, None),
            "expected units": (predicate.expected_digest, None),
        } | _documents(predicate)
    if isinstance(predicate, RunClose):
        return {"manifest": (predicate.manifest, None)}
    if isinstance(predicate, Judged):
        return {"findings": (predicate.findings, None), "outcomes": (predicate.outcomes, None)} | _documents(predicate)
    if isinstance(predicate, Export):  # what left was in clear; the copy kept may be a ciphertext of it
        return _documents(predicate) or {"export": (predicate.digest, predicate.size)}
    if isinstance(predicate, Erasure):
        return {"disposition": (predicate.disposition, None)}
    return {}


def _documents(predicate: Predicate) -> dict[str, tuple[Digest, int | None]]:
    return {f"{ENCRYPTED}{part}": (blob.digest, blob.size) for part, blob in _encrypted(predicate).items()}


def _encrypted(predicate: Predicate) -> dict[str, EncryptedBlob]:
    """The encrypted documents that an entry names, by the part of the run that they are."""
    found: dict[str, EncryptedBlob | None] = {}
    if isinstance(predicate, RunOpen):
        found = {"facts": predicate.facts}
    elif isinstance(predicate, Judged):
        found = {"findings": predicate.personal_findings}
    elif isinstance(predicate, Export):
        found = {"workbook": predicate.kept}
    return {part: blob for part, blob in found.items() if blob is not None}
