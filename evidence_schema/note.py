"""Signed notes: text and the signatures of named keys in one readable file (https://c2sp.org/signed-note).

Keys of Ed25519 (signature type 0x01) and ECDSA (0x02, over P-256) are known; a signature of any other type is one by an
unknown key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from evidence_schema import signing_key
from evidence_schema.encoding import from_base64, to_base64
from evidence_schema.errors import BadEncoding, BadKey, BadNote, BadSignature

MAX_NOTE_BYTES = 256 * 1024
MAX_SIGNATURES = 100
KEY_ID_BYTES = 4
_ED25519, _ECDSA = b"\x01", b"\x02"
_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named public key: `name` without spaces and plus signs, `public_key` as in `evidence_schema.signing_key`."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not _is_key_name(self.name):
            raise BadKey(f"expected a key name without spaces and plus signs, found {ascii(self.name)[:100]}")
        signing_key.check(self.public_key)

    @classmethod
    def from_public_key(cls, name: str, public_key: bytes) -> Self:
        """The verifier key of a public key; raises BadKey for a bad name or length."""
        return cls(name, public_key)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read `<name>+<8 hex digits of the key id>+<base64 of type and key>`; raises BadKey for anything else."""
        match = _VKEY.fullmatch(vkey)
        if match is None:
            raise BadKey(f"expected a verifier key 'name+hash+base64', found {ascii(vkey)[:200]}")
        name, digits, encoded = match.groups()
        try:
            typed = from_base64(encoded)
        except BadEncoding as error:
            raise BadKey(f"verifier key {ascii(name)[:100]}: {error}") from error
        if typed[:1] not in (_ED25519, _ECDSA):
            raise BadKey(f"expected key type 01 (Ed25519) or 02 (ECDSA), found {typed[:1].hex()}")
        key = cls(name, typed[1:])
        if key.signature_type != typed[:1]:
            raise BadKey(f"expected key type {key.signature_type.hex()} for this key, found {typed[:1].hex()}")
        if key.key_id.hex() != digits:
            raise BadKey(f"expected key id {key.key_id.hex()} for this name and key, found {digits}")
        return key

    @property
    def signature_type(self) -> bytes:
        """The format's byte for this sort of key."""
        return _ED25519 if signing_key.is_ed25519(self.public_key) else _ECDSA

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name, newline, 0x01, public key); for ECDSA of SHA-256(public key) alone."""
        named = self.name.encode() + b"\n" + _ED25519 if self.signature_type == _ED25519 else b""
        return hashlib.sha256(named + self.public_key).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self.signature_type + self.public_key)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who claims to have signed (`name`, 4-byte `key_id`) and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.signature)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read, nothing verified: `text` ends in a newline, at least one signature follows."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """The note's file bytes; raises BadNote where text or signatures could not be read back as they are."""
        lines = "".join(f"{signature}\n" for signature in self.signatures)
        try:
            data = f"{self.text}\n{lines}".encode()
        except UnicodeEncodeError as error:
            raise BadNote("expected Unicode text, found a lone surrogate") from error
        if parse_note(data) != self:
            raise BadNote("expected text that ends in a newline before the signatures, found text that does not")
        return data


@dataclass(frozen=True, slots=True)
class VerifiedNote:
    """A note signed by at least one known key.

    `signers` are the known keys that signed, in file order; `unknown` the signatures by other keys, which the format
    tells verifiers to ignore and which a strict reader may want to report.
    """

    text: str
    signers: tuple[VerifierKey, ...]
    unknown: tuple[NoteSignature, ...]


def parse_note(data: bytes) -> Note:
    """Read a note without verifying it; raises BadNote for any departure from the format.

    Strict where the format is: UTF-8, no control characters but newline, one blank line, then only signature lines,
    canonical base64; at most MAX_NOTE_BYTES and MAX_SIGNATURES.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise BadNote(f"expected at most {MAX_NOTE_BYTES} bytes, found {len(data)}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNote(f"expected UTF-8, found an invalid byte at offset {error.start}") from error
    control = _CONTROL.search(whole)
    if control is not None:
        raise BadNote(f"expected no control characters but newline, found one at character {control.start()}")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank:
        raise BadNote("expected a blank line between text and signatures, found none")
    return Note(text + "\n", _parse_signatures(lines))


def sign_note(text: str, name: str, public_key: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """The file bytes of `text` (ending in a newline) signed by one key; `sign` signs its argument.

    Raises BadNote for text that a note cannot hold and BadSignature where `sign` does not belong to `public_key`.
    """
    return Note(text, (sign_text(text, VerifierKey(name, public_key), sign),)).encode()


def sign_text(text: str, key: VerifierKey, sign: Callable[[bytes], bytes]) -> NoteSignature:
    """One signature line over `text`, checked against `key` before anybody relies on it."""
    try:
        message = text.encode()
    except UnicodeEncodeError as error:
        raise BadNote("expected Unicode text, found a lone surrogate") from error
    signature = sign(message)
    signing_key.verify(key.public_key, message, signature)
    return NoteSignature(key.name, key.key_id, signature)


def verify_note(note_bytes: bytes, keys: Iterable[VerifierKey]) -> VerifiedNote:
    """Check a note against the known keys.

    Signatures by unknown keys are passed on unchecked. Raises BadNote for a malformed note or a known key that signs
    twice, BadSignature where a known key's signature does not hold or no known key has signed.
    """
    known = _by_identity(keys)
    note = parse_note(note_bytes)
    message = note.text.encode()
    signers: list[VerifierKey] = []
    unknown: list[NoteSignature] = []
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            unknown.append(line)
            continue
        if key in signers:
            raise BadNote(f"expected one signature by {key.name!a}, found a second one")
        signing_key.verify(key.public_key, message, line.signature)
        signers.append(key)
    if not signers:
        raise BadSignature(f"expected a signature by one of {len(known)} known keys, found {len(unknown)} by others")
    return VerifiedNote(note.text, tuple(signers), tuple(unknown))


def _parse_signatures(lines: str) -> tuple[NoteSignature, ...]:
    *signatures, rest = lines.split("\n")
    if rest or not signatures:
        raise BadNote("expected signature lines that each end in a newline, found none or an unfinished one")
    if len(signatures) > MAX_SIGNATURES:
        raise BadNote(f"expected at most {MAX_SIGNATURES} signatures, found {len(signatures)}")
    return tuple(_parse_signature(line) for line in signatures)


def _parse_signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_key_name(name):
        raise BadNote("expected a signature line of em dash, key name and base64, found another line")
    try:
        data = from_base64(encoded)
    except BadEncoding as error:
        raise BadNote(f"signature by {ascii(name)[:100]}: {error}") from error
    if len(data) <= KEY_ID_BYTES:
        raise BadNote(f"expected a key id of {KEY_ID_BYTES} bytes and a signature, found {len(data)} bytes")
    return NoteSignature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _is_key_name(name: str) -> bool:
    if not name or "+" in name or _CONTROL.search(name) or any(character.isspace() for character in name):
        return False
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _by_identity(keys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        other = known.setdefault((key.name, key.key_id), key)
        if other != key:
            raise BadKey(f"expected one key per name and id, found two named {ascii(key.name)[:100]}")
    return known
