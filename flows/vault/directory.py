"""The vault's layout in a folder, for trials and small places. Written once, durable, but without any lock.

A file gets its name by a hard link, after its bytes are on the disk: whatever has a name is whole. Temporary files
lie outside the keys, in `.tmp`, where nobody looks for evidence.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from evidence_schema.digest import Digest, DigestStream
from evidence_schema.models.receipt import Custody
from evidence_schema.reader import StoredVersion
from flows.vault.errors import (
    AlreadyThere,
    NotThere,
    StoreDenied,
    StoreRefused,
    StoreUnavailable,
    TooLarge,
    VaultError,
    WrongBytes,
)
from flows.vault.locks import Lock
from flows.vault.store import Head, Source, StoreFacts, check_key, check_prefix, check_size

TEMPORARY = ".tmp"
STALE_AFTER = timedelta(hours=1)
_PIECE = 256 * 1024
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


class DirectoryStore:
    """A folder as a store; satisfies `Store`."""

    near = True

    def __init__(self, folder: Path, *, stale_after: timedelta = STALE_AFTER) -> None:
        self._folder = folder.absolute()
        self._root = str(self._folder)  # plain text where every object passes: a Path each costs more than its bytes
        self._stale_after = stale_after
        self._durable: set[Path] = set()

    def put(
        self, key: str, source: Source, *, digest: Digest, size: int, media_type: str, lock: Lock | None
    ) -> Custody:
        path = self._path(key)
        check_size(key, source, size)
        with _at(key):
            _refuse_taken(path, key)
            temporary = self._write(source, key, digest)
            try:
                self._name(temporary, path, key)
            finally:
                temporary.unlink(missing_ok=True)
        return Custody()

    def extend(self, key: str, lock: Lock) -> Custody:
        if self.head(key) is None:
            raise NotThere(f"expected {key}, found nothing")
        return Custody()

    def read(self, key: str, *, limit: int, version: str = "") -> bytes:
        with self._open(key, version) as file, _at(key):
            here = os.fstat(file.fileno()).st_size  # a buffer as large as the limit would be made for a small file too
            data = file.read(min(here, limit) + 1)
        if len(data) > limit:
            raise TooLarge(f"expected at most {limit} bytes under {key}, found more")
        return data

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        with self._open(key, version) as file:
            while piece := _read_piece(file, key):
                yield piece

    def head(self, key: str) -> Head | None:
        digest = DigestStream()
        try:
            for piece in self.stream(key):
                digest.update(piece)
        except NotThere:
            return None
        return Head(digest.size, digest.finish(), Custody())

    def keys(self, prefix: str) -> Iterator[str]:
        return (version.key for version in self.versions(prefix))

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        above, _, start = check_prefix(prefix).rpartition("/")
        return self._walk(above + "/", start)

    def describe(self) -> StoreFacts:
        return StoreFacts(url=f"dir:{self._folder}", locks=False, versioning=False)

    def check_ready(self) -> None:
        if not self._folder.is_dir():
            raise StoreUnavailable(f"expected a folder at {self._folder}, found none; create it, or correct vault.url")

    def create(self) -> None:
        """Make the folder, for its owner only."""
        with _at(str(self._folder)):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sweep(self) -> int:
        """Remove temporary files that nobody has written to for an hour."""
        oldest = time.time() - self._stale_after.total_seconds()
        swept = 0
        for path in self._temporary_files():
            with _at(str(path)), suppress(FileNotFoundError):  # its writer, or another sweeper, was faster
                if path.lstat().st_mtime <= oldest:
                    path.unlink()
                    swept += 1
        return swept

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)

    def _write(self, source: Source, key: str, digest: Digest) -> Path:
        """A temporary file with these bytes, on the disk, read-only; removed where they are not the announced ones."""
        temporary = self._make_folder(self._folder / TEMPORARY) / secrets.token_hex(16)
        try:
            with os.fdopen(os.open(temporary, _NEW_FILE, 0o400), "wb") as file:
                _refuse_wrong(_copy(source, file), key, digest)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:  # whatever happened: what is not whole must not stay
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _name(self, temporary: Path, path: Path, key: str) -> None:
        self._make_folder(path.parent)
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise _taken(key) from None
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise StoreRefused(
                    f"expected a file system with hard links at {self._folder}, found none ({error.strerror}); "
                    "choose a folder on a local disk"
                ) from error
            raise
        _fsync(path.parent)

    def _make_folder(self, folder: Path) -> Path:
        """Make the folder and those above it, each entered durably in the one above."""
        if folder in self._durable:
            return folder
        if folder != self._folder:
            self._make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            _fsync(folder.parent)
        self._durable.add(folder)
        return folder

    def _open(self, key: str, version: str) -> BinaryIO:
        path = f"{self._root}/{check_key(key)}"
        if version:
            raise NotThere(f"expected a version of {key}, but a folder keeps none, found a request for one")
        with _at(key):
            # Neither a planted link nor a planted pipe may lead us astray or make us wait.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            file = os.fdopen(handle, "rb")
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file
            file.close()
        raise NotThere(f"expected a plain file at {path}, found something else")

    def _walk(self, above: str, start: str = "") -> Iterator[StoredVersion]:
        """Key order: a folder sorts as its name with a slash."""
        folder = f"{self._root}/{above}"
        for name in _listing(folder):
            if not name.startswith(start):
                continue
            if name.endswith("/"):
                yield from self._walk(above + name)
            elif (found := _stat(folder + name)) is not None:
                written = datetime.fromtimestamp(found.st_mtime, UTC)
                yield StoredVersion(above + name, "", found.st_size, written=written)

    def _temporary_files(self) -> list[Path]:
        folder = self._folder / TEMPORARY
        return sorted(folder.iterdir()) if folder.is_dir() else []


def _copy(source: Source, file: BinaryIO) -> Digest:
    digest = DigestStream()
    reader = BytesIO(source) if isinstance(source, bytes) else source
    while piece := reader.read(_PIECE):
        digest.update(piece)
        file.write(piece)
    return digest.finish()


def _refuse_wrong(found: Digest, key: str, expected: Digest) -> None:
    if found != expected:
        raise WrongBytes(f"expected {expected} for {key}, found {found}; was the file changed after it was digested?")


def _refuse_taken(path: Path, key: str) -> None:
    if os.path.lexists(path):
        raise _taken(key)


def _taken(key: str) -> AlreadyThere:
    return AlreadyThere(f"expected {key} to be free, found it written")


def _read_piece(file: BinaryIO, key: str) -> bytes:
    with _at(key):
        return file.read(_PIECE)


def _listing(folder: str) -> list[str]:
    with _at(folder):
        try:
            with os.scandir(folder) as entries:
                return sorted(_sortable(entry) for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return []


def _sortable(entry: os.DirEntry[str]) -> str:
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:  # taken away while we were looking
        return None


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _at(what: str) -> Iterator[None]:
    """The operating system's errors in our words."""
    try:
        yield
    except OSError as error:
        raise _translated(error, what) from error


def _translated(error: OSError, what: str) -> VaultError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotThere(f"expected {what}, found nothing")
    if error.errno == errno.ELOOP:
        return NotThere(f"expected a plain file at {what}, found a link")
    if error.errno in _DENIED:
        return StoreDenied(f"expected to reach {what}, found: {error.strerror}; check owner and mode of the folder")
    return StoreUnavailable(f"expected the disk to keep {what}, found: {error.strerror}; check space and disk")
