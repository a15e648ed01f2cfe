"""kill -9 at each step boundary of a run: the next start of the slot, elsewhere, ends it as if nothing had happened."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from comparing import Substance, substance_of
from processes import living_of
from wire import asked, asked_by
from worlds import Founder, Gathered, Organisation, locked_bucket

from evidence_schema.models.finding import FINDINGS_MEDIA_TYPE
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import TRANSCRIPT_MEDIA_TYPE
from evidence_schema.models.unit import Unit
from flows.demo.world import World
from flows.steps.compiling import WORKBOOK_MEDIA_TYPE
from flows.vault.manifest import MANIFEST_MEDIA_TYPE
from flows.vault.receipts import RECEIPT_MEDIA_TYPE

pytestmark = pytest.mark.faults

KILLED_RUN = Path(__file__).with_name("killed_run.py")
UNITS = 27
HALF = UNITS // 2


@dataclass(frozen=True)
class Point:
    """Where a run dies, and what must be seen of it afterwards."""

    moment: str
    what: str
    nth: int = 1
    receipts: range = range(1)
    """How many units can have a receipt then: others are being gathered at the same time."""
    runs: int = 1
    entries: int = 1
    checkpoints: int = 1


ALL = range(UNITS, UNITS + 1)
POINTS = {
    "before the run-open entry": Point("before", "run-open", runs=0, entries=0, checkpoints=0),
    "after run-open's checkpoint": Point("after", "checkpoint 1"),
    "after a blob without receipt": Point("before", RECEIPT_MEDIA_TYPE, 4, receipts=range(3, UNITS)),
    "after the first receipt": Point("after", RECEIPT_MEDIA_TYPE, receipts=range(1, UNITS)),
    "after the manifest": Point("after", MANIFEST_MEDIA_TYPE, receipts=ALL),
    "after run-close's checkpoint": Point("after", "checkpoint 2", receipts=ALL, entries=2, checkpoints=2),
    "after the findings": Point("after", FINDINGS_MEDIA_TYPE, receipts=ALL, entries=2, checkpoints=2),
    "after the judged entry": Point("after", "judged", receipts=ALL, entries=3, checkpoints=2),
    "after the workbook": Point("after", WORKBOOK_MEDIA_TYPE, receipts=ALL, entries=3, checkpoints=3),
    "after the export entry": Point("after", "export", receipts=ALL, entries=4, checkpoints=3),
}
POINTS_ON_S3 = {
    "after the run-open entry": Point("after", "run-open", checkpoints=0),
    "after half of the receipts": Point("after", RECEIPT_MEDIA_TYPE, HALF, receipts=range(HALF, UNITS)),
    "after the run-close entry": Point("after", "run-close", receipts=ALL, entries=2),
}


@pytest.fixture(scope="module")
def undisturbed(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Substance:
    place = small(organisation, tmp_path_factory.mktemp("undisturbed"))
    done = place.evidence("run", "monthly")
    assert done.returncode == 1, done.stderr
    gathered = place.gathered()
    assert len(gathered.receipts) == UNITS
    return substance_of(gathered)


@pytest.mark.parametrize("name", POINTS)
def test_a_run_killed_at_a_step_is_ended_by_the_next_start(
    name: str, organisation: Founder, world: World, undisturbed: Substance, tmp_path: Path
) -> None:
    place = small(organisation, tmp_path)
    kill(place, POINTS[name])
    is_ended_as_if_undisturbed(place, POINTS[name], world, undisturbed)


@pytest.mark.parametrize("name", POINTS_ON_S3)
def test_a_run_into_a_locked_bucket_killed_at_a_step_is_ended_by_the_next_start(
    name: str, organisation: Founder, world: World, undisturbed: Substance, tmp_path: Path
) -> None:
    place = small(organisation, tmp_path, bucket=locked_bucket(world.store))
    kill(place, POINTS_ON_S3[name])
    is_ended_as_if_undisturbed(place, POINTS_ON_S3[name], world, undisturbed)


def test_a_killed_run_takes_its_own_prefect_api_with_it(
    organisation: Founder, world: World, undisturbed: Substance, tmp_path: Path
) -> None:
    place, point = small(organisation, tmp_path), Point("after", TRANSCRIPT_MEDIA_TYPE, 2, receipts=range(UNITS))
    home = kill(place.with_environment(PREFECT_API_URL=None), point)
    assert (home / "api.log").exists(), "no Prefect API of its own was started"
    is_ended_as_if_undisturbed(place, point, world, undisturbed)


def small(organisation: Founder, folder: Path, **options: object) -> Organisation:
    """One region and one framework: every step, in half of the time."""
    return organisation(folder, regions=["eu-central-1"], frameworks=["soc2"], **options)


def is_ended_as_if_undisturbed(place: Organisation, point: Point, world: World, undisturbed: Substance) -> None:
    """What is there after the kill is what was asked for; then the next start of the slot does what was left."""
    settle(world)
    vault = place.vault()
    before = vault.runs.runs()
    kept = {receipt.unit: receipt for state in before for receipt in vault.receipts.all(state.run_id)}
    assert len(before) == point.runs
    assert len(kept) in point.receipts
    assert len(list(vault.store.keys(vault.layout.entries))) == point.entries
    assert len(list(vault.store.keys(vault.layout.checkpoints))) == point.checkpoints
    world.clear_accesses()

    done = place.evidence("run", "monthly")

    assert done.returncode == 1, done.stderr
    gathered = place.gathered()
    assert [state.run_id for state in place.runs()] == [gathered.state.run_id], "one slot, one run"
    assert [state.run_id for state in before] in ([], [gathered.state.run_id])
    nothing_is_gathered_twice(world, kept, gathered)
    found = substance_of(gathered)
    assert found.units == undisturbed.units
    assert found.items == undisturbed.items
    assert found.findings == undisturbed.findings
    assert found.outcomes == undisturbed.outcomes
    assert len(gathered.state.exports) == 1
    assert len(list((place.folder / "workbooks").glob("*.xlsx"))) == 1
    report = place.verified()
    assert (report.exit_code, report.problems) == (0, ())
    assert living_of(place.folder) == []


def kill(place: Organisation, point: Point) -> Path:
    """Run the month until it dies there; its Prefect home. Nothing that it started may live on."""
    environment = place.command_environment()
    process = place.started(
        [sys.executable, str(KILLED_RUN), point.moment, point.what, str(point.nth), "run", "monthly"], environment
    )
    output = process.communicate(timeout=200)
    assert process.returncode == -signal.SIGKILL, output
    deadline = time.monotonic() + 10
    while (left := living_of(place.folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == [], "a killed run left processes behind"
    return Path(environment["PREFECT_HOME"])


def settle(world: World) -> None:
    """Wait for the answers that were on their way to the killed process: their lines are of its time."""
    seen = -1
    while seen != (seen := len(world.accesses())):
        time.sleep(0.2)


def nothing_is_gathered_twice(world: World, kept: dict[Unit, Receipt], gathered: Gathered) -> None:
    """The account was asked exactly what the units without receipt say, and nothing of those that had one."""
    for unit, receipt in kept.items():
        assert gathered.receipts[unit] == receipt, "a unit with a receipt was gathered again"
    first, further = asked_by(gathered.vault, [row for unit, row in gathered.receipts.items() if unit not in kept])
    found = asked(world.accesses())
    assert first - found == Counter()
    assert Counter((name, region) for name, region, _ in (found - first).elements()) == further
    assert not found & asked_by(gathered.vault, kept.values())[0]
