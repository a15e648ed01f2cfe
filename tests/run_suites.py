"""Run every suite, print the time of each, and fail above its budget: `python tests/run_suites.py [suite ...]`.

The budgets are for two cores (CONTRIBUTING.md). A suite that runs no test fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Suite:
    """Commands that belong together, and the minutes they may take."""

    name: str
    minutes: float
    commands: tuple[tuple[str, ...], ...]


SLOWEST = ("--durations=5", "--durations-min=5")
"""Tell where a suite's time went: what is too slow on another machine cannot be looked at there."""


def pytest(marks: str, *folders: str, workers: int = 2, dist: str = "loadfile") -> tuple[str, ...]:
    """The tests so marked, below these folders only, since to collect all takes each worker ten seconds."""
    return (str(BIN / "python"), "-m", "pytest", "-m", marks, "-n", str(workers), "--dist", dist, *SLOWEST, *folders)


# Where the tests of a mark lie (tests/test_suites.py holds them to it).
SEALING = ("tests/evidence_schema", "tests/flows", "tests/tamper", "tests/vault")
JOURNEYS = ("tests/journeys", "tests/package")
FAULTS = ("tests/faults", "tests/tamper")

# Journeys and faults wait for servers and other processes a quarter of their time: a third worker uses it.
SUITES = (
    Suite(
        "lint and types",
        3,
        (
            (str(BIN / "ruff"), "check", "."),
            (str(BIN / "ruff"), "format", "--check", "."),
            (str(BIN / "mypy"),),
        ),
    ),
    Suite("unit", 5, (pytest("not sealing and not journey and not faults and not whole and not thorough"),)),
    Suite("sealing", 4, (pytest("sealing and not thorough", *SEALING),)),
    Suite("journeys", 8, (pytest("journey", *JOURNEYS, workers=3),)),
    Suite("faults", 4, (pytest("faults and not thorough", *FAULTS, workers=3),)),
)
# The full counts of the faults, by hand: a kill at every step boundary; every action and operation of the whole plan.
BY_HAND = (
    Suite("thorough", 15, (pytest("thorough"),)),
    Suite("whole", 25, (pytest("whole", dist="load"),)),
)

# Tests meet no cloud credentials and no telemetry, whatever the shell that started them has.
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "AWS_EC2_METADATA_DISABLED": "true"}
# Many processes import the same modules: whatever this machine is told about byte code, they may keep it.
DROPPED = ("AWS_", "EVIDENCE_", "PREFECT_API", "PYTHONDONTWRITEBYTECODE")


def environment() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(DROPPED) or name == "AWS_CA_BUNDLE"
    }
    return kept | QUIET


def run(suite: Suite) -> tuple[bool, float]:
    began = time.monotonic()
    passed = True
    for command in suite.commands:
        print(f"\n--- {suite.name}: {Path(command[0]).name} {' '.join(command[1:])}", flush=True)
        passed &= subprocess.run(command, cwd=PROJECT, env=environment(), check=False).returncode == 0
    return passed, time.monotonic() - began


def main(names: list[str]) -> int:
    known = (*SUITES, *BY_HAND)
    chosen = [suite for suite in known if suite.name in (names or [suite.name for suite in SUITES])]
    if not chosen:
        print(f"expected suites out of {', '.join(suite.name for suite in known)}, found {' '.join(names)}")
        return 2
    failed = []
    lines = []
    for suite in chosen:
        passed, seconds = run(suite)
        late = seconds > 60 * suite.minutes
        if late or not passed:
            failed.append(suite.name)
        word = "FAILED" if not passed else "TOO SLOW" if late else "passed"
        lines.append(f"{suite.name:<16} {word:<9} {seconds:6.1f} s of {60 * suite.minutes:.0f} s")
    if not names:
        print("\nnot run here: the full counts of the faults (make suite-thorough, make suite-whole)")
    print("\n" + "\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
