"""Data keys: one for each artifact that may have to be erased, wrapped, and destroyed when it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Lock as Mutex

from pydantic import ValidationError

from evidence_schema.ahead import ahead
from evidence_schema.digest import Digest
from evidence_schema.errors import BadWrapping, EvidenceSchemaError
from evidence_schema.key_wrapping import DataKey
from evidence_schema.models.encrypted import Context
from flows.vault.errors import KeyMissing, KeysKept, NotThere, WrongBytes
from flows.vault.key_encryption import KeyEncryption, WrappedKey
from flows.vault.key_places import KeyPlace


@dataclass(frozen=True, slots=True)
class NewKey:
    """A data key that nothing is sealed with yet."""

    key: DataKey
    wrapped: WrappedKey


class DataKeys:
    """The data keys of a log; satisfies the verifier's `Keys`.

    The key encryption key is loaded when the first data key is asked for: reading what is not encrypted needs none.
    """

    def __init__(self, place: KeyPlace, load: Callable[[], KeyEncryption]) -> None:
        self._place = place
        self._load = load
        self._kek: KeyEncryption | None = None
        self._mutex = Mutex()

    @property
    def kek(self) -> KeyEncryption:
        """Raises WrongKey or UnsafeKeyFile where it cannot be had."""
        with self._mutex:
            if self._kek is None:
                self._kek = self._load()
            return self._kek

    @property
    def place(self) -> KeyPlace:
        return self._place

    def check_ready(self) -> None:
        """Raise unless artifacts can be encrypted now, and erased later."""
        self._place.check_ready()
        _ = self.kek

    def new(self, context: Context) -> NewKey:
        """A key for one artifact; it is kept once the ciphertext's digest is known."""
        return NewKey(*self.kek.new(context))

    def keep(self, digest: Digest, new: NewKey) -> None:
        """Keep the key of a ciphertext, and read it back: without it the artifact would be lost."""
        data = new.wrapped.canonical()
        self._place.put(digest.hex, data)
        if self._place.read(digest.hex) != data:
            raise WrongBytes(f"expected the data key of {digest} as it was written, found other bytes")

    def open(self, digest: Digest, context: Context) -> DataKey:
        """The key of a ciphertext; raises KeyMissing where there is none any more, BadWrapping for another's."""
        return self.kek.unwrap(self._wrapped(digest, context))

    def data_key(self, digest: Digest, context: Context) -> DataKey | None:
        """As `open`; None where there is none."""
        try:
            return self.open(digest, context)
        except KeyMissing:
            return None

    def has(self, digest: Digest) -> bool:
        """Whether the key of a ciphertext still stands."""
        try:
            self._place.read(digest.hex)
        except NotThere:
            return False
        return True

    def destroy(self, digest: Digest) -> bool:
        """Destroy a key and look whether it is gone; False where there was none. Raises KeysKept where it is not."""
        was_there = self._place.destroy(digest.hex)
        if self.has(digest):
            raise KeysKept(f"expected the data key of {digest} to be gone, found it in {self._place.describe()}")
        return was_there

    def of_parts(self, log: str, run_id: str, parts: Iterable[str]) -> Iterator[tuple[Digest, str]]:
        """Every key of these parts of a run, also such that no row names: (digest of the ciphertext, part)."""
        wanted = frozenset(parts)
        for digest, wrapped in self.all():
            context = wrapped.context
            if (context.log, context.run_id) == (log, run_id) and context.part in wanted:
                yield digest, context.part

    def all(self) -> Iterator[tuple[Digest, WrappedKey]]:
        """Every key that stands, as it is wrapped."""
        found = ahead(self._listed, self._place.names())
        return (item for item in found if item is not None)

    def rewrap(self, digest: Digest, wrapped: WrappedKey, by: KeyEncryption) -> None:
        """Put a key, unwrapped with ours, under another key encryption key."""
        key = self.kek.unwrap(wrapped)
        self.keep(digest, NewKey(key, by.wrap(key, wrapped.context)))

    def _wrapped(self, digest: Digest, context: Context) -> WrappedKey:
        try:
            wrapped = self._parsed(digest, self._place.read(digest.hex))
        except NotThere:
            raise KeyMissing(f"expected the data key of {digest} in {self._place.describe()}, found none") from None
        if wrapped.context != context:
            where = f"{context.run_id}, {context.part}"
            raise BadWrapping(f"expected the data key of {digest} for {where}, found one for another artifact")
        return wrapped

    def _listed(self, name: str) -> tuple[Digest, WrappedKey] | None:
        digest = Digest(bytes.fromhex(name))
        try:
            return digest, self._parsed(digest, self._place.read(name))
        except NotThere:  # destroyed while we were looking
            return None

    def _parsed(self, digest: Digest, data: bytes) -> WrappedKey:
        try:
            return WrappedKey.from_canonical(data)
        except (EvidenceSchemaError, ValidationError) as error:
            raise BadWrapping(f"expected a wrapped data key for {digest}, found: {error}") from error
