"""Systems Manager's answers about patches, SIMULATED: the first managed machine of a region is patched, no other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flows.demo.filling import stamp
from flows.demo.moto_setup import moto_models
from flows.demo.own_answers import Handlers, Question
from flows.demo.reach_answers import MANAGED_TAG

_NEVER = "1970-01-01T00:00:00Z"
"""What stands in the place of a time for a patch that was not installed."""


def _managed(question: Question) -> list[str]:
    """The machines with the tag, oldest first."""
    backend = moto_models("ec2").ec2_backends[question.call.account][question.call.region]
    machines = (machine for held in backend.reservations.values() for machine in held.instances)
    return [machine.id for machine in machines if MANAGED_TAG in {tag["key"] for tag in machine.get_tags()}]


def _ago(question: Question, days: int) -> str:
    return stamp(question.now - timedelta(days=days))


def _patch_states(question: Question) -> Mapping[str, Any]:
    scanned = {id_: _ago(question, 2) for id_ in _managed(question)}
    return {
        "InstancePatchStates": [
            {
                "InstanceId": id_, "PatchGroup": "simulated", "BaselineId": "pb-simulated", "Operation": "Scan",
                "OperationStartTime": scanned[id_], "OperationEndTime": scanned[id_],
            }
            for id_ in question.parameters["InstanceIds"]
            if id_ in scanned
        ]
    }  # fmt: skip


def _patches(question: Question) -> Mapping[str, Any]:
    patch = {"Title": "SIMULATED", "Classification": "Security", "Severity": "Important"}
    if question.parameters["InstanceId"] == _managed(question)[0]:
        return {"Patches": [patch | {"KBId": "openssl", "State": "INSTALLED", "InstalledTime": _ago(question, 9)}]}
    return {
        "Patches": [
            patch | {"KBId": "openssl", "State": "INSTALLED", "InstalledTime": _ago(question, 90)},
            patch | {"KBId": "kernel", "State": "MISSING", "InstalledTime": _NEVER},
        ]
    }


def _associations(question: Question) -> Mapping[str, Any]:
    (machine,) = question.parameters["ResourceIds"]
    good = machine == _managed(question)[0]
    return {
        "ComplianceItems": [
            {
                "ComplianceType": "Association", "ResourceType": "ManagedInstance", "ResourceId": machine,
                "Id": "simulated-association", "Title": "SIMULATED", "Severity": "UNSPECIFIED",
                "Status": "COMPLIANT" if good else "NON_COMPLIANT",
            }
        ]
    }  # fmt: skip


PATCH_HANDLERS: Handlers = {
    "ssm:DescribeInstancePatchStates": _patch_states,
    "ssm:DescribeInstancePatches": _patches,
    "ssm:ListComplianceItems": _associations,
}
