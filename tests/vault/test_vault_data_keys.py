"""Data keys: where they lie, what wraps them, and that a destroyed one is gone. Both places, and KMS."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from evidence_schema.digest import Digest
from evidence_schema.errors import BadWrapping
from evidence_schema.models.encrypted import Context
from flows.demo.object_store import ObjectStore
from flows.vault.data_keys import DataKeys
from flows.vault.errors import (
    BadSettings,
    KeyMissing,
    KeysKept,
    NotThere,
    StoreUnavailable,
    UnsafeKeyFile,
    UnsafeName,
    WrongKey,
)
from flows.vault.key_encryption import (
    KeyEncryption,
    LocalKek,
    create_kek,
    load_kek,
    quarter_of,
    replace_kek,
    with_next_epoch,
)
from flows.vault.key_places import KeyFolder, KeyPlace
from flows.vault.kms import KmsKek, open_kms
from flows.vault.s3_keys import KeyBucket
from flows.vault.settings import StoreCredentials

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.sealing

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
NAME, OTHER = "ab" * 32, "cd" * 32
CIPHERTEXT = Digest.of(b"a ciphertext")
CONTEXT = Context(log="clinic", run_id="run-20261101T060000Z-00000001", part="1" * 64)
ELSEWHERE = CONTEXT.model_copy(update={"run_id": "run-20261101T060000Z-00000002"})
_buckets = count(1)


@pytest.fixture
def bucket(admin: S3Client) -> str:
    name = f"data-keys-{next(_buckets)}"
    admin.create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["folder", "s3"])
def key_place(request: pytest.FixtureRequest, tmp_path: Path) -> KeyPlace:
    if request.param == "folder":
        folder = KeyFolder(tmp_path / "data-keys")
        folder.create()
        return folder
    return KeyBucket(request.getfixturevalue("admin"), request.getfixturevalue("bucket"))


@pytest.fixture(params=["file", "kms"])
def kek(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyEncryption]:
    if request.param == "file":
        yield create_kek(tmp_path / "keys" / "kek", None, NOW)
        return
    with mock_aws():
        yield kms_kek()


def kms_kek() -> KmsKek:
    """A key in moto's KMS; only inside `mock_aws`."""
    client = boto3.client("kms", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    arn = client.create_key()["KeyMetadata"]["Arn"]
    return open_kms(f"awskms:{arn}", credentials=StoreCredentials("x", "x"))


def data_keys(place: KeyPlace, kek: KeyEncryption) -> DataKeys:
    return DataKeys(place, lambda: kek)


def test_a_key_is_kept_read_listed_and_destroyed(key_place: KeyPlace) -> None:
    key_place.check_ready()
    key_place.put(NAME, b"first")
    key_place.put(NAME, b"wrapped")
    key_place.put(OTHER, b"another")
    assert (key_place.read(NAME), list(key_place.names())) == (b"wrapped", [NAME, OTHER])
    assert key_place.destroy(NAME) is True
    assert key_place.destroy(NAME) is False
    with pytest.raises(NotThere):
        key_place.read(NAME)
    assert list(key_place.names()) == [OTHER]


@pytest.mark.parametrize("name", ["../etc", "", "AB" * 32, "ab" * 33, "ab" * 31 + "/."])
def test_a_name_is_a_digest(key_place: KeyPlace, name: str) -> None:
    for use in (lambda: key_place.put(name, b""), lambda: key_place.read(name), lambda: key_place.destroy(name)):
        with pytest.raises(UnsafeName):
            use()


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_a_bucket_that_has_or_had_versions_is_refused(admin: S3Client, bucket: str, status: Any) -> None:
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
    with pytest.raises(KeysKept, match="versioning"):
        KeyBucket(admin, bucket).check_ready()
    KeyBucket(admin, bucket, trial=True).check_ready()


def test_a_key_that_versioning_keeps_is_not_called_destroyed(admin: S3Client, bucket: str) -> None:
    """Turned on after the check, or in a trial: the delete says yes, and a version stays."""
    place = KeyBucket(admin, bucket, trial=True)
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    place.put(NAME, b"wrapped")
    with pytest.raises(KeysKept, match="keeps what is deleted"):
        place.destroy(NAME)


def test_a_bucket_with_object_lock_is_refused(object_store: ObjectStore, admin: S3Client) -> None:
    name = f"data-keys-locked-{next(_buckets)}"
    object_store.create_locked_bucket(name)
    for trial in (True, False):
        with pytest.raises(KeysKept):
            KeyBucket(admin, name, trial=trial).check_ready()


def test_a_folder_is_its_owners_and_is_not_made_by_accident(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    with pytest.raises(StoreUnavailable, match="restore it"):
        folder.check_ready()
    folder.create()
    folder.put(NAME, b"x")
    assert stat.S_IMODE((tmp_path / "keys" / "dek" / NAME).stat().st_mode) == 0o600
    (tmp_path / "keys").chmod(0o750)
    with pytest.raises(KeysKept, match="owner"):
        folder.check_ready()


def test_what_is_wrapped_opens_again_for_its_artifact_only(tmp_path: Path, kek: KeyEncryption) -> None:
    folder = KeyFolder(tmp_path)
    keys = data_keys(folder, kek)
    new = keys.new(CONTEXT)
    keys.keep(CIPHERTEXT, new)
    assert (keys.open(CIPHERTEXT, CONTEXT), keys.has(CIPHERTEXT)) == (new.key, True)
    with pytest.raises(BadWrapping, match="another artifact"):
        keys.open(CIPHERTEXT, ELSEWHERE)
    assert new.key.dek.hex() not in folder.read(CIPHERTEXT.hex).hex()
    assert keys.destroy(CIPHERTEXT) is True
    with pytest.raises(KeyMissing):
        keys.open(CIPHERTEXT, CONTEXT)
    assert (keys.data_key(CIPHERTEXT, CONTEXT), keys.destroy(CIPHERTEXT)) == (None, False)


def test_kms_itself_refuses_another_context() -> None:
    """Somebody rewrites the context that stands beside the wrapped key: KMS was told the first one."""
    with mock_aws():
        kek = kms_kek()
        _, wrapped = kek.new(CONTEXT)
        with pytest.raises(BadWrapping):
            kek.unwrap(wrapped.model_copy(update={"context": ELSEWHERE}))
        gone = wrapped.model_copy(update={"epoch": wrapped.epoch[:-4] + "0000"})
        with pytest.raises((WrongKey, BadWrapping)):
            kek.unwrap(gone)


@pytest.mark.parametrize("uri", ["awskms:alias/evidence", "awskms:", "file:/x", "awskms:arn:aws:kms:x:1:key/"])
def test_a_key_in_kms_is_named_by_its_arn(uri: str) -> None:
    with pytest.raises(BadSettings):
        open_kms(uri)


def test_a_wrapped_key_that_was_altered_is_refused(tmp_path: Path) -> None:
    keys = data_keys(KeyFolder(tmp_path), create_kek(tmp_path / "private" / "kek", None, NOW))
    keys.keep(CIPHERTEXT, keys.new(CONTEXT))
    path = tmp_path / "dek" / CIPHERTEXT.hex
    good = path.read_bytes()
    for data in (b"", b"{}", good[:-9] + b"AAAA" + good[-5:], good.replace(b"2026-q4", b"2026-q3")):
        path.write_bytes(data)
        with pytest.raises(BadWrapping):
            keys.open(CIPHERTEXT, CONTEXT)


def test_a_sealed_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "kek"
    made = create_kek(path, b"long and random", NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_kek(f"file:{path}", b"long and random").keys == made.keys
    assert made.keys["2026-q4"].hex() not in path.read_text()
    for wrong in (b"other", None):
        with pytest.raises(WrongKey, match="passphrase"):
            load_kek(f"file:{path}", wrong)
    with pytest.raises(UnsafeKeyFile):
        create_kek(path, None, NOW)
    path.chmod(0o640)
    with pytest.raises(UnsafeKeyFile):
        load_kek(f"file:{path}", b"long and random")


@pytest.mark.parametrize("content", [b"", b"{}", b"0" * 64, b'{"epochs":[],"schema":"evidence/kek/v1"}'])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kek"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(WrongKey):
        load_kek(f"file:{path}")


def test_a_key_lies_outside_the_vault(tmp_path: Path) -> None:
    with pytest.raises(UnsafeKeyFile, match="outside the vault"):
        create_kek(tmp_path / "vault" / "kek", None, NOW, vault_url=str(tmp_path / "vault"))


def test_a_forgotten_epoch_takes_old_backups_of_data_keys_with_it(tmp_path: Path) -> None:
    """A data key was destroyed and is still in a backup: once its quarter's key is gone, the backup is nothing."""
    uri, place = f"file:{tmp_path / 'private' / 'kek'}", KeyFolder(tmp_path)
    old = create_kek(tmp_path / "private" / "kek", None, NOW)
    keys = data_keys(place, old)
    kept = keys.new(CONTEXT)
    keys.keep(CIPHERTEXT, kept)
    backup = place.read(CIPHERTEXT.hex)
    new = with_next_epoch(old, datetime(2027, 1, 2, tzinfo=UTC))
    replace_kek(uri, new, b"now with one")
    for digest, wrapped in list(keys.all()):
        keys.rewrap(digest, wrapped, new)
    replace_kek(uri, LocalKek({new.epoch: new.keys[new.epoch]}), b"now with one")
    after = data_keys(place, load_kek(uri, b"now with one"))
    assert (new.epoch, after.open(CIPHERTEXT, CONTEXT)) == ("2027-q1", kept.key)
    place.put(CIPHERTEXT.hex, backup)
    with pytest.raises(BadWrapping, match="2026-q4"):
        after.open(CIPHERTEXT, CONTEXT)


def test_a_second_key_of_a_quarter_has_a_name_of_its_own(tmp_path: Path) -> None:
    kek = create_kek(tmp_path / "k" / "kek", None, NOW)
    again = with_next_epoch(with_next_epoch(kek, NOW), NOW)
    assert list(again.keys) == ["2026-q4", "2026-q4.1", "2026-q4.2"]
    assert len(set(again.keys.values())) == 3


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_quarter_has_three_months(moment: datetime) -> None:
    year, _, quarter = quarter_of(moment).partition("-q")
    assert int(year) == moment.year
    assert 3 * int(quarter) - 2 <= moment.month <= 3 * int(quarter)
