"""What a verifier needs of a place that holds a log: list every version of every key, and read the bytes of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a key, or one delete marker (`deleted`). A place without versions has one, named ""."""

    key: str
    version: str
    size: int
    deleted: bool = False
    latest: bool = True
    written: datetime | None = field(default=None, compare=False)
    """When the place says that it was written, where it says so: its own word."""


class Reader(Protocol):
    """A vault's store, or an exported package: read only."""

    @property
    def near(self) -> bool:
        """Whether the bytes lie on this machine: a small object is then read sooner than another thread has begun."""
        ...

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """Every version and delete marker below `prefix`, in key order, oldest first within a key."""
        ...

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        """The bytes of one version in pieces; without a version those of the FIRST, which is the authoritative one."""
        ...


def first_versions(versions: Iterable[StoredVersion]) -> Iterator[StoredVersion]:
    """Of each key the first version that holds bytes: whatever came later is a finding, never the evidence."""
    for _, same_key in groupby(versions, key=lambda version: version.key):
        holders = (version for version in same_key if not version.deleted)
        yield from list(holders)[:1]
