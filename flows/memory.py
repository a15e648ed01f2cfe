"""How the process of a run keeps its memory: heaps that its threads share, and what the collector looks through."""

from __future__ import annotations

import ctypes
import gc

HEAPS = 2
_M_ARENA_MAX = -8
"""glibc's number for it (malloc.h)."""
THRESHOLDS = (2_500, 8, 6)
"""Of the collector of cycles: Python's own look through everything each time some hundred objects more were made."""


def set_loaded_apart() -> None:
    """Let the collector of cycles pass over what is there now: modules and models, which stay until the end.

    Once in a process, whatever it does later: what is set apart is never freed, garbage among it neither. Prefect's
    worker starts a process for each run, which has the thresholds of Python, not those of our command line.
    """
    gc.set_threshold(*THRESHOLDS)
    if not gc.get_freeze_count():
        gc.freeze()


def share_heaps(most: int = HEAPS) -> bool:
    """Let all threads of this process share so many heaps; False where the C library has no such setting.

    glibc gives each of a run's threads a heap of its own and keeps what was once used in it: a tenth of a run's memory
    at its most. Only heaps that are not made yet are spared, so this comes before the threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, most))
