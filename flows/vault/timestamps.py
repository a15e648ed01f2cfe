"""Asking a time-stamp authority over HTTP (RFC 3161 section 3.4).

The authority is a stranger: it is sent a digest and nothing else, may take only so long and send only so much, and
cannot send us elsewhere. What its token is worth, `evidence_schema.timestamp.verify_timestamp` decides.
"""

from __future__ import annotations

import http.client
import queue
import threading
import urllib.request
from email.message import Message
from typing import IO, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from evidence_schema.digest import Digest
from evidence_schema.errors import BadTimestamp
from evidence_schema.timestamp import MAX_REPLY_BYTES, TimestampRequest, check_answers, check_installed
from flows.vault.errors import BadSettings, TimestampUnavailable

TIMEOUT_SECONDS = 15.0
_REQUEST_TYPE = "application/timestamp-query"
_REPLY_TYPE = "application/timestamp-reply"


def ask(url: str, digest: Digest, *, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """The authority's reply for a file's digest, byte for byte: a token for this very request, signed by whomever.

    Returns or raises within `timeout` seconds, whatever the authority does. Raises TimestampUnavailable where there is
    no token to be had now, which must not fail a run; BadSettings for a URL that is none of an authority; and
    TimestampsNotInstalled (of evidence_schema) without the extra `timestamp`. One attempt: the caller repeats.
    """
    _check_url(url)
    check_installed()
    request = TimestampRequest.new(digest)
    reply = _within(timeout, url, request.encode())
    try:
        check_answers(reply, request)
    except BadTimestamp as error:
        raise TimestampUnavailable(f"expected a time stamp from {url}, found: {error}") from error
    return reply


def _within(timeout: float, url: str, body: bytes) -> bytes:
    """The answer to a POST, in time. A thread waits for it: a socket's own limit starts anew with each byte that comes.

    A thread that is left behind ends with its socket, or with this process.
    """
    answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

    def post() -> None:
        try:
            answers.put(_post(url, body, timeout))
        except Exception as error:  # noqa: BLE001 (handed over, to be raised where it is awaited)
            answers.put(error)

    threading.Thread(target=post, name="timestamp", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise TimestampUnavailable(f"expected {url} to answer within {timeout:g} s, found no whole answer") from None
    if isinstance(answer, HTTPError):
        raise TimestampUnavailable(f"expected {url} to answer with 200, found {answer}") from answer
    if isinstance(answer, URLError):
        raise TimestampUnavailable(f"expected {url} to answer, found: {answer.reason}") from answer
    if isinstance(answer, OSError | http.client.HTTPException):
        found = str(answer) or type(answer).__name__
        raise TimestampUnavailable(f"expected {url} to answer, found: {found}") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


def _post(url: str, body: bytes, timeout: float) -> bytes:
    headers = {"Content-Type": _REQUEST_TYPE, "Accept": _REPLY_TYPE}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 (see _check_url)
    opener = urllib.request.build_opener(_NoRedirects)  # anew each time: the environment names the proxies
    with opener.open(request, timeout=timeout) as response:
        reply: bytes = response.read(MAX_REPLY_BYTES + 1)
    if len(reply) > MAX_REPLY_BYTES:
        raise TimestampUnavailable(f"expected {url} to send at most {MAX_REPLY_BYTES} bytes, found more")
    return reply


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise BadSettings(f"expected a time-stamp authority like https://host/path, found {ascii(url)[:120]}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would lose the request's body, or carry it to a host that nobody chose."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> NoReturn:
        moved = f"{code} to {ascii(newurl)[:120]}"
        raise TimestampUnavailable(f"expected {req.full_url} to answer itself, found {moved}; is that its new address?")
