"""YAML from outside: lines for every mistake, traps refused, never a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from controls.documents import DEEPEST, LARGEST, Document, dump_yaml, load_yaml, parse_yaml, validated
from controls.errors import CatalogError
from evidence_schema.canonical import canonical_bytes
from evidence_schema.models.base import Frozen

HERE = Path("some.yaml")


def parsed(text: str | bytes) -> Document:
    return parse_yaml(text.encode() if isinstance(text, str) else text, HERE)


def refused(text: str | bytes) -> str:
    with pytest.raises(CatalogError) as caught:
        parsed(text)
    return str(caught.value)


def test_values_are_plain_and_lines_are_remembered() -> None:
    document = parsed("a: 1\nb:\n  - x\n  - {c: true, d: null}\n\ne: 2026-11-01\nf: 2026-11-01T06:00:00Z\ng: '1.5'\n")
    assert document.data == {
        "a": 1,
        "b": ["x", {"c": True, "d": None}],
        "e": "2026-11-01",
        "f": "2026-11-01T06:00:00Z",
        "g": "1.5",
    }
    assert [document.line(place) for place in (("a",), ("b",), ("b", 1), ("b", 1, "d"), ("e",))] == [1, 2, 4, 4, 6]
    assert document.line(("b", 1, "d", "nothing", "here")) == 4, "the nearest part that stands in the file"
    assert document.line(("z",)) == 1


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: [1, 2\n", 3, "expected YAML"),
        ("a: 1\n\tb: 2\n", 2, "expected YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "expected each key once, found 'a' again"),
        ("a:\n  b: 1\n  b: 2\n", 3, "expected each key once, found 'b' again"),
        ("a: &x 1\nb: *x\n", 2, "expected no alias, found *x; write the value out"),
        ("a: 1\n? [b]\n: c\n", 2, "expected a plain name as key"),
        ("a: 1\n---\nb: 2\n", 2, "found another document"),
        ("a: 1\nb: 1.5\n", 2, "expected a whole number up to 2^53-1, found 1.5; write it in quotes"),
        ("a: .inf\n", 1, "expected a whole number"),
        ("a: 9007199254740992\n", 1, "expected a whole number"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "expected a plain value, found one of type"),
        ("a: 1\nb: !mine x\n", 2, "expected a plain value, found one of type '!mine'; write it in quotes"),
        ("a: !!binary aGk=\n", 1, "type 'binary'"),
        ("a: !!set {x}\n", 1, "type 'set'"),
        ("a: !!map x\n", 1, "type 'map'"),
        ("a: !!str {x: y}\n", 1, "type 'str'"),
        ("a: =\n", 1, "type 'value'"),
        ("a: <<\n", 1, "type 'merge'"),
        ("a: !!bool perhaps\n", 1, "expected a plain value"),
        ("a: !!int ''\n", 1, "expected a plain value"),
        ("a: !!int +\n", 1, "expected a plain value"),
        ("a: !!float ''\n", 1, "expected a plain value"),
        ("a: !!timestamp soon\n", 1, "expected a plain value"),
        ("a: 2026-02-30\n", 1, "day is out of range for month"),
        (f"a: {'9' * 5000}\n", 1, "expected a plain value"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, what: str) -> None:
    told = refused(text)
    assert told.startswith(f"some.yaml:{line}: ")
    assert what in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("data", [b"\x00", b"a: \x85", b"\xff\xfea", b'a: "\\ud800"', b"%YAML 9.9\n---\na"])
def test_bytes_that_are_no_yaml_are_told(data: bytes) -> None:
    assert "expected YAML" in refused(data)


@pytest.mark.parametrize("piece", ["- ", "? ", "[", "{a: ", "- - ? "])
def test_a_deep_file_is_refused_before_it_is_composed(piece: str) -> None:
    """The composer in C recurses: 100,000 levels would end the process without a word."""
    told = refused(piece * 100_000)
    assert f"expected at most {DEEPEST} levels" in told or "expected YAML" in told


def test_as_deep_as_allowed_is_read() -> None:
    value: Any = parsed("[" * DEEPEST + "1" + "]" * DEEPEST).data
    for _ in range(DEEPEST):
        (value,) = value
    assert value == 1
    assert "levels" in refused("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))


def test_a_huge_file_is_refused() -> None:
    assert f"expected at most {LARGEST} bytes" in refused(b" " * (LARGEST + 1))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(CatalogError, match="expected a readable file") as caught:
            load_yaml(path)
        assert str(path) in str(caught.value)


class _Inner(Frozen):
    count: int = Field(ge=0)
    name: str


class _Outer(Frozen):
    items: tuple[_Inner, ...]


def test_every_mistake_of_a_model_is_told_at_once_each_with_its_line() -> None:
    document = parsed("items:\n- count: -1\n  name: x\n- count: 1\n  nmae: y\n")
    with pytest.raises(CatalogError) as caught:
        validated(_Outer, document)
    told = str(caught.value).splitlines()
    assert told[0].startswith("some.yaml:2: items.0.count: ")
    assert "found '-1'" in told[0]
    assert told[1] == "some.yaml:4: items.1.name: expected this field, found none"
    assert told[2].startswith("some.yaml:5: items.1.nmae: expected no field of this name")


def test_a_part_of_a_document_is_validated_with_lines_of_the_whole() -> None:
    document = parsed("first: 1\npart:\n  items:\n  - {count: x, name: y}\n")
    with pytest.raises(CatalogError, match=r"^some\.yaml:4: items\.0\.count"):
        validated(_Outer, document, ("part",))


def test_an_empty_document_is_nothing_and_no_crash() -> None:
    assert parsed("").data is None
    with pytest.raises(CatalogError, match=r"^some\.yaml:1: \(whole\)"):
        validated(_Outer, parsed("# nothing\n"))


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    read_or_refused(data)


PIECES = st.sampled_from(
    [
        "a",
        ": ",
        "- ",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\n",
        "  ",
        "'",
        '"',
        "&x ",
        "*x",
        "!!int ",
        "!!bool ",
        "!!set ",
        "!!float ",
        "!!timestamp ",
        "!!binary ",
        "!!null ",
        "!t ",
        "|",
        ">-",
        "#",
        "---\n",
        "...\n",
        "%",
        "<<: ",
        "~",
        "=",
        "1",
        "1.5",
        "0x",
        "0b1",
        "1:2",
        "+",
        ".inf",
        "2026-02-30",
        "2026-01-01T00:00:00+99:99",
        "yes",
        "\\",
        "\t",
        "é",
        "\x7f",
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_no_yaml_crashes_the_reader(text: str) -> None:
    read_or_refused(text.encode())


def read_or_refused(data: bytes) -> None:
    """Either it is read, and what was read can be sealed; or the error names the file."""
    told = ""
    try:
        document = parse_yaml(data, HERE)
    except CatalogError as error:
        told = str(error)
    if told:
        assert told.startswith("some.yaml")
    else:
        canonical_bytes(without_nulls(document.data))
        assert all(line >= 1 for line in document.lines.values())


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_nulls(part) for part in value]
    return "" if value is None else value


@settings(max_examples=50)
@given(
    st.recursive(
        st.text(max_size=8) | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_we_write_we_read_back(value: Any) -> None:
    assert parsed(dump_yaml(value)).data == value
