"""What a CloudTrail event is about: a sign-in, the root user, a change to what runs, among changes a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from evidence_schema.paths import look_up

_ABOUT_ITSELF = MappingProxyType({
    "ssm.amazonaws.com": frozenset({
        "UpdateInstanceInformation", "UpdateInstanceAssociationStatus", "PutInventory", "PutComplianceItems",
        "OpenDataChannel", "UpdateOpsItem",
    }),
    "logs.amazonaws.com": frozenset({"CreateLogStream"}),
    "kms.amazonaws.com": frozenset({"CreateGrant", "RetireGrant"}),
})  # fmt: skip
"""Event source -> events by which programs tell of themselves all day: they change nothing that runs."""
DEPLOYS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "apigateway.amazonaws.com": ("CreateDeployment",),
    "autoscaling.amazonaws.com": ("StartInstanceRefresh",),
    "cloudformation.amazonaws.com": ("CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet"),
    "codedeploy.amazonaws.com": ("CreateDeployment",),
    "codepipeline.amazonaws.com": ("StartPipelineExecution",),
    "ec2.amazonaws.com": ("RunInstances",),
    "ecs.amazonaws.com": ("CreateService", "UpdateService", "RunTask"),
    "eks.amazonaws.com": ("UpdateNodegroupVersion", "UpdateClusterVersion"),
    "elasticbeanstalk.amazonaws.com": ("CreateEnvironment", "UpdateEnvironment"),
    "lambda.amazonaws.com": ("CreateFunction", "UpdateFunctionCode", "PublishVersion", "UpdateAlias"),
})  # fmt: skip
"""Event source -> how the names of the events begin that bring software or machines into service."""


_SIGN_IN_SOURCES = ("signin.amazonaws.com", "signin.aws.amazon.com")  # what comes from outside may have no hash


def is_sign_in(event: Mapping[str, Any]) -> bool:
    """An event of the sign-in to the console."""
    return event.get("eventSource") in _SIGN_IN_SOURCES or event.get("eventType") == "AwsConsoleSignIn"


def is_root(event: Mapping[str, Any]) -> bool:
    """By root itself, not by a service on its behalf."""
    who = event.get("userIdentity")
    by_root = isinstance(who, Mapping) and who.get("type") == "Root" and "invokedBy" not in who
    return by_root and event.get("eventType") != "AwsServiceEvent"


def is_change(event: Mapping[str, Any]) -> bool:
    """A call that changed something, made by a person or a program of the organisation; what failed changed nothing,
    and what a service of AWS does for somebody follows from that one's own call.
    """
    name, source = event.get("eventName"), event.get("eventSource")
    if not isinstance(name, str) or not isinstance(source, str) or event.get("readOnly") is not False:
        return False
    by_service = look_up(event, "userIdentity.type") == "AWSService" or isinstance(
        look_up(event, "userIdentity.invokedBy"), str
    )
    is_management = event.get("eventType") == "AwsApiCall" and event.get("eventCategory", "Management") == "Management"
    return is_management and not by_service and not event.get("errorCode") and name not in _ABOUT_ITSELF.get(source, ())


def is_deployment(event: Mapping[str, Any]) -> bool:
    """Whether a change brings software or machines into service."""
    name, source = event.get("eventName"), event.get("eventSource")
    return isinstance(name, str) and name.startswith(DEPLOYS.get(str(source), ("\0",)))
