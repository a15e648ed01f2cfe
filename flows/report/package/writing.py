"""Writing a package: files in the order of their names, as a folder or as a zip whose bytes depend on them alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from evidence_schema.bagit import DECLARATION, INFO, MANIFEST, PAYLOAD, TAG_MANIFEST, VERSION_TEXT, manifest_lines
from evidence_schema.digest import Digest, DigestStream
from flows.errors import UsageError

_UNIX = 3
_LEVEL = 6
Source = Callable[[], Iterable[bytes]]
"""Opens a file's bytes anew; read once, when its turn comes."""


@dataclass(frozen=True, slots=True)
class Written:
    """A package that stands; `bag` is the digest of its tag manifest, which names all of it."""

    path: Path
    bag: Digest
    files: int
    bytes: int


class Target(Protocol):
    """Where files go, one after the other."""

    def add(self, name: str, pieces: Iterable[bytes]) -> tuple[Digest, int]: ...

    def close(self) -> None: ...


class FolderTarget:
    """A new folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)

    def add(self, name: str, pieces: Iterable[bytes]) -> tuple[Digest, int]:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            return _copied(pieces, file.write)

    def close(self) -> None:
        return


class ZipTarget:
    """A zip with one folder at its top, without the clock, the file system or the platform in it."""

    def __init__(self, path: Path, top: str, moment: datetime) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._zip = ZipFile(path, "x", ZIP_DEFLATED, compresslevel=_LEVEL)
        self._top = top
        self._moment = moment.timetuple()[:6]

    def add(self, name: str, pieces: Iterable[bytes]) -> tuple[Digest, int]:
        entry = ZipInfo(f"{self._top}/{name}", self._moment)
        entry.compress_type = ZIP_DEFLATED
        entry.create_system = _UNIX
        entry.external_attr = 0o100644 << 16
        with self._zip.open(entry, "w", force_zip64=True) as part:
            return _copied(pieces, part.write)

    def close(self) -> None:
        self._zip.close()


def write_bag(
    path: Path, name: str, payload: Mapping[str, Source], tags: Mapping[str, Source], info: bytes, moment: datetime
) -> Written:
    """Write a bag to `path`, a zip where its name ends so. It gets its name when it is whole, and never over another.

    `payload` are the files below data/, `tags` further ones beside it; `moment` is the time of all entries of a zip.
    """
    if path.exists():
        raise UsageError(f"expected no file at {path}, found one; name another place with --out")
    partial = path.with_name(f".{path.name}.partial")
    _remove(partial)
    is_zip = path.suffix.lower() == ".zip"
    target: Target = ZipTarget(partial, name, moment) if is_zip else FolderTarget(partial)
    try:
        bag, files, size = _fill(target, payload, tags, info)
    except BaseException:  # whatever happened: half a package must not stay
        target.close()
        _remove(partial)
        raise
    target.close()
    partial.rename(path)
    return Written(path, bag, files, size)


def _fill(
    target: Target, payload: Mapping[str, Source], tags: Mapping[str, Source], info: bytes
) -> tuple[Digest, int, int]:
    listed, total = [], 0
    for name in sorted(payload):
        digest, size = target.add(name, payload[name]())
        listed.append((name, digest.hex))
        total += size
    oxum = f"Payload-Oxum: {total}.{len(listed)}\n".encode()
    manifest = b"".join(manifest_lines(listed))
    beside: dict[str, Source] = {
        **tags,
        DECLARATION: lambda: [VERSION_TEXT],
        INFO: lambda: [info + oxum],
        MANIFEST: lambda: [manifest],
    }
    tag_digests = [(name, target.add(name, beside[name]())[0].hex) for name in sorted(beside)]
    bag, _ = target.add(TAG_MANIFEST, list(manifest_lines(tag_digests)))
    return bag, len(listed) + len(tag_digests) + 1, total


def is_payload(name: str) -> bool:
    """Whether a name belongs below data/."""
    return name.startswith(PAYLOAD)


def file_source(path: Path) -> Source:
    """A file on the disk."""

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(256 * 1024):
                yield piece

    return pieces


def _copied(pieces: Iterable[bytes], write: Callable[[bytes], object]) -> tuple[Digest, int]:
    stream = DigestStream()
    for piece in pieces:
        stream.update(piece)
        write(piece)
    return stream.finish(), stream.size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
