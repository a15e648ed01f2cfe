"""Disks and databases of the emulated account, encrypted and not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.demo.filling import HOME_REGION, SECOND_REGION, Filler, ec2_tags, tag_list


@dataclass(frozen=True)
class Database:
    """An instance or a cluster of the pattern."""

    name: str
    engine: str
    encrypted: bool
    own_key: bool = False
    data: str = "internal"


INSTANCES = {
    HOME_REGION: (
        Database("sim-patients", "postgres", encrypted=True, own_key=True, data="phi"),
        Database("sim-old-reports", "mysql", encrypted=False, data="personal"),
    ),
    SECOND_REGION: (
        Database("sim-billing", "postgres", encrypted=True, data="personal"),
        Database("sim-webshop", "mysql", encrypted=False),
    ),
}
CLUSTERS = {
    HOME_REGION: (
        Database("sim-clinic-cluster", "aurora-postgresql", encrypted=True, own_key=True, data="phi"),
        Database("sim-relations-graph", "neptune", encrypted=True, own_key=True),
        Database("sim-letters-documents", "docdb", encrypted=True, own_key=True, data="personal"),
    ),
    SECOND_REGION: (
        Database("sim-test-cluster", "aurora-mysql", encrypted=False),
        Database("sim-trial-graph", "neptune", encrypted=False),
        Database("sim-trial-documents", "docdb", encrypted=False),
    ),
}
# moto has no defaults for DocumentDB.
_DOCDB_SETTINGS = {"EngineVersion": "5.0.0", "Port": 27017, "AllocatedStorage": 1, "StorageType": "standard"}


@dataclass(frozen=True)
class Disk:
    """A volume of the pattern, with a snapshot of it."""

    name: str
    size: int
    encrypted: bool
    age: int
    snapshot: bool = True


DISKS = {
    HOME_REGION: (
        Disk("patients-archive", 200, encrypted=True, age=300),
        Disk("made-before-the-default", 50, encrypted=False, age=900),
        Disk("scratch", 20, encrypted=True, age=20, snapshot=False),
    ),
    SECOND_REGION: (
        Disk("webshop-images", 100, encrypted=False, age=200),
        Disk("billing-export", 80, encrypted=True, age=150),
    ),
}


def fill_disks(filler: Filler, region: str, key_arn: str) -> list[str]:
    """Volumes and snapshots; block storage is encrypted by default in the home region only. ARNs of the volumes."""
    ec2 = filler.client("ec2", region)
    if region == HOME_REGION:
        ec2.enable_ebs_encryption_by_default()
        filler.control.put_facts(filler.account, region, {"ebs_default_kms_key_id": key_arn})
    volumes = []
    for suffix in filler.copies():
        for disk in DISKS[region]:
            volume = _add_disk(filler, ec2, region, disk, f"simulated-{disk.name}{suffix}", key_arn)
            volumes.append(filler.arn("ec2", region, f"volume/{volume}"))
    return volumes


def _add_disk(filler: Filler, ec2: Any, region: str, disk: Disk, name: str, key_arn: str) -> str:
    encryption = {"Encrypted": True, "KmsKeyId": key_arn} if disk.encrypted else {"Encrypted": False}
    with filler.days_ago(disk.age):
        volume: str = ec2.create_volume(
            AvailabilityZone=region + "a",
            Size=disk.size,
            VolumeType="gp3",
            TagSpecifications=ec2_tags("volume", Name=name),
            **encryption,
        )["VolumeId"]
    if disk.snapshot:
        with filler.days_ago(disk.age / 2):
            tags = ec2_tags("snapshot", Name=name)
            ec2.create_snapshot(VolumeId=volume, Description=f"SIMULATED {name}", TagSpecifications=tags)
    return volume


def fill_databases(filler: Filler, region: str, key_arn: str) -> list[str]:
    """Instances, clusters and a manual snapshot of each; ARNs of the instances."""
    rds = filler.client("rds", region)
    arns = []
    for suffix in filler.copies():
        for database in INSTANCES[region]:
            name = database.name + suffix
            _add_instance(filler, rds, database, name, key_arn)
            arns.append(filler.arn("rds", region, f"db:{name}"))
    for suffix in filler.copies():
        for database in CLUSTERS[region]:
            _add_cluster(filler, rds, database, database.name + suffix, key_arn)
    return arns


def _add_instance(filler: Filler, rds: Any, database: Database, name: str, key_arn: str) -> None:
    with filler.days_ago(250):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t3.medium",
            Engine=database.engine,
            AllocatedStorage=50,
            BackupRetentionPeriod=7 if database.encrypted else 1,
            MultiAZ=database.encrypted,
            **_credentials_and_encryption(database, key_arn),
        )
    with filler.days_ago(100):
        snapshot = f"{name}-before-upgrade"
        rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot, Tags=tag_list())


def _add_cluster(filler: Filler, rds: Any, database: Database, name: str, key_arn: str) -> None:
    with filler.days_ago(220):
        rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine=database.engine,
            BackupRetentionPeriod=7,
            **_credentials_and_encryption(database, key_arn),
            **(_DOCDB_SETTINGS if database.engine == "docdb" else {}),
        )
    with filler.days_ago(90):
        snapshot = f"{name}-before-upgrade"
        rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=snapshot, Tags=tag_list())


def _credentials_and_encryption(database: Database, key_arn: str) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "StorageEncrypted": database.encrypted,
        "Tags": tag_list(data_classification=database.data),
    }
    if database.engine != "neptune":
        settings |= {"MasterUsername": "simulated", "MasterUserPassword": "simulated-password"}
    if database.encrypted and database.own_key:
        settings["KmsKeyId"] = key_arn
    return settings
