"""Reading a package that somebody sent: a folder or a zip, never unpacked, never followed out of its place.

Refused before a byte is read: names that lead outside, links, pipes and devices, names twice, archives that inflate
beyond all measure, overlapping entries, encrypted entries. What is read is bounded by the length that was announced.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evidence_schema.bagit import DECLARATION, is_safe_name
from evidence_schema.reader import StoredVersion
from flows.report.errors import UnsafePackage

VAULT_FOLDER = "data/vault/"
_PIECE = 256 * 1024
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a package may be at most. Nothing is unpacked, so that a large one costs time, and never the disk."""

    files: int = 5_000_000
    bytes: int = 1 << 42
    ratio: int = 250
    """Of a whole archive beyond its first MiB: transcripts shrink to a fortieth, a bomb to a thousandth."""
    depth: int = 32


LIMITS = Limits()


class PackageFiles(Protocol):
    """Satisfies `evidence_schema.bagit.Files`."""

    def sizes(self) -> Mapping[str, int]: ...

    def stream(self, name: str) -> Iterator[bytes]: ...


def is_package(place: str) -> bool:
    """Whether a path is a bag's folder or a zip, by a first look."""
    path = Path(place.removeprefix("dir:"))
    return (path.is_file() and path.suffix.lower() == ".zip") or (path / DECLARATION).is_file()


def open_package(path: Path, limits: Limits = LIMITS) -> PackageFiles:
    """The files of a package; raises UnsafePackage for one that nobody should read."""
    return FolderFiles(path, limits) if path.is_dir() else ZipFiles(path, limits)


class FolderFiles:
    """A bag's folder. Links are never followed: a link in it is refused, whatever it leads to."""

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        self._folder = folder
        self._sizes = dict(sorted(self._walk("", limits)))

    def sizes(self) -> Mapping[str, int]:
        return self._sizes

    def stream(self, name: str) -> Iterator[bytes]:
        if name not in self._sizes:
            raise UnsafePackage(f"expected {ascii(name)[:200]} in the package, found none")
        with _told(name):
            handle = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise UnsafePackage(f"expected a plain file at {ascii(name)[:200]}, found something else")
                while piece := file.read(_PIECE):
                    yield piece

    def _walk(self, above: str, limits: Limits) -> Iterator[tuple[str, int]]:
        waiting, files, total = [above], 0, 0
        while waiting:
            folder = waiting.pop()
            for name, entry in self._listed(folder):
                kind = entry.lstat()
                if stat.S_ISDIR(kind.st_mode):
                    waiting.append(f"{name}/")
                elif stat.S_ISREG(kind.st_mode):
                    files, total = files + 1, total + kind.st_size
                    _refuse_too_much(files, total, limits)
                    yield name, kind.st_size
                else:
                    raise UnsafePackage(f"expected files and folders only, found a link or device: {ascii(name)[:200]}")

    def _listed(self, folder: str) -> Iterator[tuple[str, Path]]:
        if folder.count("/") > LIMITS.depth:
            raise UnsafePackage(f"expected at most {LIMITS.depth} folders inside one another, found more")
        with _told(folder):
            for entry in sorted((self._folder / folder).iterdir()):
                name = f"{folder}{entry.name}"
                if not is_safe_name(name):
                    raise UnsafePackage(f"expected plain names, found {ascii(name)[:200]}")
                yield name, entry


class ZipFiles:
    """A bag in a zip: one folder at its top, read in place."""

    def __init__(self, path: Path, limits: Limits = LIMITS) -> None:
        with _told(path.name):
            size = path.stat().st_size
            self._zip = zipfile.ZipFile(path)
            self._entries = _checked_entries(self._zip, size, limits)
        self._sizes = {name: entry.file_size for name, entry in sorted(self._entries.items())}

    def sizes(self) -> Mapping[str, int]:
        return self._sizes

    def stream(self, name: str) -> Iterator[bytes]:
        entry = self._entries.get(name)
        if entry is None:
            raise UnsafePackage(f"expected {ascii(name)[:200]} in the package, found none")
        with _told(name), self._zip.open(entry) as file:
            left = entry.file_size
            while piece := file.read(min(_PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    raise UnsafePackage(f"expected {entry.file_size} bytes of {ascii(name)[:200]}, found more")
                yield piece
        if left:
            raise UnsafePackage(f"expected {entry.file_size} bytes of {ascii(name)[:200]}, found fewer")


class PackageVault:
    """The log inside a package; satisfies `evidence_schema.reader.Reader`."""

    near = True

    def __init__(self, files: PackageFiles) -> None:
        self._files = files
        self._keys = sorted(
            name.removeprefix(VAULT_FOLDER) for name in files.sizes() if name.startswith(f"{VAULT_FOLDER}v1/")
        )

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        sizes = self._files.sizes()
        for key in self._keys:
            if key.startswith(prefix):
                yield StoredVersion(key, "", sizes[VAULT_FOLDER + key])

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        return self._files.stream(VAULT_FOLDER + key)


def _checked_entries(archive: zipfile.ZipFile, size: int, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The files by their names below the one folder at the top."""
    infos = archive.infolist()
    _refuse_too_much(len(infos), 0, limits)
    total, seen, found = 0, set(), {}
    tops = {info.filename.partition("/")[0] for info in infos}
    if len(tops) != 1:
        raise UnsafePackage(f"expected one folder at the top of the archive, found {len(tops)}")
    for info in infos:
        _check_entry(info)
        folded = info.filename.casefold()
        if folded in seen:
            raise UnsafePackage(f"expected each name once, found {ascii(info.filename)[:200]} again")
        seen.add(folded)
        total += info.file_size
        _refuse_too_much(len(seen), total, limits)
        if not info.is_dir():
            found[info.filename.partition("/")[2]] = info
    if total > _MEBIBYTE and total > limits.ratio * size:
        raise UnsafePackage(f"expected an archive that inflates at most {limits.ratio} times, found {total // size}")
    _refuse_overlaps(infos, size)
    return found


def _check_entry(info: zipfile.ZipInfo) -> None:
    name, shown = info.filename, ascii(info.filename)[:200]
    if info.orig_filename != name or not is_safe_name(name.removesuffix("/")) or "/" not in name:
        raise UnsafePackage(f"expected names that stay inside the package, found {shown}")
    if name.count("/") > LIMITS.depth:
        raise UnsafePackage(f"expected at most {LIMITS.depth} folders inside one another, found more")
    mode = info.external_attr >> 16
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
        raise UnsafePackage(f"expected files and folders only, found a link or device: {shown}")
    if info.flag_bits & 0x1:
        raise UnsafePackage(f"expected a readable archive, found an encrypted entry: {shown}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsafePackage(f"expected stored or deflated entries, found method {info.compress_type}: {shown}")


def _refuse_overlaps(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Entries that share their compressed bytes make a small archive large."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end or info.header_offset + 30 + info.compress_size > size:
            raise UnsafePackage(f"expected entries one after the other, found {ascii(info.filename)[:200]} in another")
        end = info.header_offset + 30 + len(info.orig_filename.encode("utf-8", "replace")) + info.compress_size


def _refuse_too_much(files: int, total: int, limits: Limits) -> None:
    if files > limits.files or total > limits.bytes:
        raise UnsafePackage(f"expected at most {limits.files} files and {limits.bytes} bytes, found more")


@contextmanager
def _told(what: str) -> Iterator[None]:
    """The system's and the archive's errors in our words."""
    try:
        yield
    # What the standard library raises for a hostile zip: bad structure, damaged stream, unknown method, password or
    # unknown version, an early end, a field out of range. Anything else is our fault, and shows its trace.
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise UnsafePackage(f"expected to read {ascii(what)[:200]}, found: {ascii(str(error))[1:-1][:200]}") from error
