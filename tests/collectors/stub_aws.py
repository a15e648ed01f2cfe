"""A small AWS on 127.0.0.1: answers JSON services as a test scripts them and logs every call it was asked.

    aws = StubAws()
    aws.answers["kms:ListKeys"] = [{"Keys": [...]}, refuse("AccessDeniedException")]

A list is played in order, its last answer for ever; a function gets the parameters. Operations that nobody scripted
answer 400 `NotScripted`.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session

ACCOUNT = "111122223333"
DATE = "Sun, 01 Nov 2026 06:00:07 GMT"


@dataclass(frozen=True)
class Refusal:
    code: str
    status: int = 400
    message: str = "no"


def refuse(code: str, status: int = 400, message: str = "no") -> Refusal:
    return Refusal(code, status, message)


@dataclass(frozen=True)
class Asked:
    name: str
    parameters: dict[str, Any]
    region: str
    status: int


@dataclass
class StubAws:
    answers: dict[str, Any] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    account: str = ACCOUNT
    sts: Any = None
    _played: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> StubAws:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, name: str) -> list[Asked]:
        return [item for item in self.log if item.name == name]

    def answered_twice(self) -> list[str]:
        """Successful calls that were made more than once with the same parameters."""
        counts = Counter(
            (item.name, item.region, json.dumps(item.parameters, sort_keys=True))
            for item in self.log
            if item.status == 200
        )
        return [key[0] for key, count in counts.items() if count > 1]

    def _answer(self, name: str, parameters: dict[str, Any], region: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            scripted = self.answers.get(name, refuse("NotScripted"))
            if isinstance(scripted, list):
                found = scripted[min(self._played[name], len(scripted) - 1)]
                self._played[name] += 1
            else:
                found = scripted(parameters) if callable(scripted) else scripted
            found = found(parameters) if callable(found) else found
            status = found.status if isinstance(found, Refusal) else 200
            self.log.append(Asked(name, parameters, region, status))
        if isinstance(found, Refusal):
            return status, {"__type": found.code, "message": found.message}
        return status, found

    def _sts(self, region: str) -> tuple[int, str]:
        found = self.sts() if callable(self.sts) else self.sts
        self.log.append(Asked("sts:GetCallerIdentity", {}, region, found.status if found else 200))
        if found:
            return found.status, (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{found.code}</Code><Message>no</Message></Error>"
                "<RequestId>r-sts</RequestId></ErrorResponse>"
            )
        return 200, (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>arn:aws:iam::{self.account}:role/auditor</Arn><UserId>U</UserId><Account>{self.account}</Account>"
            "</GetCallerIdentityResult><ResponseMetadata><RequestId>r-sts</RequestId></ResponseMetadata>"
            "</GetCallerIdentityResponse>"
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self._serve()

            def do_GET(self) -> None:
                self._serve()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", self.headers.get("Authorization", ""))
                region, service = (scope[1], scope[2]) if scope else ("", "")
                stub.agents.add(self.headers.get("User-Agent", ""))
                if service == "sts":
                    status, text = stub._sts(region)
                    self._send(status, text.encode(), "text/xml")
                    return
                target = self.headers.get("X-Amz-Target")
                if body.startswith(b"Action="):
                    form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
                    name, parameters = f"{service}:{form.pop('Action')}", form
                elif target:
                    name, parameters = f"{service}:{target.rpartition('.')[2]}", json.loads(body or b"{}")
                else:
                    name, parameters = route(service, self.command, self.path)
                status, answer = stub._answer(name, parameters, region)
                raw = answer.pop("raw", None) if isinstance(answer, dict) else None
                self._send(status, raw or json.dumps(answer).encode(), "application/json", answer.get("__type"))

            def _send(self, status: int, body: bytes, kind: str, error: str | None = None) -> None:
                self.send_response_only(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Date", DATE)
                self.send_header("x-amzn-RequestId", f"req-{len(stub.log)}")
                if error:
                    self.send_header("x-amzn-ErrorType", error)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    model = botocore.session.get_session().get_service_model(service)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.escape(http["requestUri"].split("?")[0].rstrip("/"))
        path = re.sub(r"\\\{(\w+)\\\+?\\\}|\\\{(\w+)\\\}", lambda m: f"(?P<{m[1] or m[2]}>[^/]+)", path)
        found.append((http["method"], re.compile(path + "/?"), name))
    return found


def route(service: str, method: str, path: str) -> tuple[str, dict[str, Any]]:
    split = urlsplit(path)
    for verb, pattern, name in _routes(service):
        match = pattern.fullmatch(split.path)
        if verb == method and match:
            query = {key: values[0] for key, values in parse_qs(split.query).items()}
            return f"{service}:{name}", {**{k: unquote(v) for k, v in match.groupdict().items()}, **query}
    return f"{service}:?{path}", {}


Script = Callable[[dict[str, Any]], Any]
