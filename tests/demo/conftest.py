"""One simulated world for the tests of this folder: it takes some ten seconds to start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config

from flows.demo.object_store import ObjectStore
from flows.demo.world import World, simulated_world

NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)

ClientMaker = Callable[..., Any]


@pytest.fixture(scope="session")
def session_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with simulated_world(tmp_path_factory.mktemp("world"), now=NOW) as world:
        yield world


@pytest.fixture
def world(session_world: World) -> Iterator[World]:
    """The world without faults and with an empty access log, before and after."""
    session_world.faults.clear()
    session_world.clear_accesses()
    yield session_world
    session_world.faults.clear()


@pytest.fixture(scope="session")
def object_store(session_world: World) -> ObjectStore:
    return session_world.store


@pytest.fixture(scope="session")
def client(session_world: World) -> ClientMaker:
    """`client("ec2", "us-east-1")`: a client of the emulated account that does not retry."""
    kept: dict[tuple[str, str, int, str], Any] = {}

    def make(service: str, region: str = "eu-central-1", attempts: int = 1, key: str = "AKIASIMULATEDREAD000") -> Any:
        if (service, region, attempts, key) not in kept:
            kept[service, region, attempts, key] = boto3.client(
                service,
                region_name=region,
                endpoint_url=session_world.account_url,
                aws_access_key_id=key,
                aws_secret_access_key="simulated",
                config=Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=20),
            )
        return kept[service, region, attempts, key]

    return make
