"""Two sorts of key sign, and each is known by its bytes: nothing else is taken for a key or a signature."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema import p256, signing_key
from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadKey, BadSignature
from evidence_schema.note import VerifierKey, sign_note, verify_note
from flows.report.package import verify

pytestmark = pytest.mark.sealing

ELLIPTIC = derive_private_key(20261123, SECP256R1())
EDWARDS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = p256.public_bytes(ELLIPTIC.public_key())
ED25519 = EDWARDS.public_key().public_bytes_raw()
MESSAGE = b"a month of evidence"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def signed(message: bytes) -> bytes:
    return ELLIPTIC.sign(message, ECDSA(SHA256()))


SIGNATURE = signed(MESSAGE)


def test_a_key_says_of_which_sort_it_is() -> None:
    assert (signing_key.sort_of(ED25519), signing_key.sort_of(P256)) == ("Ed25519", "ECDSA P-256")
    assert signing_key.key_id(P256) == hashlib.sha256(P256).hexdigest()


@given(st.binary(max_size=120))
def test_other_bytes_are_no_key(data: bytes) -> None:
    if len(data) != 32:
        with pytest.raises(BadKey):
            signing_key.check(data)


@given(st.integers(0, len(P256) * 8 - 1))
def test_a_point_off_the_curve_is_no_key_to_either_verifier(bit: int) -> None:
    """Each flip leads off the curve, or out of the one spelling, or (never here) to another point."""
    flipped = bytearray(P256)
    flipped[bit // 8] ^= 1 << bit % 8
    other = bytes(flipped)
    with pytest.raises(BadKey):
        signing_key.check(other)
    short = hashlib.sha256(other).hexdigest()[:8]
    with pytest.raises(verify.Odd):
        verify.Key({"vkey": f"log+{short}+{to_base64(bytes([2]) + other)}"})


@given(st.integers(0, len(SIGNATURE) * 8 - 1))
def test_no_flipped_bit_of_a_signature_holds(bit: int) -> None:
    flipped = bytearray(SIGNATURE)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadSignature):
        signing_key.verify(P256, MESSAGE, bytes(flipped))


@given(st.binary(max_size=80))
def test_other_bytes_are_no_signature(data: bytes) -> None:
    with pytest.raises(BadSignature):
        signing_key.verify(P256, MESSAGE, data)


def test_the_mirrored_number_is_a_signature_and_no_second_spelling_is() -> None:
    """ECDSA itself has two signatures for each; an entry's leaf hash, not its signature, says which bytes stand."""
    r, s = decode_dss_signature(SIGNATURE)
    signing_key.verify(P256, MESSAGE, encode_dss_signature(r, ORDER - s))
    for spelling in (SIGNATURE + b"\0", SIGNATURE[:1] + b"\x81" + SIGNATURE[1:], b"\x30\x06\x02\x01\0\x02\x01\0"):
        with pytest.raises(BadSignature):
            signing_key.verify(P256, MESSAGE, spelling)


def test_a_signature_of_one_sort_is_none_of_the_other() -> None:
    for key, signature in ((P256, EDWARDS.sign(MESSAGE)), (ED25519, SIGNATURE)):
        with pytest.raises(BadSignature):
            signing_key.verify(key, MESSAGE, signature)


def test_a_note_by_a_p256_key_is_read_by_its_verifier_key() -> None:
    key = VerifierKey("clinic/log", P256)
    assert VerifierKey.parse(str(key)) == key
    assert key.key_id == hashlib.sha256(P256).digest()[:4]
    note = sign_note("text\n", "clinic/log", P256, signed)
    assert verify_note(note, [key, VerifierKey("clinic/log", ED25519)]).signers == (key,)
    single = verify.Key({"vkey": str(key)})
    assert (single.name, single.short, single.keyid) == (key.name, key.key_id, signing_key.key_id(P256))


@pytest.mark.parametrize(("type_", "key"), [(1, P256), (2, ED25519), (3, ED25519), (2, P256[:-1])])
def test_a_verifier_key_of_another_type_than_its_key_is_refused_by_both(type_: int, key: bytes) -> None:
    named = b"log\n\x01" if type_ == 1 else b""
    vkey = f"log+{hashlib.sha256(named + key).hexdigest()[:8]}+{to_base64(bytes([type_]) + key)}"
    with pytest.raises(BadKey):
        VerifierKey.parse(vkey)
    with pytest.raises(verify.Odd):
        verify.Key({"vkey": vkey})
