"""The filled account holds good and bad of all that the eight requirements ask for, and says that it is simulated."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.config import Config

from flows.children import Children
from flows.demo.account import fill_account
from flows.demo.account_trails import BAD_TRAIL, GOOD_TRAIL, TRAIL_BUCKET
from flows.demo.trail_log_files import log_files
from flows.demo.world import AccountServer, World

ClientMaker = Callable[..., Any]
NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
HOME, SECOND = "eu-central-1", "us-east-1"
REGIONS = [HOME, SECOND]


def report(client: ClientMaker) -> dict[str, dict[str, str]]:
    client("iam").generate_credential_report()
    text = client("iam").get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(text))}


def age(text: str) -> int:
    return (NOW - datetime.fromisoformat(text)).days


def test_users_are_of_every_kind_that_the_checks_tell_apart(world: World, client: ClientMaker) -> None:
    users = report(client)
    assert world.filled.users == len(users) - 1 == 12
    assert (users["sim-ben.okafor"]["password_enabled"], users["sim-ben.okafor"]["mfa_active"]) == ("true", "false")
    assert (users["sim-anna.keller"]["mfa_active"], users["<root_account>"]["mfa_active"]) == ("true", "true")
    assert age(users["sim-carla.nunes"]["access_key_1_last_rotated"]) == 200
    assert users["sim-erik.holm"]["password_last_used"] == "no_information"
    assert users["sim-deploy-pipeline"]["password_last_used"] == "N/A"
    assert users["sim-backup-export"]["access_key_1_last_used_date"] == "N/A"
    assert age(users["sim-grace.liu"]["access_key_2_last_rotated"]) == 5
    assert age(users["sim-fatima.said"]["access_key_2_last_rotated"]) == 41
    assert users["sim-henrik.berg"]["access_key_1_active"] == "false"
    assert age(users["sim-jonas.weber"]["password_last_used"]) == 150


def test_mfa_devices_agree_with_the_report(client: ClientMaker) -> None:
    for name, row in report(client).items():
        if name != "<root_account>":
            devices = client("iam").list_mfa_devices(UserName=name)["MFADevices"]
            assert bool(devices) is (row["mfa_active"] == "true")


def test_one_trail_is_as_it_should_be_and_one_is_not(client: ClientMaker) -> None:
    trails = {one["Name"]: one for one in client("cloudtrail", SECOND).describe_trails()["trailList"]}
    good, bad = trails[GOOD_TRAIL], trails[BAD_TRAIL]
    assert (good["IsMultiRegionTrail"], good["LogFileValidationEnabled"], "KmsKeyId" in good) == (True, True, True)
    assert (bad["IsMultiRegionTrail"], bad["LogFileValidationEnabled"], "KmsKeyId" in bad) == (False, False, False)
    assert good["HomeRegion"] == HOME
    now = client("cloudtrail").get_trail_status(Name=GOOD_TRAIL)
    then = client("cloudtrail", SECOND).get_trail_status(Name=BAD_TRAIL)
    assert (now["IsLogging"], now["LatestDeliveryTime"]) == (True, NOW)
    assert (then["IsLogging"], then["LatestDeliveryTime"] < NOW - timedelta(days=59)) == (False, True)
    selector = client("cloudtrail").get_event_selectors(TrailName=GOOD_TRAIL)["EventSelectors"][0]
    assert selector["DataResources"][0]["Values"] == ["arn:aws:s3:::simulated-patient-files/"]


def trail_objects(client: ClientMaker) -> Iterator[tuple[str, dict[str, Any]]]:
    s3 = client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=TRAIL_BUCKET, Prefix="AWSLogs/"):
        for one in page["Contents"]:
            if "/CloudTrail-Digest/" in one["Key"]:
                continue
            body = s3.get_object(Bucket=TRAIL_BUCKET, Key=one["Key"])["Body"].read()
            yield one["Key"], json.loads(gzip.decompress(body))


def test_the_trail_bucket_holds_a_file_for_every_day_and_region_in_the_layout_of_aws(
    world: World, client: ClientMaker
) -> None:
    layout = re.compile(
        r"AWSLogs/111122223333/CloudTrail/(?P<region>[a-z0-9-]+)/(?P<day>\d{4}/\d\d/\d\d)/"
        r"111122223333_CloudTrail_(?P=region)_\d{8}T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz"
    )
    days: dict[str, set[date]] = {region: set() for region in REGIONS}
    for key, document in trail_objects(client):
        found = layout.fullmatch(key)
        assert found, key
        day = datetime.strptime(found["day"], "%Y/%m/%d").date()
        days[found["region"]].add(day)
        assert {record["awsRegion"] for record in document["Records"]} <= {found["region"]}
        assert {record["eventTime"][:10] for record in document["Records"]} <= {str(day)}
    first, last = world.filled.log_days
    assert (first, last) == (date(2026, 10, 1), date(2026, 11, 20))
    wanted = {first + timedelta(days=number) for number in range((last - first).days + 1)}
    assert days == {HOME: wanted, SECOND: wanted}
    assert world.filled.log_files == 2 * len(wanted)


def test_the_events_hold_what_an_auditor_looks_for_and_nothing_of_the_real_world() -> None:
    october = log_files("111122223333", REGIONS, date(2026, 10, 1), date(2026, 10, 31), NOW)
    records = [record for file in october for record in file.records]
    logins = [record for record in records if record["eventName"] == "ConsoleLogin"]
    results = Counter(record["responseElements"]["ConsoleLogin"] for record in logins)
    assert results["Success"] > 60 < results["Success"] + results["Failure"]
    without = [one for one in logins if one["additionalEventData"]["MFAUsed"] == "No" and "errorMessage" not in one]
    assert [record["userIdentity"]["userName"] for record in without] == ["sim-ben.okafor"]
    failures = Counter(one["eventTime"][:10] for one in logins if "errorMessage" in one)
    assert [day for day, count in failures.items() if count > 10] == ["2026-10-09"]
    hidden = [one for one in logins if one["userIdentity"].get("userName") == "HIDDEN_DUE_TO_SECURITY_REASONS"]
    assert len(hidden) == 14
    assert [one["eventName"] for one in records if one["userIdentity"]["type"] == "Root"].count("ConsoleLogin") == 1
    assert {one["sourceIPAddress"].rsplit(".", 1)[0] for one in records} <= {"192.0.2", "198.51.100", "203.0.113"}
    assert len({one["eventID"] for one in records}) == len(records)


def test_a_larger_account_has_more_of_what_is_usual_and_the_same_of_what_is_not() -> None:
    asked = ("111122223333", REGIONS, date(2026, 10, 1), date(2026, 10, 31), NOW)
    one = [record for file in log_files(*asked) for record in file.records]
    three = [record for file in log_files(*asked, copies=("-2", "-3")) for record in file.records]
    users = {record["userIdentity"].get("userName", "") for record in three}
    assert {"sim-anna.keller", "sim-anna.keller-2", "sim-anna.keller-3"} <= users
    assert [record for record in three if not record["userIdentity"].get("userName", "").endswith(("-2", "-3"))] == one
    more = [record for record in three if record["userIdentity"].get("userName", "").endswith(("-2", "-3"))]
    assert len(more) == 31 * (4 + 4 + 2) * 2
    assert not [record for record in more if "errorMessage" in record]
    assert len({record["eventID"] for record in three}) == len(three)


def test_nothing_is_logged_of_the_future() -> None:
    files = list(log_files("111122223333", [SECOND], NOW.date(), NOW.date(), NOW))
    assert all(record["eventTime"] <= "2026-11-20T07:30:00Z" for file in files for record in file.records)
    assert len(files) == 1


def test_disks_are_encrypted_and_not_and_the_default_differs_by_region(client: ClientMaker) -> None:
    assert client("ec2", HOME).get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is True
    assert client("ec2", SECOND).get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    assert client("ec2", HOME).get_ebs_default_kms_key_id()["KmsKeyId"].startswith("arn:aws:kms:eu-central-1:")
    for region in REGIONS:
        ec2 = client("ec2", region)
        volumes = ec2.describe_volumes()["Volumes"]
        snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        assert {volume["Encrypted"] for volume in volumes} == {True, False}
        assert {snapshot["Encrypted"] for snapshot in snapshots} == {True, False}
        assert min(volume["CreateTime"] for volume in volumes) < NOW - timedelta(days=100)


def test_databases_of_every_engine_are_encrypted_and_not(client: ClientMaker) -> None:
    both = {True, False}
    instances = [i for r in REGIONS for i in client("rds", r).describe_db_instances()["DBInstances"]]
    clusters = [c for r in REGIONS for c in client("rds", r).describe_db_clusters()["DBClusters"]]
    snapshots = [s for r in REGIONS for s in client("rds", r).describe_db_snapshots()["DBSnapshots"]]
    of_clusters = [s for r in REGIONS for s in client("rds", r).describe_db_cluster_snapshots()["DBClusterSnapshots"]]
    assert {one["StorageEncrypted"] for one in instances} == both
    for engine in ("aurora", "neptune", "docdb"):
        assert {one["StorageEncrypted"] for one in clusters if one["Engine"].startswith(engine)} == both
    assert {one["Encrypted"] for one in snapshots} == both
    assert {one["StorageEncrypted"] for one in of_clusters} == both
    assert client("neptune").describe_db_clusters()["DBClusters"]
    assert client("docdb").describe_db_clusters()["DBClusters"]


def test_networks_are_open_and_closed(client: ClientMaker) -> None:
    ports: set[int] = set()
    default_rules: set[bool] = set()
    for region in REGIONS:
        ec2 = client("ec2", region)
        for group in ec2.describe_security_groups()["SecurityGroups"]:
            if group["GroupName"] == "default":
                default_rules.add(bool(group["IpPermissions"] or group["IpPermissionsEgress"]))
            ports |= {
                rule.get("FromPort", -1)
                for rule in group["IpPermissions"]
                if any(one["CidrIp"] == "0.0.0.0/0" for one in rule["IpRanges"])
                or any(one["CidrIpv6"] == "::/0" for one in rule["Ipv6Ranges"])
            }
        worn = {one["GroupId"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"] for one in i["Groups"]}
        names = {one["GroupId"]: one["GroupName"] for one in ec2.describe_security_groups()["SecurityGroups"]}
        assert {names[one] for one in worn} >= {"simulated-web"}
        assert set(names) - worn
        assert ec2.describe_security_group_rules()["SecurityGroupRules"]
    assert ports >= {-1, 22, 80, 443, 3306, 8080, 8081}
    assert default_rules == {True, False}


def ingress(client: ClientMaker, region: str, name: str) -> list[tuple[int, str]]:
    filters = [{"Name": "tag:Name", "Values": [name]}]
    entries = client("ec2", region).describe_network_acls(Filters=filters)["NetworkAcls"][0]["Entries"]
    return sorted((one["RuleNumber"], one["RuleAction"]) for one in entries if not one["Egress"])


def test_access_lists_deny_before_and_after_they_allow(client: ClientMaker) -> None:
    assert ingress(client, HOME, "simulated-closed-first")[:3] == [(80, "deny"), (81, "deny"), (100, "allow")]
    assert ingress(client, SECOND, "simulated-closed-too-late")[:2] == [(100, "allow"), (200, "deny")]


def test_access_lists_guard_subnets_that_are_in_use(client: ClientMaker) -> None:
    for region in REGIONS:
        ec2 = client("ec2", region)
        used = {one["SubnetId"] for one in ec2.describe_network_interfaces()["NetworkInterfaces"]}
        named = [one for one in ec2.describe_network_acls()["NetworkAcls"] if one.get("Tags")]
        assert {a["SubnetId"] for one in named for a in one["Associations"]} <= used
        assert len(named) == 2


def test_backups_hold_every_outcome_a_gap_and_a_cure(client: ClientMaker) -> None:
    jobs = {
        region: [
            job
            for page in client("backup", region).get_paginator("list_backup_jobs").paginate()
            for job in page["BackupJobs"]
        ]
        for region in REGIONS
    }
    states = {job["State"] for region in REGIONS for job in jobs[region]}
    assert states == {"COMPLETED", "FAILED", "EXPIRED", "ABORTED", "PARTIAL"}
    patients = sorted(
        (job for job in jobs[HOME] if job["ResourceName"] == "sim-patients"), key=lambda job: job["CreationDate"]
    )
    gaps = [later["CreationDate"] - sooner["CreationDate"] for sooner, later in pairwise(patients)]
    assert max(gaps) == timedelta(days=2)  # one night nothing was started
    failed = next(number for number, job in enumerate(patients) if job["State"] == "FAILED")
    assert patients[failed + 1]["State"] == "COMPLETED"
    assert "CreatedBy" not in patients[failed + 1]
    assert {job["State"] for job in client("backup").list_copy_jobs(MaxResults=1000)["CopyJobs"]} == {
        "COMPLETED", "FAILED",
    }  # fmt: skip


def test_recovery_points_are_encrypted_and_not_with_and_without_an_end(client: ClientMaker) -> None:
    points = [
        point
        for region in REGIONS
        for vault in client("backup", region).list_backup_vaults()["BackupVaultList"]
        for point in client("backup", region).list_recovery_points_by_backup_vault(
            BackupVaultName=vault["BackupVaultName"], MaxResults=1000
        )["RecoveryPoints"]
    ]
    assert {point["IsEncrypted"] for point in points} == {True, False}
    assert {"DeleteAt" in point.get("CalculatedLifecycle", {}) for point in points} == {True, False}
    assert any("SourceBackupVaultArn" in point for point in points)
    vaults = {v["BackupVaultName"]: v["Locked"] for v in client("backup").list_backup_vaults()["BackupVaultList"]}
    assert vaults == {"simulated-vault-locked": True, "simulated-vault-unprotected": False}


def test_plans_say_how_often_how_long_and_where_to(client: ClientMaker) -> None:
    backup = client("backup")
    rules = {}
    for plan in backup.list_backup_plans()["BackupPlansList"]:
        rule = backup.get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"]["Rules"][0]
        copies = len(rule.get("CopyActions", []))
        rules[plan["BackupPlanName"]] = (rule["ScheduleExpression"], rule["Lifecycle"]["DeleteAfterDays"], copies)
    assert rules == {
        "simulated-daily": ("cron(0 3 ? * * *)", 35, 1),
        "simulated-weekly": ("cron(0 4 ? * SUN *)", 7, 0),
    }


def test_it_says_that_it_is_simulated(client: ClientMaker) -> None:
    assert client("iam").list_account_aliases()["AccountAliases"] == ["simulated-evidence-demo"]
    assert all(user["UserName"].startswith("sim-") for user in client("iam").list_users()["Users"])
    assert all("simulated" in one["Name"] for one in client("s3").list_buckets()["Buckets"])
    for region in REGIONS:
        for volume in client("ec2", region).describe_volumes()["Volumes"]:
            machine = bool(volume["Attachments"])
            assert machine or {"Key": "simulated", "Value": "true"} in volume["Tags"]
        for instance in client("rds", region).describe_db_instances()["DBInstances"]:
            assert {"Key": "simulated", "Value": "true"} in instance["TagList"]


READS: list[tuple[str, str, dict[str, Any]]] = [
    ("iam", "list_users", {}),
    ("iam", "get_credential_report", {}),
    ("cloudtrail", "describe_trails", {}),
    ("cloudtrail", "get_trail_status", {"Name": GOOD_TRAIL}),
    ("s3", "list_objects_v2", {}),
    *(("ec2", f"describe_{what}", {}) for what in ("volumes", "security_groups", "security_group_rules")),
    *(("ec2", f"describe_{what}", {}) for what in ("network_acls", "network_interfaces", "instances")),
    ("ec2", "describe_snapshots", {"OwnerIds": ["self"]}),
    *(("rds", f"describe_db_{what}", {}) for what in ("instances", "clusters", "snapshots", "cluster_snapshots")),
    *(("backup", f"list_{what}", {}) for what in ("backup_plans", "backup_vaults", "backup_jobs", "copy_jobs")),
]


def everything_read(url: str, account: str | None = None, bucket: str = TRAIL_BUCKET) -> dict[str, Any]:
    keys = {"aws_access_key_id": "AKIASIMULATEDREAD000", "aws_secret_access_key": "x"}
    once = Config(retries={"total_max_attempts": 1})
    common: dict[str, Any] = {"endpoint_url": url, "region_name": HOME, "config": once}
    if account:
        role = f"arn:aws:iam::{account}:role/simulated-evidence-reader"
        given = boto3.client("sts", **common, **keys).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    boto3.client("iam", **common, **keys).generate_credential_report()
    answers = {}
    for service, method, parameters in READS:
        asked = parameters | ({"Bucket": bucket} if service == "s3" else {})
        answer = getattr(boto3.client(service, **common, **keys), method)(**asked)
        del answer["ResponseMetadata"]
        answers[f"{service}.{method}"] = answer
    return answers


@pytest.fixture(scope="module")
def fresh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccountServer]:
    with Children() as children:
        server = AccountServer(children, tmp_path_factory.mktemp("second-server"))
        server.wait_ready()
        yield server


@pytest.mark.thorough
def test_the_same_now_gives_the_same_account_to_the_last_identifier(world: World, fresh_server: AccountServer) -> None:
    fill_account(fresh_server.endpoint_url, now=NOW)
    here, there = everything_read(world.account_url), everything_read(fresh_server.endpoint_url)
    assert [name for name in here if here[name] != there[name]] == []


def test_a_second_account_is_filled_through_its_role_and_a_scale_multiplies(
    world: World, fresh_server: AccountServer
) -> None:
    url, number = fresh_server.endpoint_url, "444455556666"
    week = (date(2026, 11, 13), date(2026, 11, 19))
    other = fill_account(url, now=NOW, account=number, scale=2, log_days=week, whole=False)
    assert (other.account, other.trail_bucket) == (number, f"{TRAIL_BUCKET}-{number}")
    one = world.filled
    assert (other.users, other.databases, other.volumes) == (2 * one.users, 2 * one.databases, 2 * one.volumes)
    assert (other.security_groups, other.log_files) == (2 * one.security_groups, 14)
    read = everything_read(url, number, other.trail_bucket)
    assert len(read["iam.list_users"]["Users"]) == 24
    assert len(read["rds.describe_db_instances"]["DBInstances"]) == 4
    assert len(read["rds.describe_db_clusters"]["DBClusters"]) == 2 * 3
    assert {trail["TrailARN"].split(":")[4] for trail in read["cloudtrail.describe_trails"]["trailList"]} == {number}
    assert {job["AccountId"] for job in read["backup.list_backup_jobs"]["BackupJobs"]} == {number}
    assert all(number in key["Key"] for key in read["s3.list_objects_v2"]["Contents"])
