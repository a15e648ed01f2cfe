"""One Prefect server for all workers of a test run, since a start of it takes as long as a small run.

`python tests/prefect_server.py FOLDER PID` writes its address to FOLDER/url and ends soon after that process has ended:
a worker that starts it may have no more tests while others have.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PREFECT = str(Path(sys.executable).with_name("prefect"))
PATIENCE_S = 240.0
# Whole, but for its pages and its reports to its makers; and as sparing of our processors as the API of a run without a
# server (flows/prefect_api.py), which has less of it.
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "2",
}


def shared_url(folder: Path, owner: int, environment: dict[str, str]) -> str:
    """The address of the server of this test run; whoever asks first starts it, to end with the process `owner`."""
    try:
        folder.mkdir()
    except FileExistsError:
        pass  # another worker was first
    else:
        with (folder / "told").open("wb") as told:
            subprocess.Popen(
                [sys.executable, __file__, str(folder), str(owner)],
                env=environment | {"PREFECT_HOME": str(folder / "home")}, cwd=PROJECT,
                stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True,
            )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_S
    while not (url := folder / "url").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected a Prefect server within {PATIENCE_S:.0f} s:\n{(folder / 'told').read_text()}")
        time.sleep(0.1)
    return url.read_text()


def main(folder: Path, owner: int) -> None:
    sys.path.insert(0, str(PROJECT))
    from flows.children import Children, free_port

    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    with Children() as children:
        server = children.start(
            [PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, **SETTINGS, "PREFECT_API_URL": url},
            cwd=folder, log=folder / "server.log", name="the Prefect server",
        )  # fmt: skip
        server.wait_ready(lambda: urllib.request.urlopen(f"{url}/health", timeout=2).status == 200, timeout=180)
        (folder / "url.new").write_text(url)
        (folder / "url.new").replace(folder / "url")
        while _runs(owner):
            time.sleep(0.2)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
