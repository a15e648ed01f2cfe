"""Canonical JSON: the single byte form of every document we sign, and strict readers for JSON from outside.

RFC 8785 (JCS) narrowed to strings, integers, booleans, arrays and objects: without floats and nulls there is
nothing left on which two implementations could disagree, or that could mean both "absent" and "empty".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import rfc8785
from typing_extensions import TypeAliasType  # in typing from 3.12 on; pydantic brings it

from evidence_schema.errors import BadJSON, NotCanonical

JSON = TypeAliasType("JSON", "str | int | bool | Sequence[JSON] | Mapping[str, JSON]")
"""A value of the signed profile."""

AnyJSON = TypeAliasType("AnyJSON", "str | int | float | bool | Sequence[AnyJSON] | Mapping[str, AnyJSON] | None")
"""Any JSON value, as documents from outside may hold."""

MAX_INTEGER = 2**53 - 1
"""Largest magnitude that every JSON reader keeps exactly (RFC 7493 section 2.2)."""

MAX_DEPTH = 64
"""How many arrays and objects may stand inside one another."""

MAX_BYTES = 16 * 1024 * 1024
"""Default limit of a document in bytes; a caller that expects more says so."""

_MAX_POINTER = 200
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)
_PRESORTED_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=False, separators=(",", ":"), allow_nan=False, check_circular=False
)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")

_Trail = tuple["_Trail", object] | None  # the way to a value: (way to its container, key or index)


def jcs(value: AnyJSON) -> bytes:
    """RFC 8785 bytes of any JSON value, floats and nulls included; raises NotCanonical where the RFC has none."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise NotCanonical(f"expected a value that RFC 8785 can write, found: {error}") from error


def canonical_bytes(value: JSON) -> bytes:
    """RFC 8785 bytes of a value of the signed profile, UTF-8, no trailing newline.

    Raises NotCanonical, with a JSON pointer, for floats, nulls, keys that are not strings, integers beyond
    2^53-1, lone surrogates, other types and nesting beyond MAX_DEPTH.
    """
    _walk(value, _profile_fault, NotCanonical)
    return _serialise(value)


def parse_canonical(data: bytes, *, max_bytes: int = MAX_BYTES) -> JSON:
    """The value of `data`, which must be byte for byte what `canonical_bytes` writes for it.

    Raises BadJSON where `data` is no JSON at all and NotCanonical where it is JSON in another form
    (duplicate keys, spaces, key order, escapes, floats, nulls, NaN, large integers, deep nesting).
    """
    value: JSON = _scan(_PLAIN_DECODER, data, max_bytes)
    _walk(value, _profile_fault, NotCanonical)
    written = _serialise(value)
    if written != data:
        raise NotCanonical(_difference(data, written))
    return value


def parse_json(data: bytes, *, max_bytes: int = MAX_BYTES) -> AnyJSON:
    """The value of a JSON document from outside, in whatever spelling.

    Raises BadJSON for bytes that are not UTF-8 JSON, duplicate keys, NaN, infinities (also by overflow), lone
    surrogates and nesting beyond MAX_DEPTH.
    """
    value: AnyJSON = _scan(_UNIQUE_DECODER, data, max_bytes)
    surrogates = _SURROGATE_ESCAPE.search(data) is not None
    _walk(value, _surrogate_fault if surrogates else _no_fault, BadJSON, every_string=surrogates)
    return value


def _scan(decoder: json.JSONDecoder, data: bytes, max_bytes: int) -> Any:
    if len(data) > max_bytes:
        raise BadJSON(f"expected at most {max_bytes} bytes of JSON, found {len(data)}")
    try:
        return decoder.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadJSON(f"expected UTF-8, found an invalid byte at offset {error.start}") from error
    except RecursionError as error:
        raise BadJSON(f"expected at most {MAX_DEPTH} nested arrays and objects, found far more") from error
    except json.JSONDecodeError as error:
        raise BadJSON(f"expected JSON, found an error at character {error.pos}: {error.msg}") from error
    except ValueError as error:  # int() refuses thousands of digits
        raise BadJSON(f"expected JSON numbers of a sane length, found: {error}") from error


def _serialise(value: JSON) -> bytes:
    text = _ENCODER.encode(value)
    if not text.isascii() and _ASTRAL.search(text):
        text = _PRESORTED_ENCODER.encode(_in_utf16_order(value))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        _walk(value, _surrogate_fault, NotCanonical, every_string=True)
        raise NotCanonical("expected Unicode text, found a lone surrogate") from error


def _in_utf16_order(value: JSON) -> JSON:
    """RFC 8785 sorts keys by UTF-16 code units; Python by code points, which differs beyond U+FFFF."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _in_utf16_order(value[key]) for key in keys}
    if isinstance(value, (list, tuple)):
        return [_in_utf16_order(member) for member in value]
    return value


def _walk(
    root: object, fault_of: Callable[[object], str | None], error: type[BadJSON], *, every_string: bool = False
) -> None:
    """Ask `fault_of` about each value; without recursion, so that depth is a limit and not a crash.

    Containers are taken last in, first out: a deep document reaches the limit before a wide one fills the memory.
    Strings are asked about only where `every_string` is set: this runs on every line of every transcript.
    """
    pending: list[tuple[Iterable[tuple[object, object]], _Trail, int]] = [(((None, root),), None, 0)]
    while pending:
        members, trail, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise error(f"{_pointer(trail)}: expected at most {MAX_DEPTH} nested arrays and objects, found more")
        for key, member in members:
            kind = type(member)
            if (kind is str and not every_string) or kind is bool:
                continue
            if kind is int and -MAX_INTEGER <= member <= MAX_INTEGER:  # type: ignore[operator]  # kind says so
                continue
            if isinstance(member, (dict, list, tuple)):
                here = (trail, key)
                pending.append((_members(member, here, fault_of, error), here, depth + 1))
                continue
            fault = fault_of(member)
            if fault is not None:
                raise error(f"{_pointer((trail, key))}: {fault}")


def _members(
    container: dict[object, object] | Sequence[object],
    trail: _Trail,
    fault_of: Callable[[object], str | None],
    error: type[BadJSON],
) -> Iterable[tuple[object, object]]:
    if not isinstance(container, dict):
        return enumerate(container)
    for key in container:
        if type(key) is str and fault_of is not _surrogate_fault:
            continue
        fault = fault_of(key) if isinstance(key, str) else f"expected string keys, found a {type(key).__name__}"
        if fault is not None:
            raise error(f"{_pointer(trail)}: {fault}")
    return container.items()


def _profile_fault(value: object) -> str | None:
    if isinstance(value, (str, bool)):
        return None
    if isinstance(value, int):
        return None if -MAX_INTEGER <= value <= MAX_INTEGER else "expected an integer within 2^53-1, found a larger one"
    found = "null" if value is None else f"a {type(value).__name__}"
    return f"expected a string, integer, boolean, array or object, found {found}"


def _surrogate_fault(value: object) -> str | None:
    if isinstance(value, str) and _SURROGATE.search(value):
        return "expected Unicode text, found a lone surrogate"
    return None


def _no_fault(_value: object) -> str | None:
    return None


def _pointer(trail: _Trail) -> str:
    """RFC 6901 pointer in printable ASCII, cut at a bearable length: keys come from outside."""
    steps: list[str] = []
    while trail is not None:
        trail, key = trail
        steps.append(str(key).replace("~", "~0").replace("/", "~1"))
    pointer = "".join(f"/{step}" for step in reversed(steps[:-1]))  # the last step taken is the root's own
    printable = ascii(pointer)[1:-1]
    return f"at {printable[:_MAX_POINTER] or 'the top'}"


def _difference(found: bytes, expected: bytes) -> str:
    """Where two spellings part; offsets only, since the text itself may be confidential."""
    try:
        _UNIQUE_DECODER.decode(found.decode("utf-8"))
    except BadJSON as duplicate:
        return str(duplicate)
    pairs = zip(found, expected, strict=False)
    offset = next((at for at, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(found), len(expected)))
    return (
        f"expected RFC 8785 canonical JSON ({len(expected)} bytes), found another spelling ({len(found)} bytes) "
        f"that differs from byte {offset} on; write the document with canonical_bytes"
    )


def _unique_keys(pairs: list[tuple[str, AnyJSON]]) -> dict[str, AnyJSON]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadJSON(f"expected unique keys, found {ascii(twice)[:_MAX_POINTER]} twice in one object")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise BadJSON("expected finite numbers, found one that overflows a double")
    return number


def _no_constant(name: str) -> float:
    raise BadJSON(f"expected JSON, found {name}, which JSON does not have")


_PLAIN_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_UNIQUE_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_float=_finite, parse_constant=_no_constant)
