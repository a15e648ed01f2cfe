"""The key encryption key on this machine: a file of its owner's, one key for each quarter.

Data keys are wrapped under the newest. When a quarter has ended, `evidence data-keys rotate --forget` adds a key, wraps
every data key that still stands under it, and forgets the old one: a data key that was destroyed, and is still in some
old backup, dies with the key it was wrapped under (INTEGRITY 5.9).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field, ValidationError

from evidence_schema.encoding import from_base64, to_base64
from evidence_schema.errors import BadEncoding, BadWrapping, EvidenceSchemaError
from evidence_schema.key_wrapping import KEK_BYTES, DataKey, unwrap, wrap
from evidence_schema.models.base import Frozen
from evidence_schema.models.encrypted import Context
from flows.vault.errors import UnsafeKeyFile, WrongKey
from flows.vault.keys import path_of, read_private, write_private

SALT_BYTES = 16
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 1
_SCRYPT_MEMORY = 64 * 1024 * 1024

Epoch = Annotated[
    str, Field(pattern=r"^([0-9]{4}-q[1-4](\.[0-9]{1,3})?|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+)$")
]
"""A quarter of a local key (`2026-q4`; made twice in a quarter, `2026-q4.1`), or the ARN of a key in KMS."""


class WrappedKey(Frozen):
    """A data key as it lies in its place: under which key it is wrapped, and whose it is. Nothing of it is secret."""

    schema_id: str = Field(default="evidence/data-key/v1", alias="schema", pattern=r"^evidence/data-key/v1$")
    context: Context
    epoch: Epoch
    wrapped: str = Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=8192)
    """Base64 of AES-KWP(KEK, data key || blind), 72 bytes; from KMS, of its own ciphertext."""

    @property
    def bytes(self) -> bytes:
        try:
            return from_base64(self.wrapped)
        except BadEncoding as error:
            raise BadWrapping(f"expected base64 of a wrapped data key, found: {error}") from None


class KeyEncryption(Protocol):
    """Who wraps data keys, wherever the key encryption key is."""

    @property
    def epoch(self) -> str:
        """The key that new data keys are wrapped under."""
        ...

    def new(self, context: Context) -> tuple[DataKey, WrappedKey]:
        """A new random data key, and the same wrapped."""
        ...

    def unwrap(self, wrapped: WrappedKey) -> DataKey:
        """Raises BadWrapping for bytes that were altered or wrapped under a key that is not here."""
        ...

    def wrap(self, key: DataKey, context: Context) -> WrappedKey:
        """A data key that is at hand, under the newest key."""
        ...


class _Stored(Frozen):
    epoch: Epoch
    salt: str = ""
    key: str
    """Base64: the key, or, where there is a salt, the key wrapped (AES-KWP) under scrypt of the passphrase."""


class _File(Frozen):
    schema_id: str = Field(default="evidence/kek/v1", alias="schema", pattern=r"^evidence/kek/v1$")
    epochs: tuple[_Stored, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class LocalKek:
    """The keys of a file, by epoch, the newest last; satisfies `KeyEncryption`."""

    keys: dict[str, bytes] = field(repr=False)

    @property
    def epoch(self) -> str:
        return list(self.keys)[-1]

    def new(self, context: Context) -> tuple[DataKey, WrappedKey]:
        key = DataKey.new()
        return key, self.wrap(key, context)

    def wrap(self, key: DataKey, context: Context) -> WrappedKey:
        return WrappedKey(context=context, epoch=self.epoch, wrapped=to_base64(key.wrapped(self.keys[self.epoch])))

    def unwrap(self, wrapped: WrappedKey) -> DataKey:
        kek = self.keys.get(wrapped.epoch)
        if kek is None:
            known = ", ".join(self.keys)
            raise BadWrapping(f"expected a data key under one of {known}, found one under {wrapped.epoch}")
        return DataKey.unwrapped(kek, wrapped.bytes)


def create_kek(path: Path, passphrase: bytes | None, now: datetime, *, vault_url: str = "") -> LocalKek:
    """A new key in a new file (mode 0600), for the quarter of `now`."""
    kek = LocalKek({quarter_of(now): secrets.token_bytes(KEK_BYTES)})
    write_private(path, _written(kek, passphrase), vault_url)
    return kek


def load_kek(uri: str, passphrase: bytes | None = None) -> LocalKek:
    """The keys of `file:/path`; raises WrongKey or UnsafeKeyFile."""
    path = path_of(uri)
    data = read_private(path)
    try:
        stored = _File.from_canonical(data.strip())
        return LocalKek({item.epoch: _opened(item, passphrase) for item in stored.epochs})
    except BadWrapping as error:
        raise WrongKey(f"expected the passphrase of {path}, found another or none") from error
    except (EvidenceSchemaError, ValidationError) as error:
        raise WrongKey(f"expected a key encryption key in {path}, found something else: {error}") from error


def replace_kek(uri: str, kek: LocalKek, passphrase: bytes | None) -> None:
    """Write the file anew: whole or not at all."""
    path = path_of(uri)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_private(temporary, _written(kek, passphrase), "")
    try:
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UnsafeKeyFile(f"expected to write {path} anew, found: {error.strerror}; the old one stands") from error


def with_next_epoch(kek: LocalKek, now: datetime) -> LocalKek:
    """The same keys, and a new one for the quarter of `now`."""
    quarter = quarter_of(now)
    same = sum(epoch == quarter or epoch.startswith(f"{quarter}.") for epoch in kek.keys)
    return LocalKek({**kek.keys, f"{quarter}.{same}" if same else quarter: secrets.token_bytes(KEK_BYTES)})


def quarter_of(moment: datetime) -> str:
    """`2026-q4`."""
    moment = moment.astimezone(UTC)
    return f"{moment.year:04d}-q{(moment.month + 2) // 3}"


def _written(kek: LocalKek, passphrase: bytes | None) -> bytes:
    epochs = tuple(_sealed(epoch, key, passphrase) for epoch, key in kek.keys.items())
    return _File(epochs=epochs).canonical() + b"\n"


def _sealed(epoch: str, key: bytes, passphrase: bytes | None) -> _Stored:
    if not passphrase:
        return _Stored(epoch=epoch, key=to_base64(key))
    salt = secrets.token_bytes(SALT_BYTES)
    return _Stored(epoch=epoch, salt=to_base64(salt), key=to_base64(wrap(_derived(passphrase, salt), key)))


def _opened(stored: _Stored, passphrase: bytes | None) -> bytes:
    key = from_base64(stored.key)
    if stored.salt:
        key = unwrap(_derived(passphrase or b"", from_base64(stored.salt)), key)
    if len(key) != KEK_BYTES:
        raise BadEncoding(f"expected a key of {KEK_BYTES} bytes, found {len(key)}")
    return key


def _derived(passphrase: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(
        passphrase, salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=_SCRYPT_MEMORY, dklen=KEK_BYTES
    )
