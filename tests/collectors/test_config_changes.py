"""The configuration history of what changed in the period; batches of a kind that builds on another; one address."""

from __future__ import annotations

from collector_desk import PERIOD, desk_over, kind
from stub_aws import StubAws, refuse

from evidence_schema.models.base import format_time
from evidence_schema.models.names import GatherResult
from flows.collectors.registry import load_kinds

CHANGES = load_kinds()["aws.config.changes"]
QUERY, HISTORY = "config:SelectResourceConfig", "config:GetResourceConfigHistory"


def _resource(id_: str) -> str:
    return f'{{"resourceId":"{id_}","resourceType":"AWS::EC2::Instance"}}'


def _item(id_: str) -> dict:
    return {
        "resourceType": "AWS::EC2::Instance", "resourceId": id_, "configurationItemStatus": "OK",
        "configurationItemCaptureTime": 1_760_000_000, "configuration": '{"password":"hunter2hunter2"}',
        "supplementaryConfiguration": {"Policy": "a secret"},
    }  # fmt: skip


def test_each_resource_that_changed_is_asked_for_its_history_without_its_configuration(aws: StubAws) -> None:
    aws.answers[QUERY] = [{"Results": [_resource("i-1")], "NextToken": "more"}, {"Results": [_resource("i-2")]}]
    aws.answers[HISTORY] = lambda asked: {"configurationItems": [_item(asked["resourceId"])]}
    kept = desk_over(CHANGES).one("aws.config.changes")
    assert kept.gathered.result is GatherResult.COLLECTED
    assert format_time(PERIOD.start) in aws.asked(QUERY)[0].parameters["Expression"]
    assert [record.fields["ResourceId"] for record in kept.records] == ["i-1", "i-2"]
    assert kept.records[0].id.startswith("AWS::EC2::Instance/i-1/2025-10-09T")
    assert b"hunter2" not in kept.transcript
    assert b"a secret" not in kept.transcript


def test_a_resource_without_history_is_a_fact_and_a_refused_one_a_gap(aws: StubAws) -> None:
    aws.answers[QUERY] = {"Results": [_resource("i-1"), _resource("i-2")]}
    aws.answers[HISTORY] = lambda asked: (
        refuse("ResourceNotDiscoveredException")
        if asked["resourceId"] == "i-1"
        else {"configurationItems": [_item("i-2")]}
    )
    assert desk_over(CHANGES).one("aws.config.changes").gathered.result is GatherResult.COLLECTED
    aws.answers[HISTORY] = lambda asked: (
        refuse("AccessDeniedException") if asked["resourceId"] == "i-1" else {"configurationItems": [_item("i-2")]}
    )
    assert desk_over(CHANGES).one("aws.config.changes").gathered.result is GatherResult.PARTIAL


def test_an_answer_of_the_query_that_names_no_resource_is_a_gap(aws: StubAws) -> None:
    aws.answers[QUERY] = {"Results": ["[]", "{", _resource("i-1")]}
    aws.answers[HISTORY] = {"configurationItems": [_item("i-1")]}
    kept = desk_over(CHANGES).one("aws.config.changes")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert [record.fields["ResourceId"] for record in kept.records] == ["i-1"]


def test_a_batch_of_a_kind_that_builds_on_another_may_name_the_items_parent(aws: StubAws) -> None:
    clusters = kind(
        kind="aws.ecs.clusters", service="ecs",
        list={"operation": "ListClusters", "items": "clusterArns", "id": "$value"},
    )  # fmt: skip
    services = {
        "kind": "aws.ecs.services", "service": "ecs", "from": "aws.ecs.clusters",
        "list": {"operation": "ListServices", "with": {"cluster": "$item.value"}, "items": "serviceArns",
                 "id": "$value"},
        "batch": {"operation": "DescribeServices", "with": {"cluster": "$parent.value", "services": "$ids"},
                  "items": "services", "id": "serviceArn", "under": "detail", "size": 10},
    }  # fmt: skip
    aws.answers["ecs:ListClusters"] = {"clusterArns": ["c-1"]}
    aws.answers["ecs:ListServices"] = {"serviceArns": ["s-1", "s-2"]}
    aws.answers["ecs:DescribeServices"] = lambda asked: {
        "services": [{"serviceArn": name, "clusterArn": asked["cluster"]} for name in asked["services"]]
    }
    desk = desk_over(clusters, kind(**services))
    found = desk.gather("aws.ecs.clusters", "aws.ecs.services")[1]
    assert found.gathered.result is GatherResult.COLLECTED
    assert [item.parameters for item in aws.asked("ecs:DescribeServices")] == [
        {"cluster": "c-1", "services": ["s-1", "s-2"]}
    ]
    assert [record.fields["detail"]["clusterArn"] for record in found.records] == ["c-1", "c-1"]
