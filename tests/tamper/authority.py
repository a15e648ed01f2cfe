"""A time-stamp authority inside this process, whose clock is told: thousands of tokens take seconds.

What `openssl ts` would answer (RFC 3161, RFC 5652, RFC 5816), in as few parts as a verifier needs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence_schema import der
from evidence_schema.digest import Digest
from flows.demo.timestamp_authority import certify

_GENERALIZED_TIME = 0x18
_POLICY = bytes.fromhex("2a0304")
_SHA256 = bytes.fromhex("608648016503040201")
_ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TOKEN_INFO = bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")


def _sequence(*parts: bytes) -> bytes:
    return der.encode(der.SEQUENCE, *parts)


def _oid(content: bytes) -> bytes:
    return der.encode(der.OID, content)


def _octets(content: bytes) -> bytes:
    return der.encode(der.OCTET_STRING, content)


class Authority:
    """`root` is what an auditor pins."""

    def __init__(self, since: datetime) -> None:
        begin = since - timedelta(days=30)
        root = certify("SIMULATED time-stamp root", is_authority=True, since=begin)
        self._signer = certify(
            "SIMULATED time-stamp authority", root, usages=(ExtendedKeyUsageOID.TIME_STAMPING,), since=begin
        )
        self._certificate = self._signer.certificate.public_bytes(Encoding.DER)
        self.root = root.pem.decode()
        self._serial = 0

    def reply(self, digest: Digest, now: datetime) -> bytes:
        """A granted reply: this digest was seen at this time."""
        self._serial += 1
        info = _sequence(
            der.encode_integer(1),
            _oid(_POLICY),
            _sequence(_sequence(_oid(_SHA256), der.encode(der.NULL)), _octets(digest.raw)),
            der.encode_integer(self._serial),
            der.encode(_GENERALIZED_TIME, f"{now:%Y%m%d%H%M%SZ}".encode()),
        )
        attributes = b"".join(sorted(self._attributes(info)))
        signature = self._signer.key.sign(der.encode(der.SET, attributes), ECDSA(SHA256()))
        certificate = self._signer.certificate
        signer = _sequence(
            der.encode_integer(1),
            _sequence(certificate.issuer.public_bytes(), der.encode_integer(certificate.serial_number)),
            _sequence(_oid(_SHA256)),
            der.encode(der.CONTEXT_0, attributes),
            _sequence(_oid(_ECDSA_SHA256)),
            _octets(signature),
        )
        signed = _sequence(
            der.encode_integer(3),
            der.encode(der.SET, _sequence(_oid(_SHA256))),
            _sequence(_oid(_TOKEN_INFO), der.encode(der.CONTEXT_0, _octets(info))),
            der.encode(der.CONTEXT_0, self._certificate),
            der.encode(der.SET, signer),
        )
        token = _sequence(_oid(_SIGNED_DATA), der.encode(der.CONTEXT_0, signed))
        return _sequence(_sequence(der.encode_integer(0)), token)

    def _attributes(self, info: bytes) -> list[bytes]:
        named = _sequence(_sequence(_sequence(_octets(sha256(self._certificate).digest()))))
        values = (
            (_CONTENT_TYPE, _oid(_TOKEN_INFO)),
            (_MESSAGE_DIGEST, _octets(sha256(info).digest())),
            (_SIGNING_CERTIFICATE_V2, named),
        )
        return [_sequence(_oid(kind), der.encode(der.SET, value)) for kind, value in values]
