"""Where wrapped data keys lie: outside the vault, unlocked and without versions, for what is deleted must be gone."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from flows.vault.errors import KeysKept, NotThere, StoreDenied, StoreUnavailable, UnsafeName

MAX_WRAPPED = 16 * 1024
PREFIX = "dek/"
_NAME = re.compile(r"[0-9a-f]{64}")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class KeyPlace(Protocol):
    """A place of wrapped data keys, each named by the digest of its ciphertext (64 hex digits)."""

    def put(self, name: str, data: bytes) -> None:
        """Keep durably; the same name again replaces what stood there."""
        ...

    def read(self, name: str) -> bytes:
        """At most MAX_WRAPPED bytes; raises NotThere."""
        ...

    def destroy(self, name: str) -> bool:
        """Delete, and look: raises KeysKept where anything of it is still there. False where there was nothing."""
        ...

    def names(self) -> Iterator[str]:
        """Every name, sorted."""
        ...

    def check_ready(self) -> None:
        """Raise KeysKept for a place that keeps what is deleted, StoreUnavailable where there is none."""
        ...

    def describe(self) -> str:
        """The place, for people."""
        ...


class KeyFolder:
    """A folder of its owner's; satisfies `KeyPlace`. A file that was deleted may be in a backup of the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def put(self, name: str, data: bytes) -> None:
        path = self._path(name)
        temporary = path.parent / f".{secrets.token_hex(8)}"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(temporary, _NEW_FILE, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _fsync(path.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StoreUnavailable(f"expected to keep a data key in {self._folder}, found: {error.strerror}") from error

    def read(self, name: str) -> bytes:
        try:
            with self._path(name).open("rb") as file:
                return file.read(MAX_WRAPPED)
        except FileNotFoundError:
            raise NotThere(f"expected data key {name}, found none") from None
        except OSError as error:
            raise StoreDenied(f"expected to read data key {name}, found: {error.strerror}") from error

    def destroy(self, name: str) -> bool:
        path = self._path(name)
        try:
            path.unlink()
            _fsync(path.parent)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise KeysKept(f"expected to delete data key {name}, found: {error.strerror}; it still stands") from error
        if os.path.lexists(path):
            raise KeysKept(f"expected data key {name} to be gone after it was deleted, found it in {self._folder}")
        return True

    def names(self) -> Iterator[str]:
        folder = self._folder / PREFIX
        found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return (name for name in found if _NAME.fullmatch(name))

    def check_ready(self) -> None:
        if not self._folder.is_dir():
            raise StoreUnavailable(
                f"expected a folder for data keys at {self._folder}, found none; restore it from its backup, or, where "
                "nothing encrypted was ever kept, create it (mkdir -m 700)"
            )
        if self._folder.stat().st_mode & 0o077:
            raise KeysKept(f"expected {self._folder} for its owner only, found other modes; try chmod 700")

    def create(self) -> None:
        """Make the folder, for its owner only."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def describe(self) -> str:
        return f"folder {self._folder}"

    def _path(self, name: str) -> Path:
        return self._folder / PREFIX / checked_name(name)


def checked_name(name: str) -> str:
    """Raise UnsafeName for anything but the 64 hex digits of a digest."""
    if not _NAME.fullmatch(name):
        raise UnsafeName(f"expected 64 hex digits, found {ascii(name)[:100]}")
    return name


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
