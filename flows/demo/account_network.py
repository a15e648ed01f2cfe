"""The network of the emulated account: groups, access lists and interfaces, open and closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.demo.filling import HOME_REGION, SECOND_REGION, Filler, ec2_tags

EVERYWHERE = "0.0.0.0/0"
EVERYWHERE_V6 = "::/0"
INSIDE = "10.20.0.0/16"
_IMAGE = "ami-0simulated0000001"


@dataclass(frozen=True)
class Group:
    """A security group of the pattern: what it lets in, and whether anything wears it."""

    name: str
    lets_in: tuple[tuple[int, str], ...]  # port (-1: all traffic) and from where
    attached: bool = True


GROUPS = {
    HOME_REGION: (
        Group("web", ((443, EVERYWHERE), (80, EVERYWHERE), (443, EVERYWHERE_V6))),
        Group("application", ((8443, INSIDE),)),
        Group("database", ((5432, INSIDE),)),
        Group("bastion-open", ((22, EVERYWHERE),)),
        Group("abandoned", ((8081, EVERYWHERE),), attached=False),
    ),
    SECOND_REGION: (
        Group("web", ((443, EVERYWHERE),)),
        Group("everything-open", ((-1, EVERYWHERE),)),
        Group("reports-open", ((8080, EVERYWHERE),)),
        Group("database-open", ((3306, EVERYWHERE_V6),), attached=False),
    ),
}


@dataclass(frozen=True)
class Entry:
    """One ingress rule of an access list."""

    number: int
    action: str
    ports: tuple[int, int] | None  # None: all traffic
    source: str = EVERYWHERE


ACCESS_LISTS = {
    HOME_REGION: {
        "simulated-closed-first": (  # the deny comes first, so the allow does not reach the administration ports
            Entry(80, "deny", (22, 22)),
            Entry(81, "deny", (3389, 3389)),
            Entry(100, "allow", (0, 65535)),
        ),
        "simulated-inside-only": (Entry(100, "allow", None, INSIDE),),
    },
    SECOND_REGION: {
        "simulated-closed-too-late": (Entry(100, "allow", (0, 65535)), Entry(200, "deny", (22, 22))),
        "simulated-inside-only": (Entry(100, "allow", None, INSIDE),),
    },
}


def fill_network(filler: Filler, region: str) -> int:
    """A network of its own beside the default one, with groups, lists, interfaces and machines; number of groups."""
    ec2 = filler.client("ec2", region)
    network = ec2.create_vpc(CidrBlock=INSIDE, TagSpecifications=ec2_tags("vpc", Name="simulated-production"))
    vpc = network["Vpc"]["VpcId"]
    subnets = [_add_subnet(ec2, region, vpc, number) for number in range(len(ACCESS_LISTS[region]))]
    if region == HOME_REGION:
        _empty_default_group(ec2, vpc)
    groups = {}
    for suffix in filler.copies():
        for group in GROUPS[region]:
            groups[group.name + suffix] = _add_group(ec2, vpc, group, f"simulated-{group.name}{suffix}")
            if group.attached:
                _add_interface(ec2, subnets[0], groups[group.name + suffix], f"simulated-{group.name}{suffix}")
        _add_machines(filler, ec2, region, subnets[0], groups["web"], suffix)
    for subnet, (name, entries) in zip(subnets, ACCESS_LISTS[region].items(), strict=True):
        _add_access_list(ec2, vpc, subnet, name, entries)
    _add_interface(ec2, subnets[1], groups["web"], "simulated-second-subnet")
    return len(groups)


def _add_subnet(ec2: Any, region: str, vpc: str, number: int) -> str:
    tags = ec2_tags("subnet", Name=f"simulated-{number}")
    block = f"10.20.{number}.0/24"
    subnet: str = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=region + "a", TagSpecifications=tags)[
        "Subnet"
    ]["SubnetId"]
    return subnet


def _empty_default_group(ec2: Any, vpc: str) -> None:
    """As it should be: nobody can rely on the default group. (The default network's own keeps its rules.)"""
    names = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=names)["SecurityGroups"][0]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])


def _add_group(ec2: Any, vpc: str, group: Group, name: str) -> str:
    tags = ec2_tags("security-group", Name=name)
    group_id: str = ec2.create_security_group(
        GroupName=name, Description=f"SIMULATED {name}", VpcId=vpc, TagSpecifications=tags
    )["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[_permission(*one) for one in group.lets_in])
    return group_id


def _permission(port: int, source: str) -> dict[str, Any]:
    permission: dict[str, Any] = {"IpProtocol": "-1"}
    if port != -1:
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    if ":" in source:
        return permission | {"Ipv6Ranges": [{"CidrIpv6": source, "Description": "simulated"}]}
    return permission | {"IpRanges": [{"CidrIp": source, "Description": "simulated"}]}


def _add_interface(ec2: Any, subnet: str, group: str, name: str) -> None:
    tags = ec2_tags("network-interface", Name=name)
    ec2.create_network_interface(SubnetId=subnet, Groups=[group], Description=name, TagSpecifications=tags)


def _add_machines(filler: Filler, ec2: Any, region: str, subnet: str, group: str, suffix: str) -> None:
    disk = {"VolumeSize": 30, "VolumeType": "gp3", "Encrypted": region == HOME_REGION, "DeleteOnTermination": True}
    with filler.days_ago(70):
        ec2.run_instances(
            ImageId=_IMAGE,
            InstanceType="t3.medium",
            MinCount=3,
            MaxCount=3,
            ClientToken=f"simulated-machine{suffix}",  # else botocore invents one, another each time
            SubnetId=subnet,
            SecurityGroupIds=[group],
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": disk}],
            TagSpecifications=ec2_tags("instance", Name=f"simulated-machine{suffix}"),
        )


def _add_access_list(ec2: Any, vpc: str, subnet: str, name: str, entries: tuple[Entry, ...]) -> None:
    tags = ec2_tags("network-acl", Name=name)
    list_id = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags)["NetworkAcl"]["NetworkAclId"]
    for entry in entries:
        ec2.create_network_acl_entry(NetworkAclId=list_id, Egress=False, **_rule(entry))
    ec2.create_network_acl_entry(NetworkAclId=list_id, Egress=True, **_rule(Entry(100, "allow", None)))
    lists = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"]
    now = next(one for one in lists[0]["Associations"] if one["SubnetId"] == subnet)
    ec2.replace_network_acl_association(AssociationId=now["NetworkAclAssociationId"], NetworkAclId=list_id)


def _rule(entry: Entry) -> dict[str, Any]:
    rule: dict[str, Any] = {"RuleNumber": entry.number, "RuleAction": entry.action, "CidrBlock": entry.source}
    if entry.ports is None:
        return rule | {"Protocol": "-1"}
    return rule | {"Protocol": "6", "PortRange": {"From": entry.ports[0], "To": entry.ports[1]}}
