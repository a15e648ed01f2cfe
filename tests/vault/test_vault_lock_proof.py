"""A lock is proven by what the store does: on a real S3 server, and on one that says yes and forgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from conftest import BUCKET, PLAIN_BUCKET, Place
from forgetful import Manner, forgetful_store
from vault_samples import Clock, opening

from evidence_schema.models.names import LockMode
from evidence_schema.models.receipt import Custody
from flows.demo.object_store import ObjectStore
from flows.vault.errors import NotLocked, StoreDenied, StoreRefused
from flows.vault.keys import LocalKey
from flows.vault.lock_probe import KEPT_FOR, prove_lock
from flows.vault.locks import Lock
from flows.vault.s3 import S3Store
from flows.vault.s3_client import S3Access, make_client
from flows.vault.settings import StoreCredentials
from flows.vault.vault import open_vault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.sealing

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(params=["drops", "pretends"])
def manner(request: pytest.FixtureRequest) -> Manner:
    found: Manner = request.param
    return found


@pytest.fixture
def forgetful(object_store: ObjectStore, manner: Manner) -> Iterator[str]:
    with forgetful_store(object_store, manner) as address:
        yield address


def now() -> datetime:
    return datetime.now(UTC)


def test_a_real_lock_is_proven_and_its_object_stays(client: S3Client, admin: S3Client) -> None:
    """The writer of this server may delete objects: it is the lock that refuses."""
    began = now()
    proof = prove_lock(client, BUCKET, began)
    found = admin.head_object(Bucket=BUCKET, Key=proof.key, VersionId=proof.version_id)
    assert (found["ObjectLockMode"], found["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", proof.lock.until)
    assert proof.lock.until == (began + KEPT_FOR).replace(microsecond=0)
    assert not proof.key.startswith("v1/")  # no log counts it, no verifier stumbles over it
    with pytest.raises(ClientError, match="AccessDenied"):
        admin.delete_object(Bucket=BUCKET, Key=proof.key, VersionId=proof.version_id)


def test_a_bucket_without_object_lock_fails_the_proof(client: S3Client) -> None:
    with pytest.raises((NotLocked, StoreRefused)):
        prove_lock(client, PLAIN_BUCKET, now())


def test_a_store_that_forgets_the_lock_fails_the_proof(forgetful: str, access: S3Access, manner: Manner) -> None:
    client = make_client(replace(access, endpoint=forgetful))
    expected = "expected lock mode GOVERNANCE .* found none" if manner == "drops" else "found it deleted"
    with pytest.raises(NotLocked, match=expected):
        prove_lock(client, BUCKET, now())


def test_a_role_without_rights_is_told_apart_from_a_missing_lock(object_store: ObjectStore, access: S3Access) -> None:
    object_store.client().create_bucket(Bucket="not-the-writers", ObjectLockEnabledForBucket=True)
    with pytest.raises(StoreDenied):
        prove_lock(make_client(access), "not-the-writers", now())


@pytest.mark.parametrize("manner", ["drops"], indirect=True)
def test_nothing_is_opened_in_a_store_that_forgets_locks(
    forgetful: str, s3_place: Place, signer: LocalKey, clock: Clock
) -> None:
    """Its configuration says that it locks: what is put there, asked again, says that it does not."""
    settings = replace(s3_place.settings, endpoint=forgetful)
    vault = open_vault(settings, signer, credentials=s3_place.credentials, clock=clock)
    assert vault.store.describe().locks
    with pytest.raises(NotLocked, match=r"found none: the store took the object and not its lock.*vault\.trial"):
        vault.runs.open_or_join("monthly/2026-11", opening(1))
    with pytest.raises(NotLocked):
        vault.blobs.put_bytes(b"evidence", media_type="text/plain", lock=vault.lock())
    with pytest.raises(NotLocked):  # and once more, where the bytes stand already: extending is forgotten as well
        vault.blobs.put_bytes(b"evidence", media_type="text/plain", lock=vault.lock())


@pytest.mark.parametrize("manner", ["drops"], indirect=True)
def test_a_trial_goes_on_there_and_its_custody_says_that_nothing_is_locked(
    forgetful: str, s3_place: Place, signer: LocalKey, clock: Clock
) -> None:
    settings = replace(s3_place.settings, endpoint=forgetful, trial=True)
    vault = open_vault(settings, signer, credentials=s3_place.credentials, clock=clock)
    vault.runs.open_or_join("monthly/2026-11", opening(1))
    assert vault.runs.runs()[0].is_open
    custody = vault.blobs.put_bytes(b"evidence", media_type="text/plain", lock=vault.lock()).custody
    assert custody == Custody(version_id=custody.version_id, lock_mode=LockMode.NONE)
    assert custody.version_id


def test_a_lock_shorter_than_asked_for_is_no_lock(access: S3Access, s3_place: Place, lock: Lock) -> None:
    """As an emulator does that takes COMPLIANCE and keeps GOVERNANCE for a day."""
    from botocore.stub import Stubber

    from evidence_schema.digest import Digest

    data, asked = b"sealed", Lock(LockMode.COMPLIANCE, lock.until)
    for kept in ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": asked.until},
                 {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": NOW}):  # fmt: skip
        client = make_client(access)
        with Stubber(client) as stub:
            stub.add_response("put_object", {"VersionId": "v1"}, None)
            head = {"ContentLength": 6, "VersionId": "v1", "ChecksumSHA256": Digest.of(data).base64} | kept
            stub.add_response("head_object", head, None)
            with pytest.raises(NotLocked, match="expected lock COMPLIANCE until"):
                S3Store(client, BUCKET).put(
                    s3_place.root + "blob/one", data, digest=Digest.of(data), size=6, media_type="x/y", lock=asked
                )


def test_the_proof_is_no_secret(access: S3Access) -> None:
    keys = StoreCredentials("nobody", "hush-hush")
    with pytest.raises(StoreDenied) as caught:
        prove_lock(make_client(replace(access, credentials=keys)), BUCKET, now())
    assert "hush" not in str(caught.value)
