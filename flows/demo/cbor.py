"""Own answers in CBOR (RFC 8949), as AWS's RPC protocol has them, and what a question in it asks."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParserError, RpcV2CBORParser

Scalar = Callable[[Shape, Any, str], Any]
UNSIGNED, NEGATIVE, TEXT, LIST, MAP, TAG = 0, 1, 3, 4, 5, 6
_EPOCH_TAG = 1
_DOUBLE = b"\xfb"


def cbor_form(shape: Shape, value: Any, where: str, plain: Scalar) -> bytes:
    """The value as CBOR; `plain` makes a scalar as JSON would hold it, or refuses what the shape does not know."""
    if isinstance(shape, StructureShape):
        plain(shape, value, where)
        pairs = ((name, shape.members[name], item) for name, item in value.items())
        items = [_text(name) + cbor_form(member, item, f"{where}.{name}", plain) for name, member, item in pairs]
        return _head(MAP, len(items)) + b"".join(items)
    if isinstance(shape, ListShape):
        items = [cbor_form(shape.member, item, f"{where}[{at}]", plain) for at, item in enumerate(value)]
        return _head(LIST, len(items)) + b"".join(items)
    if isinstance(shape, MapShape):
        items = [_text(key) + cbor_form(shape.value, item, f"{where}.{key}", plain) for key, item in value.items()]
        return _head(MAP, len(items)) + b"".join(items)
    found = plain(shape, value, where)
    if shape.type_name == "timestamp":
        return _head(TAG, _EPOCH_TAG) + _DOUBLE + struct.pack(">d", found)
    return _scalar(found)


def _scalar(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(UNSIGNED, value) if value >= 0 else _head(NEGATIVE, -1 - value)
    if isinstance(value, float):
        return _DOUBLE + struct.pack(">d", value)
    return _text(str(value))


def _text(value: str) -> bytes:
    data = value.encode()
    return _head(TEXT, len(data)) + data


def _head(major: int, number: int) -> bytes:
    """The beginning of an item: its type, and its length or value in as few bytes as hold it."""
    if number < 24:
        return bytes([major << 5 | number])
    size = next(power for power in range(4) if number < 1 << (8 << power))
    return bytes([major << 5 | 24 + size]) + number.to_bytes(1 << size, "big")


def read_cbor(body: bytes) -> dict[str, Any]:
    """The parameters of a question, times as RFC 3339 texts; empty where the body is none."""
    parser: Any = RpcV2CBORParser()
    try:
        found = parser.parse_data_item(io.BufferedReader(io.BytesIO(body))) if body else {}
    except (ResponseParserError, ValueError, IndexError):
        return {}
    return _readable(found) if isinstance(found, dict) else {}


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _readable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
