"""The collector of AWS kinds, as the task layer sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from evidence_schema.models.unit import PlannedUnit
from flows.collectors.aws.identity import Identity, what_to_try
from flows.collectors.aws.limits import Limits, shared_limits
from flows.collectors.aws.modules import MODULES
from flows.collectors.aws.permissions import denied_actions
from flows.collectors.aws.session import Sessions
from flows.collectors.aws.settings import AwsSettings
from flows.collectors.aws.task import Task, Tools
from flows.collectors.aws.validation import Validator
from flows.collectors.errors import CredentialsRefused
from flows.collectors.gathered import Gathered, GatherRequest
from flows.collectors.registry import Kinds
from flows.collectors.source import TranscriptOf


class AwsCollector:
    """Safe with threads: several tasks may gather through one collector."""

    def __init__(
        self,
        kinds: Kinds,
        sessions: Sessions,
        *,
        settings: AwsSettings,
        clock: Callable[[], datetime],
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._kinds = kinds
        self._validator = Validator(kinds, sessions, frozenset(MODULES))
        self._identity = Identity(sessions, settings.home_region)
        self._tools = Tools(
            kinds=kinds,
            sessions=sessions,
            settings=settings,
            clock=clock,
            limits=limits or shared_limits(settings.concurrency),
            monotonic=monotonic,
            sleep=sleep,
            validator=self._validator,
            identity=self._identity,
        )

    def validate(self) -> None:
        """Check every declaration against botocore's models; raises BadKind. A unit's own is checked in any case."""
        self._validator.check_all()

    def principal(self, account: str, run_id: str) -> str:
        """Who calls, by STS, asked once for each account and run; raises CredentialsRefused with what to try."""
        return self._identity.principal(account, run_id)

    def denied(self, account: str, run_id: str, actions: Sequence[str]) -> tuple[str, ...]:
        """Which of the actions our principal may not do; raises CollectorError where that cannot be told."""
        principal = self.principal(account, run_id)
        tools = self._tools
        return denied_actions(tools.sessions, tools.settings.home_region, account, run_id, principal, actions)

    def gather(self, request: GatherRequest, transcript_of: TranscriptOf) -> Iterator[Gathered]:
        """Each unit as it ended; consume and close one before the next. Raises CredentialsRefused after the unit
        that found the credentials refused; nothing else escapes.
        """
        task = Task(self._tools, request, transcript_of)
        try:
            for planned in self._in_order(request):
                yield task.unit(planned)
                if task.refused:
                    raise CredentialsRefused(what_to_try(request.account, task.refused))
        finally:
            task.close()

    def _in_order(self, request: GatherRequest) -> list[PlannedUnit]:
        """Sources before the kinds that build on them."""
        return sorted(request.units, key=lambda item: len(self._sources(item.unit.kind)))

    def _sources(self, kind: str) -> tuple[str, ...]:
        return self._kinds.sources_of(kind) if kind in self._kinds else ()
