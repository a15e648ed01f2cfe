"""kill -9 between run-open and the last receipt: the next start of the slot gathers what has no receipt."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparing import Substance
from killing import UNITS, Point, is_ended_as_if_undisturbed, kill, small
from worlds import Founder

from evidence_schema.models.transcript import TRANSCRIPT_MEDIA_TYPE
from flows.demo.world import World
from flows.vault.receipts import RECEIPT_MEDIA_TYPE

pytestmark = pytest.mark.faults

POINTS = {
    "before the run-open entry": Point("before", "run-open", runs=0, entries=0, checkpoints=0),
    "after run-open's checkpoint": Point("after", "checkpoint 1"),
    "after a blob without receipt": Point("after", TRANSCRIPT_MEDIA_TYPE, 4, receipts=range(UNITS)),
    "after the first receipt": Point("after", RECEIPT_MEDIA_TYPE, receipts=range(1, UNITS)),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", POINTS)
def test_the_next_start_gathers_what_has_no_receipt(
    name: str, organisation: Founder, world: World, undisturbed_small: Substance, tmp_path: Path
) -> None:
    place = small(organisation, tmp_path)
    kill(place, POINTS[name])
    is_ended_as_if_undisturbed(place, POINTS[name], world, undisturbed_small)


def test_a_killed_run_takes_its_own_prefect_api_with_it(organisation: Founder, tmp_path: Path) -> None:
    place = small(organisation, tmp_path)
    home = kill(place.with_environment(PREFECT_API_URL=None), POINTS["after the first receipt"])
    assert (home / "api.log").exists(), "no Prefect API of its own was started"
