"""The public keys that may sign a log. A key is its bytes, and they say of which sort it is.

32 bytes are a raw Ed25519 key (RFC 8032). 91 bytes are the DER of an ECDSA key over P-256, for logs whose KMS refuses
Ed25519 (docs/adr/0010-signers.md). Whoever holds a key, a message and a signature need not know the sort.
"""

from __future__ import annotations

import hashlib

from evidence_schema import ed25519, p256
from evidence_schema.errors import BadKey

_NAMES = {ed25519.PUBLIC_KEY_BYTES: "Ed25519", p256.PUBLIC_KEY_BYTES: "ECDSA P-256"}


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Raise BadSignature unless `signature` is by the key over `message`, BadKey for bytes that are no key."""
    (ed25519 if is_ed25519(public_key) else p256).verify(public_key, message, signature)


def check(public_key: bytes) -> None:
    """Raise BadKey unless the bytes are a key of one of the two sorts."""
    (ed25519 if is_ed25519(public_key) else p256).check_public_key(public_key)


def key_id(public_key: bytes) -> str:
    """SHA-256 of the key's bytes, 64 lower-case hex digits: how a key is named in envelopes and trust policies."""
    check(public_key)
    return hashlib.sha256(public_key).hexdigest()


def sort_of(public_key: bytes) -> str:
    """`Ed25519` or `ECDSA P-256`."""
    check(public_key)
    return _NAMES[len(public_key)]


def is_ed25519(public_key: bytes) -> bool:
    """Whether the bytes are an Ed25519 key; raises BadKey for a length that no key has."""
    if len(public_key) not in _NAMES:
        sorts = " or ".join(f"{size} ({name})" for size, name in _NAMES.items())
        raise BadKey(f"expected a public key of {sorts} bytes, found {len(public_key)}")
    return len(public_key) == ed25519.PUBLIC_KEY_BYTES
