"""Runs that are killed at a point, and what must be true after the next start of their slot."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from comparing import Substance, substance_of
from processes import living_of
from slices import FOUR
from wire import asked, asked_by
from worlds import Founder, Gathered, Organisation

from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Unit
from flows.demo.world import World

KILLED_RUN = Path(__file__).with_name("killed_run.py")
MONTH = ("run", "monthly")
UNITS = 14
"""Of a month in one region: see `small`."""
HALF = UNITS // 2
ALL = range(UNITS, UNITS + 1)


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


def small(organisation: Founder, folder: Path, bucket: str | None = None) -> Organisation:
    """One region, one framework, four requirements: every step, in a third of the time."""
    return organisation(folder, regions=["eu-central-1"], frameworks=["soc2"], requirements=FOUR, bucket=bucket)


def kill(place: Organisation, point: Point, command: Collection[str] = MONTH) -> Path:
    """Run the command until it dies there; returns its Prefect home. Nothing that it started may live on."""
    environment = place.command_environment()
    program = [sys.executable, str(KILLED_RUN), point.moment, point.what, str(point.nth), *command]
    process = place.started(program, environment)
    output = process.communicate(timeout=200)
    assert process.returncode == -signal.SIGKILL, output
    deadline = time.monotonic() + 10
    while (left := living_of(place.folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == [], "a killed run left processes behind"
    return Path(environment["PREFECT_HOME"])


def is_as_killed(place: Organisation, point: Point) -> dict[Unit, Receipt]:
    """The vault holds what was written until then and nothing else; returns the receipts."""
    vault = place.vault()
    runs = vault.runs.runs()
    kept = {receipt.unit: receipt for state in runs for receipt in vault.receipts.all(state.run_id)}
    assert len(runs) == point.runs
    assert len(kept) in point.receipts
    assert len(list(vault.store.keys(vault.layout.entries))) == point.entries
    assert len(list(vault.store.keys(vault.layout.checkpoints))) == point.checkpoints
    return kept


def is_ended_as_if_undisturbed(place: Organisation, point: Point, world: World, undisturbed: Substance) -> None:
    """The next start of the slot, elsewhere, does what was left, and nothing that was done."""
    kept, before = is_as_killed(place, point), [state.run_id for state in place.runs()]
    settle(world)
    world.clear_accesses()

    done = place.evidence(*MONTH)

    assert done.returncode == 1, done.stderr
    gathered = place.gathered()
    assert [state.run_id for state in place.runs()] == (before or [gathered.state.run_id]), "one slot, one run"
    nothing_is_gathered_twice(world, kept, gathered)
    is_the_same(gathered, undisturbed)
    assert len(gathered.state.exports) == 1
    assert len(list((place.folder / "workbooks").glob("*.xlsx"))) == 1
    is_sound(place)
    assert living_of(place.folder) == []


def nothing_is_gathered_twice(world: World, kept: dict[Unit, Receipt], gathered: Gathered) -> None:
    """The account was asked exactly what the units without receipt say, and nothing of those that had one."""
    for unit, receipt in kept.items():
        assert gathered.receipts[unit] == receipt, "a unit with a receipt was gathered again"
    first, further = asked_by(gathered.vault, [row for unit, row in gathered.receipts.items() if unit not in kept])
    found = asked(world.accesses())
    assert first - found == Counter()
    assert Counter((name, region) for name, region, _ in (found - first).elements()) == further
    assert not found & asked_by(gathered.vault, kept.values())[0]


def is_the_same(gathered: Gathered, undisturbed: Substance) -> None:
    """Units, gather results, items, findings and outcomes, field by field."""
    found = substance_of(gathered)
    assert found.units == undisturbed.units
    assert found.items == undisturbed.items
    assert found.findings == undisturbed.findings
    assert found.outcomes == undisturbed.outcomes


def is_sound(place: Organisation) -> None:
    """The whole vault verifies by the pinned trust policy."""
    report = place.verified()
    assert (report.exit_code, report.problems) == (0, ())


def settle(world: World) -> None:
    """Wait for the answers that were on their way to a killed process: their lines are of its time."""
    seen = -1
    while seen != (seen := len(world.accesses())):
        time.sleep(0.2)
