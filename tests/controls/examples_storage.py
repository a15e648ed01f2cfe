"""Examples of object storage: buckets, access points, retention, location, the evidence store, discovery."""

from __future__ import annotations

import json
from typing import Any

from answers import ACCOUNT, REGION, Body, Told, listed
from exampling import Records, derived, example, place, without

from evidence_schema.models.transcript import Record

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
NAME = "records"
ABSENT = {
    "tagging": "NoSuchTagSet",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "policy": "NoSuchBucketPolicy",
    "policy_status": "NoSuchBucketPolicy",
    "public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "ownership_controls": "OwnershipControlsNotFoundError",
    "object_lock": "ObjectLockConfigurationNotFoundError",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
}
OWNER = {"Grantee": {"Type": "CanonicalUser", "ID": "f00d"}, "Permission": "FULL_CONTROL"}
ALWAYS: dict[str, Body] = {
    "location": {"LocationConstraint": REGION},
    "acl": {"Owner": {"ID": "f00d"}, "Grants": [OWNER]},
    "versioning": {},
    "logging": {},
    "notification": {},
}


def bucket(name: str = NAME, **answers: Body) -> Record:
    """A bucket as it is made: what is not answered was never set."""
    told = Told("aws.s3.buckets").list({"Name": name, "CreationDate": "2026-01-01T00:00:00Z"})
    for asked, answer in (ALWAYS | answers).items():
        told.each(asked, answer, name)
    for asked, code in ABSENT.items():
        if asked not in answers:
            told.absent(asked, code, name)
    return told.records()[0]


def classified(class_: str = "phi", *names: str, **more: Any) -> Body:
    """The organisation's word on the buckets of these names."""
    words = {
        "resources": dict.fromkeys(names or (NAME,), class_),
        "customer_key_classes": ["phi"],
        "sensitive_classes": ["phi"],
        "critical_classes": ["phi"],
    }
    return {"data_classification": words | more}


INTERNAL, PHI = classified("internal"), classified("phi")
UNCLASSIFIED = classified("internal", "another")

# --- encryption -----------------------------------------------------------------------------------------------------


def encrypted(algorithm: str = "aws:kms", key: str = KEY) -> Body:
    chosen = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": chosen}]}}


S3_KEY = encrypted("AES256", "")
example("EV-ENC-03-C1", "pass", bucket(encryption=encrypted()), facts=PHI)
example("EV-ENC-03-C1", "pass", bucket(encryption=encrypted("aws:kms:dsse")), facts=PHI)
example("EV-ENC-03-C1", "pass", bucket(encryption=S3_KEY), "its class asks for no key of ours", facts=INTERNAL)
example("EV-ENC-03-C1", "fail", bucket(), "no default encryption", facts=INTERNAL)
example("EV-ENC-03-C1", "fail", bucket(encryption=S3_KEY), "no key of ours", facts=PHI)
example("EV-ENC-03-C1", "fail", bucket(encryption=S3_KEY), "no class: in scope", facts=UNCLASSIFIED)
example("EV-ENC-03-C1", "fail", bucket(encryption=encrypted(key="")), "no key named", facts=PHI)
example(
    "EV-ENC-03-C1", "fail", bucket(encryption=encrypted(key=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3")),
    "AWS's own key", facts=PHI,
)  # fmt: skip
example("EV-ENC-03-C1", "fail", bucket(encryption={"ServerSideEncryptionConfiguration": {"Rules": []}}), facts=INTERNAL)

BOTH = [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]


def policy(*statements: Body) -> Body:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def tls_only(**new: Any) -> Body:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    said = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": BOTH, "Condition": condition}
    return said | new


def with_policy(*statements: Body) -> Record:
    return bucket(policy=policy(*statements))


example("EV-ENC-03-C2", "pass", with_policy(tls_only()))
example("EV-ENC-03-C2", "pass", with_policy(tls_only(Principal={"AWS": ["*"]}, Action=["*"], Resource="*")))
example("EV-ENC-03-C2", "pass", with_policy(tls_only(Condition={"Bool": {"aws:securetransport": False}})))
example("EV-ENC-03-C2", "pass", with_policy(tls_only(Condition={"Bool": {"aws:SecureTransport": ["false"]}})))
example("EV-ENC-03-C2", "pass", with_policy(*(tls_only(Resource=resource) for resource in BOTH)), "one statement each")
for change, why in (
    ({"Effect": "Allow"}, "it allows"),
    ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, "one account only"),
    ({"Action": "s3:GetObject"}, "reads only"),
    ({"Resource": BOTH[1]}, "objects only"),
    ({"Resource": BOTH[0]}, "the bucket only"),
    ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "the wrong way round"),
    ({"Condition": {"Bool": {"aws:ViaAWSService": "false"}}}, "another condition"),
    ({"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}}, "two conditions"),
    (
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
        "some addresses only",
    ),
):
    example("EV-ENC-03-C2", "fail", with_policy(tls_only(**change)), why)
example("EV-ENC-03-C2", "fail", bucket(), "no policy")

# --- public access --------------------------------------------------------------------------------------------------

SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def block(**off: bool) -> Body:
    return {"PublicAccessBlockConfiguration": dict.fromkeys(SETTINGS, True) | off}


def account_block(**off: bool) -> Records:
    return listed("aws.s3control.public_access_block", block(**off))


NEVER_SET = {"blocks": ()}
APPROVED = {"approved_public_resources": {"resources": [NAME]}}
NOT_APPROVED: Body = {"approved_public_resources": {"resources": []}}
example("EV-NET-04-C1", "pass", place(), lists={"blocks": account_block()})
example("EV-NET-04-C1", "fail", place(), "never set", lists=NEVER_SET)
for setting in SETTINGS:
    example("EV-NET-04-C1", "fail", place(), setting, lists={"blocks": account_block(**{setting: False})})
example(
    "EV-NET-04-C1", "lacks_field", place(),
    lists={"blocks": listed("aws.s3control.public_access_block", {"PublicAccessBlockConfiguration": {}})},
)  # fmt: skip

whole, open_ = {"lists": {"blocks": account_block()}}, bucket(public_access_block=block(BlockPublicPolicy=False))
example("EV-NET-04-C2", "pass", bucket(public_access_block=block()), lists=NEVER_SET, facts=NOT_APPROVED)
example("EV-NET-04-C2", "pass", bucket(), "the account's", **whole, facts=NOT_APPROVED)
example("EV-NET-04-C2", "pass", open_, "the account's covers it", **whole, facts=NOT_APPROVED)
example("EV-NET-04-C2", "pass", open_, "approved", lists=NEVER_SET, facts=APPROVED, excused=True)
example("EV-NET-04-C2", "fail", bucket(), lists=NEVER_SET, facts=NOT_APPROVED)
for setting in SETTINGS:
    halves = {"lists": {"blocks": account_block(**{setting: False})}, "facts": NOT_APPROVED}
    example("EV-NET-04-C2", "fail", bucket(public_access_block=block(**{setting: False})), setting, **halves)
    example("EV-NET-04-C2", "pass", bucket(public_access_block=block()), f"{setting}: the bucket's own", **halves)
example(
    "EV-NET-04-C2", "lacks_field", bucket(public_access_block={"PublicAccessBlockConfiguration": {}}),
    lists=NEVER_SET, facts=NOT_APPROVED,
)  # fmt: skip


def owned(**answers: Body) -> Record:
    """A bucket whose ACLs are disabled."""
    return bucket(ownership_controls={"OwnershipControls": {"Rules": [{"ObjectOwnership": OWNED}]}}, **answers)


def granted(group: str) -> Body:
    grantee = {"Type": "Group", "URI": f"http://acs.amazonaws.com/groups/{group}"}
    return {"Owner": {"ID": "f00d"}, "Grants": [OWNER, {"Grantee": grantee, "Permission": "READ"}]}


OWNED = "BucketOwnerEnforced"
PUBLIC = {"PolicyStatus": {"IsPublic": True}}
example("EV-NET-04-C3", "pass", owned(), facts=NOT_APPROVED)
example("EV-NET-04-C3", "pass", owned(policy_status={"PolicyStatus": {"IsPublic": False}}), facts=NOT_APPROVED)
example("EV-NET-04-C3", "pass", owned(acl=granted("s3/LogDelivery")), "not the public", facts=NOT_APPROVED)
example("EV-NET-04-C3", "pass", owned(policy_status=PUBLIC), "approved", facts=APPROVED, excused=True)
example("EV-NET-04-C3", "fail", owned(policy_status=PUBLIC), facts=NOT_APPROVED)
example("EV-NET-04-C3", "fail", bucket(), "ACLs were never disabled", facts=APPROVED)
PREFERRED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}}
example("EV-NET-04-C3", "fail", bucket(ownership_controls=PREFERRED), "ACLs count", facts=APPROVED)
for group in ("global/AllUsers", "global/AuthenticatedUsers"):
    example("EV-NET-04-C3", "fail", owned(acl=granted(group)), group, facts=APPROVED)
example("EV-NET-04-C3", "lacks_field", without(owned(), "acl"), facts=NOT_APPROVED)


def access_point(status: Body | None) -> Record:
    arn = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/reports"
    told = Told("aws.s3control.access_points").list(
        {"Name": "reports", "NetworkOrigin": "Internet", "Bucket": NAME, "AccessPointArn": arn}
    )
    if status is None:
        told.absent("policy_status", "NoSuchAccessPointPolicy", arn)
    else:
        told.each("policy_status", {"PolicyStatus": status}, arn)
    return told.records()[0]


POINT = {"approved_public_resources": {"resources": [access_point(None).id]}}
example("EV-NET-04-C4", "pass", access_point({"IsPublic": False}), facts=NOT_APPROVED)
example("EV-NET-04-C4", "pass", access_point(None), "no policy", facts=NOT_APPROVED)
example("EV-NET-04-C4", "pass", access_point({"IsPublic": True}), facts=POINT, excused=True)
example("EV-NET-04-C4", "fail", access_point({"IsPublic": True}), facts=NOT_APPROVED)

# --- durability -----------------------------------------------------------------------------------------------------

VERSIONED = {"versioning": {"Status": "Enabled"}}


def trail_to(name: str) -> Records:
    return listed("aws.cloudtrail.trails", {"TrailARN": "trail", "S3BucketName": name})


def logs_to(name: str) -> Record:
    return bucket("web", logging={"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": ""}})


QUIET = {"trails": trail_to("elsewhere"), "buckets": (bucket(), logs_to("elsewhere"))}
TRAILED = {"trails": trail_to(NAME), "buckets": (bucket(),)}
LOGGED = {"trails": (), "buckets": (bucket(), logs_to(NAME))}
example("EV-BKP-06-C1", "pass", bucket(**VERSIONED), lists=QUIET, facts=PHI)
example("EV-BKP-06-C1", "fail", bucket(), "never on", lists=QUIET, facts=PHI)
example("EV-BKP-06-C1", "fail", bucket(versioning={"Status": "Suspended"}), lists=QUIET, facts=PHI)
example("EV-BKP-06-C1", "fail", bucket(), "no class: in scope", lists=QUIET, facts=UNCLASSIFIED)
example("EV-BKP-06-C1", "fail", bucket(), "a trail's bucket", lists=TRAILED, facts=INTERNAL)
example("EV-BKP-06-C1", "fail", bucket(), "access logs", lists=LOGGED, facts=INTERNAL)
example("EV-BKP-06-C1", "not_applicable", bucket(), lists=QUIET, facts=INTERNAL)
example("EV-BKP-06-C1", "lacks_field", without(bucket(), "versioning"), lists=QUIET, facts=PHI)

IMMUTABLE = {"immutable_records": {"buckets": [NAME]}}
LOCKED = {"object_lock": {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}}
example("EV-BKP-06-C2", "pass", bucket(**LOCKED), facts=IMMUTABLE)
example("EV-BKP-06-C2", "fail", bucket(), facts=IMMUTABLE)
example("EV-BKP-06-C2", "not_applicable", bucket("other"), facts=IMMUTABLE)
LACKING = {"object_lock": {"ObjectLockConfiguration": {}}}


def replicated(to: str = "copy", **new: Any) -> Body:
    rule = {"ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}} | new
    rule |= {"Destination": {"Bucket": f"arn:aws:s3:::{to}"}}
    return {"replication": {"ReplicationConfiguration": {"Role": "replication", "Rules": [rule]}}}


EVENTS = {"notification": {"EventBridgeConfiguration": {}}}
FAILED = {"TopicArn": "topic", "Events": ["s3:Replication:OperationFailedReplication"]}
AFAR, NEAR = bucket("copy", location={}), bucket("copy")
HAVE_AFAR, HAVE_NEAR = {"buckets": (bucket(), AFAR)}, {"buckets": (bucket(), NEAR)}
example("EV-BKP-06-C3", "pass", bucket(**replicated(), **EVENTS), "us-east-1", lists=HAVE_AFAR, facts=PHI)
example("EV-BKP-06-C3", "pass", bucket(**replicated("theirs"), **EVENTS), lists=HAVE_NEAR, facts=PHI)
example(
    "EV-BKP-06-C3", "pass", bucket(**replicated(), notification={"TopicConfigurations": [FAILED]}),
    lists=HAVE_AFAR, facts=PHI,
)  # fmt: skip
example("EV-BKP-06-C3", "fail", bucket(**EVENTS), "none", lists=HAVE_AFAR, facts=PHI)
example("EV-BKP-06-C3", "fail", bucket(**replicated(), **EVENTS), "same region", lists=HAVE_NEAR, facts=PHI)
example("EV-BKP-06-C3", "fail", bucket(**replicated()), "failures stay unseen", lists=HAVE_AFAR, facts=UNCLASSIFIED)
PUTS = {"notification": {"QueueConfigurations": [{"QueueArn": "queue", "Events": ["s3:ObjectCreated:*"]}]}}
example("EV-BKP-06-C3", "fail", bucket(**replicated(), **PUTS), "other events", lists=HAVE_AFAR, facts=PHI)
for change in (
    {"Status": "Disabled"},
    {"Filter": {"Prefix": "reports/"}},
    {"Filter": {"Tag": {"Key": "copy", "Value": "yes"}}},
    {"Filter": {"And": {"Prefix": "", "Tags": [{"Key": "copy", "Value": "yes"}]}}},
):
    example("EV-BKP-06-C3", "fail", bucket(**replicated(**change), **EVENTS), str(change), lists=HAVE_AFAR, facts=PHI)
example("EV-BKP-06-C3", "pass", bucket(), "not critical", lists=HAVE_AFAR, facts=INTERNAL, excused=True)
example(
    "EV-BKP-06-C3", "lacks_field", without(bucket(**replicated(), **EVENTS), "location"), lists=HAVE_AFAR, facts=PHI
)

# --- retention ------------------------------------------------------------------------------------------------------

EVERYWHERE = (NAME, "visits", "audit-trail", "orders")


def scheduled(class_: str = "internal", *names: str) -> Body:
    schedule = {
        "days": {"internal": 365, "phi": 3650},
        "backup_days": 60,
        "oldest_records": {"visits": "2025-11-02T00:00:00Z"},
    }
    return classified(class_, *(names or EVERYWHERE)) | {"retention_schedule": schedule}


EXPIRES = {"Expiration": {"Days": 365}, "Filter": {"Prefix": ""}}


def expiring(*rules: Body, **answers: Body) -> Record:
    return bucket(lifecycle={"Rules": [{"ID": "expiry", "Status": "Enabled"} | rule for rule in rules]}, **answers)


def table(name: str = "visits", status: str = "DISABLED", **fields: Any) -> Record:
    told = Told("aws.dynamodb.tables").list(name)
    told.each("table", {"Table": {"TableName": name, "TableStatus": "ACTIVE"} | fields}, name)
    told.each("continuous_backups", {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}}, name)
    told.each("time_to_live", {"TimeToLiveDescription": {"TimeToLiveStatus": status}}, name)
    return told.records()[0]


def log_group(days: int | None) -> Record:
    retention = {"retentionInDays": days} if days else {}
    return listed("aws.logs.groups", {"logGroupName": "audit-trail", "arn": "group"} | retention)[0]


def stream(hours: int) -> Record:
    summary = {"StreamName": "orders", "StreamStatus": "ACTIVE", "RetentionPeriodHours": hours}
    told = Told("aws.kinesis.streams").list("orders")
    return told.each("summary", {"StreamDescriptionSummary": summary}, "orders").records()[0]


OLD_VERSIONS = {"NoncurrentVersionExpiration": {"NoncurrentDays": 30}}
BARE = {"Expiration": {"Days": 365}}
example("EV-DAT-04-C1", "pass", expiring(EXPIRES), facts=scheduled())
example("EV-DAT-04-C1", "pass", expiring(BARE), facts=scheduled())
example("EV-DAT-04-C1", "pass", expiring(EXPIRES | OLD_VERSIONS, **VERSIONED), facts=scheduled())
example("EV-DAT-04-C1", "pass", expiring(EXPIRES, OLD_VERSIONS, **VERSIONED), "two rules", facts=scheduled())
example("EV-DAT-04-C1", "fail", bucket(), "no lifecycle", facts=scheduled())
example("EV-DAT-04-C1", "fail", expiring(EXPIRES), "another period", facts=scheduled("phi"))
example("EV-DAT-04-C1", "fail", expiring(EXPIRES), "no class", facts=scheduled("internal", "another"))
example("EV-DAT-04-C1", "fail", expiring(EXPIRES), "no period", facts=scheduled("personal"))
example("EV-DAT-04-C1", "fail", expiring(EXPIRES, **VERSIONED), "old versions stay", facts=scheduled())
for change in (
    {"Status": "Disabled"},
    {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    {"Filter": {"Prefix": "reports/"}},
    {"Filter": {"Tag": {"Key": "keep", "Value": "no"}}},
    {"Filter": {"And": {"Prefix": "a"}}},
    {"Filter": {"ObjectSizeGreaterThan": 5}},
    {"Prefix": "reports/"},
):
    example("EV-DAT-04-C1", "fail", expiring(EXPIRES | change), str(change), facts=scheduled())
example("EV-DAT-04-C1", "pass", table(status="ENABLED"), facts=scheduled())
example("EV-DAT-04-C1", "fail", table(), "no time to live", facts=scheduled())
example("EV-DAT-04-C1", "pass", log_group(365), facts=scheduled())
example("EV-DAT-04-C1", "fail", log_group(None), "for ever", facts=scheduled())
example("EV-DAT-04-C1", "fail", log_group(90), facts=scheduled())
example("EV-DAT-04-C1", "pass", stream(24), facts=scheduled())
example("EV-DAT-04-C1", "fail", stream(8761), facts=scheduled())

example("EV-DAT-04-C2", "pass", table(), facts=scheduled())
example("EV-DAT-04-C2", "fail", table(), "no period", facts=scheduled("personal"))
TOO_OLD = scheduled()
TOO_OLD["retention_schedule"]["oldest_records"] = {"visits": "2025-11-01T05:59:59Z"}
example("EV-DAT-04-C2", "fail", table(), "a second too old", facts=TOO_OLD)
example("EV-DAT-04-C2", "cannot_tell", table("orders"), "nobody asked", facts=scheduled())
example("EV-DAT-04-C2", "not_applicable", table("scratch"), "no class", facts=scheduled())


def kept(created: str, delete_at: str | None = "2026-12-01T00:00:00Z", status: str = "COMPLETED") -> Record:
    arn = "arn:aws:ec2:eu-west-1::snapshot/snap-1"
    item: Body = {"RecoveryPointArn": arn, "Status": status, "CreationDate": created}
    if delete_at:
        item["CalculatedLifecycle"] = {"DeleteAt": delete_at}
    told = Told("aws.backup.recovery_points").list(item, source="main")
    return told.each("detail", {"RecoveryPointArn": arn}, "main", arn).records()[0]


example("EV-DAT-04-C3", "pass", kept("2026-09-02T06:00:00Z"), "60 days to the second", facts=scheduled())
example("EV-DAT-04-C3", "pass", kept("2026-10-01T00:00:00Z", "2026-10-30T06:00:00Z"), "just due", facts=scheduled())
example("EV-DAT-04-C3", "pass", kept("2026-10-01T00:00:00Z", None), "new", facts=scheduled())
example("EV-DAT-04-C3", "fail", kept("2026-09-02T05:59:59Z", None), "kept for ever", facts=scheduled())
example("EV-DAT-04-C3", "fail", kept("2026-10-01T00:00:00Z", "2026-10-30T05:59:59Z"), "overdue", facts=scheduled())
example("EV-DAT-04-C3", "fail", kept("2026-10-01T00:00:00Z", None, "EXPIRED"), "not deletable", facts=scheduled())
example("EV-DAT-04-C3", "lacks_field", without(kept("2026-10-01T00:00:00Z"), "CreationDate"), facts=scheduled())
example("EV-DAT-04-C3", "lacks_field", without(kept("2026-10-01T00:00:00Z"), "Status"), facts=scheduled())

# --- where data is --------------------------------------------------------------------------------------------------


def approved(*regions: str) -> Body:
    return {"approved_regions": {"regions": list(regions)}}


HERE, US_EAST = approved(REGION), approved("us-east-1")


def database(*replicas: str) -> Record:
    item = {"DBInstanceIdentifier": "visits", "ReadReplicaDBInstanceIdentifiers": list(replicas)}
    return listed("aws.rds.instances", item)[0]


def tagged() -> Record:
    return listed("aws.resourcegroupstaggingapi.resources", {"ResourceARN": "arn:aws:sqs:visits", "Tags": []})[0]


OF_CLASS = classified("phi", NAME, "visits", "arn:aws:sqs:visits")
HARMLESS = classified("internal", NAME)
for somewhere in (bucket(), database(), table(), tagged()):
    example("EV-DAT-07-C1", "pass", somewhere, facts=OF_CLASS | HERE)
    example("EV-DAT-07-C1", "fail", somewhere, facts=OF_CLASS | US_EAST)
example("EV-DAT-07-C1", "pass", bucket(location={}), facts=OF_CLASS | US_EAST)
example("EV-DAT-07-C1", "fail", bucket(location={}), facts=OF_CLASS | HERE)
example("EV-DAT-07-C1", "fail", tagged(), "no class: in scope", facts=UNCLASSIFIED | US_EAST)
example("EV-DAT-07-C1", "not_applicable", bucket(), facts=HARMLESS | US_EAST)


def copied(region: str) -> Record:
    vault = f"arn:aws:backup:{region}:{ACCOUNT}:backup-vault:main"
    job = {"CopyJobId": "job", "State": "COMPLETED", "DestinationBackupVaultArn": vault}
    return listed("aws.backup.copy_jobs", job)[0]


OURS, NONE_OF_OURS = {"buckets": (bucket(), AFAR)}, {"buckets": (bucket(),)}
BOTH_REGIONS = approved(REGION, "us-east-1")
REPLICA = "arn:aws:rds:us-east-1:111122223333:db:visits"
for target in (
    bucket(**replicated()),
    database("near", REPLICA),
    table(Replicas=[{"RegionName": "us-east-1"}]),
    copied("us-east-1"),
):
    example("EV-DAT-07-C2", "pass", target, lists=OURS, facts=BOTH_REGIONS)
    example("EV-DAT-07-C2", "fail", target, lists=OURS, facts=HERE)
example("EV-DAT-07-C2", "pass", bucket(**replicated()), lists=HAVE_NEAR, facts=HERE)
example("EV-DAT-07-C2", "pass", bucket(**replicated(Status="Disabled")), lists=OURS, facts=HERE)
example("EV-DAT-07-C2", "cannot_tell", bucket(**replicated("theirs")), lists=NONE_OF_OURS, facts=BOTH_REGIONS)
for alone in (bucket(), database("near"), table()):
    example("EV-DAT-07-C2", "not_applicable", alone, "no copy", lists=OURS, facts=HERE)
example(
    "EV-DAT-07-C2", "lacks_field", bucket(**replicated()), "its region",
    lists={"buckets": (bucket(), without(AFAR, "location"))}, facts=HERE,
)  # fmt: skip


def region_of(name: str, status: str | None = "opt-in-not-required") -> Record:
    return listed("aws.ec2.regions", {"RegionName": name} | ({"OptInStatus": status} if status else {}))[0]


def trails(*, all_regions: bool, logging: bool = True, told: bool = True) -> dict[str, Records]:
    """One trail."""
    said = Told("aws.cloudtrail.trails").list({"TrailARN": "trail", "IsMultiRegionTrail": all_regions})
    return {"trails": said.each("status", {"IsLogging": logging} if told else {}, "trail").records()}


WATCHED, LOCAL = trails(all_regions=True), trails(all_regions=False)
example("EV-DAT-07-C3", "pass", region_of(REGION), "approved", lists=LOCAL, facts=HERE)
example("EV-DAT-07-C3", "pass", region_of("me-south-1", "not-opted-in"), lists=LOCAL, facts=HERE)
example("EV-DAT-07-C3", "pass", region_of("us-west-2"), lists=WATCHED, facts=HERE)
example("EV-DAT-07-C3", "fail", region_of("us-west-2"), lists=LOCAL, facts=HERE)
example("EV-DAT-07-C3", "fail", region_of("us-west-2"), lists={"trails": ()}, facts=HERE)
example("EV-DAT-07-C3", "fail", region_of("us-west-2"), lists=trails(all_regions=True, logging=False), facts=HERE)
example("EV-DAT-07-C3", "fail", region_of("us-west-2", None), "no status", lists=LOCAL, facts=HERE)
example("EV-DAT-07-C3", "lacks_field", region_of("us-west-2"), lists=trails(all_regions=True, told=False), facts=HERE)

# --- the evidence store ---------------------------------------------------------------------------------------------

LOG, DIGEST = "log-1", "ab" * 32
BLOB = f"v1/{LOG}/blob/sha256/ab/{DIGEST}"
RECENT, OLD = "2026-10-15T00:00:00Z", "2026-09-15T00:00:00Z"
LOCK = {"Mode": "GOVERNANCE", "RetainUntilDate": "2033-01-01T00:00:00Z"}


def stored(
    *keys: str, modified: str = OLD, digest: str = DIGEST, lock: Body | None = None, unread: int = 0, store: str = NAME
) -> Records:
    """What was sampled of a store that lists these objects, and so many more that were not read."""
    told = Told("aws.s3.stored_objects")
    names = keys or (BLOB,)
    versions = [{"Key": key, "VersionId": "1", "LastModified": modified} for key in names]
    more = [{"Key": f"{BLOB}-{number}", "VersionId": "1", "LastModified": modified} for number in range(unread)]
    told.call("ListObjectVersions", "sample", {"Versions": versions + more}, store, LOG)
    for key in names:
        retention = {"Retention": LOCK if lock is None else lock}
        told.call("GetObjectRetention", "retention", retention, store, key)
        told.call("GetObject", "object", {}, store, key)
        asked = {"Bucket": store, "Key": key, "VersionId": "1"}
        body = {"Body": {"bytes": 5, "sha256": digest}}
        told.calls[-1] = told.calls[-1].model_copy(update={"parameters": asked, "body": body})
    return told.records()


def months(*runs: str) -> Records:
    told = Told("aws.s3.stored_objects")
    prefixes = [{"Prefix": f"v1/{LOG}/run/run-{run}T060000Z-0a1b2c3d/"} for run in runs]
    told.call("ListObjectVersions", "runs", {"CommonPrefixes": prefixes}, NAME, f"v1/{LOG}/run/")
    return told.records("aws.s3.stored_months")


def month(name: str, *runs: str) -> Record:
    return next(found for found in months(*runs) if found.fields["Month"] == name)


derived("aws.s3.stored_objects", stored())
derived("aws.s3.stored_months", months("20261001"))


def since(start: str, days: int = 2190) -> Body:
    return {"retention_schedule": {"records_since": start, "record_days": days}}


START = since("2026-06-15T00:00:00Z")
example("EV-GOV-10-C1", "pass", month("2026-10", "20261001", "20261031"), facts=START)
example("EV-GOV-10-C1", "fail", month("2026-09", "20261001"), "no run", facts=START)
example("EV-GOV-10-C1", "fail", month("2026-06", "20261001"), "the month of the start", facts=START)
example("EV-GOV-10-C1", "not_applicable", month("2026-05", "20261001"), "before the start", facts=START)
example("EV-GOV-10-C1", "not_applicable", month("2020-09"), "longer ago", facts=since("2010-01-01T00:00:00Z"))
example("EV-GOV-10-C1", "lacks_field", without(month("2026-10", "20261001"), "End"), facts=START)

example("EV-GOV-10-C2", "pass", stored()[0], facts=START)
example("EV-GOV-10-C2", "fail", stored(lock={})[0], "no lock", facts=START)
example("EV-GOV-10-C2", "fail", stored()[0], "too short", facts=since("2026-06-15T00:00:00Z", 2310))
example("EV-GOV-10-C2", "lacks_field", without(stored()[0], "LastModified"), facts=START)

SIX = tuple(f"v1/{LOG}/blob/sha256/ab/ab{number:062x}" for number in range(6))
alone = {"objects": stored()}
example("EV-GOV-10-C3", "pass", stored()[0], "there is no other", lists=alone)
example("EV-GOV-10-C3", "pass", stored(unread=9)[0], "five of many", lists={"objects": stored(*SIX)})
example("EV-GOV-10-C3", "fail", stored(digest="cd" * 32)[0], "other bytes", lists=alone)
example("EV-GOV-10-C3", "fail", stored(unread=9)[0], "the sample is too small", lists={"objects": stored(unread=9)})
example("EV-GOV-10-C3", "not_applicable", stored(modified=RECENT)[0], lists=alone)
example("EV-GOV-10-C3", "lacks_field", without(stored()[0], "Sha256"), lists=alone)

WELL_KEPT = {"encryption": encrypted(), "policy": policy(tls_only()), "public_access_block": block(), **VERSIONED}
kept_well = {"buckets": (bucket(**WELL_KEPT),)}
example("EV-COL-02-C1", "pass", stored()[0], lists=kept_well)
example("EV-COL-02-C1", "fail", stored(lock={})[0], "no lock", lists=kept_well)
example("EV-COL-02-C1", "fail", stored(lock=LOCK | {"RetainUntilDate": RECENT})[0], "it ended", lists=kept_well)
for left_out in WELL_KEPT:
    worse = {name: answer for name, answer in WELL_KEPT.items() if name != left_out}
    example("EV-COL-02-C1", "fail", stored()[0], f"no {left_out}", lists={"buckets": (bucket(**worse),)})
for setting in SETTINGS:
    worse = WELL_KEPT | {"public_access_block": block(**{setting: False})}
    example("EV-COL-02-C1", "fail", stored()[0], setting, lists={"buckets": (bucket(**worse),)})
for change in (
    {"encryption": S3_KEY},
    {"policy": policy(tls_only(Resource=BOTH[1]))},
    {"policy": policy(tls_only(Effect="Allow"))},
    {"versioning": {"Status": "Suspended"}},
):
    example("EV-COL-02-C1", "fail", stored()[0], str(change), lists={"buckets": (bucket(**WELL_KEPT | change),)})
example("EV-COL-02-C1", "fail", stored()[0], "another bucket", lists={"buckets": (bucket("other", **WELL_KEPT),)})
example(
    "EV-COL-02-C1", "lacks_field", stored()[0],
    lists={"buckets": (without(bucket(**WELL_KEPT), "versioning"),)},
)  # fmt: skip

example("EV-COL-02-C4", "pass", stored()[0], "there is no other", lists=alone)
many = tuple(f"v1/{LOG}/blob/sha256/ab/ab{number:062x}" for number in range(25))
example("EV-COL-02-C4", "pass", stored(unread=90)[0], "25 of many", lists={"objects": stored(*many)})
example("EV-COL-02-C4", "fail", stored(unread=90)[0], "24 of many", lists={"objects": stored(*many[1:])})
example("EV-COL-02-C4", "fail", stored(digest="cd" * 32)[0], "other bytes", lists=alone)
example("EV-COL-02-C4", "lacks_field", without(stored()[0], "Sha256"), lists=alone)

COLLECTOR, AUDITOR = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("collector", "auditor"))
ROLES = {"collector_roles": {"collector": COLLECTOR, "auditor": AUDITOR, "store": NAME}}


def details(view: str, arn: str, *statements: Body, attached: tuple[str, ...] = ()) -> Record:
    """A role with one inline policy, as IAM tells it among everything else."""
    name = arn.rpartition("/")[2]
    role = {
        "RoleName": name, "Arn": arn, "Path": "/",
        "AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": found} for found in attached],
        "RolePolicyList": [{"PolicyName": "work", "PolicyDocument": json.dumps({"Statement": list(statements)})}],
    }  # fmt: skip
    return Told("aws.iam.authorization_details").list({"RoleDetailList": [role]}).records(view)[0]


def allows(*actions: str, **more: Any) -> Body:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"} | more


def policy_of(arn: str, *statements: Body) -> Record:
    return details("aws.iam.policies", arn, *statements)


def holder(arn: str, *attached: str) -> Record:
    return details("aws.iam.principals", arn, attached=attached)


READS = allows("s3:GetObject", "ec2:Describe*", "iam:GenerateCredentialReport", "backup:ListBackupJobs")
PUTS_IN_STORE = allows("s3:PutObject", "s3:PutObjectRetention", Resource=f"arn:aws:s3:::{NAME}/*")
AUDIT, ADMIN = "arn:aws:iam::aws:policy/SecurityAudit", "arn:aws:iam::aws:policy/AdministratorAccess"
OWN_POLICY = f"arn:aws:iam::{ACCOUNT}:policy/reader"
example("EV-COL-02-C2", "pass", holder(COLLECTOR, AUDIT, OWN_POLICY), facts=ROLES)
example("EV-COL-02-C2", "fail", holder(COLLECTOR, AUDIT, ADMIN), facts=ROLES)
example("EV-COL-02-C2", "pass", policy_of(COLLECTOR, READS, PUTS_IN_STORE, allows("kms:GenerateDataKey")), facts=ROLES)
example("EV-COL-02-C2", "pass", policy_of(COLLECTOR, allows("*", Effect="Deny")), facts=ROLES)
for action in ("s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:*", "*", "s3:GetObject,s3:Put*", "ec2:*"):
    example("EV-COL-02-C2", "fail", policy_of(COLLECTOR, READS, allows(action)), action, facts=ROLES)
example("EV-COL-02-C2", "fail", policy_of(COLLECTOR, allows("s3:PutObject")), "into any bucket", facts=ROLES)
ALL_BUT = {"Effect": "Allow", "NotAction": ["s3:DeleteObject"], "Resource": "*"}
example("EV-COL-02-C2", "fail", policy_of(COLLECTOR, ALL_BUT), "all but one", facts=ROLES)
example("EV-COL-02-C2", "not_applicable", policy_of(AUDITOR, allows("*")), facts=ROLES)


def role(hours: int = 1) -> Record:
    item = {"RoleName": "auditor", "Arn": AUDITOR, "Path": "/", "RoleId": "r", "MaxSessionDuration": hours * 3600}
    told = Told("aws.iam.roles").list(item)
    told.each("role", {"Role": {"RoleName": "auditor"}}, "auditor")
    return told.each("tags", {"items": []}, "auditor").records()[0]


def recording(*values: str, read_write: str = "All", logging: bool = True) -> Records:
    """What a trail records of objects."""
    said = Told("aws.cloudtrail.trails").list({"TrailARN": "trail", "HomeRegion": REGION})
    chosen = [{"Type": "AWS::S3::Object", "Values": list(values)}]
    selectors = {"EventSelectors": [{"ReadWriteType": read_write, "DataResources": chosen}]}
    said.each("status", {"IsLogging": logging}, "trail").each("event_selectors", selectors, "trail")
    return said.records("aws.cloudtrail.data_event_selectors")


STORE = f"arn:aws:s3:::{NAME}/"
UNLOGGED = {"buckets": (bucket(),), "choices": ()}
LOGGING = {"logging": {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}}
RECORDED = {"buckets": (bucket(),), "choices": recording(STORE)}
example("EV-COL-02-C3", "pass", holder(AUDITOR, AUDIT), lists=UNLOGGED, facts=ROLES)
example("EV-COL-02-C3", "fail", holder(AUDITOR, ADMIN), lists=UNLOGGED, facts=ROLES)
example("EV-COL-02-C3", "pass", policy_of(AUDITOR, allows("s3:Get*", "kms:Decrypt")), lists=UNLOGGED, facts=ROLES)
example("EV-COL-02-C3", "fail", policy_of(AUDITOR, PUTS_IN_STORE), lists=UNLOGGED, facts=ROLES)
example("EV-COL-02-C3", "pass", role(4), lists={"buckets": (bucket(**LOGGING),), "choices": ()}, facts=ROLES)
example("EV-COL-02-C3", "pass", role(), lists=RECORDED, facts=ROLES)
example("EV-COL-02-C3", "pass", role(), lists=RECORDED | {"choices": recording("arn:aws:s3")}, facts=ROLES)
example("EV-COL-02-C3", "fail", role(), "not logged", lists=UNLOGGED, facts=ROLES)
example("EV-COL-02-C3", "fail", role(5), "five hours", lists=RECORDED, facts=ROLES)
for choices in (
    recording("arn:aws:s3:::other/"),
    recording(STORE, read_write="WriteOnly"),
    recording(STORE, logging=False),
):
    example("EV-COL-02-C3", "fail", role(), lists=RECORDED | {"choices": choices}, facts=ROLES)
example("EV-COL-02-C3", "not_applicable", holder(COLLECTOR, ADMIN), lists=UNLOGGED, facts=ROLES)
elsewhere = {"buckets": (bucket("other"),), "choices": ()}
example("EV-COL-02-C3", "not_applicable", holder(AUDITOR, ADMIN), "no store here", lists=elsewhere, facts=ROLES)
example(
    "EV-COL-02-C3", "lacks_field", role(), lists=UNLOGGED | {"buckets": (without(bucket(), "logging"),)}, facts=ROLES
)

# --- discovery of sensitive data ------------------------------------------------------------------------------------


def macie(status: str = "ENABLED", **seen: Any) -> dict[str, Records]:
    """Macie, and what it says of the bucket."""
    buckets = ({"bucketName": NAME} | seen,) if seen else ()
    return {
        "sessions": listed("aws.macie2.session", {"status": status}),
        "seen": listed("aws.macie2.buckets", *buckets),
    }


BY_JOB = macie(jobDetails={"isMonitoredByJob": "TRUE"})
SAMPLED, UNSEEN = macie(automatedDiscoveryMonitoringStatus="MONITORED"), macie()
example("EV-DAT-02-C1", "pass", bucket(), lists=SAMPLED, facts=PHI)
example("EV-DAT-02-C1", "pass", bucket(), lists=BY_JOB, facts=UNCLASSIFIED)
example("EV-DAT-02-C1", "pass", bucket(), "its class asks for none", lists=UNSEEN, facts=INTERNAL, excused=True)
example("EV-DAT-02-C1", "fail", bucket(), "Macie does not know it", lists=UNSEEN, facts=PHI)
example("EV-DAT-02-C1", "fail", bucket(), lists=macie(automatedDiscoveryMonitoringStatus="NOT_MONITORED"), facts=PHI)
example("EV-DAT-02-C1", "fail", bucket(), lists=macie(jobDetails={"isMonitoredByJob": "UNKNOWN"}), facts=PHI)
example(
    "EV-DAT-02-C1", "fail", bucket(), "paused",
    lists=macie("PAUSED", automatedDiscoveryMonitoringStatus="MONITORED"), facts=PHI,
)  # fmt: skip
example(
    "EV-DAT-02-C1", "lacks_field", bucket(),
    lists=UNSEEN | {"sessions": listed("aws.macie2.session", {"createdAt": RECENT})}, facts=PHI,
)  # fmt: skip


def found(**new: Any) -> Record:
    """A finding of Macie."""
    where = {"s3Bucket": {"name": NAME, "arn": f"arn:aws:s3:::{NAME}"}}
    said = {"id": "finding-1", "category": "CLASSIFICATION", "severity": {"description": "High", "score": 3}}
    told = Told("aws.macie2.findings").list("finding-1")
    told.call("GetFindings", "batch", {"findings": [said | {"resourcesAffected": where} | new]}, "finding-1")
    return told.records()[0]


TICKET, NO_TICKET = ({"finding_tickets": {"tickets": tickets}} for tickets in (["finding-1"], []))
example("EV-DAT-02-C2", "pass", found(), facts=PHI)
example("EV-DAT-02-C2", "fail", found(), facts=INTERNAL)
example("EV-DAT-02-C2", "fail", found(), "no class", facts=UNCLASSIFIED)
example("EV-DAT-02-C2", "not_applicable", found(category="POLICY"), facts=INTERNAL)
example("EV-DAT-02-C2", "not_applicable", found(sample=True), facts=INTERNAL)
example("EV-DAT-02-C2", "lacks_field", without(found(), "finding"), facts=PHI)
example("EV-DAT-02-C3", "pass", found(), facts=TICKET)
example("EV-DAT-02-C3", "fail", found(), facts=NO_TICKET)
example("EV-DAT-02-C3", "not_applicable", found(severity={"description": "Medium", "score": 2}), facts=NO_TICKET)
example("EV-DAT-02-C3", "not_applicable", found(sample=True), facts=NO_TICKET)
example("EV-DAT-02-C3", "lacks_field", without(found(), "finding"), facts=TICKET)
