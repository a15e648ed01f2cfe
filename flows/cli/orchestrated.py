"""Run a flow from the command line, with the team's Prefect server or one of our own that ends with us."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


def orchestrated(work: Callable[[], Result]) -> Result:
    """Call `work`, which imports and runs a flow, while Prefect's API answers."""
    home = _state_folder()
    # Set before Prefect is imported: it reads them once. What goes wrong is told by us, in one line, or with its trace.
    os.environ.setdefault("PREFECT_HOME", str(home))
    _made(Path(os.environ["PREFECT_HOME"]))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from flows.prefect_api import prefect_api

    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with prefect_api(Path(os.environ["PREFECT_HOME"])):
        return work()


def _made(folder: Path) -> None:
    """Prefect makes its home, but not the folders above it: it would warn, and go on without a home."""
    from flows.errors import ApiNotReady

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ApiNotReady(
            f"expected a folder for Prefect at {folder}, found: {error.strerror}; set PREFECT_HOME to another place"
        ) from error


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "evidence" / "prefect"
