"""Every claim about a store is tested on both: a folder, and a real S3 server with Object Lock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from vault_samples import ORIGIN, Clock

from evidence_schema.models.names import LockMode
from flows.children import Children
from flows.demo.object_store import REGION, Identity, ObjectStore
from flows.vault.keys import LocalKey, create_key
from flows.vault.locks import Lock, LockPolicy, lock_for
from flows.vault.s3 import S3Store
from flows.vault.s3_client import S3Access, make_client
from flows.vault.settings import StoreCredentials, VaultSettings
from flows.vault.store import Store
from flows.vault.vault import Vault, assemble, open_store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "evidence-vault"
PLAIN_BUCKET = "no-lock-here"
ANCHOR_BUCKET = "evidence-anchor"
ANCHORER, AUDITOR = Identity.random("anchorer"), Identity.random("auditor")
_RIGHTS = {ANCHORER: [f"Write:{ANCHOR_BUCKET}"], AUDITOR: [f"{action}:{ANCHOR_BUCKET}" for action in ("Read", "List")]}
"""Of the anchor's account; to this server "Write" is also to delete, which the bucket's policy denies."""
_NO_DELETE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": f"arn:aws:s3:::{ANCHOR_BUCKET}/*",
        }
    ],
}
_logs = count(1)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with Children() as children:
        store = ObjectStore(children, tmp_path_factory.mktemp("object-store"), [BUCKET, PLAIN_BUCKET], _RIGHTS)
        store.wait_ready()
        store.create_locked_bucket(ANCHOR_BUCKET)
        store.client().put_bucket_policy(Bucket=ANCHOR_BUCKET, Policy=json.dumps(_NO_DELETE))
        store.create_locked_bucket(BUCKET)
        store.create_bucket(PLAIN_BUCKET)
        yield store
        store.kill()


@dataclass(frozen=True)
class Place:
    """Where a test's vault lies; `open` gives another, independent client of the same place."""

    settings: VaultSettings
    credentials: StoreCredentials | None = None
    client: S3Client | None = None
    """Shared by the tests of a process: a new one takes half a second."""

    @property
    def is_s3(self) -> bool:
        return self.settings.url.startswith("s3://")

    @property
    def root(self) -> str:
        return f"v1/{self.settings.log}/"

    def open(self) -> Store:
        if self.client is not None:
            return S3Store(self.client, BUCKET)
        return open_store(self.settings, create=True)


@pytest.fixture(scope="session")
def vault_credentials(object_store: ObjectStore) -> StoreCredentials:
    return StoreCredentials(object_store.writer.access_key, object_store.writer.secret_key)


@pytest.fixture(scope="session")
def access(object_store: ObjectStore, vault_credentials: StoreCredentials) -> S3Access:
    return S3Access(object_store.endpoint_url, REGION, credentials=vault_credentials)


@pytest.fixture(scope="session")
def client(access: S3Access) -> S3Client:
    return make_client(access)


@pytest.fixture(scope="session")
def admin(object_store: ObjectStore) -> S3Client:
    """Somebody who may do more than a collector: set delete markers, write without conditions."""
    return object_store.client()


@pytest.fixture
def log_name() -> str:
    return f"log-{next(_logs):04d}"


@pytest.fixture
def folder_place(tmp_path: Path, log_name: str) -> Place:
    return Place(VaultSettings(url=str(tmp_path / "vault"), log=log_name, origin=ORIGIN))


@pytest.fixture
def s3_place(access: S3Access, client: S3Client, log_name: str) -> Place:
    settings = VaultSettings(
        url=f"s3://{BUCKET}", log=log_name, origin=ORIGIN, endpoint=access.endpoint, region=access.region
    )
    return Place(settings, access.credentials, client)


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(clock: Clock) -> Lock:
    return lock_for(LockPolicy(LockMode.GOVERNANCE, 1), personal=False, now=clock())


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> LocalKey:
    return create_key(tmp_path_factory.mktemp("keys") / "log.pem")


@pytest.fixture
def vault(place: Place, signer: LocalKey, clock: Clock) -> Vault:
    return assemble(place.open(), place.settings, signer, clock=clock)


@pytest.fixture
def another_vault(place: Place, signer: LocalKey, clock: Clock) -> Callable[..., Vault]:
    """Another process's view of the same vault: nothing is shared but the place."""

    def make(store: Store | None = None, **changes: object) -> Vault:
        settings = replace(place.settings, **changes)  # type: ignore[arg-type]
        return assemble(store or place.open(), settings, signer, clock=clock)

    return make
