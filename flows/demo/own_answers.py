"""Operations that moto lacks, or answers otherwise than AWS, answered by handlers of our own before moto is asked."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.model import OperationModel

from flows.demo.encoding import encode_answer, moment
from flows.demo.operations import Call, service_model
from flows.demo.wire_errors import WireAnswer, WireError, render_error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_PAGE = 50
CALL_KEY = "emulator.call"
ANSWERED_BY_KEY = "emulator.answered_by"


class RefusalError(Exception):
    """A handler's error answer."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.error = WireError(status, code, f"{message} (simulated)")


class Facts:
    """What the emulated account knows beside moto: values by account, region and name. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[tuple[str, str, str], Any] = {}

    def put(self, account: str, region: str, name: str, value: Any) -> None:
        with self._lock:
            self._values[account, region, name] = value

    def get(self, account: str, region: str, name: str, default: Any = None) -> Any:
        with self._lock:
            return self._values.get((account, region, name), default)


@dataclass(frozen=True)
class Question:
    """One call to answer, with its parameters under the names of the input shape and in Python's types."""

    call: Call
    parameters: Mapping[str, Any]
    facts: Facts
    now: datetime
    disabled_regions: frozenset[str]

    def fact(self, name: str, default: Any = None) -> Any:
        return self.facts.get(self.call.account, self.call.region, name, default)


Handler = Callable[[Question], Mapping[str, Any]]
Handlers = Mapping[str, Handler]  # by `service:Operation`


class OwnAnswers:
    """WSGI: answers what the handlers know, passes everything else on."""

    def __init__(
        self,
        inner: WSGIApplication,
        handlers: Handlers,
        facts: Facts,
        now: Callable[[], datetime],
        disabled_regions: Callable[[], frozenset[str]],
    ) -> None:
        self._inner = inner
        self._handlers = handlers
        self._facts = facts
        self._now = now
        self._disabled_regions = disabled_regions

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call: Call = environ[CALL_KEY]
        handler = self._handlers.get(call.name)
        if handler is None:
            environ[ANSWERED_BY_KEY] = "moto"
            return self._inner(environ, start_response)
        environ[ANSWERED_BY_KEY] = "own answers"
        return send(self._answer(call, handler), start_response)

    def _answer(self, call: Call, handler: Handler) -> WireAnswer:
        operation = service_model(call.service).operation_model(call.operation)
        try:
            parameters = read_parameters(operation, call)
            question = Question(call, parameters, self._facts, self._now(), self._disabled_regions())
            return encode_answer(operation, call.protocol, handler(question))
        except RefusalError as refusal:
            return render_error(refusal.error, call.protocol, call.service)


def send(answer: WireAnswer, start_response: StartResponse) -> list[bytes]:
    """Give a finished answer to the WSGI server."""
    start_response(f"{answer.status} Simulated", list(answer.headers))
    return [answer.body]


def read_parameters(operation: OperationModel, call: Call) -> dict[str, Any]:
    """The call's parameters by their names in the input shape (top level; forms keep their flat names)."""
    if call.protocol in ("query", "ec2") or operation.input_shape is None:
        return dict(call.parameters)
    found = {}
    for name, shape in operation.input_shape.members.items():
        wire = shape.serialization.get("name", name)
        if wire in call.parameters:
            found[name] = _python_value(shape.type_name, call.parameters[wire])
    return found


def _python_value(type_name: str, value: Any) -> Any:
    try:
        if type_name in ("integer", "long"):
            return int(value)
        if type_name == "timestamp":
            return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else moment(value)
        if type_name == "boolean" and isinstance(value, str):
            return value == "true"
    except (ValueError, OverflowError) as error:
        raise RefusalError("InvalidParameterValueException", f"{value!r} is not a {type_name}") from error
    return value


def page(question: Question, items: Sequence[Any], field: str, most: int = 1_000) -> dict[str, Any]:
    """One page of the items under this field's name, and the token of the next where there is one."""
    size = question.parameters.get("MaxResults", min(DEFAULT_PAGE, most))
    if not 1 <= size <= most:
        raise RefusalError("InvalidParameterValueException", f"MaxResults must be between 1 and {most}, not {size}")
    start = _position(question.parameters.get("NextToken"))
    answer: dict[str, Any] = {field: list(items[start : start + size])}
    if start + size < len(items):
        answer["NextToken"] = base64.urlsafe_b64encode(f"from {start + size}".encode()).decode()
    return answer


def _position(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except (ValueError, binascii.Error) as error:
        raise RefusalError("InvalidParameterValueException", "The NextToken is not one of ours") from error
