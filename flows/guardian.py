"""Outlives its parent by seconds: starts the parent's helper processes and ends them when the parent is gone.

Run as a script by `flows.children`, with one end of a socket as standard input. The parent asks in JSON lines; when
the socket closes, for whatever reason (the parent returned, crashed, or was killed with -9), the guardian ends every
process group that it started, removes the folders and files that it was told of, and exits. Because the guardian starts
the children itself, there is no moment at which a child exists that nobody would end. Standard library only, no import
of ours: it starts in some 20 ms and works from any folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

GRACE_SECONDS = 2.0  # between asking (SIGTERM) and forcing (SIGKILL)
TICK_SECONDS = 0.02

Answer = dict[str, Any]


class Guardian:
    """What the parent asked for: processes by number, and paths to remove at the end."""

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._paths: list[str] = []
        self._deeds: dict[str, Callable[[Answer], Answer]] = {
            "start": self._start,
            "poll": self._poll,
            "signal": self._signal,
            "remove_at_end": self._remove_at_end,
        }

    def answer(self, line: bytes) -> bytes:
        request = json.loads(line)
        try:
            reply = self._deeds[request["do"]](request)
        except OSError as error:  # a program that cannot be started is the parent's news, not our end
            reply = {"error": str(error)}
        return json.dumps(reply).encode() + b"\n"

    def _start(self, request: Answer) -> Answer:
        with Path(request["log"] or os.devnull).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - what our own parent asks for
                request["args"],
                env=request["env"],
                cwd=request["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its own process group, so that its children end with it
            )
        self._processes[process.pid] = process
        return {"pid": process.pid}

    def _poll(self, request: Answer) -> Answer:
        return {"code": self._exit_code(request["pid"])}

    def _exit_code(self, pid: int) -> int | None:
        process = self._processes[pid]
        known = process.returncode
        code = process.poll()
        if known is None and code is not None:
            _signal_group(pid, signal.SIGKILL)  # what the ended child left behind in its group
        return code

    def _signal(self, request: Answer) -> Answer:
        if self._exit_code(request["pid"]) is None:
            _signal_group(request["pid"], signal.Signals(request["signal"]))
        return {}

    def _remove_at_end(self, request: Answer) -> Answer:
        self._paths.append(request["path"])
        return {}

    def end_everything(self) -> None:
        living = [pid for pid in self._processes if self._exit_code(pid) is None]
        for pid in living:
            _signal_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while living and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
            living = [pid for pid in living if self._exit_code(pid) is None]
        for pid in living:
            _signal_group(pid, signal.SIGKILL)
            self._processes[pid].wait()
        for path in self._paths:
            _remove(Path(path))


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # already gone; macOS answers EPERM for a group of zombies
        os.killpg(group, number)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):  # it was never made, or is not ours
        path.unlink()


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


def main() -> None:
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    guardian = Guardian()
    try:
        with socket.socket(fileno=0) as parent, parent.makefile("rb") as requests:
            for line in requests:
                if not line.endswith(b"\n"):
                    break  # the parent died in mid-sentence
                parent.sendall(guardian.answer(line))
    except ConnectionError:
        pass  # the parent died between its question and our answer: the same as a closed socket
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing may interrupt the end
        guardian.end_everything()


if __name__ == "__main__":
    main()
