"""A place in memory with versions, quick to copy, to change and to list: what an attacker is let loose on."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from evidence_schema.reader import StoredVersion

Versions = tuple[tuple[str, bytes | None], ...]
"""Oldest first; None is a delete marker."""


class Stored:
    """Satisfies `Reader`. Copies share what neither of them changes."""

    near = False

    def __init__(self, objects: Mapping[str, Versions], order: list[str] | None = None) -> None:
        self.objects = dict(objects)
        self._order = sorted(self.objects) if order is None else order
        self._shared = order is not None

    @classmethod
    def of(cls, objects: Mapping[str, bytes]) -> Stored:
        """A place in which every key was written once."""
        return cls({key: (("v0", data),) for key, data in objects.items()})

    def copy(self) -> Stored:
        self._shared = True
        return Stored(self.objects, self._order)

    def put(self, key: str, data: bytes | None) -> None:
        """A new version, after those that are there."""
        before = self.objects.get(key, ())
        if not before:
            self._own()
            insort(self._order, key)
        self.objects[key] = (*before, (f"v{len(before)}", data))

    def replace(self, key: str, data: bytes) -> None:
        """Other bytes in the same place, as below a lock."""
        if key not in self.objects:
            self.put(key, data)
        else:
            self.objects[key] = (("v0", data),)

    def remove(self, key: str) -> None:
        """As if it had never been."""
        del self.objects[key]
        self._own()
        self._order.pop(bisect_left(self._order, key))

    def data(self, key: str) -> bytes:
        """The bytes of the first version."""
        data = self.objects[key][0][1]
        assert data is not None
        return data

    def keys(self, prefix: str) -> list[str]:
        """In order."""
        first = bisect_left(self._order, prefix)
        return self._order[first : bisect_left(self._order, prefix + "\U0010ffff", first)]

    def changed(self, before: Stored) -> dict[str, Versions | None]:
        """Every key whose versions are not those of `before`, with what stands there now: what was tampered with."""
        ours, theirs = self.objects, before.objects
        found = {key: versions for key, versions in ours.items() if theirs.get(key) != versions}
        return found | dict.fromkeys(theirs.keys() - ours.keys())

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        for key in self.keys(prefix):
            versions = self.objects[key]
            for name, data in versions:
                yield StoredVersion(key, name, len(data or b""), data is None, name == versions[-1][0])

    def stream(self, key: str, version: str = "") -> Iterator[bytes]:
        for name, data in self.objects[key]:
            if data is not None and version in ("", name):
                yield data
                return
        raise KeyError(key)

    def _own(self) -> None:
        if self._shared:
            self._order, self._shared = list(self._order), False
