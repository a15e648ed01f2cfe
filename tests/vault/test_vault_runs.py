"""Starting, joining, ending and giving up runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from conftest import Place
from vault_samples import Clock, LosesReplies, closing, judging, opening, run_id

from evidence_schema.models.entry import RunOpen, Statement
from flows.vault.errors import WrongRun
from flows.vault.log import NextEntry
from flows.vault.vault import Vault

pytestmark = pytest.mark.sealing

Another = Callable[..., Vault]
SLOT = "monthly/2026-11"


def types(vault: Vault) -> list[str]:
    return [entry.predicate.type for entry in vault.log.entries()]


def test_a_start_opens_a_run_and_the_next_start_joins_it(vault: Vault, another_vault: Another) -> None:
    first = vault.runs.open_or_join(SLOT, opening(1))
    second = another_vault().runs.open_or_join(SLOT, opening(2))
    assert (first.joined, second.joined) == (False, True)
    assert second.run == first.run
    assert types(vault) == ["run-open"]


def test_who_loses_the_race_reads_again_and_joins(vault: Vault, another_vault: Another) -> None:
    """Both have looked and found no open run; the other one writes first."""
    other = another_vault()

    def late(following: NextEntry) -> Statement:
        other.runs.open_or_join(SLOT, opening(2))
        return opening(1)(following)

    started = vault.runs.open_or_join(SLOT, late)
    assert (started.joined, started.run.run_id) == (True, run_id(2))
    assert types(vault) == ["run-open"]


def test_a_race_with_another_slot_opens_both(vault: Vault, another_vault: Another) -> None:
    other = another_vault()

    def late(following: NextEntry) -> Statement:
        if following.seq == 0:
            other.runs.open_or_join("adhoc/0002", opening(2, "adhoc/0002"))
        return opening(1)(following)

    started = vault.runs.open_or_join(SLOT, late)
    assert (started.joined, started.run.open.seq) == (False, 1)
    assert [run.slot for run in vault.runs.runs()] == ["adhoc/0002", SLOT]


def test_an_opening_whose_reply_was_lost_stands_once(place: Place, vault: Vault, another_vault: Another) -> None:
    lossy = LosesReplies(place.open(), lambda key: "/entry/" in key)
    started = another_vault(lossy).runs.open_or_join(SLOT, opening(1))
    assert (started.joined, started.run.run_id) == (False, run_id(1))
    assert types(vault) == ["run-open"]


def test_a_slot_that_is_closed_is_filled_and_opened_by_no_further_start(vault: Vault, another_vault: Another) -> None:
    """Even where the other has closed it between our look and our entry."""
    vault.runs.open_or_join(SLOT, opening(1))
    closed = vault.runs.close(run_id(1), closing(1))
    assert vault.runs.open_or_join(SLOT, opening(2)).run == closed

    def late(following: NextEntry) -> Statement:
        other = another_vault()
        other.runs.open_or_join("adhoc/late", opening(3, "adhoc/late"))
        other.runs.close(run_id(3), closing(3, "adhoc/late"))
        return opening(2, "adhoc/late")(following)

    started = vault.runs.open_or_join("adhoc/late", late)
    assert (started.joined, started.run.run_id, started.run.is_open) == (True, run_id(3), False)


def test_a_closed_slot_can_be_run_again_and_both_stay_visible(vault: Vault) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    assert vault.runs.close(run_id(1), closing(1)).close is not None
    again = vault.runs.open_or_join(SLOT, opening(2), again=True)
    assert not again.joined
    assert [(run.run_id, run.is_open) for run in vault.runs.runs()] == [(run_id(1), False), (run_id(2), True)]


def test_two_who_joined_close_the_run_once(vault: Vault, another_vault: Another) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    other = another_vault()
    other.runs.open_or_join(SLOT, opening(2))
    first = vault.runs.close(run_id(1), closing(1))
    second = other.runs.close(run_id(1), closing(1))
    assert first.close == second.close
    assert types(vault) == ["run-open", "run-close"]


def test_a_run_is_judged_once_and_only_when_closed(vault: Vault) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    with pytest.raises(WrongRun, match="closed before it is judged"):
        vault.runs.judge(run_id(1), judging(1))
    vault.runs.close(run_id(1), closing(1))
    vault.runs.judge(run_id(1), judging(1))
    assert vault.runs.judge(run_id(1), judging(1)).judged is not None
    assert types(vault) == ["run-open", "run-close", "judged"]


def test_a_run_left_open_is_abandoned_by_another_slot_after_the_window(vault: Vault, clock: Clock) -> None:
    vault.runs.open_or_join("adhoc/left", opening(1, "adhoc/left"))
    clock.advance(timedelta(hours=23))
    vault.runs.open_or_join("adhoc/soon", opening(2, "adhoc/soon"))
    assert "run-abandoned" not in types(vault)
    clock.advance(timedelta(hours=2))
    vault.runs.open_or_join(SLOT, opening(3))
    assert types(vault) == ["run-open", "run-open", "run-abandoned", "run-open"]
    left = vault.runs.run(run_id(1))
    assert left is not None
    assert left.abandoned is not None
    assert (left.is_open, left.abandoned.reason) == (False, "resume window passed")
    assert left.abandoned.slot == "adhoc/left"


def test_its_own_slot_resumes_a_run_however_old(vault: Vault, clock: Clock) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    clock.advance(timedelta(days=3))
    assert vault.runs.open_or_join(SLOT, opening(2)).joined


def test_an_operator_gives_up_a_run_only_after_the_window(vault: Vault, clock: Clock) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    with pytest.raises(WrongRun, match="resume it"):
        vault.runs.abandon(run_id(1))
    clock.advance(timedelta(hours=25))
    for _ in range(2):
        state = vault.runs.abandon(run_id(1))
        assert state.abandoned is not None
        assert state.abandoned.reason == "operator"
    assert types(vault) == ["run-open", "run-abandoned"]
    assert vault.runs.run_of(SLOT) is None


def test_an_abandoned_run_is_not_closed_after_all(vault: Vault, another_vault: Another, clock: Clock) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    clock.advance(timedelta(hours=25))
    another_vault().runs.abandon(run_id(1))
    with pytest.raises(WrongRun, match="abandoned"):
        vault.runs.close(run_id(1), closing(1))
    assert types(vault) == ["run-open", "run-abandoned"]


def test_a_closed_run_is_not_given_up(vault: Vault, clock: Clock) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    vault.runs.close(run_id(1), closing(1))
    clock.advance(timedelta(hours=25))
    with pytest.raises(WrongRun, match=r"found .* closed"):
        vault.runs.abandon(run_id(1))


def test_an_unknown_run_is_an_error_not_an_open_one(vault: Vault) -> None:
    assert vault.runs.run(run_id(9)) is None
    with pytest.raises(WrongRun, match="evidence status"):
        vault.runs.close(run_id(9), closing(9))


def test_an_entry_for_another_run_is_refused(vault: Vault) -> None:
    vault.runs.open_or_join(SLOT, opening(1))
    with pytest.raises(WrongRun, match="RunClose of"):
        vault.runs.close(run_id(1), closing(2))
    with pytest.raises(WrongRun, match="opening of slot"):
        vault.runs.open_or_join("adhoc/else", opening(2))


def test_a_start_writes_the_checkpoint_that_a_dead_writer_owed(
    place: Place, vault: Vault, another_vault: Another
) -> None:
    lossy = LosesReplies(place.open(), lambda key: "/checkpoint/" in key, before=True)
    another_vault(lossy).log.append(opening(1, "adhoc/dead"))
    vault.runs.open_or_join(SLOT, opening(2))
    assert [vault.layout.checkpoint_size(key) for key in vault.store.keys(vault.layout.checkpoints)] == [1, 2]


def test_the_state_is_typed(vault: Vault) -> None:
    state = vault.runs.open_or_join(SLOT, opening(1)).run
    assert isinstance(state.open, RunOpen)
    assert (state.slot, state.run_id, state.exports) == (SLOT, run_id(1), ())
