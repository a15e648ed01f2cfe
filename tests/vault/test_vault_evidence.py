"""Blobs, receipts and manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import ref

import pytest
from conftest import BUCKET, Place
from vault_samples import DIGEST, NOVEMBER, LosesReplies, receipt, run_id

from evidence_schema.digest import Digest
from evidence_schema.models.names import GatherResult
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Unit
from flows.vault.errors import AlreadyThere, NotThere, StoreUnavailable, TooLarge, WrongBytes, WrongRun
from flows.vault.locks import Lock
from flows.vault.manifest import ManifestSubject, build_manifest, manifest_rows, read_manifest
from flows.vault.vault import Vault, assemble

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.sealing

Another = Callable[..., Vault]


def raw_put(vault: Vault, key: str, data: bytes) -> None:
    """What somebody writes who does not care about our rules."""
    vault.store.put(key, data, digest=Digest.of(data), size=len(data), media_type="x/y", lock=None)


def test_a_blob_lies_under_its_digest_and_is_kept_once(vault: Vault, lock: Lock) -> None:
    first = vault.blobs.put_bytes(b"transcript", media_type="text/plain", lock=lock)
    again = vault.blobs.put(BytesIO(b"transcript"), digest=first.digest, size=10, media_type="text/plain", lock=lock)
    assert again == first.custody
    assert list(vault.store.keys(vault.layout.blobs)) == [vault.layout.blob(Digest.of(b"transcript"))]
    assert vault.blobs.read(first.digest, limit=100) == b"transcript"


def test_a_blob_from_pieces_is_the_same_blob(vault: Vault, lock: Lock) -> None:
    stored = vault.blobs.put_pieces((b"x" * 1000 for _ in range(5000)), media_type="text/plain", lock=lock)
    assert (stored.size, stored.digest) == (5_000_000, Digest.of(b"x" * 5_000_000))
    assert b"".join(vault.blobs.stream(stored.digest)) == b"x" * 5_000_000


def test_a_blob_whose_reply_was_lost_is_kept_once(
    place: Place, vault: Vault, another_vault: Another, lock: Lock
) -> None:
    lossy = LosesReplies(place.open(), lambda key: True)
    stored = another_vault(lossy).blobs.put_bytes(b"lost reply", media_type="text/plain", lock=lock)
    assert vault.blobs.read(stored.digest, limit=100) == b"lost reply"
    if place.is_s3:
        assert stored.custody.retain_until == lock.until


def test_a_blob_that_never_arrived_is_reported(place: Place, another_vault: Another, lock: Lock) -> None:
    lossy = LosesReplies(place.open(), lambda key: True, before=True)
    with pytest.raises(StoreUnavailable):
        another_vault(lossy).blobs.put_bytes(b"x", media_type="text/plain", lock=lock)


def test_other_bytes_under_a_digest_are_found_when_read(vault: Vault) -> None:
    digest = Digest.of(b"what was sealed")
    raw_put(vault, vault.layout.blob(digest), b"what was forged")
    with pytest.raises(WrongBytes, match="evidence verify"):
        vault.blobs.read(digest, limit=100)
    with pytest.raises(WrongBytes):
        list(vault.blobs.stream(digest))
    with pytest.raises(WrongBytes):
        list(vault.blobs.lines(digest))


@pytest.mark.parametrize("squatting", [b"forged", b"what was forged", b""])
def test_bytes_squatting_under_a_digest_do_not_count_as_ours(vault: Vault, lock: Lock, squatting: bytes) -> None:
    data = b"what was sealed"
    raw_put(vault, vault.layout.blob(Digest.of(data)), squatting)
    with pytest.raises(AlreadyThere):
        vault.blobs.put_bytes(data, media_type="text/plain", lock=lock)


def test_bytes_stored_without_a_checksum_are_compared_by_reading(s3_place: Place, admin: S3Client, lock: Lock) -> None:
    vault = assemble(s3_place.open(), s3_place.settings)
    ours, theirs = b"same length 1", b"same length 2"
    keys = [vault.layout.blob(Digest.of(data)) for data in (ours, theirs)]
    for key in keys:
        admin.put_object(Bucket=BUCKET, Key=key, Body=ours, ChecksumAlgorithm="CRC32")
    assert [vault.store.head(key).checksum for key in keys] == [None, None]
    assert vault.blobs.put_bytes(ours, media_type="text/plain", lock=lock).custody.retain_until == lock.until
    with pytest.raises(AlreadyThere):
        vault.blobs.put_bytes(theirs, media_type="text/plain", lock=lock)


def test_lines_are_split_across_pieces(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = Digest.of(b"a\nbb\n\nccc")
    monkeypatch.setattr(vault.store, "stream", lambda key, version="": iter([b"a", b"\nb", b"b\n\nc", b"cc"]))
    assert list(vault.blobs.lines(digest)) == [b"a", b"bb", b"", b"ccc"]


def test_a_line_without_end_is_refused(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.vault.blobs.MAX_LINE", 1000)
    monkeypatch.setattr(vault.store, "stream", lambda key, version="": iter([b"x" * 600] * 1000))
    with pytest.raises(TooLarge):
        list(vault.blobs.lines(DIGEST))


def test_a_missing_blob_is_missing_not_empty(vault: Vault) -> None:
    with pytest.raises(NotThere):
        vault.blobs.read(DIGEST, limit=1)
    with pytest.raises(NotThere):
        list(vault.blobs.lines(DIGEST))


def test_the_first_receipt_of_a_unit_stands(vault: Vault, another_vault: Another, lock: Lock) -> None:
    first = receipt(reason="first")
    assert vault.receipts.write(first, lock) == first
    assert another_vault().receipts.write(receipt(reason="second"), lock) == first
    assert vault.receipts.read(run_id(1), first.unit) == first


def test_a_receipt_whose_reply_was_lost_is_ours(place: Place, vault: Vault, another_vault: Another, lock: Lock) -> None:
    lossy = LosesReplies(place.open(), lambda key: True)
    written = another_vault(lossy).receipts.write(receipt(), lock)
    assert vault.receipts.read(run_id(1), written.unit) == written


def test_a_unit_without_receipt_has_none_even_when_its_blobs_are_there(vault: Vault, lock: Lock) -> None:
    vault.blobs.put_bytes(b"transcript of a unit that was cut short", media_type="text/plain", lock=lock)
    assert vault.receipts.read(run_id(1), receipt().unit) is None
    assert list(vault.receipts.all(run_id(1))) == []


def test_all_receipts_of_a_run_and_no_others(vault: Vault, lock: Lock) -> None:
    ours = [receipt(f"region-{number}") for number in range(20)]
    for one in ours:
        vault.receipts.write(one, lock)
    vault.receipts.write(receipt().model_copy(update={"run_id": run_id(2)}), lock)
    found = list(vault.receipts.all(run_id(1)))
    assert sorted(found, key=lambda one: one.unit.sort_key) == sorted(ours, key=lambda one: one.unit.sort_key)
    assert [one.unit.digest.hex for one in found] == sorted(one.unit.digest.hex for one in ours)


def test_each_unit_comes_in_the_order_asked_for(vault: Vault, lock: Lock) -> None:
    units = [receipt(f"region-{number}").unit for number in range(30)]
    for number in (3, 17, 29):
        vault.receipts.write(receipt(f"region-{number}"), lock)
    found = list(vault.receipts.each(run_id(1), units))
    assert [unit for unit, _ in found] == units
    assert [number for number, (_, one) in enumerate(found) if one is not None] == [3, 17, 29]


def test_a_receipt_of_another_unit_or_run_is_refused(vault: Vault) -> None:
    unit = receipt().unit
    raw_put(vault, vault.layout.receipt(run_id(1), unit.digest), receipt("us-west-2").canonical())
    raw_put(vault, vault.layout.receipt(run_id(2), unit.digest), receipt().canonical())
    raw_put(vault, vault.layout.receipt(run_id(3), unit.digest), b'{"schema":"junk"}')
    for number in (1, 2, 3):
        with pytest.raises(WrongBytes):
            vault.receipts.read(run_id(number), unit)
        with pytest.raises(WrongBytes):
            list(vault.receipts.all(run_id(number)))


def subject() -> ManifestSubject:
    return ManifestSubject("some-log", run_id(1), "monthly/2026-11", NOVEMBER, DIGEST)


def rows() -> list[Receipt]:
    made = [
        receipt("eu-central-1", account="222222222222", redacted=3),
        receipt("us-east-1", account="111111111111", result=GatherResult.DENIED, reason="AccessDenied"),
        receipt("us-east-1", account="111111111111", kind="aws.rds.instances", result=GatherResult.EMPTY),
        receipt("eu-central-1", account="111111111111").model_copy(update={"quarantined": 2}),
    ]
    return sorted(made, key=lambda one: one.unit.sort_key)


def test_a_manifest_holds_every_row_by_account_and_unit(vault: Vault, lock: Lock) -> None:
    built = build_manifest(vault.blobs, rows(), subject(), lock)
    assert [(part.account, part.rows) for part in built.manifest.parts] == [("111111111111", 3), ("222222222222", 1)]
    assert built.manifest.results == {GatherResult.COLLECTED: 2, GatherResult.DENIED: 1, GatherResult.EMPTY: 1}
    assert (built.manifest.rows, built.redacted, built.quarantined) == (4, 3, 2)
    found = read_manifest(vault.blobs, built.digest)
    assert found == built.manifest
    assert list(manifest_rows(vault.blobs, found)) == rows()


def test_the_same_receipts_give_the_same_manifest(vault: Vault, another_vault: Another, lock: Lock) -> None:
    first = build_manifest(vault.blobs, rows(), subject(), lock)
    assert build_manifest(another_vault().blobs, rows(), subject(), lock) == first


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_receipts_out_of_order_or_twice_are_refused(vault: Vault, lock: Lock, order: list[int]) -> None:
    with pytest.raises(WrongRun, match="in the order of their units"):
        build_manifest(vault.blobs, [rows()[number] for number in order], subject(), lock)


def test_receipts_of_another_run_are_refused(vault: Vault, lock: Lock) -> None:
    with pytest.raises(WrongRun, match="one of"):
        build_manifest(vault.blobs, rows(), replace(subject(), run_id=run_id(2)), lock)


def test_a_manifest_without_rows_is_a_manifest(vault: Vault, lock: Lock) -> None:
    built = build_manifest(vault.blobs, [], subject(), lock)
    assert (built.manifest.rows, built.manifest.parts, list(manifest_rows(vault.blobs, built.manifest))) == (0, (), [])


def test_a_part_with_other_rows_than_it_says_is_refused(vault: Vault, lock: Lock) -> None:
    manifest = build_manifest(vault.blobs, rows(), subject(), lock).manifest
    first, second = manifest.parts
    short = manifest.model_copy(update={"parts": (first.model_copy(update={"rows": 2}), second)})
    with pytest.raises(WrongBytes, match="expected 2 rows"):
        list(manifest_rows(vault.blobs, short))
    swapped = manifest.model_copy(update={"parts": (first.model_copy(update={"account": "222222222222"}), second)})
    with pytest.raises(WrongBytes, match="of account"):
        list(manifest_rows(vault.blobs, swapped))


def test_a_blob_that_is_no_manifest_is_refused(vault: Vault, lock: Lock) -> None:
    stored = vault.blobs.put_bytes(b'{"schema":"evidence/manifest/v2"}', media_type="x/y", lock=lock)
    with pytest.raises(WrongBytes, match="a manifest"):
        read_manifest(vault.blobs, stored.digest)


def test_a_manifest_is_built_without_holding_its_rows(
    folder_place: Place,
) -> None:
    """A row is written before the one after the next is asked for."""
    vault, alive = assemble(folder_place.open(), folder_place.settings), []

    def many() -> Iterator[Receipt]:
        for number in range(300):
            made = receipt(f"region-{number:04d}")
            alive.append(ref(made))
            assert sum(one() is not None for one in alive) <= 4
            yield made

    assert build_manifest(vault.blobs, many(), subject(), None).manifest.rows == 300


def test_a_blob_used_again_next_month_is_locked_as_long_as_the_new_run(place: Place, vault: Vault, lock: Lock) -> None:
    stored = vault.blobs.put_bytes(b"the same catalogue", media_type="text/plain", lock=lock)
    later = Lock(lock.mode, lock.until + timedelta(days=31))
    custody = vault.blobs.put_bytes(b"the same catalogue", media_type="text/plain", lock=later).custody
    assert custody.retain_until == (later.until if place.is_s3 else None)
    assert custody.version_id == stored.custody.version_id


def test_no_name_from_outside_becomes_a_key(vault: Vault, lock: Lock) -> None:
    hostile = Unit(kind="aws.s3.buckets", account="a-1", region="eu-central-1")
    vault.receipts.write(receipt().model_copy(update={"unit": hostile}), lock)
    keys = list(vault.store.keys(vault.layout.runs))
    assert keys == [vault.layout.receipt(run_id(1), hostile.digest)]
    assert "a-1" not in keys[0]


def test_temporary_files_are_gone_when_a_manifest_is_stored(vault: Vault, lock: Lock, tmp_path: Path) -> None:
    import tempfile

    spool = tmp_path / "spool"
    spool.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(spool)
    try:
        vault.blobs.put_pieces((b"x" * 1_000_000 for _ in range(6)), media_type="x/y", lock=lock)
    finally:
        tempfile.tempdir = before
    assert list(spool.iterdir()) == []
