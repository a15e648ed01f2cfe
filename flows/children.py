"""Helper processes that cannot outlive us, not even when we are killed with -9 (see `flows.guardian`).

    with Children() as children:
        server = children.start([...], log=folder / "server.log", name="server")
        server.wait_ready(lambda: answers(port), timeout=30)

Everything started here, and everything registered with `remove_at_end`, is gone when the block is left or when this
process ends in any way. Works on Linux and macOS.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flows import guardian

STOP_SECONDS = 10.0  # a storage server may need some seconds to write down what it holds
_POLL_SECONDS = 0.03
_TAIL_BYTES = 2_000
# Below every system's ephemeral range: no outgoing connection can take the port between our look and the bind.
_PORTS = range(10_240, 32_768)

_open_circles: weakref.WeakSet[Children] = weakref.WeakSet()


class ChildrenError(Exception):
    """A helper process could not be started, did not become ready, or did not end."""


class Child:
    """One helper process: started by `Children.start`."""

    def __init__(self, circle: Children, pid: int, name: str, log: Path | None) -> None:
        self._circle = circle
        self.pid = pid
        self.name = name
        self.log = log

    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        code = self._circle.ask({"do": "poll", "pid": self.pid})["code"]
        return None if code is None else int(code)

    def wait_ready(self, probe: Callable[[], bool], timeout: float) -> None:
        """Return as soon as `probe` says yes (an OSError in it means: not yet)."""
        deadline = time.monotonic() + timeout
        while not _says_yes(probe):
            if (code := self.exit_code()) is not None:
                raise ChildrenError(f"{self.name} ended with code {code} before it was ready.{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ChildrenError(f"{self.name} was not ready after {timeout:g} s.{self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + timeout
        while (code := self.exit_code()) is None:
            if time.monotonic() > deadline:
                raise ChildrenError(f"{self.name} (pid {self.pid}) still runs after {timeout:g} s.")
            time.sleep(_POLL_SECONDS)
        return code

    def stop(self, timeout: float = STOP_SECONDS) -> int:
        """Ask it to end, wait for it, force it after `timeout`; its exit code. Its port and files are free after."""
        self._signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except ChildrenError:
            return self.kill()

    def kill(self) -> int:
        """End it and its own children at once, as `kill -9` does."""
        self._signal(signal.SIGKILL)
        return self.wait(STOP_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        self._circle.ask({"do": "signal", "pid": self.pid, "signal": int(number)})

    def log_tail(self) -> str:
        if self.log is None or not self.log.exists():
            return " No log was kept."
        tail = self.log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
        return f" The end of {self.log}:\n{tail}" if tail else f" Its log {self.log} is empty."


class Children:
    """The circle of helper processes of one `with` block."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # Its own session: a Ctrl-C at our terminal must not end the one who cleans up after us.
            self._guardian = subprocess.Popen(  # noqa: S603 - our own file, our own interpreter
                [sys.executable, "-I", "-S", guardian.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket = ours
        self._answers = ours.makefile("rb")
        self._lock = threading.Lock()
        self._pids: list[int] = []
        _open_circles.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(
        self,
        args: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        name: str = "",
    ) -> Child:
        """Start a program in its own process group; `env` replaces the whole environment where given."""
        words = [os.fspath(word) for word in args]
        request = {
            "do": "start",
            "args": words,
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd or Path.cwd()),
            "log": str(log) if log else None,
        }
        pid = int(self.ask(request)["pid"])
        self._pids.append(pid)
        return Child(self, pid, name or Path(words[0]).name, log)

    def remove_at_end(self, path: Path) -> None:
        """Remove this folder with its contents, or this file, when the block or this process ends."""
        self.ask({"do": "remove_at_end", "path": str(path.absolute())})

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One question to the guardian, one answer."""
        with self._lock:
            try:
                self._socket.sendall(json.dumps(request).encode() + b"\n")
                line = self._answers.readline()
            except OSError as error:
                raise ChildrenError(f"The guardian process does not answer: {error}.") from error
        if not line:
            raise ChildrenError("The guardian process has ended. Did something kill it? Start again.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ChildrenError(f"Could not start {request.get('args', ['?'])[0]}: {answer['error']}.")
        return answer

    def close(self) -> None:
        """End every child, remove every path, and return when that is done."""
        _open_circles.discard(self)
        self.forget()
        try:
            self._guardian.wait(guardian.GRACE_SECONDS + STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._guardian.kill()
        if self._guardian.wait() != 0:
            self._end_without_guardian()

    def forget(self) -> None:
        """Close our end of the socket only (also in a fork of ours, which must not keep the guardian waiting)."""
        self._answers.close()
        self._socket.close()

    def _end_without_guardian(self) -> None:
        for pid in self._pids:
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue  # gone already


def _forget_in_fork() -> None:
    for circle in list(_open_circles):
        circle.forget()


os.register_at_fork(after_in_child=_forget_in_fork)


def _says_yes(probe: Callable[[], bool]) -> bool:
    try:
        return probe()
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback interface on which nobody listens."""
    taken: list[socket.socket] = []
    try:
        while len(taken) < count:
            candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                candidate.bind(("127.0.0.1", random.choice(_PORTS)))  # noqa: S311 - any free port will do
            except OSError:
                candidate.close()
                continue
            taken.append(candidate)
        return [held.getsockname()[1] for held in taken]
    finally:
        for held in taken:
            held.close()


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    return free_ports(1)[0]


def answers_on(port: int) -> bool:
    """Whether somebody accepts connections on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
