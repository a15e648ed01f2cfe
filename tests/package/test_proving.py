"""One artifact's proof: a few kilobytes that stand by themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_three_verifiers import SINGLE

from evidence_schema.errors import BadProof
from evidence_schema.models.entry import RunClose
from evidence_schema.models.proof import ArtifactProof
from evidence_schema.tlog_proof import TlogProof, parse_tlog_proof
from evidence_schema.verification import ProofReport, read_trust_policy, verify_proof
from flows.errors import UsageError
from flows.steps.judging import closed_of, receipts_of
from flows.steps.proving import prove

pytestmark = pytest.mark.journey


class Proven:
    """A proof of a row's transcript, and what it is about."""

    def __init__(self, packer) -> None:
        self.vault = packer.place.vault()
        self.trust = packer.place.trust
        state = self.vault.runs.runs()[-1]
        self.row = next(row for row in receipts_of(self.vault, closed_of(state)) if row.transcript)
        digest = self.row.transcript.digest
        self.artifact = self.vault.blobs.read(digest, limit=1 << 24)
        self.proof = prove(self.vault, digest.hex)

    def verified(self, proof: ArtifactProof | None = None, artifact: bytes | None = None) -> ProofReport:
        policy = read_trust_policy(self.trust.read_bytes())
        data = (proof or self.proof).canonical()
        return verify_proof(data, trust=policy, artifact=[self.artifact if artifact is None else artifact])


@pytest.fixture(scope="session")
def proven(packer) -> Proven:
    return Proven(packer)


def test_a_proof_of_an_artifact_is_small_and_holds(proven: Proven) -> None:
    report = proven.verified()
    assert (report.exit_code, report.problems) == (0, ())
    assert report.about is not None
    assert report.about.unit == proven.row.unit
    assert isinstance(report.entry, RunClose)
    assert len(proven.proof.canonical()) < 8 * 1024


def test_an_evidence_id_of_the_register_is_proven_too(proven: Proven) -> None:
    row = proven.row
    assert prove(proven.vault, f"{row.run_id[-8:]}-{row.unit.digest.hex[:12]}") == proven.proof


def test_what_an_entry_names_is_proven_without_a_row(proven: Proven) -> None:
    judged = proven.vault.runs.runs()[-1].judged
    assert judged is not None
    proof = prove(proven.vault, str(judged.findings))
    assert proof.row is None
    findings = proven.vault.blobs.read(judged.findings, limit=1 << 26)
    assert proven.verified(proof, findings).exit_code == 0


def test_without_a_policy_it_is_unpinned_and_another_file_is_not_its_artifact(proven: Proven) -> None:
    assert verify_proof(proven.proof.canonical(), trust=None).exit_code == 6
    report = proven.verified(artifact=proven.artifact + b" ")
    assert ([problem.type for problem in report.problems], report.exit_code) == (["proof-of-another"], 4)


@pytest.mark.parametrize("name", ["sha256:" + "0" * 64, "zz", "1a2b3c4d-000000000000"])
def test_what_the_log_does_not_name_cannot_be_proven(proven: Proven, name: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        prove(proven.vault, name)


def by_single_file(proof: Path, artifact: Path, trust: Path) -> int:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SINGLE), str(artifact), "--proof", str(proof), "--trust", str(trust)],
        capture_output=True, check=False, env={"PATH": "/usr/bin:/bin"},
    ).returncode  # fmt: skip


def changes(proof: ArtifactProof) -> dict[str, dict]:
    """Lies about each part of a proof."""
    row = proof.row
    assert row is not None
    inclusion = parse_tlog_proof(proof.tlog_proof)
    flipped = bytes([inclusion.hashes[0][0] ^ 1]) + inclusion.hashes[0][1:]
    return {
        "artifact": {"artifact": f"sha256:{'0' * 64}"},
        "log": {"log": "other-log"},
        "entry": {"entry": proof.entry.replace('"payload":"e', '"payload":"f')},
        "entry with a space": {"entry": proof.entry + " "},
        "row": {"row": row.model_copy(update={"line": row.line.replace('"collected"', '"empty"')})},
        "row's place": {"row": row.model_copy(update={"index": row.index + 1})},
        "row's size": {"row": row.model_copy(update={"size": row.size * 3})},
        "row's path": {"row": row.model_copy(update={"path": row.path[1:]})},
        "no row": {"row": None},
        "hash": {
            "tlog_proof": TlogProof(inclusion.index, (flipped, *inclusion.hashes[1:]), inclusion.checkpoint).encode()
        },
        "index": {"tlog_proof": TlogProof(inclusion.index + 1, inclusion.hashes, inclusion.checkpoint).encode()},
        "checkpoint": {"tlog_proof": proof.tlog_proof.replace("\nevidence/", "\nEvidence/", 1)},
        "format": {"tlog_proof": proof.tlog_proof.replace("@v1", "@v2")},
    }


def test_every_change_of_a_proof_is_named_by_both_verifiers(proven: Proven, tmp_path: Path) -> None:
    artifact, path = tmp_path / "artifact", tmp_path / "proof"
    artifact.write_bytes(proven.artifact)
    path.write_bytes(proven.proof.canonical())
    assert by_single_file(path, artifact, proven.trust) == 0
    types = set()
    for name, change in changes(proven.proof).items():
        proof = proven.proof.model_copy(update=change)
        path.write_bytes(proof.canonical() if name != "artifact" else json.dumps(
            json.loads(proven.proof.canonical()) | change, sort_keys=True, separators=(",", ":")
        ).encode())  # fmt: skip
        report = verify_proof(
            path.read_bytes(), trust=read_trust_policy(proven.trust.read_bytes()), artifact=[proven.artifact]
        )
        assert (report.exit_code, by_single_file(path, artifact, proven.trust)) == (4, 4), name
        types |= {problem.type for problem in report.problems}
    assert {"proof-malformed", "proof-differs", "proof-not-included", "proof-of-another"} <= types


@given(st.binary(max_size=400))
def test_hostile_proofs_never_crash(data: bytes) -> None:
    assert verify_proof(data, trust=None).exit_code == 4


@given(st.text(max_size=200))
def test_hostile_inclusion_proofs_are_refused(text: str) -> None:
    with pytest.raises(BadProof):
        parse_tlog_proof(text)


@given(
    st.integers(0, 2**60), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.text("abc\n", min_size=1)
)  # fmt: skip
def test_inclusion_proofs_are_read_as_written(index: int, hashes: list[bytes], note: str) -> None:
    proof = TlogProof(index, tuple(hashes), note.encode())
    assert parse_tlog_proof(proof.encode()) == proof


def test_the_commands_prove_and_verify(packer, proven: Proven, tmp_path: Path) -> None:
    artifact, proof = tmp_path / "artifact", str(tmp_path / "proof")
    artifact.write_bytes(proven.artifact)
    made = packer.place.evidence("prove", proven.row.transcript.digest.hex, "--out", proof)
    assert made.returncode == 0, made.stderr
    done = packer.place.evidence("verify", str(artifact), "--proof", proof, "--trust", "trust-policy.json", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["unit"], told["file_checked"]) == (str(proven.row.unit), True)
