"""Examples of the checks of what stands at the edge: load balancers, distributions, APIs, certificates and filters."""

from __future__ import annotations

from typing import Any

from answers import ACCOUNT, REGION, Body, Told, listed
from exampling import example, without

from evidence_schema.models.transcript import Record

BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/web/0a1b"
LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/web/0a1b/2c3d"


def one(kind: str, item: Any, id_: str = "", **each: Any) -> Record:
    """A record of a list's one item with the answers to what is asked for it."""
    told = Told(kind).list(item)
    for name, answer in each.items():
        told.each(name, answer, id_)
    return told.records()[0]


def batched(kind: str, item: Any, answer: Body) -> Record:
    """A record of a list whose items are described in batches."""
    told = Told(kind).list(item)
    batch = told.declaration.batch
    assert batch is not None
    told.call(batch.operation, "batch", {batch.items: [answer]}, answer[batch.id])
    return told.records()[0]


def balancer(scheme: str = "internet-facing", *attributes: Body, type_: str = "application", **new: Any) -> Record:
    item = {"LoadBalancerArn": BALANCER, "LoadBalancerName": "web", "Scheme": scheme, "Type": type_} | new
    return one("aws.elbv2.load_balancers", item, BALANCER, attributes={"Attributes": list(attributes)})


def listener(protocol: str = "HTTPS", **new: Any) -> Record:
    forward = {"Type": "forward", "TargetGroupArn": "arn:aws:elasticloadbalancing:t"}
    item = {
        "ListenerArn": LISTENER, "LoadBalancerArn": BALANCER, "Port": 443, "Protocol": protocol,
        "DefaultActions": [forward],
    }  # fmt: skip
    return Told("aws.elbv2.listeners").list(item | new, source=BALANCER).records()[0]


def classic(
    *protocols: str, scheme: str = "internet-facing", used: str = "tls", log: Body | None = None, **old: str
) -> Record:
    """A classic load balancer with a policy; `old` are attributes of the policy."""
    listeners = [
        {
            "Listener": {"Protocol": protocol, "LoadBalancerPort": 443, "InstancePort": 80},
            "PolicyNames": [used] if protocol in ("HTTPS", "SSL") else [],
        }
        for protocol in protocols
    ]
    attributes = {"Protocol-TLSv1.2": "true", "Protocol-SSLv3": "false", "Server-Defined-Cipher-Order": "true"} | {
        name.replace("_", "-", 1).replace("_", "."): value for name, value in old.items()
    }
    tls = {
        "PolicyName": "tls", "PolicyTypeName": "SSLNegotiationPolicyType",
        "PolicyAttributeDescriptions": [
            {"AttributeName": name, "AttributeValue": value} for name, value in attributes.items()
        ],
    }  # fmt: skip
    sticky = {
        "PolicyName": "sticky",
        "PolicyTypeName": "LBCookieStickinessPolicyType",
        "PolicyAttributeDescriptions": [],
    }
    item = {"LoadBalancerName": "old-web", "Scheme": scheme, "ListenerDescriptions": listeners}
    return one(
        "aws.elb.load_balancers", item, "old-web",
        settings={"LoadBalancerAttributes": {"AccessLog": log or {"Enabled": False}}},
        policy_descriptions={"PolicyDescriptions": [tls, sticky]},
    )  # fmt: skip


HTTPS_ORIGIN = {
    "Id": "web", "DomainName": "web.example.org",
    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
}  # fmt: skip
BUCKET_ORIGIN = {"Id": "b", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}


def behaviour(policy: str, **new: Any) -> Body:
    return {"TargetOriginId": "web", "ViewerProtocolPolicy": policy, **new}


def distribution(*origins: Body, viewer: str = "redirect-to-https", config: Body | None = None, **new: Any) -> Record:
    item = {
        "Id": "E1", "ARN": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1", "Enabled": True, "WebACLId": "",
        "ViewerCertificate": {"MinimumProtocolVersion": "TLSv1.2_2021"},
        "DefaultCacheBehavior": behaviour(viewer),
        "CacheBehaviors": {"Quantity": 0},
        "Origins": {"Quantity": 1, "Items": list(origins) or [HTTPS_ORIGIN, BUCKET_ORIGIN]},
    }  # fmt: skip
    return one(
        "aws.cloudfront.distributions",
        item | new,
        "E1",
        config={"DistributionConfig": {"DefaultCacheBehavior": behaviour(viewer)} | (config or {})},
    )


# --- encryption in transit ------------------------------------------------------------------------------------------

REDIRECT = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}
KEPT = {"Type": "redirect", "RedirectConfig": {"Host": "other.example.org", "StatusCode": "HTTP_301"}}
PUBLIC = {"balancers": (balancer(),)}

for protocol in ("HTTPS", "TLS", "QUIC"):
    example("EV-ENC-05-C1", "pass", listener(protocol), lists=PUBLIC)
example("EV-ENC-05-C1", "pass", listener("HTTP", DefaultActions=[REDIRECT]), lists=PUBLIC)
example("EV-ENC-05-C1", "fail", listener("HTTP"), lists=PUBLIC)
example(
    "EV-ENC-05-C1", "fail", listener("HTTP", DefaultActions=[KEPT]), "another host, the same protocol", lists=PUBLIC
)
example("EV-ENC-05-C1", "cannot_tell", listener("TCP"), "the targets may encrypt", lists=PUBLIC)
example("EV-ENC-05-C1", "not_applicable", listener("HTTP"), lists={"balancers": (balancer("internal"),)})
example("EV-ENC-05-C1", "not_applicable", listener("HTTP"), "of another balancer", lists={"balancers": ()})
example("EV-ENC-05-C1", "not_applicable", classic("HTTP", scheme="internal"), lists=PUBLIC)
example("EV-ENC-05-C1", "pass", classic("HTTPS", "SSL"), lists=PUBLIC)
example("EV-ENC-05-C1", "fail", classic("HTTPS", "HTTP"), lists=PUBLIC)
example("EV-ENC-05-C1", "cannot_tell", classic("HTTPS", "TCP"), lists=PUBLIC)
bare = {"LoadBalancerName": "old-web", "Scheme": "internet-facing", "ListenerDescriptions": [{"PolicyNames": []}]}
example("EV-ENC-05-C1", "lacks_field", one("aws.elb.load_balancers", bare), lists=PUBLIC)

POLICIES = {
    "policies": listed(
        "aws.elbv2.ssl_policies",
        {"Name": "strong", "SslProtocols": ["TLSv1.2", "TLSv1.3"]},
        {"Name": "weak", "SslProtocols": ["TLSv1", "TLSv1.1", "TLSv1.2"]},
        {"Name": "oldest", "SslProtocols": ["SSLv3", "TLSv1.2"]},
    )
}
DOMAIN, DOMAIN2 = "aws.apigateway.domain_names", "aws.apigatewayv2.domain_names"


def domain(policy: str | None) -> Record:
    return listed(DOMAIN, {"domainName": "api.example.org"} | ({"securityPolicy": policy} if policy else {}))[0]


def domain2(*policies: str) -> Record:
    configurations = [{"SecurityPolicy": policy} for policy in policies]
    return listed(DOMAIN2, {"DomainName": "api.example.org", "DomainNameConfigurations": configurations})[0]


def viewers(version: str | None) -> Record:
    return distribution(ViewerCertificate={"MinimumProtocolVersion": version} if version else {})


for record in (
    listener(SslPolicy="strong"), classic("HTTPS", "HTTP"), classic("SSL", Protocol_TLSv1_1="false"),
    viewers("TLSv1.2_2018"), viewers("TLSv1.3_2025"), domain("TLS_1_2"), domain("SecurityPolicy_TLS13_1_3_2025_09"),
    domain("SecurityPolicy_TLS13_1_2_PQ_2025_09"), domain("SecurityPolicy_TLS12_PFS_2025_EDGE"), domain2("TLS_1_2"),
):  # fmt: skip
    example("EV-ENC-05-C2", "pass", record, lists=POLICIES)
for record in (
    listener(SslPolicy="weak"), listener(SslPolicy="oldest"), listener("TLS", SslPolicy="unknown"), listener(),
    classic("HTTPS", Protocol_TLSv1="true"), classic("HTTPS", Protocol_TLSv1_1="true"),
    classic("HTTPS", Protocol_SSLv3="true"), classic("SSL", used="a policy that was not described"),
    viewers("TLSv1"), viewers("SSLv3"), viewers("TLSv1_2016"), viewers("TLSv1.1_2016"), viewers(None),
    domain("TLS_1_0"), domain(None), domain("NewPolicy"), domain2("TLS_1_2", "TLS_1_0"),
):  # fmt: skip
    example("EV-ENC-05-C2", "fail", record, lists=POLICIES)
example("EV-ENC-05-C2", "not_applicable", listener("HTTP"), lists=POLICIES)
example("EV-ENC-05-C2", "not_applicable", classic("HTTP"), lists=POLICIES)
example(
    "EV-ENC-05-C2", "lacks_field", listener(SslPolicy="strong"),
    lists={"policies": tuple(without(policy, "SslProtocols") for policy in POLICIES["policies"])},
)  # fmt: skip

MATCHING = HTTPS_ORIGIN | {
    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "match-viewer"}
}
PLAIN = HTTPS_ORIGIN | {"CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}}
PATHS = {"Quantity": 2, "Items": [behaviour("https-only", PathPattern="/a"), behaviour("allow-all", PathPattern="/b")]}
example("EV-ENC-05-C3", "pass", distribution())
example("EV-ENC-05-C3", "pass", distribution(MATCHING, viewer="https-only"))
example("EV-ENC-05-C3", "fail", distribution(viewer="allow-all"))
example("EV-ENC-05-C3", "fail", distribution(CacheBehaviors=PATHS), "one path")
example("EV-ENC-05-C3", "fail", distribution(BUCKET_ORIGIN, PLAIN), "one origin")
example("EV-ENC-05-C3", "not_applicable", distribution(PLAIN, Enabled=False))
example("EV-ENC-05-C3", "lacks_field", without(distribution(), "Origins"))

CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/c"
RENEWED = {
    "CertificateArn": CERTIFICATE, "Type": "AMAZON_ISSUED", "RenewalEligibility": "ELIGIBLE",
    "NotAfter": "2026-12-01T06:00:00Z", "InUseBy": [BALANCER],
}  # fmt: skip
IMPORTED = RENEWED | {"Type": "IMPORTED", "RenewalEligibility": "INELIGIBLE"}
STUCK = RENEWED | {
    "RenewalSummary": {
        "RenewalStatus": "FAILED", "UpdatedAt": "2026-10-30T00:00:00Z", "DomainValidationOptions": [],
    }
}  # fmt: skip
OWNERS = {"resource_owners": {"resources": {CERTIFICATE: "platform team"}}}
NO_OWNERS: Body = {"resource_owners": {"resources": {}}}


def certificate(detail: Body) -> Record:
    summary = {"CertificateArn": CERTIFICATE, "DomainName": "example.org"}
    return one("aws.acm.certificates", summary, CERTIFICATE, detail={"Certificate": detail})


example("EV-ENC-05-C4", "pass", certificate(RENEWED), "30 days to the second", facts=NO_OWNERS)
example("EV-ENC-05-C4", "pass", certificate(IMPORTED), facts=OWNERS, excused=True)
example("EV-ENC-05-C4", "fail", certificate(IMPORTED), facts=NO_OWNERS)
example("EV-ENC-05-C4", "fail", certificate(STUCK), "its renewal failed", facts=NO_OWNERS)
example("EV-ENC-05-C4", "fail", certificate(IMPORTED | {"NotAfter": "2026-12-01T05:59:59Z"}), "soon", facts=OWNERS)
example("EV-ENC-05-C4", "not_applicable", certificate(RENEWED | {"InUseBy": []}), facts=OWNERS)
example("EV-ENC-05-C4", "lacks_field", certificate({k: v for k, v in RENEWED.items() if k != "NotAfter"}), facts=OWNERS)


# --- service logs ---------------------------------------------------------------------------------------------------

GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:edge"
LOGGED = ({"Key": "access_logs.s3.enabled", "Value": "true"}, {"Key": "access_logs.s3.bucket", "Value": "edge-logs"})
UNLOGGED = ({"Key": "access_logs.s3.enabled", "Value": "false"}, {"Key": "access_logs.s3.bucket", "Value": ""})
ACL = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/portal/1"
SITE_ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/site/2"
VISIBLE = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}


def logged_classic(bucket: str = "edge-logs") -> Record:
    return classic("HTTPS", log={"Enabled": True, "S3BucketName": bucket})


def logged_distribution(enabled: bool, bucket: str = "edge-logs.s3.amazonaws.com") -> Record:
    logging = {"Enabled": enabled, "IncludeCookies": False, "Bucket": bucket, "Prefix": ""}
    return distribution(config={"Logging": logging})


def rest_api(*stages: Body, type_: str = "REGIONAL") -> Record:
    item = {"id": "a1", "name": "visits", "endpointConfiguration": {"types": [type_]}}
    return one("aws.apigateway.rest_apis", item, "a1", stages={"item": list(stages)})


def rest_stage(destination: str = GROUP_ARN, **new: Any) -> Body:
    return {
        "stageName": "live",
        "accessLogSettings": {"destinationArn": destination, "format": "$context.requestId"},
        **new,
    }


def http_api(*stages: Body) -> Record:
    item = {"ApiId": "e5", "Name": "results", "ProtocolType": "HTTP"}
    return one("aws.apigatewayv2.apis", item, "e5", api_stages={"items": list(stages)})


def http_stage(destination: str = GROUP_ARN) -> Body:
    return {"StageName": "live", "AccessLogSettings": {"DestinationArn": destination}}


def graphql(**new: Any) -> Record:
    item = {"apiId": "g1", "name": "app", "arn": f"arn:aws:appsync:{REGION}:{ACCOUNT}:apis/g1", "visibility": "GLOBAL"}
    return listed("aws.appsync.graphql_apis", item | new)[0]


def graphql_log(level: str) -> Body:
    return {"fieldLogLevel": level, "cloudWatchLogsRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}


def web_acl(*rules: Body, edge: bool = False, protects: tuple[str, ...] = (BALANCER,), **new: Any) -> Record:
    arn = SITE_ACL if edge else ACL
    detail = {"Name": "portal", "Id": "1", "ARN": arn, "Rules": list(rules), **new}
    told = Told("aws.wafv2.cloudfront_web_acls" if edge else "aws.wafv2.web_acls")
    told.list({"Name": "portal", "Id": "1", "ARN": arn}).each("web_acl", {"WebACL": detail}, arn)
    if not edge:
        told.each("load_balancers", {"ResourceArns": list(protects)}, arn).each("rest_apis", {"ResourceArns": []}, arn)
    return told.records()[0]


def acl_log(*destinations: str, edge: bool = False) -> Record:
    kind = "aws.wafv2.cloudfront_logging_configurations" if edge else "aws.wafv2.logging_configurations"
    item = {"ResourceArn": SITE_ACL if edge else ACL, "LogDestinationConfigs": list(destinations)}
    return listed(kind, item)[0]


ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def bucket(target: str = "", name: str = "records", versions: str = "Enabled", **block: bool) -> Record:
    blocked = {"PublicAccessBlockConfiguration": ALL_BLOCKED | block}
    logging = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}} if target else {}
    return one(
        "aws.s3.buckets", {"Name": name}, name,
        logging=logging, versioning={"Status": versions} if versions else {}, public_access_block=blocked,
    )  # fmt: skip


def domain_logs(**options: Body) -> Record:
    domain = {"DomainName": "letters"} | ({"LogPublishingOptions": options} if options else {})
    return batched("aws.opensearch.domains", {"DomainName": "letters"}, domain)


def firewall(*logs: Body) -> Record:
    arn = f"arn:aws:network-firewall:{REGION}:{ACCOUNT}:firewall/exit"
    settings = {"FirewallArn": arn, "LoggingConfiguration": {"LogDestinationConfigs": list(logs)}}
    return one(
        "aws.network_firewall.firewalls", {"FirewallName": "exit", "FirewallArn": arn}, arn, log_settings=settings
    )


def firewall_log(type_: str, **destination: str) -> Body:
    return {"LogType": "ALERT", "LogDestinationType": type_, "LogDestination": destination}


def build(**logs: Body) -> Record:
    return batched("aws.codebuild.projects", "web", {"name": "web"} | ({"logsConfig": logs} if logs else {}))


def containers(*logs: Body | None) -> Record:
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:1"
    made = [{"name": "c"} | ({"logConfiguration": log} if log else {}) for log in logs]
    definition = {"taskDefinition": {"taskDefinitionArn": arn, "containerDefinitions": made}}
    return one("aws.ecs.task_definitions", arn, arn, task_definition=definition)


def kubernetes(*logs: Body) -> Record:
    cluster = {"cluster": {"name": "clinic", "logging": {"clusterLogging": list(logs)}}}
    told = Told("aws.eks.clusters").list("clinic").each("cluster", cluster, "clinic")
    return told.each("addons", {"items": ["vpc-cni"]}, "clinic").records()[0]


def beanstalk(*options: Body) -> Record:
    item = {"EnvironmentName": "intake", "EnvironmentId": "e-1", "ApplicationName": "intake"}
    settings = {"ConfigurationSettings": [{"EnvironmentName": "intake", "OptionSettings": list(options)}]}
    return one("aws.elasticbeanstalk.environments", item, "e-1", configuration=settings)


def streamed(value: str, namespace: str = "aws:elasticbeanstalk:cloudwatch:logs", name: str = "StreamLogs") -> Body:
    return {"Namespace": namespace, "OptionName": name, "Value": value}


def workflow(level: str, *groups: str) -> Record:
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:close"
    logging = {"level": level, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}} for group in groups]}
    return one(
        "aws.stepfunctions.state_machines", {"stateMachineArn": arn, "name": "close"}, arn,
        state_machine={"stateMachineArn": arn, "loggingConfiguration": logging},
    )  # fmt: skip


def broker(**logs: Any) -> Record:
    return one("aws.mq.brokers", {"BrokerId": "b-1"}, "b-1", broker={"BrokerId": "b-1", "Logs": logs})


def job(**arguments: str) -> Record:
    named = {f"--{name.replace('_', '-')}": value for name, value in arguments.items()}
    return listed("aws.glue.jobs", {"Name": "close", "DefaultArguments": named})[0]


def replication(settings: str) -> Record:
    item = {"ReplicationTaskArn": f"arn:aws:dms:{REGION}:{ACCOUNT}:task:T", "ReplicationTaskSettings": settings}
    return listed("aws.dms.replication_tasks", item)[0]


def transfer(group: str = "", level: str = "TRANSFER") -> Record:
    arn = f"arn:aws:datasync:{REGION}:{ACCOUNT}:task/task-1"
    task = {"TaskArn": arn, "Options": {"LogLevel": level}} | ({"CloudWatchLogGroupArn": group} if group else {})
    return one("aws.datasync.tasks", {"TaskArn": arn}, arn, task=task)


def workgroup(**configuration: Any) -> Record:
    detail = {"WorkGroup": {"Name": "primary", "Configuration": configuration}}
    return one("aws.athena.workgroups", {"Name": "primary"}, "primary", detail=detail)


def spark(enabled: bool) -> Body:
    return {"CloudWatchLoggingConfiguration": {"Enabled": enabled}}


def models(**config: Body) -> Record:
    return listed("aws.bedrock.invocation_logging", {"loggingConfig": config} if config else {})[0]


ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def vpn(**options: Any) -> Record:
    item = {"ClientVpnEndpointId": "cvpn-1", "ConnectionLogOptions": options}
    return one("aws.ec2.client_vpn_endpoints", item)


IN_SCOPE = {"production_scope": {"accounts": [ACCOUNT], "excluded": []}}
ACL_LOGS = {"logs": (acl_log("arn:aws:s3:::edge-logs"),), "edge_logs": (acl_log("arn:aws:s3:::edge-logs", edge=True),)}
NO_ACL_LOGS: dict[str, tuple[Record, ...]] = {"logs": (), "edge_logs": ()}
AUDITED = {"types": ["api", "audit"], "enabled": True}
ON = {"Enabled": True, "CloudWatchLogsLogGroupArn": GROUP_ARN}
LOG_ON = (
    balancer("internet-facing", *LOGGED), logged_classic(), logged_distribution(True),
    distribution(config={"DefaultCacheBehavior": behaviour("https-only", RealtimeLogConfigArn="arn:aws:kinesis:r")}),
    rest_api(rest_stage()), rest_api({"stageName": "live", "methodSettings": {"*/*": {"loggingLevel": "ERROR"}}}),
    http_api(http_stage()), graphql(logConfig=graphql_log("ERROR")), web_acl(), web_acl(edge=True),
    bucket("edge-logs"), domain_logs(AUDIT_LOGS=ON), firewall(firewall_log("S3", bucketName="edge-logs")),
    build(), build(cloudWatchLogs={"status": "ENABLED"}), build(s3Logs={"status": "ENABLED"}),
    containers({"logDriver": "awslogs"}), kubernetes(AUDITED), beanstalk(streamed("true")),
    workflow("ERROR", GROUP_ARN), broker(General=True, GeneralLogGroup="edge"), broker(General=False, Audit=True),
    job(enable_continuous_cloudwatch_log="true"), replication('{\n  "Logging": {"EnableLogging" : true}}'),
    transfer(GROUP_ARN), workgroup(PublishCloudWatchMetricsEnabled=True),
    workgroup(MonitoringConfiguration=spark(True)),
    models(s3Config={"bucketName": "edge-logs"}), models(cloudWatchConfig={"logGroupName": "edge", "roleArn": ROLE}),
    vpn(Enabled=True, CloudwatchLogGroup="edge"),
)  # fmt: skip
LOG_OFF = (
    balancer("internal", *UNLOGGED), classic("HTTPS"), logged_distribution(False, ""),
    distribution(config={"DefaultCacheBehavior": behaviour("https-only", RealtimeLogConfigArn="")}),
    rest_api(rest_stage(), {"stageName": "test"}),
    rest_api({"stageName": "live", "methodSettings": {"*/*": {"loggingLevel": "OFF"}}}),
    http_api(http_stage(), {"StageName": "test"}), graphql(), graphql(logConfig=graphql_log("NONE")),
    bucket(), domain_logs(), domain_logs(AUDIT_LOGS={"Enabled": False}), firewall(),
    build(cloudWatchLogs={"status": "DISABLED"}, s3Logs={"status": "DISABLED"}),
    containers({"logDriver": "awslogs"}, None), kubernetes({"types": ["audit"], "enabled": False}),
    kubernetes({"types": ["api"], "enabled": True}), beanstalk(streamed("false")),
    beanstalk(streamed("true", "aws:elasticbeanstalk:application:environment")), workflow("OFF"),
    broker(General=False, GeneralLogGroup=""), job(), job(enable_continuous_cloudwatch_log="false"),
    replication('{"Logging":{"EnableLogging":false}}'), transfer(), transfer(GROUP_ARN, "OFF"),
    workgroup(PublishCloudWatchMetricsEnabled=False), workgroup(MonitoringConfiguration=spark(False)), models(),
    vpn(Enabled=False),
)  # fmt: skip
for record in LOG_ON:
    example("EV-LOG-09-C1", "pass", record, lists=ACL_LOGS, facts=IN_SCOPE)
for record in (*LOG_OFF, web_acl(), web_acl(edge=True)):
    example("EV-LOG-09-C1", "fail", record, lists=NO_ACL_LOGS, facts=IN_SCOPE)
for record in (balancer("internal", *UNLOGGED, type_="gateway"), rest_api(), http_api()):
    example("EV-LOG-09-C1", "not_applicable", record, lists=NO_ACL_LOGS, facts=IN_SCOPE)
example(
    "EV-LOG-09-C1", "not_applicable", bucket(), "excluded by name", lists=NO_ACL_LOGS,
    facts={"production_scope": {"accounts": [ACCOUNT], "excluded": ["records"]}},
)  # fmt: skip
example("EV-LOG-09-C1", "lacks_field", balancer("internal", {"Value": "true"}), lists=NO_ACL_LOGS, facts=IN_SCOPE)


def group(name: str, **key: str) -> Body:
    return {"logGroupName": name, "arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*", **key}


STORES = {
    "buckets": (
        bucket(name="edge-logs"),
        bucket(name="unversioned", versions=""),
        bucket(name="unblocked", BlockPublicPolicy=False),
    ),
    "groups": listed("aws.logs.groups", group("edge", kmsKeyId="arn:aws:kms:k"), group("open")),
}
OPEN_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:open"


def to_bucket(name: str) -> Body:
    return {"Key": "access_logs.s3.bucket", "Value": name}


for record in (
    balancer("internal", *LOGGED), logged_classic(), logged_distribution(True), rest_api(rest_stage()),
    rest_api(rest_stage(), {"stageName": "unlogged"}), http_api(http_stage(GROUP_ARN + ":*")),
    acl_log("arn:aws:s3:::edge-logs"), acl_log("arn:aws:s3:::edge-logs", GROUP_ARN, edge=True), bucket("edge-logs"),
    firewall(firewall_log("S3", bucketName="edge-logs"), firewall_log("CloudWatchLogs", logGroup="edge")),
    workflow("ALL", GROUP_ARN + ":*"), broker(General=True, GeneralLogGroup="edge"), transfer(GROUP_ARN),
    models(s3Config={"bucketName": "edge-logs"}), models(cloudWatchConfig={"logGroupName": "edge", "roleArn": ROLE}),
    vpn(Enabled=True, CloudwatchLogGroup="edge"),
):  # fmt: skip
    example("EV-LOG-09-C2", "pass", record, lists=STORES)
for record in (
    balancer("internal", LOGGED[0], to_bucket("unversioned")), logged_classic("unblocked"),
    logged_distribution(True, "unversioned.s3.amazonaws.com"), rest_api(rest_stage(), rest_stage(OPEN_ARN)),
    http_api(http_stage(OPEN_ARN)), acl_log("arn:aws:s3:::edge-logs", "arn:aws:s3:::unblocked"),
    acl_log("arn:aws:s3:::unversioned", edge=True), bucket("unblocked"),
    firewall(firewall_log("S3", bucketName="edge-logs"), firewall_log("CloudWatchLogs", logGroup="open")),
    workflow("ALL", OPEN_ARN + ":*"), broker(General=True, GeneralLogGroup="open"), transfer(OPEN_ARN),
    models(s3Config={"bucketName": "unblocked"}), vpn(Enabled=True, CloudwatchLogGroup="open"),
):  # fmt: skip
    example("EV-LOG-09-C2", "fail", record, lists=STORES)
for record in (
    balancer("internal", LOGGED[0], to_bucket("another-account")),
    firewall(firewall_log("KinesisDataFirehose", deliveryStream="f")),
    acl_log(f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/f"),
):  # fmt: skip
    example("EV-LOG-09-C2", "cannot_tell", record, lists=STORES)
for record in (
    balancer("internal", *UNLOGGED), classic("HTTPS"), logged_distribution(False, ""), rest_api({"stageName": "live"}),
    http_api({"StageName": "live"}), bucket(), firewall(), workflow("OFF"), broker(General=False, GeneralLogGroup=""),
    transfer(), models(), vpn(Enabled=False),
):  # fmt: skip
    example("EV-LOG-09-C2", "not_applicable", record, lists=STORES)
example("EV-LOG-09-C2", "lacks_field", classic("HTTPS", log={"Enabled": True}), lists=STORES)

# --- web and network filtering --------------------------------------------------------------------------------------

ACLS = {"acls": (web_acl(),)}
NO_ACLS: dict[str, tuple[Record, ...]] = {"acls": ()}
example("EV-NET-05-C1", "pass", balancer(), lists=ACLS)
example("EV-NET-05-C1", "fail", balancer(), lists=NO_ACLS)
example("EV-NET-05-C1", "fail", balancer(), "the web ACL protects others", lists={"acls": (web_acl(protects=()),)})
example("EV-NET-05-C1", "pass", distribution(WebACLId=SITE_ACL), lists=NO_ACLS)
example("EV-NET-05-C1", "fail", distribution(), lists=ACLS)
example("EV-NET-05-C1", "pass", rest_api(rest_stage(webAclArn=ACL)), lists=NO_ACLS)
example("EV-NET-05-C1", "fail", rest_api(rest_stage(webAclArn=ACL), rest_stage()), "one stage", lists=ACLS)
example("EV-NET-05-C1", "pass", graphql(wafWebAclArn=ACL), lists=NO_ACLS)
example("EV-NET-05-C1", "fail", graphql(), lists=ACLS)
for record in (
    balancer("internal"), balancer(type_="network"), distribution(Enabled=False), rest_api(),
    rest_api(rest_stage(), type_="PRIVATE"), graphql(visibility="PRIVATE"),
):  # fmt: skip
    example("EV-NET-05-C1", "not_applicable", record, lists=NO_ACLS)
example("EV-NET-05-C1", "lacks_field", balancer(), lists={"acls": (without(web_acl(), "load_balancers"),)})


def managed(override: str = "None", **group: Any) -> Body:
    statement = {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet", **group}
    return {
        "Name": "common", "Priority": 0, "Statement": {"ManagedRuleGroupStatement": statement},
        "OverrideAction": {override: {}}, "VisibilityConfig": VISIBLE,
    }  # fmt: skip


def override(action: str) -> list[Body]:
    return [{"Name": "SizeRestrictions_BODY", "ActionToUse": {action: {}}}]


OWN_RULE = {
    "Name": "own", "Priority": 1, "Action": {"Count": {}}, "VisibilityConfig": VISIBLE,
    "Statement": {"GeoMatchStatement": {"CountryCodes": ["AQ"]}},
}  # fmt: skip


def by_manager(action: str) -> list[Body]:
    return [{"Name": "fm", "Priority": 0, "OverrideAction": {action: {}}, "VisibilityConfig": VISIBLE}]


BLOCKING = (
    {"rules": (managed(), OWN_RULE)},
    {"rules": (managed(RuleActionOverrides=override("Block")),)},
    {"rules": (), "PreProcessFirewallManagerRuleGroups": by_manager("None")},
    {"rules": (), "PostProcessFirewallManagerRuleGroups": by_manager("None")},
)
COUNTING = (
    {"rules": (managed(), managed("Count"))},
    {"rules": (managed(RuleActionOverrides=override("Count")),)},
    {"rules": (managed(RuleActionOverrides=override("Allow")),)},
    {"rules": (managed(ExcludedRules=[{"Name": "NoUserAgent_HEADER"}]),)},
    {"rules": (), "PreProcessFirewallManagerRuleGroups": by_manager("Count")},
    {"rules": (), "PostProcessFirewallManagerRuleGroups": by_manager("Count")},
)
NO_TICKETS: Body = {"finding_tickets": {"tickets": []}}
for edge in (False, True):
    for settings in BLOCKING:
        more = {name: value for name, value in settings.items() if name != "rules"}
        example("EV-NET-05-C2", "pass", web_acl(*settings["rules"], edge=edge, **more), facts=NO_TICKETS)
    for settings in COUNTING:
        more = {name: value for name, value in settings.items() if name != "rules"}
        example("EV-NET-05-C2", "fail", web_acl(*settings["rules"], edge=edge, **more), facts=NO_TICKETS)
example(
    "EV-NET-05-C2", "pass", web_acl(managed("Count")), "until the end of the trial",
    facts={"finding_tickets": {"tickets": [ACL]}}, excused=True,
)  # fmt: skip
example("EV-NET-05-C2", "not_applicable", web_acl(OWN_RULE), "no managed rule group", facts=NO_TICKETS)
example("EV-NET-05-C2", "lacks_field", without(web_acl(managed()), "web_acl"), facts=NO_TICKETS)
