"""A simulator of AWS KMS for signatures: its JSON protocol over HTTP with real keys, as botocore speaks it.

It is no KMS: nothing is authenticated. What can go wrong is set on a key (`fails`, `answers_with`, `delay_s`), so that
a client meets it on the wire.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_RAW_BYTES = 4096


@dataclass
class KmsKey:
    """A key, and what goes wrong with it."""

    arn: str
    private: Any = field(default_factory=Ed25519PrivateKey.generate)
    spec: str = "ECC_NIST_EDWARDS25519"
    usage: str = "SIGN_VERIFY"
    fails: dict[str, list[str]] = field(default_factory=dict)
    """Operation -> codes of its next answers; the last one stays."""
    answers_with: KmsKey | None = None
    delay_s: float = 0
    asked: list[str] = field(default_factory=list)
    signed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"awskms:{self.arn}"

    @property
    def public_key(self) -> bytes:
        if self.algorithm == "ED25519_SHA_512":
            return self.private.public_key().public_bytes_raw()
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def algorithm(self) -> str:
        """The only one that this sort of key signs by."""
        return "ED25519_SHA_512" if isinstance(self.private, Ed25519PrivateKey) else "ECDSA_SHA_256"

    def signature(self, message: bytes) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        return self.private.sign(message, ECDSA(SHA256()))

    def failing(self, operation: str) -> str | None:
        codes = self.fails.get(operation)
        if not codes:
            return None
        return codes.pop(0) if len(codes) > 1 else codes[0]


@dataclass
class SimulatedKms:
    """The service at `endpoint`."""

    endpoint: str
    keys: dict[str, KmsKey] = field(default_factory=dict)

    def new_key(self, **of_key: Any) -> KmsKey:
        arn = f"arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-{len(self.keys):012d}"
        self.keys[arn] = KmsKey(arn, **of_key)
        return self.keys[arn]

    def new_p256_key(self) -> KmsKey:
        return self.new_key(private=generate_private_key(SECP256R1()), spec="ECC_NIST_P256")

    def new_p384_key(self) -> KmsKey:
        return self.new_key(private=generate_private_key(SECP384R1()), spec="ECC_NIST_P384")

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any] | str:
        """What the operation gives; a text is the code of an error."""
        key = self.keys.get(asked["KeyId"])
        if key is None:
            return "NotFoundException"
        key.asked.append(operation)
        time.sleep(key.delay_s)
        if code := key.failing(operation):
            return code
        if operation == "GetPublicKey":
            spki = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            public = base64.b64encode(spki).decode()
            return {"KeyId": key.arn, "PublicKey": public, "KeySpec": key.spec, "KeyUsage": key.usage}
        if operation != "Sign":
            return "UnsupportedOperationException"
        return self._signature(key, asked)

    def _signature(self, key: KmsKey, asked: dict[str, Any]) -> dict[str, Any] | str:
        message = base64.b64decode(asked["Message"])
        if (asked["SigningAlgorithm"], asked["MessageType"]) != (key.algorithm, "RAW"):
            return "InvalidKeyUsageException"
        if len(message) > MAX_RAW_BYTES:
            return "ValidationException"
        key.signed.append(asked)
        signature = base64.b64encode((key.answers_with or key).signature(message)).decode()
        return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": asked["SigningAlgorithm"]}


@contextmanager
def simulated_kms() -> Iterator[SimulatedKms]:
    """The service on a port of its own, for as long as the block."""
    kms = SimulatedKms("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = kms.answer(self.headers["X-Amz-Target"].partition(".")[2], asked)
            body = {"__type": found, "message": "simulated"} if isinstance(found, str) else found
            status = 200 if isinstance(found, dict) else 500 if found == "KMSInternalException" else 400
            data = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # the client did not wait
                pass

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kms.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kms
    finally:
        server.shutdown()
        server.server_close()
