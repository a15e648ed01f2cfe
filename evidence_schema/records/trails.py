"""Records of trails, taken apart: which data events they choose, and which topics somebody should be alarmed about.

Event selectors nest deeper than a rule may look; here each choice is a record of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import declared, gap_of
from evidence_schema.records.making import record_of, text_of, texts_of

Files = Callable[[str], Iterable[bytes]]
_WHOLE_TYPES = ("arn:aws:s3", "arn:aws:s3:::", "arn:aws:lambda", "arn:aws:dynamodb")
"""Values of a basic selector that stand for all resources of a type."""
_KNOWN_PARTS = frozenset({"eventCategory", "resources.type", "resources.ARN", "readOnly"})
_CHOICE = ("ResourceType", "ReadWriteType", "Whole", "Exact", "Prefixes", "Narrowed")


def data_event_selectors(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record for each choice of data events of each trail: a type of resource and the resources of it."""
    for trail in _trails(header, calls, files):
        shared = {
            "Trail": trail.id,
            "HomeRegion": text_of(trail.fields, "HomeRegion"),
            "MultiRegion": trail.fields.get("IsMultiRegionTrail") is True,
            "IsLogging": look_up(trail.fields, "status.IsLogging") is True,
        }
        gaps = {"IsLogging": trail.gaps["status"]} if "status" in trail.gaps else {}
        if "event_selectors" in trail.gaps:
            unknown = gaps | dict.fromkeys(_CHOICE, trail.gaps["event_selectors"])
            yield record_of(header, declaration, f"{trail.id}/(selectors)", shared, unknown)
            continue
        for number, choice in enumerate(_choices(look_up(trail.fields, "event_selectors"))):
            yield record_of(header, declaration, f"{trail.id}/{number}", shared | choice, gaps)


def _choices(selectors: Any) -> Iterator[dict[str, Any]]:
    found = selectors if isinstance(selectors, dict) else {}
    for basic in _objects(found.get("EventSelectors")):
        for chosen in _objects(basic.get("DataResources")):
            yield _basic_choice(text_of(basic, "ReadWriteType"), chosen)
    for advanced in _objects(found.get("AdvancedEventSelectors")):
        parts = list(_objects(advanced.get("FieldSelectors")))
        if "Data" in _values(parts, "eventCategory", "Equals"):
            yield _advanced_choice(parts)


def _basic_choice(read_write: str, chosen: dict[str, Any]) -> dict[str, Any]:
    values = texts_of(chosen.get("Values"))
    named = [value for value in values if value not in _WHOLE_TYPES]
    of_objects = text_of(chosen, "Type") == "AWS::S3::Object"
    return {
        "ResourceType": text_of(chosen, "Type"),
        "ReadWriteType": read_write,
        "Whole": len(named) < len(values),
        "Exact": [] if of_objects else named,
        "Prefixes": [value for value in named if "/" in value] if of_objects else [],
        "Narrowed": False,
    }


def _advanced_choice(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Conditions that are not read here narrow the choice: it then says of no resource that all is recorded."""
    exact, prefixes = _values(parts, "resources.ARN", "Equals"), _values(parts, "resources.ARN", "StartsWith")
    read_only = _values(parts, "readOnly", "Equals")
    types = _values(parts, "resources.type", "Equals")
    read = {"Field", "Equals", "StartsWith"}
    return {
        "ResourceType": types[0] if len(types) == 1 else "",
        "ReadWriteType": {"true": "ReadOnly", "false": "WriteOnly"}.get(read_only[0], "") if read_only else "All",
        "Whole": not any(text_of(part, "Field") == "resources.ARN" for part in parts),
        "Exact": exact,
        "Prefixes": prefixes,
        "Narrowed": any(
            text_of(part, "Field") not in _KNOWN_PARTS or any(part[name] for name in part.keys() - read)
            for part in parts
        ),
    }


TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "unauthorised_calls": ((), ("errorCode", "UnauthorizedOperation", "AccessDenied")),
    "sign_in_without_mfa": ((), ("ConsoleLogin", "MFAUsed")),
    "failed_sign_ins": ((), ("ConsoleLogin", "Failed authentication")),
    "root_use": ((), ("userIdentity", "Root")),
    "iam_policy_change": (
        (
            "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "PutUserPolicy",
            "PutGroupPolicy", "PutRolePolicy", "DeleteUserPolicy", "DeleteGroupPolicy", "DeleteRolePolicy",
            "AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy", "DetachUserPolicy", "DetachGroupPolicy",
            "DetachRolePolicy",
        ),
        (),
    ),
    "trail_change": (("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"), ()),
    "config_change": (
        ("StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel", "PutConfigurationRecorder"),
        (),
    ),
    "key_disable_or_deletion": (("DisableKey", "ScheduleKeyDeletion"), ()),
    "bucket_policy_change": (
        (
            "PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication",
            "DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication",
        ),
        (),
    ),
    "security_group_change": (
        (
            "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup",
        ),
        (),
    ),
    "network_acl_change": (
        (
            "CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry",
            "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation",
        ),
        (),
    ),
    "gateway_change": (
        (
            "CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway",
            "DeleteInternetGateway", "DetachInternetGateway",
        ),
        (),
    ),
    "route_table_change": (
        (
            "CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation", "DeleteRouteTable",
            "DeleteRoute", "DisassociateRouteTable",
        ),
        (),
    ),
    "vpc_change": (
        (
            "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection", "CreateVpcPeeringConnection",
            "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection",
        ),
        (),
    ),
    "organizations_change": (
        (
            "AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit", "DeclineHandshake",
            "DeleteOrganization", "DeleteOrganizationalUnit", "DetachPolicy", "DisablePolicyType", "EnablePolicyType",
            "InviteAccountToOrganization", "LeaveOrganization", "MoveAccount", "RemoveAccountFromOrganization",
            "UpdateOrganizationalUnit", "UpdatePolicy",
        ),
        (),
    ),
}  # fmt: skip
"""Topic -> the events that each must be watched, and the words that stand together in the pattern of one filter."""


def alarm_topics(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record a topic, where a trail of all regions is at home, or where no such trail records the region at all."""
    unlisted: list[Gap] = []
    trails = list(_trails(header, _noting(calls, unlisted), files))
    wide = [trail for trail in trails if trail.fields.get("IsMultiRegionTrail") is True]
    if not unlisted and wide and all(text_of(trail.fields, "HomeRegion") != header.unit.region for trail in wide):
        return
    groups = sorted({_group(trail) for trail in wide or trails} - {""})
    for topic, (events, words) in TOPICS.items():
        fields: dict[str, Any] = {"Topic": topic, "Events": list(events), "Words": list(words)}
        fields |= {} if unlisted else {"LogGroups": groups}
        yield record_of(header, declaration, topic, fields, {"LogGroups": unlisted[0]} if unlisted else {})


def _noting(calls: Iterator[Call], unlisted: list[Gap]) -> Iterator[Call]:
    """The calls as they are; a list of trails that did not come is noted: nothing follows from its absence."""
    for call in calls:
        if call.step == "list" and call.error is not None:
            unlisted.append(gap_of(call))
        yield call


def _group(trail: Record) -> str:
    """The name of the log group that a trail's events are delivered to."""
    parts = text_of(trail.fields, "CloudWatchLogsLogGroupArn").split(":")
    return parts[6] if len(parts) > 6 else ""


def _trails(header: TranscriptHeader, calls: Iterator[Call], files: Files) -> Iterator[Record]:
    return declared(header, KindDeclaration.model_validate(header.declaration), calls, files)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _values(parts: Iterable[dict[str, Any]], field: str, operator: str) -> list[str]:
    return [value for part in parts if part.get("Field") == field for value in texts_of(part.get(operator))]
