"""The emulated AWS account, one process: `python -m flows.demo.account_server --port P --state DIR`.

control -> gate (names, faults, access log) -> answers of our own -> moto. Any credentials are good; the keys that
`sts:AssumeRole` hands out belong to the account of the role, all others to 111122223333.
"""

from __future__ import annotations

import argparse
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.demo import moto_setup
from flows.demo.access_log import AccessLog
from flows.demo.account_answers import ACCOUNT_HANDLERS, OPT_IN
from flows.demo.backup_answers import BACKUP_HANDLERS
from flows.demo.cloudtrail_answers import CLOUDTRAIL_HANDLERS
from flows.demo.control import Control
from flows.demo.faults import Effect, FaultBook
from flows.demo.gate import Gate
from flows.demo.hand_made import hand_made_handlers
from flows.demo.own_answers import Facts, Handlers, OwnAnswers
from flows.demo.patch_answers import PATCH_HANDLERS
from flows.demo.query_answers import QUERY_HANDLERS
from flows.demo.reach_answers import REACH_HANDLERS
from flows.memory import set_loaded_apart

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOG_NAME = "access.jsonl"
HANDLERS: Handlers = {
    **hand_made_handlers(),
    **ACCOUNT_HANDLERS,
    **BACKUP_HANDLERS,
    **CLOUDTRAIL_HANDLERS,
    **REACH_HANDLERS,
    **PATCH_HANDLERS,
    **QUERY_HANDLERS,
}
# Loaded while others start: EC2 alone takes two seconds.
_WARM_SERVICES = ("sts", "iam", "s3", "ec2", "rds", "cloudtrail", "backup", "kms")


def build_application(state: Path) -> WSGIApplication:
    """The whole stack; moto is loaded here, prepared."""
    moto_setup.prepare()
    werkzeug_app = import_module("moto.moto_server.werkzeug_app")
    moto = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
    warming = threading.Thread(target=_warm, args=(moto,), daemon=True)
    warming.start()
    log = AccessLog(state / LOG_NAME)
    book, facts, clock = FaultBook(), Facts(), moto_setup.CLOCK
    own = OwnAnswers(moto, HANDLERS, facts, clock.now, lambda: _disabled_regions(book))
    gate = Gate(own, book, log, moto_setup.account_of, frozenset(OPT_IN))
    return Control(gate, book, facts, clock, log, state / LOG_NAME, warming.join)


def _warm(moto: Any) -> None:
    for service in _WARM_SERVICES:
        scope = f"AWS4-HMAC-SHA256 Credential=WARM/20000101/us-east-1/{service}/aws4_request"
        moto.get_application({"HTTP_AUTHORIZATION": scope, "PATH_INFO": "/", "HTTP_HOST": "127.0.0.1"})
    set_loaded_apart()


def _disabled_regions(book: FaultBook) -> frozenset[str]:
    rules = [rule for rule in book.rules() if rule.effect is Effect.DISABLE_REGION]
    return frozenset(rule.region for rule in rules if rule.region)


def main() -> None:
    parser = argparse.ArgumentParser(description="The emulated AWS account of the demo and the tests.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for the access log")
    arguments = parser.parse_args()
    arguments.state.mkdir(parents=True, exist_ok=True)
    application = build_application(arguments.state)
    serving = import_module("werkzeug.serving")
    handler = import_module("moto.moto_server.werkzeug_app").MotoRequestHandler

    class QuietHandler(handler):  # type: ignore[misc, valid-type]
        def log_request(self, code: object = "-", size: object = "-") -> None:
            """The access log is ours."""

    server = serving.make_server("127.0.0.1", arguments.port, application, threaded=True, request_handler=QuietHandler)
    server.serve_forever()


if __name__ == "__main__":
    main()
