"""Examples of the first eight requirements: identities, encryption, network, trails, backups."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from answers import ACCOUNT, REGION, Body, Told, denied, listed
from exampling import Example, Records, derived, example, place, without

from evidence_schema.canonical import canonical_bytes
from evidence_schema.models.transcript import Record
from evidence_schema.records.cloudtrail import FILE_NAME as EXTRACT
from evidence_schema.records.credential_report import FILE_NAME as REPORT

# --- identities -----------------------------------------------------------------------------------------------------

COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
    "password_next_rotation", "mfa_active", "access_key_1_active", "access_key_1_last_rotated",
    "access_key_1_last_used_date", "access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date",
)  # fmt: skip
ROOT = "<root_account>"


def report(*rows: Body, generated: str | None = "2026-11-01T05:00:00Z", view: str | None = None) -> Records:
    """The credential report, rows as CSV."""
    told = Told("aws.iam.credential_report")
    told.call("GenerateCredentialReport", "start", {"State": "COMPLETE"})
    told.call("GetCredentialReport", "list", {"GeneratedTime": generated} if generated else {})
    lines = [",".join(COLUMNS), *(",".join(_cells(row)) for row in rows)]
    told.files[REPORT] = [f"{line}\n".encode() for line in lines]
    return told.records(view)


def _cells(row: Body) -> list[str]:
    root = row["user"] == ROOT
    cells = dict.fromkeys(COLUMNS, "N/A") | {
        "arn": f"arn:aws:iam::{ACCOUNT}:{'root' if root else 'user/' + row['user']}",
        "user_creation_time": "2025-01-01T00:00:00+00:00",
        "password_enabled": "not_supported" if root else "false",
        "mfa_active": "true",
        "access_key_1_active": "false",
        "access_key_2_active": "false",
    }
    return [str(value) for value in (cells | row).values()]


ROOT_ROW = {"user": ROOT}


def user(name: str = "ana", **cells: str) -> Body:
    return {"user": name, **cells}


def row(**cells: str) -> Record:
    return report(user(**cells))[0]


def users(*names: str) -> Records:
    told = Told("aws.iam.users").list(*({"UserName": name, "UserId": name, "Path": "/"} for name in names))
    for name in names:
        told.each("mfa_devices", {"items": [{"UserName": name, "SerialNumber": f"mfa-{name}"}]}, name)
    return told.records()


def credential(created: str = "2026-10-01T00:00:00+00:00", used: str = "N/A", key: str = "access_key_1") -> Record:
    cells = {f"{key}_active": "true", f"{key}_last_rotated": created, f"{key}_last_used_date": used}
    return report(user(**cells), view="aws.iam.credentials")[0]


PASSWORD = {
    "password_enabled": "true",
    "password_last_changed": "2026-09-01T00:00:00+00:00",
    "password_last_used": "2026-10-20T00:00:00+00:00",
}
NEW, OLD = "2026-10-25T00:00:00+00:00", "2026-01-01T00:00:00+00:00"

complete = {"rows": report(ROOT_ROW, user("ana"), user("ben")), "users": users("ana", "ben")}
example("EV-IAM-01-C1", "pass", place(), lists=complete)
example("EV-IAM-01-C1", "fail", place(), "a user without a row", lists=complete | {"users": users("ana", "ben", "eve")})
example("EV-IAM-01-C1", "fail", place(), "a row without a user", lists=complete | {"users": users("ana")})
example("EV-IAM-01-C1", "fail", place(), "no row for root", lists=complete | {"rows": report(user("ana"), user("ben"))})
example("EV-IAM-01-C1", "fail", place(), "no row", lists={"rows": (), "users": ()})
example(
    "EV-IAM-01-C1", "fail", place(), "an old report",
    lists=complete | {"rows": report(ROOT_ROW, user("ana"), user("ben"), generated="2026-11-01T01:59:59Z")},
)  # fmt: skip
example(
    "EV-IAM-01-C1", "lacks_field", place(), "GeneratedTime",
    lists=complete | {"rows": report(ROOT_ROW, user("ana"), user("ben"), generated=None)},
)  # fmt: skip

example("EV-IAM-01-C2", "pass", row(**PASSWORD))
example("EV-IAM-01-C2", "fail", row(**PASSWORD, mfa_active="false"))
example("EV-IAM-01-C2", "not_applicable", row(mfa_active="false"), "no password")
example("EV-IAM-01-C2", "not_applicable", report(ROOT_ROW)[0], "root has no row for its password")
example("EV-IAM-01-C2", "lacks_field", row(**PASSWORD, mfa_active="N/A"))

example("EV-IAM-01-C3", "pass", credential("2026-08-03T06:00:00+00:00"), "90 days to the second")
example("EV-IAM-01-C3", "fail", credential("2026-08-03T05:59:59+00:00"))
example("EV-IAM-01-C3", "not_applicable", report(user(**PASSWORD), view="aws.iam.credentials")[0])
example("EV-IAM-01-C3", "lacks_field", without(credential(), "Created"))

example("EV-IAM-01-C4", "pass", credential(created=OLD, used=NEW))
example("EV-IAM-01-C4", "pass", credential(created=NEW, used="N/A"), "never used, but new")
example("EV-IAM-01-C4", "fail", credential(created=OLD, used="N/A"), "never used counts from its creation")
example("EV-IAM-01-C4", "fail", credential(created=OLD, used="2026-07-01T00:00:00+00:00"))
example("EV-IAM-01-C4", "pass", report(user(**PASSWORD), view="aws.iam.credentials")[0], "a password")
example("EV-IAM-01-C4", "lacks_field", without(credential(), "LastUsedOrCreated"))

BOTH = {"access_key_1_active": "true", "access_key_2_active": "true"}
example("EV-IAM-01-C5", "pass", row(**BOTH, access_key_1_last_rotated=OLD, access_key_2_last_rotated=NEW))
example("EV-IAM-01-C5", "pass", row(**BOTH, access_key_1_last_rotated=NEW, access_key_2_last_rotated=OLD))
example("EV-IAM-01-C5", "fail", row(**BOTH, access_key_1_last_rotated=OLD, access_key_2_last_rotated=OLD))
example("EV-IAM-01-C5", "not_applicable", row(access_key_1_active="true", access_key_1_last_rotated=OLD))
example("EV-IAM-01-C5", "lacks_field", row(**BOTH, access_key_1_last_rotated=OLD))


# --- audit trails ---------------------------------------------------------------------------------------------------

TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/main"
BUCKET = "arn:aws:s3:::patients/"
MANAGEMENT = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}


def data(*values: str, type_: str = "AWS::S3::Object") -> Body:
    return {"Type": type_, "Values": list(values)}


def basic(*selectors: Body) -> Body:
    return {"TrailARN": TRAIL, "EventSelectors": list(selectors)}


def advanced(*fields: Body) -> Body:
    selectors = [{"Name": "x", "FieldSelectors": list(fields)}]
    return {"TrailARN": TRAIL, "AdvancedEventSelectors": selectors}


def equals(name: str, *values: str) -> Body:
    return {"Field": name, "Equals": list(values)}


LOGGING = {"IsLogging": True, "LatestDeliveryTime": "2026-11-01T05:00:00Z"}
GOOD_TRAIL = {
    "TrailARN": TRAIL, "Name": "main", "HomeRegion": REGION, "S3BucketName": "trail-logs",
    "IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": True, "LogFileValidationEnabled": True,
    "KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/k",
    "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail:*",
}  # fmt: skip


def trail(
    status: Body | None = None,
    selectors: Body | None = None,
    region: str = REGION,
    drop: tuple[str, ...] = (),
    **new: Any,
) -> Record:
    """A trail as DescribeTrails, GetTrailStatus and GetEventSelectors tell it."""
    item = {name: value for name, value in (GOOD_TRAIL | new).items() if name not in drop}
    told = Told("aws.cloudtrail.trails", region).list(item)
    told.each("status", status or LOGGING, TRAIL).each("event_selectors", selectors or basic(MANAGEMENT), TRAIL)
    told.absent("insight_selectors", "InsightNotEnabledException", TRAIL)
    return told.records()[0]


def unknown_trail(name: str) -> Record:
    told = Told("aws.cloudtrail.trails").list(GOOD_TRAIL)
    for asked, answer in (("status", LOGGING), ("event_selectors", basic(MANAGEMENT))):
        told.each(asked, denied() if asked == name else answer, TRAIL)
    return told.records()[0]


SHADOW = trail(region="eu-central-1")

example("EV-LOG-01-C1", "pass", place(), lists={"trails": (trail(), SHADOW)})
example("EV-LOG-01-C1", "pass", place(), "only a shadow copy is in scope", lists={"trails": (SHADOW,)})
example("EV-LOG-01-C1", "fail", place(), "no trail at all", lists={"trails": ()})
example("EV-LOG-01-C1", "fail", place(), "stopped", lists={"trails": (trail(status={"IsLogging": False}),)})
example("EV-LOG-01-C1", "fail", place(), "one region", lists={"trails": (trail(drop=("IsMultiRegionTrail",)),)})
example("EV-LOG-01-C1", "fail", place(), "not global", lists={"trails": (trail(IncludeGlobalServiceEvents=False),)})
example("EV-LOG-01-C1", "lacks_field", place(), lists={"trails": (trail(status={"LatestDeliveryTime": "x"}),)})

example("EV-LOG-01-C2", "pass", trail())
example("EV-LOG-01-C2", "pass", trail(status=LOGGING | {"LatestDeliveryError": ""}), "an empty error is none")
example("EV-LOG-01-C2", "fail", trail(status=LOGGING | {"LatestDeliveryError": "AccessDenied"}))
example("EV-LOG-01-C2", "fail", trail(status=LOGGING | {"LatestDeliveryTime": "2026-10-31T05:59:59Z"}))
example("EV-LOG-01-C2", "fail", trail(status={"IsLogging": True}), "never delivered")
example("EV-LOG-01-C2", "fail", trail(status=LOGGING | {"IsLogging": False}))
example("EV-LOG-01-C2", "not_applicable", SHADOW)
example("EV-LOG-01-C2", "lacks_field", trail(status={"LatestDeliveryTime": "2026-11-01T05:00:00Z"}))
example("EV-LOG-01-C2", "lacks_field", without(trail(), "status"))

WANTED = {"data_classification": {"data_event_resources": [BUCKET]}}
NOTHING_WANTED = {"data_classification": {"data_event_resources": []}}
example("EV-LOG-01-C3", "pass", trail(selectors=basic(MANAGEMENT | {"DataResources": [data(BUCKET)]})), facts=WANTED)
example("EV-LOG-01-C3", "pass", trail(), "nothing is classified", facts=NOTHING_WANTED)
for position in range(3):  # one entry for each type of resource, in any order
    entries = [data("arn:aws:lambda", type_="AWS::Lambda::Function")] * position + [data("arn:aws:s3")]
    example(
        "EV-LOG-01-C3", "pass", trail(selectors=basic(MANAGEMENT, MANAGEMENT | {"DataResources": entries})),
        f"all of S3, entry {position}", facts=WANTED,
    )  # fmt: skip
for selector, why in (
    (MANAGEMENT | {"ReadWriteType": "WriteOnly"}, "reads are not recorded"),
    (MANAGEMENT | {"IncludeManagementEvents": False}, "management events are not recorded"),
    (MANAGEMENT, "no data events"),
    (MANAGEMENT | {"DataResources": [data()]}, "no resource named"),
    (MANAGEMENT | {"DataResources": [data("arn:aws:s3:::patients-archive/")]}, "another bucket"),
    (MANAGEMENT | {"DataResources": [data("arn:aws:s3:::pat")]}, "the beginning of a name is not the bucket"),
    (MANAGEMENT | {"DataResources": [data("arn:aws:lambda", type_="AWS::Lambda::Function")]}, "another type"),
):
    example("EV-LOG-01-C3", "fail", trail(selectors=basic(selector)), why, facts=WANTED)
example(
    "EV-LOG-01-C3", "fail",
    trail(selectors=advanced(equals("eventCategory", "Management"), equals("readOnly", "true"))),
    "advanced selectors that record reads only", facts=WANTED,
)  # fmt: skip
example(
    "EV-LOG-01-C3", "fail", trail(selectors=advanced(equals("eventCategory", "Data"))),
    "advanced selectors without management events", facts=NOTHING_WANTED,
)  # fmt: skip
example(
    "EV-LOG-01-C3", "cannot_tell", trail(selectors=advanced(equals("eventCategory", "Management"))),
    "advanced selectors need a person", facts=WANTED,
)  # fmt: skip
example("EV-LOG-01-C3", "not_applicable", SHADOW, facts=WANTED)
example("EV-LOG-01-C3", "lacks_field", without(trail(), "event_selectors"), facts=WANTED)

PLATFORM = {"log_platform": {"buckets": ["trail-logs"]}}
example("EV-LOG-01-C4", "pass", trail(), facts={"log_platform": {"buckets": []}})
example(
    "EV-LOG-01-C4", "pass", trail(drop=("CloudWatchLogsLogGroupArn",)), "a platform reads the bucket",
    facts=PLATFORM, excused=True,
)  # fmt: skip
example("EV-LOG-01-C4", "fail", trail(drop=("CloudWatchLogsLogGroupArn",)), facts={"log_platform": {"buckets": []}})
example("EV-LOG-01-C4", "fail", trail(drop=("KmsKeyId",)), "no key", facts=PLATFORM)
example("EV-LOG-01-C4", "fail", trail(drop=("LogFileValidationEnabled",)), "no validation", facts=PLATFORM)
example("EV-LOG-01-C4", "not_applicable", SHADOW, facts=PLATFORM)
example("EV-LOG-01-C4", "lacks_field", without(trail(), "LogFileValidationEnabled"), facts=PLATFORM)


def extract(*lines: Body, view: str | None = None, region: str = REGION) -> Records:
    """Records of the extract of a region's log files."""
    told = Told("aws.cloudtrail.log_files", region)
    told.call("ListObjectsV2", "list", {"KeyCount": 1}, "trail-logs", "2026-10-01", service="s3")
    told.files[EXTRACT] = [canonical_bytes(line) + b"\n" for line in lines]
    return told.records(view)


def day_file(day: int) -> Body:
    text = f"2026-10-{day:02}"
    return {"type": "file", "key": f"AWSLogs/{text}.json.gz", "day": text, "by_day": {text: 7}, "events": 7}


ALL_DAYS = tuple(day_file(day) for day in range(1, 32))


def days(*files: Body, region: str = REGION) -> Records:
    return extract(*files, view="aws.cloudtrail.log_days", region=region)


QUIET = "eu-central-1"
example("EV-LOG-06-C1", "pass", place(), lists={"days": days(*ALL_DAYS)})
example(
    "EV-LOG-06-C1", "pass", place(), "a quiet region has no files", lists={"days": days(*ALL_DAYS) + days(region=QUIET)}
)
example("EV-LOG-06-C1", "fail", place(), "a day is missing", lists={"days": days(*ALL_DAYS[:12], *ALL_DAYS[13:])})
example("EV-LOG-06-C1", "fail", place(), "no log at all", lists={"days": days()})
example("EV-LOG-06-C1", "fail", place(), "nothing known", lists={"days": ()})
example("EV-LOG-06-C1", "lacks_field", place(), lists={"days": tuple(without(day, "Files") for day in days())})


def event(name: str, **fields: Any) -> Body:
    shared = {"eventID": f"id-{name}", "eventTime": "2026-10-05T10:00:00Z", "sourceIPAddress": "198.51.100.7"}
    return shared | {"eventName": name, "awsRegion": REGION, "eventSource": "signin.amazonaws.com"} | fields


def sign_in(outcome: str, who: str = "ana", type_: str = "IAMUser", mfa: str | None = "No") -> Body:
    more = {"additionalEventData": {"MFAUsed": mfa}} if mfa else {}
    identity = {"type": type_, "userName": who}
    made = event("ConsoleLogin", userIdentity=identity, responseElements={"ConsoleLogin": outcome}, **more)
    return {"type": "event", "reasons": ["sign_in"], "event": made}


def failures(count: int, who: str = "ana") -> Record:
    return extract(*[sign_in("Failure", who)] * count, view="aws.cloudtrail.sign_in_days")[0]


def signed_in(**identity: Any) -> Record:
    return extract(sign_in("Success", **identity), view="aws.cloudtrail.sign_ins")[0]


ROOT_EVENT = {"type": "event", "reasons": ["root"], "event": event("DeleteTrail", userIdentity={"type": "Root"})}
root_event = extract(ROOT_EVENT, view="aws.cloudtrail.root_events")[0]
NO_TICKET = {"finding_tickets": {"tickets": []}}

example("EV-LOG-06-C2", "pass", failures(10), facts=NO_TICKET)
example(
    "EV-LOG-06-C2", "pass", failures(11), "explained",
    facts={"finding_tickets": {"tickets": ["2026-10-05/ana"]}}, excused=True,
)  # fmt: skip
example("EV-LOG-06-C2", "fail", failures(11), facts=NO_TICKET)
example("EV-LOG-06-C2", "fail", failures(11, "HIDDEN_DUE_TO_SECURITY_REASONS"), "by source address", facts=NO_TICKET)
example("EV-LOG-06-C2", "lacks_field", without(failures(1), "Failed"), facts=NO_TICKET)
example("EV-LOG-06-C3", "pass", root_event, facts={"finding_tickets": {"tickets": ["id-DeleteTrail"]}}, excused=True)
example("EV-LOG-06-C3", "fail", root_event, facts=NO_TICKET)
example("EV-LOG-06-C4", "pass", signed_in(mfa="Yes"))
example("EV-LOG-06-C4", "fail", signed_in(mfa="No"))
example("EV-LOG-06-C4", "fail", signed_in(mfa=None), "the event does not say")
example("EV-LOG-06-C4", "fail", signed_in(mfa="No", type_="Root"))
example("EV-LOG-06-C4", "not_applicable", signed_in(mfa="No", type_="AssumedRole"), "federated")
example("EV-LOG-06-C4", "lacks_field", without(signed_in(mfa="Yes"), "MFAUsed"))


# --- encryption at rest ---------------------------------------------------------------------------------------------

example("EV-ENC-01-C1", "pass", listed("aws.ec2.ebs_encryption_by_default", {"EbsEncryptionByDefault": True})[0])
example("EV-ENC-01-C1", "fail", listed("aws.ec2.ebs_encryption_by_default", {"EbsEncryptionByDefault": False})[0])
example("EV-ENC-01-C1", "fail", listed("aws.ec2.ebs_encryption_by_default", {})[0], "left out means off, as declared")
example(
    "EV-ENC-01-C1", "lacks_field",
    without(listed("aws.ec2.ebs_encryption_by_default", {})[0], "EbsEncryptionByDefault"),
)  # fmt: skip
for check_id, kind, id_field in (
    ("EV-ENC-01-C2", "aws.ec2.volumes", "VolumeId"),
    ("EV-ENC-01-C3", "aws.ec2.snapshots", "SnapshotId"),
):
    example(check_id, "pass", listed(kind, {id_field: "x-1", "Encrypted": True})[0])
    example(check_id, "fail", listed(kind, {id_field: "x-2", "Encrypted": False})[0])
    example(check_id, "lacks_field", listed(kind, {id_field: "x-3"})[0], "AWS left it out")

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/ours"
STORES = {
    "aws.rds.instances": "DBInstanceIdentifier",
    "aws.rds.clusters": "DBClusterIdentifier",
    "aws.neptune.clusters": "DBClusterIdentifier",
    "aws.docdb.clusters": "DBClusterIdentifier",
}
CLASSES = {
    "data_classification": {
        "resources": {"patients": "phi", "website": "public"},
        "customer_key_classes": ["phi"],
        "customer_managed_keys": [KEY],
    }
}
for kind, id_field in STORES.items():
    encrypted = listed(kind, {id_field: "patients", "StorageEncrypted": True, "KmsKeyId": KEY})[0]
    example("EV-ENC-02-C1", "pass", encrypted)
    example("EV-ENC-02-C1", "fail", listed(kind, {id_field: "patients", "StorageEncrypted": False})[0])
    example("EV-ENC-02-C1", "lacks_field", without(encrypted, "StorageEncrypted"))
    example("EV-ENC-02-C3", "pass", encrypted, facts=CLASSES)
    example("EV-ENC-02-C3", "fail", listed(kind, {id_field: "patients", "KmsKeyId": "aws"})[0], facts=CLASSES)
    example("EV-ENC-02-C3", "fail", listed(kind, {id_field: "patients"})[0], "no key at all", facts=CLASSES)
    example("EV-ENC-02-C3", "fail", listed(kind, {id_field: "new"})[0], "no class is in scope", facts=CLASSES)
    example("EV-ENC-02-C3", "not_applicable", listed(kind, {id_field: "website"})[0], facts=CLASSES)
for kind, id_field, flag in (
    ("aws.rds.snapshots", "DBSnapshotIdentifier", "Encrypted"),
    ("aws.rds.cluster_snapshots", "DBClusterSnapshotIdentifier", "StorageEncrypted"),
    ("aws.neptune.cluster_snapshots", "DBClusterSnapshotIdentifier", "StorageEncrypted"),
):
    example("EV-ENC-02-C2", "pass", listed(kind, {id_field: "s", flag: True})[0])
    example("EV-ENC-02-C2", "fail", listed(kind, {id_field: "s", flag: False})[0])
    example("EV-ENC-02-C2", "fail", listed(kind, {id_field: "s"})[0], "left out means not encrypted, as declared")


# --- network --------------------------------------------------------------------------------------------------------


def opening(port: int, to: int | None = None, protocol: str = "tcp", **fields: Any) -> Record:
    item = {
        "SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IsEgress": False, "IpProtocol": protocol,
        "FromPort": port, "ToPort": port if to is None else to, "CidrIpv4": "0.0.0.0/0",
    }  # fmt: skip
    return listed("aws.ec2.security_group_rules", {k: v for k, v in (item | fields).items() if v is not None})[0]


V6 = {"CidrIpv4": None, "CidrIpv6": "::/0"}
INSIDE = {"CidrIpv4": "10.0.0.0/8"}
example("EV-NET-01-C1", "pass", opening(443))
example("EV-NET-01-C1", "pass", opening(443, **V6))
example("EV-NET-01-C1", "fail", opening(22))
example("EV-NET-01-C1", "fail", opening(5432, **V6))
example("EV-NET-01-C1", "fail", opening(3000, 4000), "a range around 3306 and 3389")
example("EV-NET-01-C1", "fail", opening(-1, protocol="-1"), "all protocols")
example("EV-NET-01-C1", "fail", opening(0, 65535), "all ports")
example("EV-NET-01-C1", "fail", opening(3389, protocol="17"), "by number")
example("EV-NET-01-C1", "not_applicable", opening(22, **INSIDE))
example("EV-NET-01-C1", "not_applicable", opening(22, IsEgress=True))
example("EV-NET-01-C1", "lacks_field", opening(443, IpProtocol=None))


def interface(group: str = "sg-1", subnet: str = "subnet-1") -> Records:
    item = {"NetworkInterfaceId": "eni-1", "SubnetId": subnet, "Groups": [{"GroupId": group, "GroupName": group}]}
    return listed("aws.ec2.network_interfaces", item)


ATTACHED = {"interfaces": interface()}
example("EV-NET-01-C2", "pass", opening(443), lists=ATTACHED)
example("EV-NET-01-C2", "pass", opening(80, **V6), lists=ATTACHED)
example("EV-NET-01-C2", "fail", opening(8080), lists=ATTACHED)
example("EV-NET-01-C2", "fail", opening(80, 443), "a range", lists=ATTACHED)
example("EV-NET-01-C2", "fail", opening(-1, protocol="-1"), "all protocols", lists=ATTACHED)
example("EV-NET-01-C2", "not_applicable", opening(8080), "attached to nothing", lists={"interfaces": interface("sg-2")})
example("EV-NET-01-C2", "not_applicable", opening(8080, **INSIDE), lists=ATTACHED)
example("EV-NET-01-C2", "lacks_field", without(opening(443), "FromPort"), lists=ATTACHED)


def group(name: str = "default", **fields: Any) -> Record:
    return listed("aws.ec2.security_groups", {"GroupId": "sg-1", "GroupName": name} | fields)[0]


example("EV-NET-01-C3", "pass", group())
example("EV-NET-01-C3", "fail", group(IpPermissions=[{"IpProtocol": "-1"}]))
example("EV-NET-01-C3", "fail", group(IpPermissionsEgress=[{"IpProtocol": "-1"}]))
example("EV-NET-01-C3", "not_applicable", group("web", IpPermissions=[{"IpProtocol": "-1"}]))
example("EV-NET-01-C3", "lacks_field", without(group(), "GroupName"))


def entry(number: int, action: str, port: int | None = None, to: int | None = None, **fields: Any) -> Body:
    ports = {} if port is None else {"PortRange": {"From": port, "To": port if to is None else to}}
    protocol = "-1" if port is None else "6"
    item = {"RuleNumber": number, "RuleAction": action, "Egress": False, "Protocol": protocol} | ports
    return {k: v for k, v in (item | {"CidrBlock": "0.0.0.0/0"} | fields).items() if v is not None}


LAST = entry(32767, "deny")
ACL_V6 = {"CidrBlock": None, "Ipv6CidrBlock": "::/0"}


def acl(*entries: Body, default: bool = False) -> Record:
    item = {
        "NetworkAclId": "acl-1", "IsDefault": default, "Entries": [*entries, LAST],
        "Associations": [{"NetworkAclAssociationId": "a", "NetworkAclId": "acl-1", "SubnetId": "subnet-1"}],
    }  # fmt: skip
    return listed("aws.ec2.network_acls", item)[0]


for case, entries, why in (
    ("pass", [entry(100, "allow", 443)], ""),
    ("pass", [entry(90, "deny", 22), entry(100, "allow", 0, 1024)], "denied before"),
    ("pass", [entry(90, "deny"), entry(100, "allow")], "all denied before"),
    ("pass", [entry(100, "allow", 22, CidrBlock="10.0.0.0/8")], "not everyone"),
    ("pass", [entry(100, "allow", 22, Egress=True)], "outwards"),
    ("pass", [entry(90, "deny", 22, **ACL_V6), entry(100, "allow", 22, **ACL_V6)], "IPv6 denied before"),
    ("fail", [entry(100, "allow", 22)], "ssh"),
    ("fail", [entry(100, "allow", 3000, 4000)], "a range around 3389"),
    ("fail", [entry(100, "allow")], "everything"),
    ("fail", [entry(100, "allow", **ACL_V6)], "everything over IPv6"),
    ("fail", [entry(100, "allow", 22), entry(110, "deny", 22)], "denied too late"),
    ("fail", [entry(90, "deny", 22, **ACL_V6), entry(100, "allow", 22)], "the deny is for IPv6"),
    ("fail", [entry(90, "deny", 22), entry(100, "allow")], "3389 stays open"),
    ("fail", [entry(90, "deny", 22, CidrBlock="10.0.0.0/8"), entry(100, "allow", 22)], "the deny is for some"),
):
    example("EV-NET-01-C4", case, acl(*entries), why, lists=ATTACHED)  # type: ignore[arg-type]
example("EV-NET-01-C4", "fail", acl(entry(100, "allow"), default=True), "in use", lists=ATTACHED)
example(
    "EV-NET-01-C4", "not_applicable", acl(entry(100, "allow"), default=True), "a default ACL without interfaces",
    lists={"interfaces": interface(subnet="subnet-2")},
)  # fmt: skip
example("EV-NET-01-C4", "lacks_field", without(acl(entry(100, "allow", 443)), "Entries"), lists=ATTACHED)


# --- backups --------------------------------------------------------------------------------------------------------

DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:patients"
DISK = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1"
ELSEWHERE = f"arn:aws:backup:eu-central-1:{ACCOUNT}:backup-vault:copies"
RULE = {
    "RuleName": "daily", "RuleId": "rule-1", "TargetBackupVaultName": "main",
    "ScheduleExpression": "cron(0 3 ? * * *)", "StartWindowMinutes": 60, "Lifecycle": {"DeleteAfterDays": 35},
}  # fmt: skip


def plan(resources: tuple[str, ...] = (DATABASE,), rules: tuple[Body, ...] = (RULE,), name: str = "daily") -> Told:
    told = Told("aws.backup.plans")
    told.list({"BackupPlanId": "plan-1", "BackupPlanName": name, "CreationDate": "2025-01-01T00:00:00Z"})
    told.each("plan", {"BackupPlan": {"BackupPlanName": name, "Rules": list(rules)}}, "plan-1")
    told.each("selections", {"items": [{"SelectionId": "sel-1", "BackupPlanId": "plan-1"}]}, "plan-1")
    chosen = {"SelectionName": "s", "IamRoleArn": "arn:aws:iam::111122223333:role/b", "Resources": list(resources)}
    told.each("selections.selection", {"BackupSelection": chosen}, "plan-1", "sel-1")
    return told


def occasions(**made: Any) -> Records:
    return plan(**made).records("aws.backup.occasions")


def job(created: str, resource: str = DATABASE, state: str = "COMPLETED", by_hand: bool = False) -> Body:
    creator = {} if by_hand else {"CreatedBy": {"BackupPlanId": "plan-1", "BackupRuleId": "rule-1"}}
    return {
        "BackupJobId": f"{created}-{resource}",
        "ResourceArn": resource,
        "State": state,
        "CreationDate": created,
    } | creator


def jobs(*items: Body) -> dict[str, Records]:
    return {"jobs": listed("aws.backup.jobs", *items)}


def occasion(day: int, **made: Any) -> Record:
    return next(item for item in occasions(**made) if item.fields["ScheduledAt"].startswith(f"2026-10-{day:02}"))


CLASSIFIED = {
    "rpo_by_class": {"phi": 24},
    "data_classification": {"backup_plans": {"phi": ["daily"]}, "critical_backup_plans": ["daily"]},
}
example("EV-BKP-01-C1", "pass", place(), lists={"occasions": occasions()}, facts=CLASSIFIED)
for rule, why in (
    (RULE | {"Lifecycle": {"DeleteAfterDays": 34}}, "kept too short"),
    (RULE | {"ScheduleExpression": "cron(0 3 ? * SUN *)"}, "too seldom"),
):
    example("EV-BKP-01-C1", "fail", place(), why, lists={"occasions": occasions(rules=(rule,))}, facts=CLASSIFIED)
example("EV-BKP-01-C1", "fail", place(), "another plan", lists={"occasions": occasions(name="x")}, facts=CLASSIFIED)
example("EV-BKP-01-C1", "fail", place(), "no plan at all", lists={"occasions": ()}, facts=CLASSIFIED)
example(
    "EV-BKP-01-C1", "fail", place(), "no plan is named for a class", lists={"occasions": occasions()},
    facts=CLASSIFIED | {"rpo_by_class": {"phi": 24, "billing": 24}},
)  # fmt: skip
example(
    "EV-BKP-01-C1", "lacks_field", place(),
    lists={"occasions": tuple(without(item, "RetentionDays") for item in occasions())}, facts=CLASSIFIED,
)  # fmt: skip


def vault(policy: Body | None = None, drop: tuple[str, ...] = (), **fields: Any) -> Record:
    item = {"BackupVaultName": "main", "EncryptionKeyArn": KEY} | fields
    told = Told("aws.backup.vaults").list({name: value for name, value in item.items() if name not in drop})
    told.each("detail", {"BackupVaultName": "main"}, "main")
    if policy is None:
        told.absent("access_policy", "ResourceNotFoundException", "main")
    else:
        told.each("access_policy", {"BackupVaultName": "main", "Policy": json.dumps(policy)}, "main")
    return told.records()[0]


def denying(**fields: Any) -> Body:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"} | fields
    return {"Version": "2012-10-17", "Statement": {k: v for k, v in statement.items() if v is not None}}


example("EV-BKP-01-C2", "pass", vault(Locked=True))
example("EV-BKP-01-C2", "pass", vault(denying()))
example("EV-BKP-01-C2", "pass", vault(denying(Principal={"AWS": "*"}, Action=["backup:Start*", "backup:*"])))
example("EV-BKP-01-C2", "fail", vault(), "neither lock nor policy")
example("EV-BKP-01-C2", "fail", vault(Locked=True, drop=("EncryptionKeyArn",)), "not encrypted")
for change, why in (
    ({"Effect": "Allow"}, "allows"),
    ({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, "not everyone"),
    ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, "only sometimes"),
    ({"Action": "backup:StartBackupJob"}, "another action"),
    ({"Action": None, "NotAction": "backup:List*"}, "an action left out"),
    ({"Resource": f"{DATABASE}-one-point"}, "only one recovery point"),
):
    example("EV-BKP-01-C2", "fail", vault(denying(**change)), why)
example("EV-BKP-01-C2", "lacks_field", without(vault(), "Locked"))

COPYING = RULE | {"CopyActions": [{"DestinationBackupVaultArn": ELSEWHERE}]}
SAME_PLACE = RULE | {
    "CopyActions": [{"DestinationBackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:b"}]
}
OTHER_ACCOUNT = RULE | {
    "CopyActions": [{"DestinationBackupVaultArn": f"arn:aws:backup:{REGION}:444455556666:backup-vault:b"}]
}
NOT_CRITICAL = {"data_classification": {"critical_backup_plans": []}}
for rule in (COPYING, OTHER_ACCOUNT):
    example("EV-BKP-01-C3", "pass", plan(rules=(RULE, rule)).records()[0], facts=CLASSIFIED)
example("EV-BKP-01-C3", "pass", plan().records()[0], "not critical", facts=NOT_CRITICAL, excused=True)
for rule, why in ((RULE, "no copy"), (SAME_PLACE, "a copy to the same place")):
    example("EV-BKP-01-C3", "fail", plan(rules=(rule,)).records()[0], why, facts=CLASSIFIED)
example("EV-BKP-01-C3", "lacks_field", without(plan().records()[0], "plan"), facts=CLASSIFIED)

at_once = jobs(job("2026-10-20T03:05:00Z"))
example("EV-BKP-02-C1", "pass", occasion(20), lists=at_once, facts=NO_TICKET)
late = jobs(job("2026-10-20T03:05:00Z", state="FAILED"), job("2026-10-21T02:59:59Z"))
example("EV-BKP-02-C1", "pass", occasion(20), "cured before the next occasion", lists=late, facts=NO_TICKET)
example("EV-BKP-02-C1", "fail", occasion(19), "the next occasion's job cures nothing", lists=at_once, facts=NO_TICKET)
example(
    "EV-BKP-02-C1", "pass", occasion(20), "cured by hand",
    lists=jobs(job("2026-10-20T03:05:00Z", state="FAILED"), job("2026-10-20T09:00:00Z", by_hand=True)), facts=NO_TICKET,
)  # fmt: skip
example("EV-BKP-02-C1", "pass", occasion(20, resources=()), "chosen by tag", lists=at_once, facts=NO_TICKET)
example(
    "EV-BKP-02-C1", "pass", occasion(20), "explained", lists=jobs(), excused=True,
    facts={"finding_tickets": {"tickets": [occasion(20).id]}},
)  # fmt: skip
for state in ("FAILED", "EXPIRED", "ABORTED", "PARTIAL", "RUNNING"):
    example(
        "EV-BKP-02-C1", "fail", occasion(20), state,
        lists=jobs(job("2026-10-20T03:05:00Z", state=state)), facts=NO_TICKET,
    )  # fmt: skip
example("EV-BKP-02-C1", "fail", occasion(20), "never started", lists=jobs(), facts=NO_TICKET)
example("EV-BKP-02-C1", "fail", occasion(21), "only before", lists=at_once, facts=NO_TICKET)
example(
    "EV-BKP-02-C1",
    "fail",
    occasion(20, resources=(DATABASE, DISK)),
    "one of two resources",
    lists=at_once,
    facts=NO_TICKET,
)
example(
    "EV-BKP-02-C1", "fail", occasion(20, resources=()), "chosen by tag, only by hand",
    lists=jobs(job("2026-10-20T09:00:00Z", by_hand=True)), facts=NO_TICKET,
)  # fmt: skip
example("EV-BKP-02-C1", "cannot_tell", occasion(1), "older than AWS lists jobs", lists=jobs(), facts=NO_TICKET)
NIGHT = RULE | {"ScheduleExpression": "cron(0 23 ? * * *)", "StartWindowMinutes": 600}
example("EV-BKP-02-C1", "not_applicable", occasion(31, rules=(NIGHT,)), "not due yet", lists=jobs(), facts=NO_TICKET)
example("EV-BKP-02-C1", "lacks_field", without(occasion(20), "Due"), lists=at_once, facts=NO_TICKET)


def point(
    completed: str, arn: str = "arn:aws:ec2:eu-west-1::snapshot/snap-1", by_hand: bool = False, **fields: Any
) -> Records:
    creator = {} if by_hand else {"CreatedBy": {"BackupPlanId": "plan-1", "BackupRuleId": "rule-1"}}
    item = {
        "RecoveryPointArn": arn, "Status": "COMPLETED", "CreationDate": completed, "CompletionDate": completed,
        "IsEncrypted": True, "CalculatedLifecycle": {"DeleteAt": "2026-12-01T00:00:00Z"},
    }  # fmt: skip
    told = Told("aws.backup.recovery_points")
    told.list({k: v for k, v in (item | creator | fields).items() if v is not None}, source="main")
    told.each("detail", {"RecoveryPointArn": arn}, "main", arn)
    return told.records()


FRESH, STALE = "2026-10-31T06:00:00Z", "2026-10-31T05:59:59Z"
CONTINUOUS = "arn:aws:backup:eu-west-1:111122223333:recovery-point:continuous:s3-1"
the_plan = plan().records()[0]
example("EV-BKP-02-C2", "pass", the_plan, lists={"points": point(FRESH)}, facts=CLASSIFIED)
example(
    "EV-BKP-02-C2", "pass", the_plan, "beside one by hand",
    lists={"points": point(FRESH) + point(STALE, by_hand=True)}, facts=CLASSIFIED,
)  # fmt: skip
example(
    "EV-BKP-02-C2", "pass", the_plan, "no class counts on it", lists={"points": point(STALE)},
    facts=CLASSIFIED | {"data_classification": {"backup_plans": {"phi": ["other"]}}},
)  # fmt: skip
example("EV-BKP-02-C2", "fail", the_plan, lists={"points": point(STALE)}, facts=CLASSIFIED)
example("EV-BKP-02-C2", "fail", the_plan, "none at all", lists={"points": ()}, facts=CLASSIFIED)
example(
    "EV-BKP-02-C2", "fail", the_plan, "only by hand", lists={"points": point(FRESH, by_hand=True)}, facts=CLASSIFIED
)
example("EV-BKP-02-C2", "fail", the_plan, lists={"points": point(FRESH, Status="PARTIAL")}, facts=CLASSIFIED)
example(
    "EV-BKP-02-C2", "cannot_tell", the_plan, "continuous", lists={"points": point(STALE, CONTINUOUS)}, facts=CLASSIFIED
)
example(
    "EV-BKP-02-C2", "lacks_field", without(the_plan, "BackupPlanName"), lists={"points": point(FRESH)}, facts=CLASSIFIED
)

example("EV-BKP-02-C3", "pass", point(FRESH)[0])
example("EV-BKP-02-C3", "fail", point(FRESH, IsEncrypted=False)[0])
example("EV-BKP-02-C3", "fail", point(FRESH, CalculatedLifecycle={"MoveToColdStorageAt": FRESH})[0], "kept for ever")
example("EV-BKP-02-C3", "fail", point(FRESH, CalculatedLifecycle=None)[0], "no lifecycle")
example("EV-BKP-02-C3", "lacks_field", point(FRESH, IsEncrypted=None)[0])


def renamed(item: Example, id_: str) -> Example:
    """The same record under another id: each record of a world has its own."""
    return replace(item, record=item.record.model_copy(update={"id": id_}))


# --- what the derivations yield

EVERYTHING = {"access_key_1_active": "true", "access_key_2_active": "true", "password_enabled": "true"}
DATES = dict.fromkeys(
    (
        "password_last_used",
        "password_last_changed",
        "access_key_1_last_rotated",
        "access_key_1_last_used_date",
        "access_key_2_last_rotated",
        "access_key_2_last_used_date",
    ),
    "2026-10-01T00:00:00+00:00",
)
FULL = user(**EVERYTHING, **DATES)
_SAMPLES = {
    "aws.iam.credential_report": report(FULL, ROOT_ROW),
    "aws.iam.credentials": report(FULL, view="aws.iam.credentials"),
    "aws.cloudtrail.log_files": extract({"type": "file", "key": "k", "day": "2026-10-01", "events": 1}),
    "aws.cloudtrail.log_days": days(),
    "aws.cloudtrail.sign_in_days": extract(
        sign_in("Failure"), sign_in("Failure", "HIDDEN_DUE_TO_SECURITY_REASONS"), view="aws.cloudtrail.sign_in_days"
    ),
    "aws.cloudtrail.sign_ins": extract(sign_in("Success"), view="aws.cloudtrail.sign_ins"),
    "aws.cloudtrail.root_events": extract(ROOT_EVENT, view="aws.cloudtrail.root_events"),
    "aws.backup.occasions": occasions(),
}
for _kind, _records in _SAMPLES.items():
    derived(_kind, _records)
