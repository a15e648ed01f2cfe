"""Who holds which policy, and what it reaches: records of IAM's authorization details and of roles' trust policies.

A rule can compare names, but not see that `iam:Put*` reaches `iam:PutRolePolicy`; that is decided here, for the actions
named below and no others. A condition narrows when a statement holds, not what it opens: it excuses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import declared
from evidence_schema.records.making import record_of, text_of, texts_of
from evidence_schema.records.policies import parse_policy

Files = Callable[[str], Iterable[bytes]]
Policy = dict[str, Any]

GUARDED = (
    "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy",
    "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion", "iam:PassRole", "iam:PutGroupPolicy",
    "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "cloudformation:CreateStack", "codebuild:CreateProject", "codebuild:StartBuild", "ec2:RunInstances",
    "ecs:RegisterTaskDefinition", "ecs:RunTask", "glue:CreateDevEndpoint", "lambda:CreateFunction",
    "lambda:InvokeFunction", "lambda:UpdateFunctionCode", "sagemaker:CreateNotebookInstance",
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "kms:Decrypt", "cloudtrail:DeleteTrail", "cloudtrail:StopLogging", "organizations:LeaveOrganization",
)  # fmt: skip
"""The actions that rules ask for: a policy's `Reaches` and a guardrail's `Denies` name those of them that it covers."""
SERVICE_LINKED = "/aws-service-role/"
IDENTITY_CENTER = "/aws-reserved/sso.amazonaws.com/"
_UNREADABLE = Gap(operation="policy:Parse", code="UnreadablePolicy", result="failed")
_ALL_OF_A_TYPE = re.compile(r"\*|[a-z-]+[/:]\*")
_ACCOUNT = re.compile(r"\d{12}")
_REGION_TEST = re.compile(r"(ForAllValues:|ForAnyValue:)?StringNot(Equals|EqualsIgnoreCase|Like)(IfExists)?")
_EXEMPTS_PRINCIPALS = ("aws:principal", "aws:via")
_OPEN_FEDERATION = ("cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com", "www.amazon.com")
_LISTS = (
    ("user", "UserDetailList", "UserName", "UserPolicyList"),
    ("group", "GroupDetailList", "GroupName", "GroupPolicyList"),
    ("role", "RoleDetailList", "RoleName", "RolePolicyList"),
)

# --- principals and policies ----------------------------------------------------------------------------------------


def principals(
    header: TranscriptHeader,
    view: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001 (the answers say all)
) -> Iterator[Record]:
    """A record for each user, group and role, with the policies that it holds itself."""
    found = [(type_, item, inline) for body in _bodies(calls) for type_, item, inline in _principals_in(body)]
    members: dict[str, list[str]] = {}
    for type_, item, _ in found:
        for group in item.get("GroupList", ()) if type_ == "user" else ():
            members.setdefault(str(group), []).append(text_of(item, "Arn"))
    for type_, item, inline in found:
        name, arn, path = text_of(item, "Name"), text_of(item, "Arn"), text_of(item, "Path")
        fields: dict[str, Any] = {
            "Type": type_,
            "Name": name,
            "Arn": arn,
            "Path": path,
            "AttachedPolicies": _attached(item),
            "InlinePolicies": sorted(text_of(policy, "PolicyName") for policy in inline),
            "ServiceLinked": path.startswith(SERVICE_LINKED),
            "ByIdentityCenter": path.startswith(IDENTITY_CENTER),
        }
        if type_ == "group":
            fields["Members"] = sorted(members.get(name, []))
        yield record_of(header, view, arn or name, fields)


def policies(header: TranscriptHeader, view: KindDeclaration, calls: Iterator[Call], files: Files) -> Iterator[Record]:  # noqa: ARG001
    """A record for each customer-managed and each inline policy: its document, who holds it, what it reaches."""
    managed: list[dict[str, Any]] = []
    holders: dict[str, list[str]] = {}
    for body in _bodies(calls):
        managed += _dicts(body.get("Policies"))
        for _, item, inline in _principals_in(body):
            arn = text_of(item, "Arn")
            for policy in _attached(item):
                holders.setdefault(policy, []).append(arn)
            for entry in inline:
                name = text_of(entry, "PolicyName")
                fields = {"Type": "inline", "Name": name, "Holders": [arn]}
                yield _with_document(header, view, f"{arn}/inline/{name}", fields, entry.get("PolicyDocument"))
    for item in managed:
        arn = text_of(item, "Arn")
        fields = {"Type": "managed", "Name": text_of(item, "PolicyName"), "Holders": sorted(holders.get(arn, []))}
        fields |= {name: item[name] for name in ("AttachmentCount", "PermissionsBoundaryUsageCount") if name in item}
        yield _with_document(header, view, arn, fields, _default_document(item))


def _bodies(calls: Iterator[Call]) -> Iterator[Mapping[str, Any]]:
    return (call.body for call in calls if call.body is not None)


def _principals_in(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Each principal of a page with its type, its name as `Name`, and its inline policies."""
    for type_, list_, name, inline in _LISTS:
        for item in _dicts(body.get(list_)):
            yield type_, item | {"Name": text_of(item, name)}, _dicts(item.get(inline))


def _attached(item: Mapping[str, Any]) -> list[str]:
    return sorted(text_of(policy, "PolicyArn") for policy in _dicts(item.get("AttachedManagedPolicies")))


def _default_document(policy: Mapping[str, Any]) -> Any:
    versions = _dicts(policy.get("PolicyVersionList"))
    return next((item.get("Document") for item in versions if item.get("IsDefaultVersion") is True), None)


def _with_document(
    header: TranscriptHeader, view: KindDeclaration, id_: str, fields: dict[str, Any], document: Any
) -> Record:
    policy = _parsed(document)
    if policy is None:
        unknown = dict.fromkeys(("Policy", "Reaches", "Wildcards"), _UNREADABLE)
        return record_of(header, view, id_, fields, unknown)
    found = {"Policy": policy, "Reaches": reached(policy), "Wildcards": _wildcards(policy)}
    return record_of(header, view, id_, fields | found)


def reached(policy: Policy) -> list[str]:
    """The guarded actions that the policy allows on everything, or on all resources of a type, and does not deny."""
    allowed = [item for item in policy["Statement"] if item.get("Effect") == "Allow" and _is_broad(item)]
    denied = [item for item in policy["Statement"] if item.get("Effect") == "Deny" and _denies_everywhere(item)]
    return [
        action
        for action in GUARDED
        if any(_covers(item, action) for item in allowed) and not any(_covers(item, action) for item in denied)
    ]


def _wildcards(policy: Policy) -> list[str]:
    """The services of which the policy allows every action on all resources; `*` for all of them, or all but some."""
    found: set[str] = set()
    for item in policy["Statement"]:
        if item.get("Effect") == "Allow" and _is_broad(item):
            found.update("*" for _ in item.get("NotAction", [])[:1])
            for action in texts_of(item.get("Action")):
                service, _, name = action.partition(":")
                if name == "*" or action == "*":
                    found.add(service)
    return sorted(found)


def _is_broad(statement: Mapping[str, Any]) -> bool:
    if "NotResource" in statement:
        return True
    return any(_is_all(resource) for resource in texts_of(statement.get("Resource")))


def _is_all(resource: str) -> bool:
    """Everything, or all resources of a type; what is in one bucket is not all of S3."""
    name = resource.split(":", 5)[-1]
    return name == "*" or (":s3:::" not in resource and bool(_ALL_OF_A_TYPE.fullmatch(name)))


def _denies_everywhere(statement: Mapping[str, Any]) -> bool:
    return not statement.get("Condition") and "*" in texts_of(statement.get("Resource"))


def _covers(statement: Mapping[str, Any], action: str) -> bool:
    """IAM compares actions without regard to case; `*` stands for any text, `?` for one character."""
    if "NotAction" in statement:
        return not any(_pattern(text).fullmatch(action) for text in texts_of(statement["NotAction"]))
    return any(_pattern(text).fullmatch(action) for text in texts_of(statement.get("Action")))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    plain = re.escape(text[:200]).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(re.sub(r"(\.\*)+", ".*", plain), re.IGNORECASE)


# --- trust policies -------------------------------------------------------------------------------------------------


def trusts(header: TranscriptHeader, view: KindDeclaration, calls: Iterator[Call], files: Files) -> Iterator[Record]:
    """A record a role: who may assume it, and whether only with MFA."""
    for role in declared(header, KindDeclaration.model_validate(header.declaration), calls, files):
        fields = {"Role": role.id, "Arn": text_of(role.fields, "Arn"), "Path": text_of(role.fields, "Path")}
        policy = _parsed(role.fields.get("AssumeRolePolicyDocument"))
        if policy is None:
            names = ("Principals", "OtherAccounts", "Anyone", "RequiresMfa")
            yield record_of(header, view, fields["Arn"] or role.id, fields, dict.fromkeys(names, _UNREADABLE))
        else:
            yield record_of(header, view, fields["Arn"] or role.id, fields | trust_of(policy, header.unit.account))


def trust_of(policy: Policy, account: str) -> dict[str, Any]:
    """What a trust policy allows, whatever it denies."""
    allowed = [item for item in policy["Statement"] if item.get("Effect") == "Allow"]
    named = sorted({who for item in allowed for who in texts_of(item.get("Principal"))})
    return {
        "Principals": named,
        "OtherAccounts": sorted({found for who in named if (found := _account_of(who)) not in ("", account)}),
        "Anyone": any(_is_open(item) for item in allowed),
        "RequiresMfa": bool(allowed) and all(_asks_mfa(item.get("Condition")) for item in allowed),
    }


def _account_of(principal: str) -> str:
    """The account that an ARN or a bare number names; a service and a public identity provider have none."""
    text = principal.split(":")[4] if principal.count(":") >= 5 else principal
    return text if _ACCOUNT.fullmatch(text) else ""


def _is_open(statement: Mapping[str, Any]) -> bool:
    """Everyone, or everyone whom a public identity provider knows."""
    if "NotPrincipal" in statement or "*" in texts_of(statement.get("Principal")):
        return True
    federated = [
        who for who in texts_of(statement.get("Principal")) if who in _OPEN_FEDERATION or ":oidc-provider/" in who
    ]
    return bool(federated) and not statement.get("Condition")


def _asks_mfa(condition: Any) -> bool:
    """Only `Bool` and an age: `BoolIfExists` lets long-lived keys pass, which carry no word of MFA."""
    if not isinstance(condition, dict):
        return False
    asked = _keys_of(condition.get("Bool")).get("aws:multifactorauthpresent")
    ages = [name for name, test in condition.items() if "aws:multifactorauthage" in _keys_of(test)]
    return [str(value).lower() for value in _listed(asked)] == ["true"] or any(
        name in ("NumericLessThan", "NumericLessThanEquals") for name in ages
    )


# --- service control policies ---------------------------------------------------------------------------------------


def guardrails(
    header: TranscriptHeader, view: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record for each service control policy: which guarded actions it denies to all but named principals, outside
    which regions it denies the rest, and whether it hangs at the organisation's root.
    """
    for item in declared(header, KindDeclaration.model_validate(header.declaration), calls, files):
        policy = look_up(item.fields, "policy.Content")
        statements = policy.get("Statement", []) if isinstance(policy, dict) else []
        denials = [statement for statement in statements if statement.get("Effect") == "Deny"]
        targets = _dicts(item.fields.get("targets"))
        fields = {
            "Name": text_of(item.fields, "Name"),
            "Denies": [action for action in GUARDED if any(_denies_to_all(one, action) for one in denials)],
            "Regions": sorted({region for statement in denials for region in _only_regions(statement)}),
            "Targets": sorted(text_of(target, "TargetId") for target in targets),
            "AtRoot": any(target.get("Type") == "ROOT" for target in targets),
        }
        gaps: dict[str, Gap] = {}
        if "policy" in item.gaps:
            gaps |= dict.fromkeys(("Denies", "Regions"), item.gaps["policy"])
        if "targets" in item.gaps:
            gaps |= dict.fromkeys(("Targets", "AtRoot"), item.gaps["targets"])
        yield record_of(header, view, item.id, fields, gaps)


def _denies_to_all(statement: Mapping[str, Any], action: str) -> bool:
    """Principals may be exempt, as emergency roles are; any other condition makes it something else."""
    conditions = statement.get("Condition") or {}
    keys = [key for test in conditions.values() for key in _keys_of(test)] if isinstance(conditions, dict) else ["?"]
    resources = texts_of(statement.get("Resource"))
    return (
        all(key.startswith(_EXEMPTS_PRINCIPALS) for key in keys)
        and any(_is_all(text) for text in resources)
        and _covers(statement, action)
    )


def _only_regions(statement: Mapping[str, Any]) -> list[str]:
    """The regions outside which all, or all but some global services, are denied."""
    whole = "NotAction" in statement or "*" in texts_of(statement.get("Action"))
    conditions = statement.get("Condition")
    if not whole or not isinstance(conditions, dict):
        return []
    tests = [_keys_of(test) for name, test in conditions.items() if _REGION_TEST.fullmatch(name)]
    return [str(value) for test in tests for value in _listed(test.get("aws:requestedregion"))]


# --- small parts ----------------------------------------------------------------------------------------------------


def _parsed(document: Any) -> Policy | None:
    """A document as text, or as the SDK has already opened it."""
    return parse_policy(json.dumps(document) if isinstance(document, dict) else document)


def _keys_of(test: Any) -> dict[str, Any]:
    """The keys of one condition operator; IAM compares them without regard to case."""
    return {key.lower(): value for key, value in test.items()} if isinstance(test, dict) else {}


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
