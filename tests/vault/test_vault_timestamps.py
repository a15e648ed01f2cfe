"""Asking a time-stamp authority: a token in time, or an error that a run survives."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from evidence_schema.digest import Digest
from evidence_schema.errors import TimestampsNotInstalled
from evidence_schema.timestamp import MAX_REPLY_BYTES, PinnedAuthorities, TimestampRequest, verify_timestamp
from flows.demo.errors import DemoError
from flows.demo.timestamp_authority import TimestampAuthority, require_openssl, timestamp_authority
from flows.vault import timestamps
from flows.vault.errors import BadSettings, TimestampUnavailable, VaultError
from flows.vault.timestamps import ask

pytestmark = pytest.mark.sealing

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no program `openssl`: the local time-stamp authority needs it"
)
DIGEST = Digest.of(b"a checkpoint")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our servers are on this machine, whatever stands between it and the rest."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server that answers so; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer(self)

        do_GET = do_POST  # noqa: N815 (its base class's way; a followed redirect turns into a GET)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsa"
        finally:
            server.shutdown()
            thread.join()


def sending(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@needs_openssl
@pytest.mark.parametrize("chain", [False, True])
def test_the_reply_of_an_authority_is_a_token_for_the_digest(tmp_path: Path, chain: bool) -> None:
    with timestamp_authority(tmp_path / "tsa", chain=chain) as authority:
        reply = ask(authority.url, DIGEST)
        again = ask(authority.url, DIGEST)
    pinned = PinnedAuthorities.read(authority.ca_pem)
    first, second = verify_timestamp(reply, DIGEST, pinned), verify_timestamp(again, DIGEST, pinned)
    assert second.serial == first.serial + 1
    assert second.nonce != first.nonce
    with pytest.raises(TimestampUnavailable):
        ask(authority.url, DIGEST)


@needs_openssl
def test_four_who_ask_at_once_get_four_tokens(tmp_path: Path) -> None:
    replies: list[bytes] = []
    with timestamp_authority(tmp_path / "tsa") as authority:
        threads = [threading.Thread(target=lambda: replies.append(ask(authority.url, DIGEST))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    pinned = PinnedAuthorities.read(authority.ca_pem)
    assert len({verify_timestamp(reply, DIGEST, pinned).serial for reply in replies}) == 4


@needs_openssl
def test_a_token_of_another_request_is_not_taken(tmp_path: Path) -> None:
    authority = TimestampAuthority.found(tmp_path)
    for earlier in (TimestampRequest.new(DIGEST), TimestampRequest.new(Digest.of(b"another"))):
        with (
            answering(sending(authority.reply(earlier.encode()))) as url,
            pytest.raises(TimestampUnavailable, match=r"nonce|found one for"),
        ):
            ask(url, DIGEST)


@needs_openssl
def test_a_refusal_is_passed_on(tmp_path: Path) -> None:
    refusal = TimestampAuthority.found(tmp_path).reply(b"no request")
    with answering(sending(refusal)) as url, pytest.raises(TimestampUnavailable, match="status 02"):
        ask(url, DIGEST)


def test_an_authority_that_is_down_is_told_apart_from_a_wrong_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(TimestampUnavailable, match="refused"):
            ask(f"http://127.0.0.1:{taken.getsockname()[1]}/", DIGEST)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "authority",
        "file:///etc/hostname",
        "ftp://host/",
        "http://",
        "https:///path",
        "http://a:b@host/",
        "http://[x/",
    ],
)
def test_a_url_that_is_none_of_an_authority_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="time-stamp authority"):
        ask(url, DIGEST)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    met: list[str] = []

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        met.append(handler.path)
        sending(b"")(handler)

    with (
        answering(elsewhere) as other,
        answering(sending(b"", status, Location=other)) as url,
        pytest.raises(TimestampUnavailable, match="expected"),
    ):
        ask(url, DIGEST)
    assert met == []


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_of_the_server_is_one_of_ours(status: int) -> None:
    with answering(sending(b"no", status)) as url, pytest.raises(TimestampUnavailable, match=str(status)):
        ask(url, DIGEST)


@pytest.mark.parametrize("body", [b"", b"<html>", b"0\x03\x02\x01\x00", bytes(5_000)])
def test_what_is_no_reply_is_not_taken(body: bytes) -> None:
    with answering(sending(body)) as url, pytest.raises(TimestampUnavailable):
        ask(url, DIGEST)


def test_a_reply_beyond_the_limit_is_not_read_on() -> None:
    sent: list[int] = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        sending(b"")(handler)
        try:
            for _ in range(2_000):
                handler.wfile.write(bytes(1_000_000))
                sent.append(1)
        except OSError:
            pass

    with answering(flood) as url, pytest.raises(TimestampUnavailable, match=str(MAX_REPLY_BYTES)):
        ask(url, DIGEST)
    assert len(sent) < 50


def test_a_short_reply_is_not_taken() -> None:
    with (
        answering(sending(b"0\x03\x02", **{"Content-Length": "900"})) as url,
        pytest.raises(TimestampUnavailable),
    ):
        ask(url, DIGEST)


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(5)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Never longer silent than a socket's limit, and never done."""
    try:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
        for _ in range(50):
            handler.wfile.write(b"x")
            time.sleep(0.1)
    except OSError:
        pass


@pytest.mark.parametrize("answer", [silent, dripping])
def test_the_time_limit_holds_whatever_the_authority_does(answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
    with answering(answer) as url:
        began = time.monotonic()
        with pytest.raises(TimestampUnavailable, match=r"within 0\.4 s|timed out"):
            ask(url, DIGEST, timeout=0.4)
        assert time.monotonic() - began < 2


def test_without_the_library_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise TimestampsNotInstalled("expected the library, found none")

    monkeypatch.setattr(timestamps, "check_installed", missing)
    met: list[int] = []
    with answering(lambda _: met.append(1)) as url, pytest.raises(TimestampsNotInstalled):
        ask(url, DIGEST)
    assert met == []


def test_what_a_run_survives_is_an_error_of_the_vault() -> None:
    assert issubclass(TimestampUnavailable, VaultError)


def test_a_machine_without_openssl_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DemoError, match="openssl"):
        require_openssl()
