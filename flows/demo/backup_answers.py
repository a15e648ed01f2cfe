"""AWS Backup's evidence: jobs, copies, recovery points, selections, vault policies. moto knows vaults and plans only.

The data are facts of the emulated account (`flows.demo.own_answers.Facts`), by region:
    backup_jobs, copy_jobs       lists of jobs, in the fields of the API
    recovery_points              list; each with its BackupVaultName
    backup_selections            list; each with its BackupPlanId and the whole BackupSelection
    vault_policies               {vault name: policy text}
    backup_region_settings       the answer of DescribeRegionSettings
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from operator import eq, gt, lt
from typing import Any

from botocore.model import ListShape, Shape

from flows.demo.encoding import moment, project
from flows.demo.moto_setup import moto_models
from flows.demo.operations import service_model
from flows.demo.own_answers import Handlers, Question, RefusalError, page

JOBS_KEPT = timedelta(days=30)  # AWS Backup lists no older job

Filter = tuple[str, Callable[[Any, Any], bool]]

_CREATED: Mapping[str, Filter] = {"ByCreatedBefore": ("CreationDate", lt), "ByCreatedAfter": ("CreationDate", gt)}
_OF_A_RESOURCE: Mapping[str, Filter] = {"ByResourceArn": ("ResourceArn", eq), "ByResourceType": ("ResourceType", eq)}
_OF_A_JOB: Mapping[str, Filter] = {
    **_CREATED,
    **_OF_A_RESOURCE,
    "ByState": ("State", eq),
    "ByAccountId": ("AccountId", eq),
    "ByCompleteBefore": ("CompletionDate", lt),
    "ByCompleteAfter": ("CompletionDate", gt),
    "ByParentJobId": ("ParentJobId", eq),
    "ByMessageCategory": ("MessageCategory", eq),
}
_OF_A_BACKUP_JOB: Mapping[str, Filter] = {**_OF_A_JOB, "ByBackupVaultName": ("BackupVaultName", eq)}
_OF_A_COPY_JOB: Mapping[str, Filter] = {**_OF_A_JOB, "ByDestinationVaultArn": ("DestinationBackupVaultArn", eq)}
_OF_A_RECOVERY_POINT: Mapping[str, Filter] = {
    **_CREATED,
    **_OF_A_RESOURCE,
    "BackupVaultName": ("BackupVaultName", eq),
    "ByParentRecoveryPointArn": ("ParentRecoveryPointArn", eq),
}


def _list_backup_jobs(question: Question) -> Mapping[str, Any]:
    jobs = _newest_first(_within_memory(question, question.fact("backup_jobs", [])))
    return page(question, _filtered(question, jobs, _OF_A_BACKUP_JOB), "BackupJobs")


def _list_copy_jobs(question: Question) -> Mapping[str, Any]:
    jobs = _newest_first(_within_memory(question, question.fact("copy_jobs", [])))
    return page(question, _filtered(question, jobs, _OF_A_COPY_JOB), "CopyJobs")


def _list_recovery_points(question: Question) -> Mapping[str, Any]:
    _must_know_vault(question)
    points = _filtered(question, question.fact("recovery_points", []), _OF_A_RECOVERY_POINT)
    if plan := question.parameters.get("ByBackupPlanId"):
        points = [point for point in points if point.get("CreatedBy", {}).get("BackupPlanId") == plan]
    shape = _member_shape("ListRecoveryPointsByBackupVault", "RecoveryPoints")
    return page(question, [project(shape, point) for point in _newest_first(points)], "RecoveryPoints")


def _describe_recovery_point(question: Question) -> Mapping[str, Any]:
    _must_know_vault(question)
    wanted = (question.parameters["BackupVaultName"], question.parameters["RecoveryPointArn"])
    for point in question.fact("recovery_points", []):
        if (point["BackupVaultName"], point["RecoveryPointArn"]) == wanted:
            return project(_output_shape("DescribeRecoveryPoint"), point)
    raise RefusalError("ResourceNotFoundException", "Cannot find recovery point.")


def _list_protected_resources(question: Question) -> Mapping[str, Any]:
    shape = _member_shape("ListProtectedResources", "Results")
    return page(question, [project(shape, one) for one in _protected(question)], "Results")


def _describe_protected_resource(question: Question) -> Mapping[str, Any]:
    for one in _protected(question):
        if one["ResourceArn"] == question.parameters["ResourceArn"]:
            return one
    raise RefusalError("ResourceNotFoundException", "Nothing protects this resource.")


def _list_recovery_points_by_resource(question: Question) -> Mapping[str, Any]:
    points = _filtered(question, question.fact("recovery_points", []), {"ResourceArn": ("ResourceArn", eq)})
    shape = _member_shape("ListRecoveryPointsByResource", "RecoveryPoints")
    return page(question, [project(shape, point) for point in _newest_first(points)], "RecoveryPoints")


def _protected(question: Question) -> list[dict[str, Any]]:
    """What has a recovery point here, with its newest; a copy is a recovery point of the region it was sent to."""
    newest: dict[str, Mapping[str, Any]] = {}
    for point in _newest_first(question.fact("recovery_points", [])):
        newest.setdefault(point["ResourceArn"], point)
    return [
        {
            "ResourceArn": arn,
            "ResourceType": point["ResourceType"],
            "ResourceName": point["ResourceName"],
            "LastBackupTime": point["CompletionDate"],
            "LastBackupVaultArn": point["BackupVaultArn"],
            "LastRecoveryPointArn": point["RecoveryPointArn"],
        }
        for arn, point in sorted(newest.items())
    ]


def _list_backup_selections(question: Question) -> Mapping[str, Any]:
    plan = question.parameters["BackupPlanId"]
    selections = [one for one in question.fact("backup_selections", []) if one["BackupPlanId"] == plan]
    if not selections:
        _must_know_plan(question)
    shape = _member_shape("ListBackupSelections", "BackupSelectionsList")
    return page(question, [project(shape, selection) for selection in selections], "BackupSelectionsList")


def _get_backup_selection(question: Question) -> Mapping[str, Any]:
    wanted = (question.parameters["BackupPlanId"], question.parameters["SelectionId"])
    for selection in question.fact("backup_selections", []):
        if (selection["BackupPlanId"], selection["SelectionId"]) == wanted:
            return project(_output_shape("GetBackupSelection"), selection)
    raise RefusalError("ResourceNotFoundException", "Cannot find backup selection.")


def _get_vault_access_policy(question: Question) -> Mapping[str, Any]:
    vault = _must_know_vault(question)
    policy = question.fact("vault_policies", {}).get(vault.backup_vault_name)
    if policy is None:
        raise RefusalError("ResourceNotFoundException", f"Vault {vault.backup_vault_name} has no access policy")
    return {"BackupVaultName": vault.backup_vault_name, "BackupVaultArn": vault.backup_vault_arn, "Policy": policy}


def _describe_region_settings(question: Question) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = question.fact("backup_region_settings", {"ResourceTypeOptInPreference": {}})
    return settings


def _must_know_vault(question: Question) -> Any:
    name = question.parameters["BackupVaultName"]
    vault = _backend(question.call.account, question.call.region).vaults.get(name)
    if vault is None:
        raise RefusalError("ResourceNotFoundException", f"Backup vault {name} does not exist")
    return vault


def _must_know_plan(question: Question) -> None:
    if question.parameters["BackupPlanId"] not in _backend(question.call.account, question.call.region).plans:
        raise RefusalError("ResourceNotFoundException", "Cannot find backup plan.")


def _backend(account: str, region: str) -> Any:
    return moto_models("backup").backup_backends[account][region]


def _within_memory(question: Question, jobs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [job for job in jobs if moment(job["CreationDate"]) >= question.now - JOBS_KEPT]


def _filtered(
    question: Question, items: Sequence[Mapping[str, Any]], filters: Mapping[str, Filter]
) -> list[Mapping[str, Any]]:
    """The items that every given filter lets through; an item without the field passes none."""
    given = [(*filters[name], value) for name, value in question.parameters.items() if name in filters and value != "*"]
    return [item for item in items if all(_passes(item.get(field), compare, value) for field, compare, value in given)]


def _passes(found: Any, compare: Callable[[Any, Any], bool], wanted: Any) -> bool:
    if found is None:
        return False
    return compare(found if compare is eq else moment(found), wanted)


def _newest_first(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(items, key=lambda item: moment(item["CreationDate"]), reverse=True)


def _output_shape(operation: str) -> Shape:
    shape = service_model("backup").operation_model(operation).output_shape
    assert shape is not None
    return shape


def _member_shape(operation: str, field: str) -> Shape:
    members = service_model("backup").operation_model(operation).output_shape
    assert members is not None
    listing = members.members[field]
    assert isinstance(listing, ListShape)
    return listing.member


BACKUP_HANDLERS: Handlers = {
    "backup:ListBackupJobs": _list_backup_jobs,
    "backup:ListCopyJobs": _list_copy_jobs,
    "backup:ListRecoveryPointsByBackupVault": _list_recovery_points,
    "backup:DescribeRecoveryPoint": _describe_recovery_point,
    "backup:ListProtectedResources": _list_protected_resources,
    "backup:DescribeProtectedResource": _describe_protected_resource,
    "backup:ListRecoveryPointsByResource": _list_recovery_points_by_resource,
    "backup:ListBackupSelections": _list_backup_selections,
    "backup:GetBackupSelection": _get_backup_selection,
    "backup:GetBackupVaultAccessPolicy": _get_vault_access_policy,
    "backup:DescribeRegionSettings": _describe_region_settings,
}


def count_recovery_points(account: str, region: str, points: Sequence[Mapping[str, Any]]) -> None:
    """Let moto's vaults count the recovery points that we hold: a control total must agree with its listing."""
    for name, vault in _backend(account, region).vaults.items():
        vault.num_of_recovery_points = sum(point["BackupVaultName"] == name for point in points)
