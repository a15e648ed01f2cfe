"""RSA signatures of others (RFC 8017, PKCS #1 v1.5 with SHA-256): CloudTrail signs its digest files so.

Our own signatures are of another sort (`signing_key`); this only reads what AWS signed.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


def holds(der_public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is by the RSA key (DER, PKCS #1 or SubjectPublicKeyInfo) over the message."""
    try:
        key = load_der_public_key(der_public)
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(signature, message, PKCS1v15(), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
