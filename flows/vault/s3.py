"""The vault in an S3 bucket with Object Lock. The only door to boto3 for evidence that we keep.

Every object is written once (`If-None-Match: *`), its SHA-256 checked by the server, its lock set by the put itself,
and all of it read back before anybody relies on it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from random import uniform
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import (
    ConnectionError as NoConnectionError,
)

from evidence_schema.digest import Digest
from evidence_schema.encoding import from_base64
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.names import LockMode
from evidence_schema.models.receipt import Custody
from evidence_schema.reader import StoredVersion, first_versions
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
from flows.vault.settings import StoreCredentials
from flows.vault.store import Head, Source, StoreFacts, check_key, check_prefix, check_size

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_PUT_BYTES = 5 * 1024**3
"""What S3 takes in one put. Larger artifacts are split by who gathers them, or named by version and left in place."""

CONFLICT_ATTEMPTS = 6
_PIECE = 1024 * 1024
_LIST_A_KEY = 10
_BUCKET_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?")

_ERRORS: Mapping[str, tuple[type[VaultError], str]] = {
    "PreconditionFailed": (AlreadyThere, "the key is written already"),
    "ConditionalRequestConflict": (Contended, "another write to the key is under way; try again"),
    "OperationAborted": (Contended, "another write to the key is under way; try again"),
    "NoSuchKey": (NotThere, "nothing is there"),
    "NoSuchVersion": (NotThere, "nothing is there"),
    "404": (NotThere, "nothing is there"),
    "MethodNotAllowed": (NotThere, "only a delete marker is there"),
    "405": (NotThere, "only a delete marker is there"),
    "BadDigest": (WrongBytes, "the server received other bytes; was the file changed after it was digested?"),
    "XAmzContentChecksumMismatch": (WrongBytes, "the server received other bytes; was the file changed?"),
    "XAmzContentSHA256Mismatch": (WrongBytes, "the server received other bytes; was the file changed?"),
    "IncompleteBody": (WrongBytes, "the server received fewer bytes; was the file cut after it was measured?"),
    "EntityTooLarge": (TooLarge, "the store takes no object of this size"),
    "NoSuchBucket": (StoreRefused, "the bucket does not exist; create it with Object Lock, or correct vault.url"),
    "ObjectLockConfigurationNotFoundError": (NotLocked, "the bucket has no Object Lock"),
    "InvalidRequest": (StoreRefused, "the request does not fit the bucket; is Object Lock on?"),
    "AccessDenied": (StoreDenied, "the role lacks this permission; compare it with the vault's role in deployments/"),
    "403": (StoreDenied, "the role lacks this permission; compare it with the vault's role in deployments/"),
    "AllAccessDisabled": (StoreDenied, "the account is suspended"),
    "InvalidAccessKeyId": (StoreDenied, "the store does not know the access key"),
    "SignatureDoesNotMatch": (StoreDenied, "the secret key is another one"),
    "ExpiredToken": (StoreDenied, "the session has expired; sign in again"),
    "InvalidToken": (StoreDenied, "the session token is not valid; sign in again"),
    "RequestTimeTooSkewed": (StoreDenied, "this machine's clock is wrong; set it"),
    "SlowDown": (StoreUnavailable, "the store is overloaded; try again later"),
    "RequestTimeout": (StoreUnavailable, "the connection was too slow; try again"),
    "InternalError": (StoreUnavailable, "the store failed; try again later"),
    "ServiceUnavailable": (StoreUnavailable, "the store is not available; try again later"),
}
_BY_STATUS: Mapping[int, str] = {
    403: "403",
    404: "404",
    405: "405",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
}


@dataclass(frozen=True, slots=True)
class S3Access:
    """How to reach S3. Without credentials those of the profile or environment are used."""

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    credentials: StoreCredentials | None = field(default=None, repr=False)


def open_s3(url: str, access: S3Access = S3Access(), *, trial: bool = False) -> S3Store:
    """The store of `s3://bucket`. Asks nothing yet; see `check_ready`."""
    return S3Store(make_client(access), bucket_of(url), trial=trial)


def bucket_of(url: str) -> str:
    """The bucket's name; raises BadSettings for anything but `s3://bucket`."""
    match = _BUCKET_URL.fullmatch(url)
    if match is None:
        raise BadSettings(f"expected a vault url like s3://bucket, found {ascii(url)[:120]}; a bucket has one vault")
    return match[1]


def make_client(access: S3Access, *, hurried: bool = False) -> S3Client:
    """A client for a vault's bucket: few retries, and checksums only where we give them.

    `hurried`: for what a run can do without, and must not wait for.
    """
    keys = access.credentials
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 2 if hurried else 5},
        s3={"addressing_style": "path" if access.endpoint else "auto"},
        connect_timeout=3 if hurried else 10,
        read_timeout=10 if hurried else 60,
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with _asking("the store"):
        session = boto3.Session(
            aws_access_key_id=keys.access_key if keys else None,
            aws_secret_access_key=keys.secret_key if keys else None,
            aws_session_token=(keys.session_token or None) if keys else None,
            profile_name=access.profile,
            region_name=access.region,
        )
        return session.client("s3", endpoint_url=access.endpoint, config=config)


class S3Store:
    """A bucket as a store; satisfies `Store`. Safe to share between threads."""

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
        _compare(self._url(key), "lock", wanted, _lock_of(custody))
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
        with _asking(self._url(key)):
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
        return _in_order(self._pages(check_prefix(prefix)))

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
                with _asking(self._url(request["Key"])):
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
            _compare(where, "lock", lock, _lock_of(head.custody))
        return head.custody

    def _head(self, key: str, version: str) -> Head:
        with _asking(self._url(key)):
            answer = self._client.head_object(
                Bucket=self._bucket, Key=check_key(key), ChecksumMode="ENABLED", **_version(version)
            )
        custody = Custody(
            version_id=_plain(answer.get("VersionId", "")),
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
        with _asking(self._url(key)):
            return bytes(body.read(_PIECE))

    def _first(self, key: str) -> str | None:
        """The id of the first version that holds bytes; "" in a bucket without versions; None where there is none."""
        pages = _in_order(self._pages(check_key(key), size=_LIST_A_KEY))
        ours = takewhile(lambda version: version.key == key, pages)
        return next((version.version for version in first_versions(ours)), None)

    def _pages(self, prefix: str, size: int = 1000) -> Iterator[Mapping[str, Any]]:
        pages = iter(
            self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": size}
            )
        )
        while True:
            with _asking(self._url(prefix)):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _retain(self, key: str, version: str, lock: Lock) -> None:
        retention: dict[str, Any] = {"Mode": lock.mode.value, "RetainUntilDate": lock.until}
        request: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "Retention": retention, **_version(version)}
        with _asking(self._url(key)):
            self._client.put_object_retention(**request)

    def _keeps_locks(self) -> bool:
        return not self._trial or self.describe().locks

    def _ask_facts(self) -> StoreFacts:
        url = f"s3://{self._bucket}"
        with _asking(f"the versioning of {url}"):
            versioning = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled"
        try:
            with _asking(f"the Object Lock configuration of {url}"):
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


def _plain(version: str) -> str:
    """A bucket without versions calls its one version "null"."""
    return "" if version == "null" else version


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


def _in_order(pages: Iterator[Mapping[str, Any]]) -> Iterator[StoredVersion]:
    """Key order, oldest first. A key's versions may go on into the next page, so the last key waits for it."""
    waiting: list[tuple[datetime, StoredVersion]] = []
    for page in pages:
        waiting += sorted(_items(page), key=lambda item: item[1].key)
        last = waiting[-1][1].key if waiting else ""
        yield from _oldest_first([item for item in waiting if item[1].key != last])
        waiting = [item for item in waiting if item[1].key == last]
    yield from _oldest_first(waiting)


def _items(page: Mapping[str, Any]) -> Iterator[tuple[datetime, StoredVersion]]:
    for found in page.get("Versions") or ():
        yield found["LastModified"], _stored(found, size=found["Size"], deleted=False)
    for found in page.get("DeleteMarkers") or ():
        yield found["LastModified"], _stored(found, size=0, deleted=True)


def _stored(found: Mapping[str, Any], *, size: int, deleted: bool) -> StoredVersion:
    version = _plain(found["VersionId"])
    return StoredVersion(found["Key"], version, size, deleted, found["IsLatest"], found["LastModified"])


def _oldest_first(items: list[tuple[datetime, StoredVersion]]) -> Iterator[StoredVersion]:
    """S3 gives whole seconds: within one, the list's own order (newest first) decides, and a marker comes last."""
    turned = reversed(items)
    order = sorted(turned, key=lambda item: (item[1].key, item[0], item[1].latest, item[1].deleted))
    return (version for _, version in order)


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """The errors of boto3 in our words."""
    try:
        yield
    except ClientError as error:
        raise _translated(error, what) from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise StoreDenied(f"expected credentials for {what}, found none ({error}); set a profile or keys") from error
    except (NoConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise StoreUnavailable(
            f"expected an answer about {what}, found {type(error).__name__}; check vault.endpoint and the network, "
            "then try again"
        ) from error
    except BotoCoreError as error:
        raise StoreRefused(f"expected to ask about {what}, found: {error}") from error


asking = _asking
"""For the other rooms of the vault that talk to S3."""


def _translated(error: ClientError, what: str) -> VaultError:
    """By code; where the code is not known, by status."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    known = _ERRORS.get(code) or _ERRORS.get(_BY_STATUS.get(status, ""))
    if known is not None:
        kind, hint = known
        return kind(f"{what}: {hint} (the store answered {code or status})")
    if status >= 500 or status == 429:
        return StoreUnavailable(f"{what}: the store failed with {code or status}; try again later")
    return StoreRefused(f"{what}: the store refuses with {code or status}")
