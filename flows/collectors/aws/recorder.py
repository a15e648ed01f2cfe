"""Provenance of each call, taken from botocore's own events, so that no collector writes any."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.client import BaseClient

from evidence_schema.digest import Digest
from evidence_schema.models.transcript import Attempt

_TRACE = "evidence_trace"


@dataclass
class Trace:
    """What the wire told about one call."""

    attempts: list[Attempt] = field(default_factory=list)
    request_id: str = ""
    status: int = 0
    source_date: datetime | None = None
    wire_bytes: int = 0
    wire_digest: Digest | None = None
    garbled: bool = False
    """Its content is not of the form that the service speaks: a proxy's page, say, which botocore reads as empty."""

    @property
    def retried(self) -> tuple[Attempt, ...]:
        """The attempts that botocore repeated."""
        return tuple(self.attempts[:-1])


class Recorder:
    """Hooks a client; afterwards `take` gives the trace of the calling thread's last call."""

    def __init__(self) -> None:
        self._local = threading.local()

    def attach(self, client: BaseClient) -> None:
        """Listen to every call of the client, before anyone else does."""
        events = client.meta.events
        events.register_first("before-parameter-build", self._begin)
        events.register_first("needs-retry", self._attempt)
        events.register_first("after-call", self._end)

    def take(self) -> Trace:
        """The trace of this thread's last call; an empty one where the call never came so far."""
        trace = getattr(self._local, "trace", None)
        self._local.trace = None
        return trace if isinstance(trace, Trace) else Trace()

    def _begin(self, context: dict[str, Any], **_: Any) -> None:
        context[_TRACE] = trace = Trace()
        if getattr(self._local, "trace", None) is None:  # else botocore asks where the call's bucket is: not our call
            self._local.trace = trace

    def _attempt(self, response: Any, caught_exception: Exception | None, request_dict: Any, **_: Any) -> None:
        trace = request_dict["context"].get(_TRACE)
        if trace is not None:
            trace.attempts.append(_attempt_of(response, caught_exception))

    def _end(self, http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        trace = context.get(_TRACE)
        if trace is None:
            return
        trace.status = int(http_response.status_code)
        trace.request_id = request_id_of(parsed)
        trace.source_date = _date_of(http_response.headers)
        if not model.has_streaming_output:  # a stream belongs to whoever asked for it
            content = http_response.content or b""
            trace.wire_bytes, trace.wire_digest = len(content), Digest.of(content)
            trace.garbled = _is_garbled(content, str(model.service_model.protocol))


def request_id_of(parsed: dict[str, Any]) -> str:
    """The id by which the source's operators find the call."""
    metadata = parsed.get("ResponseMetadata") or {}
    headers = metadata.get("HTTPHeaders") or {}
    found = metadata.get("RequestId") or headers.get("x-amzn-requestid") or headers.get("x-amz-request-id") or ""
    return str(found)[:200]


def _is_garbled(content: bytes, protocol: str) -> bool:
    start = content[:200].lstrip().lower()
    if protocol in ("json", "rest-json"):
        return bool(start) and not start.startswith((b"{", b"["))
    return start.startswith((b"<!doctype html", b"<html"))


def _attempt_of(response: Any, error: Exception | None) -> Attempt:
    if response is None:
        return Attempt(code=type(error).__name__[:200], status=0)
    http, parsed = response
    code = str((parsed.get("Error") or {}).get("Code") or "")
    return Attempt(code=code[:200], status=int(http.status_code), request_id=request_id_of(parsed))


def _date_of(headers: Any) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(headers.get("date", "")))
    except (TypeError, ValueError):
        return None  # a source without a clock is a fact of its own
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
