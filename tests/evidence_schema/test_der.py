"""The little DER that time stamps need: one value, one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema import der
from evidence_schema.errors import BadDER

pytestmark = pytest.mark.sealing

SIZES = [0, 1, 127, 128, 255, 256, 65_535, 65_536]


@pytest.mark.parametrize("size", SIZES)
def test_a_value_of_any_length_comes_back(size: int) -> None:
    encoded = der.encode(der.OCTET_STRING, bytes(size))
    assert der.element(encoded) == (der.OCTET_STRING, bytes(size), encoded)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_values_in_a_row_come_back(contents: list[bytes]) -> None:
    encoded = [der.encode(der.OCTET_STRING, content) for content in contents]
    found = der.elements(der.element(der.encode(der.SEQUENCE, *encoded)).content)
    assert [one.content for one in found] == contents
    assert [one.encoded for one in found] == encoded


@given(st.binary(max_size=64))
def test_what_can_be_read_is_written_back_byte_for_byte_and_the_rest_refused(data: bytes) -> None:
    try:
        found = der.elements(data)
    except BadDER:
        return
    assert b"".join(der.encode(one.tag, one.content) for one in found) == data


@given(st.integers(0, 2**80))
def test_integers_are_positive_and_as_short_as_possible(value: int) -> None:
    content = der.element(der.encode_integer(value)).content
    assert int.from_bytes(content, "big", signed=True) == value
    assert len(content) == 1 or content[0] or content[1] & 0x80


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "the end"),
        (b"\x04", "the end"),
        (b"\x04\x02a", "found 1"),
        (b"\x04\x80a\0\0", "shortest form"),  # indefinite
        (b"\x04\x81\x01a", "shortest form"),
        (b"\x04\x82\x00\x80" + bytes(128), "shortest form"),
        (b"\x04\x85\x01\0\0\0\0", "shortest form"),
        (b"\x1f\x01a", "longer one"),
        (b"\x04\x01ab", "behind it"),
    ],
)
def test_other_spellings_are_refused(data: bytes, found: str) -> None:
    with pytest.raises(BadDER, match=found):
        der.element(data)


def test_a_negative_integer_is_refused() -> None:
    with pytest.raises(BadDER):
        der.encode_integer(-1)
