"""Signing keys by URI, the pseudonym key, and the trust policy that an auditor pins.

A key lies in a file of its owner's, outside the vault: who can write the evidence must not find the key beside it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from evidence_schema import signing_key
from evidence_schema.models.trust import TrustedKey, TrustPolicy
from evidence_schema.note import VerifierKey
from flows.vault.errors import BadSettings, UnsafeKeyFile, WrongKey
from flows.vault.settings import StoreCredentials, folder_of

PSEUDONYM_KEY_BYTES = 32
PSEUDONYM_LENGTH = 32
_MAX_KEY_FILE = 16 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Signer(Protocol):
    """Who signs entries and checkpoints, wherever its private key is."""

    @property
    def public_key(self) -> bytes:
        """The public key, in the bytes of `evidence_schema.signing_key`."""
        ...

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key, 64 hex digits."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A signature of the key's sort over the message."""
        ...


@dataclass(frozen=True, slots=True)
class LocalKey:
    """An Ed25519 key in this process's memory; satisfies `Signer`."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        return signing_key.key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names as 32 hex digits that only the holder of this key can compute, and so connect with a person."""

    key: bytes = field(repr=False)

    def pseudonym(self, name: str) -> str:
        """HMAC-SHA256 of the name in Unicode's composed form, cut to 128 bits."""
        message = unicodedata.normalize("NFC", name).encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:PSEUDONYM_LENGTH]


def create_key(path: Path, passphrase: bytes | None = None, *, vault_url: str = "") -> LocalKey:
    """A new Ed25519 key in a new file (PKCS#8 PEM, mode 0600).

    The format's key derivation is quick, so that only a long random passphrase protects a stolen file.
    """
    key = Ed25519PrivateKey.generate()
    sealing: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing), vault_url)
    return LocalKey(key)


@dataclass(frozen=True, slots=True)
class SignerAccess:
    """What a URI does not say of a signing key: the passphrase of a file, the way to KMS and whose credentials."""

    passphrase: bytes | None = field(default=None, repr=False)
    kms_endpoint: str | None = None
    profile: str | None = None
    credentials: StoreCredentials | None = None


def load_signer(uri: str, access: SignerAccess) -> Signer:
    """The signer that a URI names: `file:/path/to/key.pem` or `awskms:ARN`; boto3 is loaded for a key in KMS only."""
    if not uri.startswith("awskms:"):
        return load_key(uri, access.passphrase)
    from flows.vault.kms import KmsAccess  # noqa: PLC0415 (a local key needs no boto3)
    from flows.vault.kms_signer import open_kms_signer  # noqa: PLC0415 (likewise)

    return open_kms_signer(uri, KmsAccess(access.kms_endpoint, access.profile, access.credentials))


def check_signs(signer: Signer, public_key: bytes | None = None) -> None:
    """One signature over random bytes, verified by a key that is known from elsewhere; raises BadSignature.

    The bytes begin as no entry and no checkpoint does: the signature can stand for nothing else.
    """
    message = b"evidence-collector asks whether this key signs: " + secrets.token_bytes(32)
    signing_key.verify(public_key or signer.public_key, message, signer.sign(message))


def load_key(uri: str, passphrase: bytes | None = None) -> LocalKey:
    """The key in `file:/path/to/key.pem`.

    Raises WrongKey where the file holds no Ed25519 key or the passphrase is not its own, UnsafeKeyFile where others
    can read it.
    """
    path = path_of(uri)
    pem = read_private(path)
    try:
        key = load_pem_private_key(pem, passphrase or None)
    except TypeError as error:
        found = "one, although the key is not sealed" if passphrase else "none, although the key is sealed"
        raise WrongKey(f"expected the passphrase of {path}, found {found}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise WrongKey(f"expected {path} to open, found another passphrase or no PKCS#8 key in it") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise WrongKey(f"expected an Ed25519 key in {path}, found a key of another type")
    return LocalKey(key)


def create_pseudonym_key(path: Path, *, vault_url: str = "") -> Pseudonyms:
    """A new random key for pseudonyms in a new file (64 hex digits, mode 0600)."""
    key = secrets.token_bytes(PSEUDONYM_KEY_BYTES)
    write_private(path, key.hex().encode() + b"\n", vault_url)
    return Pseudonyms(key)


def load_pseudonyms(uri: str) -> Pseudonyms:
    """The pseudonym key of `file:/path`; raises WrongKey or UnsafeKeyFile."""
    path = path_of(uri)
    text = read_private(path).strip()
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != PSEUDONYM_KEY_BYTES:
        raise WrongKey(f"expected {2 * PSEUDONYM_KEY_BYTES} hex digits in {path}, found something else")
    return Pseudonyms(key)


def trust_policy_for(log: str, origin: str, signer: Signer) -> TrustPolicy:
    """The policy that believes this key from the log's first entry on."""
    vkey = VerifierKey.from_public_key(origin, signer.public_key)
    return TrustPolicy(log=log, origin=origin, keys=(TrustedKey(vkey=str(vkey)),))


def policy_after_rotation(policy: TrustPolicy, seq: int, successor: Signer) -> TrustPolicy:
    """The policy in which entry `seq` is the last one of the key before, and the successor signs what follows.

    Raises WrongKey where the policy says otherwise about the entries around it.
    """
    vkey = str(VerifierKey.from_public_key(policy.origin, successor.public_key))
    pinned = [key for key in policy.keys if key.first > seq]
    if [key.vkey for key in pinned] == [vkey] and pinned[0].first == seq + 1:
        return policy
    ending = [key for key in policy.keys if key.until is None]
    if pinned or len(ending) != 1 or ending[0].vkey == vkey:
        found = ", ".join(f"{key.vkey} from {key.first}" for key in pinned or ending) or "no key without an end"
        raise WrongKey(f"expected a trust policy in which one key ends at entry {seq}, found {found}")
    ended = (key if key.until is not None else key.model_copy(update={"until": seq + 1}) for key in policy.keys)
    return policy.model_copy(update={"keys": (*ended, TrustedKey(vkey=vkey, first=seq + 1))})


def policy_after_theft(
    policy: TrustPolicy, key_id: str, stolen_at: datetime, revoked_from: int | None = None
) -> TrustPolicy:
    """The policy that believes a key only for what stood before it was stolen; raises WrongKey for a key that is not
    pinned, or that still signs.
    """
    changes = {"stolen_at": stolen_at, "revoked_from": revoked_from}
    keys, found = [], False
    for key in policy.keys:
        is_it = signing_key.key_id(VerifierKey.parse(key.vkey).public_key) == key_id
        if is_it and key.until is None:
            raise WrongKey("expected a key that signs no more, found the one that signs now; rotate to a new one first")
        found = found or is_it
        keys.append(key.model_copy(update=changes) if is_it else key)
    if not found:
        raise WrongKey(f"expected the id of a key that the trust policy names, found {ascii(key_id)[:80]}")
    return policy.model_copy(update={"keys": tuple(keys)})


def write_trust_policy(path: Path, policy: TrustPolicy, *, vault_url: str = "") -> None:
    """A new file for the auditor to pin, whole or not at all; one that says the same already may stand.

    Raises UnsafeKeyFile inside the vault, where it would prove nothing, and for a file that says something else.
    """
    keep_out(path, vault_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = policy.canonical()
    if path.exists() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _create(draft, content, 0o644)
    try:
        os.link(draft, path)
    except FileExistsError:
        raise UnsafeKeyFile(f"expected no file at {path}, found one; it is never written over") from None
    finally:
        draft.unlink()


def keep_out(path: Path, vault_url: str) -> None:
    """Raise UnsafeKeyFile for a path inside a directory vault."""
    folder = folder_of(vault_url) if vault_url else None
    if folder is not None and path.resolve().is_relative_to(folder.resolve()):
        raise UnsafeKeyFile(f"expected a place outside the vault, found {path} inside {folder}; choose another folder")


def path_of(uri: str) -> Path:
    """The file of `file:/path`; raises BadSettings for any other scheme."""
    scheme, _, path = uri.partition(":")
    if scheme != "file" or not path:
        raise BadSettings(f"expected a key like file:/path/to/key.pem, found {ascii(uri)[:120]}")
    return Path(path).expanduser().absolute()


def write_private(path: Path, content: bytes, vault_url: str) -> None:
    """A new file of its owner's only, outside the vault, in a folder that only its owner writes to."""
    keep_out(path, vault_url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_mode & _OTHERS_WRITE:
        raise UnsafeKeyFile(f"expected a folder that only its owner writes to, found {path.parent}; try chmod go-w")
    _create(path, content, 0o600)


def _create(path: Path, content: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise UnsafeKeyFile(f"expected no file at {path}, found one; it is never written over") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_private(path: Path) -> bytes:
    """Raises UnsafeKeyFile where others can read it, WrongKey where it cannot be read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise WrongKey(f"expected a key at {path}, found: {error.strerror}") from error
    with file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & _OTHERS:
            raise UnsafeKeyFile(f"expected mode 0600 of {path}, found {mode & 0o777:04o}; try chmod 600")
        return file.read(_MAX_KEY_FILE)
