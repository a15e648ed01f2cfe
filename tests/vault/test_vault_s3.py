"""What only a bucket can do, on a real S3 server with Object Lock."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.stub import ANY, Stubber
from conftest import BUCKET, PLAIN_BUCKET, Place

from evidence_schema.digest import Digest
from evidence_schema.models.names import LockMode
from evidence_schema.models.receipt import Custody
from flows.demo.object_store import ObjectStore, tamper_one_byte
from flows.vault import s3
from flows.vault.errors import (
    AlreadyThere,
    BadSettings,
    Contended,
    NotLocked,
    NotThere,
    StoreDenied,
    StoreRefused,
    StoreUnavailable,
    TooLarge,
    VaultError,
    WrongBytes,
    WrongCustody,
)
from flows.vault.locks import Lock
from flows.vault.s3 import MAX_PUT_BYTES, S3Store
from flows.vault.s3_client import S3Access, bucket_of, make_client, translated
from flows.vault.s3_versions import in_order
from flows.vault.settings import StoreCredentials
from flows.vault.store import put_same

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.sealing

DATA = b"sealed"
SEALED: dict[str, Any] = {"digest": Digest.of(DATA), "size": len(DATA), "media_type": "text/plain"}


@pytest.fixture
def bucket(client: S3Client) -> S3Store:
    return S3Store(client, BUCKET)


@pytest.fixture
def key(s3_place: Place) -> str:
    return s3_place.root + "blob/one"


def test_the_lock_is_set_by_the_put_and_read_back(bucket: S3Store, key: str, lock: Lock, admin: S3Client) -> None:
    custody = bucket.put(key, DATA, **SEALED, lock=lock)
    assert (custody.lock_mode, custody.retain_until) == (lock.mode, lock.until)
    found = admin.head_object(Bucket=BUCKET, Key=key, VersionId=custody.version_id)
    assert (found["ObjectLockMode"], found["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", lock.until)
    with pytest.raises(ClientError, match="AccessDenied"):
        admin.delete_object(Bucket=BUCKET, Key=key, VersionId=custody.version_id)


def test_the_server_itself_refuses_a_wrong_checksum(client: S3Client, key: str) -> None:
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket=BUCKET, Key=key, Body=DATA, ChecksumSHA256=Digest.of(b"other").base64)
    assert isinstance(translated(caught.value, key), WrongBytes)


def test_second_versions_and_delete_markers_are_listed_oldest_first(
    bucket: S3Store, key: str, lock: Lock, admin: S3Client
) -> None:
    first = bucket.put(key, DATA, **SEALED, lock=lock).version_id
    second = admin.put_object(Bucket=BUCKET, Key=key, Body=b"forged later")["VersionId"]
    marker = admin.delete_object(Bucket=BUCKET, Key=key)["VersionId"]
    found = list(bucket.versions(key))
    assert [(version.version, version.size, version.deleted) for version in found] == [
        (first, 6, False),
        (second, 12, False),
        (marker, 0, True),
    ]
    assert [version.latest for version in found] == [False, False, True]


def test_the_first_version_is_the_authoritative_one(bucket: S3Store, key: str, lock: Lock, admin: S3Client) -> None:
    first = bucket.put(key, DATA, **SEALED, lock=lock)
    for _ in range(12):  # more than one page of a key's listing
        forged = admin.put_object(Bucket=BUCKET, Key=key, Body=b"forged later")["VersionId"]
    admin.delete_object(Bucket=BUCKET, Key=key)
    assert bucket.read(key, limit=100) == DATA
    assert b"".join(bucket.stream(key)) == DATA
    assert bucket.read(key, limit=100, version=forged) == b"forged later"
    head = bucket.head(key)
    assert head is not None
    assert (head.size, head.custody) == (6, first)
    assert list(bucket.keys(key)) == [key]


def test_versions_of_a_key_stay_together_across_pages(bucket: S3Store, s3_place: Place, admin: S3Client) -> None:
    keys = [f"{s3_place.root}entry/{number:03d}" for number in range(7)]
    for written in keys:
        admin.put_object(Bucket=BUCKET, Key=written, Body=b"1")
    admin.put_object(Bucket=BUCKET, Key=keys[3], Body=b"22")
    admin.delete_object(Bucket=BUCKET, Key=keys[3])
    whole = list(bucket.versions(s3_place.root))
    assert [version.size for version in whole if version.key == keys[3]] == [1, 2, 0]
    for size in (1, 2, 3, 5):
        assert list(in_order(bucket._pages(s3_place.root, size=size))) == whole


def test_within_one_second_the_latest_version_still_comes_last() -> None:
    """S3 gives whole seconds, and versions and markers in two lists."""
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    common = {"Key": "v1/log/x", "LastModified": moment}
    versions = [
        common | {"VersionId": "third", "Size": 3, "IsLatest": True},
        common | {"VersionId": "first", "Size": 1, "IsLatest": False},
    ]
    marker = common | {"VersionId": "second", "IsLatest": False}
    page = {"Versions": versions, "DeleteMarkers": [marker]}
    assert [version.version for version in in_order(iter([page]))] == ["first", "second", "third"]


def test_a_bucket_without_object_lock_is_refused(client: S3Client) -> None:
    with pytest.raises(NotLocked, match=r"without Object Lock and versioning.*vault\.trial"):
        S3Store(client, PLAIN_BUCKET).check_ready()


def test_a_trial_keeps_bytes_without_a_lock_and_says_so(client: S3Client, key: str, lock: Lock) -> None:
    trial = S3Store(client, PLAIN_BUCKET, trial=True)
    trial.check_ready()
    assert not trial.describe().locks
    assert trial.put(key, DATA, **SEALED, lock=lock) == Custody(lock_mode=LockMode.NONE)
    assert trial.read(key, limit=10) == DATA
    with pytest.raises(AlreadyThere):
        trial.put(key, DATA, **SEALED, lock=lock)
    assert put_same(trial, key, DATA, **SEALED, lock=lock).lock_mode is LockMode.NONE


def test_a_lock_is_never_dropped_silently(client: S3Client, key: str, lock: Lock) -> None:
    with pytest.raises(StoreRefused):
        S3Store(client, PLAIN_BUCKET).put(key, DATA, **SEALED, lock=lock)


def test_a_locked_bucket_is_described_as_one(bucket: S3Store) -> None:
    bucket.check_ready()
    facts = bucket.describe()
    assert (facts.url, facts.locks, facts.versioning) == (f"s3://{BUCKET}", True, True)


def test_the_same_bytes_later_are_locked_for_longer(bucket: S3Store, key: str, lock: Lock) -> None:
    put_same(bucket, key, DATA, **SEALED, lock=lock)
    longer = Lock(lock.mode, lock.until + timedelta(days=30))
    assert put_same(bucket, key, DATA, **SEALED, lock=longer).retain_until == longer.until
    assert put_same(bucket, key, DATA, **SEALED, lock=lock).retain_until == longer.until  # never shorter again
    assert len(list(bucket.versions(key))) == 1


def test_extending_never_shortens(bucket: S3Store, key: str, lock: Lock) -> None:
    longer = Lock(lock.mode, lock.until + timedelta(days=30))
    bucket.put(key, DATA, **SEALED, lock=longer)
    assert bucket.extend(key, lock).retain_until == longer.until
    with pytest.raises(NotThere):
        bucket.extend(key + "-missing", lock)


def test_a_stricter_mode_lengthens_where_the_server_does_not_change_it(bucket: S3Store, key: str, lock: Lock) -> None:
    bucket.put(key, DATA, **SEALED, lock=lock)
    custody = bucket.extend(key, Lock(LockMode.COMPLIANCE, lock.until + timedelta(days=2)))
    assert (custody.lock_mode, custody.retain_until) == (LockMode.GOVERNANCE, lock.until + timedelta(days=2))


def test_what_the_server_keeps_otherwise_is_an_error(key: str, lock: Lock, access: S3Access) -> None:
    """A server that takes the lock headers and forgets them, as some do."""
    client = make_client(access)
    with Stubber(client) as stub:
        stub.add_response("put_object", {"VersionId": "v1"}, None)
        head = {"ContentLength": 6, "VersionId": "v1", "ChecksumSHA256": Digest.of(DATA).base64}
        stub.add_response("head_object", head, {"Bucket": BUCKET, "Key": key, "ChecksumMode": ANY, "VersionId": "v1"})
        with pytest.raises(NotLocked, match=r"expected lock GOVERNANCE until .* found none.*vault\.trial"):
            S3Store(client, BUCKET).put(key, DATA, **SEALED, lock=lock)


@pytest.mark.parametrize(
    "change", [{"ChecksumSHA256": Digest.of(b"x").base64}, {"ContentLength": 5}, {"VersionId": "2"}]
)
def test_a_readback_that_differs_is_an_error(key: str, change: dict[str, Any], access: S3Access) -> None:
    client = make_client(access)
    head = {"ContentLength": 6, "VersionId": "1", "ChecksumSHA256": Digest.of(DATA).base64} | change
    with Stubber(client) as stub:
        stub.add_response("put_object", {"VersionId": "1"}, None)
        stub.add_response("head_object", head, None)
        with pytest.raises(WrongCustody):
            S3Store(client, BUCKET).put(key, DATA, **SEALED, lock=None)


def test_a_conflict_is_tried_again_a_bounded_number_of_times(
    key: str, access: S3Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(s3.time, "sleep", pauses.append)
    client = make_client(access)
    with Stubber(client) as stub:
        for _ in range(s3.CONFLICT_ATTEMPTS):
            stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        with pytest.raises(Contended):
            S3Store(client, BUCKET).put(key, DATA, **SEALED, lock=None)
        stub.assert_no_pending_responses()
    assert len(pauses) == s3.CONFLICT_ATTEMPTS


def test_a_lost_reply_is_settled_by_what_stands_there(
    bucket: S3Store, key: str, lock: Lock, monkeypatch: pytest.MonkeyPatch, access: S3Access
) -> None:
    client = make_client(access)
    really = client.put_object

    def put_and_lose(**request: Any) -> None:
        really(**request)
        raise ConnectionClosedError(endpoint_url="the store")

    monkeypatch.setattr(client, "put_object", put_and_lose)
    custody = S3Store(client, BUCKET).put(key, DATA, **SEALED, lock=lock)
    assert (custody.retain_until, len(list(bucket.versions(key)))) == (lock.until, 1)


def test_a_request_that_never_arrived_stays_unknown(
    key: str, monkeypatch: pytest.MonkeyPatch, access: S3Access
) -> None:
    client = make_client(access)

    def lose(**_: Any) -> None:
        raise ConnectionClosedError(endpoint_url="the store")

    monkeypatch.setattr(client, "put_object", lose)
    with pytest.raises(StoreUnavailable):
        S3Store(client, BUCKET).put(key, DATA, **SEALED, lock=None)


def test_a_lost_reply_over_other_bytes_is_a_lost_race(
    bucket: S3Store, key: str, lock: Lock, monkeypatch: pytest.MonkeyPatch, access: S3Access
) -> None:
    client = make_client(access)

    def somebody_else(**_: Any) -> None:
        bucket.put(key, b"theirs", digest=Digest.of(b"theirs"), size=6, media_type="text/plain", lock=lock)
        raise ConnectionClosedError(endpoint_url="the store")

    monkeypatch.setattr(client, "put_object", somebody_else)
    with pytest.raises(AlreadyThere):
        S3Store(client, BUCKET).put(key, DATA, **SEALED, lock=lock)


def test_bytes_changed_behind_the_lock_do_not_pass_as_the_same(
    bucket: S3Store, s3_place: Place, lock: Lock, object_store: ObjectStore
) -> None:
    from evidence_schema.layout import Layout
    from flows.vault.blobs import Blobs

    layout = Layout(s3_place.settings.log)
    blobs = Blobs(bucket, layout)
    stored = blobs.put_bytes(DATA, media_type="text/plain", lock=lock)
    tamper_one_byte(object_store, BUCKET, layout.blob(stored.digest), stored.custody.version_id)
    with pytest.raises(WrongBytes):
        blobs.read(stored.digest, limit=100)
    with pytest.raises(WrongBytes):
        list(blobs.stream(stored.digest))


def test_an_object_larger_than_one_put_is_refused_before_it_is_sent(bucket: S3Store, key: str) -> None:
    class Large:
        def tell(self) -> int:
            return 0

        def seek(self, *_: int) -> int:
            return MAX_PUT_BYTES + 1

    with pytest.raises(TooLarge, match="split"):
        bucket.put(key, Large(), digest=SEALED["digest"], size=MAX_PUT_BYTES + 1, media_type="x/y", lock=None)  # type: ignore[arg-type]


def test_wrong_keys_are_denied_and_not_shown(access: S3Access, key: str) -> None:
    for keys in (StoreCredentials("nobody", "hush-hush"), StoreCredentials(access.credentials.access_key, "hush-hush")):
        store = S3Store(make_client(S3Access(access.endpoint, access.region, credentials=keys)), BUCKET)
        with pytest.raises(StoreDenied) as caught:
            store.read(key, limit=1)
        assert "hush" not in f"{caught.value} {keys!r}"


def test_a_role_without_rights_is_denied_not_empty(object_store: ObjectStore, client: S3Client) -> None:
    object_store.client().create_bucket(Bucket="somebody-elses")
    with pytest.raises(StoreDenied):
        list(S3Store(client, "somebody-elses").versions("v1/log/"))


def test_a_missing_bucket_is_named(object_store: ObjectStore) -> None:
    with pytest.raises(StoreRefused, match=r"no-such-bucket.*does not exist"):
        S3Store(object_store.client(), "no-such-bucket").check_ready()


def test_a_server_that_does_not_answer_is_unavailable(access: S3Access) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
    client = make_client(S3Access(endpoint, access.region, credentials=access.credentials))
    client.meta.events.register("needs-retry.s3", lambda **_: None)
    with pytest.raises(StoreUnavailable):
        S3Store(client, BUCKET).check_ready()


def test_without_credentials_the_message_says_so(access: S3Access, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(StoreDenied, match="credentials"):
        S3Store(make_client(S3Access(access.endpoint, access.region)), BUCKET).check_ready()
    with pytest.raises(StoreDenied, match="nobody"):
        make_client(S3Access(access.endpoint, access.region, profile="nobody"))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("PreconditionFailed", 412, AlreadyThere),
        ("", 412, AlreadyThere),
        ("404", 404, NotThere),
        ("ExpiredToken", 400, StoreDenied),
        ("Unheard", 403, StoreDenied),
        ("SlowDown", 503, StoreUnavailable),
        ("Unheard", 500, StoreUnavailable),
        ("Unheard", 400, StoreRefused),
    ],
)
def test_every_answer_has_its_word(code: str, status: int, kind: type[VaultError]) -> None:
    error = ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")  # type: ignore[typeddict-item]
    assert type(translated(error, "s3://bucket/key")) is kind


@pytest.mark.parametrize("url", ["s3://", "s3://a", "s3://bucket/prefix", "s3://Bucket", "https://bucket", "s3://../x"])
def test_only_a_bucket_is_a_vault(url: str) -> None:
    with pytest.raises(BadSettings):
        bucket_of(url)
    assert bucket_of("s3://evidence-vault/") == "evidence-vault"
