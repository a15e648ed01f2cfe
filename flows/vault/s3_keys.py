"""Wrapped data keys in an S3 bucket of their own, which must keep nothing that was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.vault.errors import KeysKept, NotLocked, NotThere
from flows.vault.key_places import MAX_WRAPPED, PREFIX, checked_name
from flows.vault.s3_client import asking

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class KeyBucket:
    """A bucket without versions and without Object Lock; satisfies `KeyPlace`. Safe to share between threads."""

    def __init__(self, client: S3Client, bucket: str, *, trial: bool = False) -> None:
        self._client = client
        self._bucket = bucket
        self._trial = trial

    def put(self, name: str, data: bytes) -> None:
        with asking(self._url(name)):
            self._client.put_object(Bucket=self._bucket, Key=PREFIX + checked_name(name), Body=data)

    def read(self, name: str) -> bytes:
        with asking(self._url(name)):
            answer = self._client.get_object(Bucket=self._bucket, Key=PREFIX + checked_name(name))
            return answer["Body"].read(MAX_WRAPPED)

    def destroy(self, name: str) -> bool:
        there = self._stands(name)
        with asking(self._url(name)):
            self._client.delete_object(Bucket=self._bucket, Key=PREFIX + checked_name(name))
        if self._stands(name) or self._versions(name):
            raise KeysKept(
                f"expected {self._url(name)} to be gone after it was deleted, found it or a version of it: the bucket "
                "keeps what is deleted; delete every version, and use a bucket that never had versioning"
            )
        return there

    def names(self) -> Iterator[str]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX))
        while True:
            with asking(self._url("")):
                page = next(pages, None)
            if page is None:
                return
            found = (item["Key"].removeprefix(PREFIX) for item in page.get("Contents") or ())
            yield from (name for name in found if len(name) == 64)

    def check_ready(self) -> None:
        url = f"s3://{self._bucket}"
        with asking(f"the versioning of {url}"):
            versioning = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status", "")
        if versioning and not self._trial:
            raise KeysKept(
                f"expected a bucket for data keys that never had versioning, found {url} with versioning {versioning}: "
                "a key deleted there could be had again, and nothing could be erased. Create another bucket"
            )
        if self._locks():
            raise KeysKept(f"expected a bucket for data keys without Object Lock, found {url} with it; create another")

    def describe(self) -> str:
        return f"s3://{self._bucket}"

    def _locks(self) -> bool:
        try:
            with asking(f"the Object Lock configuration of s3://{self._bucket}"):
                answer = self._client.get_object_lock_configuration(Bucket=self._bucket)
        except (NotLocked, NotThere):
            return False
        return (answer.get("ObjectLockConfiguration") or {}).get("ObjectLockEnabled") == "Enabled"

    def _stands(self, name: str) -> bool:
        try:
            with asking(self._url(name)):
                self._client.head_object(Bucket=self._bucket, Key=PREFIX + checked_name(name))
        except NotThere:
            return False
        return True

    def _versions(self, name: str) -> bool:
        key = PREFIX + name
        with asking(self._url(name)):
            page = self._client.list_object_versions(Bucket=self._bucket, Prefix=key, MaxKeys=2)
        return bool(page.get("Versions") or page.get("DeleteMarkers"))

    def _url(self, name: str) -> str:
        return f"s3://{self._bucket}/{PREFIX}{name}"
