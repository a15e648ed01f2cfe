"""Answers of our own in AWS's wire formats, checked against botocore's output shapes while they are written.

Data are plain: texts, numbers, lists, mappings; times as RFC 3339 texts or datetimes, bytes for blobs. A field that the
shape does not know, or a value of the wrong type, is an error here and not a surprise in the client.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from flows.demo.cbor import cbor_form
from flows.demo.errors import DemoError
from flows.demo.wire_errors import WireAnswer

_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "character": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "blob": bytes,
    "timestamp": (str, datetime),
}


def encode_answer(operation: OperationModel, protocol: str, data: Mapping[str, Any]) -> WireAnswer:
    """A 200 answer of this operation."""
    request_id = str(uuid4())
    shape = operation.output_shape
    if protocol in ("json", "rest-json"):
        content_type = "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"
        body = json.dumps(json_form(shape, data, operation.name) if shape else {}).encode()
    elif protocol in ("query", "ec2"):
        content_type = "text/xml;charset=UTF-8"
        body = _xml_document(operation, protocol, data, request_id)
    elif protocol == "rest-xml":
        content_type = "application/xml"
        body = _payload_document(operation, data)
    elif protocol == "cbor" or protocol.endswith("-cbor"):
        content_type = "application/cbor"
        body = cbor_form(shape, data, operation.name, json_form) if shape else b""
    else:
        raise DemoError(f"No own answers are written in the protocol {protocol}: let moto answer {operation.name}.")
    headers = [("x-amzn-RequestId", request_id), ("Content-Type", content_type), ("Content-Length", str(len(body)))]
    if content_type == "application/cbor":
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
    return WireAnswer(200, tuple(headers), body)


def project(shape: Shape, data: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the data that this structure knows."""
    assert isinstance(shape, StructureShape)
    return {name: data[name] for name in shape.members if name in data}


def moment(value: str | datetime) -> datetime:
    """A time, from either of the two forms in which it is kept; without a zone it is UTC."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def json_form(shape: Shape, value: Any, where: str) -> Any:
    """The value as JSON would hold it, field names as on the wire."""
    if isinstance(shape, StructureShape):
        return _fields(shape, value, where, json_form)
    if isinstance(shape, ListShape):
        return [json_form(shape.member, item, f"{where}[{i}]") for i, item in enumerate(_typed(list, value, where))]
    if isinstance(shape, MapShape):
        return {key: json_form(shape.value, item, f"{where}.{key}") for key, item in _typed(dict, value, where).items()}
    scalar = _scalar(shape, value, where)
    if shape.type_name == "timestamp":
        return moment(scalar).timestamp()
    return base64.b64encode(scalar).decode() if shape.type_name == "blob" else scalar


def _fields(shape: StructureShape, value: Any, where: str, form: Callable[[Shape, Any, str], Any]) -> dict[str, Any]:
    given = _typed(dict, value, where)
    if unknown := given.keys() - shape.members.keys():
        raise DemoError(f"{where} has no field {', '.join(sorted(unknown))} in the output shape {shape.name}.")
    return {
        shape.members[name].serialization.get("name", name): form(shape.members[name], item, f"{where}.{name}")
        for name, item in given.items()
    }


def _typed(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, kind):
        raise DemoError(f"{where} must be a {kind.__name__}, found {type(value).__name__}.")
    return value


def _scalar(shape: Shape, value: Any, where: str) -> Any:
    expected = _PYTHON_TYPES[shape.type_name]
    if not isinstance(value, expected) or (shape.type_name != "boolean" and isinstance(value, bool)):
        raise DemoError(f"{where} must be a {shape.type_name}, found {type(value).__name__}.")
    return value


def _xml_document(operation: OperationModel, protocol: str, data: Mapping[str, Any], request_id: str) -> bytes:
    shape = operation.output_shape
    content = xml_form(shape, data, operation.name) if shape else ""
    if protocol == "ec2":
        inner = f"<requestId>{request_id}</requestId>{content}"
    else:
        wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result") if shape else "Result"
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        inner = f"<{wrapper}>{content}</{wrapper}>{metadata}"
    tag = f"{operation.name}Response"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{tag}>{inner}</{tag}>'.encode()


def _payload_document(operation: OperationModel, data: Mapping[str, Any]) -> bytes:
    """An answer whose body is one of its members, or all of them in one element; headers carry nothing here."""
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape else None
    content = xml_form(shape, data, operation.name) if shape else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{content if payload else f"<Result>{content}</Result>"}'.encode()


def xml_form(shape: Shape, value: Any, where: str) -> str:
    """The value as the inside of an XML element."""
    if isinstance(shape, StructureShape):
        fields = _fields(shape, value, where, xml_form)
        return "".join(f"<{name}>{content}</{name}>" for name, content in fields.items())
    if isinstance(shape, ListShape):
        tag = shape.member.serialization.get("name", "member")
        items = [xml_form(shape.member, item, f"{where}[{i}]") for i, item in enumerate(_typed(list, value, where))]
        return "".join(f"<{tag}>{content}</{tag}>" for content in items)
    if isinstance(shape, MapShape):
        key_tag = shape.key.serialization.get("name", "key")
        value_tag = shape.value.serialization.get("name", "value")
        return "".join(
            f"<entry><{key_tag}>{escape(key)}</{key_tag}>"
            f"<{value_tag}>{xml_form(shape.value, item, f'{where}.{key}')}</{value_tag}></entry>"
            for key, item in _typed(dict, value, where).items()
        )
    scalar = _scalar(shape, value, where)
    if shape.type_name == "timestamp":
        return moment(scalar).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if shape.type_name == "blob":
        return base64.b64encode(scalar).decode()
    return str(scalar).lower() if isinstance(scalar, bool) else escape(str(scalar))
