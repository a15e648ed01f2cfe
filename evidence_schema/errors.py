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
    """A public, verifier or secret key has the wrong shape."""


class BadSignature(EvidenceSchemaError):
    """A signature does not hold for the key and message, or no known key has signed."""


class BadNote(EvidenceSchemaError):
    """Bytes are not a C2SP signed note."""


class BadCheckpoint(EvidenceSchemaError):
    """Text is not a C2SP checkpoint of exactly three lines."""


class BadEnvelope(EvidenceSchemaError):
    """Bytes are not a canonical DSSE envelope, or its content exceeds what may be signed."""


class BadCiphertext(EvidenceSchemaError):
    """Bytes are not what this key sealed in this context: altered, reordered, extended or of an impossible length."""


class KeyNotCommitted(BadCiphertext):
    """The header does not commit to this key and context: one of the three is another's."""


class TruncatedCiphertext(BadCiphertext):
    """The ciphertext ends before its last chunk."""


class OutOfRange(EvidenceSchemaError):
    """A place or size lies outside of what there is, or of what the format can hold."""


class BadWrapping(EvidenceSchemaError):
    """A wrapped key was altered, or wrapped under another key."""


class BadCommitment(EvidenceSchemaError):
    """Bytes are not those that a blinded commitment was made for."""


class BadDER(EvidenceSchemaError):
    """Bytes are not what the Distinguished Encoding Rules of ASN.1 write for any value."""


class BadTimestamp(EvidenceSchemaError):
    """A time-stamp reply proves nothing about a file."""


class MalformedTimestamp(BadTimestamp):
    """Bytes are not an RFC 3161 reply with a token."""


class TimestampNotGranted(BadTimestamp):
    """The authority answered, and refused."""


class UntrustedTimestamp(BadTimestamp):
    """A token's signature does not hold, or no pinned root vouches for who signed it."""


class TimestampOfOther(BadTimestamp):
    """A token is another file's, or answers another request."""


class BadAuthority(EvidenceSchemaError):
    """Text does not pin the certificate of any time-stamp authority."""


class TimestampsNotInstalled(EvidenceSchemaError):
    """The optional library that verifies time-stamp tokens is not installed."""


class BadReceipt(EvidenceSchemaError):
    """A file is not the receipt that an auditor saved, or not any more."""
