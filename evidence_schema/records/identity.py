"""Sign-in beside IAM's own users: single sign-on assignments, token lifetimes, and the last use of roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import declared
from evidence_schema.records.making import record_of, text_of

Files = Callable[[str], Iterable[bytes]]

_PERIOD = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SECONDS = (86_400, 3_600, 60, 1)
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
_TOKENS = (("AccessToken", 1, "hours"), ("IdToken", 1, "hours"), ("RefreshToken", 30, "days"))
"""A token's name, and its lifetime and unit where the client says none."""
_UNREADABLE = Gap(operation="cognito-idp:DescribeUserPoolClient", code="UnreadableLifetime", result="failed")


def permission_sets(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """The declared records, with the session's length as a number; an hour where none is set."""
    for item in declared(header, declaration, calls, files):
        if "detail" in item.gaps:
            yield item.model_copy(update={"gaps": {**item.gaps, "SessionSeconds": item.gaps["detail"]}})
            continue
        seconds = seconds_of(look_up(item.fields, "detail.SessionDuration") or "PT1H")
        fields = item.fields | ({"SessionSeconds": seconds} if seconds is not None else {})
        yield item.model_copy(update={"fields": fields})


def seconds_of(period: Any) -> int | None:
    """The length of an ISO 8601 period in days, hours, minutes and seconds; None where it is not one."""
    match = _PERIOD.fullmatch(period) if isinstance(period, str) else None
    if match is None:
        return 3_600 if not isinstance(period, str) else None
    return sum(int(count) * seconds for count, seconds in zip(match.groups(default="0"), _SECONDS, strict=True))


def assignments(
    header: TranscriptHeader, view: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record for each assignment of a permission set in an account to a user or a group."""
    for item in declared(header, KindDeclaration.model_validate(header.declaration), calls, files):
        parent = str(item.fields.get("parent", ""))
        for found in _items(item, "assignments"):
            fields = {
                name: text_of(found, name) for name in ("PermissionSetArn", "AccountId", "PrincipalType", "PrincipalId")
            }
            id_ = "/".join((parent.rpartition("/")[2], item.id, fields["PrincipalType"], fields["PrincipalId"]))
            yield record_of(header, view, id_, fields)
        if "assignments" in item.gaps:
            names = ("PermissionSetArn", "AccountId", "PrincipalType", "PrincipalId")
            unknown = dict.fromkeys(names, item.gaps["assignments"])
            yield record_of(header, view, f"{parent}/{item.id}/(assignments)", {}, unknown)


def memberships(
    header: TranscriptHeader, view: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record for each member of each group of the workforce directory."""
    for group in declared(header, KindDeclaration.model_validate(header.declaration), calls, files):
        named = {"GroupId": group.id, "GroupName": text_of(group.fields, "DisplayName")}
        for found in _items(group, "memberships"):
            user = look_up(found, "MemberId.UserId")
            yield record_of(header, view, f"{group.id}/{user}", named | {"UserId": str(user)})
        if "memberships" in group.gaps:
            yield record_of(header, view, f"{group.id}/(members)", named, {"UserId": group.gaps["memberships"]})


def app_clients(
    header: TranscriptHeader, view: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record for each client of each sign-in pool, with the lifetimes of its tokens in minutes, rounded up."""
    for pool in declared(header, KindDeclaration.model_validate(header.declaration), calls, files):
        named = {"PoolId": pool.id, "PoolName": text_of(pool.fields, "Name")}
        names = [f"{token}Minutes" for token, _, _ in _TOKENS]
        for found in _items(pool, "clients"):
            client = found.get("client")
            fields = named | {"ClientName": text_of(found, "ClientName")}
            lifetimes = _lifetimes(client) if isinstance(client, dict) else {}
            gap = pool.gaps.get("clients", _UNREADABLE)
            gaps = {name: gap for name in names if name not in lifetimes}
            yield record_of(header, view, f"{pool.id}/{text_of(found, 'ClientId')}", fields | lifetimes, gaps)
        if "clients" in pool.gaps:
            yield record_of(header, view, f"{pool.id}/(clients)", named, dict.fromkeys(names, pool.gaps["clients"]))


def _lifetimes(client: Mapping[str, Any]) -> dict[str, int]:
    """Those that can be told; a unit that nobody knows makes a lifetime unknown."""
    found = {}
    for token, default, default_unit in _TOKENS:
        value, unit = client.get(f"{token}Validity"), look_up(client, f"TokenValidityUnits.{token}") or default_unit
        if not value:
            value, unit = default, default_unit
        if isinstance(value, int) and unit in _UNITS:
            found[f"{token}Minutes"] = -(-value * _UNITS[str(unit)] // 60)
    return found


def last_used(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Files,  # noqa: ARG001 (the answers say all)
) -> Iterator[Record]:
    """A record for each role that was asked about: the services that it was last used for, and when."""
    services: dict[str, list[Any]] = {}
    gaps: dict[str, Gap] = {}
    for call in calls:
        role = call.item[0] if call.item else ""
        if call.error is not None:
            gaps[role] = Gap(operation=f"iam:{call.operation}", code=call.error.code, result=call.error.result)
            services.setdefault(role, [])
        elif call.body is not None and call.body.get("JobStatus") == "COMPLETED":
            services.setdefault(role, []).extend(_dicts(call.body.get("ServicesLastAccessed")))
    for role, found in services.items():
        used = [item for item in found if "LastAuthenticated" in item]
        fields = {"Granted": len(found), "Used": len(used), "ServicesUsed": used}
        gap = dict.fromkeys(fields, gaps[role]) if role in gaps else {}
        yield record_of(header, declaration, role, fields, gap)


def _items(record: Record, name: str) -> list[dict[str, Any]]:
    return _dicts(record.fields.get(name))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
