"""Reading many objects: several requests at a time, answers in order, memory flat."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar

from evidence_schema.reader import Reader

T = TypeVar("T")
R = TypeVar("R")
WIDTH = 8
"""Objects read at a time: a store far away is waited for, not computed."""
SMALL = 64 * 1024
"""Bytes that are read and hashed sooner than a thread is told to; more are hashed on several processors at once."""


def ahead(
    work: Callable[[T], R],
    items: Iterable[T],
    width: int = WIDTH,
    *,
    here: Callable[[T], bool] = lambda _item: False,
) -> Iterator[R]:
    """`map(work, items)` with up to `width` at work at a time; `items` is taken only as far as needed.

    What is so little work that handing it over would cost more is done `here`, in the caller's thread, in its turn.
    """
    if width <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(width, thread_name_prefix="ahead")
    running: deque[Callable[[], R]] = deque()
    try:
        for item in items:
            running.append(partial(work, item) if here(item) else pool.submit(work, item).result)
            if len(running) >= 2 * width:
                yield running.popleft()()
        while running:
            yield running.popleft()()
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many objects are read at a time, and below how many bytes one is read without another thread."""

    width: int = WIDTH
    small: int = 0

    @classmethod
    def of(cls, reader: Reader, width: int = WIDTH) -> Self:
        """From far away even an empty object is waited for."""
        return cls(width, SMALL if reader.near else 0)

    def ahead(
        self, work: Callable[[T], R], items: Iterable[T], size: Callable[[T], int] = lambda _item: 0
    ) -> Iterator[R]:
        """`map(work, items)`, for objects of a `size` in bytes; they are small where it is not given."""
        return ahead(work, items, self.width, here=lambda item: size(item) < self.small)
