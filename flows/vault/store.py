"""What every store of a vault can do. Objects are written once; the first version of a key is the authoritative one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO, Protocol, TypeVar

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.models.names import LockMode
from evidence_schema.models.receipt import Custody
from evidence_schema.reader import StoredVersion
from flows.vault.errors import AlreadyThere, NotThere, StoreUnavailable, UnsafeName, WrongBytes
from flows.vault.locks import Lock

Source = BinaryIO | bytes
"""Bytes, or a file that can be read from its position to its end, more than once."""

T = TypeVar("T")
MAX_KEY_LENGTH = 512
_KEY = re.compile(r"v1(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
_PREFIX = re.compile(r"v1/([A-Za-z0-9_-][A-Za-z0-9._-]*/)*([A-Za-z0-9_-][A-Za-z0-9._-]*)?")


@dataclass(frozen=True, slots=True)
class Head:
    """What a store says about the first version of a key; `checksum` is its own, where it has one."""

    size: int
    checksum: Digest | None
    custody: Custody


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store promises, for `doctor` and the workbook's cover."""

    url: str
    locks: bool
    versioning: bool
    default_mode: LockMode = LockMode.NONE
    """The lock that the store itself gives to an object written without one."""


class Store(Protocol):
    """A vault's place. Satisfies `evidence_schema.reader.Reader`."""

    @property
    def near(self) -> bool:
        """Whether its bytes lie on this machine."""
        ...

    def put(
        self, key: str, source: Source, *, digest: Digest, size: int, media_type: str, lock: Lock | None
    ) -> Custody:
        """Write a key that does not exist; the custody is what the store, asked again, says that it keeps.

        Raises AlreadyThere where the key exists, WrongBytes where the bytes do not have this digest and size, and
        StoreUnavailable where nobody knows (`put_same` finds out). A store without locks keeps the bytes without
        one, and its custody says so.
        """
        ...

    def extend(self, key: str, lock: Lock) -> Custody:
        """Lengthen the lock of a key's first version; never shortens or weakens one."""
        ...

    def read(self, key: str, *, limit: int, version: str = "") -> bytes:
        """The bytes of one version (of the first, where none is named); raises NotThere, or TooLarge beyond `limit`."""
        ...

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        """The same in pieces, of any length."""
        ...

    def head(self, key: str) -> Head | None:
        """What the store says about the first version; None where there is none."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that was ever written below `prefix`, sorted."""
        ...

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """Every version and delete marker below `prefix`, in key order, oldest first within a key."""
        ...

    def describe(self) -> StoreFacts:
        """What the store promises."""
        ...

    def check_ready(self) -> None:
        """Raise unless the store can be used as a vault's place."""
        ...

    def sweep(self) -> int:
        """Remove what dead writers left outside the keys; how many pieces it was."""
        ...


def put_same(
    store: Store, key: str, source: Source, *, digest: Digest, size: int, media_type: str, lock: Lock | None
) -> Custody:
    """Write a key, or find the same bytes under it already: then they are ours, whoever's put it was.

    Raises AlreadyThere where other bytes stand. A lock that is shorter or weaker than asked for is extended.
    """

    def put() -> Custody:
        return store.put(key, source, digest=digest, size=size, media_type=media_type, lock=lock)

    def standing() -> Custody:
        head = store.head(key)
        if head is None:
            raise NotThere(f"expected {key}, found nothing")
        _refuse_other_bytes(store, key, head, digest, size)
        return _locked(store, key, head.custody, lock)

    return settled(put, standing)


def settled(put: Callable[[], T], standing: Callable[[], T]) -> T:
    """The result of `put`, or of `standing` where the key exists, be it because a reply to our own put was lost.

    `standing` looks at what the store holds and raises NotThere where there is nothing.
    """
    try:
        return put()
    except AlreadyThere:
        return standing()
    except StoreUnavailable as unknown:
        try:
            return standing()
        except NotThere:
            raise unknown from None


def check_key(key: str) -> str:
    """Raise UnsafeName for a key that no layout writes: nothing of ours leaves the place, whatever it is asked."""
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise UnsafeName(f"expected a key like v1/<log>/entry/<number>, found {ascii(key)[:120]}")
    return key


def check_prefix(prefix: str) -> str:
    """The same for the beginning of keys."""
    if len(prefix) > MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix):
        raise UnsafeName(f"expected a prefix like v1/<log>/, found {ascii(prefix)[:120]}")
    return prefix


def check_size(key: str, source: Source, size: int) -> None:
    """Raise WrongBytes where the source is not as long as announced."""
    found = len(source) if isinstance(source, bytes) else _remaining(source)
    if found != size:
        raise WrongBytes(f"expected {size} bytes for {key}, found {found}; was the file changed after it was digested?")


def _remaining(file: BinaryIO) -> int:
    here = file.tell()
    end = file.seek(0, SEEK_END)
    file.seek(here)
    return end - here


def _refuse_other_bytes(store: Store, key: str, head: Head, digest: Digest, size: int) -> None:
    found = head.checksum or _digest_of(store, key)
    if head.size != size or found != digest:
        raise AlreadyThere(
            f"expected {key} to be free or to hold {digest} ({size} bytes), found {found} ({head.size} bytes); "
            "run `evidence verify`"
        )


def _digest_of(store: Store, key: str) -> Digest:
    """For an object that the store keeps without a checksum: somebody else wrote it."""
    digest = DigestStream()
    for piece in store.stream(key):
        digest.update(piece)
    return digest.finish()


def _locked(store: Store, key: str, custody: Custody, lock: Lock | None) -> Custody:
    if lock is None or not store.describe().locks:
        return custody
    if custody.retain_until is None or custody.lock_mode is LockMode.NONE:
        return store.extend(key, lock)
    return custody if Lock(custody.lock_mode, custody.retain_until).covers(lock) else store.extend(key, lock)
