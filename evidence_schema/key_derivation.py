"""HKDF-Expand with SHA-512 (RFC 5869 section 2.3): keys for several uses out of one that is uniformly random."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from evidence_schema.errors import OutOfRange

MAX_BYTES = 255 * 64
"""A counter of one byte over blocks of SHA-512's 64 bytes."""


def expand(key: bytes, info: bytes, size: int) -> bytes:
    """`size` bytes (1 to MAX_BYTES) that only the holder of `key` can tell from random ones; `info` names their use.

    `key` is uniformly random; a password or a shared secret of a key exchange is not. Raises OutOfRange.
    """
    if not 0 < size <= MAX_BYTES:
        raise OutOfRange(f"expected a size from 1 to {MAX_BYTES} bytes, found {size}")
    return HKDFExpand(SHA512(), size, info).derive(key)
