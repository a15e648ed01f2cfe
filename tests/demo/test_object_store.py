"""The S3 server enforces what the vault relies on, and its back door does what a rogue administrator does."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from flows.children import Children
from flows.demo.errors import DemoError
from flows.demo.object_store import ObjectStore, find_weed, tamper_one_byte
from flows.demo.world import VAULT_BUCKET as BUCKET


def writer_of(store: ObjectStore) -> Any:
    return store.client(store.writer)


def put(store: ObjectStore, key: str, body: bytes, mode: Any = "COMPLIANCE", **more: Any) -> str:
    """As the vault does it: by the writer, locked, with its SHA-256, only if the key is new."""
    answer = writer_of(store).put_object(
        Bucket=BUCKET,
        Key=key,
        Body=body,
        ObjectLockMode=mode,
        ObjectLockRetainUntilDate=datetime.now(UTC) + timedelta(hours=1),
        IfNoneMatch="*",
        **{"ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(), **more},
    )
    return answer["VersionId"]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def key() -> str:
    return f"v1/{uuid4()}/blob/with space & ünicode.json"


def test_the_writer_can_put_a_locked_object_and_read_its_lock_back(object_store: ObjectStore, key: str) -> None:
    version = put(object_store, key, b"evidence")
    head = writer_of(object_store).head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    assert (head["VersionId"], head["ObjectLockMode"]) == (version, "COMPLIANCE")
    assert head["ObjectLockRetainUntilDate"] > datetime.now(UTC)
    assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"evidence").digest()).decode()


@pytest.mark.parametrize("bypass", [False, True])
def test_a_locked_version_cannot_be_deleted_even_by_the_administrator(
    object_store: ObjectStore, key: str, bypass: bool
) -> None:
    version = put(object_store, key, b"evidence")
    with pytest.raises(ClientError) as error:
        object_store.client().delete_object(Bucket=BUCKET, Key=key, VersionId=version, BypassGovernanceRetention=bypass)
    assert code_of(error) == ("AccessDenied", 403)
    assert object_store.client().get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"evidence"


def test_wrong_sha256_is_refused_and_nothing_is_stored(object_store: ObjectStore, key: str) -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(ClientError) as error:
        put(object_store, key, b"evidence", ChecksumSHA256=wrong)
    assert code_of(error)[1] == 400
    with pytest.raises(ClientError, match="404"):
        object_store.client().head_object(Bucket=BUCKET, Key=key)


def test_a_second_put_of_a_key_is_refused_with_412(object_store: ObjectStore, key: str) -> None:
    put(object_store, key, b"first")
    with pytest.raises(ClientError) as error:
        put(object_store, key, b"second")
    assert code_of(error) == ("PreconditionFailed", 412)


def test_the_writer_may_not_touch_another_bucket_and_a_stranger_nothing(object_store: ObjectStore) -> None:
    other = f"other-{uuid4().hex[:8]}"
    object_store.create_bucket(other)
    with pytest.raises(ClientError) as error:
        writer_of(object_store).put_object(Bucket=other, Key="k", Body=b"x")
    assert code_of(error) == ("AccessDenied", 403)


@pytest.mark.parametrize("size", [1, 240, 9_000_000])
def test_tampering_changes_one_byte_of_what_s3_returns_and_the_lock_still_stands(
    object_store: ObjectStore, key: str, size: int
) -> None:
    body = os.urandom(size)
    version = put(object_store, key, body, Metadata={"kind": "aws.iam.users"})
    before = object_store.client().head_object(Bucket=BUCKET, Key=key)

    done = tamper_one_byte(object_store, BUCKET, key)

    for which in ({}, {"VersionId": version}):
        got = object_store.client().get_object(Bucket=BUCKET, Key=key, **which)
        read = got["Body"].read()
        assert [i for i in range(size) if read[i] != body[i]] == [done.offset]
        assert len(read) == size
        assert (body[done.offset], read[done.offset]) == (done.before, done.after)
        kept = ("VersionId", "ObjectLockMode", "ObjectLockRetainUntilDate", "ContentLength", "ContentType")
        assert {name: got[name] for name in kept} == {name: before[name] for name in kept}  # type: ignore[literal-required]
    versions = object_store.client().list_object_versions(Bucket=BUCKET, Prefix=key)
    assert [v["VersionId"] for v in versions["Versions"]] == [version]
    assert "DeleteMarkers" not in versions
    with pytest.raises(ClientError, match="AccessDenied"):
        object_store.client().delete_object(Bucket=BUCKET, Key=key, VersionId=version)


def test_an_empty_object_cannot_be_tampered_with(object_store: ObjectStore, key: str) -> None:
    put(object_store, key, b"")
    with pytest.raises(DemoError, match="is empty"):
        tamper_one_byte(object_store, BUCKET, key)


def test_it_listens_on_loopback_only_and_leaves_no_socket_file(tmp_path: Path) -> None:
    with Children() as children:
        store = ObjectStore(children, tmp_path, (BUCKET,))
        store.wait_ready()
        mine = [path for path in store._sockets() if path.exists()]
        assert mine
        table = Path("/proc/net/tcp")
        if table.exists():
            listening = {tuple(line.split()[1].split(":")) for line in table.read_text().splitlines()[1:]}
            hexed = {f"{port:04X}" for port in store._ports.values()}
            assert {address for address, port in listening if port in hexed} == {"0100007F"}
        store._server._signal(9)  # type: ignore[arg-type]
    assert not any(path.exists() for path in mine)


def test_the_program_comes_from_the_wheel() -> None:
    assert find_weed().name == "weed"
    assert os.access(find_weed(), os.X_OK)
