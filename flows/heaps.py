"""How many heaps the threads of a run share."""

from __future__ import annotations

import ctypes

HEAPS = 2
_M_ARENA_MAX = -8
"""glibc's number for it (malloc.h)."""


def share_heaps(most: int = HEAPS) -> bool:
    """Let all threads of this process share so many heaps; False where the C library has no such setting.

    glibc gives each of a run's threads a heap of its own and keeps what was once used in it: a tenth of a run's memory
    at its most. Only heaps that are not made yet are spared, so this comes before the threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, most))
