"""The whole plan by the command line, in one region: seconds, and the most memory that the process had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controls.documents import dump_yaml, load_yaml
from flows.demo.facts import supplied_facts
from flows.demo.world import World, simulated_world

REGION = "eu-central-1"
COMMAND = (sys.executable, "-m", "flows.cli")


@dataclass(frozen=True)
class Measured:
    """What one run took, and what stood beside it."""

    seconds: tuple[float, ...]
    """Of each run, the first while the emulated account still loaded its services."""
    peak_mb: int
    """The most that any of the runs had."""
    units: int
    results: Mapping[str, int]
    items: int
    findings: int
    calls: int
    fill_s: float
    api_start_s: float
    api_peak_mb: int


@dataclass(frozen=True)
class _Run:
    seconds: float
    peak_mb: int
    summary: Mapping[str, Any]
    calls: int


def whole_plan(folder: Path, scale: int = 1, runs: int = 1) -> Measured:
    """Found, then `evidence run monthly` with Prefect's API running already, as it does where there is a server.

    `scale`: so many times the users, roles, buckets, databases, volumes, groups and events of the emulated account.
    `runs`: so many times over, each with a vault of its own.
    """
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    from flows.prefect_api import start_api

    filling = time.monotonic()
    with simulated_world(folder / "world", scale=scale) as world:
        began = time.monotonic()
        fill_s = began - filling
        url = start_api(world.children, folder / "prefect")
        start_s = time.monotonic() - began
        done = [_run(folder / f"run-{number}", world, url) for number in range(runs)]
        api = next(pid for pid in _pids() if " -m uvicorn --factory prefect.server" in _command(pid)[:200])
        items, findings = _counted(folder / "run-0")
        return Measured(
            seconds=tuple(run.seconds for run in done),
            peak_mb=max(run.peak_mb for run in done),
            units=done[0].summary["units"],
            results=done[0].summary["results"],
            items=items,
            findings=findings,
            calls=done[0].calls,
            fill_s=fill_s,
            api_start_s=start_s,
            api_peak_mb=_peak_mb(api),
        )


def _run(folder: Path, world: World, api_url: str) -> _Run:
    """One month of a vault of its own."""
    folder.mkdir()
    environment = {
        **os.environ,
        **world.account_environment(),
        "EVIDENCE_CONFIG": str(folder / "evidence.yaml"),
        "PREFECT_API_URL": api_url,
    }
    _found(folder, world, environment)
    world.clear_accesses()
    began = time.monotonic()
    with (folder / "told.json").open("w") as told:
        run = subprocess.Popen(
            [*COMMAND, "run", "monthly", "--json"], cwd=folder, env=environment, stdout=told, stderr=subprocess.DEVNULL
        )
        peak = 0
        while run.poll() is None:
            peak = max(peak, _peak_mb(run.pid))
            time.sleep(0.05)
    seconds = time.monotonic() - began
    return _Run(seconds, peak, json.loads((folder / "told.json").read_text()), len(world.accesses()))


def _found(folder: Path, world: World, environment: dict[str, str]) -> None:
    subprocess.run(
        [*COMMAND, "init", "--organisation", "SIMULATED", "--log", "simulated-bench", "--account",
         world.filled.account, "--region", REGION, "--keys", "keys", "--simulated"],
        cwd=folder, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    config = folder / "evidence.yaml"
    config.write_text(dump_yaml(load_yaml(config).data | {"facts": supplied_facts()}), encoding="utf-8")


def _counted(folder: Path) -> tuple[int, int]:
    """Items that were gathered, and findings."""
    from flows.steps.judging import closed_of, find_run, receipts_of
    from flows.steps.runtime import open_runtime

    vault = open_runtime(folder / "evidence.yaml").vault
    state = find_run(vault, None)
    counts = state.judged.counts if state.judged else {}
    items = sum(receipt.items.kept for receipt in receipts_of(vault, closed_of(state)))
    return items, sum(count for name, count in counts.items() if name.startswith("finding "))


def _peak_mb(pid: int) -> int:
    """The most memory that the process had until now; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
