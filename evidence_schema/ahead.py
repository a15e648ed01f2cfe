"""Reading many small objects: several requests at a time, answers in order, memory flat."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
WIDTH = 8


def ahead(work: Callable[[T], R], items: Iterable[T], width: int = WIDTH) -> Iterator[R]:
    """`map(work, items)` with up to `width` at work at a time; `items` is taken only as far as needed."""
    if width <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(width, thread_name_prefix="ahead")
    running: deque[Future[R]] = deque()
    try:
        for item in items:
            running.append(pool.submit(work, item))
            if len(running) >= 2 * width:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
