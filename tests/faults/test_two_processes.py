"""Two processes start the same slot: one run, both end well, and what has a receipt is not asked for again."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from comparing import Substance
from killing import HALF, MONTH, UNITS, is_sound, is_the_same, small
from wire import asked, asked_by
from worlds import COMMAND, Founder

from flows.demo.world import World

pytestmark = pytest.mark.faults


def test_two_starts_at_once_make_one_run(organisation: Founder, world: World, tmp_path: Path) -> None:
    place = small(organisation, tmp_path)
    both = [place.started([*COMMAND, "collect", "-r", "EV-ENC-01", "--slot", "adhoc/at-once"]) for _ in range(2)]
    told = [process.communicate(timeout=200) for process in both]
    assert [process.returncode for process in both] == [1, 1], told
    gathered = place.gathered()
    assert [state.run_id for state in place.runs()] == [gathered.state.run_id]
    assert all(gathered.state.run_id in "".join(output) for output in told)
    assert all(receipt.result.is_complete for receipt in gathered.receipts.values())
    is_sound(place)
    first, _ = asked_by(gathered.vault, gathered.receipts.values())
    found = asked(world.accesses())
    assert first - found == Counter()
    assert all(count <= 2 * max(1, first[what]) for what, count in found.items()), "more than two have asked"


@pytest.mark.thorough
def test_a_start_beside_a_running_one_asks_nothing_that_has_a_receipt(
    organisation: Founder, world: World, undisturbed_small: Substance, tmp_path: Path
) -> None:
    world.faults.delay("backup:DescribeRecoveryPoint", seconds=0.1)  # so that the first is not over too soon
    place = small(organisation, tmp_path)
    first = place.started([*COMMAND, *MONTH], {"AWS_ACCESS_KEY_ID": "AKIASIMULATEDONE1111"})
    vault = place.vault()
    while not (runs := vault.runs.runs()) or len(list(vault.receipts.all(runs[0].run_id))) < HALF:
        assert first.poll() is None, first.communicate()
        time.sleep(0.1)
    kept = {receipt.unit: receipt for receipt in vault.receipts.all(runs[0].run_id)}
    second = place.started([*COMMAND, *MONTH], {"AWS_ACCESS_KEY_ID": "AKIASIMULATEDTWO2222"})
    told = [process.communicate(timeout=200) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [1, 1], told
    assert 0 < len(kept) < UNITS
    gathered = place.gathered()
    assert [state.run_id for state in place.runs()] == [runs[0].run_id]
    seconds = asked(access for access in world.accesses() if access.access_key_last4 == "2222")
    assert not seconds & asked_by(gathered.vault, kept.values())[0]
    is_the_same(gathered, undisturbed_small)
    is_sound(place)
