"""AWS KMS: the door to it, and a key encryption key in it: `awskms:` and the ARN of a symmetric key.

This is the vault's own client. Collectors never call these operations: `kms:Decrypt` is on their never-call list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadWrapping
from evidence_schema.key_wrapping import BLIND_BYTES, DEK_BYTES, DataKey
from evidence_schema.models.encrypted import Context
from flows.vault.aws_client import make_aws_client
from flows.vault.errors import BadSettings, StoreDenied, StoreUnavailable, WrongKey
from flows.vault.key_encryption import WrappedKey
from flows.vault.settings import StoreCredentials

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_URI = re.compile(r"awskms:(arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:key/[\w-]+)")
_SECRET_BYTES = DEK_BYTES + BLIND_BYTES
_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}
_DENIED = {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"}
_GONE = {
    "NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException",
    "UnsupportedOperationException",
}  # fmt: skip
KEK_RIGHTS = "kms:GenerateDataKey and kms:Decrypt"


@dataclass(frozen=True, slots=True)
class KmsAccess:
    """How KMS is reached; without credentials those of the profile, without a profile the ambient ones."""

    endpoint: str | None = None
    profile: str | None = None
    credentials: StoreCredentials | None = None
    attempts: int = 5
    timeout_s: float = 30
    """For one answer."""


class KmsKek:
    """A key in KMS; satisfies `KeyEncryption`. What it wraps opens only with the context that it was wrapped in."""

    def __init__(self, client: KMSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    @property
    def epoch(self) -> str:
        return self._arn

    def new(self, context: Context) -> tuple[DataKey, WrappedKey]:
        with asking(self._arn):
            answer = self._client.generate_data_key(
                KeyId=self._arn, NumberOfBytes=_SECRET_BYTES, EncryptionContext=_context(context)
            )
        return _split(answer["Plaintext"]), self._wrapped(context, answer["CiphertextBlob"])

    def wrap(self, key: DataKey, context: Context) -> WrappedKey:
        with asking(self._arn):
            answer = self._client.encrypt(
                KeyId=self._arn, Plaintext=key.dek + key.blind, EncryptionContext=_context(context)
            )
        return self._wrapped(context, answer["CiphertextBlob"])

    def unwrap(self, wrapped: WrappedKey) -> DataKey:
        """The key that wrapped it may be an earlier one: KMS decrypts with that, where we still may."""
        with asking(wrapped.epoch):
            answer = self._client.decrypt(
                KeyId=wrapped.epoch, CiphertextBlob=wrapped.bytes, EncryptionContext=_context(wrapped.context)
            )
        return _split(answer["Plaintext"])

    def _wrapped(self, context: Context, blob: bytes) -> WrappedKey:
        return WrappedKey(context=context, epoch=self._arn, wrapped=to_base64(blob))


def open_kms(
    uri: str, *, endpoint: str | None = None, profile: str | None = None, credentials: StoreCredentials | None = None
) -> KmsKek:
    """The key that `awskms:ARN` names, in the region that its ARN names. Asks nothing yet."""
    return KmsKek(*kms_client(uri, KmsAccess(endpoint, profile, credentials)))


def kms_client(uri: str, access: KmsAccess) -> tuple[KMSClient, str]:
    """A client in the region of the key that `awskms:ARN` names, and the ARN. Asks nothing yet."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise BadSettings(f"expected awskms:arn:aws:kms:REGION:ACCOUNT:key/ID (no alias), found {ascii(uri)[:120]}")
    config = Config(
        retries={"mode": "standard", "total_max_attempts": access.attempts},
        connect_timeout=min(10, access.timeout_s),
        read_timeout=access.timeout_s,
    )
    with asking(match[1]):
        client: KMSClient = make_aws_client(
            "kms",
            config,
            region=match[2],
            endpoint=access.endpoint,
            profile=access.profile,
            credentials=access.credentials,
        )
    return client, match[1]


def _context(context: Context) -> Mapping[str, str]:
    return {"log": context.log, "run_id": context.run_id, "unit": context.part}


def _split(both: bytes) -> DataKey:
    if len(both) != _SECRET_BYTES:
        raise BadWrapping(f"expected {_SECRET_BYTES} bytes from KMS, found {len(both)}")
    return DataKey(both[:DEK_BYTES], both[DEK_BYTES:])


@contextmanager
def asking(arn: str, *, rights: str = KEK_RIGHTS, key: str = "a symmetric key") -> Iterator[None]:
    """The errors of boto3 in our words: what the role needs, and which sort of key was expected."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _NOT_OURS:
            raise BadWrapping(
                f"expected a data key wrapped by {arn} in this context, found another ({code})"
            ) from error
        if code in _DENIED:
            raise StoreDenied(f"expected to use {arn}, found {code}; the role needs {rights}") from error
        if code in _GONE:
            raise WrongKey(f"expected {key} that can be used at {arn}, found {code}") from error
        raise StoreUnavailable(f"expected an answer of KMS about {arn}, found {code}; try again later") from error
    except BotoCoreError as error:
        raise StoreUnavailable(
            f"expected an answer of KMS about {arn}, found: {error}; check region and network"
        ) from error
