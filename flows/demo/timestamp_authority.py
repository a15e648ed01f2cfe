"""A time-stamp authority (RFC 3161) on this machine, for the demo and the tests: `openssl ts` behind an HTTP server.

It has certificates of its own, made anew each time, and no clock but this machine's: it proves that the protocol works,
never that a time is true.

What was tried with OpenSSL 3.0's `openssl ts -reply`: RSA and P-256, `ordering`, `tsa_name`, with and without
`accuracy`, and ESSCertID by SHA-1 or SHA-256 make no difference to a verifier. `certs` (the chain in the reply) does:
OpenSSL writes it in the chain's order where DER wants a sorted SET, which rfc3161-client refuses (so ours sorts) and
OpenSSL accepts. With `ess_cert_id_chain = yes` and certificates in `certs` that are not of the signer's chain,
`openssl ts -verify` refuses its own reply. Without `certs`, the pinned PEM must hold the intermediate certificates.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flows.demo.errors import DemoError

POLICY = "1.3.6.1.4.1.99999.1"
REQUEST_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"
_MAX_REQUEST_BYTES = 4096
_OPENSSL_SECONDS = 20.0
_DAYS = 3650

_CONFIGURATION = """\
[tsa]
default_tsa = simulated
[simulated]
serial = serial
signer_cert = authority.pem
signer_key = authority.key
{certs}
signer_digest = sha256
default_policy = {policy}
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Certified:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class TimestampAuthority:
    """An authority with its files in a folder; `ca_pem` is the root that a trust policy would pin."""

    def __init__(self, folder: Path, root: Certified, url: str = "") -> None:
        self._folder = folder
        self._lock = threading.Lock()  # its serial numbers stand in one file
        self.root = root
        self.url = url

    @classmethod
    def found(cls, folder: Path, *, chain: bool = False) -> TimestampAuthority:
        """A new authority; with `chain` its replies carry an intermediate certificate, as most public ones do."""
        require_openssl()
        folder.mkdir(parents=True, exist_ok=True)
        root = certify("SIMULATED time-stamp root", is_authority=True)
        issuer = certify("SIMULATED time-stamp intermediate", root, is_authority=True) if chain else root
        signer = certify("SIMULATED time-stamp authority", issuer, usages=(ExtendedKeyUsageOID.TIME_STAMPING,))
        (folder / "root.pem").write_bytes(root.pem)
        (folder / "authority.pem").write_bytes(signer.pem)
        (folder / "authority.key").touch(mode=0o600)
        (folder / "authority.key").write_bytes(signer.key_pem)
        (folder / "chain.pem").write_bytes(issuer.pem)
        (folder / "serial").write_text("01\n", encoding="ascii")
        certs = "certs = chain.pem" if chain else ""
        (folder / "tsa.cnf").write_text(_CONFIGURATION.format(policy=POLICY, certs=certs), encoding="ascii")
        return cls(folder, root)

    @property
    def ca_pem(self) -> bytes:
        return self.root.pem

    def reply(self, request: bytes) -> bytes:
        """The DER reply to a DER request, granted or refused."""
        with self._lock:
            (self._folder / "request.tsq").write_bytes(request)
            command = [
                "openssl",
                "ts",
                "-reply",
                "-config",
                "tsa.cnf",
                "-queryfile",
                "request.tsq",
                "-out",
                "reply.tsr",
            ]
            done = subprocess.run(
                command, cwd=self._folder, capture_output=True, text=True, timeout=_OPENSSL_SECONDS, check=False
            )
            if done.returncode != 0:
                raise DemoError(f"expected `openssl ts -reply` to answer, found: {done.stderr.strip()[-300:]}")
            return (self._folder / "reply.tsr").read_bytes()


@contextmanager
def timestamp_authority(folder: Path, *, chain: bool = False) -> Iterator[TimestampAuthority]:
    """An authority that answers at its `url` until the block is left; its files stay in `folder`.

    Raises DemoError where there is no `openssl`.
    """
    authority = TimestampAuthority.found(folder, chain=chain)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(authority)) as server:
        authority.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()


def require_openssl() -> None:
    """Raise DemoError where this machine has no `openssl`."""
    if shutil.which("openssl") is None:
        raise DemoError("expected the program `openssl` for a local time-stamp authority, found none; install it")


def certify(
    name: str,
    issuer: Certified | None = None,
    *,
    is_authority: bool = False,
    usages: tuple[x509.ObjectIdentifier, ...] = (),
    usages_are_critical: bool = True,
    serial: int | None = None,
    since: datetime | None = None,
    days: int = _DAYS,
) -> Certified:
    """A new P-256 key and its certificate; without an issuer it vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    since = since or datetime.now(UTC) - timedelta(days=1)
    signs_certificates = is_authority
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not signs_certificates,
                key_cert_sign=signs_certificates,
                crl_sign=signs_certificates,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=usages_are_critical)
    return Certified(builder.sign(issuer.key if issuer else key, SHA256()), key)


def _handler(authority: TimestampAuthority) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            if self.headers.get("Content-Type") != REQUEST_TYPE or size > _MAX_REQUEST_BYTES:
                self.send_error(400, f"expected a small {REQUEST_TYPE}")
                return
            try:
                reply = authority.reply(self.rfile.read(size))
            except DemoError as error:
                self.send_error(500, str(error)[:200].replace("\n", " "))
                return
            self.send_response(200)
            self.send_header("Content-Type", REPLY_TYPE)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its base class's name)
            """Nothing: what was answered stands in the vault."""

    return Handler
