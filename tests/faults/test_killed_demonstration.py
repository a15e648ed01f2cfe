"""The demonstration leaves no process behind, also when it is killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from demonstration import start_demonstration
from processes import living_of

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for left processes in /proc"),
]


def test_a_killed_demonstration_leaves_no_process_behind(tmp_path: Path) -> None:
    demo = start_demonstration(tmp_path)
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("ready after"):
            break
    assert len(living_of(tmp_path)) > 2
    os.kill(demo.pid, signal.SIGKILL)
    demo.wait(timeout=10)
    deadline = time.monotonic() + 30
    while (left := living_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []
