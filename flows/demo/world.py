"""The whole simulated world, ready to be collected from and stored into.

    with simulated_world(folder) as world:
        world.faults.deny("ec2:DescribeVolumes")
        ... collect from world.account_url with world.credentials, store into world.store ...
        world.accesses()

The object store is real (SeaweedFS), the AWS account is emulated (moto behind a gate). Both end with this process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.children import Child, Children, free_port
from flows.demo.access_log import Access
from flows.demo.account import FilledAccount, fill_account
from flows.demo.account_people import READER_ROLE
from flows.demo.control_client import AccountControl, Faults
from flows.demo.errors import DemoError
from flows.demo.filling import HOME_REGION
from flows.demo.moto_setup import ACCOUNT_ID
from flows.demo.object_store import ObjectStore, Tampering, tamper_one_byte

VAULT_BUCKET = "simulated-evidence-vault"  # locked
KEYS_BUCKET = "simulated-evidence-keys"  # unlocked, unversioned
READY_SECONDS = 90.0


class AccountServer:
    """The process of the emulated account."""

    def __init__(self, children: Children, folder: Path) -> None:
        """Start it; it answers some five seconds later (`wait_ready`)."""
        port = free_port()
        self.endpoint_url = f"http://127.0.0.1:{port}"
        self.control = AccountControl(self.endpoint_url)
        folder.mkdir(parents=True, exist_ok=True)
        args = [sys.executable, "-m", "flows.demo.account_server", "--port", str(port), "--state", str(folder)]
        self._process: Child = children.start(args, log=folder / "server.log", name="the emulated account")

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        self._process.wait_ready(self.control.is_ready, timeout)

    def kill(self) -> None:
        """End it; what was in the account is gone."""
        self._process.kill()


@dataclass(frozen=True)
class World:
    """Addresses, credentials and controls of a running simulated world."""

    folder: Path
    children: Children
    store: ObjectStore
    server: AccountServer
    account: FilledAccount | None
    faults: Faults
    vault_bucket: str = VAULT_BUCKET
    keys_bucket: str = KEYS_BUCKET
    role_arn: str = f"arn:aws:iam::{ACCOUNT_ID}:role/{READER_ROLE}"

    @property
    def account_url(self) -> str:
        """Where the emulated AWS account answers, for every service."""
        return self.server.endpoint_url

    @property
    def filled(self) -> FilledAccount:
        """What is in the account."""
        if self.account is None:
            raise DemoError("This world was started with fill=False: its account is empty. Call fill_account first.")
        return self.account

    @property
    def credentials(self) -> Mapping[str, str]:
        """Keys of the emulated account, as boto3 takes them. Any others would do."""
        return {"aws_access_key_id": "AKIASIMULATEDREAD000", "aws_secret_access_key": "simulated"}

    def account_environment(self) -> Mapping[str, str]:
        """Environment variables by which any AWS client of a child process finds the account, and nothing real."""
        return {
            "AWS_ACCESS_KEY_ID": self.credentials["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self.credentials["aws_secret_access_key"],
            "AWS_ENDPOINT_URL": self.account_url,
            "AWS_REGION": HOME_REGION,
            "AWS_DEFAULT_REGION": HOME_REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-credentials"),
        }

    def accesses(self) -> tuple[Access, ...]:
        """Every request that the account has answered since the fill (or since `clear_accesses`)."""
        return self.server.control.accesses()

    def clear_accesses(self) -> None:
        self.server.control.clear_log()

    def tamper(self, key: str) -> Tampering:
        """Change one byte of a stored object of the vault behind its lock."""
        return tamper_one_byte(self.store, self.vault_bucket, key)


@contextmanager
def simulated_world(folder: Path, *, now: datetime | None = None, scale: int = 1, fill: bool = True) -> Iterator[World]:
    """Start everything, in `folder` and nowhere else, and end it after the block or with this process.

    The files stay in the folder; `world.children.remove_at_end(folder)` changes that.
    """
    with Children() as children:
        server = AccountServer(children, folder / "account")
        store = ObjectStore(children, folder / "object-store", (VAULT_BUCKET, KEYS_BUCKET))
        server.wait_ready()
        account = fill_account(server.endpoint_url, now=now or datetime.now(UTC), scale=scale) if fill else None
        server.control.clear_log()
        store.wait_ready()
        store.create_locked_bucket(VAULT_BUCKET)
        store.create_bucket(KEYS_BUCKET)
        try:
            yield World(folder, children, store, server, account, Faults(server.control))
        finally:
            store.kill()  # its polite end takes longer than our patience
