"""Signed-note vectors of the Go checksum database and of the C2SP checkpoint page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence_schema.checkpoint import parse_checkpoint
from evidence_schema.encoding import from_base64
from evidence_schema.errors import BadSignature
from evidence_schema.note import VerifierKey, parse_note, sign_note, verify_note

pytestmark = pytest.mark.sealing


@pytest.fixture
def vectors(shared: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "vectors" / "c2sp-note" / "notes.json").read_bytes())["vectors"]
    assert len(found) == 2
    return found


def test_published_note_verifies_with_its_published_key(vectors: list[dict[str, Any]]) -> None:
    vector = vectors[0]
    key = VerifierKey.parse(vector["vkey"])
    verified = verify_note(vector["note"].encode(), [key])
    assert str(key) == vector["vkey"]
    assert verified.signers == (key,)
    assert verified.unknown == ()
    assert verified.text == vector["note"].rpartition("\n\n")[0] + "\n"


def test_signing_with_the_published_private_key_gives_the_published_note(
    vectors: list[dict[str, Any]], figure: Callable[[str], None]
) -> None:
    vector = vectors[0]
    key = VerifierKey.parse(vector["vkey"])
    secret = Ed25519PrivateKey.from_private_bytes(from_base64(vector["skey"].split("+", 4)[4])[1:])
    assert secret.public_key().public_bytes_raw() == key.public_key
    text = parse_note(vector["note"].encode()).text
    assert sign_note(text, key.name, key.public_key, secret.sign) == vector["note"].encode()
    figure("C2SP signed note, signed by the published key: 1 of 1")


def test_published_checkpoint_reads_and_writes_back_byte_for_byte(
    vectors: list[dict[str, Any]], figure: Callable[[str], None]
) -> None:
    note = parse_note(vectors[1]["note"].encode())
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == note.text
    assert note.signatures[0].name == checkpoint.origin
    assert note.encode() == vectors[1]["note"].encode()
    with pytest.raises(BadSignature, match="one of 0 known keys"):
        verify_note(vectors[1]["note"].encode(), [])
    figure("C2SP checkpoint: 1 of 1")
