"""RFC 8785 vectors of its author: each input becomes exactly the published bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence_schema.canonical import canonical_bytes, jcs, parse_canonical, parse_json
from evidence_schema.errors import NotCanonical

pytestmark = pytest.mark.sealing

NAMES = ["arrays", "french", "structures", "unicode", "values", "weird"]
OUTSIDE_OUR_PROFILE = {"arrays": "null", "structures": "float", "values": "float|null"}


def test_all_vectors_are_here(shared: Path) -> None:
    folder = shared / "vectors" / "jcs-rfc8785"
    assert sorted(path.stem for path in (folder / "input").iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_input_becomes_the_published_bytes(shared: Path, name: str, figure: Callable[[str], None]) -> None:
    folder = shared / "vectors" / "jcs-rfc8785"
    written = jcs(parse_json((folder / "input" / f"{name}.json").read_bytes()))
    assert written == (folder / "output" / f"{name}.json").read_bytes()
    assert written == bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())
    figure(f"JCS (RFC 8785) {name}: 1 of 1")


@pytest.mark.parametrize("name", NAMES)
def test_profile_writes_and_reads_the_published_bytes_or_refuses_them(shared: Path, name: str) -> None:
    folder = shared / "vectors" / "jcs-rfc8785"
    value = json.loads((folder / "input" / f"{name}.json").read_bytes())
    output = (folder / "output" / f"{name}.json").read_bytes()
    if name in OUTSIDE_OUR_PROFILE:
        with pytest.raises(NotCanonical, match=OUTSIDE_OUR_PROFILE[name]):
            canonical_bytes(value)
    else:
        assert canonical_bytes(value) == output
        assert parse_canonical(output) == value
