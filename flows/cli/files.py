"""Files that a person names: read with a clear error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from flows.errors import UsageError

_LARGEST = 16 * 1024 * 1024
_PIECE = 1024 * 1024


def read_file(path: str) -> bytes:
    """A small file whole."""
    try:
        data = Path(path).read_bytes() if Path(path).stat().st_size <= _LARGEST else None
    except OSError as error:
        raise UsageError(f"expected a readable file at {path}, found: {error.strerror}") from error
    if data is None:
        raise UsageError(f"expected a file of at most {_LARGEST} bytes at {path}, found a larger one")
    return data


def folder(path: str) -> Path:
    """A folder that is there."""
    if not Path(path).is_dir():
        raise UsageError(f"expected a folder at {path}, found none; check the path")
    return Path(path)


def pieces(path: str) -> Iterator[bytes]:
    """A file of any size in pieces."""
    try:
        with Path(path).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise UsageError(f"expected a readable file at {path}, found: {error.strerror}") from error


def private(path: Path) -> BinaryIO:
    """A file for its owner only, written anew."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
