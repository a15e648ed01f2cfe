"""The steps of the proof in their order, and the two questions an auditor asks: of a log, and of a workbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from evidence_schema import merkle
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.encoding import to_base64
from evidence_schema.layout import Layout
from evidence_schema.models.entry import Export
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.reader import Reader
from evidence_schema.verification.blobs import Claims, Sealed, check_blobs
from evidence_schema.verification.checkpoints import Checked, Checkpoints, SignedCheckpoint, parse_signed
from evidence_schema.verification.entries import Entry, beginning, check_chain, read_entries
from evidence_schema.verification.judgements import check_judgements
from evidence_schema.verification.listing import Listing, first_log, list_entries, list_log
from evidence_schema.verification.manifests import check_manifests
from evidence_schema.verification.plans import Place
from evidence_schema.verification.problems import Problem, Problems
from evidence_schema.verification.progress import Progress, ProgressCallback
from evidence_schema.verification.reading import WIDTH
from evidence_schema.verification.report import Given, Report, WorkbookReport, verdicts
from evidence_schema.verification.runs import RESUME_WINDOW, Run, check_endings, follow_runs
from evidence_schema.verification.signatures import check_log_name, check_signatures
from evidence_schema.verification.times import check_entry_times, check_freshness
from evidence_schema.verification.trust import Keyring


@dataclass(frozen=True, slots=True)
class _Chain:
    """What steps 2 to 4 made of the entries and checkpoints."""

    entries: list[Entry]
    leaves: list[bytes]
    checked: Checked


def verify_log(
    reader: Reader,
    *,
    trust: TrustPolicy | None,
    now: datetime,
    kept: bytes | None = None,
    log: str | None = None,
    progress: ProgressCallback | None = None,
    resume_window: timedelta = RESUME_WINDOW,
    width: int = WIDTH,
) -> Report:
    """Prove a log, step by step as this package numbers them; every fault of what is stored becomes a problem.

    `trust` is what the auditor pinned; without it no signature can be believed, and the report says so. `kept` is a
    checkpoint note of an earlier look. `log` names the log where neither the policy nor the place's keys do. Raises
    BadNote or BadCheckpoint for a `kept` that is none, BadKey for a policy without keys, and whatever the place
    raises where it cannot be listed at all: then nothing was examined.
    """
    earlier = None if kept is None else parse_signed(kept)
    keyring = None if trust is None else Keyring.of(trust)
    layout = Layout(_log_name(reader, trust, log))
    problems, told = Problems(), Progress(progress)

    listing = list_log(reader, layout, problems, told)  # 1
    chain = _check_chain(reader, layout, listing, trust, keyring, earlier, problems, told, width)  # 2, 3, 4
    claims = Claims(reader, layout, listing.blobs, problems)
    runs = list(follow_runs(chain.entries, claims, problems).values())  # 5
    check_endings(runs, now, resume_window, problems)
    place = Place(reader, layout, claims, Sealed(reader, layout, claims, problems), problems, told, width)
    plans = check_manifests(place, runs, listing)  # 6
    blobs, size = check_blobs(reader, layout, claims, told, width)  # 7
    check_judgements(place, runs, plans)  # 8
    check_entry_times(chain.entries, now, problems)  # 9
    if trust is not None:
        check_freshness(runs, trust, layout, now, problems)
    return _report(layout, chain, runs, blobs, size, trust, earlier, problems)


def verify_workbook(
    reader: Reader,
    workbook: Iterable[bytes],
    *,
    trust: TrustPolicy | None,
    log: str | None = None,
    width: int = WIDTH,
) -> WorkbookReport:
    """Whether exactly these bytes left the log as an export: an entry of the log (steps 1 to 4) names their digest."""
    stream = DigestStream()
    for piece in workbook:
        stream.update(piece)
    digest, keyring = stream.finish(), None if trust is None else Keyring.of(trust)
    layout, problems = Layout(_log_name(reader, trust, log)), Problems()
    listing = list_entries(reader, layout, problems)
    chain = _check_chain(reader, layout, listing, trust, keyring, None, problems, Progress(), width)
    seq, export = _export_of(chain.entries, digest, stream.size)
    if export is None:
        found = f"none that names {digest} of {stream.size} bytes"
        problems.add("workbook-not-exported", layout.entries, "an export entry of these bytes", found)
    return WorkbookReport(digest, stream.size, export, seq, problems.all(), trust is not None)


def _log_name(reader: Reader, trust: TrustPolicy | None, log: str | None) -> str:
    if log is not None:
        return log
    return first_log(reader) if trust is None else trust.log


def _check_chain(
    reader: Reader,
    layout: Layout,
    listing: Listing,
    trust: TrustPolicy | None,
    keyring: Keyring | None,
    earlier: SignedCheckpoint | None,
    problems: Problems,
    progress: Progress,
    width: int,
) -> _Chain:
    entries = read_entries(reader, layout, listing, problems, progress, width)  # 2
    check_chain(layout, listing, entries, problems)
    check_signatures(entries, keyring, problems)  # 3
    if trust is not None:
        check_log_name(layout.log, trust, layout.root, problems)
    leaves = [entry.leaf for entry in beginning(entries)]
    checkpoints = Checkpoints(reader, layout, leaves, keyring, problems)  # 4
    checked = checkpoints.check(listing, None if trust is None else trust.origin)
    if earlier is not None:
        checkpoints.check_kept(earlier, checked.origin)
    return _Chain(entries, leaves, checked)


def _export_of(entries: Sequence[Entry], digest: Digest, size: int) -> tuple[int | None, Export | None]:
    for entry in entries:
        predicate = entry.predicate
        if isinstance(predicate, Export) and (predicate.digest, predicate.size) == (digest, size):
            return entry.seq, predicate
    return None, None


def _report(
    layout: Layout,
    chain: _Chain,
    runs: Sequence[Run],
    blobs: int,
    size: int,
    trust: TrustPolicy | None,
    earlier: SignedCheckpoint | None,
    problems: Problems,
) -> Report:
    found, notes = problems.all(), problems.notes()
    given = Given(
        pinned=trust is not None,
        tree_size=len(chain.leaves),
        kept_size=None if earlier is None else earlier.checkpoint.size,
        max_age_days=None if trust is None else trust.max_age_days,
        unnamed_blobs=_count(notes, "unnamed-blob"),
    )
    return Report(
        log=layout.log,
        origin=chain.checked.origin,
        tree_size=len(chain.leaves),
        root=to_base64(merkle.root(chain.leaves)),
        entries=len(chain.entries),
        runs=len(runs),
        simulated_runs=sum(run.opened.simulated for run in runs),
        blobs=blobs,
        bytes=size,
        verdicts=verdicts(found, given),
        problems=found,
        notes=notes,
        pinned=trust is not None,
        checkpoint=chain.checked.newest,
    )


def _count(notes: Iterable[Problem], type_: str) -> int:
    return sum(note.type == type_ for note in notes)
