"""The units of one service in one account and region: they share clients, which are dropped with the task."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from botocore.client import BaseClient

from evidence_schema.digest import Digest
from evidence_schema.models.declaration import KindDeclaration, Pages
from evidence_schema.models.names import GLOBAL_REGION, GatherResult
from evidence_schema.models.transcript import Collector, TranscriptHeader
from evidence_schema.models.unit import PlannedUnit, Unit
from flows.collectors.aws.calls import Caller, Environment
from flows.collectors.aws.declared import gather_declared
from flows.collectors.aws.identity import Identity
from flows.collectors.aws.limits import Limits
from flows.collectors.aws.modules import MODULES
from flows.collectors.aws.paging import paging_of, token_names
from flows.collectors.aws.parameters import Scope
from flows.collectors.aws.queries import filled_query
from flows.collectors.aws.recorder import Recorder
from flows.collectors.aws.secret_fields import SECRET_FIELDS
from flows.collectors.aws.session import Sessions
from flows.collectors.aws.settings import AwsSettings, product_version
from flows.collectors.aws.validation import Validator
from flows.collectors.aws.work import Work
from flows.collectors.errors import CREDENTIALS_REFUSED, BadKind, CredentialsRefused
from flows.collectors.gathered import Gathered, GatherRequest
from flows.collectors.redaction import Redactor, safe_text
from flows.collectors.registry import Kinds
from flows.collectors.source import Source, SourceUnreadable, TranscriptOf, read_source
from flows.collectors.spool import Spooled
from flows.collectors.tally import Tally
from flows.collectors.transcript import TranscriptWriter

_log = logging.getLogger(__name__)
_TAKEN_OVER = (GatherResult.DENIED, GatherResult.FAILED, GatherResult.UNAVAILABLE)
_ANSWERED = (GatherResult.COLLECTED, GatherResult.PARTIAL, GatherResult.EMPTY)
SERVED_ONLY_IN = MappingProxyType({"artifact": "us-east-1"})
"""Services without regions for which botocore names an address in every region, and only one of them answers."""


@dataclass(frozen=True)
class Tools:
    """What all tasks of a collector share."""

    kinds: Kinds
    sessions: Sessions
    settings: AwsSettings
    clock: Callable[[], datetime]
    limits: Limits
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    validator: Validator
    identity: Identity


LONGEST_REASON = 2000


@dataclass(frozen=True)
class _Ending:
    """How a unit ended, beside its figures."""

    result: GatherResult
    reason: str
    transcript: Spooled | None = None
    files: tuple[Spooled, ...] = ()


@dataclass
class Task:
    """One request, its units gathered one after the other."""

    tools: Tools
    request: GatherRequest
    transcript_of: TranscriptOf
    refused: str = ""
    _clients: dict[str, BaseClient] = field(default_factory=dict)
    _results: dict[Unit, GatherResult] = field(default_factory=dict)
    _recorder: Recorder = field(default_factory=Recorder)
    _accepted: bool | None = None

    def unit(self, planned: PlannedUnit) -> Gathered:
        """Gather one unit; never raises for what the source does."""
        started, tally, principal = self.tools.clock(), Tally(), ""
        try:
            principal = self.tools.identity.principal(self.request.account, self.request.run_id)
            ending = self._gather(planned.unit, principal, tally)
        except CredentialsRefused as error:
            self.refused = safe_text(str(error))
            ending = _Ending(GatherResult.FAILED, f"{CREDENTIALS_REFUSED}: {self.refused}")
        self._results[planned.unit] = ending.result
        return Gathered(
            unit=planned.unit,
            requirements=planned.requirements,
            result=ending.result,
            reason=safe_text(ending.reason),
            transcript=ending.transcript,
            files=ending.files,
            calls=tally.call_counts,
            items=tally.item_counts,
            problems=tally.problems,
            redactions=tally.redactions,
            quarantined=tally.quarantined,
            principal=safe_text(principal),
            collector=_collector_of(self.tools.kinds.get(planned.unit.kind)),
            started=started,
            finished=self.tools.clock(),
        )

    def close(self) -> None:
        """Drop the clients: hundreds of tasks must not keep theirs."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _gather(self, unit: Unit, principal: str, tally: Tally) -> _Ending:
        declaration = self.tools.kinds.get(unit.kind)
        if declaration is None or declaration.view_of is not None:
            return _Ending(GatherResult.FAILED, f"expected a kind that is gathered, found {unit.kind}")
        if declaration.opt_in is not None and unit.kind not in self.tools.settings.opted_in:
            return _Ending(GatherResult.FAILED, _without_consent(declaration))
        try:
            self.tools.validator.check(unit.kind)
            source = self._source(unit, declaration)
            if isinstance(source, _Ending):
                return source
            work = self._work(unit, declaration, source, principal, tally)
        except BadKind as error:
            told = "; ".join(mistake.text for mistake in error.mistakes)  # a receipt names no file of this machine
            return _Ending(GatherResult.FAILED, f"its declaration cannot work: {told}"[:LONGEST_REASON])
        except Exception as error:  # noqa: BLE001 (a unit that fails is a result with its reason, never a lost run)
            return _unexpected(unit, error)
        return self._gathered_by(work)

    def _source(self, unit: Unit, declaration: KindDeclaration) -> Source | _Ending | None:
        """What a kind with `from:` builds on, or how the unit ends where that was not gathered."""
        if declaration.source is None:
            return None
        scope = self.tools.kinds[declaration.source].scope
        region = GLOBAL_REGION if scope == "account" else unit.region
        source_unit = Unit(kind=declaration.source, account=unit.account, region=region)
        try:
            source = read_source(source_unit, self.transcript_of)
        except SourceUnreadable as error:
            return _Ending(GatherResult.FAILED, str(error))
        result = self._results.get(source_unit) if source is None else source.result
        if result in _TAKEN_OVER:
            return _Ending(GatherResult(result), f"its source {source_unit.kind} was {GatherResult(result).value}")
        if source is None:
            return _Ending(GatherResult.FAILED, f"its source {source_unit.kind} was not gathered")
        return source

    def _gathered_by(self, work: Work) -> _Ending:
        name = work.declaration.module
        try:
            (gather_declared if name is None else MODULES[name])(work)
            result, reason = work.tally.result()
        except Exception as error:  # noqa: BLE001 (as above; what was gathered until then is kept)
            ending = _unexpected(work.unit, error)
            result, reason = ending.result, ending.reason
        self.refused = work.caller.refused
        if self.refused:
            result, reason = GatherResult.FAILED, f"{CREDENTIALS_REFUSED}: {self.refused}"
        elif work.caller.stopped is not None:
            reason = f"{work.caller.stopped[1]}; {reason}"
        return _Ending(result, reason, work.caller.writer.finish(), tuple(work.files))

    def _asked_in(self, declaration: KindDeclaration) -> str:
        """Where a service without regions is asked: some have their only address in one region."""
        return SERVED_ONLY_IN.get(declaration.service, self.request.home_region)

    def _work(
        self, unit: Unit, declaration: KindDeclaration, source: Source | None, principal: str, tally: Tally
    ) -> Work:
        settings = self.tools.settings
        region = self._asked_in(declaration) if unit.region == GLOBAL_REGION else unit.region
        if source is not None and source.incomplete:
            tally.notes.append(source.incomplete)
        header = TranscriptHeader(
            unit=unit,
            run_id=self.request.run_id,
            principal=safe_text(principal),
            period=self.request.period,
            collector=_collector_of(declaration),
            declaration=declaration.to_json(),
            inputs=(source.as_input,) if source is not None else (),
        )
        caller = Caller(
            environment=self._environment(declaration, region, tally),
            writer=TranscriptWriter(header, memory=settings.spool_memory),
            tally=tally,
            redactor=Redactor(_secret_fields(declaration)),
            operations=frozenset(self.tools.kinds.operations_of(declaration.kind)),
            deadline=self.tools.monotonic() + settings.deadline_s,
            deadline_s=settings.deadline_s,
            opted_in=declaration.opt_in is not None and declaration.kind in settings.opted_in,
        )
        query = filled_query(declaration.query, unit.account, region, self.request.period) if declaration.query else ""
        return Work(
            unit=unit,
            declaration=declaration,
            caller=caller,
            tally=tally,
            scope=Scope(unit.account, region, self.request.period, query=query),
            source=source,
            paginator=self._paginator,
            memory=settings.spool_memory,
        )

    def _environment(self, declaration: KindDeclaration, region: str, tally: Tally) -> Environment:
        tools, declared = self.tools, _declared_pages(declaration)

        def paging_names(service: str, operation: str) -> frozenset[str]:
            pages = declared.get(f"{service}:{operation}")
            return token_names(paging_of(pages, self._paginator(service, operation)))

        return Environment(
            account=self.request.account,
            region=region,
            client=lambda service: self._client(service, region),
            recorder=self._recorder,
            limits=tools.limits,
            clock=tools.clock,
            monotonic=tools.monotonic,
            sleep=tools.sleep,
            still_accepted=lambda: self._is_still_accepted(tally),
            offers=tools.sessions.offers,
            paging_names=paging_names,
        )

    def _client(self, service: str, region: str) -> BaseClient:
        if service not in self._clients:
            request = self.request
            client = self.tools.sessions.client(request.account, region, service, request.run_id)
            self._recorder.attach(client)
            self._clients[service] = client
        return self._clients[service]

    def _is_still_accepted(self, tally: Tally) -> bool:
        """A region that answered is enabled, so its refusal is about the credentials; else STS decides, once a task:
        a disabled region stays disabled while it is asked.
        """
        if tally.calls or any(result in _ANSWERED for result in self._results.values()):
            return False
        if self._accepted is None:
            self._accepted = self.tools.identity.is_accepted(self.request.account, self.request.run_id)
        return self._accepted

    def _paginator(self, service: str, operation: str) -> Mapping[str, Any] | None:
        return self.tools.sessions.paginators(service).get(operation)


def _unexpected(unit: Unit, error: Exception) -> _Ending:
    _log.error("%s: gathering failed: %s", unit, trace_of(error))
    return _Ending(GatherResult.FAILED, f"unexpected {type(error).__name__} while gathering; the log has its trace")


def _without_consent(declaration: KindDeclaration) -> str:
    return (
        f"expected {declaration.kind} under `opt_in` of the settings, since it {declaration.opt_in}, found it missing; "
        "nothing was asked"
    )


def trace_of(error: BaseException) -> str:
    """Where an error nobody expected came from. Its message is left out: it may quote what was being read."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at " + " < ".join(f"{item.name}:{item.lineno}" for item in reversed(frames))


def _collector_of(declaration: KindDeclaration | None) -> Collector:
    """The report logic an auditor asks for: which code, which version, which declaration."""
    name = "unknown" if declaration is None else declaration.module or "declared"
    digest = Digest.of(b"") if declaration is None else Digest.of(declaration.canonical())
    return Collector(name=f"aws.{name}", version=product_version(), declaration=digest)


def _secret_fields(declaration: KindDeclaration) -> dict[str, tuple[str, ...]]:
    """What is cut out of which operation: known secret fields, and the declaration's own."""
    fields = dict(SECRET_FIELDS)
    for item in declaration.redact:
        name = item.operation if ":" in item.operation else f"{declaration.service}:{item.operation}"
        fields[name] = (*fields.get(name, ()), item.field)
    return fields


def _declared_pages(declaration: KindDeclaration) -> dict[str, Pages]:
    """`service:Operation` -> its declared `pages`."""
    found: dict[str, Pages] = {}
    pending: list[Any] = [declaration.list, declaration.batch, *declaration.each.values()]
    while pending:
        entry = pending.pop()
        if entry is None:
            continue
        pending += [getattr(entry, "list", None), *getattr(entry, "each", {}).values()]
        if entry.pages is not None:
            found[f"{entry.service or declaration.service}:{entry.operation}"] = entry.pages
    return found
