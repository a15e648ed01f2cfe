"""What is promised, and a sign of life where nothing was due: entries about the log itself, not about a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from evidence_schema.digest import Digest
from evidence_schema.models.entry import Heartbeat, ScheduleChange, Statement, Subject
from evidence_schema.models.schedule import Schedule
from evidence_schema.slots import Missing, missing, rules_of
from flows.errors import UsageError
from flows.settings import Settings
from flows.vault.log import LoggedEntry, NextEntry
from flows.vault.vault import Vault


class SlotDue(UsageError):
    """Something is due: a heartbeat would say otherwise."""

    exit_code = 1


def declare(vault: Vault, settings: Settings) -> tuple[Schedule, ...]:
    """Write a schedule-change for each schedule of the settings that the log does not have as its newest; which it was.

    A schedule that the settings no longer name stays in force: who ends one says so (`cadence: none`), and who decided.
    """
    wanted = [Schedule(**dict(promised)) for promised in settings.schedules]
    written = []
    while (entry := vault.log.append_unless(lambda following: _change(vault, wanted, following))) is not None:
        if isinstance(entry.predicate, ScheduleChange):
            written.append(entry.predicate.schedule)
    return tuple(written)


def standing(vault: Vault) -> dict[str, Schedule]:
    """The newest schedule of each id that the log has."""
    return {change.schedule.id: change.schedule for change in vault.runs.schedule_changes()}


def due(vault: Vault, now: datetime) -> list[Missing]:
    """Slots that are due now and were not filled; no grace: it is the auditor's, not ours."""
    changes = [(change.seq, change.time, change.schedule) for change in vault.runs.schedule_changes()]
    closed = sorted((state.slot, state.close.time) for state in vault.runs.runs() if state.close is not None)
    return list(missing(rules_of(changes), dict(closed), now, {}))


def heartbeat(vault: Vault, settings: Settings) -> LoggedEntry:
    """Write that nothing is due. Raises SlotDue where something is, UsageError where nothing was ever promised."""
    vault.repair()
    declare(vault, settings)
    if all(schedule.cadence == "none" for schedule in standing(vault).values()):
        raise UsageError(
            "expected a schedule, found none: that nothing was due would say nothing; state `schedules` in the settings"
        )

    def make(following: NextEntry) -> Statement:
        late = due(vault, following.time)
        if late:
            raise SlotDue(
                f"expected nothing to be due, found {', '.join(item.first for item in late)} due and not closed; run it"
            )
        if following.prev is None:
            raise UsageError("expected a log with an entry before a heartbeat, found an empty one")
        before = Subject.of(f"{following.seq - 1:012d}.dsse.json", following.prev)
        return Statement(subject=(before,), predicate=Heartbeat(**following.bare()))

    return vault.log.append(make)


def _change(vault: Vault, wanted: Sequence[Schedule], following: NextEntry) -> Statement | None:
    """The next change to write, when all entries that stand are known; None where none is left."""
    known = standing(vault)
    for schedule in wanted:
        if known.get(schedule.id) != schedule:
            subject = Subject.of("schedule.json", Digest.of(schedule.canonical()))
            return Statement(subject=(subject,), predicate=ScheduleChange(**following.bare(), schedule=schedule))
    return None
