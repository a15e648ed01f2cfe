"""Names the AWS operation of an HTTP request, from the service models that botocore carries.

A request names its service by the signing name in its credential scope, and its operation in one of four ways:
an `Action` in the form (query, ec2), the `X-Amz-Target` header (json), the path of the RPC protocol (cbor), or method
and path, looked up in the model's templates (rest-json, rest-xml). Models are read when first needed and kept.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore
from botocore import loaders
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from flows.demo.cbor import read_cbor

_METADATA = re.compile(r'"metadata"\s*:\s*')
_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
_HEAD_CHARACTERS = 6_000  # the metadata stand at the beginning of a model
_RPC_PATH = re.compile(r"^/service/[^/]+/operation/([^/]+)$")
_LOOPBACK_HOST = re.compile(r"^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$")

UNKNOWN = "Unknown"


@dataclass(frozen=True)
class WireRequest:
    """An HTTP request as it came: header names in lower case, the body where its protocol puts parameters there."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def form(self) -> dict[str, str]:
        fields = dict(self.query)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            fields.update(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        return fields

    @cached_property
    def document(self) -> dict[str, Any]:
        """The JSON object in the body; empty where there is none."""
        try:
            value = json.loads(self.body) if self.body[:1] == b"{" else {}
        except ValueError:
            value = {}
        return value if isinstance(value, dict) else {}

    @cached_property
    def scope(self) -> tuple[str, str, str]:
        """Access key id, region and signing name from the signature; empty strings where nothing is signed."""
        credential = dict(self.query).get("X-Amz-Credential", "")
        if found := re.search(r"Credential=([^,\s]+)", self.headers.get("authorization", "")):
            credential = found.group(1)
        parts = credential.split("/")
        return (parts[0], parts[2], parts[3]) if len(parts) == 5 else ("", "", "")


@dataclass(frozen=True)
class Call:
    """A request, named: `rds:DescribeDBClusters` in `eu-central-1` by the access key `AKIA...` with `parameters`."""

    service: str
    operation: str
    protocol: str
    region: str
    access_key: str
    account: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def parameters_digest(self) -> str:
        canonical = json.dumps(self.parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def mentions(self, item: str) -> bool:
        """Whether one of the parameters, at any depth, is exactly this text."""
        return any(leaf == item for leaf in _leaves(self.parameters))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


@dataclass(frozen=True)
class ServiceEntry:
    """What the head of a service's model says of it."""

    name: str
    protocol: str
    api_version: str
    target_prefix: str


def name_call(request: WireRequest) -> Call:
    """Which operation this request asks for; service `unsigned` or operation `Unknown` where that cannot be told."""
    access_key, region, signing_name = request.scope
    if not signing_name:
        return Call("unsigned", UNKNOWN, "", "", "", parameters={"path": request.path})
    service, operation, protocol, parameters = _identify(request, signing_name)
    return Call(service, operation, protocol, region, access_key, parameters=parameters)


def _identify(request: WireRequest, signing_name: str) -> tuple[str, str, str, dict[str, Any]]:
    entries = _candidates(signing_name)
    if target := request.headers.get("x-amz-target", ""):
        prefix, _, operation = target.rpartition(".")
        service = next((entry.name for entry in entries if entry.target_prefix == prefix), signing_name)
        return service, operation, "json", request.document
    if rpc := _RPC_PATH.match(request.path):
        return entries[0].name, rpc.group(1), "cbor", read_cbor(request.body)
    if "Action" in request.form:
        return _identify_form(request.form, entries)
    return _identify_rest(request, entries)


def _identify_form(form: Mapping[str, str], entries: list[ServiceEntry]) -> tuple[str, str, str, dict[str, Any]]:
    version = form.get("Version", "")
    entry = next((entry for entry in entries if entry.api_version == version), entries[0])
    parameters = {name: value for name, value in form.items() if name not in ("Action", "Version")}
    return entry.name, form["Action"], "ec2" if entry.protocol == "ec2" else "query", parameters


def _identify_rest(request: WireRequest, entries: list[ServiceEntry]) -> tuple[str, str, str, dict[str, Any]]:
    found: list[tuple[tuple[int, bool, int], str, str, str, dict[str, str]]] = []
    path = _with_virtual_host(request)
    for entry in entries:
        for route in _routes(entry.name) if entry.protocol.startswith("rest-") else ():
            if (labels := route.match(request, path)) is not None:
                found.append((route.weight, entry.name, route.operation, entry.protocol, labels))
    if not found:
        return entries[0].name, UNKNOWN, entries[0].protocol, {"path": request.path}
    _, service, operation, protocol, labels = max(found, key=lambda one: one[0])
    parameters = {**dict(request.query), **labels, **(request.document if protocol == "rest-json" else {})}
    unsigned = {name: value for name, value in parameters.items() if not name.startswith("X-Amz-")}
    return service, operation, protocol, unsigned


def _with_virtual_host(request: WireRequest) -> str:
    """The path with the bucket in front, where the bucket is the first part of the host's name."""
    host = request.headers.get("host", "")
    if request.scope[2] == "s3" and host and not _LOOPBACK_HOST.match(host):
        return f"/{host.split('.')[0]}{request.path}"
    return request.path


@dataclass(frozen=True)
class Route:
    """Method and path of one operation, and the query and header names that tell it from its neighbours."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    query: Mapping[str, str]
    required_query: frozenset[str]
    required_headers: frozenset[str]
    weight: tuple[int, bool, int]

    def match(self, request: WireRequest, path: str) -> dict[str, str] | None:
        """The values of the path's labels, or None."""
        if request.method != self.method or not (found := self.pattern.match(path)):
            return None
        given = dict(request.query)
        if any(given.get(name) != value for name, value in self.query.items()):
            return None
        if not (self.required_query <= given.keys() and self.required_headers <= request.headers.keys()):
            return None
        return {label: unquote(value) for label, value in zip(self.labels, found.groups(), strict=True)}


@cache
def _routes(service: str) -> tuple[Route, ...]:
    model = service_model(service)
    return tuple(_route(model.operation_model(name)) for name in model.operation_names)


def _route(operation: OperationModel) -> Route:
    http = operation.http
    template = urlsplit(http["requestUri"])
    query = dict(parse_qsl(template.query, keep_blank_values=True))
    required = _required_names(operation)
    literal = len(_LABEL.sub("", template.path))
    return Route(
        operation=operation.name,
        method=http["method"],
        pattern=re.compile(_path_pattern(template.path)),
        labels=tuple(found.group(1) for found in _LABEL.finditer(template.path)),
        query=query,
        required_query=required["querystring"],
        required_headers=required["header"],
        # The more a route asks for the more it says; of twins, the one that is not deprecated.
        weight=(sum(map(len, (query, *required.values()))), not operation.deprecated, literal),
    )


def _path_pattern(path: str) -> str:
    pattern, at = "^", 0
    for found in _LABEL.finditer(path):
        pattern += re.escape(path[at : found.start()]) + ("(.+)" if found.group(2) else "([^/]+)")
        at = found.end()
    return pattern + re.escape(path[at:].rstrip("/")) + "/?$"


def _required_names(operation: OperationModel) -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {"querystring": set(), "header": set()}
    shape = operation.input_shape
    members = {name: shape.members[name] for name in shape.required_members} if shape else {}
    for member, member_shape in members.items():
        serialization = member_shape.serialization
        if serialization.get("location") in names:
            wire = serialization.get("name", member)
            names[serialization["location"]].add(wire.lower() if serialization["location"] == "header" else wire)
    return {location: frozenset(found) for location, found in names.items()}


def _candidates(signing_name: str) -> list[ServiceEntry]:
    """The services that sign with this name, the one of that very name first; a stand-in for an unknown one."""
    entries = _services_by_signing_name().get(signing_name, [])
    ranked = sorted(entries, key=lambda entry: entry.name != signing_name)
    return ranked or [ServiceEntry(signing_name, "", "", "")]


@cache
def _services_by_signing_name() -> dict[str, list[ServiceEntry]]:
    """Reading only the heads takes 0.2 s for 400 services; reading the models would take many times that."""
    services: dict[str, list[ServiceEntry]] = {}
    for folder in sorted(Path(botocore.__file__).with_name("data").iterdir()):
        models = sorted(folder.glob("*/service-2.json*"))
        if models and (metadata := _metadata(models[-1])):
            signing_name = metadata.get("signingName") or metadata["endpointPrefix"]
            entry = ServiceEntry(
                folder.name, metadata["protocol"], metadata["apiVersion"], metadata.get("targetPrefix", "")
            )
            services.setdefault(signing_name, []).append(entry)
    return services


def _metadata(model: Path) -> dict[str, Any]:
    """The metadata at the head of a model; empty for the few old models that have them elsewhere."""
    with gzip.open(model, "rt") if model.suffix == ".gz" else model.open() as file:
        head = file.read(_HEAD_CHARACTERS)
    found = _METADATA.search(head)
    try:
        metadata: dict[str, Any] = json.JSONDecoder().raw_decode(head, found.end())[0] if found else {}
    except ValueError:
        metadata = {}
    return metadata


@cache
def service_model(service: str) -> ServiceModel:
    """The model that botocore uses for this service."""
    return ServiceModel(_models().load_service_model(service, "service-2"), service)


@cache
def _models() -> Loader:
    """One for all services, since each looks through the folders of all four hundred; moto's own where it is loaded."""
    return loaders.create_loader()
