"""Services of which an inventory found resources: one record a service, with how many resources it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.records.declared import declared

_SERVICE = 2
"""Where the service stands in an ARN: `arn:partition:service:region:account:resource`."""


def services_found(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],
) -> Iterator[Record]:
    """By the ARNs that are the ids of the inventory's records; what has no ARN counts as a service without a name."""
    found: Counter[str] = Counter()
    for record in declared(header, KindDeclaration.model_validate(header.declaration), calls, files):
        parts = record.id.split(":")
        found[parts[_SERVICE] if parts[0] == "arn" and len(parts) > _SERVICE else "(no service)"] += 1
    for service in sorted(found):
        yield Record(
            kind=declaration.kind,
            account=header.unit.account,
            region=header.unit.region,
            id=service,
            fields={"Service": service, "Resources": found[service]},
        )
