"""What the fault tests compare with: the same month with nothing wrong, made once a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from comparing import Substance, substance_of
from slices import FIVE
from worlds import Founder, Gathered, with_credential_report

from flows.demo.account import fill_account
from flows.demo.world import World, simulated_world

pytest.register_assert_rewrite("killing", "truth", "told", "workbooks")

from killing import MONTH, UNITS, small  # noqa: E402 (rewritten before it is imported)

DAYS_WITH_LOG_FILES = 4


@pytest.fixture(scope="session")
def session_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with what the first eight requirements look at, and few log files: a month of them takes long to read."""
    now = datetime.now(UTC)
    last = now.date().replace(day=1) - timedelta(days=1)
    with simulated_world(tmp_path_factory.mktemp("world"), fill=False) as world:
        days = (last - timedelta(days=DAYS_WITH_LOG_FILES - 1), last)
        account = fill_account(world.account_url, now=now, log_days=days, whole=False)
        world.clear_accesses()
        yield with_credential_report(replace(world, account=account))


@pytest.fixture(scope="session")
def undisturbed_small(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Substance:
    """The month in one region."""
    place = small(organisation, tmp_path_factory.mktemp("undisturbed-small"))
    done = place.evidence(*MONTH)
    assert done.returncode == 1, done.stderr
    gathered = place.gathered()
    assert len(gathered.receipts) == UNITS
    return substance_of(gathered)


@pytest.fixture(scope="session")
def undisturbed(organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    """The month in both regions."""
    place = organisation(tmp_path_factory.mktemp("undisturbed"), frameworks=["soc2"], requirements=FIVE)
    done = place.evidence(*MONTH)
    assert done.returncode == 1, done.stderr
    gathered = place.gathered()
    assert all(receipt.result.is_complete for receipt in gathered.receipts.values())
    return gathered
