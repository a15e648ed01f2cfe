"""One artifact's proof, without the log: checkpoint signed, entry included, row included, artifact named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evidence_schema import merkle
from evidence_schema.digest import Digest, DigestStream
from evidence_schema.encoding import from_base64
from evidence_schema.errors import BadCheckpoint, BadEncoding, BadNote, BadProof
from evidence_schema.layout import Layout
from evidence_schema.models.entry import Predicate, RunClose
from evidence_schema.models.proof import ArtifactProof, RowProof
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.tlog_proof import TlogProof, parse_tlog_proof
from evidence_schema.verification.checkpoints import parse_signed, signature_faults
from evidence_schema.verification.entries import Entry, read_entry
from evidence_schema.verification.problems import Problem, Problems
from evidence_schema.verification.reading import Misshapen, parsed
from evidence_schema.verification.report import exit_code
from evidence_schema.verification.rotations import check_stolen
from evidence_schema.verification.runs import named_by
from evidence_schema.verification.signatures import check_signatures
from evidence_schema.verification.trust import Keyring

WHERE = "proof"


@dataclass(frozen=True, slots=True)
class ProofReport:
    """What one proof shows. `about` is the row of the artifact, `entry` what names it; None where nothing was shown."""

    artifact: Digest | None
    origin: str
    tree_size: int
    seq: int | None
    entry: Predicate | None
    about: Receipt | None
    is_file_checked: bool
    tokens: int
    problems: tuple[Problem, ...]
    pinned: bool

    @property
    def exit_code(self) -> int:
        """As of `Report`."""
        return exit_code(self.problems, pinned=self.pinned)


def verify_proof(data: bytes, *, trust: TrustPolicy | None, artifact: Iterable[bytes] | None = None) -> ProofReport:
    """Check a proof, and whether `artifact` has the bytes that it is about; every fault becomes a problem."""
    problems = Problems()
    try:
        proof = parsed(ArtifactProof, data)
        inclusion = parse_tlog_proof(proof.tlog_proof)
        signed = parse_signed(inclusion.checkpoint)
    except (Misshapen, BadProof, BadNote, BadCheckpoint) as error:
        problems.add("proof-malformed", WHERE, "the proof of an artifact", error)
        return ProofReport(None, "", 0, None, None, None, False, 0, problems.all(), trust is not None)
    entry = read_entry(Layout(proof.log).entry(inclusion.index), inclusion.index, proof.entry.encode(), problems)
    checkpoint = signed.checkpoint
    if trust is not None:
        keyring = Keyring.of(trust)
        check_signatures([entry], keyring, problems)
        check_stolen([(entry, None)], keyring, 0, problems)
        problems.compare(
            "proof-differs", WHERE, ("log", trust.log, proof.log), ("origin", trust.origin, checkpoint.origin)
        )
        for type_, expected, found in signature_faults(signed, keyring):
            problems.add(type_, WHERE, expected, found)
    _check_included(inclusion, checkpoint.size, checkpoint.root, entry, problems)
    about = _check_named(proof, entry, problems)
    if artifact is not None:
        _check_file(proof.artifact, artifact, problems)
    return ProofReport(
        proof.artifact,
        checkpoint.origin,
        checkpoint.size,
        inclusion.index,
        entry.predicate,
        about,
        artifact is not None,
        len(proof.tokens),
        problems.all(),
        trust is not None,
    )


def _check_included(inclusion: TlogProof, size: int, root: bytes, entry: Entry, problems: Problems) -> None:
    try:
        merkle.verify_inclusion(inclusion.index, size, entry.leaf, inclusion.hashes, root)
    except BadProof as error:
        problems.add("proof-not-included", WHERE, "an entry in the log under this checkpoint", error)
    predicate = entry.predicate
    if predicate is not None:
        problems.compare("entry-number-differs", entry.key, ("number", inclusion.index, predicate.seq))


def _check_named(proof: ArtifactProof, entry: Entry, problems: Problems) -> Receipt | None:
    """The entry itself names the artifact, or a row does that the entry seals."""
    predicate = entry.predicate
    if predicate is None:
        return None
    if predicate.log != proof.log:
        problems.add("entry-of-another-log", entry.key, proof.log, predicate.log)
    if proof.row is None:
        if proof.artifact not in {digest for digest, _ in named_by(predicate).values()}:
            problems.add("proof-of-another", WHERE, f"an entry that names {proof.artifact}", predicate.type)
        return None
    if not isinstance(predicate, RunClose) or predicate.rows is None:
        problems.add(
            "proof-of-another", WHERE, "the closing entry of a run, with the root over its rows", predicate.type
        )
        return None
    return _check_row(proof.artifact, proof.row, predicate, problems)


def _check_row(artifact: Digest, row: RowProof, closed: RunClose, problems: Problems) -> Receipt | None:
    line = row.line.encode("utf-8", "surrogatepass")
    try:
        receipt = parsed(Receipt, line)
        path = [from_base64(item) for item in row.path]
        rows = closed.rows.raw if closed.rows is not None else b""
        merkle.verify_inclusion(row.index, row.size, merkle.leaf_hash(line), path, rows)
    except (Misshapen, BadEncoding, BadProof) as error:
        problems.add("proof-not-included", WHERE, "a row under the root that the closing entry names", error)
        return None
    if receipt.run_id != closed.run_id or artifact not in {blob.digest for blob in receipt.blobs}:
        problems.add("proof-of-another", WHERE, f"a row of {closed.run_id} that names {artifact}", receipt.unit)
    return receipt


def _check_file(expected: Digest, artifact: Iterable[bytes], problems: Problems) -> None:
    stream = DigestStream()
    for piece in artifact:
        stream.update(piece)
    if stream.finish() != expected:
        problems.add("proof-of-another", WHERE, f"the artifact {expected}", stream.finish())
