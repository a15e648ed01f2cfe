"""The DSSE protocol's own vector: the bytes to sign, and a signature of another algorithm over ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from evidence_schema.canonical import canonical_bytes
from evidence_schema.dsse import pae, parse_envelope
from evidence_schema.errors import BadEnvelope

pytestmark = pytest.mark.sealing


@pytest.fixture
def vector(shared: Path) -> dict[str, Any]:
    vectors = json.loads((shared / "vectors" / "dsse" / "dsse-v1-example.json").read_bytes())["vectors"]
    assert len(vectors) == 1
    found: dict[str, Any] = vectors[0]
    return found


def _verify_p256(vector: dict[str, Any], message: bytes) -> None:
    key = ec.EllipticCurvePublicNumbers(int(vector["key"]["x"]), int(vector["key"]["y"]), ec.SECP256R1()).public_key()
    raw = base64.b64decode(vector["envelope"]["signatures"][0]["sig"])
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(signature, message, ec.ECDSA(SHA256()))


def test_bytes_to_sign_are_the_published_ones(vector: dict[str, Any]) -> None:
    assert pae(vector["payloadType"], vector["payload"].encode()) == vector["pae"].encode()


def test_published_signature_holds_over_our_bytes_and_no_others(
    vector: dict[str, Any], figure: Callable[[str], None]
) -> None:
    envelope = vector["envelope"]
    payload = base64.b64decode(envelope["payload"])
    _verify_p256(vector, pae(envelope["payloadType"], payload))
    with pytest.raises(InvalidSignature):
        _verify_p256(vector, pae(envelope["payloadType"], payload + b"\n"))
    figure("DSSE envelope: 1 of 1")


def test_published_envelope_without_a_key_id_is_outside_our_profile(vector: dict[str, Any]) -> None:
    with pytest.raises(BadEnvelope, match="keyid"):
        parse_envelope(canonical_bytes(vector["envelope"]))
