"""How the emulated account keeps its logs, who is alarmed by them, what its networks record: some well, some not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flows.demo.account_trails import BAD_TRAIL, GOOD_TRAIL, TRAIL_BUCKET
from flows.demo.filling import HOME_REGION, SECOND_REGION, SIMULATED, Filler, ec2_tags, tag_list
from flows.demo.trail_digests import digest_files
from flows.demo.trail_log_files import log_files

ACCESS_LOGS = "simulated-access-logs"
FORGOTTEN_LOGS = "simulated-forgotten-logs"
GROUP = "simulated-trail"
ALARMS = "simulated-security-alarms"
NOBODY = "simulated-nobody-listens"
_NAMESPACE = "SimulatedSecurity"

# Filter -> its pattern, and the alarm's state and topic; None where nobody set an alarm.
_FILTERS: dict[str, tuple[str, tuple[str, str] | None]] = {
    "simulated-unauthorised-calls": (
        '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
        ("OK", ALARMS),
    ),
    "simulated-sign-in-without-mfa": (
        '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }',
        ("ALARM", ALARMS),
    ),
    "simulated-failed-sign-ins": (
        '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
        ("OK", NOBODY),
    ),
    "simulated-root-use": (
        '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }',
        ("OK", ALARMS),
    ),
    "simulated-keys": (
        "{ ($.eventSource = kms.amazonaws.com) && (($.eventName = DisableKey) || ($.eventName=ScheduleKeyDeletion)) }",
        ("INSUFFICIENT_DATA", ALARMS),
    ),
    "simulated-trail-change-without-alarm": (
        "||".join(
            f"($.eventName = {name})"
            for name in ("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging")
        ),
        None,
    ),
    "simulated-routes-half-watched": ("{ ($.eventName = CreateRoute) || ($.eventName = DeleteRoute) }", ("OK", ALARMS)),
}
_GROUP_EVENTS = (
    "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup",
)  # fmt: skip


def fill_logs(filler: Filler, keys: Mapping[str, str], days: tuple[date, date]) -> None:
    """The trail's buckets and groups, alarms in its home region, and what networks and zones record."""
    with filler.days_ago(300):
        _protect_buckets(filler)
        for region, key_arn in keys.items():
            _add_groups(filler, region, key_arn)
        _add_topics(filler)
        _add_filters(filler)
        _add_rule(filler)
        _record_networks(filler)
        _record_zones(filler)
    _fill_database_logs(filler)
    _add_digests(filler, days)


def _protect_buckets(filler: Filler) -> None:
    s3, trail_bucket, access = filler.client("s3"), filler.bucket(TRAIL_BUCKET), filler.bucket(ACCESS_LOGS)
    for name in (access, filler.bucket(FORGOTTEN_LOGS)):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": HOME_REGION})
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list()})
    delivery = {
        "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{access}/*",
    }  # fmt: skip
    nobody_deletes = {
        "Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": f"arn:aws:s3:::{trail_bucket}/*",
    }  # fmt: skip
    s3.put_bucket_policy(Bucket=access, Policy=_policy(delivery))
    s3.put_bucket_policy(Bucket=trail_bucket, Policy=_policy(nobody_deletes))
    s3.put_bucket_logging(
        Bucket=trail_bucket,
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": access, "TargetPrefix": "trail/"}},
    )
    s3.put_bucket_versioning(Bucket=trail_bucket, VersioningConfiguration={"Status": "Enabled"})
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=trail_bucket, PublicAccessBlockConfiguration=block)
    _expire(s3, trail_bucket, 730)
    _expire(s3, filler.bucket(FORGOTTEN_LOGS), 30)
    trail = filler.client("cloudtrail", SECOND_REGION)
    trail.update_trail(Name=BAD_TRAIL, S3BucketName=filler.bucket(FORGOTTEN_LOGS), S3KeyPrefix="forgotten")


def _expire(s3: Any, bucket: str, days: int) -> None:
    rule = {
        "ID": "simulated-expiry", "Status": "Enabled", "Filter": {"Prefix": "AWSLogs/"}, "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    }  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})


def _add_groups(filler: Filler, region: str, key_arn: str) -> None:
    logs = filler.client("logs", region)
    groups: tuple[tuple[str, dict[str, str], int | None], ...] = (
        ("simulated-kept-and-encrypted", {"kmsKeyId": key_arn}, 400),
        ("simulated-without-key", {}, 400),
        ("simulated-kept-a-month", {"kmsKeyId": key_arn}, 30),
        ("simulated-scratch-group", {}, None),
    )
    for suffix in filler.copies():
        for name, key, days in groups:
            logs.create_log_group(logGroupName=name + suffix, tags=SIMULATED, **key)
            if days:
                logs.put_retention_policy(logGroupName=name + suffix, retentionInDays=days)
    group = filler.arn("logs", region, "log-group:simulated-kept-and-encrypted:*")
    writer: dict[str, Any] = {
        "Effect": "Allow", "Principal": {"Service": "route53.amazonaws.com"}, "Action": "logs:PutLogEvents",
        "Resource": group,
    }  # fmt: skip
    logs.put_resource_policy(policyName="simulated-dns-may-write", policyDocument=_policy(writer))
    if region == HOME_REGION:
        everyone = writer | {"Principal": {"AWS": "*"}}
        logs.put_resource_policy(policyName="simulated-everyone-may-write", policyDocument=_policy(everyone))


def _add_topics(filler: Filler) -> None:
    sns = filler.client("sns")
    for name in (ALARMS, NOBODY):
        sns.create_topic(Name=name, Tags=tag_list())
    queue = filler.arn("sqs", HOME_REGION, "simulated-security-desk")
    sns.subscribe(TopicArn=filler.arn("sns", HOME_REGION, ALARMS), Protocol="sqs", Endpoint=queue)


def _add_filters(filler: Filler) -> None:
    logs, watch = filler.client("logs"), filler.client("cloudwatch")
    for name, (pattern, alarm) in _FILTERS.items():
        made = {"metricName": name, "metricNamespace": _NAMESPACE, "metricValue": "1"}
        logs.put_metric_filter(logGroupName=GROUP, filterName=name, filterPattern=pattern, metricTransformations=[made])
        if alarm is None:
            continue
        state, topic = alarm
        watch.put_metric_alarm(
            AlarmName=name, MetricName=name, Namespace=_NAMESPACE, Statistic="Sum", Period=300, EvaluationPeriods=1,
            Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", ActionsEnabled=True,
            AlarmActions=[filler.arn("sns", HOME_REGION, topic)],
        )  # fmt: skip
        watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="SIMULATED")


def _add_rule(filler: Filler) -> None:
    """What no filter watches, a rule may."""
    events = filler.client("events")
    pattern = {"source": ["aws.ec2"], "detail": {"eventName": list(_GROUP_EVENTS)}}
    events.put_rule(Name="simulated-security-groups", EventPattern=json.dumps(pattern), State="ENABLED")
    events.put_targets(
        Rule="simulated-security-groups",
        Targets=[{"Id": "alarms", "Arn": filler.arn("sns", HOME_REGION, ALARMS)}],
    )


def _record_networks(filler: Filler) -> None:
    """In the home region only; in the second one nobody thought of it."""
    ec2, resolver = filler.client("ec2"), filler.client("route53resolver")
    own = [{"Name": "tag:Name", "Values": ["simulated-production"]}]
    network = ec2.describe_vpcs(Filters=own)["Vpcs"][0]["VpcId"]
    store = f"arn:aws:s3:::{filler.bucket(ACCESS_LOGS)}"
    ec2.create_flow_logs(
        ResourceIds=[network], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3", LogDestination=store,
        TagSpecifications=ec2_tags("vpc-flow-log", Name="simulated-production"),
    )  # fmt: skip
    config = resolver.create_resolver_query_log_config(
        Name="simulated-dns-queries", DestinationArn=store, CreatorRequestId="simulated", Tags=tag_list()
    )["ResolverQueryLogConfig"]["Id"]
    resolver.associate_resolver_query_log_config(ResolverQueryLogConfigId=config, ResourceId=network)


def _record_zones(filler: Filler) -> None:
    dns, logs = filler.client("route53"), filler.client("logs", SECOND_REGION)
    group = "/aws/route53/simulated-clinic.example"
    logs.create_log_group(logGroupName=group, tags=SIMULATED)
    for name in ("simulated-clinic.example", "simulated-not-recorded.example"):
        zone = dns.create_hosted_zone(Name=name, CallerReference=f"simulated-{name}")["HostedZone"]["Id"]
        if name in group:
            arn = filler.arn("logs", SECOND_REGION, f"log-group:{group}:*")
            dns.create_query_logging_config(HostedZoneId=zone.rpartition("/")[2], CloudWatchLogsLogGroupArn=arn)


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _add_digests(filler: Filler, days: tuple[date, date]) -> None:
    """Of the last two days of last month, where they have log files; nobody kept those of the days before."""
    last = filler.now.date().replace(day=1) - timedelta(days=1)
    before = last - timedelta(days=1)
    if not days[0] <= before < last <= days[1]:
        return
    s3, bucket = filler.client("s3"), filler.bucket(TRAIL_BUCKET)
    logs = list(log_files(filler.account, (HOME_REGION,), before, last, filler.now, tuple(filler.further_copies())))
    for file in digest_files(filler.account, HOME_REGION, GOOD_TRAIL, bucket, last, logs):
        metadata = {"signature": file.signature, "signature-algorithm": "SHA256withRSA"}
        s3.put_object(Bucket=bucket, Key=file.key, Body=file.body, Metadata=metadata)


def _fill_database_logs(filler: Filler) -> None:
    """A database that exports its log, and the log of another in which a stranger changes rights."""
    with filler.days_ago(200):
        filler.client("rds").modify_db_instance(
            DBInstanceIdentifier="sim-patients", CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]}
        )
    at = filler.now.replace(day=1, hour=10, minute=0, second=0) - timedelta(days=2)
    with filler.days_ago((filler.now - at) / timedelta(days=1)):
        _tell_statement(filler, at, HOME_REGION, "sim-patients", "sim_administrator", "GRANT SELECT ON visits TO staff")
        _tell_statement(filler, at, SECOND_REGION, "sim-billing", "sim_stranger", "ALTER ROLE sim_stranger SUPERUSER")


def _tell_statement(filler: Filler, at: datetime, region: str, database: str, user: str, statement: str) -> None:
    """As PostgreSQL writes it: an audited statement, and a connection that is none."""
    logs, group = filler.client("logs", region), f"/aws/rds/instance/{database}/postgresql"
    logs.create_log_group(logGroupName=group, tags=SIMULATED)
    logs.create_log_stream(logGroupName=group, logStreamName=f"{database}.0")
    prefix = f"{at:%Y-%m-%d %H:%M:%S} UTC:10.20.0.9(5432):{user}@clinic:[4711]:LOG:  "
    messages = (
        f"{prefix}connection authorized: user={user}",
        f'{prefix}AUDIT: SESSION,1,1,ROLE,GRANT,,,"{statement}",',
    )
    events = [{"timestamp": int(at.timestamp() * 1000), "message": text} for text in messages]
    logs.put_log_events(logGroupName=group, logStreamName=f"{database}.0", logEvents=events)
