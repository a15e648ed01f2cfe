"""Who plays in the journeys: a clinic whose vault is a locked bucket, and a trial whose vault is a folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from slices import EIGHT, THREE
from worlds import NO_PREFECT, Founder, Organisation, locked_bucket, with_credential_report

from flows.demo.world import World, simulated_world


@pytest.fixture(scope="module")
def clinic(session_world: World, organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return organisation(
        tmp_path_factory.mktemp("clinic"), requirements=THREE, bucket=locked_bucket(session_world.store)
    )


@pytest.fixture(scope="module")
def trial(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return organisation(tmp_path_factory.mktemp("trial"), requirements=EIGHT)


@pytest.fixture(scope="session")
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An account with all that the catalogue looks at, and a month of log files: for few tests (`sharing`)."""
    with simulated_world(tmp_path_factory.mktemp("whole-world"), now=datetime.now(UTC)) as world:
        yield with_credential_report(world)


@pytest.fixture(scope="session")
def whole_organisation(whole_world: World, tmp_path_factory: pytest.TempPathFactory) -> Founder:
    """Founds organisations that look at it, without orchestrator."""
    return Founder(whole_world, NO_PREFECT, tmp_path_factory.mktemp("whole-founded"))
