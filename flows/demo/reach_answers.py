"""Systems Manager's view of the emulated account's machines: those that carry the tag `simulated-managed`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flows.demo.moto_setup import moto_models
from flows.demo.own_answers import Handlers, Question, page

MANAGED_TAG = "simulated-managed"
"""Its value is the state in which Systems Manager finds the machine."""


def _managed_machines(question: Question) -> list[tuple[str, str]]:
    """Id and state of each managed machine, oldest first."""
    backend = moto_models("ec2").ec2_backends[question.call.account][question.call.region]
    machines = [machine for reservation in backend.reservations.values() for machine in reservation.instances]
    tagged = ((machine.id, {tag["key"]: tag["value"] for tag in machine.get_tags()}) for machine in machines)
    return [(id_, tags[MANAGED_TAG]) for id_, tags in tagged if MANAGED_TAG in tags]


def _describe_instance_information(question: Question) -> Mapping[str, Any]:
    rows = [
        {
            "InstanceId": id_,
            "PingStatus": state,
            "LastPingDateTime": question.now - timedelta(minutes=4 if state == "Online" else 20_000),
            "AgentVersion": "3.3.2299.0",
            "IsLatestVersion": state == "Online",
            "PlatformType": "Linux",
            "PlatformName": "Amazon Linux",
            "PlatformVersion": "2023",
            "ResourceType": "EC2Instance",
            "ComputerName": f"{id_}.simulated.internal",
        }
        for id_, state in _managed_machines(question)
    ]
    return page(question, rows, "InstanceInformationList", 50)


def _get_inventory(question: Question) -> Mapping[str, Any]:
    software = [
        {"Name": "openssl", "Version": "3.2.2", "Publisher": "Amazon Linux", "Architecture": "x86_64"},
        {"Name": "simulated-file-sharing", "Version": "1.0", "Publisher": "unknown", "Architecture": "x86_64"},
    ]
    rows = [
        {
            "Id": id_,
            "Data": {
                "AWS:Application": {
                    "TypeName": "AWS:Application",
                    "SchemaVersion": "1.1",
                    "CaptureTime": "2026-09-30T06:00:00Z",
                    "Content": software,
                }
            },
        }
        for id_, _ in _managed_machines(question)
    ]
    return page(question, rows, "Entities", 50)


REACH_HANDLERS: Handlers = {
    "ssm:DescribeInstanceInformation": _describe_instance_information,
    "ssm:GetInventory": _get_inventory,
}
