"""Time-stamp tokens for checkpoints, asked of every authority of the settings and kept beside the log.

An authority that does not answer never fails a run: its token is missing, the next writer asks again, and the verifier
shows how late it came. One that failed is left alone for a while: a run must not wait for it at every entry.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import RLock

from evidence_schema.digest import Digest
from evidence_schema.errors import TimestampsNotInstalled
from evidence_schema.layout import Layout
from evidence_schema.timestamp import MAX_REPLY_BYTES
from flows.vault.errors import VaultError
from flows.vault.locks import Lock
from flows.vault.settings import Authority
from flows.vault.store import Store, settled
from flows.vault.timestamps import ask

TOKEN_MEDIA_TYPE = "application/timestamp-reply"  # noqa: S105 (RFC 3161, no password)
REST = timedelta(minutes=2)
"""How long an authority that did not answer is left alone."""
_narrator = logging.getLogger(__name__)


class Stamps:
    """The tokens of a log. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        layout: Layout,
        authorities: tuple[Authority, ...],
        clock: Callable[[], datetime],
        lock: Callable[[datetime], Lock | None],
        asking: Callable[[str, Digest], bytes] = ask,
    ) -> None:
        self._store = store
        self._layout = layout
        self._authorities = authorities
        self._clock = clock
        self._lock = lock
        self._ask = asking
        self._guard = RLock()
        self._silent_since: dict[str, datetime] = {}

    def stamp(self, size: int, checkpoint: Callable[[], bytes]) -> tuple[str, ...]:
        """Ask each authority for a token over the checkpoint; the names of those that gave one. Raises nothing."""
        return self._asked(self._authorities, size, checkpoint)

    def repair(self, size: int, checkpoint: Callable[[], bytes]) -> tuple[str, ...]:
        """Ask those whose token over the newest checkpoint is missing: it covers every entry before it."""
        if not size or not self._authorities:
            return ()
        standing = set(self._store.keys(self._layout.tokens))
        missing = tuple(one for one in self._authorities if self._layout.token(size, one.id) not in standing)
        return self._asked(missing, size, checkpoint)

    def newest(self, size: int) -> Digest | None:
        """The digest of a token over the most entries up to `size`; None where there is none."""
        places = [self._layout.token_place(key) for key in self._store.keys(self._layout.tokens)]
        found = max((place for place in places if place is not None and place[0] <= size), default=None)
        if found is None:
            return None
        return Digest.of(self._store.read(self._layout.token(*found), limit=MAX_REPLY_BYTES))

    def _asked(self, authorities: Sequence[Authority], size: int, checkpoint: Callable[[], bytes]) -> tuple[str, ...]:
        if not authorities:
            return ()
        try:
            note = checkpoint()
        except VaultError:  # it is not written yet: whoever writes it asks
            return ()
        return tuple(authority.id for authority in authorities if self._is_stamped(authority, size, note))

    def _is_stamped(self, authority: Authority, size: int, note: bytes) -> bool:
        now = self._clock()
        with self._guard:
            since = self._silent_since.get(authority.id)
        if since is not None and now - since < REST:
            return False
        try:
            reply = self._ask(authority.url, Digest.of(note))
            self._keep(self._layout.token(size, authority.id), reply, now)
        except (TimestampsNotInstalled, VaultError) as error:
            with self._guard:
                self._silent_since[authority.id] = now
            _narrator.warning("no time stamp of %s for checkpoint %d: %s", authority.id, size, error)
            return False
        return True

    def _keep(self, key: str, reply: bytes, now: datetime) -> None:
        """The first token stands: another writer's says the same checkpoint, a little earlier."""

        def put() -> None:
            self._store.put(
                key,
                reply,
                digest=Digest.of(reply),
                size=len(reply),
                media_type=TOKEN_MEDIA_TYPE,
                lock=self._lock(now),
            )

        def standing() -> None:
            self._store.read(key, limit=MAX_REPLY_BYTES)

        settled(put, standing)
