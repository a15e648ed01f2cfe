"""Which processes belong to a folder: their environment names it, or they work below it, whoever started them."""

from __future__ import annotations

import os
from pathlib import Path


def living_of(folder: Path) -> list[str]:
    """The command lines of all processes but this one whose environment or arguments mention the folder, or that work
    in it.
    """
    mark = str(folder).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            told = _read(entry / "environ"), _read(entry / "cmdline")
            if any(mark in text for text in (*told, _workplace(entry))):
                found.append(told[1].replace(b"\0", b" ").decode(errors="replace"))
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile, or is another user's
        return b""


def _workplace(process: Path) -> bytes:
    try:
        return os.fsencode((process / "cwd").readlink())
    except OSError:
        return b""
