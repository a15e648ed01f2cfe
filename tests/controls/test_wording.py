"""Wording that the organisation supplies: beside ours, for known controls only, and told with its line where wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from controls.catalog import installed
from controls.errors import CatalogError
from controls.wording import worded


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "wording.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_wording_stands_beside_ours_and_changes_nothing_else(tmp_path: Path) -> None:
    catalog = worded(installed(), written(tmp_path, "CC6.1: licensed text\n164.312(b): the rule's own words\n"))
    assert catalog.wording == {"164.312(b)": "the rule's own words", "CC6.1": "licensed text"}
    assert catalog.model_copy(update={"wording": {}}) == installed()
    assert type(catalog).from_canonical(catalog.canonical()) == catalog


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("CC6.1: x\nCC6.11: y\n", "wording.yaml:2: expected a known control, found 'CC6.11'; did you mean CC6.1"),
        ("CC6.1: [x]\n", "wording.yaml:1: CC6.1"),
        ("[]\n", "wording.yaml:1"),
        (f"CC6.1: {'x' * 20_001}\n", "expected at most 20000 characters, found 20001"),
    ],
)
def test_wrong_wording_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CatalogError) as caught:
        worded(installed(), written(tmp_path, text))
    assert told in str(caught.value)


def test_wording_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="expected a readable file"):
        worded(installed(), tmp_path / "none.yaml")
