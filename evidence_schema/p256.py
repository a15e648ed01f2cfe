"""ECDSA over P-256 with SHA-256 (FIPS 186-5), for keys in a KMS that has no Ed25519.

A public key is its SubjectPublicKeyInfo in DER (RFC 5480) with the uncompressed point, always 91 bytes; a signature is
the DER of its two numbers (RFC 3279, section 2.2.3), in its one canonical spelling. Who signs draws a number by chance:
two signatures over the same bytes differ.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidence_schema.errors import BadKey, BadSignature

PUBLIC_KEY_BYTES = 91
_BEFORE_POINT = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def public_bytes(key: EllipticCurvePublicKey) -> bytes:
    """The bytes by which a key over this curve is known."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise BadSignature unless the DER signature is by the public key over the message, BadKey for no such key."""
    try:
        numbers = decode_dss_signature(signature)
    except ValueError as error:
        raise BadSignature("expected an ECDSA signature in DER, found other bytes") from error
    if min(numbers) < 1 or encode_dss_signature(*numbers) != signature:
        raise BadSignature("expected an ECDSA signature in canonical DER, found another spelling")
    try:
        _read(public_key).verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature as error:
        raise BadSignature("expected a signature by this P-256 key, found one that does not hold") from error


def check_public_key(public_key: bytes) -> None:
    """Raise BadKey unless the bytes are the one spelling of a point on the curve."""
    _read(public_key)


def _read(public_key: bytes) -> EllipticCurvePublicKey:
    point = public_key.removeprefix(_BEFORE_POINT)
    if len(public_key) != PUBLIC_KEY_BYTES or len(point) == len(public_key):
        raise BadKey(f"expected a P-256 public key of {PUBLIC_KEY_BYTES} bytes in DER, found {len(public_key)} bytes")
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError as error:
        raise BadKey("expected a P-256 public key, found a point that is not on the curve") from error
