"""The Distinguished Encoding Rules of ASN.1 (ITU-T X.690), as far as a time-stamp request and its reply need them.

Strict: definite lengths in their shortest form, tags of one byte. One value has one spelling.
"""

from __future__ import annotations

from typing import NamedTuple

from evidence_schema.errors import BadDER

BOOLEAN, INTEGER, OCTET_STRING, NULL, OID, UTF8_STRING = 0x01, 0x02, 0x04, 0x05, 0x06, 0x0C
SEQUENCE, SET = 0x30, 0x31
CONTEXT_0, CONTEXT_1 = 0xA0, 0xA1
"""Constructed, context-specific: `[0]` and `[1]` of a module."""
_LONG_FORM = 0x80
_MULTI_BYTE_TAG = 0x1F
_MAX_LENGTH_BYTES = 4


class Element(NamedTuple):
    """One encoded value: its tag byte, its content, and both with the length between them."""

    tag: int
    content: bytes
    encoded: bytes


def encode(tag: int, *contents: bytes) -> bytes:
    """Tag, length and the contents one after the other."""
    content = b"".join(contents)
    return bytes((tag,)) + _length(len(content)) + content


def encode_integer(value: int) -> bytes:
    """An INTEGER of 0 or more, in the fewest bytes."""
    if value < 0:
        raise BadDER(f"expected an integer of 0 or more, found {value}")
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def element(data: bytes) -> Element:
    """The one value that these bytes are; raises BadDER for anything before, behind or instead of it."""
    found, end = _element_at(data, 0)
    if end != len(data):
        raise BadDER(f"expected one value of {end} bytes, found {len(data) - end} behind it")
    return found


def elements(data: bytes) -> list[Element]:
    """The values that stand one after the other in these bytes, the content of a SEQUENCE or SET; raises BadDER."""
    found = []
    at = 0
    while at < len(data):
        one, at = _element_at(data, at)
        found.append(one)
    return found


def _length(size: int) -> bytes:
    if size < _LONG_FORM:
        return bytes((size,))
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((_LONG_FORM | len(digits),)) + digits


def _element_at(data: bytes, start: int) -> tuple[Element, int]:
    if len(data) < start + 2:
        raise BadDER(f"expected a tag and a length at offset {start}, found the end")
    tag, size, at = data[start], data[start + 1], start + 2
    if tag & _MULTI_BYTE_TAG == _MULTI_BYTE_TAG:
        raise BadDER(f"expected a tag of one byte at offset {start}, found a longer one")
    if size & _LONG_FORM:
        digits = data[at : at + (size & ~_LONG_FORM)]
        at += len(digits)
        size = int.from_bytes(digits, "big")
        if len(digits) > _MAX_LENGTH_BYTES or _length(size) != data[start + 1 : at]:
            raise BadDER(f"expected a length in its shortest form at offset {start + 1}, found another")
    if at + size > len(data):
        raise BadDER(f"expected {size} bytes at offset {at}, found {len(data) - at}")
    return Element(tag, data[at : at + size], data[start : at + size]), at + size
