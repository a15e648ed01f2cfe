"""Error answers as AWS gives them: the code, the HTTP status and the body differ by protocol, not only by cause."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4
from xml.sax.saxutils import escape


class Cause(StrEnum):
    """Why a call is answered with an error."""

    DENIED = "denied"
    THROTTLED = "throttled"
    EXPIRED = "expired"
    REGION_DISABLED = "region_disabled"
    FAILED = "failed"


# cause -> protocol -> (HTTP status, code). EC2 and S3 have words of their own; the others share a few.
_CODES: Mapping[Cause, Mapping[str, tuple[int, str]]] = {
    Cause.DENIED: {
        "query": (403, "AccessDenied"),
        "ec2": (403, "UnauthorizedOperation"),
        "json": (400, "AccessDeniedException"),
        "rest-json": (403, "AccessDeniedException"),
        "rest-xml": (403, "AccessDenied"),
        "cbor": (400, "AccessDeniedException"),
    },
    Cause.THROTTLED: {
        "query": (400, "Throttling"),
        "ec2": (503, "RequestLimitExceeded"),
        "json": (400, "ThrottlingException"),
        "rest-json": (429, "ThrottlingException"),
        "rest-xml": (503, "SlowDown"),
        "cbor": (400, "ThrottlingException"),
    },
    Cause.EXPIRED: {
        "query": (403, "ExpiredToken"),
        "ec2": (400, "RequestExpired"),
        "json": (400, "ExpiredTokenException"),
        "rest-json": (403, "ExpiredTokenException"),
        "rest-xml": (400, "ExpiredToken"),
        "cbor": (400, "ExpiredTokenException"),
    },
    Cause.REGION_DISABLED: {
        "query": (403, "InvalidClientTokenId"),
        "ec2": (401, "AuthFailure"),
        "json": (400, "UnrecognizedClientException"),
        "rest-json": (403, "UnrecognizedClientException"),
        "rest-xml": (403, "InvalidAccessKeyId"),
        "cbor": (400, "UnrecognizedClientException"),
    },
    Cause.FAILED: {
        "query": (500, "InternalFailure"),
        "ec2": (500, "InternalError"),
        "json": (500, "InternalServerException"),
        "rest-json": (500, "InternalServerException"),
        "rest-xml": (500, "InternalError"),
        "cbor": (500, "InternalServerException"),
    },
}
_MESSAGES: Mapping[Cause, str] = {
    Cause.DENIED: "User is not authorized to perform: {name} (simulated)",
    Cause.THROTTLED: "Rate exceeded (simulated)",
    Cause.EXPIRED: "The security token included in the request is expired (simulated)",
    Cause.REGION_DISABLED: "The credentials are not valid in this region, which is not enabled (simulated)",
    Cause.FAILED: "An internal error occurred (simulated)",
}


@dataclass(frozen=True)
class WireError:
    """An error before it takes the form of a protocol."""

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class WireAnswer:
    """An HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def wire_error(cause: Cause, protocol: str, name: str) -> WireError:
    """The error that AWS gives for this cause over this protocol."""
    status, code = _CODES[cause].get(protocol, _CODES[cause]["rest-json"])
    return WireError(status, code, _MESSAGES[cause].format(name=name))


def render_error(error: WireError, protocol: str, service: str, method: str = "POST") -> WireAnswer:
    """The answer's bytes, such that botocore reads exactly this code from them."""
    request_id = str(uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if protocol == "rest-xml" and service == "s3":
        headers = [("x-amz-request-id", request_id), ("x-amz-id-2", request_id)]
        content_type, body = "application/xml", _s3_body(error, request_id)
    elif protocol == "ec2":
        content_type, body = "text/xml;charset=UTF-8", _ec2_body(error, request_id)
    elif protocol in ("query", "rest-xml"):
        content_type, body = "text/xml", _query_body(error, request_id)
    elif protocol == "cbor":
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
        content_type, body = "application/cbor", _cbor_body(error)
    else:
        headers.append(("x-amzn-ErrorType", error.code))
        content_type = "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
    if method == "HEAD":
        body = b""  # as AWS: the status is all there is
    headers += [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    return WireAnswer(error.status, tuple(headers), body)


def _s3_body(error: WireError, request_id: str) -> bytes:
    return _xml(
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>"
    )


def _ec2_body(error: WireError, request_id: str) -> bytes:
    return _xml(
        f"<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"</Errors><RequestID>{request_id}</RequestID></Response>"
    )


def _query_body(error: WireError, request_id: str) -> bytes:
    side = "Receiver" if error.status >= 500 else "Sender"
    return _xml(
        f"<ErrorResponse><Error><Type>{side}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _xml(body: str) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode()


def _cbor_body(error: WireError) -> bytes:
    """A CBOR map of two texts: the only CBOR that is written here."""
    fields = {"__type": error.code, "message": error.message}
    return b"\xa2" + b"".join(_cbor_text(name) + _cbor_text(value) for name, value in fields.items())


def _cbor_text(text: str) -> bytes:
    content = text.encode()
    return b"\x79" + len(content).to_bytes(2, "big") + content
