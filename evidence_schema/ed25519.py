"""Ed25519 verification (RFC 8032) over raw keys."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidence_schema.errors import BadKey, BadSignature

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise BadSignature unless `signature` (64 bytes) is by the raw public key (32 bytes) over `message`.

    Raises BadKey for a key of another length.
    """
    check_public_key(public_key)
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature(f"expected an Ed25519 signature of {SIGNATURE_BYTES} bytes, found {len(signature)}")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature as error:
        raise BadSignature("expected a signature by this Ed25519 key, found one that does not hold") from error


def check_public_key(public_key: bytes) -> None:
    """Raise BadKey unless the key has 32 bytes."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise BadKey(f"expected a raw Ed25519 public key of {PUBLIC_KEY_BYTES} bytes, found {len(public_key)}")
