"""Which test files share a worker, and which begin first. xdist's own groups do not work with pytest 9."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "tests/demo/test_account.py": "the demonstration's account",
    "tests/demo/test_gate.py": "the demonstration's account",
    "tests/demo/test_object_store.py": "the demonstration's account",
    "tests/demo/test_operations.py": "the demonstration's account",
    "tests/demo/test_own_answers.py": "the demonstration's account",
    "tests/demo/test_world.py": "the demonstration's account",
    "tests/package/test_packaging.py": "the packed vault",
    "tests/package/test_proving.py": "the packed vault",
    "tests/package/test_three_verifiers.py": "the packed vault",
    "tests/journeys/test_opt_in.py": "the whole account",
    "tests/journeys/test_whole_plan.py": "the whole account",
}
"""Files whose fixtures are dear: one worker makes what all of them look at."""
LONGEST = (
    "test_demo.py", "test_scheduled_month.py", "test_packaging.py", "test_proving.py", "test_three_verifiers.py",
    "test_opt_in.py", "test_whole_plan.py", "test_personal_data.py", "test_readme.py", "test_anchors.py",
    "test_account.py", "test_gate.py", "test_object_store.py", "test_operations.py", "test_own_answers.py",
    "test_world.py",
    "test_failed_calls.py", "test_locked_bucket.py", "test_killed_while_gathering.py", "test_killed_demonstration.py",
    "test_killed_world.py",
)  # fmt: skip
"""Begun first, so that no worker is left alone with them at the end."""


class SharedFiles(LoadFileScheduling):
    """A file is one worker's, and so are files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


def scheduler(config: pytest.Config, log: object) -> SharedFiles:
    config.option.loadscopereorder = False  # our own order, not by the number of tests
    return SharedFiles(config, log)


def longest_first(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(PurePosixPath(item.path).name, len(places)))
