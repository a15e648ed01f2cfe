"""Which events of the trail are changes, and which changes are deployments."""

from __future__ import annotations

from typing import Any

import pytest

from evidence_schema.records.changes import is_change, is_deployment

pytestmark = pytest.mark.sealing

CHANGE = {
    "eventName": "UpdateService", "eventSource": "ecs.amazonaws.com", "eventType": "AwsApiCall", "readOnly": False,
    "eventCategory": "Management", "userIdentity": {"type": "AssumedRole"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"eventCategory": None}, False),
        ({"readOnly": True}, False),
        ({"readOnly": "false"}, False),
        ({"eventCategory": "Data"}, False),
        ({"eventType": "AwsServiceEvent"}, False),
        ({"eventType": "AwsConsoleSignIn"}, False),
        ({"errorCode": "AccessDenied"}, False),
        ({"userIdentity": {"type": "AWSService"}}, False),
        ({"userIdentity": {"type": "AssumedRole", "invokedBy": "autoscaling.amazonaws.com"}}, False),
        ({"userIdentity": "?"}, True),
        ({"eventName": "CreateLogStream", "eventSource": "logs.amazonaws.com"}, False),
        ({"eventName": "CreateLogGroup", "eventSource": "logs.amazonaws.com"}, True),
        ({"eventName": 5}, False),
        ({"eventSource": ["?"]}, False),
    ],
)
def test_what_is_a_change(changed: dict[str, Any], expected: bool) -> None:
    assert is_change(CHANGE | changed) is expected


def test_an_event_of_an_older_form_has_no_category() -> None:
    assert is_change({name: value for name, value in CHANGE.items() if name != "eventCategory"})


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("ecs", "UpdateService", True),
        ("lambda", "UpdateFunctionCode20150331v2", True),
        ("lambda", "AddPermission", False),
        ("s3", "CreateDeployment", False),
    ],
)
def test_what_is_a_deployment(source: str, name: str, expected: bool) -> None:
    assert is_deployment({"eventSource": f"{source}.amazonaws.com", "eventName": name}) is expected
