"""Own answers in CBOR: botocore reads what was written, and we read what botocore asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import RpcV2CBORParser

from flows.demo.cbor import read_cbor
from flows.demo.encoding import encode_answer
from flows.demo.errors import DemoError
from flows.demo.operations import service_model

AT = datetime(2026, 11, 1, 6, tzinfo=UTC)


def read_by_botocore(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    model = service_model("codedeploy").operation_model(operation)
    sent = encode_answer(model, "cbor", answer)
    response = {"status_code": sent.status, "headers": dict(sent.headers), "body": sent.body, "context": {}}
    found: dict[str, Any] = RpcV2CBORParser().parse(response, model.output_shape)
    found.pop("ResponseMetadata", None)
    return found


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 70_000])
def test_texts_and_lists_of_any_length_come_back(length: int) -> None:
    answer = {"deployments": ["d" * length, *(["x"] * length)]}
    assert read_by_botocore("ListDeployments", answer) == answer


def test_numbers_truths_and_times_come_back() -> None:
    info = {
        "deploymentId": "d-1", "createTime": AT, "ignoreApplicationStopFailures": True, "computePlatform": "Server",
        "deploymentOverview": {"Pending": 0, "Failed": -3, "Succeeded": 2**40}, "updateOutdatedInstancesOnly": False,
    }  # fmt: skip
    found = read_by_botocore("GetDeployment", {"deploymentInfo": info})["deploymentInfo"]
    assert found == info


def test_a_field_that_the_shape_does_not_know_is_an_error() -> None:
    with pytest.raises(DemoError, match="has no field nonsense"):
        read_by_botocore("GetDeployment", {"deploymentInfo": {"nonsense": 1}})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", {}),
        (b"\xa1\x61a\x01", {"a": 1}),
        (b"\xa1\x61a\x82\xf5\x61b", {"a": [True, "b"]}),
        (b"\xa1\x61a\xc1\x1a\x69\x05\xaf\xe0", {"a": "2025-11-01T06:59:44+00:00"}),
        (b"\x01", {}),
        (b"\xa1\x61", {}),
    ],
)
def test_questions_are_read_and_what_is_none_asks_nothing(body: bytes, found: dict[str, Any]) -> None:
    assert read_cbor(body) == found
