"""The same on a real S3 server with Object Lock: the run is killed, and the server is."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from comparing import Substance
from killing import ALL, HALF, MONTH, UNITS, Point, is_ended_as_if_undisturbed, kill, small
from told import told
from worlds import COMMAND, Founder, Organisation, locked_bucket

from flows.children import Children
from flows.demo.object_store import ObjectStore
from flows.demo.world import World
from flows.vault.receipts import RECEIPT_MEDIA_TYPE

pytestmark = pytest.mark.faults

POINTS = {
    "after the run-open entry": Point("after", "run-open", checkpoints=0),
    "after half of the receipts": Point("after", RECEIPT_MEDIA_TYPE, HALF, receipts=range(HALF, UNITS)),
    "after the run-close entry": Point("after", "run-close", receipts=ALL, entries=2),
}


IN_SHORT = ("after half of the receipts",)
MARKED = [pytest.param(name, marks=[] if name in IN_SHORT else pytest.mark.thorough) for name in POINTS]


@pytest.mark.parametrize("name", MARKED)
def test_the_next_start_ends_a_run_killed_on_a_locked_bucket(
    name: str, organisation: Founder, world: World, undisturbed_small: Substance, tmp_path: Path
) -> None:
    place = small(organisation, tmp_path, locked_bucket(world.store))
    kill(place, POINTS[name])
    is_ended_as_if_undisturbed(place, POINTS[name], world, undisturbed_small)


@pytest.mark.thorough
def test_a_server_that_dies_in_mid_run_loses_nothing_and_the_next_start_ends_the_run(
    organisation: Founder, world: World, undisturbed_small: Substance, tmp_path: Path
) -> None:
    world.faults.delay("backup:DescribeRecoveryPoint", seconds=0.1)  # so that the run is not over too soon
    with Children() as children:
        store = ObjectStore(children, tmp_path / "store", ("private-vault",))
        store.wait_ready()
        store.create_locked_bucket("private-vault")
        place = small(organisation, tmp_path / "place").into_bucket(store, "private-vault")
        run = place.started([*COMMAND, *MONTH])
        wait_for_receipts(place, 3, run)
        store.kill()
        stdout, stderr = run.communicate(timeout=200)
        world.faults.clear()
        done = subprocess.CompletedProcess(run.args, run.returncode, stdout, stderr)
        assert done.returncode == 3, stderr
        assert "Traceback" not in stderr
        assert stderr.strip().splitlines()[-1].startswith("evidence: "), stderr

        line = told(place.evidence(*MONTH), 3)
        assert "vault.endpoint" in line
        store.restart()
        point = Point("during", "gathering", receipts=range(3, UNITS))
        is_ended_as_if_undisturbed(place, point, world, undisturbed_small)
        store.kill()


def wait_for_receipts(place: Organisation, number: int, run: subprocess.Popen[str]) -> None:
    """Until so many units have a receipt."""
    vault = place.vault()
    while run.poll() is None:
        runs = vault.runs.runs()
        if runs and sum(1 for _ in vault.receipts.all(runs[0].run_id)) >= number:
            return
        time.sleep(0.1)
    raise AssertionError(run.communicate())
