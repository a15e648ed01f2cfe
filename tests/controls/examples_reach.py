"""Examples of what is within reach: networks, public exposure, remote access, machines, the inventory."""

from __future__ import annotations

import json
from typing import Any

from answers import ACCOUNT, REGION, Body, Told, denied, listed
from exampling import Records, derived, example, place, without

from evidence_schema.models.transcript import Record

HERE = place("region", REGION, REGION)
VPC, OTHER_VPC = "vpc-1", "vpc-2"


def table(id_: str, *leads_to: Body, subnets: tuple[str, ...] = (), main: bool = False, vpc: str = VPC) -> Body:
    """A route table as DescribeRouteTables tells it."""
    given: list[Body] = [{"RouteTableAssociationId": f"a-{subnet}", "SubnetId": subnet} for subnet in subnets]
    given += [{"RouteTableAssociationId": "a-main", "Main": True}] if main else []
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}
    return {"RouteTableId": id_, "VpcId": vpc, "Associations": given, "Routes": [local, *leads_to]}


def tables(*items: Body) -> Records:
    return Told("aws.ec2.route_tables").list(*items).records("aws.ec2.routing")


TO_INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
TO_NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
OVER_PEERING = {"DestinationCidrBlock": "10.9.0.0/16", "VpcPeeringConnectionId": "pcx-1"}
OVER_TRANSIT = {"DestinationCidrBlock": "10.8.0.0/16", "TransitGatewayId": "tgw-1"}
PRIVATE_AND_PUBLIC = tables(
    table("rtb-main", TO_NAT, main=True), table("rtb-public", TO_INTERNET, subnets=("subnet-public",))
)
PUBLIC_MAIN = tables(
    table("rtb-main", TO_INTERNET, main=True), table("rtb-private", TO_NAT, subnets=("subnet-private",))
)
derived("aws.ec2.routing", PRIVATE_AND_PUBLIC)

# --- EV-NET-02: topology --------------------------------------------------------------------------------------------

CLASSED: Body = {"data_classification": {"resources": {"i-1": "personal"}, "endpoint_services": ["dynamodb"]}}


def database(*subnets: str, vpc: str = VPC, **new: Any) -> Record:
    group = {"VpcId": vpc, "Subnets": [{"SubnetIdentifier": subnet} for subnet in subnets]}
    return listed("aws.rds.instances", {"DBInstanceIdentifier": "db-1", "DBSubnetGroup": group, **new})[0]


def domain(*subnets: str) -> Record:
    settings = {"VPCOptions": {"VPCId": VPC, "SubnetIds": list(subnets)}} if subnets else {}
    told = Told("aws.opensearch.domains").list({"DomainName": "search"})
    status = {"DomainName": "search", "DomainId": "1/search", "ARN": "arn", **settings}
    told.call("DescribeDomains", "batch", {"DomainStatusList": [status]}, "search")
    return told.records()[0]


RUNNING = {"Code": 16, "Name": "running"}
MACHINE: Body = {
    "InstanceId": "i-1", "State": RUNNING, "VpcId": VPC, "SubnetId": "subnet-private",
    "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
    "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "one"}],
    "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Groups": [{"GroupId": "sg-1", "GroupName": "one"}]}],
}  # fmt: skip


def machine(script: str | None = None, **new: Any) -> Record:
    told = Told("aws.ec2.instances").list({**MACHINE, **new})
    value = {} if script is None else {"Value": script}
    return told.each("user_data", {"InstanceId": "i-1", "UserData": value}, "i-1").records()[0]


ENDED = {"State": {"Code": 48, "Name": "terminated"}}

for store in (database("subnet-private", "subnet-else"), domain("subnet-private"), machine()):
    example("EV-NET-02-C1", "pass", store, lists={"tables": PRIVATE_AND_PUBLIC}, facts=CLASSED)
for store in (database("subnet-private", "subnet-public"), domain("subnet-public"), machine(SubnetId="subnet-public")):
    example("EV-NET-02-C1", "fail", store, lists={"tables": PRIVATE_AND_PUBLIC}, facts=CLASSED)
example("EV-NET-02-C1", "pass", machine(), "its own table", lists={"tables": PUBLIC_MAIN}, facts=CLASSED)
example("EV-NET-02-C1", "fail", database("subnet-else"), "main table", lists={"tables": PUBLIC_MAIN}, facts=CLASSED)
example("EV-NET-02-C1", "fail", domain(), "on the internet", lists={"tables": PRIVATE_AND_PUBLIC}, facts=CLASSED)
example(
    "EV-NET-02-C1", "fail", database("subnet-else", vpc=OTHER_VPC), "no table is known of it",
    lists={"tables": PRIVATE_AND_PUBLIC}, facts=CLASSED,
)  # fmt: skip
example(
    "EV-NET-02-C1", "pass", machine(InstanceId="i-2", SubnetId="subnet-public"), "a machine without a class",
    lists={"tables": PRIVATE_AND_PUBLIC}, facts=CLASSED,
)  # fmt: skip
example(
    "EV-NET-02-C1", "lacks_field", database("subnet-private"),
    lists={"tables": tuple(without(one, "ToInternet", "Main") for one in PRIVATE_AND_PUBLIC)}, facts=CLASSED,
)  # fmt: skip


def gateway(*networks: str) -> Record:
    given = [{"VpcId": vpc, "State": "available"} for vpc in networks]
    return listed("aws.ec2.internet_gateways", {"InternetGatewayId": "igw-1", "Attachments": given})[0]


AUTHORISED: Body = {"authorised_networks": {"with_internet_gateway": [VPC], "links": ["pcx-9", "tgw-9"]}}
example("EV-NET-02-C2", "pass", gateway(VPC), facts=AUTHORISED)
example("EV-NET-02-C2", "pass", gateway(), "attached to none", facts=AUTHORISED)
example("EV-NET-02-C2", "fail", gateway(OTHER_VPC), facts=AUTHORISED)
example("EV-NET-02-C2", "lacks_field", without(gateway(VPC), "Attachments"), facts=AUTHORISED)


def subnet(*, public: bool | None) -> Record:
    given = {} if public is None else {"MapPublicIpOnLaunch": public}
    return listed("aws.ec2.subnets", {"SubnetId": "subnet-1", "VpcId": VPC, **given})[0]


example("EV-NET-02-C3", "pass", subnet(public=False))
example("EV-NET-02-C3", "pass", subnet(public=None))
example("EV-NET-02-C3", "fail", subnet(public=True))
example("EV-NET-02-C3", "lacks_field", without(subnet(public=True), "MapPublicIpOnLaunch"))


def transit(id_: str = "tgw-1", accept: str = "disable", state: str = "available") -> Record:
    item = {"TransitGatewayId": id_, "State": state, "Options": {"AutoAcceptSharedAttachments": accept}}
    return listed("aws.ec2.transit_gateways", item)[0]


example("EV-NET-02-C4", "pass", transit())
example("EV-NET-02-C4", "fail", transit(accept="enable"))
example("EV-NET-02-C4", "not_applicable", transit(state="deleted"))
example("EV-NET-02-C4", "lacks_field", without(transit(), "Options"))


def endpoints(*services: str, vpc: str = VPC, state: str = "available") -> Records:
    return listed(
        "aws.ec2.vpc_endpoints",
        *(
            {"VpcEndpointId": f"vpce-{name}", "VpcId": vpc, "State": state,
             "ServiceName": f"com.amazonaws.{REGION}.{name}"}
            for name in services
        ),
    )  # fmt: skip


NETWORK = listed("aws.ec2.vpcs", {"VpcId": VPC})[0]
USED = listed("aws.ec2.network_interfaces", {"NetworkInterfaceId": "eni-1", "VpcId": VPC})
ALL_THREE = endpoints("s3", "kms", "dynamodb")


def reached(points: Records, interfaces: Records = USED) -> Body:
    return {"lists": {"endpoints": points, "interfaces": interfaces}, "facts": CLASSED}


example("EV-NET-02-C5", "pass", NETWORK, **reached(ALL_THREE))
example("EV-NET-02-C5", "pass", NETWORK, **reached(endpoints("s3", "kms", "dynamodb", state="Available")))
example("EV-NET-02-C5", "fail", NETWORK, "no KMS, whatever is classified", **reached(endpoints("s3", "dynamodb")))
example("EV-NET-02-C5", "fail", NETWORK, "no DynamoDB", **reached(endpoints("s3", "kms")))
example("EV-NET-02-C5", "fail", NETWORK, "of another", **reached(endpoints("s3", "kms", "dynamodb", vpc=OTHER_VPC)))
example("EV-NET-02-C5", "fail", NETWORK, "pending", **reached(endpoints("s3", "kms", "dynamodb", state="pending")))
example("EV-NET-02-C5", "not_applicable", NETWORK, "nothing in it", **reached(ALL_THREE, ()))
example("EV-NET-02-C5", "lacks_field", NETWORK, **reached(tuple(without(point, "ServiceName") for point in ALL_THREE)))


def peering(id_: str = "pcx-1", requester: str = VPC, accepter: str = OTHER_VPC, state: str = "active") -> Record:
    item = {
        "VpcPeeringConnectionId": id_, "Status": {"Code": state},
        "RequesterVpcInfo": {"VpcId": requester, "OwnerId": ACCOUNT},
        "AccepterVpcInfo": {"VpcId": accepter, "OwnerId": ACCOUNT},
    }  # fmt: skip
    return listed("aws.ec2.vpc_peering_connections", item)[0]


SCOPES: Body = AUTHORISED | {"production_scope": {"networks": [VPC, "vpc-3"]}}
LEADING = tables(
    table("rtb-1", OVER_PEERING, OVER_TRANSIT, main=True), table("rtb-2", OVER_TRANSIT, main=True, vpc=OTHER_VPC)
)
LED = {"lists": {"tables": LEADING}, "facts": SCOPES}
example("EV-NET-02-C6", "pass", peering(accepter="vpc-3"), "production with production", **LED)
example("EV-NET-02-C6", "pass", peering("pcx-2"), "no route leads over it", **LED)
example("EV-NET-02-C6", "pass", peering("pcx-9"), "documented", **LED)
example("EV-NET-02-C6", "fail", peering(), **LED)
example("EV-NET-02-C6", "fail", peering(requester=OTHER_VPC, accepter=VPC), **LED)
example("EV-NET-02-C6", "not_applicable", peering(state="deleted"), **LED)
example("EV-NET-02-C6", "not_applicable", without(peering(), "Status"), "its state is not told", **LED)
example("EV-NET-02-C6", "pass", transit("tgw-2"), "no route leads to it", **LED)
example("EV-NET-02-C6", "pass", transit("tgw-9"), "documented", **LED)
example("EV-NET-02-C6", "fail", transit(), **LED)
example("EV-NET-02-C6", "not_applicable", transit(state="deleting"), **LED)
example(
    "EV-NET-02-C6", "lacks_field", peering(),
    lists={"tables": tuple(without(one, "Peerings") for one in LEADING)}, facts=SCOPES,
)  # fmt: skip

# --- EV-NET-03: exposure --------------------------------------------------------------------------------------------


def address(*, used: bool = True) -> Record:
    given = {"AssociationId": "eipassoc-1", "InstanceId": "i-1"} if used else {}
    return listed("aws.ec2.addresses", {"PublicIp": "198.51.100.7", "AllocationId": "eipalloc-1", **given})[0]


def template(*, public: bool) -> Record:
    told = Told("aws.ec2.launch_templates").list({"LaunchTemplateId": "lt-1", "LaunchTemplateName": "one"})
    settings = {"NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": public}]}
    version = {"LaunchTemplateId": "lt-1", "VersionNumber": 1, "LaunchTemplateData": settings}
    return told.each("versions", {"items": [version]}, "lt-1").records()[0]


def launch(*, public: bool) -> Record:
    item = {"LaunchConfigurationName": "launch", "ImageId": "ami-1", "AssociatePublicIpAddress": public}
    return listed("aws.autoscaling.launch_configurations", item)[0]


def warehouse(*, public: bool) -> Record:
    told = Told("aws.redshift.clusters").list({"ClusterIdentifier": "warehouse", "PubliclyAccessible": public})
    return told.records()[0]


def replication(*, public: bool) -> Record:
    item = {"ReplicationInstanceArn": "arn:dms:1", "ReplicationInstanceIdentifier": "r", "PubliclyAccessible": public}
    return listed("aws.dms.replication_instances", item)[0]


def public_database(*, public: bool) -> Record:
    return database("subnet-1", PubliclyAccessible=public)


PUBLIC = (
    machine(PublicIpAddress="198.51.100.7"), address(), template(public=True), launch(public=True),
    public_database(public=True), warehouse(public=True), replication(public=True),
)  # fmt: skip
CLOSED = (
    machine(), address(used=False), template(public=False), launch(public=False),
    public_database(public=False), warehouse(public=False), replication(public=False),
)  # fmt: skip


def approved(*ids: str, owner: str = "network team") -> Body:
    return {"approved_public_resources": {"resources": list(ids), "owners": dict.fromkeys(ids, owner)}}


for one in PUBLIC:
    example("EV-NET-03-C1", "pass", one, facts=approved(one.id))
    example("EV-NET-03-C1", "fail", one, facts=approved("something-else"))
    example("EV-NET-03-C1", "fail", one, "no owner", facts=approved(one.id, owner=""))
for one in CLOSED:
    example("EV-NET-03-C1", "not_applicable", one, facts=approved())


def image(*, public: bool) -> Record:
    return listed("aws.ec2.images", {"ImageId": "ami-1", "Public": public})[0]


def snapshot(*grants: Body) -> Record:
    told = Told("aws.ec2.snapshots").list({"SnapshotId": "snap-1", "VolumeId": "vol-1"})
    return told.each(
        "shared_with", {"SnapshotId": "snap-1", "CreateVolumePermissions": list(grants)}, "snap-1"
    ).records()[0]


def database_snapshot(*accounts: str) -> Record:
    told = Told("aws.rds.snapshots").list({"DBSnapshotIdentifier": "s", "DBInstanceIdentifier": "db-1"})
    restore = {"AttributeName": "restore", "AttributeValues": list(accounts)}
    result = {"DBSnapshotIdentifier": "s", "DBSnapshotAttributes": [restore]}
    return told.each("attributes", {"DBSnapshotAttributesResult": result}, "s").records()[0]


def cluster(name: str | None) -> Record:
    given = {} if name is None else {"MasterPublicDnsName": name}
    told = Told("aws.emr.clusters").list({"Id": "j-1", "Name": "cluster"})
    return told.each("detail", {"Cluster": {"Id": "j-1", "Name": "cluster", **given}}, "j-1").records()[0]


def notebook(access: str) -> Record:
    item = {"NotebookInstanceName": "n", "NotebookInstanceArn": "arn:n"}
    told = Told("aws.sagemaker.notebook_instances").list(item)
    return told.each("notebook", {**item, "DirectInternetAccess": access}, "n").records()[0]


def document(*accounts: str) -> Record:
    told = Told("aws.ssm.documents").list({"Name": "run", "Owner": ACCOUNT})
    return told.each("account_ids", {"items": list(accounts)}, "run").records()[0]


SHARED = {"UserId": "444455556666"}
for one in (
    image(public=False), snapshot(), snapshot(SHARED), database_snapshot(), database_snapshot("444455556666"),
    public_database(public=False), warehouse(public=False), replication(public=False),
    cluster("ip-10-0-0-1.eu-west-1.compute.internal"), cluster(None), notebook("Disabled"),
    document(), document("444455556666"),
):  # fmt: skip
    example("EV-NET-03-C2", "pass", one)
for one in (
    image(public=True), snapshot(SHARED, {"Group": "all"}), database_snapshot("all"),
    public_database(public=True), warehouse(public=True), replication(public=True),
    cluster("ec2-198-51-100-7.eu-west-1.compute.amazonaws.com"), notebook("Enabled"), document("444455556666", "all"),
):  # fmt: skip
    example("EV-NET-03-C2", "fail", one)
example("EV-NET-03-C2", "fail", without(replication(public=False), "PubliclyAccessible"), "its setting is not told")

LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


def function(*urls: str, policy: Body | None = None) -> Record:
    """A function with addresses of the given sorts of sign-in, and a policy of one statement."""
    told = Told("aws.lambda.functions").list({"FunctionName": "f", "FunctionArn": LAMBDA})
    told.each(
        "urls", {"items": [{"FunctionUrl": f"https://{n}.on.aws/", "AuthType": a} for n, a in enumerate(urls)]}, "f"
    )
    if policy is None:
        return told.absent("policy", "ResourceNotFoundException", "f").records()[0]
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": LAMBDA, **policy}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return told.each("policy", {"Policy": text, "RevisionId": "1"}, "f").records()[0]


BY_EVENTS = {"Principal": {"Service": "events.amazonaws.com"}}
BY_OWN_ACCOUNT = {"Principal": "*", "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}}}
BY_ALL_BUT_ONE = {"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}}
for one in (function(), function("AWS_IAM"), function(policy=BY_EVENTS), function(policy=BY_OWN_ACCOUNT)):
    example("EV-NET-03-C3", "pass", one, facts=approved())
example("EV-NET-03-C3", "pass", function(policy={"Effect": "Deny", "Principal": "*"}), facts=approved())
example("EV-NET-03-C3", "pass", function("NONE", policy={"Principal": "*"}), "on the list", facts=approved("f"))
for one in (
    function("AWS_IAM", "NONE"), function(policy={"Principal": "*"}), function(policy={"Principal": {"AWS": ["*"]}}),
    function(policy=BY_ALL_BUT_ONE), function(policy={"NotPrincipal": {"AWS": ACCOUNT}}),
):  # fmt: skip
    example("EV-NET-03-C3", "fail", one, facts=approved())
example("EV-NET-03-C3", "lacks_field", without(function(), "urls"), facts=approved())

# --- EV-NET-07: remote access ---------------------------------------------------------------------------------------


def client_vpn(*sorts: str, logs: bool = True, state: str = "available", id_: str = "cvpn-1") -> Record:
    item = {
        "ClientVpnEndpointId": id_, "Status": {"Code": state}, "ConnectionLogOptions": {"Enabled": logs},
        "AuthenticationOptions": [{"Type": sort} for sort in sorts],
    }  # fmt: skip
    return Told("aws.ec2.client_vpn_endpoints").list(item).each("authorization_rules", {"items": []}, id_).records()[0]


BY_CERTIFICATE, BY_PROVIDER = "certificate-authentication", "federated-authentication"
ALLOWED: Body = {
    "authorised_connections": {"remote_access": ["cvpn-1", "cvpn-mfa"], "remote_access_with_mfa": ["cvpn-mfa"]}
}
example("EV-NET-07-C1", "pass", client_vpn(BY_CERTIFICATE), facts=ALLOWED)
example("EV-NET-07-C1", "pass", client_vpn(BY_PROVIDER, id_="cvpn-mfa"), facts=ALLOWED)
example("EV-NET-07-C1", "fail", client_vpn(BY_PROVIDER), "nobody says that it asks for MFA", facts=ALLOWED)
example("EV-NET-07-C1", "fail", client_vpn(BY_CERTIFICATE, logs=False), facts=ALLOWED)
example("EV-NET-07-C1", "fail", client_vpn(), facts=ALLOWED)
example("EV-NET-07-C1", "fail", client_vpn(BY_CERTIFICATE, id_="cvpn-2"), "not an allowed one", facts=ALLOWED)
example("EV-NET-07-C1", "not_applicable", client_vpn(BY_CERTIFICATE, state="deleted"), facts=ALLOWED)
example("EV-NET-07-C1", "lacks_field", without(client_vpn(BY_CERTIFICATE), "ConnectionLogOptions"), facts=ALLOWED)


def site_vpn(*tunnels: str, state: str = "available") -> Record:
    states = [{"OutsideIpAddress": f"203.0.113.{number}", "Status": now} for number, now in enumerate(tunnels)]
    return listed("aws.ec2.vpn_connections", {"VpnConnectionId": "vpn-1", "State": state, "VgwTelemetry": states})[0]


example("EV-NET-07-C2", "pass", site_vpn("UP", "UP"))
example("EV-NET-07-C2", "fail", site_vpn("UP", "DOWN"))
example("EV-NET-07-C2", "fail", site_vpn("UP"))
example("EV-NET-07-C2", "fail", site_vpn())
example("EV-NET-07-C2", "not_applicable", site_vpn("DOWN", "DOWN", state="deleted"))
example("EV-NET-07-C2", "lacks_field", without(site_vpn("UP", "UP"), "State"))

INPUTS: Body = {
    "s3BucketName": "", "s3EncryptionEnabled": True, "cloudWatchLogGroupName": "sessions",
    "cloudWatchEncryptionEnabled": True, "kmsKeyId": "alias/sessions", "idleSessionTimeout": "15",
    "maxSessionDuration": "60",
}  # fmt: skip


def preferences(**new: Any) -> Records:
    text = json.dumps({"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {**INPUTS, **new}})
    return listed("aws.ssm.session_preferences", {"Name": "SSM-SessionManagerRunShell", "Content": text})


def unsaved_preferences() -> Records:
    told = Told("aws.ssm.session_preferences")
    told.call("GetDocument", "list", denied("InvalidDocument"))
    told.calls[-1] = told.calls[-1].model_copy(update={"absent": True})
    return told.records()


def unreadable_preferences() -> Records:
    return listed("aws.ssm.session_preferences", {"Name": "SSM-SessionManagerRunShell", "Content": "{}"})


derived("aws.ssm.session_preferences", preferences())


def worn(**new: Any) -> Records:
    return Told("aws.ec2.instances").list({**MACHINE, **new}).records("aws.ec2.worn_groups")


derived("aws.ec2.worn_groups", worn())
WORN_PUBLICLY = worn(PublicIpAddress="198.51.100.7")
INTERFACE = MACHINE["NetworkInterfaces"][0]
SECOND_INTERFACE = {**INTERFACE, "Association": {"PublicIp": "198.51.100.8"}}


def rule(port: int = 22, group: str = "sg-1", to: int | None = None, **new: Any) -> Records:
    item = {
        "SecurityGroupRuleId": "sgr-1", "GroupId": group, "IsEgress": False, "IpProtocol": "tcp",
        "FromPort": port, "ToPort": port if to is None else to, **new,
    }  # fmt: skip
    return listed("aws.ec2.security_group_rules", item)


ANYONE, ANYONE_V6 = {"CidrIpv4": "0.0.0.0/0"}, {"CidrIpv6": "::/0"}


def sessions(saved: Records | None = None, rules: Records = (), wearing: Records = WORN_PUBLICLY) -> Body:
    return {"preferences": preferences() if saved is None else saved, "rules": rules, "worn": wearing}


WEB = rule(443, **ANYONE)
TO_BUCKET = {"cloudWatchLogGroupName": "", "s3BucketName": "session-logs"}
C3 = "EV-NET-07-C3"
example(C3, "pass", HERE, lists=sessions(rules=WEB))
example(C3, "pass", HERE, "to a bucket", lists=sessions(preferences(**TO_BUCKET), WEB))
example(C3, "pass", HERE, "no public address", lists=sessions(rules=rule(**ANYONE), wearing=worn()))
example(C3, "pass", HERE, "worn by none", lists=sessions(rules=rule(group="sg-2", **ANYONE)))
example(C3, "pass", HERE, "one source", lists=sessions(rules=rule(CidrIpv4="203.0.113.0/24")))
example(C3, "fail", HERE, "port 22", lists=sessions(rules=rule(**ANYONE)))
example(C3, "fail", HERE, "IPv6", lists=sessions(rules=rule(**ANYONE_V6)))
example(C3, "fail", HERE, "in a range", lists=sessions(rules=rule(0, to=1024, **ANYONE)))
example(C3, "fail", HERE, "all", lists=sessions(rules=rule(-1, IpProtocol="-1", **ANYONE)))
example(
    C3, "fail", HERE, "by another interface's address",
    lists=sessions(rules=rule(**ANYONE), wearing=worn(NetworkInterfaces=[INTERFACE, SECOND_INTERFACE])),
)  # fmt: skip
example(C3, "fail", HERE, "nobody saved preferences", lists=sessions(unsaved_preferences(), WEB))
for switched_off in (
    {"kmsKeyId": ""}, {"cloudWatchLogGroupName": ""}, {"cloudWatchEncryptionEnabled": False},
    TO_BUCKET | {"s3EncryptionEnabled": False},
):  # fmt: skip
    example(C3, "fail", HERE, lists=sessions(preferences(**switched_off), WEB))
example(C3, "lacks_field", HERE, "cannot be read", lists=sessions(unreadable_preferences(), WEB))
example(C3, "lacks_field", HERE, lists=sessions(rules=tuple(without(one, "IsEgress") for one in rule(**ANYONE))))
del C3

# --- EV-VUL-05: machines --------------------------------------------------------------------------------------------


def options(**settings: str) -> Body:
    return {"MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "enabled", **settings}}


example("EV-VUL-05-C1", "pass", machine())
example("EV-VUL-05-C1", "pass", machine(**options(HttpEndpoint="disabled")))
example("EV-VUL-05-C1", "fail", machine(**options()))
example("EV-VUL-05-C1", "not_applicable", machine(**options(), **ENDED))
example("EV-VUL-05-C1", "lacks_field", without(machine(), "MetadataOptions"))


def managed(state: str = "Online", id_: str = "i-1") -> Records:
    return listed("aws.ssm.managed_instances", {"InstanceId": id_, "PingStatus": state})


def profiles(state: str = "associated", id_: str = "i-1") -> Records:
    item = {"AssociationId": "iip-1", "InstanceId": id_, "State": state}
    return listed("aws.ec2.instance_profile_associations", item)


STOPPED = {"State": {"Code": 80, "Name": "stopped"}}
GOOD = {"managed": managed(), "profiles": profiles()}
example("EV-VUL-05-C2", "pass", machine(), lists=GOOD)
example("EV-VUL-05-C2", "pass", machine(**STOPPED), lists=GOOD | {"managed": managed("ConnectionLost")})
example("EV-VUL-05-C2", "fail", machine(), lists=GOOD | {"managed": managed("ConnectionLost")})
example("EV-VUL-05-C2", "fail", machine(), lists=GOOD | {"managed": managed(id_="i-2")})
example("EV-VUL-05-C2", "fail", machine(), lists=GOOD | {"profiles": profiles("disassociating")})
example("EV-VUL-05-C2", "fail", machine(), lists=GOOD | {"profiles": profiles(id_="i-2")})
example("EV-VUL-05-C2", "not_applicable", machine(**ENDED), lists=GOOD)
example("EV-VUL-05-C2", "lacks_field", without(machine(), "State"), lists=GOOD)

CUT = "[redacted:field:ec2:describeinstanceattribute.userdata"
example("EV-VUL-05-C4", "pass", machine(f"{CUT}]"))
example("EV-VUL-05-C4", "pass", machine(), "no script")
example("EV-VUL-05-C4", "fail", machine(f"{CUT}:holds:assignment]"))
example("EV-VUL-05-C4", "not_applicable", machine(f"{CUT}:holds:named]", **ENDED))
example("EV-VUL-05-C4", "lacks_field", without(machine(), "State"))

# --- EV-VUL-01: the inventory ---------------------------------------------------------------------------------------

OTHER_REGION = "eu-north-1"


def regions(*more: str, off: str = "ap-east-1") -> Records:
    enabled = [{"RegionName": name, "OptInStatus": "opt-in-not-required"} for name in (REGION, *more)]
    return listed("aws.ec2.regions", *enabled, {"RegionName": off, "OptInStatus": "not-opted-in"})


def resources(*tags: str, region: str = REGION) -> Told:
    item = {"ResourceARN": f"arn:aws:sqs:{region}:{ACCOUNT}:q", "Tags": [{"Key": key, "Value": "x"} for key in tags]}
    return Told("aws.resourcegroupstaggingapi.resources", region).list(item)


def answered(region: str = REGION) -> Records:
    return resources(region=region).records("aws.resourcegroupstaggingapi.regions")


def search(region: str = REGION, count: Body | None = None) -> Told:
    told = Told("aws.resource_explorer_2.untagged", region)
    found = {"Resources": [{"Arn": "arn:aws:sqs:eu-west-1:111122223333:never-tagged", "ResourceType": "sqs:queue"}]}
    told.call("Search", "list", {**found, "Count": {"TotalResources": 1, "Complete": True} if count is None else count})
    return told


def searched(region: str = REGION, count: Body | None = None) -> Records:
    return search(region, count).records("aws.resource_explorer_2.searches")


derived("aws.resourcegroupstaggingapi.regions", answered())
derived("aws.resource_explorer_2.searches", searched())
WHOLE = {"regions": regions(), "answered": answered(), "searches": searched()}
BOTH = {
    "regions": regions(OTHER_REGION), "answered": answered() + answered(OTHER_REGION),
    "searches": searched() + searched(OTHER_REGION),
}  # fmt: skip
example("EV-VUL-01-C1", "pass", place(), lists=WHOLE)
example("EV-VUL-01-C1", "pass", place(), lists=BOTH)
example("EV-VUL-01-C1", "fail", place(), "a region did not answer", lists=BOTH | {"answered": answered()})
example("EV-VUL-01-C1", "fail", place(), "a region has no search", lists=BOTH | {"searches": searched()})
example("EV-VUL-01-C1", "fail", place(), "no region is known", lists=WHOLE | {"regions": ()})
example(
    "EV-VUL-01-C1", "fail", place(), "the search gave its first thousand",
    lists=WHOLE | {"searches": searched(count={"TotalResources": 1000, "Complete": False})},
)  # fmt: skip
example(
    "EV-VUL-01-C1", "lacks_field", place(),
    lists=WHOLE | {"searches": tuple(without(one, "Complete") for one in searched())},
)  # fmt: skip

MANDATORY: Body = {"required_tags": ["owner", "data-class"]}
NEVER_TAGGED = search().records()[0]
example("EV-VUL-01-C2", "pass", resources("owner", "data-class", "other").records()[0], facts=MANDATORY)
example("EV-VUL-01-C2", "fail", resources("owner").records()[0], facts=MANDATORY)
example("EV-VUL-01-C2", "fail", resources().records()[0], "its tags were taken off", facts=MANDATORY)
example("EV-VUL-01-C2", "fail", NEVER_TAGGED, facts=MANDATORY)
example("EV-VUL-01-C2", "pass", NEVER_TAGGED, "no tag is mandatory", facts={"required_tags": []})
