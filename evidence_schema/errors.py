"""The one exception family of this package: every error says what was expected and what was found."""

from __future__ import annotations


class EvidenceSchemaError(Exception):
    """Something handed to the foundation does not have the shape that proof must have."""


class BadJSON(EvidenceSchemaError):
    """Bytes are not strict JSON (RFC 8259 with unique keys, finite numbers and bounded depth)."""


class NotCanonical(BadJSON):
    """A value or its bytes lie outside the canonical profile that we sign."""


class BadEncoding(EvidenceSchemaError):
    """Text is not canonical standard base64."""


class BadDigest(EvidenceSchemaError):
    """A digest is not `sha256:` with 64 lower-case hex digits, or not 32 bytes."""


class BadProof(EvidenceSchemaError):
    """A Merkle proof does not lead to the root it claims, or its inputs have the wrong shape."""


class BadKey(EvidenceSchemaError):
    """A public key or verifier key has the wrong shape."""


class BadSignature(EvidenceSchemaError):
    """A signature does not hold for the key and message, or no known key has signed."""


class BadNote(EvidenceSchemaError):
    """Bytes are not a C2SP signed note."""


class BadCheckpoint(EvidenceSchemaError):
    """Text is not a C2SP checkpoint of exactly three lines."""


class BadEnvelope(EvidenceSchemaError):
    """Bytes are not a canonical DSSE envelope, or its content exceeds what may be signed."""
