"""What a folder does differently: it has no lock, and it has a disk under it."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Place

from evidence_schema.digest import Digest
from evidence_schema.models.names import LockMode
from flows.vault.directory import TEMPORARY, DirectoryStore
from flows.vault.errors import AlreadyThere, NotThere, StoreDenied, StoreRefused, StoreUnavailable, WrongBytes
from flows.vault.locks import Lock

pytestmark = pytest.mark.sealing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def store(folder: Path) -> DirectoryStore:
    made = DirectoryStore(folder)
    made.create()
    return made


def put(store: DirectoryStore, key: str, data: bytes, lock: Lock | None = None) -> LockMode:
    return store.put(key, data, digest=Digest.of(data), size=len(data), media_type="text/plain", lock=lock).lock_mode


def test_a_folder_says_that_it_locks_nothing(store: DirectoryStore, lock: Lock, folder: Path) -> None:
    assert put(store, "v1/log/blob/x", b"x", lock) is LockMode.NONE
    facts = store.describe()
    assert (facts.locks, facts.versioning, facts.url) == (False, False, f"dir:{folder}")


def test_files_are_read_only_and_the_folder_is_its_owners(store: DirectoryStore, folder: Path) -> None:
    put(store, "v1/log/blob/x", b"x")
    assert stat.S_IMODE((folder / "v1/log/blob/x").stat().st_mode) == 0o400
    for level in ("", "v1", "v1/log", "v1/log/blob", TEMPORARY):
        assert stat.S_IMODE((folder / level).stat().st_mode) == 0o700


def test_nothing_temporary_is_left_by_success_or_failure(store: DirectoryStore, folder: Path) -> None:
    put(store, "v1/log/blob/x", b"x")
    with pytest.raises(AlreadyThere):
        put(store, "v1/log/blob/x", b"y")
    with pytest.raises(WrongBytes):
        store.put("v1/log/blob/y", b"y", digest=Digest.of(b"z"), size=1, media_type="text/plain", lock=None)
    assert list((folder / TEMPORARY).iterdir()) == []
    assert not (folder / "v1/log/blob/y").exists()


def test_a_loser_of_the_race_for_a_name_changes_nothing(
    store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked, nothing was there; the link decides."""
    put(store, "v1/log/entry/0", b"winner")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(AlreadyThere):
        put(store, "v1/log/entry/0", b"loser!")
    assert (folder / "v1/log/entry/0").read_bytes() == b"winner"


def test_a_file_without_a_name_is_no_evidence_and_is_swept(folder: Path, store: DirectoryStore) -> None:
    put(store, "v1/log/blob/x", b"x")
    half = folder / TEMPORARY / "half"
    half.write_bytes(b"half of an arti")
    assert list(store.keys("v1/")) == ["v1/log/blob/x"]
    assert store.sweep() == 0  # somebody may be writing it
    os.utime(half, (time.time() - 7200,) * 2)
    assert store.sweep() == 1
    assert not half.exists()


def test_a_sweeper_does_not_mind_what_another_has_swept(
    folder: Path, store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = folder / TEMPORARY / "half"
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half")
    os.utime(half, (time.time() - 7200,) * 2)
    listed = [half, folder / TEMPORARY / "gone meanwhile"]
    monkeypatch.setattr(store, "_temporary_files", lambda: listed)
    assert store.sweep() == 1
    assert not half.exists()


def test_a_writer_killed_in_the_middle_leaves_no_half_artifact(folder: Path, store: DirectoryStore) -> None:
    """The child has written some of an artifact, and is killed with -9 while it waits for the rest."""
    script = """if True:
        import sys, time
        from pathlib import Path
        from evidence_schema.digest import Digest
        from flows.vault.directory import DirectoryStore
        class Slow:
            pieces = 3
            def tell(self): return 0
            def seek(self, *_): return 10**9
            def read(self, size):
                self.pieces -= 1
                if self.pieces < 0:
                    print("half", flush=True)
                    time.sleep(60)
                return bytes(size)
        DirectoryStore(Path(sys.argv[1])).put(
            "v1/log/blob/half", Slow(), digest=Digest.of(b""), size=10**9, media_type="x/y", lock=None)
    """
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half\n"
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert [file.stat().st_size > 0 for file in (folder / TEMPORARY).iterdir()] == [True]
    assert list(store.keys("v1/")) == []
    assert DirectoryStore(folder, stale_after=timedelta(0)).sweep() == 1
    put(store, "v1/log/blob/half", b"whole")


def test_a_planted_link_leads_nowhere(store: DirectoryStore, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not evidence")
    put(store, "v1/log/blob/x", b"x")
    (folder / "v1/log/blob/planted").symlink_to(secret)
    with pytest.raises(NotThere, match="link"):
        store.read("v1/log/blob/planted", limit=100)
    with pytest.raises(AlreadyThere):
        put(store, "v1/log/blob/planted", b"y")
    assert "v1/log/blob/planted" in [version.key for version in store.versions("v1/")]  # shown, so that it is reported
    assert secret.read_text() == "not evidence"


def test_a_planted_pipe_makes_nobody_wait(store: DirectoryStore, folder: Path) -> None:
    put(store, "v1/log/blob/x", b"x")
    os.mkfifo(folder / "v1/log/blob/pipe")
    with pytest.raises(NotThere, match="plain file"):
        store.read("v1/log/blob/pipe", limit=100)


def test_a_version_cannot_be_asked_for_where_there_are_none(store: DirectoryStore) -> None:
    put(store, "v1/log/blob/x", b"x")
    with pytest.raises(NotThere):
        store.read("v1/log/blob/x", limit=1, version="2")


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, StoreUnavailable), (errno.EIO, StoreUnavailable), (errno.EROFS, StoreDenied)],
)
def test_a_disk_that_fails_is_told_in_our_words(
    store: DirectoryStore, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind):
        put(store, "v1/log/blob/x", b"x")
    monkeypatch.undo()
    assert list(store.keys("v1/")) == []
    assert not (folder / TEMPORARY).exists() or list((folder / TEMPORARY).iterdir()) == []


def test_a_file_system_without_hard_links_is_refused(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(StoreRefused, match="hard links"):
        put(store, "v1/log/blob/x", b"x")


def test_a_missing_folder_is_not_an_empty_vault(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="found none"):
        DirectoryStore(tmp_path / "nowhere").check_ready()


def test_opening_to_read_makes_no_folder(folder_place: Place) -> None:
    from flows.vault.vault import open_vault

    with pytest.raises(StoreUnavailable):
        open_vault(folder_place.settings)
    assert not Path(folder_place.settings.url).exists()
