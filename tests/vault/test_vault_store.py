"""What every store promises."""

from __future__ import annotations

import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from conftest import Place

from evidence_schema.digest import Digest, DigestStream
from flows.vault.errors import AlreadyThere, NotThere, TooLarge, UnsafeName, WrongBytes
from flows.vault.locks import Lock
from flows.vault.store import Store, put_same

pytestmark = pytest.mark.sealing


def put(store: Store, key: str, data: bytes, lock: Lock | None = None) -> None:
    store.put(key, data, digest=Digest.of(data), size=len(data), media_type="text/plain", lock=lock)


def test_bytes_come_back_as_they_were_put(store: Store, place: Place, lock: Lock) -> None:
    key = place.root + "blob/some"
    put(store, key, b"evidence", lock)
    assert store.read(key, limit=100) == b"evidence"
    assert b"".join(store.stream(key)) == b"evidence"
    head = store.head(key)
    assert head is not None
    assert (head.size, head.checksum) == (8, Digest.of(b"evidence"))


def test_a_written_key_is_never_written_again(store: Store, place: Place, lock: Lock) -> None:
    key = place.root + "blob/once"
    put(store, key, b"first", lock)
    for data in (b"second", b"first"):
        with pytest.raises(AlreadyThere):
            put(store, key, data, lock)
    assert store.read(key, limit=100) == b"first"
    assert len(list(store.versions(key))) == 1


def test_other_bytes_than_announced_are_refused_and_leave_nothing(store: Store, place: Place, lock: Lock) -> None:
    key = place.root + "blob/wrong"
    with pytest.raises(WrongBytes):
        store.put(key, b"found", digest=Digest.of(b"other"), size=5, media_type="text/plain", lock=lock)
    with pytest.raises(WrongBytes):
        store.put(key, BytesIO(b"found"), digest=Digest.of(b"found"), size=4, media_type="text/plain", lock=lock)
    assert store.head(key) is None
    assert list(store.versions(place.root)) == []


def test_nothing_is_read_where_nothing_was_written(store: Store, place: Place) -> None:
    key = place.root + "blob/none"
    assert store.head(key) is None
    assert list(store.keys(place.root)) == []
    with pytest.raises(NotThere):
        store.read(key, limit=10)
    with pytest.raises(NotThere):
        list(store.stream(key))


def test_a_reader_sets_the_limit(store: Store, place: Place) -> None:
    key = place.root + "blob/long"
    put(store, key, b"x" * 11)
    assert store.read(key, limit=11) == b"x" * 11
    with pytest.raises(TooLarge):
        store.read(key, limit=10)


def test_listing_follows_the_order_of_keys(store: Store, place: Place) -> None:
    names = ["a-b/1", "a/2", "a/1", "a.b", "a0/1", "b/1/2/3", "entry/000000000002", "entry/000000000010"]
    keys = sorted(place.root + name for name in names)
    for key in reversed(keys):
        put(store, key, b"x")
    assert list(store.keys(place.root)) == keys
    assert [version.key for version in store.versions(place.root)] == keys
    assert list(store.keys(place.root + "a")) == [key for key in keys if key.startswith(place.root + "a")]
    assert list(store.keys(place.root + "entry/00000000000")) == [place.root + "entry/000000000002"]
    assert list(store.keys("v1/another-log/")) == []


@pytest.mark.parametrize(
    "key",
    ["../etc/passwd", "v1/../../x", "/etc/passwd", "v1/.hidden", "v1//x", "v1/a b", "v1", "v2/x", "v1/x/", "v1/x\n",
     "v1/" + "x" * 600, "v1/x\x00y", ".tmp/x", ""],
)  # fmt: skip
def test_a_key_that_no_layout_writes_is_refused(store: Store, key: str) -> None:
    with pytest.raises(UnsafeName):
        put(store, key, b"x")
    with pytest.raises(UnsafeName):
        store.read(key, limit=1)
    with pytest.raises(UnsafeName):
        store.head(key)


@pytest.mark.parametrize("prefix", ["../", "/", "v2/", "v1/../", ""])
def test_a_prefix_outside_the_layout_is_refused(store: Store, prefix: str) -> None:
    with pytest.raises(UnsafeName):
        list(store.versions(prefix))


def test_large_artifacts_pass_in_flat_memory(store: Store, place: Place, lock: Lock, tmp_path: Path) -> None:
    size = 48 * 1024 * 1024
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate(size)
    with file.open("rb") as source:
        digest = Digest.of(bytes(size))
        tracemalloc.start()
        store.put(place.root + "blob/large", source, digest=digest, size=size, media_type="text/plain", lock=lock)
        found = DigestStream()
        for piece in store.stream(place.root + "blob/large"):
            found.update(piece)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (found.size, found.finish()) == (size, digest)
    assert peak < 12 * 1024 * 1024


def test_the_same_bytes_twice_are_one_object(store: Store, place: Place, lock: Lock) -> None:
    key, data = place.root + "blob/same", b"same bytes"
    first = put_same(store, key, data, digest=Digest.of(data), size=10, media_type="text/plain", lock=lock)
    again = put_same(store, key, data, digest=Digest.of(data), size=10, media_type="text/plain", lock=lock)
    assert first == again
    assert len(list(store.versions(key))) == 1


def test_other_bytes_under_the_same_key_are_an_error(store: Store, place: Place) -> None:
    key = place.root + "blob/other"
    put(store, key, b"one")
    with pytest.raises(AlreadyThere, match="found sha256:"):
        put_same(store, key, b"two", digest=Digest.of(b"two"), size=3, media_type="text/plain", lock=None)
