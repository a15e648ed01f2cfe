"""Buckets of the emulated account: as they should be, and wrong in one way each, which their names say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flows.demo.filling import HOME_REGION, SECOND_REGION, Filler, tag_list

FAR_REGION = "us-west-2"
"""Not approved for classified data."""
STORE = "simulated-evidence-store"
_WEBSITE = "simulated-approved-website"
_ONCE = (STORE, _WEBSITE)
"""What a larger account has no more of."""
_LOG = "v1/simulated-log"


@dataclass(frozen=True)
class Bucket:
    """A bucket of the pattern; what is not said is as it should be."""

    name: str
    data: str = "internal"
    region: str = HOME_REGION
    encryption: str = "key"
    tls_only: bool = True
    blocked: bool = True
    owner_enforced: bool = True
    public_policy: bool = False
    acl: str = ""
    versioned: bool = True
    locked: bool = False
    expires_days: int = 0
    copy_to: str = ""
    reports_failures: bool = True


BUCKETS = (
    Bucket("simulated-clinic-records", "phi", locked=True, expires_days=3650, copy_to="simulated-clinic-records-copy"),
    Bucket("simulated-clinic-records-copy", "phi", SECOND_REGION, expires_days=3650),
    Bucket("simulated-copied-too-far", "phi", expires_days=3650, copy_to="simulated-outside-approved-regions"),
    Bucket("simulated-copied-unwatched", "phi", copy_to="simulated-clinic-records-copy", reports_failures=False),
    Bucket("simulated-outside-approved-regions", "phi", FAR_REGION),
    Bucket("simulated-no-encryption-setting", encryption=""),
    Bucket("simulated-not-our-key", "phi", encryption="AES256"),
    Bucket("simulated-plain-http-allowed", tls_only=False),
    Bucket("simulated-not-blocked", blocked=False),
    Bucket("simulated-public-by-policy", blocked=False, public_policy=True),
    Bucket("simulated-public-by-acl", blocked=False, owner_enforced=False, acl="public-read"),
    Bucket(_WEBSITE, "public", blocked=False, public_policy=True, expires_days=365),
    Bucket("simulated-records-without-lock", "personal", expires_days=730),
    Bucket("simulated-never-expires", "personal", versioned=False),
    Bucket(STORE, "audit", locked=True),
)


def fill_buckets(filler: Filler, key_arn: str) -> None:
    """Buckets, the account's block (half on), and an access point with a public policy beside one without."""
    buckets = [*BUCKETS, *_copies(filler)]
    with filler.days_ago(500):
        for bucket in buckets:
            _add_bucket(filler, bucket, key_arn)
        for bucket in buckets:
            if bucket.copy_to:
                _replicate(filler, bucket)


def _copies(filler: Filler) -> list[Bucket]:
    """Those of a larger account, which has at most 1,000 in all: moto cuts a longer list and gives no token for it."""
    return [
        replace(bucket, name=bucket.name + suffix, copy_to=bucket.copy_to and bucket.copy_to + suffix)
        for suffix in filler.further_copies()
        for bucket in BUCKETS
        if bucket.name not in _ONCE
    ]


def _add_bucket(filler: Filler, bucket: Bucket, key_arn: str) -> None:
    s3, name = filler.client("s3", bucket.region), filler.bucket(bucket.name)
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=bucket.locked, **_creation(bucket))
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(data_classification=bucket.data)})
    if bucket.encryption:
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=_encryption(bucket, key_arn))
    if bucket.owner_enforced:
        rules = [{"ObjectOwnership": "BucketOwnerEnforced"}]
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": rules})
    if bucket.acl:
        s3.put_bucket_acl(Bucket=name, ACL=bucket.acl)
    if statements := _statements(bucket, name):
        s3.put_bucket_policy(Bucket=name, Policy=_document(statements))
    if bucket.blocked:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=_block())
    if bucket.versioned and not bucket.locked:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if bucket.expires_days:
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=_lifecycle(bucket.expires_days))


def _creation(bucket: Bucket) -> dict[str, Any]:
    if bucket.region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}


def _encryption(bucket: Bucket, key_arn: str) -> dict[str, Any]:
    named = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    chosen = named if bucket.encryption == "key" else {"SSEAlgorithm": bucket.encryption}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": chosen, "BucketKeyEnabled": bucket.encryption == "key"}]}


def _statements(bucket: Bucket, name: str) -> list[dict[str, Any]]:
    both = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    tls_only = {
        "Sid": "OnlyEncryptedTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": both,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    public = {"Sid": "Everyone", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": both[1]}
    return [tls_only] * bucket.tls_only + [public] * bucket.public_policy


def _block(*, policies: bool = True) -> dict[str, bool]:
    return {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": policies,
        "RestrictPublicBuckets": policies,
    }


def _lifecycle(days: int) -> dict[str, Any]:
    rule = {
        "ID": "simulated-expiry", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    }  # fmt: skip
    return {"Rules": [rule]}


def _replicate(filler: Filler, bucket: Bucket) -> None:
    s3, name = filler.client("s3", bucket.region), filler.bucket(bucket.name)
    rule = {
        "ID": "simulated-copy", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{filler.bucket(bucket.copy_to)}"},
    }  # fmt: skip
    role = f"arn:aws:iam::{filler.account}:role/simulated-replication"
    s3.put_bucket_replication(Bucket=name, ReplicationConfiguration={"Role": role, "Rules": [rule]})
    if bucket.reports_failures:
        events: dict[str, Any] = {"EventBridgeConfiguration": {}}
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=events)


def fill_access(filler: Filler, region: str) -> None:
    """The account's block, once, and in each region an access point with a public policy beside one without."""
    control = filler.client("s3control", region)
    if region == HOME_REGION:
        control.put_public_access_block(AccountId=filler.account, PublicAccessBlockConfiguration=_block(policies=False))
    for name, is_public in (("simulated-for-clinic", False), ("simulated-open-to-all", True)):
        bucket = filler.bucket("simulated-clinic-records" if region == HOME_REGION else "simulated-clinic-records-copy")
        control.create_access_point(AccountId=filler.account, Name=name, Bucket=bucket)
        if is_public:
            statement = {
                "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:{region}:{filler.account}:accesspoint/{name}/object/*",
            }  # fmt: skip
            control.put_access_point_policy(AccountId=filler.account, Name=name, Policy=_document([statement]))


def fill_store(filler: Filler) -> None:
    """Evidence of four of the last five months; one object without a lock, one with other bytes than its name says."""
    s3, bucket = filler.client("s3"), filler.bucket(STORE)
    for age in (20, 50, 80, 140):
        with filler.days_ago(age) as at:
            run = f"{_LOG}/run/run-{at:%Y%m%dT%H%M%SZ}-51a0{age:04x}/unit/simulated.json"
            s3.put_object(Bucket=bucket, Key=run, Body=b"{}", **_lock(at, 2200))
            for number in range(4 * filler.scale):
                body = f"SIMULATED evidence {number} of {at:%Y-%m-%d}".encode()
                s3.put_object(Bucket=bucket, Key=_blob_key(body), Body=body, **_lock(at, 2200))
    with filler.days_ago(60) as at:
        s3.put_object(Bucket=bucket, Key=_blob_key(b"SIMULATED original"), Body=b"SIMULATED forgery", **_lock(at, 2200))
        body = b"SIMULATED evidence without a lock"
        s3.put_object(Bucket=bucket, Key=_blob_key(body), Body=body)


def _blob_key(body: bytes) -> str:
    name = hashlib.sha256(body).hexdigest()
    return f"{_LOG}/blob/sha256/{name[:2]}/{name}"


def _lock(at: datetime, days: int) -> dict[str, Any]:
    return {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": at + timedelta(days=days)}


def fill_reading_roles(filler: Filler) -> None:
    """The collector's role, with a policy that deletes left over, and the auditor's."""
    iam = filler.client("iam")
    store = f"arn:aws:s3:::{filler.bucket(STORE)}/*"
    us = {"AWS": f"arn:aws:iam::{filler.account}:root"}
    trusted = {"Effect": "Allow", "Principal": us, "Action": "sts:AssumeRole"}
    reads = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "ec2:Describe*"], "Resource": "*"}
    puts = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectRetention"], "Resource": store}
    deletes = {"Effect": "Allow", "Action": ["s3:DeleteObjectVersion"], "Resource": store}
    policies = {
        "simulated-collector": {"simulated-work": [reads, puts], "simulated-left-over": [deletes]},
        "simulated-auditor": {"simulated-reading": [reads], "simulated-left-over": [puts]},
    }
    for role, documents in policies.items():
        with filler.days_ago(300):
            iam.create_role(
                RoleName=role, AssumeRolePolicyDocument=_document([trusted]), MaxSessionDuration=3600, Tags=tag_list()
            )
        for name, statements in documents.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_document(statements))


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
