"""Invents what AWS Backup did in the last weeks: jobs, copies, recovery points. Pure: same arguments, same history.

Most occasions went well. The others are listed below, each for a reason an auditor would ask about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from flows.demo.filling import stamp

DAYS_TOLD = 35  # a few more than AWS remembers
Document = dict[str, Any]


@dataclass(frozen=True)
class Vault:
    """A backup vault of the pattern."""

    name: str
    region: str
    account: str
    key_arn: str

    @property
    def arn(self) -> str:
        return f"arn:aws:backup:{self.region}:{self.account}:backup-vault:{self.name}"


@dataclass(frozen=True)
class PlanInUse:
    """A plan as AWS knows it, and what it protects."""

    plan_id: str
    plan_arn: str
    version: str
    name: str
    rule_id: str
    rule_name: str
    cron: str
    hour: int
    weekday: int | None  # None: every day
    keep_days: int
    vault: Vault
    copy_to: Vault | None = None
    resources: tuple[Resource, ...] = ()

    @property
    def creator(self) -> Document:
        return {
            "BackupPlanId": self.plan_id,
            "BackupPlanArn": self.plan_arn,
            "BackupPlanName": self.name,
            "BackupPlanVersion": self.version,
            "BackupRuleId": self.rule_id,
            "BackupRuleName": self.rule_name,
            "BackupRuleCron": self.cron,
            "BackupRuleTimezone": "Etc/UTC",
        }


@dataclass(frozen=True)
class Resource:
    """Something that is backed up. `troubles`: days ago -> what happened instead of a completed job."""

    arn: str
    kind: str
    name: str
    encrypted: bool
    troubles: Mapping[int, str]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]


# A trouble is a job state of AWS, or one of these two.
NEVER_STARTED = "NEVER_STARTED"
CURED = "CURED"  # failed at its hour, completed by hand later that day
_FAILED_COPIES = (6, 17)  # days ago
_REASONS = {
    "FAILED": "Backup job failed because the resource was not in a state to be backed up",
    "EXPIRED": "Backup job did not start within its start window",
    "ABORTED": "Backup job was cancelled",
    "PARTIAL": "Backup job completed with errors in some parts",
}


@dataclass
class History:
    """What the API will tell of one region."""

    jobs: list[Document]
    copies: list[Document]
    points: list[Document]


class Chronicler:
    """Tells the history of plans up to `now`."""

    def __init__(self, account: str, now: datetime) -> None:
        self._account = account
        self._now = now
        self._role = f"arn:aws:iam::{account}:role/simulated-backup"

    def tell(self, plans: Sequence[PlanInUse], regions: Sequence[str]) -> dict[str, History]:
        """The history of every region; copies arrive in the region they were sent to."""
        histories = {region: History([], [], []) for region in regions}
        for plan in plans:
            for resource in plan.resources:
                for days in self._occasions(plan):
                    self._tell_occasion(histories, plan, resource, days)
        return histories

    def _occasions(self, plan: PlanInUse) -> Iterator[int]:
        for days in range(DAYS_TOLD, -1, -1):
            at = self._hour(plan.hour, days)
            if at <= self._now and plan.weekday in (None, at.weekday()):
                yield days

    def _hour(self, hour: int, days: int) -> datetime:
        return datetime.combine((self._now - timedelta(days=days)).date(), time(hour), UTC)

    def _tell_occasion(self, histories: dict[str, History], plan: PlanInUse, resource: Resource, days: int) -> None:
        trouble = resource.troubles.get(days, "COMPLETED")
        at = self._hour(plan.hour, days)
        history = histories[plan.vault.region]
        if trouble == NEVER_STARTED:
            return
        if trouble == CURED:
            history.jobs.append(self._job(plan, resource, at, "FAILED"))
            self._finish(histories, plan, resource, at + timedelta(hours=6), "COMPLETED", by_hand=True)
        elif trouble in ("COMPLETED", "PARTIAL"):
            self._finish(histories, plan, resource, at, trouble)
        else:
            history.jobs.append(self._job(plan, resource, at, trouble))

    def _finish(
        self,
        histories: dict[str, History],
        plan: PlanInUse,
        resource: Resource,
        at: datetime,
        state: str,
        by_hand: bool = False,
    ) -> None:
        if at > self._now:
            return
        history = histories[plan.vault.region]
        job = self._job(plan, resource, at, state, by_hand)
        history.jobs.append(job)
        if by_hand or at + timedelta(days=plan.keep_days) > self._now:
            history.points.append(self._point(plan, resource, job, plan.vault, by_hand))
        if plan.copy_to and not by_hand:
            self._copy(histories, plan, resource, job, plan.copy_to)

    def _job(self, plan: PlanInUse, resource: Resource, at: datetime, state: str, by_hand: bool = False) -> Document:
        random = Random(f"{resource.arn} {at} {state}")
        number = UUID(int=random.getrandbits(128), version=4)
        size = random.randrange(5, 80) * 1024**3
        done = state in ("COMPLETED", "PARTIAL")
        job: Document = {
            "AccountId": self._account,
            "BackupJobId": str(number),
            "BackupVaultName": plan.vault.name,
            "BackupVaultArn": plan.vault.arn,
            "ResourceArn": resource.arn,
            "ResourceType": resource.kind,
            "ResourceName": resource.name,
            "CreationDate": stamp(at),
            "CompletionDate": stamp(at + timedelta(minutes=random.randrange(4, 55))),
            "StartBy": stamp(at + timedelta(hours=1)),
            "State": state,
            "PercentDone": "100.0" if done else "0.0",
            "IamRoleArn": self._role,
            "IsParent": False,
            "MessageCategory": "SUCCESS" if state == "COMPLETED" else state,
        }
        if not by_hand:
            job["CreatedBy"] = plan.creator
        if done:
            job |= {"RecoveryPointArn": _point_arn(resource, self._account, number), "BackupSizeInBytes": size}
        return job | ({"StatusMessage": f"{_REASONS[state]} (simulated)"} if state in _REASONS else {})

    def _point(
        self, plan: PlanInUse, resource: Resource, job: Document, vault: Vault, by_hand: bool = False
    ) -> Document:
        made = datetime.fromisoformat(job["CreationDate"])
        point = {
            "RecoveryPointArn": job["RecoveryPointArn"],
            "BackupVaultName": vault.name,
            "BackupVaultArn": vault.arn,
            "ResourceArn": resource.arn,
            "ResourceType": resource.kind,
            "ResourceName": resource.name,
            "IamRoleArn": self._role,
            "Status": job["State"],
            "CreationDate": job["CreationDate"],
            "InitiationDate": job["CreationDate"],
            "CompletionDate": job["CompletionDate"],
            "BackupSizeInBytes": job["BackupSizeInBytes"],
            "IsEncrypted": resource.encrypted,
            "IsParent": False,
            "VaultType": "BACKUP_VAULT",
            "StorageClass": "WARM",
        }
        if resource.encrypted:
            point |= {"EncryptionKeyArn": vault.key_arn, "EncryptionKeyType": "CUSTOMER_MANAGED_KMS_KEY"}
        if by_hand:  # nobody thought of an expiry
            return point
        return point | {
            "CreatedBy": plan.creator,
            "Lifecycle": {"DeleteAfterDays": plan.keep_days},
            "CalculatedLifecycle": {"DeleteAt": stamp(made + timedelta(days=plan.keep_days))},
        }

    def _copy(
        self, histories: dict[str, History], plan: PlanInUse, resource: Resource, job: Document, to: Vault
    ) -> None:
        random = Random(f"copy of {job['BackupJobId']}")
        number = UUID(int=random.getrandbits(128), version=4)
        made = datetime.fromisoformat(job["CompletionDate"]) + timedelta(minutes=5)
        if made > self._now:
            return
        failed = (self._now.date() - made.date()).days in _FAILED_COPIES
        copy: Document = {
            "AccountId": self._account,
            "CopyJobId": str(number),
            "SourceBackupVaultArn": plan.vault.arn,
            "SourceRecoveryPointArn": job["RecoveryPointArn"],
            "DestinationBackupVaultArn": to.arn,
            "ResourceArn": resource.arn,
            "ResourceType": resource.kind,
            "ResourceName": resource.name,
            "CreationDate": stamp(made),
            "CompletionDate": stamp(made + timedelta(minutes=random.randrange(10, 90))),
            "State": "FAILED" if failed else "COMPLETED",
            "BackupSizeInBytes": job["BackupSizeInBytes"],
            "IamRoleArn": self._role,
            "CreatedBy": plan.creator,
            "CreatedByBackupJobId": job["BackupJobId"],
            "IsParent": False,
            "MessageCategory": "FAILED" if failed else "SUCCESS",
        }
        if failed:
            copy["StatusMessage"] = "The destination vault could not be reached (simulated)"
        else:
            copy["DestinationRecoveryPointArn"] = _point_arn(resource, self._account, number, to.region)
            self._arrive(histories, plan, resource, copy, to)
        histories[plan.vault.region].copies.append(copy)

    def _arrive(
        self, histories: dict[str, History], plan: PlanInUse, resource: Resource, copy: Document, to: Vault
    ) -> None:
        if datetime.fromisoformat(copy["CreationDate"]) + timedelta(days=plan.keep_days) <= self._now:
            return
        arrived = copy | {"RecoveryPointArn": copy["DestinationRecoveryPointArn"]}
        point = self._point(plan, resource, arrived, to) | {"SourceBackupVaultArn": plan.vault.arn}
        histories[to.region].points.append(point)


def _point_arn(resource: Resource, account: str, number: UUID, region: str | None = None) -> str:
    where = region or resource.region
    if resource.kind == "EBS":
        return f"arn:aws:ec2:{where}::snapshot/snap-{number.hex[:17]}"
    return f"arn:aws:rds:{where}:{account}:snapshot:awsbackup:job-{number}"
