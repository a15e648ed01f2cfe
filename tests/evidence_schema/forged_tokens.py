"""Time-stamp replies that no honest authority makes: any time, any signer, any certificates, by `openssl cms`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from evidence_schema import der
from evidence_schema.digest import Digest
from flows.demo.timestamp_authority import Certified

SHA256 = bytes.fromhex("608648016503040201")
SHA512 = bytes.fromhex("608648016503040203")
POLICY = bytes.fromhex("2a0304")
GENERALIZED_TIME = 0x18
TOKEN_INFO = "1.2.840.113549.1.9.16.1.4"
NAMED = ("-cades",)
"""Name the signer's certificate in the signed attributes, as RFC 5816 asks."""


@dataclass(frozen=True)
class Info:
    """What a token says (TSTInfo, RFC 3161 section 2.4.2)."""

    digest: Digest
    time: str
    serial: int = 7
    nonce: int | None = None
    algorithm: bytes = SHA256

    @classmethod
    def at(cls, digest: Digest, moment: datetime, **more: int) -> Info:
        return cls(digest, moment.strftime("%Y%m%d%H%M%SZ"), **more)

    def encode(self) -> bytes:
        algorithm = der.encode(der.SEQUENCE, der.encode(der.OID, self.algorithm), der.encode(der.NULL))
        return der.encode(
            der.SEQUENCE,
            der.encode_integer(1),
            der.encode(der.OID, POLICY),
            der.encode(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, self.digest.raw)),
            der.encode_integer(self.serial),
            der.encode(GENERALIZED_TIME, self.time.encode()),
            b"" if self.nonce is None else der.encode_integer(self.nonce),
        )


def forged(folder: Path, info: Info, signer: Certified, *more: bytes, flags: tuple[str, ...] = NAMED) -> bytes:
    """A granted reply over `info`, signed by `signer`; `more` are certificates (PEM) that go with it."""
    (folder / "info").write_bytes(info.encode())
    (folder / "signer.pem").write_bytes(signer.pem)
    (folder / "signer.key").write_bytes(signer.key_pem)
    (folder / "more.pem").write_bytes(b"".join(more))
    command = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", TOKEN_INFO, "-md", "sha256"]
    command += ["-in", "info", "-signer", "signer.pem", "-inkey", "signer.key", "-outform", "DER", *flags]
    if more:
        command += ["-certfile", "more.pem"]
    token = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    return reply_of(token)


def reply_of(token: bytes) -> bytes:
    """A granted reply that holds this token."""
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, der.encode_integer(0)), token)


def openssl_accepts(folder: Path, reply: bytes, data: bytes, root_pem: bytes, *options: str) -> bool:
    """Whether `openssl ts -verify` believes the same reply about the same bytes."""
    (folder / "judged.tsr").write_bytes(reply)
    (folder / "judged").write_bytes(data)
    (folder / "judged.pem").write_bytes(root_pem)
    command = ["openssl", "ts", "-verify", "-in", "judged.tsr", "-data", "judged", "-CAfile", "judged.pem", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
