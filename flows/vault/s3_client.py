"""A client of S3, and its errors in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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

from flows.vault.aws_client import make_aws_client
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
)
from flows.vault.settings import StoreCredentials

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 2 if hurried else 5},
        s3={"addressing_style": "path" if access.endpoint else "auto"},
        connect_timeout=3 if hurried else 10,
        read_timeout=10 if hurried else 60,
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with asking("the store"):
        client: S3Client = make_aws_client(
            "s3",
            config,
            region=access.region,
            endpoint=access.endpoint,
            profile=access.profile,
            credentials=access.credentials,
        )
    return client


@contextmanager
def asking(what: str) -> Iterator[None]:
    """The errors of boto3 in our words."""
    try:
        yield
    except ClientError as error:
        raise translated(error, what) from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise StoreDenied(f"expected credentials for {what}, found none ({error}); set a profile or keys") from error
    except (NoConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise StoreUnavailable(
            f"expected an answer about {what}, found {type(error).__name__}; check vault.endpoint and the network, "
            "then try again"
        ) from error
    except BotoCoreError as error:
        raise StoreRefused(f"expected to ask about {what}, found: {error}") from error


def translated(error: ClientError, what: str) -> VaultError:
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
