"""What all tests share: reference material, figures to tell, repeated properties, and one simulated world a worker."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from prefect_server import shared_url
from sharing import SharedFiles, longest_first, scheduler
from worlds import NO_PREFECT, PROJECT, Founder, plain_environment, world_with_few_log_files

from flows.demo.world import World
from flows.memory import set_loaded_apart

# `pytest --hypothesis-profile=explore` looks for new examples instead of repeating the same ones.
settings.register_profile(
    "repeat", database=None, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False, max_examples=5_000)
settings.load_profile("repeat")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedFiles | None:
    return scheduler(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


def pytest_collection_finish() -> None:
    """Modules and models stay: the collector of cycles need not look through them in each test."""
    gc.collect()
    set_loaded_apart()


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`figure("JCS (RFC 8785): 6 of 6")`: what was measured, printed below the results of all workers."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = (report for reports in terminalreporter.stats.values() for report in reports)
    told = {text for report in reports for name, text in getattr(report, "user_properties", ()) if name == "figure"}
    if told:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(sorted(told)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of vectors, real data and catalogues that lies beside the project."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no folder ../shared beside the project: its vectors and data are not part of it")
    return folder


@pytest.fixture(scope="session")
def session_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The simulated world of this worker, filled as of now: what the first eight requirements look at."""
    with world_with_few_log_files(tmp_path_factory.mktemp("world"), whole=False) as world:
        yield world


@pytest.fixture
def world(session_world: World) -> Iterator[World]:
    """The world without faults and with an empty access log, before and after."""
    session_world.faults.clear()
    session_world.clear_accesses()
    yield session_world
    session_world.faults.clear()


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Prefect server for all runs of all workers: one of its own would cost each run ten seconds."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return shared_url(base / "prefect", os.getpid(), plain_environment(base / "home"))
    return shared_url(base.parent / "prefect", os.getppid(), plain_environment(base.parent / "home"))


@pytest.fixture(scope="session")
def organisation(session_world: World, prefect_url: str, tmp_path_factory: pytest.TempPathFactory) -> Founder:
    """`organisation(folder, ...)`: an `evidence init`-ed folder with a vault of its own."""
    return Founder(session_world, prefect_url, tmp_path_factory.mktemp("founded"))


@pytest.fixture(scope="session")
def unorchestrated(session_world: World, tmp_path_factory: pytest.TempPathFactory) -> Founder:
    """The same, for tests that start no flow."""
    return Founder(session_world, NO_PREFECT, tmp_path_factory.mktemp("unorchestrated"))
