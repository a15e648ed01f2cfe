"""Invents CloudTrail's digest files: two days of them, one whole, one with an hour missing and a log file that was
changed afterwards. Pure: same arguments, same bytes.

They are signed with an RSA key made from nothing but a fixed seed: anybody can make it again, and it protects nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any

from flows.demo.trail_log_files import LogFile

LOST_HOUR = 13
_EXPONENT = 65537
_BITS = 1024
# RFC 8017, section 9.2, note 1: what stands before a SHA-256 hash in a signature.
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True)
class DigestFile:
    """One file of the trail's bucket, with the signature that its metadata hold."""

    key: str
    body: bytes
    signature: str


@dataclass(frozen=True)
class SimulatedKey:
    """An RSA key of the emulated CloudTrail."""

    modulus: int
    private: int

    @property
    def public(self) -> bytes:
        """DER, PKCS #1: as ListPublicKeys gives it."""
        return _der(0x30, _der_integer(self.modulus) + _der_integer(_EXPONENT))

    @property
    def fingerprint(self) -> str:
        return hashlib.md5(self.public, usedforsecurity=False).hexdigest()

    def sign(self, message: bytes) -> bytes:
        size = self.modulus.bit_length() // 8
        info = _SHA256_INFO + hashlib.sha256(message).digest()
        padded = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
        return pow(int.from_bytes(padded), self.private, self.modulus).to_bytes(size)


@cache
def simulated_key() -> SimulatedKey:
    random = Random("SIMULATED CloudTrail key")
    first, second = _prime(random), _prime(random)
    return SimulatedKey(first * second, pow(_EXPONENT, -1, (first - 1) * (second - 1)))


def digest_files(
    account: str, region: str, trail: str, bucket: str, last: date, files: Sequence[LogFile]
) -> Iterator[DigestFile]:
    """The digests of the last day and the day before; `files` are log files of these days in this region."""
    chain = _Chain(account, region, trail, bucket)
    for day in (last - timedelta(days=1), last):
        for hour in range(24):
            start = datetime.combine(day, time(hour), UTC)
            named = [file for file in files if f"/{day:%Y/%m/%d}/" in file.key] if hour == 23 else []
            made = chain.add(start, named, wrong=day != last)
            if day == last or hour != LOST_HOUR:
                yield made


class _Chain:
    def __init__(self, account: str, region: str, trail: str, bucket: str) -> None:
        self._account, self._region, self._trail, self._bucket = account, region, trail, bucket
        self._before: dict[str, Any] = {"previousDigestS3Object": None, "previousDigestSignature": None}

    def add(self, start: datetime, files: Sequence[LogFile], *, wrong: bool) -> DigestFile:
        end = start + timedelta(hours=1)
        stamp = f"{end:%Y%m%dT%H%M%SZ}"
        name = f"{self._account}_CloudTrail-Digest_{self._region}_{self._trail}_{self._region}_{stamp}.json.gz"
        key = f"AWSLogs/{self._account}/CloudTrail-Digest/{self._region}/{end:%Y/%m/%d}/{name}"
        body = {
            "awsAccountId": self._account,
            "digestStartTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "digestEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "digestS3Bucket": self._bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": simulated_key().fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            **self._before,
            "logFiles": [self._entry(file, wrong=wrong) for file in files],
        }
        text = json.dumps(body).encode()
        before = self._before["previousDigestSignature"] or "null"
        place = f"{self._bucket}/{key}"
        message = "\n".join((str(body["digestEndTime"]), place, hashlib.sha256(text).hexdigest(), before))
        signature = simulated_key().sign(message.encode()).hex()
        self._before = {
            "previousDigestS3Bucket": self._bucket,
            "previousDigestS3Object": key,
            "previousDigestHashValue": hashlib.sha256(text).hexdigest(),
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": signature,
        }
        return DigestFile(key, gzip.compress(text, mtime=0), signature)

    def _entry(self, file: LogFile, *, wrong: bool) -> dict[str, str]:
        content = gzip.decompress(file.body) + (b"changed later" if wrong else b"")
        return {
            "s3Bucket": self._bucket,
            "s3Object": file.key,
            "hashValue": hashlib.sha256(content).hexdigest(),
            "hashAlgorithm": "SHA-256",
        }


def _prime(random: Random) -> int:
    while True:
        # Both highest bits set, so that the product has all its bits.
        candidate = random.getrandbits(_BITS // 2) | 1 | (3 << (_BITS // 2 - 2))
        if candidate % _EXPONENT != 1 and _is_prime(candidate, random):
            return candidate


def _is_prime(number: int, random: Random) -> bool:
    """Miller and Rabin's test."""
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(random.randrange(2, number - 1), odd, twos, number) for _ in range(16))


def _passes(base: int, odd: int, twos: int, number: int) -> bool:
    value = pow(base, odd, number)
    if value in (1, number - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % number
        if value == number - 1:
            return True
    return False


def _der_integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content
