"""A signing key in AWS KMS: `awskms:` and the ARN of an asymmetric key of one of the two sorts that may sign.

The private key never leaves KMS. What KMS signs are our bytes, not their digest (`RAW`), so that its signatures are
plain Ed25519 (RFC 8032; sort ECC_NIST_EDWARDS25519), or plain ECDSA (ECC_NIST_P256) where KMS refuses that one, and
nobody who verifies needs to know where the key is. RAW takes at most 4,096 bytes: an entry's pre-authentication
encoding is no longer, and a checkpoint's text is much shorter.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from evidence_schema import p256, signing_key
from evidence_schema.dsse import MAX_PAE_BYTES
from flows.vault.errors import WrongKey
from flows.vault.kms import KmsAccess, asking, kms_client

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

RIGHTS = "kms:Sign and kms:GetPublicKey"
KEY = "a key for signatures (SIGN_VERIFY) of the sort ECC_NIST_EDWARDS25519, or ECC_NIST_P256 where KMS refuses that"


class KmsSigner:
    """A key in KMS; satisfies `Signer`. One call for the public key, then one a signature."""

    def __init__(self, client: KMSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    @cached_property
    def public_key(self) -> bytes:
        with asking(self._arn, rights=RIGHTS, key=KEY):
            answer = self._client.get_public_key(KeyId=self._arn)
        found = f"{answer.get('KeySpec', 'none')} for {answer.get('KeyUsage', 'nothing')}"
        try:
            key = load_der_public_key(answer["PublicKey"])
        except (ValueError, UnsupportedAlgorithm, KeyError) as error:
            raise WrongKey(f"expected {KEY} at {self._arn}, found {found} that cannot be read") from error
        if answer.get("KeyUsage") == "SIGN_VERIFY":
            if isinstance(key, Ed25519PublicKey):
                return key.public_bytes_raw()
            if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
                return p256.public_bytes(key)
        raise WrongKey(f"expected {KEY} at {self._arn}, found {found}; make one of that sort")

    @property
    def key_id(self) -> str:
        return signing_key.key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """A signature by exactly this key, or an error: KMS is not taken at its word."""
        if len(message) > MAX_PAE_BYTES:
            raise WrongKey(f"expected at most {MAX_PAE_BYTES} bytes, which is what KMS signs, found {len(message)}")
        is_ed25519 = signing_key.is_ed25519(self.public_key)
        with asking(self._arn, rights=RIGHTS, key=KEY):
            answer = self._client.sign(
                KeyId=self._arn,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm="ED25519_SHA_512" if is_ed25519 else "ECDSA_SHA_256",
            )
        signing_key.verify(self.public_key, message, answer["Signature"])
        return answer["Signature"]


def open_kms_signer(uri: str, access: KmsAccess) -> KmsSigner:
    """The key that `awskms:ARN` names, asked for its public half: whoever cannot use it is told before a run begins."""
    signer = KmsSigner(*kms_client(uri, access))
    _ = signer.public_key
    return signer
