"""Data keys at rest: wrapped by AES-KWP (RFC 5649), with the blind of a commitment that says nothing about its bytes.

An artifact that may have to be erased gets a data key and a blind of its own. Both lie, wrapped under the key
encryption key, where they can be deleted; sealed for ever stay the ciphertext and the commitment
HMAC-SHA256(blind, plaintext). With the blind anyone can check that some bytes are those; without it, not even a guess
of a few-valued record can be tried, as it could against a bare SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from evidence_schema.errors import BadCommitment, BadKey, BadWrapping, OutOfRange

KEK_BYTES = 32
DEK_BYTES = 32
BLIND_BYTES = 32
WRAPPED_BYTES = 72
"""64 bytes of data key and blind, and the 8 that AES-KWP adds."""
MAX_SECRET_BYTES = 4096
_AES_KEYS = (16, 24, 32)
_SEMIBLOCK_BYTES = 8


@dataclass(frozen=True, slots=True)
class DataKey:
    """What one artifact is sealed with: `dek` (32 bytes) encrypts it, `blind` (32 bytes) hides its commitment."""

    dek: bytes = field(repr=False)
    blind: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.dek) != DEK_BYTES or len(self.blind) != BLIND_BYTES:
            found = f"{len(self.dek)} and {len(self.blind)}"
            raise BadKey(f"expected a data key of {DEK_BYTES} bytes and a blind of {BLIND_BYTES}, found {found}")

    @classmethod
    def new(cls) -> Self:
        """Both from the system's random source."""
        return cls(secrets.token_bytes(DEK_BYTES), secrets.token_bytes(BLIND_BYTES))

    def wrapped(self, kek: bytes) -> bytes:
        """WRAPPED_BYTES under a key encryption key of 32 bytes; raises BadKey for one of another length."""
        _check_kek(kek)
        return wrap(kek, self.dek + self.blind)

    @classmethod
    def unwrapped(cls, kek: bytes, wrapped: bytes) -> Self:
        """The inverse of `wrapped`; raises BadWrapping for other bytes or another key encryption key."""
        _check_kek(kek)
        if len(wrapped) != WRAPPED_BYTES:
            raise BadWrapping(f"expected a wrapped data key of {WRAPPED_BYTES} bytes, found {len(wrapped)}")
        both = unwrap(kek, wrapped)
        if len(both) != DEK_BYTES + BLIND_BYTES:
            raise BadWrapping(f"expected {DEK_BYTES + BLIND_BYTES} bytes in the wrapping, found {len(both)}")
        return cls(both[:DEK_BYTES], both[DEK_BYTES:])

    def commitment(self) -> Commitment:
        """A commitment under this blind, over no bytes yet."""
        return Commitment(self.blind)

    def check_commitment(self, expected: bytes, plaintext: Iterable[bytes]) -> None:
        """Raise BadCommitment unless `expected` (32 bytes) was made for this plaintext, given in pieces."""
        commitment = self.commitment()
        for piece in plaintext:
            commitment.update(piece)
        if not hmac.compare_digest(commitment.finish(), expected):
            raise BadCommitment("expected the bytes that the commitment was made for, found others")


class Commitment:
    """HMAC-SHA256(blind, plaintext) of bytes that pass by in pieces and are never held whole."""

    def __init__(self, blind: bytes) -> None:
        self._mac = hmac.new(blind, digestmod=hashlib.sha256)

    def update(self, piece: bytes) -> None:
        """Take the next piece, of any length."""
        self._mac.update(piece)

    def finish(self) -> bytes:
        """32 bytes over all pieces so far; more may follow."""
        return self._mac.digest()


def wrap(key: bytes, secret: bytes) -> bytes:
    """`secret` (1 to MAX_SECRET_BYTES) under an AES key: padded to whole 8 bytes, and 8 more (RFC 5649 section 4.1).

    The same secret gives the same bytes: wrap random keys only. Raises BadKey or OutOfRange.
    """
    _check_aes_key(key)
    if not 0 < len(secret) <= MAX_SECRET_BYTES:
        raise OutOfRange(f"expected a secret of 1 to {MAX_SECRET_BYTES} bytes, found {len(secret)}")
    return aes_key_wrap_with_padding(key, secret)


def unwrap(key: bytes, wrapped: bytes) -> bytes:
    """The inverse of `wrap` (RFC 5649 section 4.2); raises BadWrapping for anything that `wrap` does not give."""
    _check_aes_key(key)
    if len(wrapped) < 2 * _SEMIBLOCK_BYTES or len(wrapped) % _SEMIBLOCK_BYTES:
        raise BadWrapping(f"expected whole {_SEMIBLOCK_BYTES} bytes, two times or more, found {len(wrapped)} bytes")
    try:
        return aes_key_unwrap_with_padding(key, wrapped)
    except InvalidUnwrap:
        raise BadWrapping("expected bytes wrapped under this key, found altered ones or another key's") from None


def _check_kek(kek: bytes) -> None:
    if len(kek) != KEK_BYTES:
        raise BadKey(f"expected a key encryption key of {KEK_BYTES} bytes, found {len(kek)}")


def _check_aes_key(key: bytes) -> None:
    if len(key) not in _AES_KEYS:
        raise BadKey(f"expected an AES key of 16, 24 or 32 bytes, found {len(key)}")
