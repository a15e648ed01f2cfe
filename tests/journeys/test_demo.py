"""The demonstration plays to its end, says SIMULATED everywhere, and leaves no process behind, also when killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pytest

pytestmark = pytest.mark.journey


def processes_in(folder: Path) -> list[str]:
    """Command lines and environments of running processes that mention the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            cwd = str((process / "cwd").readlink())
        except OSError:
            continue  # it ended meanwhile, or is not ours
        if int(process.name) != os.getpid() and (str(folder).encode() in told or cwd.startswith(str(folder))):
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def start(folder: Path) -> subprocess.Popen[str]:
    home = {"HOME": str(folder / "home"), "PREFECT_HOME": str(folder / "prefect")}
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "demo", "--folder", str(folder / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **home, "COLUMNS": "120"},
        cwd=folder,
        start_new_session=True,
    )


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for left processes in /proc")
def test_the_demonstration_plays_whole(tmp_path: Path) -> None:
    demo = start(tmp_path)
    told, _ = demo.communicate(timeout=400)
    assert demo.returncode == 0, told
    assert "blob-changed" in told
    assert "identical to the sealed ones" in told
    assert told.count("SIMULATED") > 5
    books = sorted((tmp_path / "out").glob("*/workbooks/*.xlsx"))
    assert len(books) == 3
    for book in books:
        assert book.name.startswith("SIMULATED_")
        assert str(book) in told.replace("\n", "") or book.name in told
        sheets = openpyxl.load_workbook(book, read_only=True)
        assert all("SIMULATED" in str(list(sheet.iter_rows(max_row=6, values_only=True))) for sheet in sheets)
    assert processes_in(tmp_path) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for left processes in /proc")
def test_a_killed_demonstration_leaves_no_process_behind(tmp_path: Path) -> None:
    demo = start(tmp_path)
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("ready after"):
            break
    assert processes_in(tmp_path) != []
    os.kill(demo.pid, signal.SIGKILL)
    demo.wait(timeout=10)
    deadline = time.monotonic() + 30
    while (left := processes_in(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []
