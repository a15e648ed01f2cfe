"""Time-stamp tokens (RFC 3161): an authority's word that a file existed at a time, checked offline by pinned roots.

A reply is kept byte for byte as the authority gave it, so that `openssl ts -verify` reads the same file. Requests are
written here; the signature and the chain of a reply are verified by `rfc3161-client` (the optional extra `timestamp`).
What that library leaves out stands here: the token must be over SHA-256, and must name the very certificate that signed
it (ESSCertID, RFC 5816). Left out by both: revocation, for which there is no offline answer.

OpenSSL's authorities write the certificates of a reply in the order of the chain, and the library reads only the order
of DER. The certificates are not under the signature, so they are put in order before the library looks at them.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates

from evidence_schema import der
from evidence_schema.digest import Digest
from evidence_schema.errors import (
    BadAuthority,
    BadDER,
    MalformedTimestamp,
    TimestampNotGranted,
    TimestampOfOther,
    TimestampsNotInstalled,
    UntrustedTimestamp,
)

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

MAX_REPLY_BYTES = 64 * 1024
"""Limit of a reply; one with a chain of three RSA certificates has some 6 KiB."""

NONCE_BITS = 64
_SHA256 = "2.16.840.1.101.3.4.2.1"
_DER_SHA256 = bytes.fromhex("608648016503040201")
_SIGNING_CERTIFICATE = bytes.fromhex("2a864886f70d010910020c")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")
_CERTIFICATE_HASHES = {
    _DER_SHA256: "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_GRANTED = b"\x00"
_REASONS = (re.compile(r'data: "Verify error: ?([^"]+)"'), re.compile(r'reason: "([^"]+)"'))


@dataclass(frozen=True, slots=True)
class TimestampRequest:
    """What an authority is asked: a time for this digest, with a number that only the reply to this request repeats."""

    digest: Digest
    nonce: int

    @classmethod
    def new(cls, digest: Digest) -> Self:
        """A request with a random nonce."""
        return cls(digest, secrets.randbits(NONCE_BITS))

    def encode(self) -> bytes:
        """The bytes to send: a DER TimeStampReq (RFC 3161 section 2.4.1) that asks for the certificate as well."""
        algorithm = der.encode(der.SEQUENCE, der.encode(der.OID, _DER_SHA256), der.encode(der.NULL))
        return der.encode(
            der.SEQUENCE,
            der.encode_integer(1),
            der.encode(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, self.digest.raw)),
            der.encode_integer(self.nonce),
            der.encode(der.BOOLEAN, b"\xff"),
        )


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a verified token says: `digest` existed not later than `gen_time`.

    `gen_time` is in UTC and cut to whole seconds; `policy` is a dotted object identifier; `serial` is the token's
    number at its authority; `authority` is the subject of the certificate that signed (RFC 4514).
    """

    gen_time: datetime
    digest: Digest
    policy: str
    serial: int
    authority: str
    nonce: int | None

    def is_late(self, claimed: datetime, skew: timedelta) -> bool:
        """Whether the token was made after the time that its file claims, by more than `skew`.

        That proves no lie: the authority may have been down. It proves the file no earlier than `gen_time`.
        """
        return self.gen_time - claimed > skew

    def is_ahead(self, claimed: datetime, skew: timedelta) -> bool:
        """Whether the file claims a time after the token that names it, by more than `skew`: an untrue claim."""
        return claimed - self.gen_time > skew


@dataclass(frozen=True, slots=True)
class PinnedAuthorities:
    """The roots that may vouch for authorities, and intermediate certificates for replies that lack them."""

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...] = ()

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """From PEM: self-issued certificates are roots, all others need one of them. Raises BadAuthority."""
        try:
            certificates = load_pem_x509_certificates(pem)
            is_root = [certificate.issuer == certificate.subject for certificate in certificates]
        except ValueError as error:
            raise BadAuthority(f"expected certificates in PEM, found {len(pem)} other bytes: {error}") from error
        if not any(is_root):
            raise BadAuthority(f"expected a root, one that is its own issuer, found {len(certificates)} others")
        roots = (one for one, root in zip(certificates, is_root, strict=True) if root)
        others = (one for one, root in zip(certificates, is_root, strict=True) if not root)
        return cls(tuple(dict.fromkeys(roots)), tuple(dict.fromkeys(others)))


def verify_timestamp(reply: bytes, digest: Digest, pinned: PinnedAuthorities, nonce: int | None = None) -> Timestamp:
    """What the token in `reply` (a DER TimeStampResp) says of the file with this digest; needs no network.

    The certificates must be valid at the token's own time, not today. `nonce` is that of the request, where it is still
    known. Raises TimestampNotGranted, MalformedTimestamp, UntrustedTimestamp, TimestampOfOther, and
    TimestampsNotInstalled without the extra.
    """
    outline = _Outline.read(reply)
    response = _parsed(outline.in_order)
    _check_signature(response, pinned)
    certificate = _signer(response)
    outline.check_names(certificate)
    _check_subject(response, digest, nonce)
    told = response.tst_info
    return Timestamp(
        gen_time=told.gen_time.astimezone(UTC).replace(microsecond=0),
        digest=digest,
        policy=told.policy.dotted_string,
        serial=told.serial_number,
        authority=certificate.subject.rfc4514_string(),
        nonce=told.nonce,
    )


def check_answers(reply: bytes, request: TimestampRequest) -> None:
    """Raise unless `reply` grants a token for this very request; who signed it is not looked at.

    Errors are those of `verify_timestamp`, except UntrustedTimestamp.
    """
    _check_subject(_parsed(_Outline.read(reply).in_order), request.digest, request.nonce)


def check_installed() -> None:
    """Raise TimestampsNotInstalled where no token could be verified."""
    try:
        import rfc3161_client  # noqa: F401, PLC0415 (optional)
    except ImportError as error:
        raise TimestampsNotInstalled(
            "expected the library that verifies time-stamp tokens, found none; install evidence-collector[timestamp]"
        ) from error


@dataclass(frozen=True, slots=True)
class _Outline:
    """A granted reply, taken apart as far as the library leaves something to do."""

    in_order: bytes
    """The reply with its certificates in DER order: nothing that is signed differs."""
    attributes: tuple[der.Element, ...]
    """The signed attributes of its signer."""

    @classmethod
    def read(cls, reply: bytes) -> Self:
        if len(reply) > MAX_REPLY_BYTES:
            raise MalformedTimestamp(f"expected a reply of at most {MAX_REPLY_BYTES} bytes, found {len(reply)}")
        try:
            status, *token = der.elements(_content(der.element(reply), der.SEQUENCE))
            _check_granted(status)
            kind, wrapped = der.elements(_content(_only(token), der.SEQUENCE))
            signed_data = der.element(_content(wrapped, der.CONTEXT_0))
            parts = [_ordered(part) for part in der.elements(_content(signed_data, der.SEQUENCE))]
            signer = der.element(_content(parts[-1], der.SET))
            attributes = [part for part in der.elements(_content(signer, der.SEQUENCE)) if part.tag == der.CONTEXT_0]
            told = tuple(der.elements(_only(attributes).content))
        except (BadDER, IndexError, ValueError) as error:
            raise MalformedTimestamp(f"expected a time-stamp reply with a token, found other bytes: {error}") from error
        signed = der.encode(der.SEQUENCE, *(part.encoded for part in parts))
        whole = der.encode(der.SEQUENCE, kind.encoded, der.encode(der.CONTEXT_0, signed))
        return cls(der.encode(der.SEQUENCE, status.encoded, whole), told)

    def check_names(self, certificate: Certificate) -> None:
        """Raise UntrustedTimestamp unless the signed attributes name this certificate as the one that signed."""
        encoded = certificate.public_bytes(Encoding.DER)
        try:
            named = [_named_certificate(one) for one in self.attributes]
        except (BadDER, IndexError, ValueError) as error:
            raise MalformedTimestamp(f"expected signed attributes, found other bytes: {error}") from error
        hashes = [one for one in named if one is not None]
        if not hashes or any(hashlib.new(name, encoded, usedforsecurity=False).digest() != of for name, of in hashes):
            found = "another's" if hashes else "none"
            raise UntrustedTimestamp(f"expected the token to name the certificate that signed it, found {found}")


def _named_certificate(attribute: der.Element) -> tuple[str, bytes] | None:
    """Hash name and hash of the first certificate of a SigningCertificate attribute (RFC 5035); None for any other."""
    kind, values = der.elements(attribute.content)
    if kind.content not in (_SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2):
        return None
    identifiers = der.elements(der.element(values.content).content)[0]
    first, *more = der.elements(der.elements(identifiers.content)[0].content)
    if kind.content == _SIGNING_CERTIFICATE:
        return "sha1", first.content
    if first.tag == der.OCTET_STRING:  # the hash itself: SHA-256 is what a left-out algorithm means
        return "sha256", first.content
    algorithm = der.elements(first.content)[0].content
    if algorithm not in _CERTIFICATE_HASHES:
        raise BadDER(f"expected a certificate named by SHA-2, found algorithm {algorithm.hex()}")
    return _CERTIFICATE_HASHES[algorithm], more[0].content


def _ordered(part: der.Element) -> der.Element:
    """A part of SignedData: the certificates in DER order (X.690 section 11.6), all others as they are."""
    if part.tag != der.CONTEXT_0:
        return part
    certificates = sorted(one.encoded for one in der.elements(part.content))
    return der.element(der.encode(der.CONTEXT_0, *certificates))


def _check_granted(status: der.Element) -> None:
    code, *more = der.elements(_content(status, der.SEQUENCE))
    if code.tag == der.INTEGER and code.content == _GRANTED:
        return
    texts = [text.content for part in more if part.tag == der.SEQUENCE for text in der.elements(part.content)]
    said = "; ".join(text.decode("utf-8", "replace") for text in texts) or "no reason"
    raise TimestampNotGranted(f"expected a granted time stamp, found status {code.content.hex()}: {ascii(said)[:300]}")


def _parsed(reply: bytes) -> TimeStampResponse:
    check_installed()
    from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 (optional)

    try:
        return decode_timestamp_response(reply)
    except ValueError as error:
        raise MalformedTimestamp(f"expected a time-stamp reply, found other bytes: {str(error)[:200]}") from error


def _check_signature(response: TimeStampResponse, pinned: PinnedAuthorities) -> None:
    from rfc3161_client import VerificationError, VerifierBuilder  # noqa: PLC0415 (optional)

    builder = VerifierBuilder(roots=list(pinned.roots), intermediates=list(pinned.intermediates))
    try:
        builder.build().verify(response, response.tst_info.message_imprint.message)
    except VerificationError as error:
        raise UntrustedTimestamp(
            f"expected a token signed by an authority of a pinned root, found: {_reason(error)}"
        ) from error
    except ValueError as error:
        raise MalformedTimestamp(f"expected a time-stamp token, found other bytes: {str(error)[:200]}") from error


def _signer(response: TimeStampResponse) -> Certificate:
    """The certificate that the signature was made with: the library has seen that its chain ends in a pinned root."""
    (signer,) = response.signed_data.signer_infos
    certificates = [load_der_x509_certificate(encoded) for encoded in response.signed_data.certificates]
    matching = [one for one in certificates if (one.issuer, one.serial_number) == (signer.issuer, signer.serial_number)]
    if len(matching) != 1:
        raise UntrustedTimestamp(f"expected one certificate of the signer in the token, found {len(matching)}")
    return matching[0]


def _check_subject(response: TimeStampResponse, digest: Digest, nonce: int | None) -> None:
    try:
        told = response.tst_info
        imprint = told.message_imprint
        algorithm, stamped, repeated = imprint.hash_algorithm.dotted_string, imprint.message, told.nonce
    except ValueError as error:
        raise MalformedTimestamp(f"expected a time-stamp token, found other bytes: {str(error)[:200]}") from error
    if algorithm != _SHA256:
        raise TimestampOfOther(f"expected a token over SHA-256, found one over {algorithm}")
    if stamped != digest.raw:
        raise TimestampOfOther(f"expected a token for {digest}, found one for sha256:{stamped.hex()[:64]}")
    if nonce is not None and repeated != nonce:
        raise TimestampOfOther(f"expected the request's nonce {nonce:x}, found {repeated or 0:x}")


def _content(element: der.Element, tag: int) -> bytes:
    if element.tag != tag:
        raise BadDER(f"expected tag {tag:02x}, found {element.tag:02x}")
    return element.content


def _only(found: Sequence[der.Element]) -> der.Element:
    if len(found) != 1:
        raise BadDER(f"expected one part, found {len(found)}")
    return found[0]


def _reason(error: Exception) -> str:
    """What the library passes on of OpenSSL's own words, without the addresses in its source."""
    text = str(error)
    found = [reason for pattern in _REASONS for reason in pattern.findall(text)]
    return found[0] if found else text[:200]
