"""The gate of the emulated account: names every request, lets faults strike, and writes the access log."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flows.demo.access_log import Access, AccessLog
from flows.demo.faults import Effect, FaultBook, Rule, is_regionless
from flows.demo.operations import Call, WireRequest, name_call
from flows.demo.own_answers import ANSWERED_BY_KEY, CALL_KEY, send
from flows.demo.wire_errors import Cause, WireError, render_error, wire_error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Bodies of these hold parameters; every other body (an object being put) goes through unread.
_PARAMETER_TYPES = (
    *("application/x-www-form-urlencoded", "application/cbor"),
    *("application/json", "application/x-amz-json"),
)


class Gate:
    """WSGI, outermost: what passes here is exactly what the access log says."""

    def __init__(
        self,
        inner: WSGIApplication,
        book: FaultBook,
        log: AccessLog,
        account_of: Callable[[str], str],
        closed_regions: frozenset[str] = frozenset(),
    ) -> None:
        self._inner = inner
        self._book = book
        self._log = log
        self._account_of = account_of
        self._closed_regions = closed_regions

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = self._name(environ)
        rule = self._book.decide(call)
        error = rule.error_for(call) if rule else self._closed(call)
        if rule and rule.effect is Effect.DROP:
            return self._drop(environ, start_response, call)
        if rule and rule.effect is Effect.DELAY:
            time.sleep(rule.seconds)
        if error:
            answer = render_error(error, call.protocol, call.service, environ["REQUEST_METHOD"])
            self._write(call, answer.status, rule.effect if rule else Effect.DISABLE_REGION, "gate")
            return send(answer, start_response)
        return self._pass_on(environ, start_response, call, rule)

    def _name(self, environ: WSGIEnvironment) -> Call:
        call = name_call(_wire_request(environ))
        return replace(call, account=self._account_of(call.access_key))

    def _closed(self, call: Call) -> WireError | None:
        if call.region not in self._closed_regions or is_regionless(call):
            return None
        return wire_error(Cause.REGION_DISABLED, call.protocol, call.name)

    def _drop(self, environ: WSGIEnvironment, start_response: StartResponse, call: Call) -> Iterable[bytes]:
        """Cut the connection without an answer, as a failing network does."""
        self._write(call, 0, Effect.DROP, "gate")
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start_response("500 Dropped", [])
        return []

    def _pass_on(
        self, environ: WSGIEnvironment, start_response: StartResponse, call: Call, rule: Rule | None
    ) -> Iterable[bytes]:
        environ[CALL_KEY] = call

        def and_write(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            fault = rule.effect if rule else ""
            self._write(call, int(status.split(" ", maxsplit=1)[0]), fault, environ.get(ANSWERED_BY_KEY, "moto"))
            return start_response(status, headers, *rest)

        try:
            return self._inner(environ, and_write)
        except Exception:  # moto's answer to what it lacks: the server turns it into a 500
            self._write(call, 500, rule.effect if rule else "", "moto")
            raise

    def _write(self, call: Call, status: int, fault: str, answered_by: str) -> None:
        self._log.write(
            Access(
                time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                service=call.service,
                operation=call.operation,
                region=call.region,
                account=call.account,
                access_key_last4=call.access_key[-4:],
                parameters_sha256=call.parameters_digest,
                status=status,
                fault=str(fault),
                answered_by=answered_by,
            )
        )


def _wire_request(environ: WSGIEnvironment) -> WireRequest:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    # PATH_INFO is decoded; a label's own slashes must stay told from the template's.
    path = str(environ.get("RAW_URI") or environ["PATH_INFO"]).split("?")[0]
    query = tuple(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    return WireRequest(environ["REQUEST_METHOD"], path, query, headers, _body(environ))


def _body(environ: WSGIEnvironment) -> bytes:
    """The body where it holds parameters; it is put back for whoever reads it next."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not length or not environ.get("CONTENT_TYPE", "").startswith(_PARAMETER_TYPES):
        return b""
    content: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(content)
    return content
