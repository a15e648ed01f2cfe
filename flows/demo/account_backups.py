"""Backups of the emulated account: vaults and plans in moto, everything else as facts for our own answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flows.demo.backup_history import CURED, NEVER_STARTED, Chronicler, PlanInUse, Resource, Vault
from flows.demo.filling import HOME_REGION, REGIONS, SECOND_REGION, SIMULATED, Filler, stamp

LOCKED_VAULT = "simulated-vault-locked"
BARE_VAULT = "simulated-vault-unprotected"
COPY_VAULT = "simulated-vault-copies"
_PROTECTED = (LOCKED_VAULT, COPY_VAULT)

# Days ago -> what went wrong; see `backup_history.Resource`.
_PATIENTS_TROUBLES = {5: CURED, 12: NEVER_STARTED}
_ARCHIVE_TROUBLES = {9: "EXPIRED"}
_BILLING_TROUBLES = {3: "ABORTED", 8: "PARTIAL"}
_WEBSHOP_TROUBLES = dict.fromkeys(range(4), "FAILED")  # nothing good for four days

Arns = Mapping[str, Sequence[str]]  # by region


def fill_backups(filler: Filler, keys: Mapping[str, str], databases: Arns, disks: Arns) -> int:
    """Vaults, plans, selections and their history; how many jobs were told."""
    with filler.days_ago(500):
        locked = _add_vault(filler, LOCKED_VAULT, HOME_REGION, keys)
        bare = _add_vault(filler, BARE_VAULT, HOME_REGION, keys)
        copies = _add_vault(filler, COPY_VAULT, SECOND_REGION, keys)
        filler.client("backup").put_backup_vault_lock_configuration(
            BackupVaultName=LOCKED_VAULT, MinRetentionDays=30, MaxRetentionDays=400
        )
        plans = [
            _add_plan(filler, "simulated-daily", locked, 3, None, 35, copies),
            _add_plan(filler, "simulated-weekly", bare, 4, 6, 7, None),
            _add_plan(filler, "simulated-daily-short", copies, 2, None, 14, None),
        ]
    protected = _protected_by_plan(databases, disks)
    return _tell(filler, [replace(plan, resources=protected[plan.name]) for plan in plans])


def _protected_by_plan(databases: Arns, disks: Arns) -> Mapping[str, tuple[Resource, ...]]:
    """The encrypted databases come first and third, the others between them: see `account_storage.INSTANCES`."""
    here, there = databases[HOME_REGION], databases[SECOND_REGION]
    archive, webshop = disks[HOME_REGION][:1], disks[SECOND_REGION][:1]
    return {
        "simulated-daily": (
            *_databases(here[0::2], _PATIENTS_TROUBLES),
            *_disks(archive, _ARCHIVE_TROUBLES, encrypted=True),
        ),
        "simulated-weekly": _databases(here[1::2], {}, encrypted=False),
        "simulated-daily-short": (
            *_databases(there[0::2], _BILLING_TROUBLES),
            *_disks(webshop, _WEBSHOP_TROUBLES, encrypted=False),
        ),
    }


def _add_vault(filler: Filler, name: str, region: str, keys: Mapping[str, str]) -> Vault:
    filler.client("backup", region).create_backup_vault(
        BackupVaultName=name, EncryptionKeyArn=keys[region], BackupVaultTags=SIMULATED, CreatorRequestId=name
    )
    return Vault(name, region, filler.account, keys[region])


def _add_plan(
    filler: Filler, name: str, vault: Vault, hour: int, weekday: int | None, keep_days: int, copy_to: Vault | None
) -> PlanInUse:
    backup = filler.client("backup", vault.region)
    cron = f"cron(0 {hour} ? * {'*' if weekday is None else 'SUN'} *)"
    rule: dict[str, Any] = {
        "RuleName": f"{name}-rule",
        "TargetBackupVaultName": vault.name,
        "ScheduleExpression": cron,
        "StartWindowMinutes": 60,
        "CompletionWindowMinutes": 360,
        "Lifecycle": {"DeleteAfterDays": keep_days},
    }
    if copy_to:
        lifecycle = {"DeleteAfterDays": keep_days}
        rule["CopyActions"] = [{"DestinationBackupVaultArn": copy_to.arn, "Lifecycle": lifecycle}]
    made = backup.create_backup_plan(
        BackupPlan={"BackupPlanName": name, "Rules": [rule]}, BackupPlanTags=SIMULATED, CreatorRequestId=name
    )
    plan = backup.get_backup_plan(BackupPlanId=made["BackupPlanId"])
    return PlanInUse(
        plan_id=made["BackupPlanId"],
        plan_arn=made["BackupPlanArn"],
        version=made["VersionId"],
        name=name,
        rule_id=plan["BackupPlan"]["Rules"][0]["RuleId"],
        rule_name=rule["RuleName"],
        cron=cron,
        hour=hour,
        weekday=weekday,
        keep_days=keep_days,
        vault=vault,
        copy_to=copy_to,
    )


def _databases(arns: Sequence[str], troubles: Mapping[int, str], encrypted: bool = True) -> tuple[Resource, ...]:
    """The troubles are those of the first; its copies in a larger account had none."""
    return tuple(
        Resource(arn, "RDS", arn.rsplit(":", 1)[1], encrypted, troubles if number == 0 else {})
        for number, arn in enumerate(arns)
    )


def _disks(arns: Sequence[str], troubles: Mapping[int, str], encrypted: bool) -> tuple[Resource, ...]:
    return tuple(Resource(arn, "EBS", arn.rsplit("/", 1)[1], encrypted, troubles) for arn in arns)


def _tell(filler: Filler, plans: Sequence[PlanInUse]) -> int:
    histories = Chronicler(filler.account, filler.now).tell(plans, REGIONS)
    for region, history in histories.items():
        mine = [plan for plan in plans if plan.vault.region == region]
        facts = {
            "backup_jobs": history.jobs,
            "copy_jobs": history.copies,
            "recovery_points": history.points,
            "backup_selections": [_selection(filler, plan) for plan in mine],
            "vault_policies": {plan.vault.name: _policy() for plan in mine if plan.vault.name in _PROTECTED},
            "backup_region_settings": _settings(region),
        }
        filler.control.put_facts(filler.account, region, facts)
    return sum(len(history.jobs) for history in histories.values())


def _selection(filler: Filler, plan: PlanInUse) -> dict[str, Any]:
    role = f"arn:aws:iam::{filler.account}:role/simulated-backup"
    name = f"{plan.name}-selection"
    return {
        "SelectionId": plan.rule_id[::-1],  # any identifier that repeats itself
        "SelectionName": name,
        "BackupPlanId": plan.plan_id,
        "CreationDate": stamp(filler.now - timedelta(days=499)),
        "CreatorRequestId": f"simulated-{plan.name}",
        "IamRoleArn": role,
        "BackupSelection": {
            "SelectionName": name,
            "IamRoleArn": role,
            "Resources": [resource.arn for resource in plan.resources],
            "ListOfTags": [],
            "NotResources": [],
            "Conditions": {"StringEquals": [], "StringNotEquals": [], "StringLike": [], "StringNotLike": []},
        },
    }


def _policy() -> str:
    statement = {
        "Sid": "SimulatedDenyDelete",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _settings(region: str) -> dict[str, Any]:
    wanted = {"EBS": True, "RDS": True, "Aurora": True, "S3": region == HOME_REGION, "DynamoDB": True}
    return {"ResourceTypeOptInPreference": wanted, "ResourceTypeManagementPreference": {"DynamoDB": True}}
