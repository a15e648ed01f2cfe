"""One call: asked within limits and deadline, redacted, recorded, counted. Nothing else here talks to AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from evidence_schema.digest import Digest
from evidence_schema.errors import NotCanonical
from evidence_schema.models.transcript import Attempt, Call, CallError, Redaction
from flows.collectors.aws.errors import WITHOUT_CREDENTIALS, Meaning, meaning_of
from flows.collectors.aws.limits import Limits
from flows.collectors.aws.never_call import refuse_forbidden
from flows.collectors.aws.recorder import Recorder, Trace
from flows.collectors.errors import CredentialsRefused
from flows.collectors.plain import TooDeep, clean, plain
from flows.collectors.redaction import Redacted, Redactor, safe_parameters
from flows.collectors.tally import Tally
from flows.collectors.transcript import LineTooLong, TranscriptWriter

_MESSAGE_LENGTH = 1000
_CODE_LENGTH = 200
NOTHING: dict[str, Any] = {}
Result = Literal["denied", "failed", "unavailable"]


@dataclass(frozen=True)
class Ask:
    """A question: which part of the declaration asks it, of what, for which item."""

    step: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    item: tuple[str, ...] = ()
    page: int = 1
    primary: bool = False
    absent: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`service:Operation`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True)
class Answer:
    """A recorded call, and its body as it came: what following calls take their parameters from."""

    call: Call
    plain: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The body as it is stored."""
        return self.call.body or NOTHING

    @property
    def has_body(self) -> bool:
        return self.call.body is not None


@dataclass(frozen=True)
class Streamed:
    """An answer whose content is still to be read; `Caller.read` records the call once that is done."""

    ask: Ask
    parsed: dict[str, Any]
    trace: Trace
    started: datetime
    began: float


@dataclass(frozen=True)
class Environment:
    """What all units of a task share."""

    account: str
    region: str
    client: Callable[[str], BaseClient]
    recorder: Recorder
    limits: Limits
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    still_accepted: Callable[[], bool]
    """Asks STS whether the credentials are accepted; tells a disabled region from a bad key."""
    offers: Callable[[str, str], bool]
    paging_names: Callable[[str, str], frozenset[str]]


@dataclass
class _Outcome:
    parsed: dict[str, Any] | None = None
    code: str = ""
    message: str = ""
    status: int = 0
    meaning: Meaning | None = None
    withheld: bool = False
    """The answer of an error shows a secret: its digest would let it be guessed."""


@dataclass
class Caller:
    """Asks for one unit. After its deadline, or once credentials are refused, it asks no more and records that."""

    environment: Environment
    writer: TranscriptWriter
    tally: Tally
    redactor: Redactor
    operations: frozenset[str]
    deadline: float
    deadline_s: float
    opted_in: bool = False
    """Whether the unit's kind may make calls that bill or write."""
    stopped: tuple[str, str] | None = None
    refused: str = ""

    def ask(self, ask: Ask) -> Answer:
        """Ask, record and count; never raises for what the source answers."""
        started, began = self.environment.clock(), time.perf_counter()
        refuse_forbidden(ask.name, ask.name in self.operations, self.opted_in)
        if self._is_over():
            return self._not_asked(ask)
        outcome, trace = self._perform(ask)
        return self._record(ask, outcome, trace, started, began)

    def stream(self, ask: Ask) -> Streamed | Answer:
        """Ask an operation whose content is a stream: the answer itself where it failed, else what is to be read."""
        started, began = self.environment.clock(), time.perf_counter()
        refuse_forbidden(ask.name, ask.name in self.operations, self.opted_in)
        if self._is_over():
            return self._not_asked(ask)
        outcome, trace = self._perform(ask)
        if outcome.parsed is None:
            return self._record(ask, outcome, trace, started, began)
        return Streamed(ask, outcome.parsed, trace, started, began)

    def finish_stream(
        self,
        streamed: Streamed,
        member: str,
        size: int,
        digest: Digest,
        fault: str = "",
        cut: tuple[Redaction, ...] = (),
    ) -> Answer:
        """Record a streamed call: length and digest of its content as it is stored, not the content; `fault` where it
        broke off, `cut` what was cut out of it.
        """
        trace = streamed.trace
        if cut:
            trace.wire_digest = None  # it would let what was cut be guessed
        elif trace.wire_digest is None:  # a true stream passed by the recorder unread
            trace.wire_bytes, trace.wire_digest = size, digest
        content = {"bytes": size, "sha256": digest.hex}
        outcome = _Outcome(parsed={**streamed.parsed, member: content}, status=trace.status)
        if fault:
            trace.wire_digest = None  # of something that is not stored
            outcome = _Outcome(code=fault, message="the content broke off", status=trace.status, meaning=Meaning.FAILED)
        at = tuple(item.model_copy(update={"pointer": f"/{member}"}) for item in cut)
        return self._record(streamed.ask, outcome, trace, streamed.started, streamed.began, at)

    def note_failure(self, ask: Ask, code: str, message: str, result: Result = "failed") -> Answer:
        """Record that a question could not be asked, or that its answer cannot be used."""
        now = self.environment.clock()
        said = self.redactor.text(message)[:_MESSAGE_LENGTH]
        error = CallError(code=code, status=0, message=said, result=result)
        call = self._call(ask, Trace(), now, now, 0, error=error)
        return self._keep(call, ask, NOTHING)

    def sleep(self, seconds: float) -> None:
        """Wait between polls, unless there is nothing left to wait for."""
        if not self._is_over():
            self.environment.sleep(seconds)

    def _is_over(self) -> bool:
        if self.stopped is None and self.environment.monotonic() >= self.deadline:
            self.stopped = ("DeadlinePassed", f"deadline of {self.deadline_s:g} s passed")
        return self.stopped is not None

    def _not_asked(self, ask: Ask) -> Answer:
        code, why = self.stopped or ("NotAsked", "")
        return self.note_failure(ask, code, f"not asked: {why}")

    def _perform(self, ask: Ask) -> tuple[_Outcome, Trace]:
        here = self.environment
        here.recorder.take()
        with here.limits.slot(here.account, ask.service):
            outcome = self._attempt(ask)
        trace = here.recorder.take()
        if outcome.parsed is not None and trace.garbled:
            outcome = _Outcome(
                code="UnreadableAnswer",
                status=trace.status,
                meaning=Meaning.FAILED,
                message="the answer is not of the form that the service speaks",
            )
        codes = [(item.code, item.status) for item in trace.retried]
        if outcome.meaning is Meaning.THROTTLED or any(meaning_of(*code) is Meaning.THROTTLED for code in codes):
            here.limits.throttled(here.account, ask.service)
        else:
            here.limits.answered(here.account, ask.service)
        return outcome, trace

    def _attempt(self, ask: Ask) -> _Outcome:
        try:
            client = self.environment.client(ask.service)
            parsed = getattr(client, xform_name(ask.operation))(**ask.parameters)
        except ClientError as error:
            return self._refusal(ask, error)
        except CredentialsRefused as error:
            return self._without_credentials("CredentialsRefused", str(error))
        except WITHOUT_CREDENTIALS as error:
            return self._without_credentials(type(error).__name__, str(error))
        except EndpointConnectionError as error:
            offered = self.environment.offers(ask.service, self.environment.region)
            code, meaning = (
                ("EndpointConnectionError", Meaning.FAILED) if offered else ("ServiceNotOffered", Meaning.UNAVAILABLE)
            )
            return _Outcome(code=code, message=str(error), meaning=meaning)
        except (BotoCoreError, ResponseParserError) as error:
            return _Outcome(code=type(error).__name__, message=str(error), meaning=Meaning.FAILED)
        return _Outcome(parsed=parsed, status=200)

    def _refusal(self, ask: Ask, error: ClientError) -> _Outcome:
        found: Any = error.response.get("Error") or {}
        metadata: Any = error.response.get("ResponseMetadata") or {}
        status = int(metadata.get("HTTPStatusCode") or 0)
        code = str(found.get("Code") or "") or f"HTTP {status}"
        outcome = _Outcome(code=code[:200], message=str(found.get("Message") or ""), status=status)
        outcome.meaning = meaning_of(code, status)
        outcome.withheld = _shows_secret(error.response)
        if error.operation_name == "AssumeRole" and ask.operation != "AssumeRole":
            return self._without_credentials(code, f"the role cannot be assumed: {outcome.message}", status)
        if outcome.meaning is Meaning.EXPIRED:
            return self._without_credentials(code, outcome.message, status, "credentials expired")
        if outcome.meaning is Meaning.INVALID:
            if not self.environment.still_accepted():
                return self._without_credentials(code, outcome.message, status, "credentials not accepted")
            outcome.meaning = Meaning.UNAVAILABLE  # accepted elsewhere: this region is not enabled
        return outcome

    def _without_credentials(self, code: str, message: str, status: int = 0, why: str = "") -> _Outcome:
        self.refused = self.redactor.text(f"{why or 'no usable credentials'} ({code})")
        self.stopped = ("CredentialsRefused", self.refused)
        return _Outcome(code=code[:200], message=message, status=status, meaning=Meaning.FAILED)

    def _record(
        self,
        ask: Ask,
        outcome: _Outcome,
        trace: Trace,
        started: datetime,
        began: float,
        cut: tuple[Redaction, ...] = (),
    ) -> Answer:
        finished, milliseconds = self.environment.clock(), int((time.perf_counter() - began) * 1000)
        if outcome.parsed is None:
            if outcome.withheld:
                trace.wire_digest = None
            call = self._call(ask, trace, started, finished, milliseconds, error=self._error(ask, outcome))
            return self._keep(call, ask, NOTHING)
        try:
            body = plain({name: value for name, value in outcome.parsed.items() if name != "ResponseMetadata"})
            redacted = self.redactor.answer(ask.name, body, self.environment.paging_names(ask.service, ask.operation))
        except TooDeep as error:
            return self.note_failure(ask, "NotStorable", str(error))
        redacted = replace(redacted, redactions=(*redacted.redactions, *cut))
        if redacted.quarantined:
            self.tally.quarantined += 1
            unfit = CallError(
                code="Quarantined",
                status=trace.status,
                result="failed",
                message="the answer holds a secret that cannot be cut out; it was not stored",
            )
            trace.wire_digest = None  # a bare digest would let the secret be guessed
            call = self._call(ask, trace, started, finished, milliseconds, error=unfit)
            return self._keep(call, ask, NOTHING)
        call = self._call(ask, trace, started, finished, milliseconds, redacted=redacted)
        return self._keep(call, ask, body, redacted)

    def _error(self, ask: Ask, outcome: _Outcome) -> CallError:
        meaning = outcome.meaning or Meaning.FAILED
        known = outcome.code in ask.unavailable and meaning is not Meaning.INVALID
        result: Any = "unavailable" if known else meaning.result
        message = self.redactor.text(clean(outcome.message))[:_MESSAGE_LENGTH]
        code = self.redactor.text(clean(outcome.code))[:_CODE_LENGTH]
        return CallError(code=code, status=outcome.status, message=message, result=result)

    def _call(
        self,
        ask: Ask,
        trace: Trace,
        started: datetime,
        finished: datetime,
        milliseconds: int,
        *,
        redacted: Redacted | None = None,
        error: CallError | None = None,
    ) -> Call:
        names, safe = self.environment.paging_names(ask.service, ask.operation), self.redactor.text
        whole = redacted is None or not redacted.counted
        return Call(
            seq=self.writer.next_seq,
            service=ask.service,
            operation=ask.operation,
            region=self.environment.region,
            parameters=safe_parameters(plain(dict(ask.parameters)), names),
            step=ask.step,
            item=tuple(safe(part) for part in ask.item),
            page=ask.page,
            request_id=safe(trace.request_id)[:_CODE_LENGTH],
            status=trace.status or (error.status if error else 0),
            source_date=trace.source_date,
            started=started,
            finished=finished,
            duration_ms=milliseconds,
            retried=tuple(_safe_attempt(attempt, safe) for attempt in trace.retried),
            wire_bytes=trace.wire_bytes,
            wire_digest=trace.wire_digest if whole else None,
            redactions=redacted.redactions if redacted else (),
            body=redacted.value if redacted else None,
            error=error,
            absent=error is not None and error.code in ask.absent and not self.refused,
        )

    def _keep(self, call: Call, ask: Ask, body: dict[str, Any], redacted: Redacted | None = None) -> Answer:
        try:
            self.writer.write(call)
        except (LineTooLong, NotCanonical) as error:
            if call.error is not None:
                raise
            return self.note_failure(ask, "NotStorable", str(error))
        self.tally.count(call, primary=ask.primary)
        if redacted is not None:
            self.tally.cut(redacted.counted)
        return Answer(call, body)


def _safe_attempt(attempt: Attempt, safe: Callable[[str], str]) -> Attempt:
    """Codes and ids come from outside as well, as headers."""
    code, request_id = safe(attempt.code), safe(attempt.request_id)
    if (code, request_id) == (attempt.code, attempt.request_id):
        return attempt
    return Attempt(code=code[:_CODE_LENGTH], status=attempt.status, request_id=request_id[:_CODE_LENGTH])


def _shows_secret(response: Mapping[str, Any]) -> bool:
    told = {name: member for name, member in response.items() if name != "ResponseMetadata"}
    try:
        found = Redactor().answer("", plain(told))
    except TooDeep:
        return True
    return bool(found.redactions) or found.quarantined
