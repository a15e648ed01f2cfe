"""Several processes write one log at once, and some of them are killed with -9."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from conftest import Place
from vault_samples import ORIGIN

from evidence_schema import merkle
from evidence_schema.checkpoint import parse_checkpoint
from evidence_schema.note import VerifierKey, verify_note
from flows.children import Child, Children
from flows.vault.keys import LocalKey, create_key
from flows.vault.vault import Vault

pytestmark = pytest.mark.sealing

WRITER = Path(__file__).with_name("race_writer.py")
Acknowledged = list[tuple[int, str]]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "log.pem"


@pytest.fixture
def signer(key_file: Path) -> LocalKey:
    return create_key(key_file)


@pytest.fixture
def children() -> Iterator[Children]:
    with Children() as children:
        yield children


@dataclass(frozen=True)
class Writers:
    """Processes that have opened the vault and wait for `start`."""

    folder: Path
    count: int
    child: Child

    @property
    def pids(self) -> list[int]:
        return [int(lines[0]) for lines in self._notes()]

    @property
    def acknowledged(self) -> Acknowledged:
        return [(int(seq), digest) for lines in self._notes() for seq, digest in (line.split() for line in lines[1:])]

    def are_ready(self) -> bool:
        return sum(bool(lines) for lines in self._notes()) == self.count

    def start(self) -> None:
        (self.folder / "start").touch()

    def _notes(self) -> list[list[str]]:
        """Whole lines only: the last one of a killed writer may be half."""
        files = sorted(self.folder.glob("*.acknowledged"))
        return [file.read_text().split("\n")[:-1] for file in files]


@pytest.fixture
def writers(
    children: Children, place: Place, key_file: Path, signer: LocalKey, tmp_path: Path
) -> Callable[[int, int | None], Writers]:
    def make(count: int, appends: int | None) -> Writers:
        folder = tmp_path / f"writers-{random.randrange(10**9)}"
        folder.mkdir(mode=0o700)
        credentials = place.credentials
        order = {
            "writers": count,
            "appends": appends,
            "key": f"file:{key_file}",
            "settings": {name: value for name, value in asdict(place.settings).items() if name != "resume_window"},
            "credentials": [credentials.access_key, credentials.secret_key] if credentials else None,
        }
        (folder / "orders.json").write_text(json.dumps(order))
        child = children.start([sys.executable, WRITER, folder / "orders.json"], log=folder / "log", name="writers")
        made = Writers(folder, count, child)
        child.wait_ready(made.are_ready, timeout=60)
        return made

    return make


def assert_whole(vault: Vault, signer: LocalKey, expected: Acknowledged) -> int:
    """No gap and no fork (reading checks number, chain and signature), nothing acknowledged lost, one version each,
    a checkpoint for every size; those that are looked at are over exactly these files."""
    present = {entry.seq: str(entry.digest) for entry in vault.log.entries()}
    assert [seq for seq, digest in expected if present.get(seq) != digest] == []
    versions = list(vault.store.versions(vault.layout.root))
    assert len(versions) == len({version.key for version in versions})
    size = len(present)
    checkpoints = [vault.layout.checkpoint_size(key) for key in vault.store.keys(vault.layout.checkpoints)]
    assert checkpoints == list(range(1, size + 1))
    leaves = [merkle.leaf_hash(vault.store.read(vault.layout.entry(seq), limit=65536)) for seq in range(size)]
    for counted in {*range(1, size, 9), size}:
        note = verify_note(vault.log.checkpoint(counted), [VerifierKey(ORIGIN, signer.public_key)])
        assert parse_checkpoint(note.text).root == merkle.root(leaves[:counted])
    return size


def test_four_writers_make_one_log(
    writers: Callable[[int, int | None], Writers], signer: LocalKey, another_vault: Callable[..., Vault]
) -> None:
    four = writers(4, 10)
    four.start()
    assert four.child.wait(timeout=60) == 0, four.child.log_tail()
    assert sorted(seq for seq, _ in four.acknowledged) == list(range(40))
    assert assert_whole(another_vault(), signer, four.acknowledged) == 40


def test_killed_writers_lose_nothing_that_was_acknowledged(
    writers: Callable[[int, int | None], Writers], signer: LocalKey, another_vault: Callable[..., Vault]
) -> None:
    entries: Acknowledged = []
    for _ in range(2):
        three = writers(3, None)
        three.start()
        for pid in three.pids:
            time.sleep(random.uniform(0.05, 0.4))
            os.kill(pid, signal.SIGKILL)
        assert three.child.wait(timeout=60) == 1
        entries += three.acknowledged
    assert entries
    vault = another_vault()
    vault.repair()
    size = assert_whole(vault, signer, entries)
    # Each of the six may have died between its last entry and the note of it.
    assert len(entries) <= size <= len(entries) + 6
    assert vault.log.repair() == ()
