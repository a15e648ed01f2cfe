"""kill -9 between the last receipt and the export: the next start of the slot finishes what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparing import Substance
from killing import ALL, Point, is_ended_as_if_undisturbed, kill, small
from worlds import Founder

from evidence_schema.models.finding import FINDINGS_MEDIA_TYPE
from flows.demo.world import World
from flows.steps.compiling import WORKBOOK_MEDIA_TYPE
from flows.vault.manifest import MANIFEST_MEDIA_TYPE

pytestmark = pytest.mark.faults

POINTS = {
    "after the manifest": Point("after", MANIFEST_MEDIA_TYPE, receipts=ALL),
    "after run-close's checkpoint": Point("after", "checkpoint 2", receipts=ALL, entries=2, checkpoints=2),
    "after the findings": Point("after", FINDINGS_MEDIA_TYPE, receipts=ALL, entries=2, checkpoints=2),
    "after the judged entry": Point("after", "judged", receipts=ALL, entries=3, checkpoints=2),
    "after the workbook": Point("after", WORKBOOK_MEDIA_TYPE, receipts=ALL, entries=3, checkpoints=3),
    "after the export entry": Point("after", "export", receipts=ALL, entries=4, checkpoints=3),
}


IN_SHORT = ("after the judged entry",)
MARKED = [pytest.param(name, marks=[] if name in IN_SHORT else pytest.mark.thorough) for name in POINTS]


@pytest.mark.parametrize("name", MARKED)
def test_the_next_start_finishes_what_is_missing_and_asks_nothing(
    name: str, organisation: Founder, world: World, undisturbed_small: Substance, tmp_path: Path
) -> None:
    place = small(organisation, tmp_path)
    kill(place, POINTS[name])
    is_ended_as_if_undisturbed(place, POINTS[name], world, undisturbed_small)
