"""An anchor in an S3 bucket of another account, by a role that may do nothing there but put what does not exist."""

from __future__ import annotations

import time
from random import uniform
from typing import TYPE_CHECKING

from evidence_schema.digest import Digest
from flows.vault.errors import Contended
from flows.vault.s3_client import asking
from flows.vault.store import check_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ATTEMPTS = 3


class AnchorBucket:
    """A bucket that is only written to; satisfies `AnchorPlace`. Its own default retention locks what is put."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, data: bytes) -> None:
        """One `PutObject` with `If-None-Match: *`; the server checks the SHA-256. Nothing is read back."""
        where = f"s3://{self._bucket}/{check_key(key)}"
        for attempt in range(_ATTEMPTS):
            try:
                with asking(where):
                    self._client.put_object(
                        Bucket=self._bucket,
                        Key=key,
                        Body=data,
                        ContentType="application/octet-stream",
                        ChecksumSHA256=Digest.of(data).base64,
                        IfNoneMatch="*",
                    )
            except Contended:
                time.sleep(uniform(0.01, 0.05) * 2**attempt)  # noqa: S311 (not a secret)
            else:
                return
        raise Contended(f"expected to write {where}, found {_ATTEMPTS} conflicts; the next writer tries again")
