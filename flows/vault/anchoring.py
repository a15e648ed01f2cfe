"""Copies of checkpoints and their tokens in places that the vault's keeper cannot rewrite (INTEGRITY 5.2, bucket A2).

A copy is put under the same key as in the vault, once, and never read: the writer's role there may do nothing else. An
anchor that is down or refuses never fails a run. The next writer puts the newest checkpoint again, which covers every
entry before it; that it is there already is the answer that we hope for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Literal, Protocol

from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from evidence_schema.note import MAX_NOTE_BYTES
from evidence_schema.timestamp import MAX_REPLY_BYTES
from flows.vault.directory import DirectoryStore
from flows.vault.errors import AlreadyThere, StoreUnavailable, VaultError
from flows.vault.settings import AnchorSettings, folder_of
from flows.vault.store import Store

REST = timedelta(minutes=2)
"""How long an anchor that did not take a copy is left alone: a run must not wait for it at every entry."""
_narrator = logging.getLogger(__name__)


class AnchorPlace(Protocol):
    """Where copies go: all that its role allows is to write a key that does not exist."""

    def put(self, key: str, data: bytes) -> None:
        """Raises AlreadyThere where the key exists, another VaultError where nothing was written, or nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class AnchorFolder:
    """A folder that is there already: a drive that is not mounted must not look like an empty anchor."""

    folder: Path

    def put(self, key: str, data: bytes) -> None:
        if not self.folder.is_dir():
            raise StoreUnavailable(f"expected a folder at {self.folder}, found none; mount the drive, or create it")
        store = DirectoryStore(self.folder)
        store.put(key, data, digest=Digest.of(data), size=len(data), media_type="", lock=None)


@dataclass(frozen=True, slots=True)
class AnchorState:
    """Whether an anchor holds the newest checkpoint now: it did, it was given it just now, or it could not be."""

    id: str
    url: str
    state: Literal["held", "copied", "missing"]
    text: str


class Anchors:
    """The anchors of a log. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        layout: Layout,
        anchors: tuple[AnchorSettings, ...],
        clock: Callable[[], datetime],
        opening: Callable[[AnchorSettings], AnchorPlace] | None = None,
    ) -> None:
        self._store = store
        self._layout = layout
        self._anchors = anchors
        self._clock = clock
        self._open = opening or open_anchor
        self._guard = RLock()
        self._places: dict[str, AnchorPlace] = {}
        self._silent_since: dict[str, datetime] = {}

    def copy(self, size: int) -> tuple[AnchorState, ...]:
        """Put the checkpoint over `size` entries, and the tokens that stand over it, at every anchor. Raises nothing.

        An anchor that failed a moment ago is left out.
        """
        if not size or not self._anchors:
            return ()
        now = self._clock()
        with self._guard:
            resting = {name for name, since in self._silent_since.items() if now - since < REST}
        return self._copied(tuple(anchor for anchor in self._anchors if anchor.id not in resting), size)

    def look(self, size: int) -> tuple[AnchorState, ...]:
        """The same for every anchor, now: who asks wants to know what is missing."""
        return self._copied(self._anchors, size) if size else ()

    def _copied(self, anchors: tuple[AnchorSettings, ...], size: int) -> tuple[AnchorState, ...]:
        if not anchors:
            return ()
        try:
            files = list(self._files(size))
        except VaultError as error:  # the checkpoint is not written yet: whoever writes it copies it
            return tuple(AnchorState(anchor.id, anchor.url, "missing", str(error)) for anchor in anchors)
        return tuple(self._put(anchor, size, files) for anchor in anchors)

    def _files(self, size: int) -> Iterator[tuple[str, bytes]]:
        key = self._layout.checkpoint(size)
        yield key, self._store.read(key, limit=MAX_NOTE_BYTES)
        for token in list(self._store.keys(self._layout.tokens_over(size))):
            yield token, self._store.read(token, limit=MAX_REPLY_BYTES)

    def _put(self, anchor: AnchorSettings, size: int, files: list[tuple[str, bytes]]) -> AnchorState:
        try:
            place = self._place(anchor)
            new = [_is_new(place, key, data) for key, data in files]
        except VaultError as error:
            with self._guard:
                self._silent_since[anchor.id] = self._clock()
            _narrator.warning("no copy of checkpoint %d at the anchor %s: %s", size, anchor.id, error)
            return AnchorState(anchor.id, anchor.url, "missing", f"lacks the checkpoint of {size} entries: {error}")
        with self._guard:
            self._silent_since.pop(anchor.id, None)
        if new[0]:
            return AnchorState(anchor.id, anchor.url, "copied", f"was given the checkpoint of {size} entries just now")
        return AnchorState(
            anchor.id, anchor.url, "held", f"has a checkpoint of {size} entries; whoever reads there can say which"
        )

    def _place(self, anchor: AnchorSettings) -> AnchorPlace:
        with self._guard:
            if anchor.id not in self._places:
                self._places[anchor.id] = self._open(anchor)
            return self._places[anchor.id]


def open_anchor(anchor: AnchorSettings) -> AnchorPlace:
    """The place of the settings; boto3 is loaded for a bucket only. Asks nothing yet."""
    folder = folder_of(anchor.url)
    if folder is not None:
        return AnchorFolder(folder)
    from flows.vault.s3_anchors import AnchorBucket  # noqa: PLC0415 (likewise)
    from flows.vault.s3_client import S3Access, bucket_of, make_client  # noqa: PLC0415 (a folder needs no boto3)

    access = S3Access(anchor.endpoint, anchor.region, anchor.profile)
    return AnchorBucket(make_client(access, hurried=True), bucket_of(anchor.url))


def _is_new(place: AnchorPlace, key: str, data: bytes) -> bool:
    try:
        place.put(key, data)
    except AlreadyThere:
        return False
    return True
