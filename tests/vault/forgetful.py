"""An S3 server that says yes and forgets the lock: a proxy before the real one, which signs again what it passes on.

`drops` takes the lock headers off every put and off every answer: the object is stored without a lock, and the store
says so when it is asked. `pretends` drops them as well, and tells of a lock when it is asked: only whoever tries to
delete finds out.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from flows.demo.object_store import REGION, ObjectStore

LOCK = "x-amz-object-lock-"
_OWN = {"authorization", "x-amz-date", "x-amz-content-sha256", "host", "connection", "expect", "user-agent"}
_HOP = {"transfer-encoding", "connection", "content-length", "keep-alive", "server", "date"}
Manner = Literal["drops", "pretends"]


class Forgetful:
    """The proxy's own knowledge: whom it speaks to, and which locks it promised."""

    def __init__(self, store: ObjectStore, manner: Manner) -> None:
        self.there = urlsplit(store.endpoint_url)
        self.credentials = Credentials(store.admin.access_key, store.admin.secret_key)
        self.manner = manner
        self.promised: dict[str, dict[str, str]] = {}


@contextmanager
def forgetful_store(store: ObjectStore, manner: Manner) -> Iterator[str]:
    """The proxy's address while it runs."""

    class Handler(_Handler):
        proxy = Forgetful(store, manner)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    proxy: Forgetful
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        path = urlsplit(self.path)
        locks = {name.lower(): value for name, value in self.headers.items() if name.lower().startswith(LOCK)}
        if locks:
            self.proxy.promised[path.path] = locks
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path.query.startswith("retention"):  # a lock asked for later: said yes to, and not passed on
            self._answer(200, {}, b"")
        else:
            self._pass_on(body)

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_HEAD(self) -> None:
        self._pass_on(b"")

    def do_DELETE(self) -> None:
        self._pass_on(b"")

    def _pass_on(self, body: bytes) -> None:
        proxy = self.proxy
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
        kept = {name: value for name, value in kept.items() if not name.lower().startswith(LOCK)}
        request = AWSRequest(self.command, f"http://{proxy.there.netloc}{self.path}", data=body, headers=kept)
        S3SigV4Auth(proxy.credentials, "s3", REGION).add_auth(request)
        prepared = request.prepare()
        connection = http.client.HTTPConnection(proxy.there.hostname or "", proxy.there.port, timeout=30)
        connection.request(self.command, self.path, body=body, headers=dict(prepared.headers.items()))
        answer = connection.getresponse()
        data = answer.read()
        headers = {name: value for name, value in answer.getheaders() if not name.lower().startswith(LOCK)}
        if proxy.manner == "pretends" and self.command == "HEAD" and answer.status == 200:
            headers |= proxy.promised.get(urlsplit(self.path).path, {})
        connection.close()
        self._answer(answer.status, headers, data)

    def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), "")
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base names it so)
        """Nothing."""
