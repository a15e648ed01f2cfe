"""Examples of what databases, backups, capacity and processing runs look like (EV-BKP-03 to 05, EV-AVL, EV-DAT-10)."""

from __future__ import annotations

from typing import Any

from answers import ACCOUNT, REGION, Body, Told, listed
from exampling import Records, derived, example, place, without

from evidence_schema.models.transcript import Record

RECENT, LATE = "2026-11-01T05:35:00Z", "2026-11-01T05:29:59Z"
CLUSTERS = ("aws.rds.clusters", "aws.neptune.clusters", "aws.docdb.clusters")


def given(item: Body, fields: Body) -> Body:
    """The item with these fields instead; None: AWS left it out."""
    return {name: value for name, value in (item | fields).items() if value is not None}


def instance(name: str = "patients", **fields: Any) -> Record:
    item = {
        "DBInstanceIdentifier": name, "DBInstanceArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{name}",
        "DBInstanceStatus": "available", "BackupRetentionPeriod": 7, "LatestRestorableTime": RECENT,
        "CopyTagsToSnapshot": True, "MultiAZ": True, "DeletionProtection": True, "MonitoringInterval": 60,
    }  # fmt: skip
    return listed("aws.rds.instances", given(item, fields))[0]


def cluster(kind: str = "aws.rds.clusters", name: str = "clinic", **fields: Any) -> Record:
    item = {
        "DBClusterIdentifier": name, "DBClusterArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{name}",
        "Status": "available", "BackupRetentionPeriod": 7, "LatestRestorableTime": RECENT,
        "CopyTagsToSnapshot": True, "MultiAZ": True, "DeletionProtection": True,
    }  # fmt: skip
    return listed(kind, given(item, fields))[0]


def databases(**fields: Any) -> Records:
    """A database of each kind with these fields."""
    return (instance(**fields), *(cluster(kind, **fields) for kind in CLUSTERS))


# --- native backups

for record in databases():
    example("EV-BKP-05-C1", "pass", record)
for fields, why in (
    ({"BackupRetentionPeriod": 6}, "kept too short"),
    ({"LatestRestorableTime": LATE}, "behind"),
    ({"LatestRestorableTime": None}, "nothing to restore from"),
):
    for record in databases(**fields):
        example("EV-BKP-05-C1", "fail", record, why)
for record, why in (
    (instance(DBClusterIdentifier="clinic", BackupRetentionPeriod=1), "the cluster is judged"),
    (instance(ReadReplicaSourceDBInstanceIdentifier="x", BackupRetentionPeriod=0), "a replica"),
    (instance(ReadReplicaSourceDBClusterIdentifier="x", BackupRetentionPeriod=0), "a replica of a cluster"),
    (instance(DBInstanceStatus="stopped", LatestRestorableTime=LATE), "stopped"),
    (cluster(Status="stopped", LatestRestorableTime=LATE), "a stopped cluster"),
    (cluster(ReplicationSourceIdentifier="x", BackupRetentionPeriod=1), "a replica cluster"),
):
    example("EV-BKP-05-C1", "not_applicable", record, why)
example("EV-BKP-05-C1", "lacks_field", without(instance(), "BackupRetentionPeriod"))


def table(name: str = "visits", *, recovery: str | None = "ENABLED", **fields: Any) -> Record:
    told = Told("aws.dynamodb.tables").list(name)
    item = {
        "TableName": name, "TableArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}", "TableStatus": "ACTIVE",
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    }  # fmt: skip
    told.each("table", {"Table": given(item, fields)}, name)
    backups: Body = {"ContinuousBackupsStatus": "ENABLED"}
    if recovery:
        backups["PointInTimeRecoveryDescription"] = {"PointInTimeRecoveryStatus": recovery}
    told.each("continuous_backups", {"ContinuousBackupsDescription": backups}, name)
    return told.records()[0]


example("EV-BKP-05-C2", "pass", table())
example("EV-BKP-05-C2", "fail", table(recovery="DISABLED"))
example("EV-BKP-05-C2", "fail", table(recovery=None), "nothing is said of it")
example("EV-BKP-05-C2", "lacks_field", without(table(), "continuous_backups"))


def cache(**fields: Any) -> Record:
    return listed("aws.elasticache.replication_groups", {"ReplicationGroupId": "sessions", **fields})[0]


def warehouse(**fields: Any) -> Record:
    return listed("aws.redshift.clusters", {"ClusterIdentifier": "reports", **fields})[0]


example("EV-BKP-05-C3", "pass", cache(SnapshotRetentionLimit=1))
example("EV-BKP-05-C3", "pass", warehouse(AutomatedSnapshotRetentionPeriod=1))
example("EV-BKP-05-C3", "fail", cache(SnapshotRetentionLimit=0))
example("EV-BKP-05-C3", "fail", cache(), "never set")
example("EV-BKP-05-C3", "fail", warehouse(AutomatedSnapshotRetentionPeriod=0))

for record in databases():
    example("EV-BKP-05-C4", "pass", record)
for record in databases(CopyTagsToSnapshot=False):
    example("EV-BKP-05-C4", "fail", record)
example("EV-BKP-05-C4", "fail", instance(CopyTagsToSnapshot=None), "never set")
example("EV-BKP-05-C4", "not_applicable", instance(DBClusterIdentifier="clinic"), "the cluster has the snapshots")

# --- what AWS Backup protects

VOLUME = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1"
FILES = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1"
SHARE = f"arn:aws:fsx:{REGION}:{ACCOUNT}:file-system/fs-2"
BUCKET = "arn:aws:s3:::scans"
TYPES = ("EBS", "RDS", "Aurora", "DynamoDB", "EFS", "FSx", "S3")
HOURS_24, OLDER = "2026-10-31T06:00:00Z", "2026-10-31T05:59:59Z"


def volume(id_: str = "vol-1") -> Record:
    return listed("aws.ec2.volumes", {"VolumeId": id_, "Encrypted": True})[0]


def elastic_files() -> Record:
    return listed("aws.efs.file_systems", {"FileSystemId": "fs-1", "FileSystemArn": FILES})[0]


def share() -> Record:
    return listed("aws.fsx.file_systems", {"FileSystemId": "fs-2", "ResourceARN": SHARE})[0]


def bucket() -> Record:
    return listed("aws.s3.buckets", {"Name": "scans"})[0]


RESOURCES = (volume(), *databases(), table(), elastic_files(), share(), bucket())
ARNS = (
    VOLUME, instance().fields["DBInstanceArn"], *(cluster(kind).fields["DBClusterArn"] for kind in CLUSTERS),
    table().fields["table"]["TableArn"], FILES, SHARE, BUCKET,
)  # fmt: skip


def protected(
    *arns: str, at: str | None = HOURS_24, status: str = "COMPLETED", type_: str = "EBS", restored: str | None = None
) -> Records:
    told = Told("aws.backup.protected_resources")
    items = [given({"ResourceArn": arn, "ResourceType": type_}, {"LastBackupTime": at}) for arn in arns]
    told.list(*items)
    for arn in arns:
        told.each("detail", given({"ResourceArn": arn}, {"LatestRestoreJobCreationDate": restored}), arn)
        points = [{"RecoveryPointArn": f"{arn}-point", "Status": status}] if status else []
        told.each("recovery_points", {"items": points}, arn)
    return told.records()


def opted(**types: bool) -> Records:
    return listed("aws.backup.region_settings", {"ResourceTypeOptInPreference": dict.fromkeys(TYPES, True) | types})


CLASSES = {"patients": "phi", "clinic": "phi", "vol-1": "internal"}
KNOWN = {
    "rpo_by_class": {"phi": 24, "internal": 48},
    "data_classification": {"resources": CLASSES, "ephi_classes": ["phi"], "critical_classes": ["phi"]},
}
for record, arn in zip(RESOURCES, ARNS, strict=True):
    lists = {"protected": protected(arn), "settings": opted()}
    example("EV-BKP-03-C1", "pass", record, lists=lists, facts=KNOWN)
    example("EV-BKP-03-C1", "fail", record, "another's backup", lists=lists | {"protected": protected(arn + "0")})
for rows, why in (
    ({"protected": protected(FILES, at=OLDER)}, "too old for every class, and it has none"),
    ({"protected": protected(FILES, at=None)}, "no time of a backup"),
    ({"protected": protected(FILES, status="")}, "no recovery point"),
    ({"protected": protected(FILES, status="EXPIRED")}, "none that lives"),
    ({"settings": opted(EBS=False)}, "opted out"),
    ({"protected": protected(FILES, type_="Timestream")}, "a type that the settings do not name"),
):
    lists = {"protected": protected(FILES), "settings": opted()} | rows
    example("EV-BKP-03-C1", "fail", elastic_files(), why, lists=lists, facts=KNOWN)
lists = {"protected": protected(VOLUME, at=OLDER), "settings": opted()}
example("EV-BKP-03-C1", "pass", volume(), "its class asks for less", lists=lists, facts=KNOWN)
example(
    "EV-BKP-03-C1", "not_applicable", instance(DBClusterIdentifier="clinic"), "backed up with its cluster",
    lists=lists, facts=KNOWN,
)  # fmt: skip
example(
    "EV-BKP-03-C1", "lacks_field", volume(), "ResourceType", facts=KNOWN,
    lists=lists | {"protected": tuple(without(item, "ResourceType") for item in lists["protected"])},
)  # fmt: skip

INVENTORY = {
    "volumes": (volume(),), "instances": (instance(),), "clusters": (cluster(),),
    "graphs": (cluster(CLUSTERS[1], "graph"),), "documents": (cluster(CLUSTERS[2], "letters"),), "tables": (table(),),
    "elastic_files": (elastic_files(),), "files": (share(),), "buckets": (bucket(),),
}  # fmt: skip
BARE = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:"
COVERED = (*dict.fromkeys(arn for arn in ARNS if arn != VOLUME), f"{BARE}graph", f"{BARE}letters")
NOTHING: dict[str, Records] = dict.fromkeys(INVENTORY, ())


def covering(*arns: str, **rows: Records) -> dict[str, Records]:
    return INVENTORY | {"protected": protected(*arns)} | rows


example(
    "EV-BKP-03-C2", "pass", place(), "a volume of another class is not counted", lists=covering(*COVERED), facts=KNOWN
)
for number, arn in enumerate(COVERED):
    some = COVERED[:number] + COVERED[number + 1 :]
    example("EV-BKP-03-C2", "fail", place(), f"not {arn}", lists=covering(*some), facts=KNOWN)
example(
    "EV-BKP-03-C2", "pass", place(), "a member of a cluster is not counted", facts=KNOWN,
    lists=covering(*COVERED, instances=(instance(), instance("member", DBClusterIdentifier="clinic"))),
)  # fmt: skip
example(
    "EV-BKP-03-C2", "fail", place(), "no recovery point", facts=KNOWN,
    lists=covering(protected=protected(*COVERED, status="")),
)  # fmt: skip
example(
    "EV-BKP-03-C2", "cannot_tell", place(), "nothing is in scope", facts=KNOWN,
    lists=covering(**NOTHING | {"volumes": (volume(),)}),
)  # fmt: skip
example(
    "EV-BKP-03-C2", "lacks_field", place(), "no list of recovery points", facts=KNOWN,
    lists=covering(protected=tuple(without(item, "recovery_points") for item in protected(*COVERED))),
)  # fmt: skip


# --- restores


def restore(id_: str = "restore-1", **fields: Any) -> Record:
    item = {
        "RestoreJobId": id_, "Status": "COMPLETED", "SourceResourceArn": VOLUME, "ResourceType": "EBS",
        "CreationDate": "2026-10-20T01:00:00Z", "CompletionDate": "2026-10-20T05:00:00Z",
        "ValidationStatus": "SUCCESSFUL", "ValidationStatusMessage": "row counts agree", "DeletionStatus": "SUCCESSFUL",
        "CreatedBy": {"RestoreTestingPlanArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:restore-testing-plan:quarterly"},
        "CreatedResourceArn": f"{VOLUME}-restored",
    }  # fmt: skip
    told = Told("aws.backup.restore_jobs").list(given(item, fields))
    told.each("detail", {"RestoreJobId": id_}, id_)
    told.each("metadata", {"RestoreJobId": id_, "Metadata": {"encrypted": "true"}}, id_)
    return told.records()[0]


BY_ARN = {"resources": {VOLUME: "phi"}, "critical_classes": ["phi"]}
CRITICAL = {"data_classification": BY_ARN}
NO_RESTORE = {"jobs": (), "protected": protected(VOLUME)}
example("EV-BKP-04-C1", "pass", place(), lists=NO_RESTORE | {"jobs": (restore(),)}, facts=CRITICAL)
for fields, why in (
    ({"Status": "FAILED"}, "it failed"),
    ({"SourceResourceArn": None}, "of what is not said"),
    ({"SourceResourceArn": BUCKET}, "without a class"),
    ({"CompletionDate": "2026-07-31T05:59:59Z"}, "too long ago"),
):
    example("EV-BKP-04-C1", "fail", place(), why, lists=NO_RESTORE | {"jobs": (restore(**fields),)}, facts=CRITICAL)
example("EV-BKP-04-C1", "fail", place(), "none at all", lists=NO_RESTORE, facts=CRITICAL)
example(
    "EV-BKP-04-C1", "fail", place(), "none of one class", lists=NO_RESTORE | {"jobs": (restore(),)},
    facts={"data_classification": BY_ARN | {"critical_classes": ["phi", "billing"]}},
)  # fmt: skip
for restored, case in (("2026-08-02T00:00:00Z", "cannot_tell"), ("2026-07-01T00:00:00Z", "fail")):
    example(
        "EV-BKP-04-C1", case, place(), f"started at {restored}, no longer listed",  # type: ignore[arg-type]
        lists=NO_RESTORE | {"protected": protected(VOLUME, restored=restored)}, facts=CRITICAL,
    )  # fmt: skip
example(
    "EV-BKP-04-C1", "lacks_field", place(), lists=NO_RESTORE | {"jobs": (without(restore(), "Status"),)}, facts=CRITICAL
)

FOUR_HOURS, THREE_HOURS = {"restore_hours": 4}, {"restore_hours": 3}
example("EV-BKP-04-C2", "pass", restore(), facts=FOUR_HOURS)
example("EV-BKP-04-C2", "fail", restore(), facts=THREE_HOURS)
example("EV-BKP-04-C2", "not_applicable", restore(Status="FAILED"), facts=THREE_HOURS)
example("EV-BKP-04-C2", "lacks_field", restore(CompletionDate=None), facts=FOUR_HOURS)

NONE_COMPARED = {"restore_comparison": {"jobs": []}}
COMPARED = {"restore_comparison": {"jobs": ["restore-1"]}}
UNCHECKED = {"ValidationStatus": None, "ValidationStatusMessage": None}
example("EV-BKP-04-C3", "pass", restore(), facts=NONE_COMPARED)
example("EV-BKP-04-C3", "pass", restore(**UNCHECKED), "compared by a person", facts=COMPARED, excused=True)
example("EV-BKP-04-C3", "fail", restore(**UNCHECKED), facts=NONE_COMPARED)
example("EV-BKP-04-C3", "fail", restore(ValidationStatusMessage=None), "says nothing", facts=NONE_COMPARED)
example("EV-BKP-04-C3", "fail", restore(ValidationStatusMessage=""), "says nothing", facts=NONE_COMPARED)
for status in ("FAILED", "TIMED_OUT"):
    example("EV-BKP-04-C3", "fail", restore(ValidationStatus=status), status, facts=COMPARED)
example("EV-BKP-04-C3", "not_applicable", restore(Status="RUNNING", **UNCHECKED), facts=NONE_COMPARED)
example("EV-BKP-04-C3", "lacks_field", without(restore(), "Status"), facts=NONE_COMPARED)

THERE = {
    "instances": (instance(),), "clusters": (cluster(),), "volumes": (volume(),), "tables": (table(),),
    "files": (elastic_files(),),
}  # fmt: skip
BY_HAND = {"CreatedBy": None, "DeletionStatus": None}
example("EV-BKP-04-C4", "pass", restore(), lists=THERE)
example("EV-BKP-04-C4", "pass", restore(**BY_HAND), "what it created is gone", lists=THERE)
example("EV-BKP-04-C4", "fail", restore(DeletionStatus="FAILED"), lists=THERE)
example("EV-BKP-04-C4", "fail", restore(DeletionStatus=None), "never deleted", lists=THERE)
example("EV-BKP-04-C4", "fail", restore(DeletionStatus="DELETING"), "for longer than a week", lists=THERE)
for arn, type_ in (
    (VOLUME, "EBS"), (ARNS[1], "RDS"), (ARNS[2], "Aurora"), (table().fields["table"]["TableArn"], "DynamoDB"),
    (FILES, "EFS"),
):  # fmt: skip
    kept = restore(**BY_HAND, CreatedResourceArn=arn, ResourceType=type_)
    example("EV-BKP-04-C4", "fail", kept, f"{type_} still exists", lists=THERE)
for fields, why in (
    ({"DeletionStatus": None}, "in its validation window"),
    ({"DeletionStatus": "DELETING"}, "being deleted"),
    ({**BY_HAND, "ResourceType": "S3"}, "no inventory of this type is compared"),
):
    example(
        "EV-BKP-04-C4", "cannot_tell", restore(**{"CompletionDate": "2026-10-30T01:00:00Z", **fields}), why, lists=THERE
    )
example("EV-BKP-04-C4", "not_applicable", restore(Status="FAILED"), lists=THERE)
example("EV-BKP-04-C4", "not_applicable", restore(CreatedResourceArn=None), "created nothing", lists=THERE)
example("EV-BKP-04-C4", "lacks_field", without(restore(), "Status"), lists=THERE)


# --- redundancy

INTERNAL = {"patients": "internal", "clinic": "internal", "web": "internal", "i-1": "internal"}
NO_CLASS = {"data_classification": {"resources": {}, "critical_classes": ["phi"]}}
NOT_CRITICAL = {"data_classification": {"resources": INTERNAL, "critical_classes": ["phi"]}}
MEMBER = "a member of a cluster"
for record in databases():
    example("EV-AVL-01-C1", "pass", record, facts=NO_CLASS)
for record in databases(MultiAZ=False):
    example("EV-AVL-01-C1", "fail", record, "without a class it counts as critical", facts=NO_CLASS)
    example("EV-AVL-01-C1", "pass", record, "of a class that is not critical", facts=NOT_CRITICAL, excused=True)
    example("EV-AVL-01-C1", "fail", record, "critical", facts={
        "data_classification": {"resources": INTERNAL, "critical_classes": ["internal"]},
    })  # fmt: skip
example("EV-AVL-01-C1", "fail", cluster(MultiAZ=None), "nothing is said of it", facts=NO_CLASS)
example("EV-AVL-01-C1", "not_applicable", instance(DBClusterIdentifier="c", MultiAZ=False), MEMBER, facts=NO_CLASS)


def group(**fields: Any) -> Record:
    item = {
        "AutoScalingGroupName": "web", "AvailabilityZones": [f"{REGION}a", f"{REGION}b"], "HealthCheckType": "ELB",
        "TargetGroupARNs": ["arn:of:targets"], "LoadBalancerNames": [],
    }  # fmt: skip
    return listed("aws.autoscaling.groups", given(item, fields))[0]


ALONE = {"TargetGroupARNs": [], "HealthCheckType": "EC2"}
example("EV-AVL-01-C2", "pass", group())
example("EV-AVL-01-C2", "pass", group(**ALONE), "behind no balancer")
example("EV-AVL-01-C2", "pass", group(TargetGroupARNs=None, LoadBalancerNames=None, HealthCheckType="EC2"))
example("EV-AVL-01-C2", "fail", group(AvailabilityZones=[f"{REGION}a"]), "one zone")
example("EV-AVL-01-C2", "fail", group(HealthCheckType="EC2"), "the balancer's health checks are not used")
example("EV-AVL-01-C2", "fail", group(**ALONE | {"LoadBalancerNames": ["old"]}), "behind a classic one")
example("EV-AVL-01-C2", "lacks_field", without(group(), "HealthCheckType"))


def balancer(protected: str | None = "true", name: str = "web") -> Record:
    attributes = [{"Key": "access_logs.s3.enabled", "Value": "true"}]
    if protected:
        attributes.append({"Key": "deletion_protection.enabled", "Value": protected})
    told = Told("aws.elbv2.load_balancers").list({"LoadBalancerArn": name, "LoadBalancerName": name})
    told.each("attributes", {"Attributes": attributes}, name)
    return told.records()[0]


for record in (*databases(), balancer()):
    example("EV-AVL-01-C3", "pass", record, facts=NO_CLASS)
for record in (*databases(DeletionProtection=False), balancer("false"), balancer(None)):
    example("EV-AVL-01-C3", "fail", record, "without a class it counts as critical", facts=NO_CLASS)
    example("EV-AVL-01-C3", "pass", record, "of a class that is not critical", facts=NOT_CRITICAL, excused=True)
example("EV-AVL-01-C3", "fail", instance(DeletionProtection=None), "never set", facts=NO_CLASS)
example("EV-AVL-01-C3", "not_applicable", instance(DBClusterIdentifier="c"), MEMBER, facts=NO_CLASS)

NO_PLAN: Body = {"capacity_plan": {"resources": []}}
READING, WRITING = "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits"
SERVICE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/main/web"


def service() -> Record:
    told = Told("aws.ecs.services").list(SERVICE, source="main")
    told.each("described", {"services": [{"serviceArn": SERVICE}]}, "main", SERVICE)
    return told.records()[0]


def scaling(resource: str, *dimensions: str, **fields: Any) -> Records:
    item = {"ServiceNamespace": resource.partition("/")[0], "ResourceId": resource, "MinCapacity": 1, "MaxCapacity": 9}
    told = Told("aws.application_autoscaling.scalable_targets")
    targets = [given(item, {"ScalableDimension": dimension, **fields}) for dimension in dimensions]
    told.call("DescribeScalableTargets", "list", {"ScalableTargets": targets}, "dynamodb")
    return told.records()


PROVISIONED = {"BillingModeSummary": None}
BOTH = scaling("table/visits", READING, WRITING)
COUNTED = scaling("service/main/web", "ecs:service:DesiredCount")
derived("aws.application_autoscaling.scalable_targets", scaling("table/visits", READING, SuspendedState={}))
example("EV-AVL-01-C4", "pass", table(), "paid by request", lists={"targets": BOTH}, facts=NO_PLAN)
example("EV-AVL-01-C4", "pass", table(**PROVISIONED), lists={"targets": BOTH}, facts=NO_PLAN)
example("EV-AVL-01-C4", "pass", service(), lists={"targets": COUNTED}, facts=NO_PLAN)
STILL_SCALES = scaling("table/visits", READING, WRITING, SuspendedState={"DynamicScalingInSuspended": True})
example("EV-AVL-01-C4", "pass", table(**PROVISIONED), "only shrinking", lists={"targets": STILL_SCALES}, facts=NO_PLAN)
example(
    "EV-AVL-01-C4", "pass", table(**PROVISIONED), "planned", lists={"targets": ()},
    facts={"capacity_plan": {"resources": ["visits"]}}, excused=True,
)  # fmt: skip
for rows, why in (
    ((), "nothing scales"),
    (scaling("table/visits", READING), "for reading only"),
    (scaling("table/other", READING, WRITING), "another table"),
    (scaling("table/visits", READING, WRITING, MaxCapacity=1), "no room"),
    (scaling("table/visits", READING, WRITING, SuspendedState={"DynamicScalingOutSuspended": True}), "suspended"),
):
    example("EV-AVL-01-C4", "fail", table(**PROVISIONED), why, lists={"targets": rows}, facts=NO_PLAN)
example("EV-AVL-01-C4", "fail", service(), "of another cluster", facts=NO_PLAN, lists={
    "targets": scaling("service/other/web", "ecs:service:DesiredCount"),
})  # fmt: skip
example(
    "EV-AVL-01-C4", "lacks_field", table(**PROVISIONED), facts=NO_PLAN,
    lists={"targets": tuple(without(item, "MaxCapacity") for item in BOTH)},
)  # fmt: skip


# --- capacity and performance


def metric(name: str, *values: str, namespace: str = "AWS/EC2", status: str = "Complete", **dimensions: str) -> Records:
    """As it is asked for and answered: the questions stand in the call."""
    told = Told("aws.cloudwatch.metric_statistics")
    answer = {"MetricDataResults": [{"Id": "m0", "Values": list(values), "StatusCode": status}]}
    told.call("GetMetricData", "data", answer, "0")
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    stat = {"Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": named}, "Period": 86400, "Stat": "x"}
    told.calls[-1] = told.calls[-1].model_copy(
        update={"parameters": {"MetricDataQueries": [{"Id": "m0", "MetricStat": stat}]}}
    )
    return told.records()


def busy(*values: str) -> Record:
    return metric("CPUUtilization", *values, InstanceId="i-1")[0]


derived("aws.cloudwatch.metric_statistics", metric("CPUUtilization", "1.0", InstanceId="i-1"))
example("EV-AVL-02-C1", "pass", busy("79.99", "10.0"), facts=NO_PLAN)
example("EV-AVL-02-C1", "pass", busy("95.0"), "planned", facts={"capacity_plan": {"resources": ["i-1"]}}, excused=True)
example("EV-AVL-02-C1", "fail", busy("10.0", "80.0"), facts=NO_PLAN)
example("EV-AVL-02-C1", "not_applicable", busy(), "no value in the period", facts=NO_PLAN)
example("EV-AVL-02-C1", "not_applicable", metric("Other", "99.0", InstanceId="i-1")[0], facts=NO_PLAN)
example("EV-AVL-02-C1", "lacks_field", without(busy("1.0"), "Highest"), facts=NO_PLAN)


def checks_failed(*values: str) -> Record:
    return metric("StatusCheckFailed", *values, InstanceId="i-1")[0]


PROMISED = {"min_availability_percent": "99.9", "finding_tickets": {"tickets": []}}
EXPLAINED = PROMISED | {"finding_tickets": {"tickets": [checks_failed().id]}}
example("EV-AVL-02-C2", "pass", checks_failed("0.0", "0.001"), facts=PROMISED)
example("EV-AVL-02-C2", "pass", checks_failed("1.0"), "an incident", facts=EXPLAINED, excused=True)
example("EV-AVL-02-C2", "fail", checks_failed("0.0", "0.003"), facts=PROMISED)
example("EV-AVL-02-C2", "not_applicable", checks_failed(), "no value in the period", facts=PROMISED)
example("EV-AVL-02-C2", "not_applicable", busy("99.0"), facts=PROMISED)
example("EV-AVL-02-C2", "lacks_field", without(checks_failed("0.0"), "Mean"), facts=PROMISED)


def machine(monitoring: str | None = "enabled", state: str = "running") -> Record:
    watched = {"Monitoring": {"State": monitoring}} if monitoring else {}
    told = Told("aws.ec2.instances").list({"InstanceId": "i-1", "State": {"Name": state}, **watched})
    told.each("user_data", {"InstanceId": "i-1", "UserData": {}}, "i-1")
    return told.records()[0]


example("EV-AVL-02-C3", "pass", instance(), facts=NO_CLASS)
example("EV-AVL-02-C3", "pass", machine(), facts=NO_CLASS)
for record in (instance(MonitoringInterval=0), instance(MonitoringInterval=None), machine("disabled"), machine(None)):
    example("EV-AVL-02-C3", "fail", record, "without a class it counts as critical", facts=NO_CLASS)
    example("EV-AVL-02-C3", "pass", record, "of a class that is not critical", facts=NOT_CRITICAL, excused=True)
example("EV-AVL-02-C3", "not_applicable", machine("disabled", "terminated"), facts=NO_CLASS)


def quota(**fields: Any) -> Record:
    usage = {
        "MetricNamespace": "AWS/Usage", "MetricName": "ResourceCount",
        "MetricDimensions": {"Service": "EC2", "Type": "Resource", "Resource": "vCPU", "Class": "Standard/OnDemand"},
    }  # fmt: skip
    item = {"QuotaArn": "quota-1", "QuotaCode": "L-1", "Value": "100.0", "UsageMetric": usage}
    return listed_from("aws.service_quotas.quotas", "ec2", given(item, fields))


def listed_from(kind: str, source: str, item: Body) -> Record:
    return Told(kind).list(item, source=source).records()[0]


def used(*values: str, kind: str = "vCPU", name: str = "ResourceCount", namespace: str = "AWS/Usage") -> Body:
    dimensions = {"Class": "Standard/OnDemand", "Resource": kind, "Service": "EC2", "Type": "Resource"}
    return {"counted": (*metric(name, *values, namespace=namespace, **dimensions), busy("99.0"))}


example("EV-AVL-02-C4", "pass", quota(), lists=used("80.0"))
example("EV-AVL-02-C4", "fail", quota(), lists=used("10.0", "80.01"))
for rows, why in (
    (used(), "no value in the period"),
    (used("99.0", kind="Other"), "of something else"),
    (used("99.0", name="CallCount"), "another metric"),
    (used("99.0", namespace="Other"), "another namespace"),
):
    example("EV-AVL-02-C4", "not_applicable", quota(), why, lists=rows)
example("EV-AVL-02-C4", "not_applicable", quota(UsageMetric=None), "nothing counts it", lists=used("99.0"))
example("EV-AVL-02-C4", "lacks_field", without(quota(), "Value"), lists=used("80.0"))


# --- processing runs

MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:load-visits"
EXECUTION, JOB = f"{MACHINE}:1".replace("stateMachine", "execution"), f"arn:aws:batch:{REGION}:{ACCOUNT}:job/1"
STARTED, STOPPED = "2026-10-20T01:05:00Z", "2026-10-20T02:00:00Z"
RUN = {
    "job": "load-visits", "start": "2026-10-20T01:00:00Z", "due": "2026-10-20T04:00:00Z", "records_in": 100,
    "records_out": 97, "rejected": 3, "delivered": "2026-10-20T03:00:00Z", "recipients": ["clinic"],
}  # fmt: skip


def execution(**fields: Any) -> Record:
    item = {
        "executionArn": EXECUTION, "stateMachineArn": MACHINE, "name": "1", "status": "SUCCEEDED",
        "startDate": STARTED, "stopDate": STOPPED,
    }  # fmt: skip
    return listed_from("aws.stepfunctions.executions", MACHINE, given(item, fields))


def glue_run(**fields: Any) -> Record:
    item = {
        "Id": "jr_1", "JobName": "load-visits", "JobRunState": "SUCCEEDED",
        "StartedOn": STARTED, "CompletedOn": STOPPED,
    }  # fmt: skip
    return listed_from("aws.glue.job_runs", "load-visits", given(item, fields))


def batch_job(**fields: Any) -> Record:
    """Its times are milliseconds since 1970: the same as those of the others."""
    item = {
        "jobArn": JOB, "jobId": "1", "jobName": "load-visits", "status": "SUCCEEDED",
        "createdAt": 1792458300000, "startedAt": 1792458300000, "stoppedAt": 1792461600000,
    }  # fmt: skip
    return listed_from("aws.batch.jobs", "queue", given(item, fields))


def runs(*records: Record) -> dict[str, Records]:
    lists = {"executions": "aws.stepfunctions.executions", "glue_runs": "aws.glue.job_runs"}
    kinds = lists | {"batch_jobs": "aws.batch.jobs"}
    return {name: tuple(item for item in records if item.kind == kind) for name, kind in kinds.items()}


def schedule(*rows: Body, **fields: Any) -> Body:
    return {
        "processing_schedule": {"runs": [*rows, RUN | fields]}, "approved_recipients": {"recipients": ["clinic"]}
    }  # fmt: skip


OTHERS = (
    execution(stateMachineArn=f"{MACHINE}-2"), glue_run(JobName="other", Id="jr_2"), batch_job(jobName="other")
)  # fmt: skip
for id_ in ("EV-DAT-10-C1", "EV-DAT-10-C3"):
    for record in (execution(), glue_run(), batch_job()):
        example(id_, "pass", place(), record.kind, lists=runs(*OTHERS, record), facts=schedule())
    for record, why in (
        (execution(status="FAILED"), "it failed"),
        (glue_run(JobRunState="TIMEOUT"), "a Glue job that failed"),
        (batch_job(status="FAILED"), "a batch job that failed"),
        (execution(stopDate="2026-10-20T04:00:01Z"), "too late"),
        (glue_run(CompletedOn="2026-10-20T04:00:01Z"), "a Glue job too late"),
        (batch_job(stoppedAt=1792468801000), "a batch job too late"),
        (execution(startDate="2026-10-20T00:59:59Z"), "the run before"),
        (batch_job(createdAt=1792457999000), "the batch job before"),
    ):
        example(id_, "fail", place(), why, lists=runs(*OTHERS, record), facts=schedule())
    example(id_, "pass", place(), "run again", lists=runs(execution(status="FAILED"), execution()), facts=schedule())
    example(id_, "fail", place(), "never started", lists=runs(*OTHERS), facts=schedule())
    example(
        id_, "fail", place(), "one of two", lists=runs(*OTHERS, execution()), facts=schedule(RUN | {"job": "nightly"})
    )
    example(
        id_, "cannot_tell", place(), "an empty schedule", lists=runs(*OTHERS, execution()),
        facts=schedule() | {"processing_schedule": {"runs": []}},
    )  # fmt: skip
    example(id_, "lacks_field", place(), lists=runs(without(execution(), "status")), facts=schedule())
example("EV-DAT-10-C1", "fail", place(), "records got lost", lists=runs(execution()), facts=schedule(records_out=96))
for fields, why in (
    ({"recipients": ["clinic", "stranger"]}, "to somebody who is not approved"),
    ({"delivered": "2026-10-20T04:00:01Z"}, "delivered late"),
    ({"delivered": "2026-10-20T01:30:00Z"}, "delivered before it was made"),
):
    example("EV-DAT-10-C3", "fail", place(), why, lists=runs(execution()), facts=schedule(**fields))


def queue(name: str = "letters", waiting: int = 0, taken: int = 0, **attributes: str) -> Record:
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    found = {
        "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "ApproximateNumberOfMessages": str(waiting),
        "ApproximateNumberOfMessagesNotVisible": str(taken),
    }  # fmt: skip
    return Told("aws.sqs.queues").list(url).each("attributes", {"Attributes": found | attributes}, url).records()[0]


def dead(target: str) -> dict[str, Records]:
    policy = f'{{"deadLetterTargetArn":"arn:aws:sqs:{REGION}:{ACCOUNT}:{target}","maxReceiveCount":3}}'
    return {"queues": (queue(), queue("orders", RedrivePolicy=policy))}


DEAD = dead("letters")
SAID: dict[str, Records] = {"queues": ()}
example("EV-DAT-10-C2", "pass", queue(), lists=DEAD, facts={"finding_tickets": {"tickets": []}})
example(
    "EV-DAT-10-C2", "pass", queue(waiting=1), "a ticket", lists=DEAD, excused=True,
    facts={"finding_tickets": {"tickets": [queue().id]}},
)  # fmt: skip
for lists in (DEAD, SAID):
    says = {"RedriveAllowPolicy": "{}"} if lists is SAID else {}
    for item in (queue(waiting=1, **says), queue(taken=1, **says)):
        example("EV-DAT-10-C2", "fail", item, lists=lists, facts={"finding_tickets": {"tickets": []}})
for target in ("other", "letters-2"):
    example("EV-DAT-10-C2", "not_applicable", queue(waiting=1), lists=dead(target), facts=EXPLAINED)
example("EV-DAT-10-C2", "lacks_field", without(queue(), "attributes"), lists=DEAD, facts=EXPLAINED)
