"""What all tests share: the folder of reference material, and property tests that repeat themselves exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

PROJECT = Path(__file__).resolve().parents[1]

# `pytest --hypothesis-profile=explore` looks for new examples instead of repeating the same ones.
settings.register_profile(
    "repeat", database=None, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False, max_examples=5_000)
settings.load_profile("repeat")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of vectors, real data and catalogues that lies beside the project."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no folder ../shared beside the project: its vectors and data are not part of it")
    return folder
