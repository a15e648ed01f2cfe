"""Which IAM action an operation needs. Nearly always its own name behind the name that its service signs with; the rest
stands here by hand. That each action exists is proven by test, against an IAM action database.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from botocore.model import ServiceModel

from controls.documents import Pointer
from controls.spelling import near_matches
from evidence_schema.models.declaration import KindDeclaration
from flows.collectors.aws.session import Sessions
from flows.collectors.kinds import operations_in

OTHER_PREFIX = MappingProxyType(
    {
        "cloudwatch": "cloudwatch",  # signs as `monitoring`
        "resourcegroupstaggingapi": "tag",  # signs as `tagging`
    }
)
"""Service -> the prefix of its actions, where it does not sign with it."""
OF_WHOLE_SERVICE = MappingProxyType({"apigateway": "apigateway:GET", "apigatewayv2": "apigateway:GET"})
"""Services whose actions are the verbs of HTTP: reading is GET, whatever is read."""
IRREGULAR = MappingProxyType(
    {
        # S3's actions are older than its operations' names.
        "s3:ListBuckets": ("s3:ListAllMyBuckets",),
        "s3:ListObjectsV2": ("s3:ListBucket",),
        "s3:ListObjectVersions": ("s3:ListBucketVersions",),
        "s3:GetObject": ("s3:GetObject", "s3:GetObjectVersion"),  # the second where a version is asked for
        "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
        "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
        "s3:GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
        "s3:GetBucketReplication": ("s3:GetReplicationConfiguration",),
        "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
        "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
        "s3control:GetPublicAccessBlock": ("s3:GetAccountPublicAccessBlock",),
        # A second version of the operation, under the action of the first.
        "accessanalyzer:ListFindingsV2": ("access-analyzer:ListFindings",),
        "accessanalyzer:GetFindingV2": ("access-analyzer:GetFinding",),
    }
)
"""Operation -> the actions of which it needs one (Service Authorization Reference)."""

AS_WHO_ASKS = MappingProxyType(
    {
        "athena:StartQueryExecution": (
            "glue:GetDatabase",
            "glue:GetTable",
            "glue:GetPartitions",
            "s3:GetBucketLocation",
            "s3:GetObject",
            "s3:ListBucket",
        ),
    }
)
"""Operation -> what its service does with our rights while it answers."""


def actions_for(operation: str, model: ServiceModel) -> tuple[str, ...]:
    """The actions of which an operation (`service:Operation`) needs one; `model` is its service's."""
    service, _, name = operation.partition(":")
    if service in OF_WHOLE_SERVICE:
        return (OF_WHOLE_SERVICE[service],)
    prefix = OTHER_PREFIX.get(service) or model.signing_name or model.endpoint_prefix
    return IRREGULAR.get(operation, (f"{prefix}:{name}",))


def wrong_actions(declaration: KindDeclaration, sessions: Sessions) -> Iterator[tuple[Pointer, str]]:
    """Actions of a sound declaration that none of its operations needs, and operations whose action is not declared."""
    if declaration.view_of is not None:
        return
    needed: dict[str, tuple[str, ...]] = {
        operation: actions_for(operation, sessions.model(operation.partition(":")[0]))
        for _, operation in operations_in(declaration)
    }
    known = {action for actions in needed.values() for action in actions}
    known |= {action for operation in needed for action in AS_WHO_ASKS.get(operation, ())}
    table = "where AWS names the action otherwise, add it to IRREGULAR in flows/collectors/aws/actions.py"
    for index, action in enumerate(declaration.actions):
        if action not in known:
            told = f"expected an IAM action that one of the kind's operations needs, found {action!r}"
            yield ("actions", index), f"{told}; {near_matches(action, known)}; {table}"
    for operation, actions in needed.items():
        if not set(actions) & set(declaration.actions):
            told = f"expected {' or '.join(actions)}, which {operation} needs, found it missing; add it; {table}"
            yield ("actions",), told
