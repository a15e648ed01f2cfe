"""Examples of how logs are kept, what raises alarms, and what networks and databases record."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from answers import ACCOUNT, REGION, Body, Told, denied, listed
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from examples_first import (
    ALL_DAYS,
    MANAGEMENT,
    SHADOW,
    advanced,
    basic,
    data,
    days,
    equals,
    event,
    extract,
    trail,
    unknown_trail,
)  # fmt: skip
from exampling import Records, derived, example, place, without

from evidence_schema.canonical import canonical_bytes
from evidence_schema.models.transcript import Record
from evidence_schema.records.digests import FILE_NAME as DIGESTS
from evidence_schema.records.digests import signed_text
from evidence_schema.records.statements import FILE_NAME as STATEMENTS

# --- where logs are kept --------------------------------------------------------------------------------------------

LOGS = "trail-logs"
BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
LOCK = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}},
}
NO_DELETE = {
    "Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "Resource": f"arn:aws:s3:::{LOGS}/*",
}  # fmt: skip
GOOD_BUCKET: Body = {
    "location": {"LocationConstraint": REGION},
    "tagging": None,
    "encryption": None,
    "policy": None,
    "policy_status": None,
    "public_access_block": {"PublicAccessBlockConfiguration": BLOCKED},
    "acl": {"Grants": []},
    "ownership_controls": None,
    "versioning": {"Status": "Enabled"},
    "object_lock": {"ObjectLockConfiguration": LOCK},
    "lifecycle": None,
    "replication": None,
    "logging": {"LoggingEnabled": {"TargetBucket": "access-logs", "TargetPrefix": "trail/"}},
    "notification": {},
}


def log_bucket(name: str = LOGS, **answers: Body | None) -> Record:
    """A bucket with what S3 answers about it; None is what S3 says by an error where a setting was never made."""
    told = Told("aws.s3.buckets").list({"Name": name})
    each = told.declaration.each
    for asked, answer in (GOOD_BUCKET | answers).items():
        if asked not in each:
            continue
        if answer is None:
            told.absent(asked, each[asked].absent[0], name)
        else:
            told.each(asked, answer, name)
    return told.records()[0]


def policy(*statements: Body) -> Body:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def choices(selectors: Body, **more: Any) -> Records:
    """The data events that a trail chooses."""
    item = {"TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "Name": "main", "HomeRegion": REGION}
    told = Told("aws.cloudtrail.trails").list(item | {"S3BucketName": LOGS, "IsMultiRegionTrail": True} | more)
    told.each("status", {"IsLogging": True}, item["TrailARN"]).each("event_selectors", selectors, item["TrailARN"])
    told.absent("insight_selectors", "InsightNotEnabledException", item["TrailARN"])
    return told.records("aws.cloudtrail.data_event_selectors")


def objects(*values: str, read_write: str = "All") -> Records:
    return choices(basic(MANAGEMENT | {"ReadWriteType": read_write, "DataResources": [data(*values)]}))


def some_objects(*parts: Body) -> Records:
    return choices(advanced(equals("eventCategory", "Data"), equals("resources.type", "AWS::S3::Object"), *parts))


NO_CHOICE = objects("arn:aws:s3:::other/")
DELIVERED = {"trails": (trail(), SHADOW), "selectors": NO_CHOICE}
UNLOGGED: Body = {"logging": {}}
example("EV-LOG-03-C1", "pass", log_bucket(), lists=DELIVERED)
example(
    "EV-LOG-03-C1", "pass", log_bucket(object_lock=None, policy=policy(NO_DELETE)), "a policy denies", lists=DELIVERED
)
everything = NO_DELETE | {"Action": "s3:*", "Resource": "*", "Principal": {"AWS": "*"}}
example("EV-LOG-03-C1", "pass", log_bucket(object_lock=None, policy=policy(everything)), lists=DELIVERED)
for chosen in (
    objects("arn:aws:s3"),
    objects(f"arn:aws:s3:::{LOGS}/"),
    some_objects(),
    some_objects({"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{LOGS}/"]}),
):
    example("EV-LOG-03-C1", "pass", log_bucket(**UNLOGGED), "data events", lists=DELIVERED | {"selectors": chosen})
for chosen in (
    NO_CHOICE,
    objects(f"arn:aws:s3:::{LOGS}/AWSLogs/one/"),
    objects("arn:aws:s3", read_write="WriteOnly"),
    some_objects(equals("readOnly", "true")),
    some_objects(equals("eventName", "GetObject")),
    some_objects({"Field": "resources.ARN", "NotStartsWith": [f"arn:aws:s3:::{LOGS}/"]}),
    choices(advanced(equals("eventCategory", "Data"), equals("resources.type", "AWS::DynamoDB::Table"))),
):
    example("EV-LOG-03-C1", "fail", log_bucket(**UNLOGGED), "no access log", lists=DELIVERED | {"selectors": chosen})
for name in BLOCKED:
    block = {"PublicAccessBlockConfiguration": BLOCKED | {name: False}}
    example("EV-LOG-03-C1", "fail", log_bucket(public_access_block=block), name, lists=DELIVERED)
example("EV-LOG-03-C1", "fail", log_bucket(public_access_block=None), "nothing is blocked", lists=DELIVERED)
example("EV-LOG-03-C1", "fail", log_bucket(versioning={}), "no versions", lists=DELIVERED)
example("EV-LOG-03-C1", "fail", log_bucket(versioning={"Status": "Suspended"}), "suspended", lists=DELIVERED)
example("EV-LOG-03-C1", "fail", log_bucket(object_lock=None), "neither lock nor policy", lists=DELIVERED)
bare_lock = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
example("EV-LOG-03-C1", "fail", log_bucket(object_lock=bare_lock), "no default retention", lists=DELIVERED)
for change, why in (
    ({"Effect": "Allow"}, "allows"),
    ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, "not everyone"),
    ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, "only sometimes"),
    ({"Action": "s3:DeleteObject"}, "versions may be deleted"),
    ({"Resource": f"arn:aws:s3:::{LOGS}/tmp/*"}, "only some objects"),
):
    denying = policy(NO_DELETE | change)
    example("EV-LOG-03-C1", "fail", log_bucket(object_lock=None, policy=denying), why, lists=DELIVERED)
example("EV-LOG-03-C1", "not_applicable", log_bucket("invoices", logging={}), "no trail writes there", lists=DELIVERED)
example("EV-LOG-03-C1", "lacks_field", without(log_bucket(), "Name"), lists=DELIVERED)
example("EV-LOG-03-C1", "lacks_field", without(log_bucket(), "logging"), lists=DELIVERED)


def kept(*rules: Body, **more: Body | None) -> Record:
    return log_bucket(lifecycle={"Rules": [{"Status": "Enabled", "Filter": {}} | rule for rule in rules]}, **more)


def after(days: int, old: int | None = 30, **more: Any) -> Body:
    """A rule that expires objects after so many days, and their earlier versions so many days later."""
    earlier = {"NoncurrentVersionExpiration": {"NoncurrentDays": old}} if old is not None else {}
    return {"ID": "r", "Expiration": {"Days": days}} | earlier | more


LONG_ENOUGH = {"min_log_retention_days": 365}
SHORT_ENOUGH = {"max_log_retention_days": 730}
TRAILS = {"trails": (trail(), SHADOW)}
example("EV-LOG-03-C2", "pass", log_bucket(), "kept for ever", lists=TRAILS, facts=LONG_ENOUGH)
example("EV-LOG-03-C2", "pass", kept(after(365)), lists=TRAILS, facts=LONG_ENOUGH)
example("EV-LOG-03-C2", "pass", kept(after(1, Status="Disabled")), "off", lists=TRAILS, facts=LONG_ENOUGH)
moved = {"ID": "t", "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}
example("EV-LOG-03-C2", "pass", kept(moved), "moved to another class only", lists=TRAILS, facts=LONG_ENOUGH)
example("EV-LOG-03-C2", "fail", kept(after(364)), lists=TRAILS, facts=LONG_ENOUGH)
example("EV-LOG-03-C2", "fail", kept(after(365), after(7)), "one of two rules", lists=TRAILS, facts=LONG_ENOUGH)
fixed = {"ID": "d", "Expiration": {"Date": "2027-01-01T00:00:00Z"}}
example("EV-LOG-03-C2", "fail", kept(fixed), "on a fixed date", lists=TRAILS, facts=LONG_ENOUGH)
example("EV-LOG-03-C2", "not_applicable", log_bucket("invoices"), lists=TRAILS, facts=LONG_ENOUGH)
example("EV-LOG-03-C2", "lacks_field", without(log_bucket(), "Name"), lists=TRAILS, facts=LONG_ENOUGH)

IN_FOLDER = {"trails": (trail(S3KeyPrefix="main"),)}
example("EV-LOG-03-C5", "pass", kept(after(700)), lists=TRAILS, facts=SHORT_ENOUGH)
example("EV-LOG-03-C5", "pass", kept(after(700, Filter={"Prefix": "AWSLogs/"})), lists=TRAILS, facts=SHORT_ENOUGH)
example("EV-LOG-03-C5", "pass", kept(after(700, Filter={"Prefix": "main/"})), lists=IN_FOLDER, facts=SHORT_ENOUGH)
example(
    "EV-LOG-03-C5", "pass", kept(after(730, old=None), versioning={}, object_lock=None), "no versions", lists=TRAILS,
    facts=SHORT_ENOUGH,
)  # fmt: skip
for rules, why in (
    ((after(731),), "later"),
    ((after(701),), "earlier versions are kept longer"),
    ((after(700, old=None),), "earlier versions are kept for ever"),
    ((after(700, Status="Disabled"),), "off"),
    ((after(700, Filter={"Prefix": "tmp/"}),), "other objects"),
    ((after(700, Filter={"Tag": {"Key": "a", "Value": "b"}}),), "tagged objects"),
    ((moved,), "moved only"),
):
    example("EV-LOG-03-C5", "fail", kept(*rules), why, lists=TRAILS, facts=SHORT_ENOUGH)
example("EV-LOG-03-C5", "fail", log_bucket(), "for ever", lists=TRAILS, facts=SHORT_ENOUGH)
example(
    "EV-LOG-03-C5", "fail", kept(after(700, Filter={"Prefix": "AWSLogs/"})), "the trail writes elsewhere",
    lists=IN_FOLDER, facts=SHORT_ENOUGH,
)  # fmt: skip
example("EV-LOG-03-C5", "not_applicable", log_bucket("invoices"), lists=TRAILS, facts=SHORT_ENOUGH)
example("EV-LOG-03-C5", "lacks_field", without(log_bucket(), "Name"), lists=TRAILS, facts=SHORT_ENOUGH)

GROUP_KEY = {"kmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"}
SCOPE = {"production_scope": {"accounts": [ACCOUNT], "excluded": ["scratch", "vpc-scratch", "db-scratch"]}}
GROUP_FACTS = SCOPE | {"min_group_retention_days": 365}


def log_group(name: str = "app", **fields: Any) -> Record:
    return listed("aws.logs.groups", {"logGroupName": name, "logGroupClass": "STANDARD"} | fields)[0]


example("EV-LOG-03-C3", "pass", log_group(retentionInDays=365, **GROUP_KEY), facts=GROUP_FACTS)
example("EV-LOG-03-C3", "fail", log_group(retentionInDays=180, **GROUP_KEY), facts=GROUP_FACTS)
example("EV-LOG-03-C3", "fail", log_group(retentionInDays=365), "no key", facts=GROUP_FACTS)
example("EV-LOG-03-C3", "fail", log_group(**GROUP_KEY), "no retention setting", facts=GROUP_FACTS)
example("EV-LOG-03-C3", "not_applicable", log_group("scratch"), facts=GROUP_FACTS)
elsewhere = {"production_scope": {"accounts": ["444455556666"], "excluded": []}, "min_group_retention_days": 365}
example("EV-LOG-03-C3", "not_applicable", log_group(), "another account", facts=elsewhere)


def opened(**fields: Any) -> Record:
    statement = {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:PutLogEvents",
                 "Resource": "*"} | fields  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": [{k: v for k, v in statement.items() if v is not None}]})
    return listed("aws.logs.resource_policies", {"policyName": "p", "policyDocument": text})[0]


ours = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
example("EV-LOG-03-C4", "pass", opened())
example("EV-LOG-03-C4", "pass", opened(Principal="*", Effect="Deny"))
example("EV-LOG-03-C4", "pass", opened(Principal="*", Condition=ours), "one account only")
example("EV-LOG-03-C4", "fail", opened(Principal="*"))
example("EV-LOG-03-C4", "fail", opened(Principal={"AWS": ["*"]}))
example("EV-LOG-03-C4", "fail", opened(Principal=None, NotPrincipal={"AWS": "444455556666"}), "all but one")
encrypted = {"Bool": {"aws:SecureTransport": "true"}}
example("EV-LOG-03-C4", "fail", opened(Principal="*", Condition=encrypted), "a condition that anyone can meet")
example("EV-LOG-03-C4", "lacks_field", without(opened(), "policyDocument"))

# --- what raises alarms ---------------------------------------------------------------------------------------------


def topics(**more: Any) -> dict[str, Record]:
    arn = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail:*"
    item = {"TrailARN": arn, "HomeRegion": REGION, "IsMultiRegionTrail": True, "CloudWatchLogsLogGroupArn": group}
    told = Told("aws.cloudtrail.trails").list(item | more)
    told.each("status", {"IsLogging": True}, arn).each("event_selectors", basic(MANAGEMENT), arn)
    told.absent("insight_selectors", "InsightNotEnabledException", arn)
    return {record.id: record for record in told.records("aws.cloudtrail.alarm_topics")}


TOPICS = topics()
assert not topics(HomeRegion="eu-central-1"), "judged where the trail is at home"
assert len(TOPICS) == len(topics(HomeRegion="eu-central-1", IsMultiRegionTrail=False)) == 15
MADE = [{"metricName": "m", "metricNamespace": "security", "metricValue": "1"}]


def filters(*patterns: str, group: str = "trail", **fields: Any) -> Records:
    shared = {"logGroupName": group, "metricTransformations": MADE} | fields
    made = ({"filterName": f"f{n}", "filterPattern": text} | shared
            for n, text in enumerate(patterns))  # fmt: skip
    return listed("aws.logs.metric_filters", *made)


def rules(pattern: Body, state: str = "ENABLED", targets: tuple[str, ...] = ("t",)) -> Records:
    told = Told("aws.events.rules").list({"Name": "r", "State": state, "EventPattern": json.dumps(pattern)})
    items = [{"Id": id_, "Arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"} for id_ in targets]
    return told.each("targets", {"items": items}, "r").records()


KEYS = "{ ($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }"
ROOT = '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }'
BY_NAME = {"detail": {"eventName": ["DisableKey", "ScheduleKeyDeletion"]}}
NO_RULE = rules({"source": ["aws.health"]})
NO_PLATFORM: Body = {"log_platform": {"buckets": [], "topics": []}}
ALARMS_BY = {"filters": filters(KEYS), "rules": NO_RULE}
KEY_TOPIC, ROOT_TOPIC = TOPICS["key_disable_or_deletion"], TOPICS["root_use"]
for around, why in (
    (ALARMS_BY, "a filter"),
    ({"filters": filters("{ $.eventName = DisableKey }", '{ $.eventName = "ScheduleKeyDeletion" }'), "rules": NO_RULE},
     "two filters"),
    ({"filters": filters(ROOT), "rules": rules(BY_NAME)}, "a rule"),
):  # fmt: skip
    example("EV-LOG-04-C1", "pass", KEY_TOPIC, why, lists=around, facts=NO_PLATFORM)
root_rule = rules({"detail": {"userIdentity": {"type": ["Root"]}}})
example("EV-LOG-04-C1", "pass", ROOT_TOPIC, lists=ALARMS_BY | {"filters": filters(ROOT)}, facts=NO_PLATFORM)
example("EV-LOG-04-C1", "pass", ROOT_TOPIC, lists=ALARMS_BY | {"rules": root_rule}, facts=NO_PLATFORM)
on_platform = {"log_platform": {"buckets": [], "topics": ["root_use"]}}
example("EV-LOG-04-C1", "pass", ROOT_TOPIC, "a platform", lists=ALARMS_BY, facts=on_platform, excused=True)
for around, why in (
    ({"filters": filters(ROOT), "rules": NO_RULE}, "another topic"),
    ({"filters": filters("{ $.eventName = DisableKey }"), "rules": NO_RULE}, "one event of two"),
    ({"filters": filters(KEYS.replace("DisableKey", "DisableKeyRotation")), "rules": NO_RULE}, "a longer name"),
    ({"filters": filters(KEYS.replace("=DisableKey", "!=DisableKey")), "rules": NO_RULE}, "all but this one"),
    ({"filters": filters(KEYS, group="other"), "rules": NO_RULE}, "another log group"),
    ({"filters": filters(ROOT), "rules": rules(BY_NAME, state="DISABLED")}, "a rule that is off"),
    ({"filters": filters(ROOT), "rules": rules(BY_NAME, targets=())}, "a rule without a target"),
    ({"filters": filters(ROOT),
      "rules": rules({"detail": {"eventName": [{"anything-but": ["DisableKey", "ScheduleKeyDeletion"]}]}})},
     "a rule for all but these"),
):  # fmt: skip
    example("EV-LOG-04-C1", "fail", KEY_TOPIC, why, lists=around, facts=NO_PLATFORM)
example("EV-LOG-04-C1", "fail", ROOT_TOPIC, lists=ALARMS_BY, facts=NO_PLATFORM)
no_group = topics(CloudWatchLogsLogGroupArn="")["root_use"]
example(
    "EV-LOG-04-C1", "fail", no_group, "no log group", lists=ALARMS_BY | {"filters": filters(ROOT)}, facts=NO_PLATFORM
)
example("EV-LOG-04-C1", "lacks_field", without(KEY_TOPIC, "Events"), lists=ALARMS_BY, facts=NO_PLATFORM)

TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"


def alarms(state: str = "OK", updated: str = "2026-10-31T00:00:00Z", **fields: Any) -> Records:
    item = {
        "AlarmName": "a", "MetricName": "m", "Namespace": "security", "StateValue": state, "ActionsEnabled": True,
        "StateUpdatedTimestamp": updated, "AlarmActions": [TOPIC_ARN],
    }  # fmt: skip
    return listed("aws.cloudwatch.alarms", {k: v for k, v in (item | fields).items() if v is not None})


the_filter = filters(KEYS)[0]
WATCHED = {"trails": (trail(),), "alarms": alarms()}
example("EV-LOG-04-C2", "pass", the_filter, lists=WATCHED)
for some in (alarms("ALARM"), alarms("INSUFFICIENT_DATA", "2026-10-02T06:00:00Z")):
    example("EV-LOG-04-C2", "pass", the_filter, lists=WATCHED | {"alarms": some})
for some, why in (
    ((), "no alarm"),
    (alarms("INSUFFICIENT_DATA", "2026-10-02T05:59:59Z"), "no data for longer"),
    (alarms(ActionsEnabled=False), "actions are off"),
    (alarms(AlarmActions=[]), "no action"),
    (alarms(MetricName="other"), "another metric"),
    (alarms(Namespace="other"), "another namespace"),
    (alarms(MetricName=None, Namespace=None), "a calculated metric"),
):
    example("EV-LOG-04-C2", "fail", the_filter, why, lists=WATCHED | {"alarms": some})
example("EV-LOG-04-C2", "not_applicable", filters(KEYS, group="app")[0], lists=WATCHED)
example("EV-LOG-04-C2", "lacks_field", without(the_filter, "logGroupName"), lists=WATCHED)
example("EV-LOG-04-C2", "lacks_field", the_filter, lists=WATCHED | {"alarms": alarms("INSUFFICIENT_DATA", None)})


def subscriptions(arn: str = f"{TOPIC_ARN}:1", topic: str = TOPIC_ARN) -> Records:
    item = {"SubscriptionArn": arn, "TopicArn": topic, "Protocol": "email", "Endpoint": "security@example.com"}
    return Told("aws.sns.subscriptions").list(item, source=topic).records()


the_alarm = alarms()[0]
TOLD = {"trails": (trail(),), "filters": filters(KEYS), "subscriptions": subscriptions()}
example("EV-LOG-04-C3", "pass", the_alarm, lists=TOLD)
two = alarms(AlarmActions=[TOPIC_ARN, f"{TOPIC_ARN}-2"])[0]
example(
    "EV-LOG-04-C3", "pass", two,
    lists=TOLD | {"subscriptions": subscriptions() + subscriptions(f"{TOPIC_ARN}-2:1", f"{TOPIC_ARN}-2")},
)  # fmt: skip
pending = subscriptions("PendingConfirmation")
example("EV-LOG-04-C3", "fail", the_alarm, "nobody confirmed", lists=TOLD | {"subscriptions": pending})
example("EV-LOG-04-C3", "fail", the_alarm, "nobody subscribed", lists=TOLD | {"subscriptions": ()})
example("EV-LOG-04-C3", "fail", two, "one of two topics", lists=TOLD)
example("EV-LOG-04-C3", "fail", alarms(AlarmActions=[])[0], "no action", lists=TOLD)
theirs = alarms(AlarmActions=[f"arn:aws:sns:{REGION}:444455556666:alarms"])[0]
example("EV-LOG-04-C3", "cannot_tell", theirs, "another account's topic", lists=TOLD)
example("EV-LOG-04-C3", "not_applicable", alarms(MetricName="CPUUtilization", Namespace="AWS/EC2")[0], lists=TOLD)
example("EV-LOG-04-C3", "not_applicable", alarms(MetricName=None)[0], "a calculated metric", lists=TOLD)
example("EV-LOG-04-C3", "lacks_field", without(the_alarm, "AlarmActions"), lists=TOLD)

# --- networks -------------------------------------------------------------------------------------------------------


def vpc(id_: str = "vpc-1") -> Record:
    return listed("aws.ec2.vpcs", {"VpcId": id_, "CidrBlock": "10.0.0.0/16", "IsDefault": False})[0]


def flow_logs(**fields: Any) -> Records:
    item = {"FlowLogId": "fl-1", "ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE", "TrafficType": "ALL",
            "DeliverLogsStatus": "SUCCESS"}  # fmt: skip
    return listed("aws.ec2.flow_logs", {k: v for k, v in (item | fields).items() if v is not None})


IN_USE = listed("aws.ec2.network_interfaces", {"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1"})
FLOWING = {"logs": flow_logs(), "interfaces": IN_USE}
example("EV-LOG-05-C1", "pass", vpc(), lists=FLOWING)
example("EV-LOG-05-C1", "pass", vpc(), lists=FLOWING | {"logs": flow_logs(TrafficType="REJECT")})
example("EV-LOG-05-C1", "pass", vpc(), "to S3", lists=FLOWING | {"logs": flow_logs(DeliverLogsStatus=None)})
for fields, why in (
    ({"ResourceId": "vpc-2"}, "another network"),
    ({"TrafficType": "ACCEPT"}, "nothing refused"),
    ({"FlowLogStatus": "FAILED"}, "not active"),
    ({"DeliverLogsStatus": "FAILED"}, "not delivered"),
):
    example("EV-LOG-05-C1", "fail", vpc(), why, lists=FLOWING | {"logs": flow_logs(**fields)})
example("EV-LOG-05-C1", "fail", vpc(), "none", lists=FLOWING | {"logs": ()})
example("EV-LOG-05-C1", "not_applicable", vpc("vpc-2"), "nothing is in it", lists=FLOWING)
example("EV-LOG-05-C1", "lacks_field", without(vpc(), "VpcId"), lists=FLOWING)


def queries(status: str = "ACTIVE", network: str = "vpc-1", config: str = "rqlc-1") -> Records:
    item = {"Id": "rqlca-1", "ResourceId": network, "ResolverQueryLogConfigId": config, "Status": status}
    return listed("aws.route53resolver.query_log_associations", item)


def configs(status: str = "CREATED") -> Records:
    item = {"Id": "rqlc-1", "Status": status, "DestinationArn": "arn:aws:s3:::dns", "Name": "dns"}
    return listed("aws.route53resolver.query_log_configs", item)


def zone(id_: str = "Z1", private: bool | None = False) -> Record:
    item: Body = {"Id": f"/hostedzone/{id_}", "Name": "example.com.", "CallerReference": "x"}
    return listed("aws.route53.hosted_zones", item | ({} if private is None else {"Config": {"PrivateZone": private}}))[
        0
    ]


ZONES = listed("aws.route53.query_logging_configs", {
    "Id": "q-1", "HostedZoneId": "Z1", "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:dns",
})  # fmt: skip
ASKED = {"configs": configs(), "associations": queries(), "zones": ZONES}
example("EV-LOG-05-C2", "pass", vpc(), lists=ASKED, facts=SCOPE)
example("EV-LOG-05-C2", "pass", zone(), lists=ASKED, facts=SCOPE)
example("EV-LOG-05-C2", "pass", zone(private=None), lists=ASKED, facts=SCOPE)
for around, why in (
    ({"associations": ()}, "not logged"),
    ({"associations": queries("FAILED")}, "failed"),
    ({"associations": queries(network="vpc-2")}, "another network"),
    ({"configs": configs("FAILED")}, "the configuration failed"),
    ({"configs": ()}, "the configuration is gone"),
):
    example("EV-LOG-05-C2", "fail", vpc(), why, lists=ASKED | around, facts=SCOPE)
example("EV-LOG-05-C2", "fail", zone("XZ1"), "another zone", lists=ASKED, facts=SCOPE)
example("EV-LOG-05-C2", "not_applicable", zone(private=True), "a private zone", lists=ASKED, facts=SCOPE)
example("EV-LOG-05-C2", "pass", vpc("vpc-scratch"), "out of scope", lists=ASKED, facts=SCOPE, excused=True)
broken = tuple(without(one, "Status") for one in queries())
example("EV-LOG-05-C2", "lacks_field", vpc(), lists=ASKED | {"associations": broken}, facts=SCOPE)

# --- databases ------------------------------------------------------------------------------------------------------


def exports(*names: str) -> Body:
    return {"EnabledCloudwatchLogsExports": list(names)}


def database(engine: str = "postgres", name: str = "patients", **fields: Any) -> Record:
    item = {
        "DBInstanceIdentifier": name, "Engine": engine, "DBParameterGroups": [{"DBParameterGroupName": "own"}],
        "OptionGroupMemberships": [{"OptionGroupName": "own", "Status": "in-sync"}],
    }  # fmt: skip
    return listed("aws.rds.instances", item | fields)[0]


def cluster(engine: str = "aurora-postgresql", **fields: Any) -> Record:
    item = {
        "DBClusterIdentifier": "clinic", "Engine": engine, "DBClusterParameterGroup": "own",
        "DBClusterArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:clinic",
    }  # fmt: skip
    return listed("aws.rds.clusters", item | fields)[0]


def warehouse(**logging: Any) -> Record:
    told = Told("aws.redshift.clusters").list({"ClusterIdentifier": "warehouse"})
    answer = {"LoggingEnabled": True, "LogDestinationType": "s3", "BucketName": "redshift-logs"} | logging
    told.each("logging", {k: v for k, v in answer.items() if v is not None}, "warehouse")
    return told.records()[0]


OF_CLUSTER = {"DBClusterIdentifier": "clinic"}
TO_WATCH = {"LogDestinationType": "cloudwatch", "BucketName": None}
ALL_THREE = {"LogExports": ["connectionlog", "userlog", "useractivitylog"]}
for found in (
    database(**exports("postgresql", "upgrade")),
    database("mysql", **exports("error", "audit")),
    database("oracle-ee", **exports("alert", "audit")),
    database("sqlserver-se", **exports("error")),
    cluster(**exports("postgresql")),
    cluster("aurora-mysql", **exports("audit", "error")),
    warehouse(),
    warehouse(**TO_WATCH, **ALL_THREE),
):
    example("EV-LOG-08-C1", "pass", found, facts=SCOPE)
for found, why in (
    (database(), "exports nothing"),
    (database(**exports("upgrade")), "another log"),
    (database("mariadb", **exports("error")), "no audit"),
    (database("oracle-se2", **exports("alert")), "no audit"),
    (database("sqlserver-ex"), "nothing"),
    (cluster(), "exports nothing"),
    (cluster("aurora-mysql", **exports("audit")), "no errors"),
    (warehouse(LoggingEnabled=False), "off"),
    (warehouse(**TO_WATCH, LogExports=["userlog"]), "one log of three"),
):
    example("EV-LOG-08-C1", "fail", found, why, facts=SCOPE)
example("EV-LOG-08-C1", "pass", database(name="db-scratch"), "out of scope", facts=SCOPE, excused=True)
example("EV-LOG-08-C1", "cannot_tell", database("db2-se", **exports("diag.log")), facts=SCOPE)
example("EV-LOG-08-C1", "not_applicable", database(**OF_CLUSTER), "an instance of a cluster", facts=SCOPE)


def settings(kind: str, name: str = "own", **parameters: str | None) -> Records:
    named = f"DB{kind}ParameterGroupName"
    told = Told(f"aws.rds.{'cluster_' if kind else ''}parameter_groups").list({named: name})
    items = [
        {"ParameterName": key.replace("__", "."), **({} if value is None else {"ParameterValue": value})}
        for key, value in parameters.items()
    ]
    return told.each("parameters", {"items": items}, name).records()


def options(*names: str) -> Records:
    item = {"OptionGroupName": "own", "Options": [{"OptionName": name} for name in names]}
    return listed("aws.rds.option_groups", item)


AUDITED: dict[str, str | None] = {"pgaudit__log": "ddl,role", "log_connections": "1", "log_disconnections": "1"}
MYSQL_AUDITED: dict[str, str | None] = {"server_audit_logging": "1", "server_audit_events": "CONNECT,QUERY_DCL"}
SETTINGS = {"groups": settings("", **AUDITED), "cluster_groups": settings("Cluster", **AUDITED), "options": options()}
NO_SETTING = {"groups": settings("", other="1"), "cluster_groups": settings("Cluster"), "options": options("MEMCACHED")}
example("EV-LOG-08-C2", "pass", database(), lists=SETTINGS)
example("EV-LOG-08-C2", "pass", cluster(), lists=SETTINGS)
example("EV-LOG-08-C2", "pass", database("mysql"), lists=SETTINGS | {"options": options("MARIADB_AUDIT_PLUGIN")})
example("EV-LOG-08-C2", "pass", database("sqlserver-se"), lists=SETTINGS | {"options": options("SQLSERVER_AUDIT")})
example("EV-LOG-08-C2", "pass", database("oracle-ee"), lists=SETTINGS | {"groups": settings("", audit_trail="DB")})
own_audit = {"cluster_groups": settings("Cluster", **MYSQL_AUDITED)}
example("EV-LOG-08-C2", "pass", cluster("aurora-mysql"), lists=SETTINGS | own_audit)
for name, bad in (("pgaudit__log", "none"), ("log_connections", "0"), ("log_disconnections", None)):
    wrong = AUDITED | {name: bad}
    around = {"groups": settings("", **wrong), "cluster_groups": settings("Cluster", **wrong)}
    example("EV-LOG-08-C2", "fail", database(), name, lists=SETTINGS | around)
    example("EV-LOG-08-C2", "fail", cluster(), name, lists=SETTINGS | around)
for found in (database(), cluster(), database("mysql"), database("sqlserver-se"), database("oracle-ee"),
              cluster("aurora-mysql"), database(DBParameterGroups=[{"DBParameterGroupName": "other"}])):  # fmt: skip
    example("EV-LOG-08-C2", "fail", found, lists=NO_SETTING)
example("EV-LOG-08-C2", "cannot_tell", database("db2-se"), lists=SETTINGS)
example("EV-LOG-08-C2", "cannot_tell", cluster("mysql"), "a cluster without options", lists=SETTINGS)
example("EV-LOG-08-C2", "not_applicable", database(**OF_CLUSTER), lists=SETTINGS)
example("EV-LOG-08-C2", "lacks_field", without(database(), "Engine"), lists=SETTINGS)


def searched(group: str, *principals: str, view: str | None = None, **fault: str) -> Records:
    """The extract of a database's log."""
    told = Told("aws.logs.database_logs")
    told.call("FilterLogEvents", "statements", {"events": []}, group)
    lines: list[Body] = [
        {"type": "statement", "group": group, "id": str(number), "at": "2026-10-05T10:00:00Z", "verb": "GRANT",
         "database": "patients", "principal": name}
        for number, name in enumerate(principals)
    ]  # fmt: skip
    log = {"type": "log", "group": group, "database": "patients", "holder": "rds/instance", "log": "postgresql"}
    lines.append(log | {"statements": len(principals)} | fault)
    told.files[STATEMENTS] = [canonical_bytes(line) + b"\n" for line in lines]
    return told.records(view)


def said(group: str, *principals: str) -> dict[str, Records]:
    view = "aws.logs.privileged_statements"
    return {"logs": searched(group, *principals), "statements": searched(group, *principals, view=view)}


OWN_LOG = "/aws/rds/instance/patients/postgresql"
CLUSTER_LOG = "/aws/rds/cluster/clinic/postgresql"
HOUSE_LOG = "/aws/redshift/cluster/warehouse/useractivitylog"
MAY = {"privileged_identities": {"database_users": ["administrator"]}}
own_house = warehouse(**TO_WATCH, **ALL_THREE)
for found, log in ((database(), OWN_LOG), (cluster(), CLUSTER_LOG), (own_house, HOUSE_LOG)):
    example("EV-LOG-08-C3", "pass", found, lists=said(log, "administrator"), facts=MAY)
    example("EV-LOG-08-C3", "fail", found, "somebody else", lists=said(log, "administrator", "ben"), facts=MAY)
    example("EV-LOG-08-C3", "fail", found, "not in the extract", lists=said("/aws/rds/cluster/x/audit"), facts=MAY)
example("EV-LOG-08-C3", "pass", database(), "no statement", lists=said(OWN_LOG), facts=MAY)
others = said(OWN_LOG)["logs"], said("/aws/rds/instance/patients-2/postgresql", "ben")["statements"]
example(
    "EV-LOG-08-C3", "pass", database(), "another database's", lists={"logs": others[0], "statements": others[1]},
    facts=MAY,
)  # fmt: skip
example("EV-LOG-08-C3", "cannot_tell", warehouse(), "in a bucket", lists=said(HOUSE_LOG), facts=MAY)
example("EV-LOG-08-C3", "not_applicable", database(**OF_CLUSTER), lists=said(OWN_LOG), facts=MAY)
unnamed = {"logs": tuple(without(one, "LogGroup") for one in searched(OWN_LOG)), "statements": ()}
example("EV-LOG-08-C3", "lacks_field", database(), lists=unnamed, facts=MAY)

# --- reads of stored data -------------------------------------------------------------------------------------------

ALL_FILES = {"days": days(*ALL_DAYS)}
STORES = {"patients": "phi", "website": "public", "visits": "phi"}
CLASSES = {"data_classification": {
    "resources": STORES, "sensitive_classes": ["phi", "personal"], "ephi_classes": ["phi"],
}}  # fmt: skip


def table(name: str = "visits") -> Record:
    told = Told("aws.dynamodb.tables").list(name)
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    told.each("table", {"Table": {"TableName": name, "TableArn": arn}}, name)
    told.each("continuous_backups", {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}}, name)
    told.each("time_to_live", {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}, name)
    return told.records()[0]


def trail_change(name: str, **fields: Any) -> Records:
    made = event(name, eventSource="cloudtrail.amazonaws.com", userIdentity={"type": "IAMUser", "userName": "ana"})
    line = {"type": "event", "reasons": ["privileged"], "event": made | fields}
    return extract(line, view="aws.cloudtrail.privileged_events")


TABLES = data("arn:aws:dynamodb", type_="AWS::DynamoDB::Table")
own_table = data(f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/visits", type_="AWS::DynamoDB::Table")
EVERYTHING = choices(basic(MANAGEMENT | {"DataResources": [data("arn:aws:s3"), TABLES]}))
ONLY = choices(basic(MANAGEMENT | {"DataResources": [data("arn:aws:s3:::patients/"), own_table]}))
RECORDED = ALL_FILES | {"selectors": EVERYTHING, "changes": trail_change("AddTags")}
for found in (log_bucket("patients"), table()):
    for chosen in (EVERYTHING, ONLY):
        example("EV-LOG-07-C1", "pass", found, lists=RECORDED | {"selectors": chosen}, facts=CLASSES)
    refused = trail_change("StopLogging", errorCode="AccessDenied")
    example("EV-LOG-07-C1", "pass", found, "refused", lists=RECORDED | {"changes": refused}, facts=CLASSES)
    for around, why in (
        ({"selectors": ()}, "no trail chooses data events"),
        ({"selectors": NO_CHOICE}, "other resources"),
        ({"selectors": choices(basic(MANAGEMENT | {"DataResources": [data("arn:aws:s3"), TABLES],
                                                   "ReadWriteType": "WriteOnly"}))}, "no reads"),
        ({"selectors": choices(basic(MANAGEMENT | {"DataResources": [data("arn:aws:s3"), TABLES]}),
                               IsMultiRegionTrail=False)}, "one region"),
        ({"changes": trail_change("StopLogging")}, "stopped"),
        ({"changes": trail_change("PutEventSelectors")}, "changed"),
        ({"days": days(*ALL_DAYS[:12], *ALL_DAYS[13:])}, "a day is missing"),
        ({"days": ()}, "no log at all"),
    ):  # fmt: skip
        example("EV-LOG-07-C1", "fail", found, why, lists=RECORDED | around, facts=CLASSES)
unknown_class = log_bucket("unknown")
example("EV-LOG-07-C1", "fail", unknown_class, "no class", lists=RECORDED | {"selectors": ONLY}, facts=CLASSES)
example(
    "EV-LOG-07-C1", "pass", log_bucket("website"), "public", lists=RECORDED | {"selectors": ()}, facts=CLASSES,
    excused=True,
)  # fmt: skip
no_names = tuple(without(change, "EventName") for change in trail_change("StopLogging"))
example("EV-LOG-07-C1", "lacks_field", log_bucket("patients"), lists=RECORDED | {"changes": no_names}, facts=CLASSES)

APP = f"arn:aws:iam::{ACCOUNT}:role/clinic"


def read_by(principal: str = APP, store: str = "patients", reads: int = 7, view: str = "data_reads") -> Record:
    line = {"type": "access", "day": "2026-10-05", "principal": principal, "source": "s3.amazonaws.com",
            "store": store, "reads": reads}  # fmt: skip
    return extract(line, view=f"aws.cloudtrail.{view}")[0]


READERS = CLASSES | {"role_matrix": {"data_readers": [APP]}}
example("EV-LOG-07-C2", "pass", read_by(), facts=READERS)
example("EV-LOG-07-C2", "fail", read_by("arn:aws:iam::111122223333:user/ben"), facts=READERS)
example("EV-LOG-07-C2", "fail", read_by("arn:aws:iam::111122223333:user/ben", "new"), "no class", facts=READERS)
example("EV-LOG-07-C2", "not_applicable", read_by("arn:aws:iam::111122223333:user/ben", "website"), facts=READERS)
example("EV-LOG-07-C2", "lacks_field", without(read_by(), "Principal"), facts=READERS)


def read_on_a_day(*reads: int) -> Record:
    lines = ({"type": "access", "day": "2026-10-05", "principal": APP, "source": "s3.amazonaws.com",
              "store": f"b{number}", "reads": count} for number, count in enumerate(reads))  # fmt: skip
    return extract(*lines, view="aws.cloudtrail.data_read_days")[0]


NOT_EXPLAINED: Body = {"finding_tickets": {"tickets": []}}
many = read_on_a_day(600, 401)
example("EV-LOG-07-C3", "pass", read_on_a_day(600, 400), facts=NOT_EXPLAINED)
example("EV-LOG-07-C3", "fail", many, "of two stores together", facts=NOT_EXPLAINED)
example("EV-LOG-07-C3", "pass", many, "explained", facts={"finding_tickets": {"tickets": [many.id]}}, excused=True)
example("EV-LOG-07-C3", "lacks_field", without(many, "Reads"), facts=NOT_EXPLAINED)

# --- changes of access ----------------------------------------------------------------------------------------------


def counted(day: int, privileged: int, kept: int) -> Records:
    """Log files of the whole period; of one day so many privileged events were counted, and so many kept."""
    text = f"2026-10-{day:02}"
    made = event("AttachUserPolicy", eventSource="iam.amazonaws.com", eventTime=f"{text}T10:00:00Z")
    lines = [{"type": "event", "reasons": ["privileged"], "event": made}] * kept
    files = [line | {"privileged": {text: privileged}} if line["day"] == text else line for line in ALL_DAYS]
    return days(*lines, *files)


example("EV-ACC-02-C1", "pass", place(), lists={"days": counted(5, 2, 2)})
example("EV-ACC-02-C1", "pass", place(), "none", lists=ALL_FILES)
example("EV-ACC-02-C1", "fail", place(), "one was lost", lists={"days": counted(5, 2, 1)})
example("EV-ACC-02-C1", "fail", place(), "a day is missing", lists={"days": days(*ALL_DAYS[:12], *ALL_DAYS[13:])})
example("EV-ACC-02-C1", "fail", place(), "no log at all", lists={"days": ()})
uncounted = tuple(without(day, "Privileged") for day in days(*ALL_DAYS))
example("EV-ACC-02-C1", "lacks_field", place(), lists={"days": uncounted})


def change(name: str = "AttachUserPolicy", target: str = "ben", role: str = "", **fields: Any) -> Records:
    who: Body = {"type": "IAMUser", "userName": "ana", "arn": f"arn:aws:iam::{ACCOUNT}:user/ana"}
    if role:
        issuer = {"arn": f"arn:aws:iam::{ACCOUNT}:role/{role}"}
        who = {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::1:assumed-role/x/y",
            "sessionContext": {"sessionIssuer": issuer},
        }
    asked = {"roleName": target} if "Role" in name else {"userName": target}
    made = event(name, eventSource="iam.amazonaws.com", userIdentity=who, requestParameters=asked) | fields
    line = {"type": "event", "reasons": ["privileged"], "event": made}
    return extract(line, view="aws.cloudtrail.access_changes")


assert not change(errorCode="AccessDenied"), "what was refused changed nothing"
assert not change("UpdateAccountPasswordPolicy", eventSource="s3.amazonaws.com")
GRANT, TAKING = change()[0], change("DetachUserPolicy")[0]
PIPELINE: Body = {
    "pipeline_roles": {"roles": [f"arn:aws:iam::{ACCOUNT}:role/pipeline"]}, "access_requests": {"requests": {}},
}  # fmt: skip
asked_for = PIPELINE | {"access_requests": {"requests": {GRANT.id: "T-1"}}}
example("EV-ACC-02-C2", "pass", GRANT, "asked for", facts=asked_for)
example("EV-ACC-02-C2", "pass", change(role="pipeline")[0], facts=PIPELINE)
example("EV-ACC-02-C2", "fail", GRANT, facts=PIPELINE)
example("EV-ACC-02-C2", "fail", change("CreateAccessKey", role="other")[0], facts=asked_for)
example("EV-ACC-02-C2", "not_applicable", TAKING, facts=PIPELINE)
example("EV-ACC-02-C2", "lacks_field", without(GRANT, "Actor"), facts=PIPELINE)

example("EV-ACC-02-C3", "pass", GRANT)
example("EV-ACC-02-C3", "pass", change("AttachRolePolicy", "reader", role="pipeline")[0])
example("EV-ACC-02-C3", "fail", change(target="ana")[0], "to oneself")
example("EV-ACC-02-C3", "fail", change("AttachRolePolicy", "pipeline", role="pipeline")[0], "to its own role")
example("EV-ACC-02-C3", "not_applicable", change("DetachUserPolicy", "ana")[0])
example("EV-ACC-02-C3", "lacks_field", without(GRANT, "ToItself"))

# --- the digest chain -----------------------------------------------------------------------------------------------

SIGNER = rsa.generate_private_key(65537, 2048)
PUBLIC = SIGNER.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
DAY_5 = "2026-10-05"


@dataclass
class Chain:
    """Digest files as CloudTrail writes them, each after the one before."""

    lines: list[Body] = field(default_factory=list)
    before: Body = field(default_factory=dict)

    def add(self, start: str, end: str, signer: rsa.RSAPrivateKey = SIGNER, **fields: Any) -> Chain:
        key = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/{end[:10].replace('-', '/')}/{end}.json.gz"
        body = {
            "digestStartTime": start, "digestEndTime": end, "digestS3Bucket": LOGS, "digestS3Object": key,
            "digestPublicKeyFingerprint": "f1", **self.before, **fields,
        }  # fmt: skip
        text = json.dumps(body)
        signature = signer.sign(signed_text(body, text.encode()), PKCS1v15(), SHA256()).hex()
        self.lines.append({"type": "digest", "key": key, "text": text, "signature": signature})
        self.before = {
            "previousDigestS3Object": key, "previousDigestSignature": signature,
            "previousDigestHashValue": hashlib.sha256(text.encode()).hexdigest(),
        }  # fmt: skip
        return self

    def records(self, view: str | None = None, *more: Body) -> Records:
        told = Told("aws.cloudtrail.digests")
        told.call("ListPublicKeys", "keys", {"PublicKeyList": []}, "trail")
        told.call("ListObjectsV2", "list", {"KeyCount": 1}, "trail", DAY_5, service="s3")
        key = {"type": "key", "fingerprint": "f1", "value": base64.b64encode(PUBLIC).decode()}
        told.files[DIGESTS] = [canonical_bytes(line) + b"\n" for line in (key, *self.lines, *more)]
        return told.records(view and f"aws.cloudtrail.{view}")

    def day(self) -> Record:
        return next(record for record in self.records("digest_days") if record.id == DAY_5)


NIGHT, NOON, NEXT = "2026-10-04T23:30:00Z", "2026-10-05T12:00:00Z", "2026-10-06T00:30:00Z"
whole = Chain().add(NIGHT, NOON).add(NOON, NEXT)
assert len(whole.records("digest_days")) == 31
example("EV-LOG-02-C1", "pass", whole.day())
example("EV-LOG-02-C1", "fail", Chain().day(), "none")
example("EV-LOG-02-C1", "fail", Chain().add(NIGHT, NOON).day(), "the evening is missing")
example("EV-LOG-02-C1", "fail", Chain().add(NIGHT, NOON).add("2026-10-05T13:00:00Z", NEXT).day(), "an hour is missing")
another = rsa.generate_private_key(65537, 2048)
example("EV-LOG-02-C1", "fail", Chain().add(NIGHT, NOON, another).add(NOON, NEXT).day(), "signed by another key")
moved_file = Chain().add(NIGHT, NOON).add(NOON, NEXT, digestS3Object="elsewhere")
example("EV-LOG-02-C1", "fail", moved_file.day(), "another place")
changed = Chain().add(NIGHT, NOON).add(NOON, NEXT)
changed.lines[0]["text"] = changed.lines[0]["text"].replace("f1", "f1 ")
example("EV-LOG-02-C1", "fail", changed.day(), "the text was changed")
replaced = Chain().add(NIGHT, NOON).add(NOON, NEXT, previousDigestHashValue="0" * 64)
example("EV-LOG-02-C1", "fail", replaced.day(), "another predecessor")
example("EV-LOG-02-C1", "lacks_field", without(whole.day(), "Signed"))


def sampled(found: str = "aa", of: int = 1, listed: int = 1) -> Record:
    line = {"type": "sample", "key": "k", "expected": "aa", "found": found}
    return Chain().records("digest_samples", line, {"type": "sampling", "sampled": of, "listed": listed})[0]


example("EV-LOG-02-C2", "pass", sampled(), "all")
example("EV-LOG-02-C2", "pass", sampled(of=25, listed=700))
example("EV-LOG-02-C2", "fail", sampled("bb"))
example("EV-LOG-02-C2", "fail", sampled(of=24, listed=700), "too few")
example("EV-LOG-02-C2", "lacks_field", without(sampled(), "Matches"))

example("EV-LOG-02-C3", "pass", whole.records()[1])
example("EV-LOG-02-C3", "fail", Chain().add(NIGHT, NOON).add("2026-10-05T13:00:00Z", NEXT).records()[1])
example("EV-LOG-02-C3", "not_applicable", whole.records()[0], "the first of the period")
example("EV-LOG-02-C3", "lacks_field", without(whole.records()[1], "PreviousEnd"))

# --- what the derivations yield -------------------------------------------------------------------------------------

derived("aws.cloudtrail.digests", whole.records())
derived("aws.cloudtrail.digest_days", (whole.day(),))
derived("aws.cloudtrail.digest_samples", (sampled(),))
derived("aws.cloudtrail.privileged_events", trail_change("StopLogging"))
derived("aws.cloudtrail.data_reads", (read_by(),))
derived("aws.cloudtrail.data_read_days", (many,))
derived("aws.cloudtrail.access_changes", (GRANT,))
derived("aws.logs.database_logs", searched(OWN_LOG))
derived("aws.logs.privileged_statements", said(OWN_LOG, "administrator")["statements"])
assert searched(OWN_LOG, error="AccessDenied", result="denied")[0].gaps["Statements"].result == "denied"
derived("aws.cloudtrail.data_event_selectors", objects("arn:aws:s3"))
derived("aws.cloudtrail.alarm_topics", tuple(TOPICS.values()))
assert unknown_trail("event_selectors").gaps.keys() == {"event_selectors"}
assert denied().code
