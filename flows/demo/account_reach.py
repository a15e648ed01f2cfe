"""What of the emulated account can be reached: routes, gateways, machines, shared snapshots, documents, names."""

from __future__ import annotations

from typing import Any

from flows.demo.filling import HOME_REGION, SECOND_REGION, SIMULATED, Filler, ec2_tags, tag_list
from flows.demo.reach_answers import MANAGED_TAG

PRODUCTION = "simulated-production"
_OWN_SEEDS = {HOME_REGION: 101, SECOND_REGION: 102}
_IMAGE = "ami-0simulated0000001"
_PROFILE = "simulated-machine"
_SECRET_SCRIPT = "#!/bin/sh\nexport DB_PASSWORD=Simulated-Only-1\n"
_PLAIN_SCRIPT = "#!/bin/sh\nsystemctl start simulated\n"
_AGENT_CANNOT_WRITE = '{"schemaVersion":"2.2","description":"SIMULATED","mainSteps":[]}'


def fill_reach_global(filler: Filler) -> None:
    """What exists once: an instance profile, and a zone with a name that points to a machine."""
    iam = filler.client("iam")
    iam.create_instance_profile(InstanceProfileName=_PROFILE, Tags=tag_list())
    route53 = filler.client("route53")
    zone = route53.create_hosted_zone(Name="simulated.example.org.", CallerReference="simulated")["HostedZone"]["Id"]
    record = {
        "Name": "portal.simulated.example.org.",
        "Type": "A",
        "TTL": 300,
        "ResourceRecords": [{"Value": "198.51.100.7"}],
    }
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )


def fill_reach(filler: Filler, region: str) -> None:
    """After network, disks and databases of the region."""
    ec2 = filler.client("ec2", region)
    vpc = _first(ec2.describe_vpcs(Filters=_named(PRODUCTION))["Vpcs"], "VpcId")
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    open_subnet, closed_subnet = (subnet["SubnetId"] for subnet in subnets[:2])
    _lead_to_internet(ec2, vpc, open_subnet)
    _join_networks(filler, ec2, region, vpc)
    _add_endpoints(ec2, region, vpc)
    _add_machines(filler, ec2, region, vpc, open_subnet, closed_subnet)
    _share(ec2, region)
    _place_databases(filler, region, [open_subnet], [closed_subnet])
    _add_templates(filler, ec2, region)
    _add_documents(filler, region)
    _add_line(filler, region)
    _open_a_function(filler, region)


def _named(name: str) -> list[dict[str, Any]]:
    return [{"Name": "tag:Name", "Values": [name]}]


def _first(items: list[dict[str, Any]], name: str) -> str:
    return str(items[0][name])


def _lead_to_internet(ec2: Any, vpc: str, subnet: str) -> None:
    """One subnet of production is public; a second gateway is attached to nothing."""
    tags = ec2_tags("internet-gateway", Name="simulated-unused")
    ec2.create_internet_gateway(TagSpecifications=tags)
    tags = ec2_tags("internet-gateway", Name="simulated-way-out")
    gateway = ec2.create_internet_gateway(TagSpecifications=tags)["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    tags = ec2_tags("route-table", Name="simulated-public")
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=ec2_tags("elastic-ip", Name="simulated-nat"))
    ec2.create_nat_gateway(
        SubnetId=subnet,
        AllocationId=address["AllocationId"],
        ClientToken="simulated-nat",
        TagSpecifications=ec2_tags("natgateway", Name="simulated-nat"),
    )


def _join_networks(filler: Filler, ec2: Any, region: str, vpc: str) -> None:
    """Peerings and transit gateways: a route leads from production's records into a trial network; another peering
    has no route.
    """
    # The supplied facts name the network of records: its identifier must not hang on what was filled before.
    filler.control.seed(int(filler.account) + _OWN_SEEDS[region])
    records = _add_network(ec2, "simulated-records", "10.40.0.0/16")
    trial = _add_network(ec2, "simulated-trial", "10.30.0.0/16")
    for name, requester, routed in (("simulated-to-trial", records, True), ("simulated-unrouted", vpc, False)):
        tags = ec2_tags("vpc-peering-connection", Name=name)
        peering = ec2.create_vpc_peering_connection(VpcId=requester, PeerVpcId=trial, TagSpecifications=tags)
        id_ = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id_)
        if routed:
            tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [requester]}])["RouteTables"]
            table = _first(tables, "RouteTableId")
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.30.0.0/16", VpcPeeringConnectionId=id_)
    accepts = "disable" if region == HOME_REGION else "enable"
    ec2.create_transit_gateway(
        Description=f"SIMULATED, accepts attachments: {accepts}",
        Options={"AutoAcceptSharedAttachments": accepts},
        TagSpecifications=ec2_tags("transit-gateway", Name="simulated-transit"),
    )


def _add_network(ec2: Any, name: str, block: str) -> str:
    tags = ec2_tags("vpc", Name=name)
    return str(ec2.create_vpc(CidrBlock=block, TagSpecifications=tags)["Vpc"]["VpcId"])


def _add_endpoints(ec2: Any, region: str, vpc: str) -> None:
    """In the home region only, there for all that is needed."""
    for service in ("s3", "kms", "dynamodb") if region == HOME_REGION else ("s3",):
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{region}.{service}",
            VpcEndpointType="Interface" if service == "kms" else "Gateway",
            TagSpecifications=ec2_tags("vpc-endpoint", Name=f"simulated-{service}"),
        )


def _add_machines(filler: Filler, ec2: Any, region: str, vpc: str, open_subnet: str, closed_subnet: str) -> None:
    web = _group(ec2, vpc, "simulated-web")
    door = _group(ec2, vpc, "simulated-bastion-open") if region == HOME_REGION else web
    with filler.days_ago(40):
        hardened = _add_machine(ec2, "hardened", closed_subnet, web, _PLAIN_SCRIPT, tokens="required", managed="Online")
        lost = _add_machine(ec2, "agent-lost", closed_subnet, web, _PLAIN_SCRIPT, managed="ConnectionLost")
        _add_machine(ec2, "open-door", open_subnet, door, _SECRET_SCRIPT, public=True)
    for machine in (hardened, lost):
        ec2.associate_iam_instance_profile(IamInstanceProfile={"Name": _PROFILE}, InstanceId=machine)


def _group(ec2: Any, vpc: str, name: str) -> str:
    names = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": [name]}]
    return _first(ec2.describe_security_groups(Filters=names)["SecurityGroups"], "GroupId")


def _add_machine(
    ec2: Any,
    name: str,
    subnet: str,
    group: str,
    script: str,
    *,
    tokens: str = "optional",
    managed: str | None = None,
    public: bool = False,
) -> str:
    tags = {"Name": f"simulated-{name}"} | ({MANAGED_TAG: managed} if managed else {})
    made = ec2.run_instances(
        ImageId=_IMAGE,
        InstanceType="t3.medium",
        MinCount=1,
        MaxCount=1,
        ClientToken=f"simulated-{name}",  # else botocore invents one, another each time
        UserData=script,
        MetadataOptions={"HttpTokens": tokens, "HttpEndpoint": "enabled"},
        NetworkInterfaces=[
            {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": public}
        ],
        TagSpecifications=ec2_tags("instance", **tags),
    )
    return str(made["Instances"][0]["InstanceId"])


def _share(ec2: Any, region: str) -> None:
    """An image of each sort; in the second region a snapshot that everyone may copy."""
    machine = _first(
        ec2.describe_instances(Filters=_named("simulated-hardened"))["Reservations"][0]["Instances"], "InstanceId"
    )
    for name, public in (("simulated-own", False), ("simulated-public", region == SECOND_REGION)):
        image = ec2.create_image(InstanceId=machine, Name=name, TagSpecifications=ec2_tags("image", Name=name))[
            "ImageId"
        ]
        if public:
            ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
    if region == SECOND_REGION:
        names = _named("simulated-webshop-images")
        snapshot = _first(ec2.describe_snapshots(OwnerIds=["self"], Filters=names)["Snapshots"], "SnapshotId")
        ec2.modify_snapshot_attribute(
            SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
        )


def _place_databases(filler: Filler, region: str, open_subnets: list[str], closed_subnets: list[str]) -> None:
    """One database where the internet cannot reach it, one where it can."""
    rds = filler.client("rds", region)
    for name, subnets in (("simulated-closed", closed_subnets), ("simulated-open", open_subnets)):
        rds.create_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription="SIMULATED", SubnetIds=subnets, Tags=tag_list()
        )
    first, second = ("sim-patients", "sim-old-reports") if region == HOME_REGION else ("sim-billing", "sim-webshop")
    rds.modify_db_instance(DBInstanceIdentifier=first, DBSubnetGroupName="simulated-closed")
    rds.modify_db_instance(DBInstanceIdentifier=second, DBSubnetGroupName="simulated-open", PubliclyAccessible=True)
    if region == SECOND_REGION:
        rds.modify_db_snapshot_attribute(
            DBSnapshotIdentifier=f"{second}-before-upgrade", AttributeName="restore", ValuesToAdd=["all"]
        )


def _add_templates(filler: Filler, ec2: Any, region: str) -> None:
    for name, public in (("simulated-closed", False), ("simulated-gives-addresses", True)):
        ec2.create_launch_template(
            LaunchTemplateName=name,
            ClientToken=name,
            LaunchTemplateData={
                "ImageId": _IMAGE,
                "InstanceType": "t3.small",
                "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": public}],
            },
            TagSpecifications=ec2_tags("launch-template", Name=name),
        )
    autoscaling = filler.client("autoscaling", region)
    for name, public in (("simulated-old-closed", False), ("simulated-old-web", True)):
        autoscaling.create_launch_configuration(
            LaunchConfigurationName=name, ImageId=_IMAGE, InstanceType="t3.small", AssociatePublicIpAddress=public
        )


def _add_documents(filler: Filler, region: str) -> None:
    ssm = filler.client("ssm", region)
    for name in ("simulated-own", "simulated-shared"):
        ssm.create_document(
            Content=_AGENT_CANNOT_WRITE, Name=name, DocumentType="Command", DocumentFormat="JSON", Tags=tag_list()
        )
    ssm.modify_document_permission(Name="simulated-shared", PermissionType="Share", AccountIdsToAdd=["all"])


def _add_line(filler: Filler, region: str) -> None:
    filler.client("directconnect", region).create_connection(
        location="SIMU1",
        bandwidth="1Gbps",
        connectionName="simulated-clinic",
        tags=[{"key": name, "value": value} for name, value in SIMULATED.items()],
    )


def _open_a_function(filler: Filler, region: str) -> None:
    """The region's older function may be invoked by everyone; its address stands in answers/lambda.yaml."""
    filler.client("lambda", region).add_permission(
        FunctionName="simulated-old-import", StatementId="everyone", Action="lambda:InvokeFunction", Principal="*"
    )
