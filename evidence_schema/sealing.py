r"""What one recipient alone can open: HPKE (RFC 9180) for a data key, C2SP chunked encryption for the bytes.

    "evidence-sealed/v1\n" | HPKE of the data key (80 bytes) | chunked encryption under the data key

HPKE is in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, info as `_INFO`, nothing authenticated by a
sender; who sealed it is said by the log, which names the digest of the sealed file.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from evidence_schema.chunked_encryption import KEY_BYTES, decrypt, encrypt
from evidence_schema.encoding import from_base64
from evidence_schema.errors import BadCiphertext, BadEncoding, BadKey, TruncatedCiphertext

MAGIC = b"evidence-sealed/v1\n"
_INFO = b"evidence-collector sealed part v1"
_WRAPPED_BYTES = 32 + KEY_BYTES + 16
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def recipient_key(text: str) -> X25519PublicKey:
    """The public key that settings write as base64 of its 32 raw bytes; raises BadKey."""
    try:
        return X25519PublicKey.from_public_bytes(from_base64(text))
    except (BadEncoding, ValueError) as error:
        raise BadKey("expected an X25519 public key of 32 bytes in base64, found another text") from error


def read_private_key(pem: bytes, passphrase: bytes | None = None) -> X25519PrivateKey:
    """The recipient's own key (PKCS#8 PEM); raises BadKey."""
    try:
        key = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError) as error:
        raise BadKey(f"expected an X25519 private key in PEM that opens, found: {error}") from error
    if not isinstance(key, X25519PrivateKey):
        raise BadKey("expected an X25519 private key, found one of another type")
    return key


def seal(key: X25519PublicKey, context: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The sealed bytes of a plaintext that comes in pieces; `context` must be given again to open them."""
    data_key = secrets.token_bytes(KEY_BYTES)
    yield MAGIC + _SUITE.encrypt(data_key, key, info=_INFO + context)
    yield from encrypt(data_key, context, pieces)


def unseal(key: X25519PrivateKey, context: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The plaintext; nothing of it is proven before the last piece. Raises BadCiphertext or TruncatedCiphertext."""
    source, head = iter(pieces), bytearray()
    while len(head) < len(MAGIC) + _WRAPPED_BYTES:
        piece = next(source, None)
        if piece is None:
            raise TruncatedCiphertext("expected a sealed part, found fewer bytes than its head has")
        head += piece
    wrapped, rest = bytes(head[len(MAGIC) : len(MAGIC) + _WRAPPED_BYTES]), bytes(head[len(MAGIC) + _WRAPPED_BYTES :])
    if not head.startswith(MAGIC):
        raise BadCiphertext("expected a sealed part of this program, found other bytes")
    try:
        data_key = _SUITE.decrypt(wrapped, key, info=_INFO + context)
    except InvalidTag as error:
        raise BadCiphertext("expected a part sealed for this key and log, found another one's") from error

    def following() -> Iterator[bytes]:
        yield rest
        yield from source

    yield from decrypt(data_key, context, following())
