"""Does a bucket keep what it is told to keep? One real object is locked for some minutes, and must not let itself go.

A configuration only says that a lock was switched on. What stands here is what the store does: it takes a locked,
conditional, checksummed put, tells the same lock when it is asked again, refuses a second put and refuses to delete
the version. The object lies beside the vault's keys, where no log counts it, and stays: whatever could remove it within
the lock would show that there is none.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from evidence_schema.digest import Digest
from evidence_schema.models.names import LockMode
from flows.vault.errors import AlreadyThere, NotLocked, StoreDenied, VaultError
from flows.vault.locks import Lock
from flows.vault.s3_client import S3Access, asking, bucket_of, make_client
from flows.vault.settings import StoreCredentials, VaultSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "probe/"
KEPT_FOR = timedelta(minutes=10)
_LOCK_WORDS = ("object lock", "worm", "retention")


@dataclass(frozen=True, slots=True)
class LockProof:
    """What the store did with the probe; `by_lock` where its refusal to delete names the lock as the reason."""

    key: str
    version_id: str
    lock: Lock
    by_lock: bool


def open_and_prove(settings: VaultSettings, credentials: StoreCredentials | None, now: datetime) -> LockProof:
    """`prove_lock` on the bucket that the settings name."""
    access = S3Access(settings.endpoint, settings.region, settings.profile, credentials)
    return prove_lock(make_client(access), bucket_of(settings.url), now)


def prove_lock(client: S3Client, bucket: str, now: datetime) -> LockProof:
    """Five calls. Raises NotLocked for a bucket that drops, changes or does not enforce a lock or a condition.

    Raises StoreDenied where the role may not put below `probe/`. AWS: PutObject, HeadObject, DeleteObject.
    """
    key, data = PREFIX + secrets.token_hex(16), b"locked for some minutes, to see whether it is\n"
    where, lock = f"s3://{bucket}/{key}", Lock(LockMode.GOVERNANCE, now + KEPT_FOR)
    version = _put(client, bucket, key, data, lock)
    if not version:
        raise NotLocked(f"expected a version id for {where}, found none; turn versioning on")
    _check_kept(client, bucket, key, version, data, lock)
    try:
        _put(client, bucket, key, b"something else\n", lock)
    except AlreadyThere:
        pass
    else:
        raise NotLocked(
            f"expected a second put of {where} to be refused by If-None-Match, found it done; use a store that "
            "honours conditional writes"
        )
    return LockProof(key, version, lock, _refuses_to_delete(client, bucket, key, version))


def _put(client: S3Client, bucket: str, key: str, data: bytes, lock: Lock) -> str:
    with asking(f"s3://{bucket}/{key}"):
        answer = client.put_object(
            Bucket=bucket,
            Key=key,
            Body=data,
            ChecksumSHA256=Digest.of(data).base64,
            IfNoneMatch="*",
            ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=lock.until,
        )
    return answer.get("VersionId", "")


def _check_kept(client: S3Client, bucket: str, key: str, version: str, data: bytes, lock: Lock) -> None:
    with asking(f"s3://{bucket}/{key}"):
        found = client.head_object(Bucket=bucket, Key=key, VersionId=version, ChecksumMode="ENABLED")
    told = {
        "SHA-256": (Digest.of(data).base64, found.get("ChecksumSHA256")),
        "lock mode": ("GOVERNANCE", found.get("ObjectLockMode")),
        "date": (lock.until, found.get("ObjectLockRetainUntilDate")),
    }
    for what, (expected, kept) in told.items():
        if kept != expected:
            raise NotLocked(
                f"expected {what} {expected} for s3://{bucket}/{key} when asked again, found {kept or 'none'}: the "
                "store took the object and not what came with it; create a bucket with Object Lock"
            )


def _refuses_to_delete(client: S3Client, bucket: str, key: str, version: str) -> bool:
    """Whether it was the lock that refused; a role without the permission is refused either way."""
    try:
        with asking(f"s3://{bucket}/{key}"):
            client.delete_object(Bucket=bucket, Key=key, VersionId=version)
    except StoreDenied as refused:
        return _names_lock(refused)
    raise NotLocked(
        f"expected version {version} of s3://{bucket}/{key}, locked for {KEPT_FOR}, not to be deleted, found it "
        "deleted: the store tells of a lock and does not keep it; no evidence is safe there"
    )


def _names_lock(refused: VaultError) -> bool:
    reason = str(refused.__cause__).lower()
    return any(word in reason for word in _LOCK_WORDS)
