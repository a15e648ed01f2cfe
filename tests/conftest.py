"""What all tests share: reference material, figures to tell, repeated properties, and one simulated world a worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from worlds import PROJECT, Founder, plain_environment, with_credential_report

from flows.demo.world import World, simulated_world

# `pytest --hypothesis-profile=explore` looks for new examples instead of repeating the same ones.
settings.register_profile(
    "repeat", database=None, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False, max_examples=5_000)
settings.load_profile("repeat")


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
    """The simulated world of this worker, filled as of now; it takes some ten seconds to start."""
    with simulated_world(tmp_path_factory.mktemp("world"), now=datetime.now(UTC)) as world:
        yield with_credential_report(world)


@pytest.fixture
def world(session_world: World) -> Iterator[World]:
    """The world without faults and with an empty access log, before and after."""
    session_world.faults.clear()
    session_world.clear_accesses()
    yield session_world
    session_world.faults.clear()


@pytest.fixture(scope="session")
def prefect_url(session_world: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Prefect server for all runs of this worker: one of its own would cost each of them ten seconds."""
    folder = tmp_path_factory.mktemp("prefect")
    with mock.patch.dict(os.environ, plain_environment(folder) | {"PREFECT_HOME": str(folder)}, clear=True):
        from flows.prefect_api import start_api  # Prefect reads the environment when it is imported

        return start_api(session_world.children, folder)


@pytest.fixture(scope="session")
def organisation(session_world: World, prefect_url: str, tmp_path_factory: pytest.TempPathFactory) -> Founder:
    """`organisation(folder, ...)`: an `evidence init`-ed folder with a vault of its own."""
    return Founder(session_world, prefect_url, tmp_path_factory.mktemp("founded"))
