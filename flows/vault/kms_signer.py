"""A signing key in AWS KMS: `awskms:` and the ARN of an asymmetric key of the sort ECC_NIST_EDWARDS25519.

The private key never leaves KMS. What KMS signs are our bytes, not their digest (`ED25519_SHA_512` with `RAW`), so that
its signatures are plain Ed25519 (RFC 8032) and nobody who verifies needs to know where the key is. RAW takes at most
4,096 bytes: an entry's pre-authentication encoding is no longer, and a checkpoint's text is much shorter.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from evidence_schema import ed25519
from evidence_schema.dsse import MAX_PAE_BYTES
from flows.vault.errors import WrongKey
from flows.vault.kms import KmsAccess, asking, kms_client

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

RIGHTS = "kms:Sign and kms:GetPublicKey"
KEY = "an Ed25519 key for signatures (ECC_NIST_EDWARDS25519, SIGN_VERIFY)"


class KmsSigner:
    """A key in KMS; satisfies `Signer`. One call for the public key, then one a signature."""

    def __init__(self, client: KMSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    @cached_property
    def public_raw(self) -> bytes:
        with asking(self._arn, rights=RIGHTS, key=KEY):
            answer = self._client.get_public_key(KeyId=self._arn)
        found = f"{answer.get('KeySpec', 'none')} for {answer.get('KeyUsage', 'nothing')}"
        try:
            key = load_der_public_key(answer["PublicKey"])
        except (ValueError, UnsupportedAlgorithm, KeyError) as error:
            raise WrongKey(f"expected {KEY} at {self._arn}, found {found} that cannot be read") from error
        if not isinstance(key, Ed25519PublicKey) or answer.get("KeyUsage") != "SIGN_VERIFY":
            raise WrongKey(f"expected {KEY} at {self._arn}, found {found}; make one of that sort")
        return key.public_bytes_raw()

    @property
    def key_id(self) -> str:
        return ed25519.key_id(self.public_raw)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature by exactly this key, or an error: KMS is not taken at its word."""
        if len(message) > MAX_PAE_BYTES:
            raise WrongKey(f"expected at most {MAX_PAE_BYTES} bytes, which is what KMS signs, found {len(message)}")
        with asking(self._arn, rights=RIGHTS, key=KEY):
            answer = self._client.sign(
                KeyId=self._arn, Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
            )
        ed25519.verify(self.public_raw, message, answer["Signature"])
        return answer["Signature"]


def open_kms_signer(uri: str, access: KmsAccess) -> KmsSigner:
    """The key that `awskms:ARN` names, asked for its public half: whoever cannot use it is told before a run begins."""
    signer = KmsSigner(*kms_client(uri, access))
    _ = signer.public_raw
    return signer
