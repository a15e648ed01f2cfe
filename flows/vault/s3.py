"""The vault in an S3 bucket with Object Lock.

Every object is written once (`If-None-Match: *`), its SHA-256 checked by the server, its lock set by the put itself,
and all of it read back before anybody relies on it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from itertools import takewhile
from random import uniform
from typing import TYPE_CHECKING, Any

from evidence_schema.digest import Digest
from evidence_schema.encoding import from_base64
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.names import LockMode
from evidence_schema.models.receipt import Custody
from evidence_schema.reader import StoredVersion, first_versions
from flows.vault.errors import (
    AlreadyThere,
    Contended,
    NotLocked,
    NotThere,
    StoreDenied,
    StoreUnavailable,
    TooLarge,
    WrongCustody,
)
from flows.vault.locks import Lock
from flows.vault.s3_client import S3Access, asking, bucket_of, make_client
from flows.vault.s3_versions import in_order, plain
from flows.vault.store import Head, Source, StoreFacts, check_key, check_prefix, check_size

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_PUT_BYTES = 5 * 1024**3
"""What S3 takes in one put. Larger artifacts are split by who gathers them, or named by version and left in place."""

CONFLICT_ATTEMPTS = 6
_PIECE = 1024 * 1024
_LIST_A_KEY = 10


def open_s3(url: str, access: S3Access, *, trial: bool = False) -> S3Store:
    """The store of `s3://bucket`. Asks nothing yet; see `check_ready`."""
    return S3Store(make_client(access), bucket_of(url), trial=trial)


class S3Store:
    """A bucket as a store; satisfies `Store`. Safe to share between threads."""

    near = False

    def __init__(self, client: S3Client, bucket: str, *, trial: bool = False) -> None:
        self._client = client
        self._bucket = bucket
        self._trial = trial
        self._facts: StoreFacts | None = None

    def put(
        self, key: str, source: Source, *, digest: Digest, size: int, media_type: str, lock: Lock | None
    ) -> Custody:
        check_size(check_key(key), source, size)
        if size > MAX_PUT_BYTES:
            raise TooLarge(f"expected at most {MAX_PUT_BYTES} bytes for {key}, found {size}; split the artifact")
        kept = lock if self._keeps_locks() else None
        request = {
            "Key": key,
            "ContentLength": size,
            "ContentType": media_type,
            "ChecksumSHA256": digest.base64,
            "IfNoneMatch": "*",
            **_lock_headers(kept),
        }
        try:
            version = self._put(source, request)
        except StoreUnavailable as unknown:
            return self._settle(key, digest, size, kept, unknown)
        return self._read_back(key, version, digest, size, kept)

    def extend(self, key: str, lock: Lock) -> Custody:
        head = self.head(key)
        if head is None:
            raise NotThere(f"expected {self._url(key)}, found nothing")
        if not self._keeps_locks():
            return head.custody
        present = _lock_of(head.custody)
        wanted = lock.joined(present) if present else lock
        version = head.custody.version_id
        try:
            self._retain(key, version, wanted)
        except StoreDenied:
            # Some servers let nobody turn GOVERNANCE into COMPLIANCE; a longer date is still worth having.
            if present is None or present.mode is wanted.mode:
                raise
            wanted = Lock(present.mode, wanted.until)
            self._retain(key, version, wanted)
        custody = self._head(key, version).custody
        self._check_lock(self._url(key), wanted, custody)
        return custody

    def read(self, key: str, *, limit: int, version: str = "") -> bytes:
        data = bytearray()
        with closing(self.stream(key, version)) as pieces:
            for piece in pieces:  # to its end: only there does the client notice a reply that was cut short
                data += piece
                if len(data) > limit:
                    raise TooLarge(f"expected at most {limit} bytes under {self._url(key)}, found more")
        return bytes(data)

    def stream(self, key: str, version: str = "") -> Generator[bytes]:
        with asking(self._url(key)):
            body = self._get(key, version)
        try:
            while piece := self._read_piece(key, body):
                yield piece
        finally:
            body.close()

    def head(self, key: str) -> Head | None:
        version = self._first(key)
        return None if version is None else self._head(key, version)

    def keys(self, prefix: str) -> Iterator[str]:
        return (version.key for version in first_versions(self.versions(prefix)))

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """In flat memory, but for the versions of one key, which S3 gives newest first."""
        return in_order(self._pages(check_prefix(prefix)))

    def describe(self) -> StoreFacts:
        if self._facts is None:
            self._facts = self._ask_facts()
        return self._facts

    def check_ready(self) -> None:
        """Raise NotLocked for a bucket without Object Lock or versioning, unless this is a trial."""
        facts = self.describe()
        if self._trial or (facts.locks and facts.versioning):
            return
        missing = "Object Lock" if facts.versioning else "Object Lock and versioning"
        raise NotLocked(
            f"expected a bucket with Object Lock and versioning, found {facts.url} without {missing}: its objects can "
            "be changed. Create a bucket with Object Lock, or set vault.trial where nobody relies on the evidence"
        )

    def sweep(self) -> int:
        """Nothing: a put that was cut short leaves nothing behind."""
        return 0

    def _put(self, source: Source, request: Mapping[str, Any]) -> str:
        """The new version's id. A conflict says that another put is under way: wait for its end, a few times."""
        start = 0 if isinstance(source, bytes) else source.tell()
        for attempt in range(CONFLICT_ATTEMPTS):
            if not isinstance(source, bytes):
                source.seek(start)
            try:
                with asking(self._url(request["Key"])):
                    answer = self._client.put_object(Bucket=self._bucket, Body=source, **request)
                return answer.get("VersionId", "")
            except Contended:
                time.sleep(uniform(0.01, 0.05) * 2**attempt)  # noqa: S311 (not a secret)
        where = self._url(request["Key"])
        raise Contended(f"expected to write {where}, found {CONFLICT_ATTEMPTS} conflicts; try again later")

    def _settle(self, key: str, digest: Digest, size: int, lock: Lock | None, unknown: StoreUnavailable) -> Custody:
        """The reply was lost: what stands there says whether the put was done."""
        try:
            head = self.head(key)
        except StoreUnavailable:
            raise unknown from None
        if head is None:
            raise unknown
        if (head.size, head.checksum) != (size, digest):
            raise AlreadyThere(f"expected {self._url(key)} to be free, found other bytes") from unknown
        return self._read_back(key, head.custody.version_id, digest, size, lock)

    def _read_back(self, key: str, version: str, digest: Digest, size: int, lock: Lock | None) -> Custody:
        head = self._head(key, version)
        where = self._url(key)
        _compare(where, "size", size, head.size)
        _compare(where, "SHA-256", digest, head.checksum)
        _compare(where, "version", version, head.custody.version_id)
        if not version and not self._trial:
            raise WrongCustody(f"expected a version id for {where}, found none; turn versioning on")
        if lock is not None:
            self._check_lock(where, lock, head.custody)
        return head.custody

    def _check_lock(self, where: str, asked: Lock, custody: Custody) -> None:
        """Raise NotLocked where the store took the put and keeps another lock, or none; a trial's custody says so."""
        found = _lock_of(custody)
        if found == asked or self._trial:
            return
        raise NotLocked(
            f"expected lock {asked} for {where} when asked again, found {found or 'none'}: the store took the object "
            "and not its lock. Use a store that keeps Object Lock (`evidence doctor` proves it with an object of its "
            "own), or set vault.trial where nobody relies on the evidence"
        )

    def _head(self, key: str, version: str) -> Head:
        with asking(self._url(key)):
            answer = self._client.head_object(
                Bucket=self._bucket, Key=check_key(key), ChecksumMode="ENABLED", **_version(version)
            )
        custody = Custody(
            version_id=plain(answer.get("VersionId", "")),
            lock_mode=LockMode(answer.get("ObjectLockMode", LockMode.NONE)),
            retain_until=answer.get("ObjectLockRetainUntilDate"),
        )
        return Head(answer["ContentLength"], _checksum(answer.get("ChecksumSHA256")), custody)

    def _get(self, key: str, version: str) -> Any:
        wanted = version or self._first(key)
        if wanted is None:
            raise NotThere(f"expected {self._url(key)}, found nothing")
        return self._client.get_object(Bucket=self._bucket, Key=check_key(key), **_version(wanted))["Body"]

    def _read_piece(self, key: str, body: Any) -> bytes:
        with asking(self._url(key)):
            return bytes(body.read(_PIECE))

    def _first(self, key: str) -> str | None:
        """The id of the first version that holds bytes; "" in a bucket without versions; None where there is none."""
        pages = in_order(self._pages(check_key(key), size=_LIST_A_KEY))
        ours = takewhile(lambda version: version.key == key, pages)
        return next((version.version for version in first_versions(ours)), None)

    def _pages(self, prefix: str, size: int = 1000) -> Iterator[Mapping[str, Any]]:
        pages = iter(
            self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": size}
            )
        )
        while True:
            with asking(self._url(prefix)):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _retain(self, key: str, version: str, lock: Lock) -> None:
        retention: dict[str, Any] = {"Mode": lock.mode.value, "RetainUntilDate": lock.until}
        request: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "Retention": retention, **_version(version)}
        with asking(self._url(key)):
            self._client.put_object_retention(**request)

    def _keeps_locks(self) -> bool:
        return not self._trial or self.describe().locks

    def _ask_facts(self) -> StoreFacts:
        url = f"s3://{self._bucket}"
        with asking(f"the versioning of {url}"):
            versioning = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled"
        try:
            with asking(f"the Object Lock configuration of {url}"):
                answer = self._client.get_object_lock_configuration(Bucket=self._bucket)
        except (NotLocked, NotThere):
            return StoreFacts(url, locks=False, versioning=versioning)
        found: Mapping[str, Any] = answer.get("ObjectLockConfiguration") or {}
        default = found.get("Rule", {}).get("DefaultRetention", {}).get("Mode", LockMode.NONE)
        return StoreFacts(url, found.get("ObjectLockEnabled") == "Enabled", versioning, LockMode(default))

    def _url(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


def _lock_headers(lock: Lock | None) -> dict[str, Any]:
    return {} if lock is None else {"ObjectLockMode": lock.mode.value, "ObjectLockRetainUntilDate": lock.until}


def _lock_of(custody: Custody) -> Lock | None:
    if custody.retain_until is None or custody.lock_mode is LockMode.NONE:
        return None
    return Lock(custody.lock_mode, custody.retain_until)


def _version(version: str) -> dict[str, Any]:
    return {"VersionId": version} if version else {}


def _checksum(text: str | None) -> Digest | None:
    """None also for the composite checksum of a multipart upload, which is no digest of the bytes."""
    try:
        return None if text is None else Digest(from_base64(text))
    except EvidenceSchemaError:
        return None


def _compare(where: str, what: str, expected: object, found: object) -> None:
    if expected != found:
        raise WrongCustody(
            f"expected {what} {expected} for {where} when asked again, found {found}; "
            "does the server honour Object Lock and checksums?"
        )
