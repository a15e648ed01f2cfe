"""Artifacts encrypted and in clear: they come back, nothing of them leaks, and they open where they belong only."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vault_samples import Clock

from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from flows.vault.artifacts import Artifacts, Kept
from flows.vault.blobs import Blobs
from flows.vault.data_keys import DataKeys
from flows.vault.directory import DirectoryStore
from flows.vault.errors import KeyMissing, NoDataKeys, TooLarge, WrongBytes
from flows.vault.key_encryption import create_kek
from flows.vault.key_places import KeyFolder
from flows.vault.locks import Lock
from flows.vault.vault import Vault

pytestmark = pytest.mark.sealing

RUN, OTHER_RUN = "run-20261101T060000Z-00000001", "run-20261101T060000Z-00000002"
UNIT = "1" * 64
SECRET = b"sim-anna.keller has no MFA device\n"


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> DataKeys:
    folder = KeyFolder(tmp_path / "data-keys")
    folder.create()
    kek = create_kek(tmp_path / "keys" / "kek", None, clock())
    return DataKeys(folder, lambda: kek)


@pytest.fixture
def artifacts(vault: Vault, keys: DataKeys) -> Artifacts:
    return Artifacts(vault.blobs, vault.layout.log, keys)


def kept(artifacts: Artifacts, lock: Lock, *pieces: bytes, run: str = RUN, part: str = UNIT) -> Kept:
    return artifacts.put(pieces, media_type="text/plain", lock=lock, context=artifacts.context(run, part))


def read(artifacts: Artifacts, found: Kept, run: str = RUN, part: str = UNIT) -> bytes:
    return artifacts.read(found, run, part, limit=1 << 30)


def test_what_is_stored_is_ciphertext_by_its_own_digest(vault: Vault, artifacts: Artifacts, lock: Lock) -> None:
    found = kept(artifacts, lock, SECRET)
    stored = vault.blobs.read(found.digest, limit=1 << 20)
    assert (Digest.of(stored), len(stored)) == (found.digest, found.size)
    assert found.encryption is not None
    assert found.encryption.size == len(SECRET)
    assert SECRET[:10] not in stored
    assert Digest.of(SECRET).hex not in repr(found), "a bare digest of few possible values can be guessed"
    assert read(artifacts, found) == SECRET


def test_the_same_bytes_twice_are_two_ciphertexts_with_two_commitments(artifacts: Artifacts, lock: Lock) -> None:
    one, two = kept(artifacts, lock, SECRET), kept(artifacts, lock, SECRET)
    assert one.digest != two.digest
    assert one.encryption != two.encryption


@pytest.mark.parametrize(("run", "part"), [(OTHER_RUN, UNIT), (RUN, "2" * 64), (RUN, "findings")])
def test_it_opens_where_it_belongs_only(artifacts: Artifacts, lock: Lock, run: str, part: str) -> None:
    found = kept(artifacts, lock, SECRET)
    with pytest.raises(WrongBytes):
        read(artifacts, found, run, part)


def test_a_key_rewritten_for_another_place_does_not_help(artifacts: Artifacts, keys: DataKeys, lock: Lock) -> None:
    """Somebody with the key place moves key and context: the ciphertext itself was sealed in the first one."""
    found = kept(artifacts, lock, SECRET)
    name = found.digest.hex
    keys.place.put(name, keys.place.read(name).replace(RUN.encode(), OTHER_RUN.encode()))
    with pytest.raises(WrongBytes, match="commits to this key and context"):
        read(artifacts, found, OTHER_RUN)


def test_two_ciphertexts_cannot_trade_keys(artifacts: Artifacts, keys: DataKeys, lock: Lock) -> None:
    one, two = kept(artifacts, lock, SECRET), kept(artifacts, lock, b"another")
    data = keys.place.read(two.digest.hex)
    keys.place.put(one.digest.hex, data)
    with pytest.raises(WrongBytes):
        read(artifacts, one)


def test_a_row_that_commits_to_other_bytes_is_refused(artifacts: Artifacts, lock: Lock) -> None:
    one, two = kept(artifacts, lock, SECRET), kept(artifacts, lock, SECRET)
    forged = Kept(one.digest, one.size, one.custody, two.encryption)
    with pytest.raises(WrongBytes, match="committed to"):
        read(artifacts, forged)


def test_erased_is_gone_and_without_keys_nothing_opens(
    vault: Vault, artifacts: Artifacts, keys: DataKeys, lock: Lock
) -> None:
    found = kept(artifacts, lock, SECRET)
    without = Artifacts(vault.blobs, vault.layout.log, None)
    with pytest.raises(NoDataKeys, match=r"vault: \{keys:"):
        read(without, found)
    with pytest.raises(NoDataKeys):
        kept(without, lock, SECRET)
    in_clear = without.put([b"open"], media_type="text/plain", lock=lock)
    assert (in_clear.encryption, read(without, in_clear)) == (None, b"open")
    keys.destroy(found.digest)
    with pytest.raises(KeyMissing):
        read(artifacts, found)


def test_more_than_allowed_is_refused(artifacts: Artifacts, lock: Lock) -> None:
    with pytest.raises(TooLarge):
        artifacts.read(kept(artifacts, lock, SECRET), RUN, UNIT, limit=3)


def test_lines_come_as_they_were(artifacts: Artifacts, lock: Lock) -> None:
    found = kept(artifacts, lock, b"a\nb", b"b\n\nccc\n")
    assert list(artifacts.lines(found, RUN, UNIT)) == [b"a", b"bb", b"", b"ccc"]


@given(st.lists(st.binary(max_size=40_000), max_size=6))
@settings(max_examples=30)
def test_any_bytes_in_any_pieces_come_back(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        _check_any_bytes(Path(name), pieces)


def _check_any_bytes(folder: Path, pieces: list[bytes]) -> None:
    store = DirectoryStore(folder / "vault")
    store.create()
    kek = create_kek(folder / "keys" / "kek", None, Clock()())
    artifacts = Artifacts(Blobs(store, Layout("clinic")), "clinic", DataKeys(KeyFolder(folder / "data"), lambda: kek))
    found = artifacts.put(pieces, media_type="x/y", lock=None, context=artifacts.context(RUN, UNIT))
    assert read(artifacts, found) == b"".join(pieces)


def test_memory_does_not_grow_with_the_artifact(artifacts: Artifacts, lock: Lock) -> None:
    size = 48 * 1024 * 1024

    def pieces() -> Iterator[bytes]:
        for _ in range(size // (1 << 20)):
            yield bytes(1 << 20)

    tracemalloc.start()
    found = artifacts.put(pieces(), media_type="x/y", lock=lock, context=artifacts.context(RUN, UNIT))
    _, writing = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    assert sum(len(piece) for piece in artifacts.stream(found, RUN, UNIT)) == size
    _, reading = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(writing, reading) < 16 * 1024 * 1024
