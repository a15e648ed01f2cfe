"""Promises and signs of life in the log: written once, by whichever writer comes first, and never in place of a run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from vault_samples import Clock, closing, opening, run_id

from evidence_schema.models.entry import Heartbeat, ScheduleChange
from evidence_schema.models.schedule import Schedule
from flows.errors import UsageError
from flows.settings import PromisedSchedule, Settings
from flows.steps.scheduling import SlotDue, declare, heartbeat, standing
from flows.vault.vault import Vault

pytestmark = pytest.mark.sealing

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
MONTHLY = {"id": "monthly", "cadence": "monthly", "since": "2026-01-01T00:00:00Z", "approver": "compliance lead"}


def settings(*schedules: dict[str, Any]) -> Settings:
    return Settings.model_validate(
        {
            "organisation": "SIMULATED", "log": "clinic", "accounts": [{"id": "1"}], "regions": ["eu-central-1"],
            "vault": {"url": "vault"}, "keys": {"log": "file:k", "pseudonyms": "file:p"}, "schedules": list(schedules),
        }
    )  # fmt: skip


def types_of(vault: Vault) -> list[str]:
    return [entry.predicate.type for entry in vault.log.entries()]


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 10, 6, tzinfo=UTC))


@pytest.fixture
def place(folder_place: Any) -> Any:
    """A folder: a real server refuses locks that end before its own clock."""
    return folder_place


def test_a_schedule_is_written_once_and_again_where_it_changes(
    vault: Vault, another_vault: Callable[..., Vault]
) -> None:
    assert declare(vault, settings()) == ()
    assert [item.cadence for item in declare(vault, settings(MONTHLY))] == ["monthly"]
    assert declare(another_vault(), settings(MONTHLY)) == ()
    ended = MONTHLY | {"cadence": "none", "since": "2026-12-01T00:00:00Z"}
    assert [item.cadence for item in declare(another_vault(), settings(ended))] == ["none"]
    assert types_of(vault) == ["schedule-change", "schedule-change"]


def test_a_schedule_that_the_settings_no_longer_name_stays_in_force(vault: Vault) -> None:
    declare(vault, settings(MONTHLY))
    assert declare(vault, settings()) == ()
    assert standing(vault)["monthly"] == Schedule(**MONTHLY)


def test_writers_at_once_leave_one_schedule_in_the_log(another_vault: Callable[..., Vault], vault: Vault) -> None:
    vaults = [another_vault() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: declare(one, settings(MONTHLY)), vaults))
    assert types_of(vault) == ["schedule-change"]


def test_a_heartbeat_says_that_nothing_is_due(vault: Vault, clock: Clock) -> None:
    assert heartbeat(vault, settings(MONTHLY)).seq == 1
    clock.advance(timedelta(days=1))
    heartbeat(vault, settings(MONTHLY))
    assert types_of(vault) == ["schedule-change", "heartbeat", "heartbeat"]


def test_no_heartbeat_is_written_while_a_slot_is_due(vault: Vault, clock: Clock) -> None:
    declare(vault, settings(MONTHLY))
    clock.advance(timedelta(days=25))
    with pytest.raises(SlotDue, match="monthly/2026-11") as told:
        heartbeat(vault, settings(MONTHLY))
    assert told.value.exit_code == 1

    vault.runs.open_or_join("monthly/2026-11", opening(1))
    with pytest.raises(SlotDue):
        heartbeat(vault, settings(MONTHLY))
    vault.runs.close(run_id(1), closing(1))
    heartbeat(vault, settings(MONTHLY))
    assert types_of(vault) == ["schedule-change", "run-open", "run-close", "heartbeat"]


@pytest.mark.parametrize("schedules", [(), (MONTHLY | {"cadence": "none"},)])
def test_where_nothing_was_promised_a_heartbeat_would_say_nothing(vault: Vault, schedules: Any) -> None:
    with pytest.raises(UsageError, match="expected a schedule"):
        heartbeat(vault, settings(*schedules))
    assert Heartbeat.model_fields["type"].default not in types_of(vault)


def test_runs_go_on_beside_entries_about_the_log(vault: Vault, another_vault: Callable[..., Vault]) -> None:
    declare(vault, settings(MONTHLY))
    vault.runs.open_or_join("monthly/2026-11", opening(1))
    later = another_vault()
    assert later.runs.run_of("monthly/2026-11") is not None
    assert [change.schedule.id for change in later.runs.schedule_changes()] == ["monthly"]
    assert isinstance(next(later.log.entries()).predicate, ScheduleChange)


def test_only_a_schedule_that_this_program_can_keep_may_be_promised() -> None:
    for wrong in ({"cadence": "daily"}, {"id": "nightly"}, {"approver": "Jane Doe"}):
        with pytest.raises(ValueError, match="validation error"):
            PromisedSchedule.model_validate(MONTHLY | wrong)
