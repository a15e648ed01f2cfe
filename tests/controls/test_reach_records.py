"""Derivations of networks, sessions and inventories where answers are missing or strange, and paths through lists."""

from __future__ import annotations

import json

import pytest
from answers import Told, denied

from evidence_schema.paths import all_at


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"A": [{"B": [1, 2]}, {"B": [3]}]}, "A[].B", [1, 2, 3]),
        ({"A": [{"B": {"C": [1]}}, {"B": {"C": [2]}}]}, "A[].B.C", [1, 2]),
        ({"A": [{"B": [{"C": [1]}]}, {"B": [{"C": [2]}]}]}, "A[].B[].C", [1, 2]),
        ({"A": [{"X": 1}, {"B": [3]}]}, "A[].B", [3]),
        ({"A": []}, "A[].B", []),
        ({}, "A[].B", []),
        ({"A": {"B": [1]}}, "A.B", [1]),
        ({"A": {"B": {"c": 1}}}, "A.B", [{"c": 1}]),
        ({"A": ["plain"]}, "A[].B", []),
    ],
)
def test_a_path_goes_into_lists_where_it_says_so(value: object, path: str, found: list[object]) -> None:
    assert all_at(value, path) == found


def test_machines_of_several_reservations_are_records_of_their_own() -> None:
    told = Told("aws.ec2.instances")
    reservations = [
        {"ReservationId": "r-1", "Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]},
        {"ReservationId": "r-2", "Instances": [{"InstanceId": "i-3"}]},
    ]
    told.call("DescribeInstances", "list", {"Reservations": reservations})
    assert [record.id for record in told.records()] == ["i-1", "i-2", "i-3"]


def test_a_region_that_did_not_answer_has_no_count() -> None:
    told = Told("aws.resourcegroupstaggingapi.resources")
    told.call("GetResources", "list", denied())
    assert told.records("aws.resourcegroupstaggingapi.regions") == ()


def test_a_region_that_did_not_answer_to_the_end_has_an_unknown_count() -> None:
    told = Told("aws.resourcegroupstaggingapi.resources").list({"ResourceARN": "a", "Tags": []})
    told.call("GetResources", "list", denied())
    (record,) = told.records("aws.resourcegroupstaggingapi.regions")
    assert record.fields == {}
    assert set(record.gaps) == {"Resources"}


def test_an_empty_region_answered_with_nothing() -> None:
    (record,) = Told("aws.resourcegroupstaggingapi.resources").list().records("aws.resourcegroupstaggingapi.regions")
    assert record.fields == {"Resources": 0}


def test_a_search_without_a_count_is_not_known_to_be_whole() -> None:
    (record,) = Told("aws.resource_explorer_2.untagged").list().records("aws.resource_explorer_2.searches")
    assert record.fields == {}
    assert set(record.gaps) == {"Found", "Complete"}


@pytest.mark.parametrize("content", ["{}", "not JSON", json.dumps({"inputs": []})])
def test_preferences_that_cannot_be_read_are_unknown(content: str) -> None:
    told = Told("aws.ssm.session_preferences").list({"Name": "SSM-SessionManagerRunShell", "Content": content})
    (record,) = told.records()
    assert record.fields == {}
    assert {"Saved", "KmsKeyId", "IdleMinutes"} <= set(record.gaps)


def test_preferences_that_were_denied_are_unknown() -> None:
    told = Told("aws.ssm.session_preferences")
    told.call("GetDocument", "list", denied())
    (record,) = told.records()
    assert record.gaps["Saved"].result == "denied"


def test_a_machine_that_has_ended_wears_nothing() -> None:
    groups = [{"GroupId": "sg-1", "GroupName": "one"}]
    ended = {"InstanceId": "i-1", "State": {"Name": "terminated"}, "SecurityGroups": groups}
    assert Told("aws.ec2.instances").list(ended).records("aws.ec2.worn_groups") == ()


def test_a_public_ipv6_address_counts() -> None:
    interface = {"Groups": [{"GroupId": "sg-2"}], "Ipv6Addresses": [{"Ipv6Address": "2001:db8::1"}]}
    machine = {"InstanceId": "i-1", "State": {"Name": "running"}, "NetworkInterfaces": [interface]}
    (record,) = Told("aws.ec2.instances").list(machine).records("aws.ec2.worn_groups")
    assert record.fields == {"InstanceId": "i-1", "GroupId": "sg-2", "Public": True}
