"""What the calls of a transcript look like to the emulated account's access log, computed without any of our code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore import xform_name
from botocore.config import Config

from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Call
from flows.demo.access_log import Access
from flows.demo.operations import WireRequest, name_call
from flows.steps.records import read_call
from flows.vault.vault import Vault

Asked = tuple[str, str, str]
"""Operation, region, and digest of the parameters."""


class _Captured(Exception):
    pass


def asked(accesses: Iterable[Access]) -> Counter[Asked]:
    """What the access log says was asked, STS apart: it is asked who we are, once a process."""
    return Counter(
        (access.name, access.region, access.parameters_sha256) for access in accesses if access.service != "sts"
    )


def asked_by(vault: Vault, receipts: Iterable[Receipt]) -> tuple[Counter[Asked], Counter[tuple[str, str]]]:
    """What the stored transcripts of these units say was asked: first pages, and further ones by operation and region.

    A further page's token is not kept, so its request cannot be made again.
    """
    first: Counter[Asked] = Counter()
    further: Counter[tuple[str, str]] = Counter()
    for receipt in receipts:
        for call in _calls(vault, receipt):
            if call.page == 1 or call.step == "poll":
                first[_as_logged(call)] += 1 + len(call.retried)
            else:
                further[f"{call.service}:{call.operation}", call.region] += 1 + len(call.retried)
    return first, further


def _calls(vault: Vault, receipt: Receipt) -> Iterable[Call]:
    if receipt.transcript is None:
        return
    lines = vault.artifacts.lines(receipt.transcript, receipt.run_id, receipt.unit.digest.hex)
    next(lines)
    for line in lines:
        yield read_call(line, receipt.unit)


def _as_logged(call: Call) -> Asked:
    """Let botocore write the request, and the access log's own reading name it."""
    client = _client(call.service, call.region)
    requests: list[Any] = []

    def capture(request: Any, **_: Any) -> None:
        requests.append(request)
        raise _Captured

    client.meta.events.register("before-send", capture)
    try:
        getattr(client, xform_name(call.operation))(**call.parameters)
    except _Captured:
        pass
    finally:
        client.meta.events.unregister("before-send", capture)
    named = name_call(_wire_request(requests[0]))
    return named.name, named.region, named.parameters_digest


@cache
def _client(service: str, region: str) -> Any:
    return boto3.client(
        service, region_name=region, endpoint_url="http://127.0.0.1:9", aws_access_key_id="any",
        aws_secret_access_key="any", config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )  # fmt: skip


def _wire_request(request: Any) -> WireRequest:
    address = urlsplit(request.url)
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value)
               for name, value in request.headers.items()}  # fmt: skip
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    query = tuple(parse_qsl(address.query, keep_blank_values=True))
    return WireRequest(request.method, address.path, query, headers, body)
