"""The simulated world as a whole: one block, nothing left behind, not even after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flows.children import answers_on
from flows.demo.errors import DemoError
from flows.demo.world import World

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


def test_the_vault_is_locked_and_the_keys_are_not(world: World) -> None:
    s3 = world.store.client()
    lock = s3.get_object_lock_configuration(Bucket=world.vault_bucket)["ObjectLockConfiguration"]
    assert lock["ObjectLockEnabled"] == "Enabled"
    assert s3.get_bucket_versioning(Bucket=world.keys_bucket).get("Status") in (None, "Suspended")


def test_the_writer_can_use_both_buckets_of_the_world(world: World) -> None:
    s3 = world.store.client(world.store.writer)
    for bucket in (world.vault_bucket, world.keys_bucket):
        s3.put_object(Bucket=bucket, Key="probe", Body=b"1")
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] >= 1


def test_a_child_process_finds_the_account_by_its_environment_alone(world: World, tmp_path: Path) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    found = subprocess.run(
        [sys.executable, "-c", code], env={"HOME": str(tmp_path), **world.account_environment()},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert found.stdout.strip() == "111122223333"
    assert [access.name for access in world.accesses()] == ["sts:GetCallerIdentity"]


def test_the_fill_is_not_in_the_access_log(tmp_path: Path, session_world: World) -> None:
    assert session_world.filled.users == 12
    assert not any(access.operation.startswith(("Create", "Run")) for access in session_world.accesses())


def test_a_world_that_was_not_filled_says_so(world: World) -> None:
    empty = World(world.folder, world.children, world.store, world.server, None, world.faults)
    with pytest.raises(DemoError, match="fill=False"):
        _ = empty.filled
