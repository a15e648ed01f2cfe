"""No test falls between the suites: each mark is collected in folders of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from run_suites import FAULTS, JOURNEYS, PROJECT, SEALING

TESTS = PROJECT / "tests"
MARK = re.compile(r"pytest\.mark\.(sealing|journey|faults)\b")


def marks_of(path: Path) -> set[str]:
    return set(MARK.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("mark", "folders"), [("sealing", SEALING), ("journey", JOURNEYS), ("faults", FAULTS)])
def test_every_test_of_a_mark_lies_where_its_suite_looks(mark: str, folders: tuple[str, ...]) -> None:
    marked = {str(path.parent.relative_to(PROJECT)) for path in TESTS.rglob("test_*.py") if mark in marks_of(path)}
    assert marked <= set(folders)
    assert all((PROJECT / folder).is_dir() for folder in folders)


@pytest.mark.parametrize("folder", ["evidence_schema", "vault"])
def test_every_test_of_the_seal_is_of_the_suite_that_looks_there(folder: str) -> None:
    assert [path.name for path in (TESTS / folder).glob("test_*.py") if "sealing" not in marks_of(path)] == []
