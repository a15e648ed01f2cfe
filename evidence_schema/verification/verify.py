"""The steps of the proof in their order, and the two questions an auditor asks: of a log, and of a workbook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from evidence_schema import merkle
from evidence_schema.ahead import WIDTH, Pace
from evidence_schema.bagit import Files
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.encoding import to_base64
from evidence_schema.layout import Layout
from evidence_schema.models.auditor_receipt import AuditorReceipt
from evidence_schema.models.entry import Export
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.reader import Reader
from evidence_schema.timestamp import MAX_REPLY_BYTES
from evidence_schema.verification.anchors import Anchor, Earlier, check_earlier, farthest, read_anchor
from evidence_schema.verification.blobs import Claims, Sealed, check_blobs
from evidence_schema.verification.checkpoints import Checked, Checkpoints, parse_signed
from evidence_schema.verification.encrypted import Keys, Opened, check_encrypted, check_erasures
from evidence_schema.verification.entries import Entry, beginning, check_chain, read_entries
from evidence_schema.verification.judgements import check_judgements
from evidence_schema.verification.listing import Listing, NoLog, first_log, list_entries, list_log
from evidence_schema.verification.manifests import check_manifests
from evidence_schema.verification.package import check_package
from evidence_schema.verification.plans import Place
from evidence_schema.verification.problems import Problems
from evidence_schema.verification.progress import Progress, ProgressCallback
from evidence_schema.verification.reading import Misshapen, Unreadable, read_bounded
from evidence_schema.verification.report import Given, Report, WorkbookReport, verdicts
from evidence_schema.verification.rotations import check_links, check_rotations, check_stolen
from evidence_schema.verification.runs import RESUME_WINDOW, Run, check_endings, follow_runs
from evidence_schema.verification.schedules import check_schedule_entries, check_slots
from evidence_schema.verification.scope import VAULT
from evidence_schema.verification.signatures import check_log_name, check_signatures
from evidence_schema.verification.since import since_of
from evidence_schema.verification.times import check_entry_times, check_freshness
from evidence_schema.verification.tokens import Proven, Tokens, covered
from evidence_schema.verification.trust import Keyring

RECEIPT = "the auditor's receipt"


@dataclass(frozen=True, slots=True)
class _Chain:
    """What steps 2 to 4 made of the entries and checkpoints."""

    entries: list[Entry]
    leaves: list[bytes]
    checked: Checked


@dataclass(frozen=True, slots=True)
class _Examination:
    """One log, with what it is judged by."""

    reader: Reader
    layout: Layout
    trust: TrustPolicy | None
    keyring: Keyring | None
    earlier: tuple[Earlier, ...]
    problems: Problems
    progress: Progress
    pace: Pace

    @classmethod
    def of(
        cls,
        reader: Reader,
        trust: TrustPolicy | None,
        log: str | None,
        kept: bytes | None = None,
        progress: ProgressCallback | None = None,
        width: int = WIDTH,
        anchors: Sequence[Anchor] = (),
        receipt: AuditorReceipt | None = None,
    ) -> Self:
        """Refuses what the auditor gave and is not what it should be, before anything is looked at."""
        name = _log_name(reader, trust, log) or next(filter(None, (first_log(anchor.reader) for anchor in anchors)), "")
        layout, problems = Layout(name), Problems()
        earlier = [] if kept is None else [Earlier(layout.checkpoints, "the kept checkpoint", parse_signed(kept))]
        if receipt is not None:
            earlier.append(_received(receipt, name, trust, problems))
        for anchor in anchors if name else ():
            earlier += read_anchor(anchor, layout, problems, None if trust is None else trust.timestamps)
        return cls(
            reader if name else NoLog(),
            layout,
            trust,
            None if trust is None else Keyring.of(trust),
            tuple(earlier),
            problems,
            Progress(progress),
            Pace.of(reader, width),
        )

    @property
    def kept_size(self) -> int:
        """Entries covered by what the auditor kept. An anchor does not count: a thief may have copied to it as well."""
        return max((kept.size for kept in self.earlier if kept.since is None), default=0)

    def chain(self, listing: Listing) -> _Chain:
        """Steps 2, 3 and 4."""
        problems = self.problems
        entries = read_entries(self.reader, self.layout, listing, problems, self.progress, self.pace)  # 2
        check_chain(self.layout, listing, entries, problems)
        check_signatures(entries, self.keyring, problems)  # 3
        if self.trust is not None:
            check_log_name(self.layout.log, self.trust, self.layout.root, problems)
        origin = None if self.trust is None else self.trust.origin
        check_links(entries, problems)
        countersigners = check_rotations(entries, self.keyring, origin, self.layout, problems)
        leaves = [entry.leaf for entry in beginning(entries)]
        checkpoints = Checkpoints(self.reader, self.layout, leaves, self.keyring, problems, countersigners)  # 4
        checked = checkpoints.check(listing, origin)
        check_earlier(self.earlier, leaves, checked.origin, self.keyring, problems)
        return _Chain(entries, leaves, checked)


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
    package: Files | None = None,
    keys: Keys | None = None,
    anchors: Sequence[Anchor] = (),
    receipt: AuditorReceipt | None = None,
) -> Report:
    """Prove a log, step by step as this package numbers them; every fault of what is stored becomes a problem.

    `trust` is what the auditor pinned; without it no signature can be believed, and the report says so. `kept` is a
    checkpoint note of an earlier look. `log` names the log where neither the policy nor the place's keys do. `package`
    are all files of a package that holds the place: then the last entry's scope says what must be there. `keys` opens
    what is encrypted; without them it is proven by its digest only. `anchors` are places outside the vault that hold
    checkpoints of it: the log must begin with what each one covers, and with what the `receipt` of a look covers.
    Raises BadNote or BadCheckpoint for a `kept` that
    is none, BadKey for a policy without keys, and whatever the place raises where it cannot be listed at all: then
    nothing was examined.
    """
    asked = _Examination.of(reader, trust, log, kept, progress, width, anchors, receipt)
    reader, layout, problems = asked.reader, asked.layout, asked.problems
    listing = list_log(reader, layout, problems, asked.progress)  # 1
    chain = asked.chain(listing)  # 2, 3, 4
    claims = Claims(reader, layout, listing.blobs, problems)
    scope = VAULT if package is None else check_package(package, reader, layout, chain.entries, problems)  # 10
    runs = list(follow_runs(chain.entries, claims, problems, scope).values())  # 5
    check_endings(runs, now, resume_window, problems)
    place = Place(
        reader, layout, claims, Sealed(reader, layout, claims, problems), problems, asked.progress, asked.pace, scope
    )
    plans = check_manifests(place, runs, listing)  # 6
    hashed = check_blobs(reader, layout, claims, asked.progress, asked.pace)  # 7
    opened = check_encrypted(place, claims.ciphertexts, check_erasures(place, chain.entries), keys)
    check_judgements(place, runs, plans)  # 8
    check_schedule_entries(chain.entries, problems)
    check_entry_times(chain.entries, now, problems)  # 9
    pinned = None if trust is None else trust.timestamps
    tokens = Tokens(reader, layout, pinned, chain.checked.digests, problems, asked.pace)
    proven = tokens.check(listing, beginning(chain.entries), now)
    if asked.keyring is not None:
        check_stolen(covered(chain.entries, proven.tokens), asked.keyring, asked.kept_size, problems)
    slots = ""
    if trust is not None:
        check_freshness(runs, trust, layout, now, problems)
        slots = check_slots(chain.entries, runs, trust, layout, now, problems)
    if claims.left_out:
        found = f"{claims.left_out} blobs that rows and entries name are left out by its scope"
        problems.note("not-in-package", layout.blobs, "all that the log names", found)
    report = _report(asked, chain, runs, proven, hashed, opened, claims.left_out, slots)
    if report.checkpoint:
        size = parse_signed(report.checkpoint).checkpoint.size
        report = replace(report, tokens=tuple(_tokens_over(reader, layout, listing, size)))
    if receipt is not None and not any(problem.key == RECEIPT for problem in report.problems):
        report = replace(report, since=since_of(receipt, beginning(chain.entries)))
    return report


def verify_workbook(
    reader: Reader,
    workbook: Iterable[bytes],
    *,
    trust: TrustPolicy | None,
    log: str | None = None,
    width: int = WIDTH,
) -> WorkbookReport:
    """Whether exactly these bytes left the log as an export: an entry of the log (steps 1 to 4) names their digest."""
    asked = _Examination.of(reader, trust, log, width=width)
    stream = DigestStream()
    for piece in workbook:
        stream.update(piece)
    digest = stream.finish()
    chain = asked.chain(list_entries(asked.reader, asked.layout, asked.problems))
    seq, export = _export_of(chain.entries, digest, stream.size)
    if export is None:
        found = f"none that names {digest} of {stream.size} bytes"
        asked.problems.add("workbook-not-exported", asked.layout.entries, "an export entry of these bytes", found)
    return WorkbookReport(digest, stream.size, export, seq, asked.problems.all(), trust is not None)


def _received(receipt: AuditorReceipt, log: str, trust: TrustPolicy | None, problems: Problems) -> Earlier:
    """The checkpoint of a receipt; it is of this log, and by whichever policy."""
    if receipt.log != log:
        problems.add("kept-checkpoint-of-another-log", RECEIPT, receipt.log, log)
    if receipt.policy is not None and trust is not None and receipt.policy != trust.fingerprint:
        problems.note("receipt-by-another-policy", RECEIPT, receipt.policy, trust.fingerprint)
    return Earlier(RECEIPT, "the receipt", parse_signed(receipt.checkpoint.encode()), receipt.looked)


def _tokens_over(reader: Reader, layout: Layout, listing: Listing, size: int) -> Iterator[tuple[str, Digest]]:
    for (over, authority), version in sorted(listing.tokens.items()):
        if over == size:
            try:
                reply = read_bounded(reader, layout.token(over, authority), version, MAX_REPLY_BYTES)
            except (Unreadable, Misshapen):
                continue  # told where tokens are judged
            yield authority, Digest.of(reply)


def _log_name(reader: Reader, trust: TrustPolicy | None, log: str | None) -> str:
    if log is not None:
        return log
    return first_log(reader) if trust is None else trust.log


def _export_of(entries: Sequence[Entry], digest: Digest, size: int) -> tuple[int | None, Export | None]:
    for entry in entries:
        predicate = entry.predicate
        if isinstance(predicate, Export) and (predicate.digest, predicate.size) == (digest, size):
            return entry.seq, predicate
    return None, None


def _report(
    asked: _Examination,
    chain: _Chain,
    runs: Sequence[Run],
    proven: Proven,
    hashed: tuple[int, int],
    opened: Opened,
    left_out: int,
    slots: str,
) -> Report:
    problems, notes = asked.problems.all(), asked.problems.notes()
    kept = farthest(asked.earlier)
    given = Given(
        pinned=asked.trust is not None,
        tree_size=len(chain.leaves),
        kept_size=None if kept is None else kept.size,
        slots=slots,
        kept_words="" if kept is None else kept.words,
        max_age_days=None if asked.trust is None else asked.trust.max_age_days,
        left_out=left_out,
        unnamed_blobs=sum(note.type == "unnamed-blob" for note in notes),
        time=proven.words,
        time_missing=proven.missing,
    )
    return Report(
        log=asked.layout.log,
        origin=chain.checked.origin,
        tree_size=len(chain.leaves),
        root=to_base64(merkle.root(chain.leaves)),
        entries=len(chain.entries),
        runs=len(runs),
        simulated_runs=sum(run.opened.simulated for run in runs),
        blobs=hashed[0],
        bytes=hashed[1],
        verdicts=verdicts(problems, given),
        problems=problems,
        notes=notes,
        pinned=given.pinned,
        checkpoint=chain.checked.newest,
        left_out=left_out,
        encrypted=opened.encrypted,
        opened=opened.opened,
        erased=opened.erased,
    )
