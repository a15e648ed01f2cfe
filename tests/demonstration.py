"""The demonstration as its user starts it: a process of its own, which keeps to a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def start_demonstration(folder: Path) -> subprocess.Popen[str]:
    """Begin to play in `folder`/out; every process of it names the folder in its environment."""
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
