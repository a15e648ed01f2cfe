"""Networks as a rule can read them: route tables as plain lists, and which machine wears which security group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import declared
from evidence_schema.records.making import record_of

Files = Callable[[str], Iterable[bytes]]


def routing(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record for each route table: the subnets it is given to, and where its routes lead."""
    for table in _listed(header, calls, files):
        routes, given = _objects(table.fields.get("Routes")), _objects(table.fields.get("Associations"))
        yield record_of(
            header,
            declaration,
            table.id,
            {
                "VpcId": str(table.fields.get("VpcId", "")),
                "Main": any(item.get("Main") is True for item in given),
                "Subnets": _texts(given, "SubnetId"),
                "ToInternet": any(str(route.get("GatewayId", "")).startswith("igw-") for route in routes),
                "Peerings": _texts(routes, "VpcPeeringConnectionId"),
                "TransitGateways": _texts(routes, "TransitGatewayId"),
            },
        )


def worn_groups(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record for each security group of each interface of a machine that has not ended.

    The public address counts for all of the machine's groups: which of its interfaces has it is not asked.
    """
    for machine in _listed(header, calls, files):
        if look_up(machine.fields, "State.Name") in ("shutting-down", "terminated"):
            continue
        interfaces = _objects(machine.fields.get("NetworkInterfaces"))
        groups = [*_objects(machine.fields.get("SecurityGroups"))]
        groups += [group for interface in interfaces for group in _objects(interface.get("Groups"))]
        public = "PublicIpAddress" in machine.fields or any(_is_public(interface) for interface in interfaces)
        for group in sorted(set(_texts(groups, "GroupId"))):
            fields = {"InstanceId": machine.id, "GroupId": group, "Public": public}
            yield record_of(header, declaration, f"{machine.id}/{group}", fields)


def _is_public(interface: dict[str, Any]) -> bool:
    """IPv6 addresses are public by nature; whether a route leads to them is another question."""
    return "PublicIp" in (interface.get("Association") or {}) or bool(interface.get("Ipv6Addresses"))


def _listed(header: TranscriptHeader, calls: Iterator[Call], files: Files) -> Iterator[Record]:
    return declared(header, KindDeclaration.model_validate(header.declaration), calls, files)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(items: Iterable[dict[str, Any]], name: str) -> list[str]:
    return [item[name] for item in items if isinstance(item.get(name), str)]
