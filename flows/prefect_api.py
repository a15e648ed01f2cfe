"""Prefect's own API for a run without a server, started so that it cannot outlive us (docs/adr/0003).

Prefect's ephemeral mode leaves its API process behind when the flow's process is killed; ours is a child of the
guardian and ends with us.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from flows.children import Children, ChildrenError, free_port
from flows.errors import ApiNotReady

STARTUP_S = 180
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "WARNING"}
# An API that lives for one run has no automations and shows no feed of events, and it shares our processors: task runs
# are recorded a hundred at a time, not one by one as by Prefect's defaults, which was most of what a task cost it.
SPARING = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "2",
}


def configured_api() -> str | None:
    """The API that the environment or the Prefect profile names."""
    return get_current_settings().api.url


@contextmanager
def prefect_api(home: Path) -> Iterator[float]:
    """Use the configured API, or one of our own below `home`; yields the seconds that its start took."""
    if configured_api():
        yield 0.0
        return
    began = time.monotonic()
    with Children() as children:
        url = start_api(children, home)
        with temporary_settings({PREFECT_API_URL: url}):
            yield time.monotonic() - began


def start_api(children: Children, home: Path) -> str:
    """Start the API below `home`; returns its URL once it answers."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = children.start(
        [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app",
         "--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--lifespan", "on"],
        env={**os.environ, **QUIET, **SPARING, "PREFECT_HOME": str(home),
             "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1", "PREFECT_API_URL": f"{address}/api"},
        log=home / "api.log",
        name="Prefect's API",
    )  # fmt: skip
    try:
        server.wait_ready(lambda: _answers(f"{address}/api/health"), timeout=STARTUP_S)
    except ChildrenError as error:
        raise ApiNotReady(f"expected Prefect's API to answer within {STARTUP_S} s. {error}") from error
    return f"{address}/api"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (our own address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
