"""DSSE v1 envelopes: a payload, its type, and signatures over both (github.com/secure-systems-lab/dsse).

Our files hold the envelope as canonical JSON, so one envelope has one spelling. Every envelope of ours has exactly
one signer: a second signature would be bytes that nobody asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from evidence_schema import signing_key
from evidence_schema.canonical import JSON, canonical_bytes, parse_canonical
from evidence_schema.encoding import from_base64, to_base64
from evidence_schema.errors import BadEncoding, BadEnvelope, BadJSON, BadSignature

MAX_PAE_BYTES = 4096
"""What a cloud key service signs in one call; larger things are named by digest."""

MAX_ENVELOPE_BYTES = 64 * 1024
"""Limit of an envelope file, in bytes."""

_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class EnvelopeSignature(NamedTuple):
    """A signature's bytes and the id of the key that claims it (SHA-256 of the raw public key, hex)."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope, nothing verified: `payload` bytes, their media type, at least one signature."""

    payload: bytes
    payload_type: str
    signatures: tuple[EnvelopeSignature, ...]

    def __post_init__(self) -> None:
        if not self.payload_type or _UNFIT.search(self.payload_type):
            raise BadEnvelope(f"expected a payload type of printable text, found {ascii(self.payload_type)[:100]}")
        if not self.signatures:
            raise BadEnvelope("expected at least one signature, found none")


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: DSSE v1 pre-authentication encoding; lengths count bytes."""
    typed = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(typed), typed, len(payload), payload)


def check_pae_size(payload_type: str, payload: bytes) -> None:
    """Raise BadEnvelope where the bytes to sign would exceed MAX_PAE_BYTES."""
    size = len(pae(payload_type, payload))
    if size > MAX_PAE_BYTES:
        raise BadEnvelope(f"expected at most {MAX_PAE_BYTES} bytes to sign, found {size}; name large parts by digest")


def sign_envelope(payload_type: str, payload: bytes, public_key: bytes, sign: Callable[[bytes], bytes]) -> Envelope:
    """An envelope signed by one key; `sign` signs its argument.

    Raises BadEnvelope where there is too much to sign and BadSignature where `sign` does not belong to `public_key`.
    """
    check_pae_size(payload_type, payload)
    signature = EnvelopeSignature(signing_key.key_id(public_key), sign(pae(payload_type, payload)))
    envelope = Envelope(payload, payload_type, (signature,))
    verify_envelope(envelope, public_key)
    return envelope


def encode_envelope(envelope: Envelope) -> bytes:
    """The envelope's file bytes: RFC 8785 JSON with canonical base64, no trailing newline."""
    return canonical_bytes(
        {
            "payload": to_base64(envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": [{"keyid": keyid, "sig": to_base64(sig)} for keyid, sig in envelope.signatures],
        }
    )


def parse_envelope(data: bytes, *, max_bytes: int = MAX_ENVELOPE_BYTES) -> Envelope:
    """Read an envelope without verifying it; raises BadEnvelope for bytes that `encode_envelope` would not write."""
    try:
        document = parse_canonical(data, max_bytes=max_bytes)
    except BadJSON as error:
        raise BadEnvelope(f"envelope: {error}") from error
    fields = _fields(document, "envelope", {"payload", "payloadType", "signatures"})
    signatures = fields["signatures"]
    if not isinstance(signatures, list):
        raise BadEnvelope(f"expected signatures to be an array, found a {type(signatures).__name__}")
    return Envelope(
        _bytes(fields["payload"], "payload"),
        _text(fields["payloadType"], "payloadType"),
        tuple(_signature(member) for member in signatures),
    )


def verify_envelope(envelope: Envelope, public_key: bytes) -> None:
    """Raise BadSignature unless the envelope's one signature is by this public key."""
    if len(envelope.signatures) != 1:
        raise BadSignature(f"expected exactly one signature, found {len(envelope.signatures)}")
    signature = envelope.signatures[0]
    expected = signing_key.key_id(public_key)
    if signature.keyid != expected:
        raise BadSignature(f"expected key id {expected}, found {ascii(signature.keyid)[:100]}")
    signing_key.verify(public_key, pae(envelope.payload_type, envelope.payload), signature.sig)


def _signature(member: JSON) -> EnvelopeSignature:
    fields = _fields(member, "signature", {"keyid", "sig"})
    return EnvelopeSignature(_text(fields["keyid"], "keyid"), _bytes(fields["sig"], "sig"))


def _fields(value: JSON, what: str, names: set[str]) -> Mapping[str, JSON]:
    if not isinstance(value, dict):
        raise BadEnvelope(f"expected the {what} to be an object, found a {type(value).__name__}")
    if value.keys() != names:
        raise BadEnvelope(f"expected the {what}'s keys to be {sorted(names)}, found {ascii(sorted(value))[:200]}")
    return value


def _text(value: JSON, what: str) -> str:
    if not isinstance(value, str):
        raise BadEnvelope(f"expected {what} to be a string, found a {type(value).__name__}")
    return value


def _bytes(value: JSON, what: str) -> bytes:
    try:
        return from_base64(_text(value, what))
    except BadEncoding as error:
        raise BadEnvelope(f"{what}: {error}") from error
