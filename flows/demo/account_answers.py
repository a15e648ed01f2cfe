"""The account itself: its credential report, its regions, and the key of its block storage.

moto's credential report has no row for root, calls unused fields `not_supported`, and knows no region or service of a
key's last use. This one has the form that AWS documents, over the same users.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from flows.demo.moto_setup import moto_models
from flows.demo.own_answers import Handlers, Question, RefusalError, page

ENABLED_BY_DEFAULT = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)
# Of the regions that must be switched on, none is.
OPT_IN = (
    *("af-south-1", "ap-east-1", "ap-south-2", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2"),
    *("il-central-1", "me-south-1"),
)

_REPORT_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
_NO_KEY = ("false", "N/A", "N/A", "N/A", "N/A")
_NO_CERTIFICATES = ("false", "N/A", "false", "N/A")


def _get_credential_report(question: Question) -> Mapping[str, Any]:
    backend = moto_models("iam").iam_backends[question.call.account]["aws"]
    if not backend.report_generated():
        raise RefusalError("ReportNotPresent", "Report not present", 410)
    root = question.facts.get(question.call.account, "global", "root", {})
    rows = [_root_row(question.call.account, root), *(_user_row(user) for user in backend.users.values())]
    text = "\n".join([_REPORT_COLUMNS, *(",".join(row) for row in rows)])
    return {"Content": text.encode(), "ReportFormat": "text/csv", "GeneratedTime": question.now}


def _root_row(account: str, root: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        "<root_account>",
        f"arn:aws:iam::{account}:root",
        root.get("created", "N/A"),
        "not_supported",
        root.get("password_last_used", "no_information"),
        "not_supported",
        "not_supported",
        _flag(root.get("mfa_active", False)),
        *_NO_KEY,
        *_NO_KEY,
        *_NO_CERTIFICATES,
    )


def _user_row(user: Any) -> tuple[str, ...]:
    keys = [*(_key_fields(key) for key in user.access_keys), _NO_KEY, _NO_KEY][:2]
    return (
        user.name,
        user.arn,
        _stamp(user.create_date),
        *_password_fields(user),
        _flag(bool(user.mfa_devices)),
        *keys[0],
        *keys[1],
        *_NO_CERTIFICATES,
    )


def _password_fields(user: Any) -> tuple[str, str, str, str]:
    if not user.password:
        return "false", "N/A", "N/A", "N/A"
    used = _stamp(user.password_last_used) if user.password_last_used else "no_information"
    return "true", used, _stamp(user.create_date), "N/A"


def _key_fields(key: Any) -> tuple[str, ...]:
    last = key.last_used
    used = (_stamp(last.timestamp), last.region, last.service) if last else ("N/A", "N/A", "N/A")
    return _flag(key.status == "Active"), _stamp(key.create_date), *used


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _describe_regions(question: Question) -> Mapping[str, Any]:
    form = question.parameters
    everything = form.get("AllRegions") == "true"
    named = set(_numbered(form, "RegionName"))
    filters = {form[f"Filter.{i}.Name"]: set(_numbered(form, f"Filter.{i}.Value")) for i in _filter_numbers(form)}
    regions = [
        {"RegionName": name, "OptInStatus": status, "RegionEndpoint": f"ec2.{name}.amazonaws.com"}
        for name, status in _region_states(question.disabled_regions)
        if (everything or status != "not-opted-in") and (not named or name in named)
    ]
    fields = {"region-name": "RegionName", "opt-in-status": "OptInStatus", "endpoint": "RegionEndpoint"}
    shown = [one for one in regions if all(one[fields[name]] in wanted for name, wanted in filters.items())]
    return {"Regions": [{("Endpoint" if k == "RegionEndpoint" else k): v for k, v in one.items()} for one in shown]}


def _numbered(form: Mapping[str, Any], name: str) -> Iterator[str]:
    number = 1
    while f"{name}.{number}" in form:
        yield form[f"{name}.{number}"]
        number += 1


def _filter_numbers(form: Mapping[str, Any]) -> Iterator[int]:
    number = 1
    while f"Filter.{number}.Name" in form:
        yield number
        number += 1


def _region_states(disabled: frozenset[str]) -> Sequence[tuple[str, str]]:
    """Every region with its state, in EC2's words."""
    states = [(name, "not-opted-in" if name in disabled else "opt-in-not-required") for name in ENABLED_BY_DEFAULT]
    return sorted([*states, *((name, "not-opted-in") for name in OPT_IN)])


def _list_regions(question: Question) -> Mapping[str, Any]:
    words = {"opt-in-not-required": "ENABLED_BY_DEFAULT", "not-opted-in": "DISABLED"}
    wanted = question.parameters.get("RegionOptStatusContains")
    regions = [
        {"RegionName": name, "RegionOptStatus": words[status]}
        for name, status in _region_states(question.disabled_regions)
        if not wanted or words[status] in wanted
    ]
    return page(question, regions, "Regions", most=50)


def _get_ebs_default_kms_key_id(question: Question) -> Mapping[str, Any]:
    return {"KmsKeyId": question.fact("ebs_default_kms_key_id", "alias/aws/ebs")}


def _get_object_retention(question: Question) -> Mapping[str, Any]:
    wanted = question.parameters
    buckets = moto_models("s3").s3_backends[question.call.account]["aws"].buckets
    versions = buckets[wanted["Bucket"]].keys.getlist(wanted["Key"], [])
    found = next((item for item in versions if item.version_id == wanted.get("VersionId", item.version_id)), None)
    if found is None:
        raise RefusalError("NoSuchVersion", "There is no such version of the object", 404)
    if found.lock_mode is None:
        raise RefusalError("NoSuchObjectLockConfiguration", "The object has no lock", 404)
    return {"Retention": {"Mode": found.lock_mode, "RetainUntilDate": str(found.lock_until)}}


def _generate_service_last_accessed_details(question: Question) -> Mapping[str, Any]:
    """A report's number, its own for each role."""
    return {"JobId": str(uuid5(NAMESPACE_URL, question.parameters["Arn"]))}


def _simulate_principal_policy(question: Question) -> Mapping[str, Any]:
    """Everything is allowed but what the fact `denied_actions` of the account names."""
    denied = question.facts.get(question.call.account, "global", "denied_actions", [])
    asked = [value for name, value in question.parameters.items() if name.startswith("ActionNames.")]
    results = [
        {"EvalActionName": name, "EvalDecision": "implicitDeny" if name in denied else "allowed"} for name in asked
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


ACCOUNT_HANDLERS: Handlers = {
    "iam:GenerateServiceLastAccessedDetails": _generate_service_last_accessed_details,
    "iam:GetCredentialReport": _get_credential_report,
    "iam:SimulatePrincipalPolicy": _simulate_principal_policy,
    "ec2:DescribeRegions": _describe_regions,
    "ec2:GetEbsDefaultKmsKeyId": _get_ebs_default_kms_key_id,
    "account:ListRegions": _list_regions,
    "s3:GetObjectRetention": _get_object_retention,
}


def note_iam_usage(account: str, usage: Mapping[str, Any]) -> None:
    """Set when passwords and keys were last used: `{user: {password_last_used, keys: {key id: {at, ...}}}}`.

    No API sets this, in AWS as in moto; so it is written into moto's users.
    """
    iam = moto_models("iam")
    users = iam.iam_backends[account]["aws"].users
    for name, used in usage.items():
        if at := used.get("password_last_used"):
            users[name].password_last_used = _naive(at)
        for key_id, last in used.get("keys", {}).items():
            key = users[name].get_access_key_by_id(key_id)
            key.last_used = iam.AccessKeyLastUsed(_naive(last["at"]), service=last["service"], region=last["region"])


def _naive(text: str) -> Any:
    return datetime.fromisoformat(text).replace(tzinfo=None)
