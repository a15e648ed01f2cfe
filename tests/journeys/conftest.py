"""Who plays in the journeys: a clinic whose vault is a locked bucket, and a trial whose vault is a folder."""

from __future__ import annotations

import pytest
from slices import EIGHT, THREE
from worlds import Founder, Organisation, locked_bucket

from flows.demo.world import World


@pytest.fixture(scope="module")
def clinic(session_world: World, organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return organisation(
        tmp_path_factory.mktemp("clinic"), requirements=THREE, bucket=locked_bucket(session_world.store)
    )


@pytest.fixture(scope="module")
def trial(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    return organisation(tmp_path_factory.mktemp("trial"), requirements=EIGHT)
