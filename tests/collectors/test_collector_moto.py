"""The shipped kinds against moto: their XML and JSON protocols, pages, and records with the fields that rules read."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from collector_desk import REGION, SETTINGS, Desk, Kept
from moto import mock_aws

from evidence_schema.models.names import GatherResult
from evidence_schema.models.unit import Period

ACCOUNT = "123456789012"


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield


def _client(service, region=REGION):
    return boto3.client(service, region_name=region)


def _desk(kinds, **fields) -> Desk:
    return Desk(kinds, account=ACCOUNT, **fields)


def test_users_with_their_mfa_devices(cloud, kinds) -> None:
    iam = _client("iam")
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="ann")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="ann", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="234567"
    )
    kept = _desk(kinds).one("aws.iam.users")
    assert kept.gathered.result is GatherResult.COLLECTED
    devices = {record.id: [item["SerialNumber"] for item in record.fields["mfa_devices"]] for record in kept.records}
    assert devices == {"ann": [serial], "bob": []}


def test_the_credential_report_is_kept_byte_for_byte(cloud, kinds) -> None:
    iam = _client("iam")
    iam.create_user(UserName="ann")
    iam.create_login_profile(UserName="ann", Password="Xx1!xxxxxxxx")
    iam.create_access_key(UserName="ann")
    kept = _desk(kinds).one("aws.iam.credential_report")
    assert kept.gathered.result is GatherResult.COLLECTED
    assert kept.files["credential_report.csv"] == iam.get_credential_report()["Content"]
    assert [call.operation for call in kept.calls][-1] == "GetCredentialReport"
    body = kept.calls[-1].body
    assert set(body["Content"]) == {"bytes", "sha256"}
    by_user = {record.id: record.fields for record in kept.records}
    assert (by_user["ann"]["password_enabled"], by_user["ann"]["mfa_active"]) == (True, False)
    assert by_user["ann"]["ReportGeneratedTime"].endswith("Z")
    credentials = kept.view(kinds["aws.iam.credentials"])
    assert sorted(record.fields["Credential"] for record in credentials) == ["access_key_1", "password"]
    assert kept.gathered.items.kept == len(kept.records)


def test_block_storage_and_network(cloud, kinds) -> None:
    ec2 = _client("ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)["VolumeId"]
    ec2.create_snapshot(VolumeId=volume)
    group = ec2.create_security_group(GroupName="web", Description="x")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    desk = _desk(kinds)
    wanted = (
        *("volumes", "snapshots", "ebs_encryption_by_default", "security_groups", "security_group_rules"),
        *("network_acls", "network_interfaces", "vpcs", "subnets", "route_tables"),
    )
    names = [f"aws.ec2.{name}" for name in wanted]
    found: dict[str, Kept] = {kept.gathered.unit.kind: kept for kept in desk.gather(*names)}
    results = {name: kept.gathered.result for name, kept in found.items()}
    assert results.pop("aws.ec2.network_interfaces") is GatherResult.EMPTY
    assert set(results.values()) == {GatherResult.COLLECTED}
    assert [record.fields["Encrypted"] for record in found["aws.ec2.volumes"].records] == [True]
    assert len(found["aws.ec2.snapshots"].records) == 1
    setting = found["aws.ec2.ebs_encryption_by_default"].records[0]
    assert (setting.id, setting.fields["EbsEncryptionByDefault"]) == (REGION, False)
    opened = [
        record.fields
        for record in found["aws.ec2.security_group_rules"].records
        if record.fields["GroupId"] == group and not record.fields["IsEgress"]
    ]
    assert [(rule["FromPort"], rule["CidrIpv4"]) for rule in opened] == [(22, "0.0.0.0/0")]


def test_regions_of_the_account(cloud, kinds) -> None:
    kept = _desk(kinds).one("aws.ec2.regions")
    by_region = {record.id: record.fields["OptInStatus"] for record in kept.records}
    assert by_region["us-east-1"] == "opt-in-not-required"
    assert kept.gathered.unit.region == "global"
    assert kept.calls[0].region == REGION


def test_databases_are_counted_once_whatever_their_engine(cloud, kinds) -> None:
    rds = _client("rds")
    for name, engine in (("aurora", "aurora-mysql"), ("graph", "neptune")):
        rds.create_db_cluster(
            DBClusterIdentifier=name, Engine=engine, MasterUsername="u", MasterUserPassword="password1"
        )
        rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=f"{name}-s")
    rds.create_db_instance(
        DBInstanceIdentifier="one",
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="password1",
        StorageEncrypted=True,
    )
    rds.create_db_snapshot(DBInstanceIdentifier="one", DBSnapshotIdentifier="one-s")
    desk = _desk(kinds)
    found = {}
    for service in ("rds", "neptune", "docdb"):
        for kept in desk.gather(*[name for name in kinds if kinds[name].service == service]):
            found[kept.gathered.unit.kind] = sorted(record.id for record in kept.records)
    assert found["aws.rds.instances"] == ["one"]
    assert "one-s" in found["aws.rds.snapshots"]
    assert found["aws.rds.clusters"] == ["aurora"]
    assert found["aws.neptune.clusters"] == ["graph"]
    assert found["aws.docdb.clusters"] == []
    snapshots = found["aws.rds.cluster_snapshots"] + found["aws.neptune.cluster_snapshots"]
    assert {"aurora-s", "graph-s"} <= set(snapshots)  # moto does not filter snapshots by engine, AWS does


# --- CloudTrail -----------------------------------------------------------------------------------------------------

BUCKET = "trail-bucket"
JULY = Period(start=datetime(2023, 7, 10, tzinfo=UTC), end=datetime(2023, 7, 12, tzinfo=UTC))
OWNER = "218007301253"


def _trail(**fields) -> None:
    s3 = _client("s3", "us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    trail = _client("cloudtrail", "us-east-1")
    trail.create_trail(Name="main", S3BucketName=BUCKET, IsMultiRegionTrail=True, **fields)
    trail.start_logging(Name="main")


def _put(day: str, stamp: str, body: bytes, *, prefix: str = "", account: str = ACCOUNT, name: str = "x") -> str:
    key = f"{prefix}AWSLogs/{account}/CloudTrail/us-east-1/{day}/{account}_CloudTrail_us-east-1_{stamp}_{name}.json.gz"
    _client("s3", "us-east-1").put_object(Bucket=BUCKET, Key=key, Body=body, ContentEncoding="gzip")
    return key


def _gz(*events: dict) -> bytes:
    return gzip.compress(json.dumps({"Records": list(events)}).encode())


def _event(moment: str, **fields) -> dict:
    return {"eventTime": moment, "eventSource": "ec2.amazonaws.com", "eventName": "DescribeVolumes", "readOnly": True,
            "eventID": moment, "userIdentity": {"type": "IAMUser", "userName": "ann"}} | fields  # fmt: skip


def _login(moment: str, result: str, **fields) -> dict:
    return _event(
        moment,
        eventSource="signin.amazonaws.com",
        eventName="ConsoleLogin",
        readOnly=False,
        eventType="AwsConsoleSignIn",
        responseElements={"ConsoleLogin": result},
        **fields,
    )


def _gather_logs(kinds, period: Period = JULY, **fields) -> tuple[Kept, Kept]:
    desk = _desk(kinds, period=period, settings=SETTINGS, **fields)
    trails, logs = desk.gather("aws.cloudtrail.trails", "aws.cloudtrail.log_files", region="us-east-1")
    return trails, logs


def test_trails_with_status_and_selectors(cloud, kinds) -> None:
    _trail()
    kept = _desk(kinds).one("aws.cloudtrail.trails", region="us-east-1")
    fields = kept.records[0].fields
    assert fields["IsMultiRegionTrail"] is True
    assert fields["status"]["IsLogging"] is True
    assert "event_selectors" in fields


def test_real_log_files_are_counted_as_an_independent_count_does(cloud, kinds, shared) -> None:
    _trail(S3KeyPrefix="logs")
    independent: Counter[str] = Counter()
    for path in sorted((shared / "data" / "cloudtrail" / "logs").glob("*.json")):
        stamp = path.name.split("_")[3]
        _put("2023/07/10", stamp, gzip.compress(path.read_bytes()), prefix="logs/", name=path.stem[-16:])
        independent.update(event["eventSource"] for event in json.loads(path.read_text())["Records"])
    _, kept = _gather_logs(kinds)
    assert kept.gathered.result is GatherResult.COLLECTED
    counted: Counter[str] = Counter()
    for record in kept.records:
        counted.update(record.fields["BySource"])
        assert len(record.fields["Sha256"]) == 64
        assert record.fields["VersionId"]
    assert counted == independent
    assert sum(independent.values()) == 706
    days = {
        record.fields["Day"]: (record.fields["Files"], record.fields["Events"])
        for record in kept.view(kinds["aws.cloudtrail.log_days"])
    }
    assert days == {"2023-07-10": (14, 706), "2023-07-11": (0, 0)}
    privileged = {record.fields["EventName"] for record in kept.view(kinds["aws.cloudtrail.privileged_events"])}
    assert {"StopLogging", "DeleteAccessKey", "PutEventSelectors", "PutBucketPolicy"} <= privileged
    objects = [call for call in kept.calls if call.operation == "GetObject"]
    assert len(objects) == 14
    assert all(set(call.body["Body"]) == {"bytes", "sha256"} for call in objects)
    assert all(call.body["Body"]["sha256"] == call.wire_digest.hex for call in objects)
    assert kept.header.inputs[0].kind == "aws.cloudtrail.trails"


def test_sign_ins_root_and_late_files(cloud, kinds) -> None:
    _trail()
    hidden = {"userIdentity": {"type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}}
    _put("2023/07/10", "20230710T1200Z", _gz(
        _login("2023-07-10T11:50:00Z", "Failure"), _login("2023-07-10T11:51:00Z", "Failure"),
        _login("2023-07-10T11:52:00Z", "Failure", sourceIPAddress="203.0.113.7", **hidden),
        _login("2023-07-10T11:53:00Z", "Success", additionalEventData={"MFAUsed": "No"}),
        _event("2023-07-10T11:54:00Z", eventName="CreateUser", eventSource="iam.amazonaws.com", readOnly=False,
               requestParameters={"password": "hunter2-hunter2", "n": 1.5, "x": None}),
        _event("2023-07-10T11:55:00Z", errorCode="AccessDenied"),
        _event("2023-07-10T11:56:00Z", userIdentity={"type": "Root", "arn": "arn:aws:iam::1:root"}),
        _event("2023-07-10T11:57:00Z", userIdentity={"type": "Root", "invokedBy": "backup.amazonaws.com"}),
        _event("2023-07-09T23:59:59Z", userIdentity={"type": "Root"}),
    ))  # fmt: skip
    _put("2023/07/12", "20230712T0005Z", _gz(_login("2023-07-11T23:59:00Z", "Success"), _event("2023-07-12T00:00:00Z")))
    _put("2023/07/12", "20230712T0900Z", _gz(_event("2023-07-12T08:59:00Z")))
    _, kept = _gather_logs(kinds)
    assert kept.gathered.result is GatherResult.COLLECTED
    assert [record.fields["Key"][-22:] for record in kept.records] == [
        "20230710T1200Z_x.json.gz"[-22:],
        "20230712T0005Z_x.json.gz"[-22:],
    ]
    days = {record.fields["Day"]: record.fields for record in kept.view(kinds["aws.cloudtrail.log_days"])}
    assert (days["2023-07-10"]["Events"], days["2023-07-11"]["Events"]) == (8, 1)
    failed = {record.id: record.fields["Failed"] for record in kept.view(kinds["aws.cloudtrail.sign_in_days"])}
    assert failed == {"2023-07-10/ann": 2, "2023-07-10/203.0.113.7": 1}
    signed_in = kept.view(kinds["aws.cloudtrail.sign_ins"])
    assert [(record.fields["UserType"], record.fields["MFAUsed"]) for record in signed_in] == [
        ("IAMUser", "No"),
        ("IAMUser", ""),
    ]
    root = kept.view(kinds["aws.cloudtrail.root_events"])
    assert [record.fields["EventTime"] for record in root] == ["2023-07-10T11:56:00Z"]
    assert b"hunter2-hunter2" not in kept.files["extract.jsonl"]
    assert {item.rule for item in kept.gathered.redactions} == {"named"}


DAY_COUNTS = ["AccessChanges", "Events", "Files", "Privileged", "PrivilegedKept", "RootEvents", "SignIns"]


def test_a_file_that_cannot_be_read_is_a_row_and_a_gap(cloud, kinds) -> None:
    _trail()
    good, bad = _gz(_event("2023-07-10T11:50:00Z")), _gz(_event("2023-07-11T11:50:00Z"))
    _put("2023/07/10", "20230710T1200Z", good)
    _put("2023/07/11", "20230711T1200Z", bad[:-9], name="cut")
    _put("2023/07/11", "20230711T1300Z", b"no gzip at all", name="text")
    _put("2023/07/11", "20230711T1400Z", gzip.compress(b'{"Records": [{"a": 1}, nonsense'), name="json")
    _, kept = _gather_logs(kinds)
    assert kept.gathered.result is GatherResult.PARTIAL
    errors = {record.fields.get("Error", "") for record in kept.records}
    assert errors == {"", "BrokenOff", "NotGzip", "NotJSON"}
    assert {record.fields["Sha256"] != "" for record in kept.records} == {True}
    days = {record.id: sorted(record.gaps) for record in kept.view(kinds["aws.cloudtrail.log_days"])}
    assert days == {"2023-07-10": [], "2023-07-11": DAY_COUNTS}


def test_a_gzip_bomb_is_refused_in_bounded_memory(cloud, kinds, monkeypatch) -> None:
    import tracemalloc

    _trail()
    _put("2023/07/10", "20230710T1200Z", gzip.compress(b" " * 60_000_000))
    tracemalloc.start()
    _, kept = _gather_logs(kinds)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [record.fields["Error"] for record in kept.records] == ["GzipBomb"]
    assert peak < 30_000_000


def test_a_denied_bucket_is_not_a_quiet_month(cloud, kinds) -> None:
    _trail()
    _client("s3", "us-east-1").delete_bucket(Bucket=BUCKET)
    _, kept = _gather_logs(kinds)
    assert kept.gathered.result is GatherResult.FAILED
    assert "NoSuchBucket" in kept.gathered.reason
    days = {record.id: sorted(record.gaps) for record in kept.view(kinds["aws.cloudtrail.log_days"])}
    assert days == {"2023-07-10": DAY_COUNTS, "2023-07-11": DAY_COUNTS}


def test_a_region_that_no_trail_records_says_so(cloud, kinds) -> None:
    _, kept = _gather_logs(kinds)
    assert kept.gathered.result is GatherResult.EMPTY
    assert kept.gathered.reason.startswith("no trail records us-east-1")
    assert [record.fields["Files"] for record in kept.view(kinds["aws.cloudtrail.log_days"])] == [0, 0]


def test_an_organisation_trail_is_found_under_its_id(cloud, kinds, monkeypatch) -> None:
    _trail()
    _put("2023/07/10", "20230710T1200Z", _gz(_event("2023-07-10T11:50:00Z")), prefix="AWSLogs/o-abcdef1234/"[8:])
    s3 = _client("s3", "us-east-1")
    key = (
        f"AWSLogs/o-abcdef1234/{ACCOUNT}/CloudTrail/us-east-1/2023/07/10/"
        f"{ACCOUNT}_CloudTrail_us-east-1_20230710T1200Z_y.json.gz"
    )
    s3.put_object(Bucket=BUCKET, Key=key, Body=_gz(_event("2023-07-10T11:50:00Z")))
    from flows.collectors.aws.modules import log_files
    from flows.collectors.aws.modules.trails import Trail

    monkeypatch.setattr(log_files, "choose_trail", lambda *_: Trail("arn:x", BUCKET, "", organisation=True))
    _, kept = _gather_logs(kinds)
    assert [record.fields["Key"] for record in kept.records] == [key]
    assert kept.calls[0].step == "organisation"


def test_a_short_period_reads_only_the_files_that_can_hold_it(cloud, kinds) -> None:
    _trail()
    for hour in range(24):
        _put("2023/07/10", f"20230710T{hour:02}05Z", _gz(_event(f"2023-07-10T{hour:02}:01:00Z")), name=f"h{hour}")
    noon = datetime(2023, 7, 10, 12, tzinfo=UTC)
    _, kept = _gather_logs(kinds, Period(start=noon, end=noon + timedelta(hours=1)))
    assert len([call for call in kept.calls if call.operation == "GetObject"]) == 3
    assert [record.fields["Events"] for record in kept.view(kinds["aws.cloudtrail.log_days"])] == [1]
