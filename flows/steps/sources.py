"""The collector of a run, by its sealed declarations and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from flows.collectors.aws.engine import AwsCollector
from flows.collectors.aws.session import AwsSessions
from flows.collectors.aws.settings import AccountAccess, AwsSettings
from flows.collectors.errors import CollectorError
from flows.collectors.registry import Kinds
from flows.settings import Settings
from flows.steps.gathering import CollectorOfUnits
from flows.steps.opening import Run
from flows.steps.periods import new_run_id


def collector_for(run: Run, clock: Callable[[], datetime]) -> CollectorOfUnits:
    """The AWS collector; later connectors join here."""
    return _aws(run.kinds, run.settings, clock)


def principals(
    settings: Settings, kinds: Kinds, clock: Callable[[], datetime]
) -> Iterator[tuple[str, str | CollectorError]]:
    """Who we are in each account, or why we are nobody there."""
    collector = _aws(kinds, settings, clock)
    run_id = new_run_id(clock())
    for account in settings.accounts:
        try:
            yield account.id, collector.principal(account.id, run_id)
        except CollectorError as error:
            yield account.id, error


def denied(
    settings: Settings, kinds: Kinds, actions: Sequence[str], clock: Callable[[], datetime]
) -> Iterator[tuple[str, tuple[str, ...] | CollectorError]]:
    """The actions that each account denies us, or why that cannot be told."""
    collector = _aws(kinds, settings, clock)
    run_id = new_run_id(clock())
    for account in settings.accounts:
        try:
            yield account.id, collector.denied(account.id, run_id, actions)
        except CollectorError as error:
            yield account.id, error


def _aws(kinds: Kinds, settings: Settings, clock: Callable[[], datetime]) -> AwsCollector:
    asking = AwsSettings(
        concurrency=settings.aws.concurrency,
        deadline_s=settings.aws.deadline_s,
        home_region=settings.first_region,
        opted_in=frozenset(settings.opt_in),
    )
    accounts = {account.id: AccountAccess(account.id, role_arn=account.role) for account in settings.accounts}
    return AwsCollector(kinds, AwsSessions(accounts, asking), settings=asking, clock=clock)
