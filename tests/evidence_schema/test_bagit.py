"""BagIt: the Library of Congress's conformance bags, and whatever stands in tag files never crashes the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema.bagit import Bag, Fault, check_bag, escaped, is_safe_name, manifest_lines
from evidence_schema.digest import Digest


class Disk:
    """A bag's folder, read without any care: these bags are ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sizes(self) -> Mapping[str, int]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.stat().st_size for path in files}

    def stream(self, name: str) -> Iterator[bytes]:
        yield (self.folder / name).read_bytes()


class Memory:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def sizes(self) -> Mapping[str, int]:
        return {name: len(data) for name, data in self.files.items()}

    def stream(self, name: str) -> Iterator[bytes]:
        yield self.files[name]


def is_as_expected(sort: str, bag: Bag) -> bool:
    return {
        "valid": bag.is_valid,
        "invalid": not bag.is_valid,
        "warning": bag.is_valid and bool(bag.warnings),
    }[sort]


@pytest.mark.sealing
def test_conformance_bags(shared: Path, figure: Callable[[str], None]) -> None:
    folder = shared / "vectors" / "bagit-conformance"
    cases = [path for path in sorted(folder.glob("v*/*/*")) if path.is_dir()]
    passed = [path for path in cases if is_as_expected(path.parent.name, check_bag(Disk(path)))]
    figure(f"BagIt conformance (RFC 8493): {len(passed)} of {len(cases)}")
    assert [str(path.relative_to(folder)) for path in cases if path not in passed] == []
    assert len(cases) == 34


BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def bag_of(payload: Mapping[str, bytes]) -> dict[str, bytes]:
    lines = manifest_lines((name, Digest.of(data).hex) for name, data in sorted(payload.items()))
    return {**payload, "bagit.txt": BAGIT, "manifest-sha256.txt": b"".join(lines)}


NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=30).map(lambda name: f"data/{name}")


@given(st.dictionaries(NAMES.filter(is_safe_name), st.binary(max_size=50), max_size=5))
def test_what_is_written_is_read_as_valid(payload: Mapping[str, bytes]) -> None:
    files = bag_of({name: data for name, data in payload.items() if "\u2028" not in name})
    assert check_bag(Memory(files)).faults == []


@given(st.dictionaries(NAMES.filter(is_safe_name), st.binary(max_size=50), min_size=1, max_size=4), st.data())
def test_a_change_of_any_payload_byte_is_named(payload: Mapping[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(payload)))
    files = bag_of(payload) | {name: payload[name] + b"x"}
    assert any(fault.fault is Fault.CHANGED and fault.name == name for fault in check_bag(Memory(files)).faults)


@given(st.dictionaries(st.sampled_from(["bagit.txt", "bag-info.txt", "fetch.txt", "manifest-sha256.txt",
       "tagmanifest-md5.txt", "manifest-crc.txt", "data/a"]), st.binary(max_size=200)))  # fmt: skip
def test_hostile_tag_files_never_crash(files: dict[str, bytes]) -> None:
    check_bag(Memory(files))
    check_bag(Memory({**files, "bagit.txt": BAGIT}))


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../a", "a/../b", "a//b", "~root", "C:/a", "a\\b", "a\nb", "", ".", "a/./b", "\ud800"]
)
def test_names_that_lead_outside_are_unsafe(name: str) -> None:
    assert not is_safe_name(name)


def test_line_ends_and_percent_signs_are_escaped() -> None:
    assert escaped("a%b\nc\rd") == "a%25b%0Ac%0Dd"
