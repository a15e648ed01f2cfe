"""Packages that somebody made to do harm: refused before a byte is unpacked, or read without a crash."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema.bagit import check_bag
from evidence_schema.verification import verify_log
from flows.report.errors import UnsafePackage
from flows.report.package.reading import Limits, PackageVault, ZipFiles, is_package, open_package
from flows.report.package.writing import ZipTarget, write_bag

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


def archive(path: Path, names: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, data in names.items():
            info = zipfile.ZipInfo(name)
            change(info)
            target.writestr(info, data)
    return path


@pytest.mark.parametrize(
    "name", ["../evil", "bag/../../evil", "/etc/passwd", "bag/a\\..\\b", "C:/bag/a", "bag//a", "bag/./a", "plain"]
)
def test_a_name_that_leads_outside_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafePackage):
        open_package(archive(tmp_path / "a.zip", {"bag/bagit.txt": b"x", name: b"evil"}))


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16

    with pytest.raises(UnsafePackage, match="link"):
        open_package(archive(tmp_path / "a.zip", {"bag/a": b"/etc/passwd"}, link))


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo])
def test_a_link_or_pipe_in_a_folder_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    make(tmp_path / "data" / "a")
    with pytest.raises(UnsafePackage, match="link"):
        open_package(tmp_path)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("bag/zeros", bytes(64 << 20))
    with pytest.raises(UnsafePackage, match="inflates"):
        open_package(tmp_path / "a.zip")


def test_too_many_and_too_large_files_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {f"bag/{number}": b"12345" for number in range(5)})
    for limits in (Limits(files=4), Limits(bytes=24)):
        with pytest.raises(UnsafePackage, match="at most"):
            open_package(path, limits)


def test_a_name_twice_is_refused_also_in_other_letters(tmp_path: Path) -> None:
    for twice in ("bag/a", "bag/A"):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as target, pytest.warns() if twice == "bag/a" else io.BytesIO():
            target.writestr("bag/a", b"1")
            target.writestr(twice, b"2")
        with pytest.raises(UnsafePackage, match="once"):
            open_package(tmp_path / "a.zip")


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """The second entry's header is pointed to the first one's: what a bomb without nesting does."""
    path = archive(tmp_path / "a.zip", {"bag/a": bytes(100), "bag/b": bytes(100)})
    data = bytearray(path.read_bytes())
    second = data.rfind(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(data)
    with pytest.raises(UnsafePackage, match="one after the other"):
        open_package(path)


def test_an_entry_longer_than_announced_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"bag/a": b"x" * 100})
    data = bytearray(path.read_bytes())
    central = data.rfind(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 50)
    path.write_bytes(data)
    files = open_package(path)
    with pytest.raises(UnsafePackage):
        list(files.stream("a"))


def looked_at(place: Path) -> None:
    """All that a verifier does with a package; only UnsafePackage may come out."""
    files = open_package(place)
    check_bag(files)
    verify_log(PackageVault(files), trust=None, now=MOMENT, package=files)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_archive_never_crash(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.zip"
    path.write_bytes(data)
    with pytest.raises(UnsafePackage):
        looked_at(path)


def test_mutations_of_an_archive_never_crash(tmp_path: Path) -> None:
    payload = {f"data/vault/v1/acme/entry/{number:012}.dsse.json": lambda: [b"{}"] for number in range(3)}
    write_bag(tmp_path / "sound.zip", "bag", payload, {}, b"", MOMENT)
    sound, random, refused = (tmp_path / "sound.zip").read_bytes(), Random(7), 0
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(random.randrange(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        (tmp_path / "hostile.zip").write_bytes(data[: random.choice([len(data), random.randrange(len(data))])])
        try:
            looked_at(tmp_path / "hostile.zip")
        except UnsafePackage:
            refused += 1
    assert 100 < refused < 400


def test_a_written_zip_is_read_back_and_depends_on_its_content_alone(tmp_path: Path) -> None:
    payload = {"data/b": lambda: [b"two", b"parts"], "data/a": lambda: [b""]}
    for name in ("one.zip", "other.zip"):
        write_bag(tmp_path / name, "bag", payload, {"README.txt": lambda: [b"hello"]}, b"Bagging-Date: x\n", MOMENT)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    files = ZipFiles(tmp_path / "one.zip")
    assert check_bag(files).faults == []
    assert b"".join(files.stream("data/b")) == b"twoparts"
    assert is_package(str(tmp_path / "one.zip"))


def test_half_a_package_does_not_stay(tmp_path: Path) -> None:
    def broken():
        yield b"some"
        raise OSError("gone")

    for name in ("bag.zip", "bag"):
        with pytest.raises(OSError, match="gone"):
            write_bag(tmp_path / name, "bag", {"data/a": broken}, {}, b"", MOMENT)
    assert list(tmp_path.iterdir()) == []


def test_a_zip_holds_no_clock(tmp_path: Path) -> None:
    target = ZipTarget(tmp_path / "a.zip", "bag", MOMENT)
    target.add("a", [b"x"])
    target.close()
    assert zipfile.ZipFile(tmp_path / "a.zip").infolist()[0].date_time == (2026, 11, 1, 0, 0, 0)
