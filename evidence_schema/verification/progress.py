"""How far the verifier is, for whoever waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

ProgressCallback = Callable[[str, int], None]
"""Called with what is being looked at (`listed`, `entries`, `receipts`, `blobs`) and how many of it so far."""


class Progress:
    """Counts, and tells the callback where there is one."""

    def __init__(self, callback: ProgressCallback | None = None) -> None:
        self._callback = callback
        self._done: Counter[str] = Counter()

    def step(self, what: str) -> None:
        """One more."""
        if self._callback is not None:
            self._done[what] += 1
            self._callback(what, self._done[what])
