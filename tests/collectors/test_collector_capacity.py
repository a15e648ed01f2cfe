"""What is gathered by modules for capacity: metrics that are listed before they are asked for, and what scales."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest
from collector_desk import PERIOD, REGION, Desk
from moto import mock_aws
from stub_aws import StubAws, refuse

from evidence_schema.models.names import GatherResult
from flows.collectors.aws.modules.scalable_targets import NAMESPACES
from flows.collectors.registry import Kinds

METRICS, TARGETS = "aws.cloudwatch.metric_statistics", "aws.application_autoscaling.scalable_targets"


def test_metrics_are_summed_up_by_day(kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        cloudwatch = boto3.client("cloudwatch", region_name=REGION)
        dimensions = {"one": [("InstanceId", "i-1")], "two": [("InstanceId", "i-1"), ("ImageId", "ami-1")]}
        for named in dimensions.values():
            cloudwatch.put_metric_data(
                Namespace="AWS/EC2",
                MetricData=[
                    {
                        "MetricName": "CPUUtilization",
                        "Timestamp": PERIOD.start + timedelta(days=day, hours=1),
                        "Value": value,
                        "Dimensions": [{"Name": name, "Value": text} for name, text in named],
                    }
                    for day, value in ((-1, 99.0), (0, 10.0), (1, 20.5), (40, 99.0))
                ],
            )
        kept = Desk(kinds, account="123456789012").one(METRICS)
    assert kept.gathered.result is GatherResult.COLLECTED
    (record,) = kept.records
    assert record.id == "AWS/EC2/CPUUtilization/InstanceId=i-1", "not the one with a further dimension, and once only"
    assert record.fields == {
        "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Average",
        "Dimensions": {"InstanceId": "i-1"}, "Resource": "i-1",
        "Days": 2, "Highest": "20.5", "Lowest": "10", "Mean": "15.25",
    }  # fmt: skip
    assert kept.gathered.items.kept == 1


def test_every_service_that_scales_is_asked_page_by_page(kinds: Kinds, aws: StubAws) -> None:
    def answer(parameters: dict) -> dict:
        if parameters["ServiceNamespace"] != "dynamodb":
            return {"ScalableTargets": []}
        if "NextToken" in parameters:
            return {"ScalableTargets": [target("write")]}
        return {"ScalableTargets": [target("read")], "NextToken": "more"}

    def target(dimension: str) -> dict:
        return {"ResourceId": "table/visits", "ScalableDimension": dimension, "MinCapacity": 1, "MaxCapacity": 2}

    aws.answers["application-autoscaling:DescribeScalableTargets"] = answer
    kept = Desk(kinds).one(TARGETS)
    assert kept.gathered.result is GatherResult.COLLECTED
    assert [record.id for record in kept.records] == ["table/visits/read", "table/visits/write"]
    assert len(aws.log) >= len(NAMESPACES) + 1


def test_a_denied_question_is_not_an_account_where_nothing_scales(kinds: Kinds, aws: StubAws) -> None:
    aws.answers["application-autoscaling:DescribeScalableTargets"] = refuse("AccessDeniedException")
    assert Desk(kinds).one(TARGETS).gathered.result is GatherResult.DENIED
