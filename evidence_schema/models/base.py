"""What every value of the foundation has in common: frozen, closed, with one canonical form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from evidence_schema.canonical import JSON, canonical_bytes, parse_canonical


def format_time(moment: datetime) -> str:
    """RFC 3339, UTC, whole seconds: the only way a time is written (INTEGRITY 5.1)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def parse_time(text: object) -> datetime:
    """The inverse of `format_time`; a datetime is cut to whole seconds, anything else refused."""
    if isinstance(text, datetime):
        if text.tzinfo is None:
            raise ValueError("expected a time with its zone, found one without")
        return text.astimezone(UTC).replace(microsecond=0)
    if not isinstance(text, str):
        found = type(text).__name__
        raise ValueError(f"expected a time like 2026-11-01T06:00:00Z, found {found}")  # noqa: TRY004 (pydantic's way)
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"expected a time like 2026-11-01T06:00:00Z, found {text[:40]!r}") from None
    if format_time(moment) != text:  # other spellings of the same instant
        raise ValueError(f"expected a time like 2026-11-01T06:00:00Z, found {text[:40]!r}")
    return moment


UtcTime = Annotated[
    datetime,
    BeforeValidator(parse_time),
    PlainSerializer(format_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"}),
]
NonNegative = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=4096)]
"""A line of text for people; bounded, because some of it comes from outside."""


class Frozen(BaseModel):
    """A value: change makes a new one (`model_copy(update=...)`)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,  # a field with a default is written like any other
    )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON without nulls: a field that is None is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def canonical(self) -> bytes:
        """RFC 8785 bytes of `to_json`: what is digested, signed and stored."""
        return canonical_bytes(self.to_json())

    @classmethod
    def from_canonical(cls, data: bytes) -> Self:
        """Read canonical bytes; raises NotCanonical, or pydantic's ValidationError where the shape is wrong."""
        return cls.model_validate(parse_canonical(data))


__all__ = ["JSON", "Frozen", "NonNegative", "Text", "UtcTime", "format_time", "parse_time"]
