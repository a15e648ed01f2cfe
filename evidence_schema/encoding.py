"""Base64 with one spelling per value, so that nobody can change bytes without changing what they mean."""

from __future__ import annotations

import base64
import binascii

from evidence_schema.errors import BadEncoding


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4), without line breaks."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes behind `text`; raises BadEncoding unless `text` is exactly what `to_base64` writes for them."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadEncoding(f"expected standard base64 with padding, found {len(text)} characters: {error}") from error
    if to_base64(data) != text:
        raise BadEncoding(f"expected canonical base64, found another spelling of the same {len(data)} bytes")
    return data
