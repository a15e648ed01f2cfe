"""Which CloudTrail events go into the extract, and why: sign-ins, refused calls, root's doings, privileged
changes, roles taken on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from evidence_schema.records.changes import is_change, is_root, is_sign_in
from flows.collectors.aws.errors import Meaning, meaning_of

_ANY_CHANGE = ("",)
PRIVILEGED: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "iam.amazonaws.com": _ANY_CHANGE,
    "organizations.amazonaws.com": _ANY_CHANGE,
    "sso.amazonaws.com": _ANY_CHANGE,
    "identitystore.amazonaws.com": _ANY_CHANGE,
    "cloudtrail.amazonaws.com": _ANY_CHANGE,
    "config.amazonaws.com": _ANY_CHANGE,
    "guardduty.amazonaws.com": _ANY_CHANGE,
    "securityhub.amazonaws.com": _ANY_CHANGE,
    "access-analyzer.amazonaws.com": _ANY_CHANGE,
    "account.amazonaws.com": _ANY_CHANGE,
    "rolesanywhere.amazonaws.com": _ANY_CHANGE,
    "backup.amazonaws.com": ("Delete", "Put", "Update", "Disassociate", "StartRestoreJob"),
    "kms.amazonaws.com": ("Disable", "Schedule", "Put", "Delete", "Create", "Revoke", "Retire", "Update", "Cancel"),
    "secretsmanager.amazonaws.com": ("Delete", "Put", "Update", "Restore"),
    "s3.amazonaws.com": ("PutBucket", "DeleteBucket", "PutAccountPublicAccessBlock", "PutObjectAcl", "PutPublicAccess"),
    "ec2.amazonaws.com": ("Authorize", "Revoke", "ModifySnapshotAttribute", "ModifyImageAttribute", "DeleteFlowLogs",
                          "CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DisableEbsEncryptionByDefault",
                          "DeleteSnapshot", "ModifyInstanceMetadataOptions", "GetPasswordData"),
    "rds.amazonaws.com": ("ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute", "DeleteDB", "StopDB"),
    "ssm.amazonaws.com": ("StartSession", "SendCommand", "DeleteParameter", "ModifyDocumentPermission"),
    "lambda.amazonaws.com": ("AddPermission", "UpdateFunctionCode"),
    "logs.amazonaws.com": ("Delete", "PutResourcePolicy", "PutRetentionPolicy", "DisassociateKmsKey"),
    "monitoring.amazonaws.com": ("DeleteAlarms", "DisableAlarmActions"),
})  # fmt: skip
"""Event source -> how the names of its privileged events begin; of those, only events that change something."""
_CHANGE_NOTHING = frozenset({"GetPasswordData", "StartSession"})
"""Marked read-only by AWS, and yet they open a door."""

CHANGE = "change"
"""Of an event that is taken for no other reason: changes are told apart when they are read."""
_TAKES_ROLE = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")  # an outsider's name may have no hash


def reasons_for(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Why an event is taken into the extract; empty where it is only counted."""
    tests = (
        ("sign_in", is_sign_in),
        ("failed_auth", _is_refused),
        ("root", is_root),
        ("privileged", _is_privileged),
        ("assumed_role", _is_assumed_role),
    )
    found = tuple(reason for reason, test in tests if test(event))
    return found or ((CHANGE,) if is_change(event) else ())


def source_of(event: Mapping[str, Any]) -> str:
    """The service that tells of the event."""
    source = event.get("eventSource")
    return source[:200] if isinstance(source, str) else "(without source)"


def _is_refused(event: Mapping[str, Any]) -> bool:
    code = event.get("errorCode")
    if not isinstance(code, str) or not code:
        return False
    meaning = meaning_of(code.removeprefix("Client."), 0)
    return meaning in (Meaning.DENIED, Meaning.EXPIRED, Meaning.INVALID)


def _is_privileged(event: Mapping[str, Any]) -> bool:
    name = event.get("eventName")
    if not isinstance(name, str) or (event.get("readOnly") is True and name not in _CHANGE_NOTHING):
        return False
    return name.startswith(PRIVILEGED.get(source_of(event), ("\0",)))


def _is_assumed_role(event: Mapping[str, Any]) -> bool:
    """By a person or a program of the organisation: services of AWS take on roles all day."""
    who = event.get("userIdentity")
    by_service = isinstance(who, Mapping) and (who.get("type") == "AWSService" or "invokedBy" in who)
    return source_of(event) == "sts.amazonaws.com" and event.get("eventName") in _TAKES_ROLE and not by_service
