"""SHA-256 digests as a type: parsed once at the edge, printed one way, never a bare string inside."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadDigest

DIGEST_BYTES = 32
DIGEST_PATTERN = "^sha256:[0-9a-f]{64}$"
_TEXT = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, order=True, slots=True)
class Digest:
    """A SHA-256 digest (FIPS 180-4); equal, ordered and hashed by its 32 bytes `raw`.

    As a pydantic field it reads and writes the text form `sha256:<64 lower-case hex digits>`.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if type(self.raw) is not bytes or len(self.raw) != DIGEST_BYTES:
            raise BadDigest(f"expected {DIGEST_BYTES} bytes, found {_size_or_type(self.raw)}")

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The digest of `data`."""
        return cls(hashlib.sha256(data).digest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<64 lower-case hex digits>`; raises BadDigest for any other spelling."""
        match = _TEXT.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise BadDigest(f"expected 'sha256:' and 64 lower-case hex digits, found {ascii(text)[:100]}")
        return cls(bytes.fromhex(match[1]))

    @property
    def hex(self) -> str:
        """64 lower-case hex digits, as `sha256sum` prints them."""
        return self.raw.hex()

    @property
    def base64(self) -> str:
        """Standard base64, as C2SP files and S3 checksum headers write it."""
        return to_base64(self.raw)

    def __str__(self) -> str:
        return f"sha256:{self.raw.hex()}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from_text = core_schema.no_info_after_validator_function(cls._from_field, core_schema.str_schema(strict=True))
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": DIGEST_PATTERN}

    @classmethod
    def _from_field(cls, text: str) -> Self:
        try:
            return cls.parse(text)
        except BadDigest as error:  # pydantic gathers only its own kind and ValueError
            raise PydanticCustomError("digest", "{reason}", {"reason": str(error)}) from error


class DigestStream:
    """The digest and size of bytes that pass by in pieces and are never held whole."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0

    def update(self, piece: bytes) -> None:
        """Take the next piece, of any length."""
        self._hash.update(piece)
        self._size += len(piece)

    @property
    def size(self) -> int:
        """Bytes seen so far."""
        return self._size

    def finish(self) -> Digest:
        """The digest of all pieces so far; more may follow."""
        return Digest(self._hash.digest())


def _size_or_type(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else f"a {type(value).__name__}"
