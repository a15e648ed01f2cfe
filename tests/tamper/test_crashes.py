"""Writers that are killed with -9, four at a time: nothing that was acknowledged is lost, nothing forks, all is seen.

A few seconds of it here; every step of a run, and the S3 server itself, in `make crash` and the thorough suite.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from crash import crashed

pytestmark = pytest.mark.faults


def test_killed_writers_lose_nothing_and_every_attempt_is_seen(tmp_path: Path, figure: Callable[[str], None]) -> None:
    toll = crashed("folder", tmp_path, 4, "20261101", most=8)
    figure(f"crashes, folder: {toll}")
    assert toll.faults == []
    assert toll.at_points == 8
    assert toll.kills > 8
    assert toll.acknowledged > 100


@pytest.mark.thorough
@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_killed_at_every_step_of_a_run(place: str, tmp_path: Path, figure: Callable[[str], None]) -> None:
    toll = crashed(place, tmp_path, 60, "20261101")
    figure(f"crashes, {place}: {toll}")
    assert toll.faults == []
    assert toll.at_points >= 2 * 30
    assert toll.server_kills or place == "folder"
