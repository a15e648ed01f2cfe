"""What somebody does who holds every signing key of a log: he tells the story otherwise, and seals and signs it anew.

A `Draft` is the story: statements, and the objects that they rest on. An operation changes it; `Draft.sealed` numbers,
chains, signs and checkpoints it from the first changed entry on. Sealed unchanged it is, byte for byte, what the vault
wrote (a test says so): the insider leaves nothing undone that the writer does. The operations of `CONSISTENT` agree
with themselves, so that nothing inside the log can show them; those of `CARELESS` do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any

from authority import Authority
from history import ENGINE, LAYOUT, ORIGIN, SIGNER, STRANGER, SUCCESSOR, History
from outsider import statements
from stored import Stored

from evidence_schema.canonical import canonical_bytes
from evidence_schema.checkpoint import Checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import encode_envelope, sign_envelope
from evidence_schema.merkle import leaf_hash
from evidence_schema.models.entry import (
    PAYLOAD_TYPE,
    Export,
    Judged,
    KeyRotate,
    RunAbandoned,
    RunClose,
    RunEntry,
    RunOpen,
    Statement,
    Subject,
)
from evidence_schema.models.finding import Finding, FindingsHeader, Outcomes
from evidence_schema.models.names import FindingResult, GatherResult, Outcome
from evidence_schema.models.receipt import Manifest, ManifestPart, Receipt, StoredBlob
from evidence_schema.models.unit import Listing, Plan, PlannedUnit
from evidence_schema.note import Note, VerifierKey, sign_text
from evidence_schema.verification.checkpoints import RunningRoot
from flows.vault.keys import LocalKey


@dataclass(frozen=True)
class RunStory:
    """A closed run: its entries, their numbers in the sound log, and what they rest on."""

    numbers: tuple[int, ...]
    opened: RunOpen
    closed: RunClose
    judged: Judged
    export: Export
    plan: Plan
    planned: tuple[PlannedUnit, ...]
    receipts: tuple[Receipt, ...]
    findings: tuple[Finding, ...]
    outcomes: Outcomes
    workbook: bytes


class Story:
    """A sound log, read once and never changed."""

    def __init__(self, place: Stored) -> None:
        self.place = place
        self.told = tuple(statements(place))
        self.leaves = tuple(leaf_hash(place.data(key)) for key in place.keys(LAYOUT.entries))
        numbers: dict[str, list[int]] = {}
        for number, statement in enumerate(self.told):
            if isinstance(statement.predicate, RunEntry):
                numbers.setdefault(statement.predicate.run_id, []).append(number)
        self.runs = tuple(self._run(tuple(found)) for found in numbers.values() if len(found) == 4)
        self.attempt = next((tuple(found) for found in numbers.values() if len(found) == 2), ())
        named = Counter(digest for run in self.runs for digest in _named(run))
        self.shared = {digest for digest, times in named.items() if times > 1}

    def _run(self, numbers: tuple[int, ...]) -> RunStory:
        opened, closed, judged, export = (self.told[number].predicate for number in numbers)
        assert isinstance(opened, RunOpen)
        assert isinstance(closed, RunClose)
        assert isinstance(judged, Judged)
        assert isinstance(export, Export)
        plan = Plan.from_canonical(self._blob(opened.plan))
        manifest = Manifest.from_canonical(self._blob(closed.manifest))
        rows = [line for part in manifest.parts for line in self._blob(part.digest).splitlines()]
        return RunStory(
            numbers,
            opened,
            closed,
            judged,
            export,
            plan,
            tuple(PlannedUnit.from_canonical(line) for line in self._blob(plan.units.digest).splitlines()),
            tuple(Receipt.from_canonical(row) for row in rows),
            tuple(Finding.from_canonical(line) for line in self._blob(judged.findings).splitlines()[1:]),
            Outcomes.from_canonical(self._blob(judged.outcomes)),
            self._blob(export.digest),
        )

    def _blob(self, digest: Digest) -> bytes:
        return self.place.data(LAYOUT.blob(digest))


def _named(run: RunStory) -> set[Digest]:
    artifacts = {blob.digest for receipt in run.receipts for blob in receipt.blobs}
    opened, judged = run.opened, run.judged
    return artifacts | {
        *(opened.plan, opened.catalogue, opened.settings, run.plan.units.digest),
        *(run.closed.manifest, judged.findings, judged.outcomes, run.export.digest),
    }


@dataclass(frozen=True)
class Stamping:
    """How the insider deals with time stamps: the authority answers him too, but with its own time."""

    authority: Authority
    time: Callable[[datetime], datetime]
    """When the authority is asked, for an entry of a claimed time."""
    sizes: str = "all"
    """`all`: a new token for each checkpoint that is made again; `newest`: for the last one only; `none`."""
    named: str = "newest"
    """Which token a run that is told again names: the `newest` before it, the newest `old` one, `none`."""


TSA = "tsa"
_BY_VKEY = {str(VerifierKey(ORIGIN, key.public_key)): key for key in (SUCCESSOR, STRANGER)}
"""Whom a rotation can name."""


def _run_id(statement: Statement) -> str | None:
    return statement.predicate.run_id if isinstance(statement.predicate, RunEntry) else None


class Draft:
    """The story as it is to be told."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.place = story.place.copy()
        self.told = list(story.told)
        self.signer: Callable[[int], LocalKey] = self.key_before
        self.first = len(self.told)
        """From this entry on everything is made again."""
        self.stamping: Stamping | None = None

    def key_before(self, seq: int) -> LocalKey:
        """The key that the last rotation before an entry names."""
        rotations = (told.predicate for told in reversed(self.told[:seq]) if isinstance(told.predicate, KeyRotate))
        last = next(rotations, None)
        return SIGNER if last is None else _BY_VKEY[last.vkey]

    def blob(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        self.place.replace(LAYOUT.blob(digest), data)
        return digest

    def lines(self, rows: Iterable[Any]) -> Listing:
        written = [row.canonical() for row in rows]
        data = b"".join(row + b"\n" for row in written)
        return Listing(digest=self.blob(data), size=len(data), rows=len(written))

    def clear(self, run: RunStory) -> None:
        """Take away what the run rests on, but for what others rest on too."""
        for digest in _named(run) - self.story.shared:
            self.place.remove(LAYOUT.blob(digest))
        manifest = Manifest.from_canonical(self.story.place.data(LAYOUT.blob(run.closed.manifest)))
        for part in manifest.parts:
            self.place.remove(LAYOUT.blob(part.digest))
        for receipt in run.receipts:
            self.place.remove(LAYOUT.receipt(run.opened.run_id, receipt.unit.digest))

    def retell(self, run: RunStory, new: RunStory, artifacts: Mapping[Digest, bytes] | None = None) -> None:
        """Put another story in the place of a run's; `artifacts` are those that the sound log does not hold."""
        self.clear(run)
        told = self.compose(new, artifacts or {})
        for number, statement in zip(run.numbers, told, strict=True):
            if statement != self.story.told[number]:
                self.first = min(self.first, number)
            self.told[number] = statement

    def compose(self, run: RunStory, artifacts: Mapping[Digest, bytes]) -> list[Statement]:
        """Everything that the run rests on, and its four statements, with every digest and count made again."""
        for receipt in run.receipts:
            for blob in receipt.blobs:
                made = artifacts.get(blob.digest)
                self.blob(self.story.place.data(LAYOUT.blob(blob.digest)) if made is None else made)
            self.place.replace(LAYOUT.receipt(run.opened.run_id, receipt.unit.digest), receipt.canonical())
        for named in (run.opened.catalogue, run.opened.settings):
            self.blob(artifacts.get(named) or self.story.place.data(LAYOUT.blob(named)))
        units = self.lines(run.planned)
        plan = self.blob(run.plan.model_copy(update={"units": units, "period": run.opened.period}).canonical())
        opened = run.opened.model_copy(update={"plan": plan, "expected": units.rows, "expected_digest": units.digest})
        closed = self._closed(run, opened)
        judged = self._judged(run, opened, closed)
        workbook = self.blob(run.workbook)
        export = run.export.model_copy(update={"digest": workbook, "size": len(run.workbook)})
        abouts = (
            ("plan.json", opened.plan, opened),
            ("manifest.json", closed.manifest, closed),
            ("findings.jsonl", judged.findings, judged),
            (export.name, export.digest, export),
        )
        return [Statement(subject=(Subject.of(name, about),), predicate=entry) for name, about, entry in abouts]

    def _closed(self, run: RunStory, opened: RunOpen) -> RunClose:
        rows = sorted(run.receipts, key=lambda receipt: receipt.unit.sort_key)
        results = dict(Counter(row.result for row in rows))
        by_account = groupby(rows, key=lambda row: row.unit.account)
        manifest = Manifest(
            log=opened.log,
            run_id=opened.run_id,
            slot=opened.slot,
            period=opened.period,
            plan=opened.plan,
            rows=len(rows),
            results=results,
            parts=tuple(ManifestPart(account=account, **dict(self.lines(its))) for account, its in by_account),
        )
        return run.closed.model_copy(
            update={
                "manifest": self.blob(manifest.canonical()),
                "results": results,
                "redacted": sum(count.count for row in rows for count in row.redactions),
                "quarantined": sum(row.quarantined for row in rows),
                "status": "complete" if all(result.is_complete for result in results) else "partial",
            }
        )

    def _judged(self, run: RunStory, opened: RunOpen, closed: RunClose) -> Judged:
        header = FindingsHeader(
            run_id=opened.run_id,
            at=opened.at,
            engine=ENGINE,
            manifest=closed.manifest,
            catalogue=opened.catalogue,
            plan=opened.plan,
            settings=opened.settings,
        )
        findings = self.lines((header, *run.findings)).digest
        outcomes = run.outcomes.model_copy(update={"run_id": opened.run_id, "at": opened.at, "findings": findings})
        counts = Counter(str(finding.result) for finding in run.findings)
        return run.judged.model_copy(
            update={"findings": findings, "outcomes": self.blob(outcomes.canonical()), "counts": dict(counts)}
        )

    def drop(self, numbers: Sequence[int]) -> None:
        self.first = min(self.first, *numbers)
        self.told = [statement for number, statement in enumerate(self.told) if number not in numbers]

    def drop_attempt(self) -> None:
        """The attempt that was given up, with all that only it rests on."""
        opened = self.story.told[self.story.attempt[0]].predicate
        assert isinstance(opened, RunOpen)
        for digest in {opened.plan, opened.catalogue, opened.settings} - self.story.shared:
            self.place.remove(LAYOUT.blob(digest))
        self.drop(self.story.attempt)

    def change(self, number: int, **changes: Any) -> None:
        """One statement's fields."""
        self.first = min(self.first, number)
        statement = self.told[number]
        self.told[number] = statement.model_copy(update={"predicate": statement.predicate.model_copy(update=changes)})

    def sealed(self, first: int | None = None) -> Stored:
        """Number, chain, sign and checkpoint everything from entry `first`, or from the first that is changed."""
        first = self.first if first is None else first
        place, running, kept = self.place, RunningRoot(), self.story.leaves[:first]
        for seq in range(first, len(self.story.told)):
            place.remove(LAYOUT.entry(seq))
            place.remove(LAYOUT.checkpoint(seq + 1))
            if LAYOUT.token(seq + 1, TSA) in place.objects:
                place.remove(LAYOUT.token(seq + 1, TSA))
        tokens = [Digest.of(place.data(key)) for key in place.keys(LAYOUT.tokens)]
        old = len(tokens)
        for leaf in kept:
            running.add(leaf)
        files = {seq: Digest.of(place.data(LAYOUT.entry(seq))) for seq in range(first)}
        openings = {_run_id(self.told[seq]): digest for seq, digest in reversed(files.items())}
        for seq in range(first, len(self.told)):
            statement, signer = self.told[seq], self.signer(seq)
            epoch = sum(isinstance(told.predicate, KeyRotate) for told in self.told[:seq])
            changes: dict[str, Any] = {"seq": seq, "prev": files.get(seq - 1), "key_epoch": epoch}
            subject = statement.subject
            if isinstance(statement.predicate, Export):
                changes["tree_size"] = seq
            elif isinstance(statement.predicate, RunOpen) and self.stamping is not None:
                known = {"newest": tokens, "old": tokens[:old], "none": []}[self.stamping.named]
                changes["last_token"] = known[-1] if known else None
            elif isinstance(statement.predicate, RunAbandoned) and statement.predicate.run_id in openings:
                subject = tuple(Subject.of(item.name, openings[statement.predicate.run_id]) for item in subject)
            predicate = statement.predicate.model_copy(update=changes)
            payload = statement.model_copy(update={"predicate": predicate, "subject": subject}).canonical()
            data = encode_envelope(sign_envelope(PAYLOAD_TYPE, payload, signer.public_key, signer.sign))
            place.put(LAYOUT.entry(seq), data)
            files[seq] = Digest.of(data)
            openings.setdefault(_run_id(statement), files[seq])
            running.add(leaf_hash(data))
            text = Checkpoint(ORIGIN, seq + 1, running.root()).text
            signers = [self.key_before(seq)]
            if isinstance(predicate, KeyRotate):
                signers.append(_BY_VKEY[predicate.vkey])
            lines = (sign_text(text, VerifierKey(ORIGIN, key.public_key), key.sign) for key in signers)
            note = Note(text, tuple(lines)).encode()
            place.put(LAYOUT.checkpoint(seq + 1), note)
            if self._is_stamped(seq):
                assert self.stamping is not None
                asked = self.stamping.time(predicate.time)
                token = self.stamping.authority.reply(Digest.of(note), asked)
                place.put(LAYOUT.token(seq + 1, TSA), token)
                tokens.append(Digest.of(token))
        return place

    def _is_stamped(self, seq: int) -> bool:
        if self.stamping is None or self.stamping.sizes == "none":
            return False
        return self.stamping.sizes == "all" or seq == len(self.told) - 1


Operation = Callable[[Random, Draft], None]


def stamped(history: History, authority: Authority) -> Stored:
    """The same log with a token over each checkpoint, given two seconds after its entry."""
    draft = Draft(Story(history.place))
    draft.stamping = Stamping(authority, lambda claimed: claimed + timedelta(seconds=2))
    return draft.sealed(0)


def mutated(
    operation: Operation, random: Random, history: History, story: Story, authority: Authority | None = None
) -> Stored:
    """The log told otherwise, with other bytes or other objects than before.

    An authority is asked now, an hour before the auditor looks, whatever time the entries claim.
    """
    while True:
        draft = Draft(story)
        if authority is not None:
            sizes, named = random.choice(["all", "newest", "none"]), random.choice(["newest", "old", "none"])
            draft.stamping = Stamping(authority, lambda _: history.now - timedelta(hours=1), sizes, named)
        operation(random, draft)
        place = draft.sealed()
        if place.changed(history.place):
            return place


def _some(random: Random, draft: Draft) -> RunStory:
    return random.choice(draft.story.runs)


def _with_receipt(run: RunStory, at: int, **changes: Any) -> RunStory:
    receipts = list(run.receipts)
    receipts[at] = receipts[at].model_copy(update=changes)
    return replace(run, receipts=tuple(receipts))


def _alter_artifact(random: Random, draft: Draft) -> None:
    """Other bytes, of a file or of a transcript behind its first line; receipt, manifest and findings follow."""
    run = _some(random, draft)
    at = random.choice([place for place, receipt in enumerate(run.receipts) if receipt.blobs])
    which = random.randrange(len(run.receipts[at].blobs))
    blob = run.receipts[at].blobs[which]
    head, _, rest = draft.story.place.data(LAYOUT.blob(blob.digest)).partition(b"\n")
    spot = random.randrange(len(rest))
    new = head + b"\n" + rest[:spot] + bytes([rest[spot] ^ random.randrange(1, 256)]) + rest[spot + 1 :]
    _exchange(draft, run, at, which, new)


def _exchange(draft: Draft, run: RunStory, at: int, which: int, new: bytes) -> None:
    blobs: list[StoredBlob] = list(run.receipts[at].blobs)
    blobs[which] = blobs[which].model_copy(update={"digest": Digest.of(new), "size": len(new)})
    draft.retell(run, _with_receipt(run, at, blobs=tuple(blobs)), {Digest.of(new): new})


def _empty_for_denied(random: Random, draft: Draft) -> None:
    """A call that was denied becomes an account that has none."""
    run = _some(random, draft)
    at = random.choice([place for place, row in enumerate(run.receipts) if row.result is GatherResult.DENIED])
    left = random.randrange(2)
    draft.retell(run, _with_receipt(run, at, result=GatherResult.EMPTY, reason="", quarantined=left))


def _alter_receipt(random: Random, draft: Draft) -> None:
    """Who gathered it, and when within its run."""
    run = _some(random, draft)
    at = random.randrange(len(run.receipts))
    started = run.receipts[at].started - timedelta(seconds=random.randrange(60))
    changed = _with_receipt(run, at, principal=f"somebody else {random.randrange(10**6)}", started=started)
    draft.retell(run, changed)


def _pass_for_fail(random: Random, draft: Draft) -> None:
    """Findings and outcomes that nobody's rules gave."""
    run = _some(random, draft)
    findings = tuple(
        finding.model_copy(update={"result": FindingResult.PASS, "values": {"mfa": True, "n": random.randrange(10**6)}})
        for finding in run.findings
    )
    better = tuple(
        item.model_copy(update={"outcome": random.choice([Outcome.NO_EXCEPTION, Outcome.NEEDS_REVIEW])})
        for item in run.outcomes.requirements
    )
    outcomes = run.outcomes.model_copy(update={"requirements": better})
    draft.retell(run, replace(run, findings=findings, outcomes=outcomes))


def _alter_workbook(random: Random, draft: Draft) -> None:
    run = _some(random, draft)
    spot = random.randrange(len(run.workbook))
    new = run.workbook[:spot] + random.randbytes(random.randrange(1, 9)) + run.workbook[spot + 1 :]
    draft.retell(run, replace(run, workbook=new))


def _other_requester(random: Random, draft: Draft) -> None:
    run = _some(random, draft)
    changes = random.choice([{"requester": random.randbytes(16).hex()}, {"simulated": True}])
    draft.retell(run, replace(run, opened=run.opened.model_copy(update=changes)))


def _other_rules(random: Random, draft: Draft) -> None:
    """Another catalogue, or other settings, are said to have been in force."""
    run = _some(random, draft)
    name = random.choice(["catalogue", "settings"])
    new = canonical_bytes({name: "looser", "number": random.randrange(10**9)})
    opened = run.opened.model_copy(update={name: Digest.of(new)})
    draft.retell(run, replace(run, opened=opened), {Digest.of(new): new})


def _narrower_plan(random: Random, draft: Draft) -> None:
    """Units that were planned and gathered were never planned."""
    run = _some(random, draft)
    left = set(random.sample(range(len(run.planned)), random.randrange(1, len(run.planned))))
    planned = tuple(unit for place, unit in enumerate(run.planned) if place in left)
    kept = {unit.unit for unit in planned}
    receipts = tuple(receipt for receipt in run.receipts if receipt.unit in kept)
    draft.retell(run, replace(run, planned=planned, receipts=receipts))


def _back_date(random: Random, draft: Draft) -> None:
    """The whole run some hours or days earlier, not before the one that it follows."""
    _shift(random, draft, -1)


def _forward_date(random: Random, draft: Draft) -> None:
    """The whole run later, not after the one that follows it, nor after the auditor's look."""
    _shift(random, draft, 1)


def _shift(random: Random, draft: Draft, sign: int) -> None:
    run = _some(random, draft)
    by = sign * timedelta(minutes=random.randrange(10, 60 * 24 * (2 if sign > 0 else 28)))

    def moved(entry: Any) -> Any:
        return entry.model_copy(update={"time": entry.time + by})

    opened = moved(run.opened).model_copy(update={"at": run.opened.at + by})
    receipts = tuple(
        row.model_copy(update={"started": row.started + by, "finished": row.finished + by}) for row in run.receipts
    )
    entries = {name: moved(getattr(run, name)) for name in ("closed", "judged", "export")}
    draft.retell(run, replace(run, opened=opened, receipts=receipts, **entries))


def _drop_newest(random: Random, draft: Draft) -> None:
    """The newest entries, as if they had never been; whole runs, or the end of one."""
    left = random.choice([random.randrange(1, len(draft.told)), len(draft.told) - random.randrange(1, 6)])
    for run in draft.story.runs:
        if run.numbers[0] >= left and random.random() < 0.8:
            draft.clear(run)
    draft.drop(range(left, len(draft.told)))


def _drop_run(random: Random, draft: Draft) -> None:
    """A run in the middle, or the last."""
    run = _some(random, draft)
    draft.clear(run)
    draft.drop(run.numbers)


def _rerun_until_green(random: Random, draft: Draft) -> None:
    """The attempt that displeased was never made; the run before or after it came out better."""
    run = random.choice(draft.story.runs)
    at = random.choice([place for place, row in enumerate(run.receipts) if row.result is GatherResult.DENIED])
    reason = f"improved {random.randrange(10**6)}"
    better = _with_receipt(run, at, result=GatherResult.COLLECTED, reason=reason, quarantined=0)
    draft.retell(run, better)
    draft.drop_attempt()


def _drop_attempt(random: Random, draft: Draft) -> None:
    """The attempt is dropped; of what follows, which is sealed again, some runs took another time."""
    _, ending = draft.story.attempt
    later = [run for run in draft.story.runs if run.numbers[0] > ending]
    for run in random.sample(later, random.randrange(0, 3)):
        draft.change(run.numbers[1], duration_s=random.randrange(10**6))
    draft.drop_attempt()


def _fork(random: Random, draft: Draft) -> None:
    """Two histories: from some run on every run is another one."""
    start = random.randrange(len(draft.story.runs))
    for run in draft.story.runs[start:]:
        draft.retell(run, replace(run, opened=run.opened.model_copy(update={"requester": random.randbytes(16).hex()})))


def _invented_run(random: Random, draft: Draft) -> None:
    """A run that never was, told after the model of another, some days after it."""
    run = random.choice(draft.story.runs[:-1])
    run_id = f"run-{run.opened.time + timedelta(days=5):%Y%m%dT%H%M%SZ}-{random.randrange(16**8):08x}"
    by = timedelta(days=5)
    artifacts: dict[Digest, bytes] = {}

    def renamed(blob: StoredBlob) -> StoredBlob:
        data = draft.story.place.data(LAYOUT.blob(blob.digest)).replace(run.opened.run_id.encode(), run_id.encode())
        artifacts[Digest.of(data)] = data
        return blob.model_copy(update={"digest": Digest.of(data), "size": len(data)})

    def moved(entry: Any) -> Any:
        slot = f"adhoc/{run_id[-8:]}0000"
        return entry.model_copy(update={"run_id": run_id, "slot": slot, "time": entry.time + by})

    receipts = tuple(
        row.model_copy(
            update={
                "run_id": run_id,
                "started": row.started + by,
                "finished": row.finished + by,
                "blobs": tuple(renamed(blob) for blob in row.blobs),
            }
        )
        for row in run.receipts
    )
    opened = moved(run.opened).model_copy(update={"at": run.opened.at + by})
    entries = {name: moved(getattr(run, name)) for name in ("closed", "judged", "export")}
    workbook = f"workbook of {run_id}\n".encode()
    told = draft.compose(replace(run, opened=opened, receipts=receipts, workbook=workbook, **entries), artifacts)
    following = draft.story.runs[draft.story.runs.index(run) + 1].numbers[0]
    draft.told[following:following] = told
    draft.first = following


def _old_file(random: Random, draft: Draft) -> None:
    """Mix and match: the file of an earlier run is this run's, with everything sealed again."""
    run, other = random.sample(draft.story.runs, 2)
    at = random.choice([place for place, row in enumerate(run.receipts) if len(row.blobs) > 1])
    stamp = f" {random.randrange(10**6)}".encode()
    data = draft.story.place.data(LAYOUT.blob(other.receipts[at].blobs[1].digest))
    _exchange(draft, run, at, 1, data + random.choice([b"", stamp]))


def _old_transcript(random: Random, draft: Draft) -> None:
    """The same with a transcript, which says whose it is."""
    run, other = random.sample(draft.story.runs, 2)
    holders = [place for place, row in enumerate(run.receipts) if row.blobs]
    at, source = random.choice(holders), random.choice(holders)
    data = draft.story.place.data(LAYOUT.blob(other.receipts[source].blobs[0].digest))
    _exchange(draft, run, at, 0, data + random.choice([b"", b"\n" * random.randrange(1, 99)]))


def _other_times(random: Random, draft: Draft) -> None:
    """One entry's time, with nothing else made to fit."""
    number = random.randrange(len(draft.told))
    by = timedelta(minutes=random.choice([-1, 1]) * random.randrange(2 * 24 * 60, 400 * 24 * 60))
    draft.change(number, time=draft.told[number].predicate.time + by)


def _foreign_key(random: Random, draft: Draft) -> None:
    """Entries signed by a key that nobody pinned, under checkpoints by the pinned one."""
    first = random.randrange(len(draft.told))
    last = random.randrange(first, len(draft.told))
    draft.first = first
    draft.signer = lambda seq: STRANGER if first <= seq <= last else draft.key_before(seq)


def _own_rotation(random: Random, draft: Draft) -> None:
    """From some entry on the log goes on with a key of his own, as a rotation by the rightful key says."""
    at = random.randrange(1, len(draft.told) + 1)
    before = draft.told[at - 1].predicate
    vkey = str(VerifierKey(ORIGIN, STRANGER.public_key))
    rotation = KeyRotate(log=before.log, seq=at, time=before.time, collector=before.collector, vkey=vkey)
    subject = Subject.of("key", Digest.parse(f"sha256:{STRANGER.key_id}"))
    draft.first = min(draft.first, at)
    draft.told[at:at] = [Statement(subject=(subject,), predicate=rotation)]


def _other_findings_basis(random: Random, draft: Draft) -> None:
    """Findings of another run are said to be this run's."""
    run, other = random.sample(draft.story.runs, 2)
    counts = {"fail": random.randrange(10**6)}
    draft.change(run.numbers[2], findings=other.judged.findings, counts=counts)
    statement = draft.told[run.numbers[2]]
    subject = (Subject.of("findings.jsonl", other.judged.findings),)
    draft.told[run.numbers[2]] = statement.model_copy(update={"subject": subject})


def _rollback_manifest(random: Random, draft: Draft) -> None:
    """The closing entry names the manifest of another run, or counts otherwise than its own."""
    run, other = random.sample(draft.story.runs, 2)
    if random.random() < 0.5:
        draft.change(run.numbers[1], redacted=random.randrange(13, 10**6))
        return
    draft.change(run.numbers[1], manifest=other.closed.manifest, duration_s=random.randrange(10**6))
    statement = draft.told[run.numbers[1]]
    subject = (Subject.of("manifest.json", other.closed.manifest),)
    draft.told[run.numbers[1]] = statement.model_copy(update={"subject": subject})


def _drop_entry(random: Random, draft: Draft) -> None:
    """One entry of a run, with all later ones sealed again."""
    number = random.randrange(len(draft.told) - 1)
    if random.random() < 0.5:
        later = random.randrange(number + 1, len(draft.told))
        draft.change(later, collector=draft.told[later].predicate.collector.model_copy(update={"version": "0.0.9"}))
    draft.drop([number])


CONSISTENT: Mapping[str, Operation] = {
    "alter artifact": _alter_artifact,
    "empty for denied": _empty_for_denied,
    "alter receipt": _alter_receipt,
    "pass for fail": _pass_for_fail,
    "alter workbook": _alter_workbook,
    "other requester": _other_requester,
    "other rules": _other_rules,
    "narrower plan": _narrower_plan,
    "back-date run": _back_date,
    "forward-date run": _forward_date,
    "drop newest": _drop_newest,
    "drop run": _drop_run,
    "drop attempt": _drop_attempt,
    "re-run until green": _rerun_until_green,
    "fork": _fork,
    "invented run": _invented_run,
    "old file in a new run": _old_file,
}
CARELESS: Mapping[str, Operation] = {
    "old transcript in a new run": _old_transcript,
    "one entry's time": _other_times,
    "entries by another key": _foreign_key,
    "rotation to his own key": _own_rotation,
    "findings of another run": _other_findings_basis,
    "manifest of another run": _rollback_manifest,
    "drop an entry": _drop_entry,
}
INSIDER: Mapping[str, Operation] = {**CONSISTENT, **CARELESS}
