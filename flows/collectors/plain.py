"""A parsed answer as plain JSON of the signed profile: no floats, no nulls, times in one spelling, bytes as base64."""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from evidence_schema.canonical import MAX_INTEGER
from evidence_schema.models.base import format_time

DEEPEST = 56
"""Less than the canonical form allows, since an answer stands inside a call."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class TooDeep(ValueError):
    """An answer is nested deeper than we can keep."""


class Blob(str):
    """Base64 text of bytes: remembered as such, since a secret inside cannot be seen as text."""

    __slots__ = ()


def plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON; members that are None are left out. Raises TooDeep."""
    if depth > DEEPEST:
        raise TooDeep(f"expected at most {DEEPEST} levels, found more")
    if isinstance(value, str):
        return clean(value) if _SURROGATE.search(value) else value
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else str(value)
    if isinstance(value, dict):
        return {_key(key): plain(member, depth + 1) for key, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [plain(member, depth + 1) for member in value if member is not None]
    return _scalar(value)


def clean(text: str) -> str:
    """Text with lone surrogates, which no UTF-8 can hold, replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _key(key: Any) -> str:
    return clean(key) if isinstance(key, str) else str(key)


def _scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        number = Decimal(repr(value))
        return format(number, "f") if number.is_finite() else str(number)
    if isinstance(value, bytes | bytearray):
        return Blob(base64.b64encode(value).decode("ascii"))
    return clean(str(value))
