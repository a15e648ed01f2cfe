"""Artifacts that may have to be erased: ciphertext by its digest, and what stays true of it when its key is gone.

Sealed for ever are the ciphertext's digest and a commitment under a blind that lies with the data key. Never a bare
digest of the plaintext: a record of few possible values could be guessed from it (INTEGRITY 5.9).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evidence_schema.models.base import Frozen, NonNegative
from evidence_schema.models.names import LogName, RunId
from evidence_schema.models.unit import BlobDigest

SCHEME: Literal["c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"] = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"
COMMITMENT_PREFIX = "hmac-sha256:"

Part = Annotated[str, Field(pattern=r"^([0-9a-f]{64}|facts|findings|workbook)$")]
"""What of a run an artifact is: the digest of its unit, in hex, or a document of the run as a whole."""


class Context(Frozen):
    """Where an artifact belongs. Its ciphertext opens nowhere else: moved to another run or unit, it is refused."""

    log: LogName
    run_id: RunId
    part: Part

    @property
    def bytes(self) -> bytes:
        """`<log>/<run id>/<part>`, the context of the chunked encryption."""
        return f"{self.log}/{self.run_id}/{self.part}".encode()


class Encryption(Frozen):
    """How a blob is encrypted; digest and size beside this are those of the ciphertext."""

    scheme: Literal["c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"] = SCHEME
    commitment: str = Field(pattern=r"^hmac-sha256:[0-9a-f]{64}$")
    """HMAC-SHA256(blind, plaintext)."""
    size: NonNegative
    """Bytes of plaintext."""

    @classmethod
    def of(cls, commitment: bytes, size: int) -> Encryption:
        return cls(commitment=f"{COMMITMENT_PREFIX}{commitment.hex()}", size=size)

    @property
    def commitment_raw(self) -> bytes:
        """The commitment's 32 bytes."""
        return bytes.fromhex(self.commitment.removeprefix(COMMITMENT_PREFIX))


class EncryptedBlob(BlobDigest):
    """A stored ciphertext: digest and size are its own."""

    encryption: Encryption
