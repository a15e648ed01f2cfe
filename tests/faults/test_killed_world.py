"""The simulated world under kill -9: nothing of it is left behind, and its S3 server keeps what it confirmed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flows.children import Children, answers_on, free_ports
from flows.demo import object_store as object_store_module
from flows.demo.object_store import ObjectStore
from flows.demo.world import VAULT_BUCKET as BUCKET

pytestmark = pytest.mark.faults

# Opens an empty world, says what it started, then waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
from flows.demo.world import simulated_world
folder = Path(sys.argv[1])
with simulated_world(folder, fill=False) as world:
    world.children.remove_at_end(folder)
    print(world.server.pid, world.store.pid, world.account_url, world.store.endpoint_url, world.store.filer_url)
    print(*[path for path in world.store._sockets() if path.exists()], flush=True)
    time.sleep(600)
"""


def test_nothing_of_the_world_survives_kill_9_for_five_seconds(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    environment = {**os.environ, "HOME": str(tmp_path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
    )  # fmt: skip
    assert parent.stdout
    with parent.stdout:
        server, store, *urls = parent.stdout.readline().split()
        sockets = [Path(word) for word in parent.stdout.readline().split()]
    ports = [urlsplit(url).port or 0 for url in urls]
    assert all(answers_on(port) for port in ports)
    parent.send_signal(signal.SIGKILL)
    parent.wait(10)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (folder.exists() or any(answers_on(port) for port in ports)):
        time.sleep(0.05)
    assert not any(answers_on(port) for port in ports)
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in (server, store))
    assert not folder.exists()
    assert sockets
    assert not any(path.exists() for path in sockets)


@pytest.fixture
def second_store(tmp_path: Path) -> Iterator[ObjectStore]:
    with Children() as children:
        store = ObjectStore(children, tmp_path, (BUCKET,))
        store.wait_ready()
        yield store
        store.kill()


def test_what_was_acknowledged_is_there_after_kill_and_restart(second_store: ObjectStore) -> None:
    second_store.create_locked_bucket(BUCKET)
    put = second_store.client(second_store.writer).put_object
    key, until = "v1/blob", datetime.now(UTC) + timedelta(hours=1)
    version = put(
        Bucket=BUCKET, Key=key, Body=b"evidence", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
    )["VersionId"]
    second_store.kill()
    second_store.restart()
    got = second_store.client().get_object(Bucket=BUCKET, Key=key)
    assert (got["VersionId"], got["ObjectLockMode"], got["Body"].read()) == (version, "COMPLIANCE", b"evidence")


def test_a_port_that_somebody_takes_meanwhile_is_changed_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as somebody, Children() as children:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        taken = [somebody.getsockname()[1]]
        monkeypatch.setattr(object_store_module, "free_ports", lambda count: [*free_ports(count - 1), *taken])
        store = ObjectStore(children, tmp_path)
        first = store.endpoint_url
        taken[:] = free_ports(1)
        store.wait_ready()
        assert store.endpoint_url != first
        assert store.client().list_buckets()["Buckets"] == []
