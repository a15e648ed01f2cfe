"""What is asked about recovery, capacity and processing runs: good and bad settings of what the account already has."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from flows.demo.filling import HOME_REGION, SIMULATED, Filler, tag_list

PATIENTS, CLINIC = "sim-patients", "sim-clinic-cluster"
DAYS_MEASURED = 62
"""The month before is measured, whatever day it is."""
QUIET_MACHINE, BUSY_MACHINE = "i-0simulatedquiet000", "i-0simulatedbusy0000"


def fill_recovery(filler: Filler, region: str) -> None:
    """The databases that hold health data are well kept; the others are as they were made."""
    if region == HOME_REGION:
        _harden_databases(filler)
    _fill_groups(filler, region)
    _fill_tables(filler, region)
    _fill_dead_letters(filler, region)
    _fill_metrics(filler, region)


def _harden_databases(filler: Filler) -> None:
    rds, role = filler.client("rds"), f"arn:aws:iam::{filler.account}:role/simulated-monitoring"
    for suffix in filler.copies():
        rds.modify_db_instance(
            DBInstanceIdentifier=PATIENTS + suffix,
            CopyTagsToSnapshot=True,
            DeletionProtection=True,
            MonitoringInterval=60,
            MonitoringRoleArn=role,
        )
    rds.modify_db_cluster(DBClusterIdentifier=CLINIC, CopyTagsToSnapshot=True, DeletionProtection=True)


def _fill_groups(filler: Filler, region: str) -> None:
    """Groups without a machine: one over two zones, one in a single zone."""
    autoscaling = filler.client("autoscaling", region)
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="simulated-group", ImageId="ami-0simulated0000000", InstanceType="t3.small"
    )
    for name, zones, health in (("spread", "ab", "ELB"), ("one-zone", "a", "EC2")):
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=f"simulated-{name}",
            LaunchConfigurationName="simulated-group",
            MinSize=0,
            MaxSize=4,
            DesiredCapacity=0,
            AvailabilityZones=[region + zone for zone in zones],
            HealthCheckType=health,
            HealthCheckGracePeriod=300,
            Tags=[{**tag, "PropagateAtLaunch": False} for tag in tag_list()],
        )


def _fill_tables(filler: Filler, region: str) -> None:
    """Both have a fixed capacity; the first one scales (answers/application-autoscaling.yaml)."""
    for name in ("appointments", "fixed-counters"):
        filler.client("dynamodb", region).create_table(
            TableName=f"simulated-{name}",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            Tags=tag_list(),
        )


def _fill_dead_letters(filler: Filler, region: str) -> None:
    """One queue for dead letters is empty, in the other lies a message that nobody looked at."""
    sqs = filler.client("sqs", region)
    for name, letters in (("handled", 0), ("forgotten", 1)):
        url = sqs.create_queue(QueueName=f"simulated-dead-{name}", tags=dict(SIMULATED))["QueueUrl"]
        policy = {"deadLetterTargetArn": filler.arn("sqs", region, f"simulated-dead-{name}"), "maxReceiveCount": 3}
        sqs.create_queue(QueueName=f"simulated-work-{name}", Attributes={"RedrivePolicy": json.dumps(policy)})
        for _ in range(letters):
            sqs.send_message(QueueUrl=url, MessageBody="SIMULATED")


def _fill_metrics(filler: Filler, region: str) -> None:
    """A value a day: processors, status checks, and how much of two quotas is used."""
    cloudwatch = filler.client("cloudwatch", region)
    days = [filler.now - timedelta(days=number) for number in range(DAYS_MEASURED)]
    for machine, processor, failed in ((QUIET_MACHINE, 21.5, 0.0), (BUSY_MACHINE, 91.0, 0.02)):
        data = [
            point
            for day in days
            for point in (
                _point("CPUUtilization", processor, day, InstanceId=machine),
                _point("StatusCheckFailed", failed, day, InstanceId=machine),
            )
        ]
        cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=data)
    for kind, count in (("Standard/OnDemand", 60.0), ("Standard/Spot", 8.0)):
        named = {"Class": kind, "Resource": "vCPU", "Service": "EC2", "Type": "Resource"}
        data = [_point("ResourceCount", count, day, **named) for day in days]
        cloudwatch.put_metric_data(Namespace="AWS/Usage", MetricData=data)


def _point(name: str, value: float, day: datetime, **dimensions: str) -> dict[str, Any]:
    named = [{"Name": key, "Value": text} for key, text in dimensions.items()]
    return {"MetricName": name, "Timestamp": day, "Value": value, "Dimensions": named}
