"""The emulated account's control address, `/_emulator/...`: faults, facts, clock, log. No bucket can have this name.

GET  ready                  200 as soon as the server answers
GET  faults                 the rules in force; POST adds one (fields of `faults.Rule`); DELETE clears all
GET  log                    the access log, JSON lines; DELETE empties it
POST clock                  {"at": "2026-11-01T06:00:00Z"} stands still there; {"at": null} runs with the real time
POST facts                  {"account", "region", "facts": {name: value}}: what our own answers tell
POST iam-usage              {"account", "usage": ...}: see `account_answers.note_iam_usage`
POST seed                   {"seed": 1}: the identifiers that moto invents from here on repeat themselves
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.demo.access_log import AccessLog
from flows.demo.account_answers import note_iam_usage
from flows.demo.backup_answers import count_recovery_points
from flows.demo.encoding import moment
from flows.demo.errors import DemoError
from flows.demo.faults import FaultBook, Rule
from flows.demo.moto_setup import Clock
from flows.demo.own_answers import Facts, send
from flows.demo.wire_errors import WireAnswer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/_emulator/"

Document = dict[str, Any]


class Control:
    """WSGI, before the gate: control requests are not part of the account and not in its log."""

    def __init__(
        self,
        inner: WSGIApplication,
        book: FaultBook,
        facts: Facts,
        clock: Clock,
        log: AccessLog,
        log_file: Path,
        warmed: Callable[[], None] = lambda: None,
    ) -> None:
        self._inner = inner
        self._book = book
        self._facts = facts
        self._clock = clock
        self._log = log
        self._log_file = log_file
        self._warmed = warmed
        self._deeds: dict[tuple[str, str], Callable[[Document], Any]] = {
            ("GET", "ready"): lambda _: {"ready": True},
            ("GET", "faults"): lambda _: [asdict(rule) for rule in self._book.rules()],
            ("POST", "faults"): lambda document: self._book.add(Rule.from_document(document)),
            ("DELETE", "faults"): lambda _: self._book.clear(),
            ("GET", "log"): lambda _: self._log_file.read_bytes(),
            ("DELETE", "log"): lambda _: self._log.clear(),
            ("POST", "clock"): self._set_clock,
            ("POST", "facts"): self._put_facts,
            ("POST", "iam-usage"): lambda document: note_iam_usage(document["account"], document["usage"]),
            ("POST", "seed"): self._seed,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(PREFIX):
            return self._inner(environ, start_response)
        deed = self._deeds.get((environ["REQUEST_METHOD"], path.removeprefix(PREFIX)))
        if deed is None:
            return send(_answer(404, {"error": f"No {environ['REQUEST_METHOD']} {path} here"}), start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            result = deed(json.loads(body) if body else {})
        except (DemoError, KeyError, ValueError) as error:
            return send(_answer(400, {"error": f"{type(error).__name__}: {error}"}), start_response)
        return send(_answer(200, result), start_response)

    def _set_clock(self, document: Document) -> None:
        self._clock.set(moment(document["at"]) if document["at"] else None)

    def _put_facts(self, document: Document) -> None:
        account, region = document["account"], document["region"]
        for name, value in document["facts"].items():
            self._facts.put(account, region, name, value)
            if name == "recovery_points":
                count_recovery_points(account, region, value)

    def _seed(self, document: Document) -> None:
        self._warmed()  # services that are still being loaded would draw from the same numbers
        import_module("moto.moto_api._internal").mock_random.seed(document["seed"])


def _answer(status: int, result: Any) -> WireAnswer:
    body = result if isinstance(result, bytes) else json.dumps(result).encode()
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    return WireAnswer(status, headers, body)
