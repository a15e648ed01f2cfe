"""Reading from a place that may lie: bounded, in pieces, one spelling only, and several objects at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import ValidationError

from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.base import Frozen
from evidence_schema.reader import Reader

Model = TypeVar("Model", bound=Frozen)


class Unreadable(EvidenceSchemaError):
    """A listed object whose bytes the place does not give."""


class Misshapen(EvidenceSchemaError):
    """Bytes that are not the one spelling of what must stand there."""


def pieces(reader: Reader, key: str, version: str = "") -> Iterator[bytes]:
    """The bytes of one version; raises Unreadable for whatever the place raises."""
    try:
        yield from reader.stream(key, version)
    except Exception as error:  # each place has its own errors, unknown here; one object's is a finding
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def read_bounded(reader: Reader, key: str, version: str, limit: int) -> bytes:
    """The bytes of one version; raises Misshapen as soon as there are more than `limit`."""
    data = bytearray()
    for piece in pieces(reader, key, version):
        data += piece
        if len(data) > limit:
            raise Misshapen(f"expected at most {limit} bytes, found more")
    return bytes(data)


def parsed(model: type[Model], data: bytes) -> Model:
    """The value that `data` spells canonically, with every field that its model writes; raises Misshapen.

    Any reader of JSON will do, whatever it lets pass: the value is written again, and only the same bytes are accepted.
    """
    try:
        value = model.model_validate_json(data)
        written = value.canonical()
    except ValidationError as error:
        raise Misshapen(_faults(error)) from error
    except (EvidenceSchemaError, ValueError) as error:  # pydantic's serialiser has ValueErrors of its own
        raise Misshapen(str(error)) from error
    if written != data:
        raise Misshapen(f"expected the spelling that {model.__name__} has, found another one of the same value")
    return value


def _faults(error: ValidationError) -> str:
    """Where and why, never the value: it may be confidential."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in faults[:5])


def lines(source: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Lines without their newlines; raises Misshapen for a line that is too long or, after it, has no newline."""
    rest = bytearray()
    for piece in source:
        first, *others = piece.split(b"\n")
        rest += first  # in place: a long line in small pieces must not be copied again for each of them
        for following in others:
            _refuse_longer(rest, longest)
            yield bytes(rest)
            rest = bytearray(following)
        _refuse_longer(rest, longest)
    if rest:
        yield bytes(rest)
        raise Misshapen("expected a newline after the last line, found none")


def _refuse_longer(line: bytearray, longest: int) -> None:
    if len(line) > longest:
        raise Misshapen(f"expected lines of at most {longest} bytes, found a longer one")
