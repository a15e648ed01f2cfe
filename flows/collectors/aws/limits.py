"""How many calls may run at a time for a service of an account; halved whenever AWS says that it is too much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CALM = 100
"""After so many calls without throttling, one more may run at a time again."""


@dataclass
class _Gate:
    allowed: int
    running: int = 0
    calm: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)


class Limits:
    """Shared by all tasks of a process; safe with threads."""

    def __init__(self, per_service: int) -> None:
        self._most = max(1, per_service)
        self._gates: dict[tuple[str, str], _Gate] = {}
        self._lock = threading.Lock()

    @contextmanager
    def slot(self, account: str, service: str) -> Iterator[None]:
        """Wait for a place, hold it for one call."""
        gate = self._gate(account, service)
        with gate.changed:
            gate.changed.wait_for(lambda: gate.running < gate.allowed)
            gate.running += 1
        try:
            yield
        finally:
            with gate.changed:
                gate.running -= 1
                gate.changed.notify_all()

    def throttled(self, account: str, service: str) -> None:
        """An attempt was throttled: half as many from now on, at least one."""
        gate = self._gate(account, service)
        with gate.changed:
            gate.allowed, gate.calm = max(1, gate.allowed // 2), 0

    def answered(self, account: str, service: str) -> None:
        """A call went through untroubled."""
        gate = self._gate(account, service)
        with gate.changed:
            gate.calm += 1
            if gate.calm >= CALM and gate.allowed < self._most:
                gate.allowed, gate.calm = gate.allowed + 1, 0
                gate.changed.notify_all()

    def allowed(self, account: str, service: str) -> int:
        """How many may run now."""
        return self._gate(account, service).allowed

    def _gate(self, account: str, service: str) -> _Gate:
        with self._lock:
            return self._gates.setdefault((account, service), _Gate(self._most))


_shared: dict[int, Limits] = {}
_shared_lock = threading.Lock()


def shared_limits(per_service: int) -> Limits:
    """The process's own limits."""
    with _shared_lock:
        return _shared.setdefault(per_service, Limits(per_service))
