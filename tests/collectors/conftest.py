"""What the collector tests share: a scripted AWS, an emulated account, and the kinds as they are shipped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stub_aws import StubAws
from worlds import NO_PREFECT, Founder, with_credential_report

from flows.collectors.registry import Kinds, load_kinds
from flows.demo.world import World, simulated_world


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubAws]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "test-only",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with StubAws() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
        yield stub


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture(scope="session")
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An account with all that the catalogue looks at, and a month of log files: for few tests (`sharing`)."""
    with simulated_world(tmp_path_factory.mktemp("whole-world"), now=datetime.now(UTC)) as world:
        yield with_credential_report(world)


@pytest.fixture(scope="session")
def whole_organisation(whole_world: World, tmp_path_factory: pytest.TempPathFactory) -> Founder:
    """Founds organisations that look at it, without orchestrator."""
    return Founder(whole_world, NO_PREFECT, tmp_path_factory.mktemp("whole-founded"))
