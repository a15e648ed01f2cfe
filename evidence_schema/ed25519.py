"""Ed25519 verification (RFC 8032) over raw keys: the only sort of signature the foundation knows."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidence_schema.errors import BadKey, BadSignature

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def verify(raw_public: bytes, message: bytes, signature: bytes) -> None:
    """Raise BadSignature unless `signature` (64 bytes) is by the raw public key (32 bytes) over `message`.

    Raises BadKey for a key of another length.
    """
    check_public_key(raw_public)
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature(f"expected an Ed25519 signature of {SIGNATURE_BYTES} bytes, found {len(signature)}")
    try:
        Ed25519PublicKey.from_public_bytes(raw_public).verify(signature, message)
    except InvalidSignature as error:
        raise BadSignature(f"expected a signature by key {key_id(raw_public)}, found one that does not hold") from error


def key_id(raw_public: bytes) -> str:
    """SHA-256 of the raw public key, 64 lower-case hex digits: how a key is named in envelopes and trust policies."""
    check_public_key(raw_public)
    return hashlib.sha256(raw_public).hexdigest()


def check_public_key(raw_public: bytes) -> None:
    """Raise BadKey unless the key has 32 bytes."""
    if len(raw_public) != PUBLIC_KEY_BYTES:
        raise BadKey(f"expected a raw Ed25519 public key of {PUBLIC_KEY_BYTES} bytes, found {len(raw_public)}")
