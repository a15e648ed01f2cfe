"""`make bench`: ratios against a bare baseline measured in the same run, in turn, so that a noisy machine hurts both.

    python -m tests.benchmarks [--rounds N] [--scales 1,5] [--only PART] [--artifacts 10000]

1. The same units through Prefect and through a bare thread pool: at most 1.2 times as long, and 15 ms a task.
2. `evidence --help` against a bare typer application: at most 1.3 times the processor time.
3. The whole plan, three frameworks at once, in one region: at most 25 s and 300 MB, with Prefect's API beside it. The
   median of three runs is judged, each with a vault of its own, and all are printed: a machine that others share is now
   quick, now slow, and the emulated account still loads its services in the first.
4. The same in accounts of 5 and 50 times the size: at most 1.2 times the memory. 50 times takes some six minutes on
   two quiet cores, two of them to fill the emulated account; `--scales 1,5` leaves it out.
5. Redaction against bare canonicalisation of the same answers: at most 25 times as long.
6. Integrity: artifacts put by the vault against bare puts with the same headers, a bucket verified against its objects
   bare read and hashed, and vaults of 10,000 and 100,000 artifacts verified: time, memory. `--only integrity` runs this
   part alone, `--artifacts 10000` without the large vault. Its limits stand in `integrity.py`.

Parts for `--only`: orchestration, redaction, whole, help, integrity.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.steps.gathering import Gathering
    from tests.benchmarks.whole_plan import Measured

QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
MOST_TIMES, MOST_MS_A_TASK, MOST_HELP = 1.2, 15.0, 1.3
MOST_SECONDS, MOST_MB, MOST_GROWTH = 25.0, 300.0, 1.2
RUNS = 3
SCALES = (1, 5, 50)
MOST_REDACTION = 25.0
PARTS = ("orchestration", "redaction", "integrity", "whole", "help")
BARE = """
import typer
app = typer.Typer()
@app.command()
def one() -> None: ...
@app.command()
def two() -> None: ...
app(['--help'])
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scales", type=_scales, default=SCALES, help="account sizes, the first one to compare with")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--artifacts", type=_scales, default=(10_000, 100_000), help="sizes of the vaults to verify")
    arguments = parser.parse_args()
    os.environ.update(QUIET)
    chosen = (arguments.only,) if arguments.only else PARTS
    passed = [part(name, arguments) for name in chosen]  # every one, whatever another came to
    return 0 if all(passed) else 1


def part(name: str, arguments: argparse.Namespace) -> bool:
    """Measure one part; whether it is within its limits."""
    rounds: int = arguments.rounds
    print(f"\n{name}; a bare loop of ten million additions takes {bare_loop():.2f} s here and now", flush=True)
    if name == "orchestration":
        with tempfile.TemporaryDirectory() as folder:
            return orchestration(Path(folder), rounds)
    if name == "redaction":
        return redaction_cost(2 * rounds)
    if name == "whole":
        return whole(arguments.scales)
    if name == "help":
        return help_cost(2 * rounds)
    from tests.benchmarks.integrity import integrity

    return integrity(min(rounds, 3), arguments.artifacts)


def bare_loop() -> float:
    """Seconds, the median of five: neighbours on the same hardware can double what figures in seconds show."""

    def once() -> float:
        total, began = 0, time.perf_counter()
        for number in range(10_000_000):
            total += number
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(5))


def _scales(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def whole(scales: tuple[int, ...]) -> bool:
    """A month of everything, by the command line, in an account and in larger ones."""
    first, passed = measured(scales[0], RUNS if scales[0] == 1 else 1), True
    if scales[0] == 1:
        passed = judged("seconds of the whole plan, the median run", statistics.median(first.seconds), MOST_SECONDS)
        passed &= judged("MB at most", first.peak_mb, MOST_MB)
    for scale in scales[1:]:
        grown = measured(scale).peak_mb / first.peak_mb
        passed &= judged(f"memory at {scale} times the account / at {scales[0]}", grown, MOST_GROWTH)
    return passed


def measured(scale: int, runs: int = 1) -> Measured:
    """Runs of the whole plan in one world of their own."""
    from tests.benchmarks.whole_plan import whole_plan

    with tempfile.TemporaryDirectory() as folder:
        found = whole_plan(Path(folder), scale, runs)
    seconds = ", ".join(f"{seconds:.1f} s" for seconds in found.seconds)
    results = ", ".join(f"{count} {result}" for result, count in sorted(found.results.items()))
    print(f"account x {scale}, filled in {found.fill_s:.0f} s: the whole plan in one region, {found.units} units "
          f"({results}), {found.calls:,} calls, {found.items:,} items, {found.findings:,} findings, three workbooks: "
          f"{seconds}, {found.peak_mb} MB; Prefect's API: start {found.api_start_s:.1f} s, "
          f"{found.api_peak_mb} MB", flush=True)  # fmt: skip
    return found


def orchestration(folder: Path, rounds: int) -> bool:
    """Prefect against a bare thread pool, each round with runs of its own in one vault."""
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    from flows.demo.world import simulated_world
    from flows.prefect_api import prefect_api

    with simulated_world(folder / "world") as world, prefect_api(folder / "prefect") as api_s:
        os.environ.update(world.account_environment())
        make = gatherings(folder)
        warm = make()
        tasks = len(warm.preflights) + len(warm.others)
        through_pool(warm)
        pool, prefect, flow_runs = [], [], []
        for _ in range(rounds):
            pool.append(through_pool(make()))
            inside, around = through_prefect(make())
            prefect.append(inside)
            flow_runs.append(around)
        nothing = bare_task_ms()
    ratio = statistics.median(a / b for a, b in zip(prefect, pool, strict=True))
    a_task = 1000 * statistics.median(a - b for a, b in zip(prefect, pool, strict=True)) / tasks
    print(f"Prefect's API start: {api_s:.1f} s; a flow run's own start and end: {statistics.median(flow_runs):.2f} s")
    print(f"{tasks} tasks, {len(warm.receipts())} units, {rounds} rounds, median seconds: "
          f"thread pool {statistics.median(pool):.2f}, Prefect {statistics.median(prefect):.2f}")  # fmt: skip
    print(f"a task that does nothing: {nothing:.1f} ms")
    passed = judged("Prefect / thread pool", ratio, MOST_TIMES)
    return judged("ms a task above the pool", a_task, MOST_MS_A_TASK) and passed


def gatherings(folder: Path) -> Callable[[], Gathering]:
    """Makes a new run to gather, in a directory vault."""
    from evidence_schema.models.names import Trigger
    from evidence_schema.models.unit import Selection
    from flows.observing import Silent
    from flows.steps.founding import Founding, found
    from flows.steps.gathering import Gathering
    from flows.steps.opening import RunRequest, open_run
    from flows.steps.periods import adhoc_slot, month_before, month_period
    from flows.steps.runtime import open_runtime
    from flows.steps.sources import collector_for

    config = folder / "evidence.yaml"
    found(
        Founding(
            config=config, organisation="SIMULATED", log="simulated-bench", accounts=("111122223333",),
            regions=("eu-central-1", "us-east-1"), vault=str(folder / "vault"), endpoint=None, keys=folder / "keys",
            frameworks=(), simulated=True,
        )
    )  # fmt: skip
    runtime = open_runtime(config)

    def make() -> Gathering:
        period = month_period(month_before(runtime.clock()))
        run = open_run(runtime, RunRequest(adhoc_slot(), Trigger.AD_HOC, Selection(), period))
        return Gathering(run, runtime.vault, collector_for(run, runtime.clock), runtime.clock, Silent())

    return make


def through_pool(gathering: Gathering) -> float:
    from flows.tasks import TASKS_AT_A_TIME

    began = time.monotonic()
    with ThreadPoolExecutor(TASKS_AT_A_TIME) as pool:
        for keys in (gathering.preflights, gathering.others):
            for future in [pool.submit(gathering.gather, key.service, key.account, key.region) for key in keys]:
                future.result()
    return time.monotonic() - began


def bare_task_ms(tasks: int = 100) -> float:
    """Milliseconds of a task that does nothing: what Prefect itself takes for one."""
    from prefect import flow

    from flows.tasks import RUNNER, gather_task

    def bench() -> float:
        gather = gather_task(lambda service, account, region: "")
        began = time.monotonic()
        for future in [gather.submit("none", "none", str(number)) for number in range(tasks)]:
            future.result()
        return time.monotonic() - began

    return 1000 * flow(bench, name="bench", task_runner=RUNNER)() / tasks


def through_prefect(gathering: Gathering) -> tuple[float, float]:
    """Seconds of the tasks, and seconds that the flow run itself takes around them."""
    from prefect import flow

    from flows.collect_evidence import gather_all
    from flows.tasks import RUNNER

    def bench() -> float:
        began = time.monotonic()
        gather_all(gathering)
        return time.monotonic() - began

    began = time.monotonic()
    inside = flow(bench, name="bench", task_runner=RUNNER)()
    return inside, time.monotonic() - began - inside


def help_cost(rounds: int) -> bool:
    """Processor seconds of `evidence --help` and of a bare typer application, in turn."""
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(cpu_seconds([sys.executable, "-c", BARE]))
        ours.append(cpu_seconds([sys.executable, "-m", "flows.cli", "--help"]))
    medians = f"bare {statistics.median(bare):.3f}, ours {statistics.median(ours):.3f}"
    print(f"--help, median processor seconds of {rounds}: {medians}")
    return judged("evidence --help / bare typer", statistics.median(ours) / statistics.median(bare), MOST_HELP)


def redaction_cost(rounds: int) -> bool:
    """Processor seconds of redaction and of bare canonicalisation, over the demonstration's answers made by hand."""
    from evidence_schema.canonical import canonical_bytes
    from flows.collectors import cutting
    from flows.collectors.plain import plain
    from flows.collectors.redaction import Redactor
    from flows.demo.hand_made import answer_files

    answers = [plain(entry.answer) for file in answer_files() for entries in file.answers.values()
               for entry in entries if entry.answer is not None]  # fmt: skip
    size = sum(len(canonical_bytes(answer)) for answer in answers)
    redactor, ours, bare = Redactor(), [], []
    for _ in range(rounds):
        bare.append(cpu_of(lambda: [canonical_bytes(answer) for answer in answers]))
        cutting.forget()  # each round as the first of a process
        ours.append(cpu_of(lambda: [redactor.answer("x:Y", answer) for answer in answers]))
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    speeds = [size / statistics.median(times) / 1e6 for times in (bare, ours)]
    print(f"{len(answers)} answers, {size:,} bytes: canonical {speeds[0]:.1f} MB/s, redaction {speeds[1]:.1f} MB/s")
    return judged("redaction / canonicalisation", ratio, MOST_REDACTION)


def cpu_of(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def cpu_seconds(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    return (after.children_user + after.children_system) - (before.children_user + before.children_system)


def judged(what: str, value: float, most: float) -> bool:
    print(f"{what}: {value:.2f} (at most {most:g}) {'ok' if value <= most else 'ABOVE'}")
    return value <= most


if __name__ == "__main__":
    sys.exit(main())
