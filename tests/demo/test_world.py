"""The simulated world as a whole, in one block."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.demo.errors import DemoError
from flows.demo.world import World


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
