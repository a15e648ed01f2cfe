"""Ed25519 keys and signatures of the wrong shape; the rest is the vectors' work."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence_schema import ed25519
from evidence_schema.errors import BadKey, BadSignature

pytestmark = pytest.mark.sealing

SECRET = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = SECRET.public_key().public_bytes_raw()


def test_a_signature_holds_for_its_message_only() -> None:
    ed25519.verify(PUBLIC, b"message", SECRET.sign(b"message"))
    with pytest.raises(BadSignature, match="does not hold"):
        ed25519.verify(PUBLIC, b"massage", SECRET.sign(b"message"))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(BadKey, match=f"of 32 bytes, found {length}"):
        ed25519.verify(bytes(length), b"message", SECRET.sign(b"message"))
    with pytest.raises(BadKey):
        ed25519.check_public_key(bytes(length))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_signatures_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(BadSignature, match=f"of 64 bytes, found {length}"):
        ed25519.verify(PUBLIC, b"message", bytes(length))


def test_a_key_that_is_no_point_of_the_curve_verifies_nothing() -> None:
    with pytest.raises(BadSignature):
        ed25519.verify(b"\x02" + b"\0" * 31, b"message", SECRET.sign(b"message"))
