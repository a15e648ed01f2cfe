"""Who may do what in the emulated account: groups, policies and roles, most as they should be, some as they should not.

Groups of single sign-on, the organisation and the analyzers are answered by hand (answers/).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flows.demo.filling import Filler, tag_list
from flows.demo.trail_log_files import EMERGENCY_ROLE

SUPPORT_ROLE = "simulated-support-cases"
STRANGER = "999988887777"
PARTNER = "444455556666"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_SUPPORT = "arn:aws:iam::aws:policy/AWSSupportAccess"
_READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
_HOUR = 3600


@dataclass(frozen=True)
class Role:
    """A role of the pattern; `trusts` is the principal of its trust policy, `{account}` in it the account."""

    name: str
    trusts: dict[str, str]
    condition: dict[str, Any] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    hours: int = 1
    age: int = 500


ROLES = (
    Role(EMERGENCY_ROLE, {"AWS": "arn:aws:iam::{account}:user/sim-anna.keller"}, _MFA, (_ADMINISTRATOR,)),
    Role(
        "simulated-emergency-forgotten",
        {"AWS": "arn:aws:iam::{account}:user/sim-ben.okafor"},
        holds=(_READ_ONLY,),
    ),
    Role(SUPPORT_ROLE, {"AWS": "arn:aws:iam::{account}:root"}, _MFA, (_SUPPORT,), hours=4),
    Role("simulated-partner-billing", {"AWS": f"arn:aws:iam::{PARTNER}:role/billing"}, holds=(_READ_ONLY,)),
    Role("simulated-unknown-vendor", {"AWS": f"arn:aws:iam::{STRANGER}:root"}, holds=(_READ_ONLY,)),
    Role("simulated-open-to-everyone", {"AWS": "*"}, age=900),
    Role("simulated-analysts", {"AWS": "arn:aws:iam::{account}:root"}, _MFA, (_READ_ONLY,), hours=12),
    Role("simulated-nightly-batch", {"Service": "ecs-tasks.amazonaws.com"}, hours=12),
    Role(
        "simulated-old-admin", {"AWS": "arn:aws:iam::{account}:user/sim-jonas.weber"}, {}, (_ADMINISTRATOR,), age=1100
    ),
)


def fill_identity(filler: Filler) -> None:
    """Password policy, groups, policies and roles."""
    iam = filler.client("iam")
    iam.update_account_password_policy(
        MinimumPasswordLength=12,
        RequireUppercaseCharacters=True,
        RequireLowercaseCharacters=True,
        RequireNumbers=True,
        PasswordReusePrevention=24,
    )
    with filler.days_ago(450):
        _add_groups(iam)
        _add_policies(filler, iam)
    for suffix in filler.copies():
        for role in ROLES:
            with filler.days_ago(role.age):
                _add_role(filler, iam, role, role.name + suffix)
    _add_inline_policies(iam)


def _add_groups(iam: Any) -> None:
    for name in ("simulated-engineers", "simulated-nobody-left"):
        iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName="simulated-engineers", PolicyArn=_READ_ONLY)
    for user in ("sim-anna.keller", "sim-grace.liu"):
        iam.add_user_to_group(GroupName="simulated-engineers", UserName=user)


def _add_policies(filler: Filler, iam: Any) -> None:
    invoices = _allow(["s3:GetObject"], f"arn:aws:s3:::{filler.bucket('simulated-invoices')}/*")
    for name, document in (
        ("simulated-read-invoices", invoices),
        ("simulated-everything", _allow(["*"], "*")),
        ("simulated-all-of-s3", _allow(["s3:*"], "*")),
        ("simulated-never-attached", _allow(["ec2:DescribeInstances"], "*")),
    ):
        policy = iam.create_policy(PolicyName=name, PolicyDocument=document, Tags=tag_list())["Policy"]["Arn"]
        if name != "simulated-never-attached":
            iam.attach_group_policy(GroupName="simulated-engineers", PolicyArn=policy)
        if name == "simulated-read-invoices":
            iam.attach_user_policy(UserName="sim-backup-export", PolicyArn=policy)


def _add_role(filler: Filler, iam: Any, role: Role, name: str) -> None:
    principal = {type_: who.replace("{account}", filler.account) for type_, who in role.trusts.items()}
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if role.condition:
        statement["Condition"] = role.condition
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        MaxSessionDuration=role.hours * _HOUR,
        Tags=tag_list(),
    )
    for policy in role.holds:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)


def _add_inline_policies(iam: Any) -> None:
    for role, name, document in (
        (
            "simulated-nightly-batch",
            "simulated-write-reports",
            _allow(["s3:PutObject"], "arn:aws:s3:::simulated-reports/*"),
        ),
        ("simulated-analysts", "simulated-way-up", _allow(["iam:PassRole", "ec2:Run*"], "*")),
    ):
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)


def _allow(actions: list[str], resource: str) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
