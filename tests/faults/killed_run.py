"""A run that kills itself with -9 at one point: `killed_run.py <before|after> <what> <nth>`, then the arguments.

Run as a process of its own. It wraps the `put` of every store, so that nothing else of the run knows of its end, and
then is the real command line. <what> is the type of an entry (`run-open`), `checkpoint N` (the note over N entries), or
the media type of a receipt or blob; the process dies at the nth such put, before it or after it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

from evidence_schema.dsse import parse_envelope
from evidence_schema.models.entry import Statement
from flows.vault.directory import DirectoryStore
from flows.vault.s3 import S3Store

NEVER_REACHED = 99


class Point:
    """Where the process dies."""

    def __init__(self, moment: str, what: str, nth: int) -> None:
        self._moment = moment
        self._what = what
        self._left = nth
        self._mutex = Lock()

    def wrapped(self, put: Callable[..., Any]) -> Callable[..., Any]:
        def dying_put(store: object, key: str, source: Any, **options: Any) -> Any:
            self._passed("before", key, source, options["media_type"])
            done = put(store, key, source, **options)
            self._passed("after", key, source, options["media_type"])
            return done

        return dying_put

    def _passed(self, moment: str, key: str, source: Any, media_type: str) -> None:
        if moment != self._moment or self._what not in _names(key, source, media_type):
            return
        with self._mutex:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _names(key: str, source: Any, media_type: str) -> tuple[str, ...]:
    """What a put can be called."""
    part = key.split("/")[2]
    if part == "entry":
        return (str(Statement.from_canonical(parse_envelope(source).payload).predicate.type),)
    return (f"checkpoint {int(key.split('/')[3])}",) if part == "checkpoint" else (media_type,)


def main() -> None:
    moment, what, nth, *arguments = sys.argv[1:]
    point = Point(moment, what, int(nth))
    for store in (DirectoryStore, S3Store):
        store.put = point.wrapped(store.put)  # type: ignore[method-assign]
    sys.argv = ["evidence", *arguments]
    from flows.cli import main as command

    command()
    sys.exit(NEVER_REACHED)


if __name__ == "__main__":
    main()
