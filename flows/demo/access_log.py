"""One JSON line for every request that the emulated account has answered: the witness of the tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Access:
    """One request, named, and what became of it."""

    time: str
    service: str
    operation: str
    region: str
    account: str
    access_key_last4: str
    parameters_sha256: str
    status: int  # 0: the connection was dropped
    fault: str = ""  # the effect of the rule that struck it
    answered_by: str = ""  # gate, own answers, moto

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Access:
        return cls(**document)


class AccessLog:
    """Writes the lines; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, access: Access) -> None:
        line = json.dumps(asdict(access), separators=(",", ":")) + "\n"
        with self._lock:
            self._file.write(line)

    def clear(self) -> None:
        with self._lock:
            self._file.truncate(0)


def read_access_log(path: Path) -> tuple[Access, ...]:
    """All lines that are complete."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return parse_access_log(text.splitlines(keepends=True))


def parse_access_log(lines: Iterable[str]) -> tuple[Access, ...]:
    return tuple(Access.from_document(json.loads(line)) for line in lines if line.endswith("\n"))
