"""Examples of sign-in settings, least privilege, analyzers, single sign-on, emergencies, sessions, the organisation."""

from __future__ import annotations

import json
from typing import Any

from answers import ACCOUNT, REGION, Body, Told, listed
from examples_first import PASSWORD, ROOT_ROW, extract, report, user
from exampling import Records, derived, example, place, without

from evidence_schema.models.transcript import Record

OTHER = "444455556666"


def arn(resource: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{resource}"


def document(*statements: Body) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, on: str = "*", **more: Any) -> Body:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


# --- sign-in settings of the account --------------------------------------------------------------------------------

SUMMARY = {"AccountMFAEnabled": 1, "AccountPasswordPresent": 1, "AccountAccessKeysPresent": 0}
STRICT = {
    "MinimumPasswordLength": 14, "RequireUppercaseCharacters": True, "RequireLowercaseCharacters": True,
    "RequireNumbers": True, "RequireSymbols": False, "PasswordReusePrevention": 24,
}  # fmt: skip


def account(policy: Body | None = STRICT, **summary: int | None) -> Record:
    counts = {name: value for name, value in (SUMMARY | summary).items() if value is not None}
    told = Told("aws.iam.account").list({"SummaryMap": counts})
    if policy is None:
        return told.absent("password_policy", "NoSuchEntity", ACCOUNT).records()[0]
    return told.each("password_policy", {"PasswordPolicy": policy}, ACCOUNT).records()[0]


def device(owner: str) -> Record:
    return listed("aws.iam.virtual_mfa_devices", {"SerialNumber": arn("mfa/d"), "User": {"Arn": arn(owner)}})[0]


PEOPLE = {"rows": report(ROOT_ROW, user(**PASSWORD))}
NOBODY = {"rows": report(ROOT_ROW, user())}
LETTERS = {"required_classes": ["uppercase", "lowercase"]}

example("EV-IAM-02-C1", "pass", account(), lists=PEOPLE, facts=LETTERS)
example("EV-IAM-02-C1", "pass", account(), "no class is asked for", lists=PEOPLE, facts={"required_classes": []})
example("EV-IAM-02-C1", "fail", account(None), "no policy", lists=PEOPLE, facts=LETTERS)
example("EV-IAM-02-C1", "fail", account(STRICT | {"MinimumPasswordLength": 13}), lists=PEOPLE, facts=LETTERS)
for name in ("symbols", "a class that nobody knows"):
    example("EV-IAM-02-C1", "fail", account(), name, lists=PEOPLE, facts={"required_classes": [name]})
example("EV-IAM-02-C1", "not_applicable", account(None), "no console password", lists=NOBODY, facts=LETTERS)
example(
    "EV-IAM-02-C1", "lacks_field", account({"RequireSymbols": True}), "MinimumPasswordLength",
    lists=PEOPLE, facts=LETTERS,
)  # fmt: skip

example("EV-IAM-02-C2", "pass", account(), lists=PEOPLE, facts={"reuse_prevention": 24})
example("EV-IAM-02-C2", "pass", account({"MinimumPasswordLength": 14}), lists=PEOPLE, facts={"reuse_prevention": 0})
example("EV-IAM-02-C2", "fail", account(), lists=PEOPLE, facts={"reuse_prevention": 25})
example("EV-IAM-02-C2", "fail", account({"MinimumPasswordLength": 14}), lists=PEOPLE, facts={"reuse_prevention": 1})
example("EV-IAM-02-C2", "fail", account(None), "no policy", lists=PEOPLE, facts={"reuse_prevention": 0})
example("EV-IAM-02-C2", "not_applicable", account(), lists=NOBODY, facts={"reuse_prevention": 24})
example(
    "EV-IAM-02-C2", "lacks_field", account(), "is_root", facts={"reuse_prevention": 24},
    lists={"rows": (without(report(user(**PASSWORD))[0], "is_root"),)},
)  # fmt: skip

VIRTUAL = {"devices": (device("user/ana"), device("root"))}
example("EV-IAM-02-C3", "pass", account(AccountMFAEnabled=0, AccountPasswordPresent=0), lists=VIRTUAL)
example("EV-IAM-02-C3", "fail", account(), "a virtual device", lists=VIRTUAL)
example("EV-IAM-02-C3", "fail", account(AccountMFAEnabled=0), "no MFA", lists={"devices": ()})
example(
    "EV-IAM-02-C3", "fail", account(AccountMFAEnabled=0, AccountPasswordPresent=0, AccountAccessKeysPresent=1), "keys",
    lists={"devices": ()},
)  # fmt: skip
example("EV-IAM-02-C3", "cannot_tell", account(), "hardware or FIDO", lists={"devices": (device("user/ana"),)})
example("EV-IAM-02-C3", "lacks_field", account(AccountMFAEnabled=None), lists=VIRTUAL)

example("EV-IAM-02-C4", "pass", account())
example("EV-IAM-02-C4", "fail", account(AccountAccessKeysPresent=1))
example("EV-IAM-02-C4", "lacks_field", account(AccountAccessKeysPresent=None))

# --- principals and policies ----------------------------------------------------------------------------------------

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
TRUST = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})


def attached(*policies: str) -> list[Body]:
    return [{"PolicyName": policy.rpartition("/")[2], "PolicyArn": policy} for policy in policies]


def inline(*documents: str) -> list[Body]:
    return [{"PolicyName": f"p{number}", "PolicyDocument": text} for number, text in enumerate(documents)]


def details(view: str, **body: Any) -> Records:
    return Told("aws.iam.authorization_details").list({"IsTruncated": False, **body}).records(view)


def a_user(*policies: str, groups: tuple[str, ...] = (), documents: tuple[str, ...] = ()) -> Body:
    return {
        "UserName": "ana", "Path": "/", "Arn": arn("user/ana"), "GroupList": list(groups),
        "AttachedManagedPolicies": attached(*policies), "UserPolicyList": inline(*documents),
    }  # fmt: skip


def a_role(*policies: str, path: str = "/", documents: tuple[str, ...] = ()) -> Body:
    return {
        "RoleName": "r", "Path": path, "Arn": arn(f"role{path}r"), "AssumeRolePolicyDocument": TRUST,
        "AttachedManagedPolicies": attached(*policies), "RolePolicyList": inline(*documents),
    }  # fmt: skip


A_GROUP = {"GroupName": "g", "Path": "/", "Arn": arn("group/g"), "GroupPolicyList": [], "AttachedManagedPolicies": []}


def principal(item: Body, list_: str = "RoleDetailList", **more: Any) -> Record:
    found = details("aws.iam.principals", **{list_: [item]}, **more)
    return next(record for record in found if record.id == item["Arn"])


def managed(text: str | None, holder: Body | None = None, uses: int = 1, bounds: int = 0) -> Record:
    policy = {
        "PolicyName": "m", "Arn": arn("policy/m"), "AttachmentCount": uses, "PermissionsBoundaryUsageCount": bounds,
        "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": False, "Document": document(allow("*"))},
            {"VersionId": "v2", "IsDefaultVersion": True, **({"Document": text} if text else {})},
        ],
    }  # fmt: skip
    return details("aws.iam.policies", Policies=[policy], RoleDetailList=[holder] if holder else [])[-1]


def inlined(text: str) -> Record:
    return details("aws.iam.policies", RoleDetailList=[a_role(documents=(text,))])[0]


ONE_BUCKET = document(allow("s3:GetObject", on="arn:aws:s3:::b/*"))
HOLDER = a_role(arn("policy/m"))
example("EV-IAM-03-C1", "pass", managed(ONE_BUCKET))
example("EV-IAM-03-C1", "pass", inlined(document({"Effect": "Deny", "Action": "*", "Resource": "*"})))
example("EV-IAM-03-C1", "pass", inlined(document(allow("*", on="arn:aws:s3:::b"))))
example("EV-IAM-03-C1", "pass", inlined(document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})))
example("EV-IAM-03-C1", "fail", managed(document(allow("*"))))
example("EV-IAM-03-C1", "fail", inlined(document(allow("s3:GetObject"), allow("*:*"))))
example(
    "EV-IAM-03-C1", "fail", inlined(document(allow("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})))
)
example("EV-IAM-03-C1", "lacks_field", without(managed(ONE_BUCKET), "Policy"))

APPROVED = {"privileged_identities": {"principals": [arn("role/r")], "workforce": ["ana"]}}
NOBODY_APPROVED = {"privileged_identities": {"principals": [], "workforce": []}}
SSO = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
example("EV-IAM-03-C2", "pass", principal(a_role(ADMIN)), facts=APPROVED)
example("EV-IAM-03-C2", "fail", principal(a_role(ADMIN)), facts=NOBODY_APPROVED)
example("EV-IAM-03-C2", "fail", principal(a_user(ADMIN), "UserDetailList"), facts=APPROVED)
example(
    "EV-IAM-03-C2",
    "not_applicable",
    principal(a_role(arn("policy/AdministratorAccess"))),
    "an own policy",
    facts=APPROVED,
)
example("EV-IAM-03-C2", "not_applicable", principal(a_role(ADMIN, path=SSO)), facts=APPROVED)
example("EV-IAM-03-C2", "lacks_field", without(principal(a_role(ADMIN)), "AttachedPolicies"), facts=APPROVED)

example("EV-IAM-03-C3", "pass", principal(a_user(groups=("g",)), "UserDetailList"))
example("EV-IAM-03-C3", "fail", principal(a_user(ADMIN), "UserDetailList"))
example("EV-IAM-03-C3", "fail", principal(a_user(documents=(ONE_BUCKET,)), "UserDetailList"))
example("EV-IAM-03-C3", "not_applicable", principal(a_role(ADMIN)))
example("EV-IAM-03-C3", "lacks_field", without(principal(a_user(), "UserDetailList"), "InlinePolicies"))

KEYS = "arn:aws:kms:*:*:key/*"
example("EV-IAM-03-C4", "pass", managed(ONE_BUCKET, HOLDER), facts=NOBODY_APPROVED)
example("EV-IAM-03-C4", "pass", inlined(document(allow("s3:*", on="arn:aws:s3:::b/*"))), facts=NOBODY_APPROVED)
example(
    "EV-IAM-03-C4", "pass", inlined(document(allow("kms:Decrypt", on="arn:aws:kms:e:1:key/k"))), facts=NOBODY_APPROVED
)
example(
    "EV-IAM-03-C4", "pass", inlined(document(allow("kms:De*"), {"Effect": "Deny", "Action": "kms:*", "Resource": "*"})),
    "denied again", facts=NOBODY_APPROVED,
)  # fmt: skip
example("EV-IAM-03-C4", "pass", managed(document(allow("s3:*")), HOLDER), facts=APPROVED, excused=True)
for statement, why in (
    (allow("s3:*"), "a whole service"),
    (allow("KMS:dec*"), "names are compared without case"),
    (allow("kms:Decrypt", on=KEYS), "all keys"),
    (allow("cloudtrail:*", on="arn:aws:cloudtrail:*:*:trail/*"), "all trails"),
    (allow("cloudtrail:StopLogging", "cloudtrail:Delete?rail"), "what ends a trail"),
    ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "all but some"),
    ({"Effect": "Allow", "Action": "sqs:*", "NotResource": "arn:aws:sqs:e:1:q"}, "all but one"),
):
    example("EV-IAM-03-C4", "fail", managed(document(statement), HOLDER), why, facts=NOBODY_APPROVED)
example("EV-IAM-03-C4", "lacks_field", without(managed(ONE_BUCKET), "Wildcards"), facts=APPROVED)

example("EV-IAM-03-C5", "pass", inlined(ONE_BUCKET))
example("EV-IAM-03-C5", "pass", inlined(document(allow("iam:PassRole"))), "half of a way")
example("EV-IAM-03-C5", "pass", inlined(document(allow("iam:PassRole", on=arn("role/one")), allow("ec2:RunInstances"))))
example("EV-IAM-03-C5", "fail", inlined(document(allow("iam:Put*", on=arn("role/*")))))
example("EV-IAM-03-C5", "fail", inlined(document(allow("iam:PassRole"), allow("ec2:Run*"))), "in two statements")
example("EV-IAM-03-C5", "not_applicable", managed(document(allow("iam:*"))))
example("EV-IAM-03-C5", "lacks_field", without(inlined(ONE_BUCKET), "Reaches"))

MEMBER = {"UserDetailList": [a_user(groups=("g",))]}
example("EV-IAM-03-C7", "pass", principal(A_GROUP, "GroupDetailList", **MEMBER))
example("EV-IAM-03-C7", "fail", principal(A_GROUP, "GroupDetailList"), "nobody is in it")
example("EV-IAM-03-C7", "pass", managed(ONE_BUCKET, HOLDER))
example("EV-IAM-03-C7", "pass", managed(ONE_BUCKET, uses=0, bounds=1), "a boundary")
example("EV-IAM-03-C7", "fail", managed(ONE_BUCKET, uses=0))
example("EV-IAM-03-C7", "not_applicable", inlined(ONE_BUCKET))
example("EV-IAM-03-C7", "not_applicable", principal(a_role()))
example("EV-IAM-03-C7", "lacks_field", without(managed(ONE_BUCKET), "Type"))
derived("aws.iam.principals", (principal(A_GROUP, "GroupDetailList"), principal(a_role())))
derived("aws.iam.policies", (inlined(ONE_BUCKET), managed(ONE_BUCKET)))

# --- trust policies -------------------------------------------------------------------------------------------------

MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
ANA = arn("user/ana")


def role(principals: Any, condition: Body | None = None, view: str | None = "aws.iam.trusts", **more: Any) -> Record:
    """A role as ListRoles and GetRole tell it."""
    statement = {"Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole"}
    text = document(statement | ({"Condition": condition} if condition else {}))
    item = {"RoleName": "r", "Path": "/", "Arn": arn("role/r"), "AssumeRolePolicyDocument": text, **more}
    told = Told("aws.iam.roles").list(item).each("role", {"Role": item}, "r")
    return told.each("tags", {"items": [{"Key": "a", "Value": "b"}]}, "r").records(view)[0]


PARTNER = {"trusted_accounts": {"accounts": [OTHER]}}
example("EV-IAM-03-C6", "pass", role({"AWS": ANA, "Service": "ec2.amazonaws.com"}), facts=PARTNER)
example("EV-IAM-03-C6", "pass", role({"AWS": [OTHER, arn("root", OTHER)]}), "a trusted account", facts=PARTNER)
example("EV-IAM-03-C6", "fail", role({"AWS": arn("root", "999988887777")}), "an unknown account", facts=PARTNER)
example("EV-IAM-03-C6", "fail", role({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), facts=PARTNER)
example("EV-IAM-03-C6", "fail", role("*"), facts=PARTNER)
GITHUB = {"Federated": arn("oidc-provider/token.actions.githubusercontent.com")}
example("EV-IAM-03-C6", "fail", role(GITHUB), "everyone of a public provider", facts=PARTNER)
example("EV-IAM-03-C6", "pass", role(GITHUB, {"StringLike": {"token:sub": "repo:us/it:*"}}), facts=PARTNER)
example("EV-IAM-03-C6", "lacks_field", without(role({"AWS": ANA}), "Anyone"), facts=PARTNER)
derived("aws.iam.trusts", (role({"AWS": ANA}),))

BREAK_GLASS = {"break_glass_roles": {arn("role/r"): [ANA]}}
GOOD_ROLE = role({"AWS": ANA}, MFA)
THERE = {"roles": (GOOD_ROLE,)}
example("EV-IAM-07-C1", "pass", place(), lists=THERE, facts=BREAK_GLASS)
example(
    "EV-IAM-07-C1", "pass", place(), "that of another account is its own matter", lists=THERE,
    facts={"break_glass_roles": {arn("role/r"): [ANA], arn("role/r", OTHER): [ANA]}},
)  # fmt: skip
example("EV-IAM-07-C1", "fail", place(), "it does not exist", lists={"roles": ()}, facts=BREAK_GLASS)
example("EV-IAM-07-C1", "fail", place(), "none is documented", lists=THERE, facts={"break_glass_roles": {}})
example("EV-IAM-07-C1", "pass", GOOD_ROLE, lists=THERE, facts=BREAK_GLASS)
example(
    "EV-IAM-07-C1",
    "pass",
    role({"AWS": ANA}, {"NumericLessThan": {"aws:MultiFactorAuthAge": "900"}}),
    lists=THERE,
    facts=BREAK_GLASS,
)
example("EV-IAM-07-C1", "fail", role({"AWS": ANA}), "no MFA", lists=THERE, facts=BREAK_GLASS)
example(
    "EV-IAM-07-C1", "fail", role({"AWS": [ANA, arn("user/eve")]}, MFA), "one too many", lists=THERE, facts=BREAK_GLASS
)
example(
    "EV-IAM-07-C1", "fail", role({"AWS": ANA}, {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
    "long-lived keys say nothing of MFA", lists=THERE, facts=BREAK_GLASS,
)  # fmt: skip
example("EV-IAM-07-C1", "not_applicable", role({"AWS": ANA}), lists=THERE, facts={"break_glass_roles": {}})
example("EV-IAM-07-C1", "lacks_field", place(), lists={"roles": (without(GOOD_ROLE, "Arn"),)}, facts=BREAK_GLASS)

example("EV-IAM-07-C2", "pass", place(), lists={"roles": listed("aws.iam.support_roles", {"RoleName": "support"})})
example("EV-IAM-07-C2", "fail", place(), lists={"roles": ()})

# --- uses of what is for emergencies --------------------------------------------------------------------------------


def told_event(reason: str, name: str, source: str, identity: Body, **more: Any) -> Body:
    return {
        "type": "event", "reasons": [reason],
        "event": {
            "eventID": "e-1", "eventTime": "2026-10-03T04:00:00Z", "eventName": name, "eventSource": source,
            "awsRegion": REGION, "sourceIPAddress": "192.0.2.1", "userIdentity": identity, **more,
        },
    }  # fmt: skip


def sign_in(type_: str) -> Record:
    success = {"responseElements": {"ConsoleLogin": "Success"}}
    line = told_event("sign_in", "ConsoleLogin", "signin.amazonaws.com", {"type": type_}, **success)
    return extract(line, view="aws.cloudtrail.sign_ins")[0]


def taken_on(role_arn: str, **more: Any) -> Records:
    asked = {"roleArn": role_arn, "roleSessionName": "night"}
    who = {"type": "IAMUser", "userName": "ana"}
    line = told_event("assumed_role", "AssumeRole", "sts.amazonaws.com", who, requestParameters=asked, **more)
    return extract(line, view="aws.cloudtrail.role_sessions")


TICKETED = BREAK_GLASS | {"access_requests": {"requests": {"e-1": "T-1"}}}
UNTICKETED = BREAK_GLASS | {"access_requests": {"requests": {}}}
for record in (sign_in("Root"), taken_on(arn("role/r"))[0]):
    example("EV-IAM-07-C3", "pass", record, facts=TICKETED)
    example("EV-IAM-07-C3", "fail", record, facts=UNTICKETED)
example("EV-IAM-07-C3", "not_applicable", sign_in("IAMUser"), facts=UNTICKETED)
example("EV-IAM-07-C3", "not_applicable", taken_on(arn("role/other"))[0], facts=UNTICKETED)
assert taken_on(arn("role/r"), errorCode="AccessDenied") == (), "a refused attempt is no use"
derived("aws.cloudtrail.role_sessions", taken_on(arn("role/r")))

# --- analyzers ------------------------------------------------------------------------------------------------------

ANALYZER = {"arn": "a", "name": "a", "type": "ACCOUNT", "createdAt": "2026-01-01T00:00:00Z", "status": "ACTIVE"}


def analyzers(**new: Any) -> Records:
    return listed("aws.accessanalyzer.analyzers", ANALYZER | new)


def organisation(master: str = ACCOUNT) -> Records:
    told = Told("aws.organizations.organization")
    told.call("DescribeOrganization", "list", {"Organization": {"Id": "o-1", "MasterAccountId": master}})
    return told.records()


def open_to(status: str = "ACTIVE", type_: str = "ExternalAccess", created: str = "2026-10-20T00:00:00Z") -> Record:
    item = {"id": "f-1", "status": status, "findingType": type_, "createdAt": created, "resource": "r"}
    told = Told("aws.accessanalyzer.findings").list(item, source="a")
    return told.each("details", {"items": [{"externalAccessDetails": {"isPublic": True}}]}, "a", "f-1").records()[0]


HERE, ALL = place("region", REGION, REGION), place()
ALONE: dict[str, Records] = {"organisations": ()}
for id_, where, good in (
    ("EV-IAM-04-C1", HERE, ("ACCOUNT", "ORGANIZATION")),
    ("EV-IAM-04-C4", ALL, ("ACCOUNT_UNUSED_ACCESS", "ORGANIZATION_UNUSED_ACCESS")),
):
    for type_ in good:
        example(id_, "pass", where, type_, lists=ALONE | {"analyzers": analyzers(type=type_)})
    example(
        id_,
        "pass",
        where,
        "a member's own",
        lists={"analyzers": analyzers(type=good[0]), "organisations": organisation(OTHER)},
    )
    example(id_, "fail", where, "none", lists=ALONE | {"analyzers": ()})
    example(id_, "fail", where, "none", lists={"analyzers": (), "organisations": organisation()})
    example(id_, "fail", where, "another type", lists=ALONE | {"analyzers": analyzers(type="ACCOUNT_INTERNAL_ACCESS")})
    example(id_, "fail", where, "broken", lists=ALONE | {"analyzers": analyzers(type=good[0], status="FAILED")})
    example(id_, "cannot_tell", where, "a member", lists={"analyzers": (), "organisations": organisation(OTHER)})
    example(id_, "lacks_field", where, lists=ALONE | {"analyzers": (without(analyzers(type=good[0])[0], "status"),)})

NO_TICKET: dict[str, Any] = {"finding_tickets": {"tickets": []}}
LONG_AGO = "2026-10-02T05:59:59Z"
example("EV-IAM-04-C2", "pass", open_to(created="2026-10-02T06:00:00Z"), "30 days to the second", facts=NO_TICKET)
example(
    "EV-IAM-04-C2", "pass", open_to(created=LONG_AGO), facts={"finding_tickets": {"tickets": ["f-1"]}}, excused=True
)
example("EV-IAM-04-C2", "fail", open_to(created=LONG_AGO), facts=NO_TICKET)
example("EV-IAM-04-C2", "not_applicable", open_to("ARCHIVED", created=LONG_AGO), facts=NO_TICKET)
example("EV-IAM-04-C2", "not_applicable", open_to(type_="UnusedIAMRole", created=LONG_AGO), facts=NO_TICKET)
example("EV-IAM-04-C2", "lacks_field", without(open_to(), "createdAt"), facts=NO_TICKET)

# --- single sign-on -------------------------------------------------------------------------------------------------

INSTANCE, SET = "arn:aws:sso:::instance/i", "arn:aws:sso:::permissionSet/i/ps-1"


def permission_set(*policies: str, session: str | None = "PT8H") -> Record:
    told = Told("aws.sso_admin.permission_sets").list(SET, source=INSTANCE)
    detail = {"Name": "set", "PermissionSetArn": SET} | ({"SessionDuration": session} if session else {})
    told.each("detail", {"PermissionSet": detail}, INSTANCE, SET)
    told.each("policies", {"items": [{"Name": "p", "Arn": policy} for policy in policies]}, INSTANCE, SET)
    return told.records()[0]


def assignments(type_: str = "GROUP", who: str = "g-1") -> Records:
    told = Told("aws.sso_admin.set_accounts").list(ACCOUNT, source=SET)
    item = {"AccountId": ACCOUNT, "PermissionSetArn": SET, "PrincipalType": type_, "PrincipalId": who}
    return told.each("assignments", {"items": [item]}, SET, ACCOUNT).records("aws.sso_admin.assignments")


def people(*names: str) -> Records:
    users = ({"UserName": name, "UserId": f"u-{name}", "IdentityStoreId": "d-1"} for name in names)
    return Told("aws.identitystore.users").list(*users, source=INSTANCE).records()


def members(*names: str) -> Records:
    told = Told("aws.identitystore.groups")
    told.list({"GroupId": "g-1", "DisplayName": "admins", "IdentityStoreId": "d-1"}, source=INSTANCE)
    items = [
        {"MembershipId": f"m-{name}", "IdentityStoreId": "d-1", "GroupId": "g-1", "MemberId": {"UserId": f"u-{name}"}}
        for name in names
    ]
    return told.each("memberships", {"items": items}, INSTANCE, "g-1").records("aws.identitystore.memberships")


ADMINS = permission_set(ADMIN)
DIRECTORY = {"users": people("ana", "eve")}
example("EV-IAM-05-C1", "pass", assignments()[0], lists=DIRECTORY, facts=NOBODY_APPROVED)
example("EV-IAM-05-C1", "pass", assignments("USER", "u-ana")[0], lists=DIRECTORY, facts=APPROVED)
example("EV-IAM-05-C1", "fail", assignments("USER", "u-eve")[0], lists=DIRECTORY, facts=APPROVED)
example(
    "EV-IAM-05-C1", "fail", assignments("USER", "u-gone")[0], "not in the directory", lists=DIRECTORY, facts=APPROVED
)
example("EV-IAM-05-C1", "lacks_field", without(assignments()[0], "PrincipalType"), lists=DIRECTORY, facts=APPROVED)

WHO = DIRECTORY | {"sets": (ADMINS,), "members": members("ana")}
example("EV-IAM-05-C2", "pass", assignments()[0], lists=WHO, facts=APPROVED)
example("EV-IAM-05-C2", "pass", assignments("USER", "u-ana")[0], lists=WHO, facts=APPROVED)
example("EV-IAM-05-C2", "fail", assignments("USER", "u-eve")[0], lists=WHO, facts=APPROVED)
example("EV-IAM-05-C2", "fail", assignments()[0], lists=WHO | {"members": members("ana", "eve")}, facts=APPROVED)
example("EV-IAM-05-C2", "not_applicable", assignments()[0], lists=WHO | {"sets": (permission_set(),)}, facts=APPROVED)
example("EV-IAM-05-C2", "lacks_field", without(assignments()[0], "PrincipalType"), lists=WHO, facts=APPROVED)

WORKERS = {"workforce_list": {"active": ["ana"]}}
GIVEN_TO_GROUP = {"assigned": assignments(), "members": members("ana", "eve")}
example("EV-IAM-05-C3", "pass", people("ana")[0], lists=GIVEN_TO_GROUP, facts=WORKERS)
example("EV-IAM-05-C3", "fail", people("eve")[0], lists=GIVEN_TO_GROUP, facts=WORKERS)
example(
    "EV-IAM-05-C3",
    "fail",
    people("eve")[0],
    lists={"assigned": assignments("USER", "u-eve"), "members": ()},
    facts=WORKERS,
)
example(
    "EV-IAM-05-C3",
    "not_applicable",
    people("eve")[0],
    lists={"assigned": assignments(), "members": members()},
    facts=WORKERS,
)
example("EV-IAM-05-C3", "lacks_field", without(people("ana")[0], "UserName"), lists=GIVEN_TO_GROUP, facts=WORKERS)
derived("aws.sso_admin.permission_sets", (ADMINS,))
derived("aws.sso_admin.assignments", assignments())
derived("aws.identitystore.memberships", members("ana"))

# --- sessions -------------------------------------------------------------------------------------------------------


def lasting(seconds: int, **more: Any) -> Record:
    return role({"AWS": ANA}, view=None, MaxSessionDuration=seconds, **more)


HUMANS = {"human_identities": {"roles": [arn("role/r")]}}
WORKLOADS: dict[str, Any] = {"human_identities": {"roles": []}}
HOUR = 3600
example("EV-IAM-08-C1", "pass", lasting(8 * HOUR), facts=HUMANS)
example("EV-IAM-08-C1", "pass", lasting(12 * HOUR), "a workload", facts=WORKLOADS, excused=True)
example("EV-IAM-08-C1", "pass", lasting(12 * HOUR, Path=SSO), "its permission set bounds it", facts=HUMANS)
example("EV-IAM-08-C1", "fail", lasting(8 * HOUR + 1), facts=HUMANS)
for session in ("PT8H", "PT7H60M", "PT3600S", None):
    example("EV-IAM-08-C1", "pass", permission_set(session=session), str(session), facts=HUMANS)
example("EV-IAM-08-C1", "fail", permission_set(session="PT8H1M"), facts=HUMANS)
example("EV-IAM-08-C1", "fail", permission_set(session="P1D"), facts=HUMANS)


def preferences(minutes: str) -> Record:
    content = json.dumps({"schemaVersion": "1.0", "inputs": {"idleSessionTimeout": minutes}})
    return listed("aws.ssm.session_preferences", {"Name": "SSM-SessionManagerRunShell", "Content": content})[0]


example("EV-IAM-08-C2", "pass", preferences("20"))
example("EV-IAM-08-C2", "fail", preferences("21"))
example("EV-IAM-08-C2", "lacks_field", without(preferences("20"), "IdleMinutes"))


def pool(mfa: str = "ON", view: str | None = None, **client: Any) -> Record:
    told = Told("aws.cognito_idp.user_pools").list({"Id": "p", "Name": "patients"})
    told.each("pool", {"UserPool": {"Id": "p", "MfaConfiguration": mfa}}, "p")
    told.each("clients", {"items": [{"ClientId": "c", "UserPoolId": "p", "ClientName": "app"}]}, "p")
    return told.each("clients.client", {"UserPoolClient": {"ClientId": "c", **client}}, "p", "c").records(view)[0]


def client(units: Body | None = None, **validity: int) -> Record:
    more: Body = {"TokenValidityUnits": units} if units else {}
    return pool(view="aws.cognito_idp.app_clients", **validity, **more)


STANDARD = {
    "sign_in_standard": {
        "pool_mfa": ["ON"], "access_token_minutes": 60, "id_token_minutes": 60, "refresh_token_days": 30,
    }
}  # fmt: skip
example("EV-IAM-08-C3", "pass", pool(), facts=STANDARD)
example("EV-IAM-08-C3", "fail", pool("OPTIONAL"), "not as documented", facts=STANDARD)
example("EV-IAM-08-C3", "fail", pool("OFF"), facts={"sign_in_standard": {"pool_mfa": ["OFF"]}})
example("EV-IAM-08-C3", "pass", client(), "an hour and 30 days, where nothing is said", facts=STANDARD)
example("EV-IAM-08-C3", "pass", client({"AccessToken": "seconds"}, AccessTokenValidity=3600), facts=STANDARD)
example("EV-IAM-08-C3", "fail", client({"AccessToken": "minutes"}, AccessTokenValidity=61), facts=STANDARD)
example("EV-IAM-08-C3", "fail", client(IdTokenValidity=2), "hours, where no unit is said", facts=STANDARD)
example("EV-IAM-08-C3", "fail", client(RefreshTokenValidity=31), facts=STANDARD)
assert "AccessTokenMinutes" in client({"AccessToken": "[redacted:named]"}, AccessTokenValidity=1).gaps
derived("aws.cognito_idp.app_clients", (client(),))

# --- the organisation -----------------------------------------------------------------------------------------------


def scope_of(*environments: str) -> dict[str, Any]:
    return {"production_scope": {"environments": {ACCOUNT: list(environments)} if environments else {}}}


PURE, MIXED = scope_of("production"), scope_of("production", "test")
STATUS = listed("aws.organizations.accounts", {"Id": ACCOUNT, "Status": "ACTIVE", "State": "ACTIVE"})[0]
example("EV-CHG-06-C1", "pass", STATUS, facts=PURE)
example("EV-CHG-06-C1", "pass", STATUS, "no production", facts=scope_of("test", "development"))
example("EV-CHG-06-C1", "fail", STATUS, facts=MIXED)
example("EV-CHG-06-C1", "fail", STATUS, "not documented", facts=scope_of())
CLOSED = listed("aws.organizations.accounts", {"Id": ACCOUNT, "Status": "SUSPENDED"})[0]
example("EV-CHG-06-C1", "not_applicable", CLOSED, facts=MIXED)
example("EV-CHG-06-C1", "lacks_field", listed("aws.organizations.accounts", {"Id": ACCOUNT})[0], facts=PURE)

STAY = ("organizations:LeaveOrganization", "cloudtrail:StopLogging", "cloudtrail:DeleteTrail")
ABROAD = {
    "Effect": "Deny", "NotAction": ["iam:*"], "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
}  # fmt: skip


def deny(*actions: str, **more: Any) -> Body:
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*", **more}


def guardrails(*statements: Body, target: str | None = "ROOT") -> Records:
    told = Told("aws.organizations.service_control_policies").list({"Id": "p-1", "Name": "guard"})
    told.each("policy", {"Policy": {"Content": document(*statements)}}, "p-1")
    told.each("targets", {"items": [{"TargetId": "r-1", "Type": target}] if target else []}, "p-1")
    return told.records("aws.organizations.guardrails")


REGIONS = {"approved_regions": {"regions": ["eu-west-1", "eu-central-1", "eu-north-1"]}}
ORGANISATION = organisation()[0]
EXEMPT = {"Condition": {"ArnNotLike": {"aws:PrincipalArn": arn("role/emergency")}}}
for statements, why in (
    ((deny(*STAY), ABROAD), "as it should be"),
    ((deny("organizations:Leave*", "cloudtrail:*", **EXEMPT), ABROAD), "wildcards, and an exempt role"),
):
    example("EV-CHG-06-C2", "pass", ORGANISATION, why, lists={"guardrails": guardrails(*statements)}, facts=REGIONS)
for statements, target, why in (
    ((deny(*STAY[:2]), ABROAD), "ROOT", "trails may be deleted"),
    ((deny(*STAY),), "ROOT", "any region"),
    ((deny(*STAY, Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}), ABROAD), "ROOT", "in one region"),
    ((deny(*STAY), ABROAD), None, "not attached"),
):
    example(
        "EV-CHG-06-C2", "fail", ORGANISATION, why,
        lists={"guardrails": guardrails(*statements, target=target)}, facts=REGIONS,
    )  # fmt: skip
GUARDED = {"guardrails": guardrails(deny(*STAY), ABROAD)}
FEWER = {"approved_regions": {"regions": ["eu-west-1"]}}
example("EV-CHG-06-C2", "fail", ORGANISATION, "a region that is not approved", lists=GUARDED, facts=FEWER)
example(
    "EV-CHG-06-C2", "cannot_tell", ORGANISATION, "below the root",
    lists={"guardrails": guardrails(deny(*STAY), ABROAD, target="ORGANIZATIONAL_UNIT")}, facts=REGIONS,
)  # fmt: skip
example(
    "EV-CHG-06-C2", "lacks_field", ORGANISATION, facts=REGIONS,
    lists={"guardrails": (without(GUARDED["guardrails"][0], "Denies"),)},
)  # fmt: skip
derived("aws.organizations.guardrails", GUARDED["guardrails"])


def contact(**fields: str) -> dict[str, Records]:
    told = Told("aws.account.security_contact")
    told.call("GetAlternateContact", "list", {"AlternateContact": {"AlternateContactType": "SECURITY", **fields}})
    return {"contacts": told.records()}


example("EV-CHG-06-C3", "pass", place(), lists=contact(EmailAddress="security@example.org"))
example("EV-CHG-06-C3", "fail", place(), lists={"contacts": ()})
example("EV-CHG-06-C3", "lacks_field", place(), lists=contact())
