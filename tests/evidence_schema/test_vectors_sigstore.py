"""Two Rekor v2 bundles from another implementation: its inclusion proofs, checkpoints and DSSE bytes through ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate

from evidence_schema import merkle
from evidence_schema.canonical import parse_canonical
from evidence_schema.checkpoint import parse_checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import pae
from evidence_schema.errors import BadProof
from evidence_schema.note import parse_note

pytestmark = pytest.mark.sealing

NAMES = ["a.dsse.staging-rekor-v2.txt", "staging-rekor-v2.txt"]


@dataclass(frozen=True)
class Bundle:
    """One signed file and what the bundle says of it."""

    signed: bytes
    document: dict[str, Any]

    @property
    def entry(self) -> dict[str, Any]:
        (entry,) = self.document["verificationMaterial"]["tlogEntries"]
        found: dict[str, Any] = entry
        return found

    @property
    def body(self) -> bytes:
        return base64.b64decode(self.entry["canonicalizedBody"])


@pytest.fixture(params=NAMES)
def bundle(shared: Path, request: pytest.FixtureRequest) -> Bundle:
    folder = shared / "vectors" / "sigstore-bundle"
    assert sorted(path.name for path in folder.glob("*.sigstore.json")) == [f"{name}.sigstore.json" for name in NAMES]
    document = json.loads((folder / f"{request.param}.sigstore.json").read_bytes())
    return Bundle((folder / request.param).read_bytes(), document)


def test_inclusion_proof_leads_from_the_entry_to_the_root_of_the_checkpoint(
    bundle: Bundle, figure: Callable[[str], None]
) -> None:
    proof = bundle.entry["inclusionProof"]
    checkpoint = parse_checkpoint(parse_note(proof["checkpoint"]["envelope"].encode()).text)
    index, hashes = int(proof["logIndex"]), [base64.b64decode(text) for text in proof["hashes"]]
    assert checkpoint.size == int(proof["treeSize"])
    assert checkpoint.root == base64.b64decode(proof["rootHash"])
    merkle.verify_inclusion(index, checkpoint.size, merkle.leaf_hash(bundle.body), hashes, checkpoint.root)
    figure(f"Rekor v2 inclusion proof at {index}: 1 of 1")
    with pytest.raises(BadProof):
        merkle.verify_inclusion(index, checkpoint.size, merkle.leaf_hash(bundle.body + b" "), hashes, checkpoint.root)


def test_checkpoint_note_reads_and_writes_back_byte_for_byte(bundle: Bundle) -> None:
    envelope = bundle.entry["inclusionProof"]["checkpoint"]["envelope"].encode()
    note = parse_note(envelope)
    assert note.encode() == envelope
    assert note.signatures[0].name == parse_checkpoint(note.text).origin
    key_id = base64.b64decode(bundle.entry["logId"]["keyId"])[:4]
    assert note.signatures[0].key_id == key_id


def test_log_entry_is_canonical_and_names_the_file(bundle: Bundle) -> None:
    body: Any = parse_canonical(bundle.body)
    digest = body["spec"]["hashedRekordV002"]["data"]["digest"]
    envelope = bundle.document.get("dsseEnvelope")
    named = bundle.signed if envelope is None else pae(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    assert Digest.of(named).base64 == digest


def test_certificate_signs_our_bytes_of_the_dsse_envelope(bundle: Bundle) -> None:
    """Of the envelope only: its statement names an `a.txt` of other content than the file beside the bundle."""
    envelope = bundle.document.get("dsseEnvelope")
    if envelope is None:
        assert "messageSignature" in bundle.document
        return
    material = base64.b64decode(bundle.document["verificationMaterial"]["certificate"]["rawBytes"])
    key = load_der_x509_certificate(material).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    payload, (signature,) = base64.b64decode(envelope["payload"]), envelope["signatures"]
    key.verify(base64.b64decode(signature["sig"]), pae(envelope["payloadType"], payload), ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature["sig"]), pae("text/plain", payload), ec.ECDSA(SHA256()))
