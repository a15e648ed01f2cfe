"""Canonical JSON: one spelling per value, and readers that refuse instead of guessing or crashing."""

from __future__ import annotations

import json
from contextlib import suppress
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_schema.canonical import (
    JSON,
    MAX_DEPTH,
    MAX_INTEGER,
    AnyJSON,
    canonical_bytes,
    jcs,
    parse_canonical,
    parse_json,
)
from evidence_schema.errors import BadJSON, EvidenceSchemaError, NotCanonical

pytestmark = pytest.mark.sealing

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(TEXT, st.booleans(), st.integers(-MAX_INTEGER, MAX_INTEGER))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
JSONISH = st.text('[]{}",:0123456789.eE-+ truefalsnN\\u\n\x00é\U0001f602', max_size=40).map(str.encode)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@given(VALUES)
def test_every_value_survives_the_round_trip(value: JSON) -> None:
    data = canonical_bytes(value)
    assert parse_canonical(data) == value
    assert parse_json(data) == value
    assert canonical_bytes(parse_canonical(data)) == data


@given(VALUES)
def test_profile_writes_what_an_independent_rfc_8785_implementation_writes(value: AnyJSON) -> None:
    assert canonical_bytes(value) == jcs(value)  # type: ignore[arg-type]  # drawn within the profile


@settings(max_examples=150)
@given(VALUES, st.data())
def test_a_changed_byte_is_refused_or_means_something_else(value: JSON, data: st.DataObject) -> None:
    document = bytearray(canonical_bytes(value))
    at = data.draw(st.integers(0, len(document) - 1))
    document[at] ^= data.draw(st.integers(1, 255))
    try:
        changed = parse_canonical(bytes(document))
    except EvidenceSchemaError:
        return
    assert canonical_bytes(changed) == bytes(document) != canonical_bytes(value)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=60), JSONISH))
def test_arbitrary_bytes_are_read_or_refused_and_never_crash(data: bytes) -> None:
    with suppress(EvidenceSchemaError):
        parse_json(data)
    with suppress(EvidenceSchemaError):
        assert parse_canonical(data) == parse_json(data) == json.loads(data)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "at the top: .* found null"),
        (1.0, "at the top: .* found a float"),
        (float("nan"), "at the top: .* found a float"),
        ({"a": [True, {"b/c~d": None}]}, "at /a/1/b~1c~0d: .* found null"),
        ({"a": 2**53}, "at /a: expected an integer within 2\\^53-1"),
        ([-(2**53)], "at /0: expected an integer within 2\\^53-1"),
        ({"a": {1: "x"}}, "at /a: expected string keys, found a int"),
        ({"a": {None: "x"}}, "at /a: expected string keys, found a NoneType"),
        ([b"bytes"], "at /0: .* found a bytes"),
        ([{1, 2}], "at /0: .* found a set"),
        ({"a": ["\ud800"]}, "at /a/0: expected Unicode text, found a lone surrogate"),
        ({"a": {"\udfff": 1}}, "at /a: expected Unicode text, found a lone surrogate"),
        ({"\U0001f602": "\ud800"}, "lone surrogate"),
    ],
)
def test_values_outside_the_profile_are_refused_with_their_place(value: Any, message: str) -> None:
    with pytest.raises(NotCanonical, match=message):
        canonical_bytes(value)


def test_largest_integers_and_depth_are_still_inside() -> None:
    for value in (MAX_INTEGER, -MAX_INTEGER, 0, True):
        assert parse_canonical(canonical_bytes(value)) == value
    assert canonical_bytes(parse_canonical(nested(MAX_DEPTH))) == nested(MAX_DEPTH)


def test_string_enumerations_and_tuples_are_written_as_what_they_are() -> None:
    class Word(StrEnum):
        DENIED = "denied"

    assert canonical_bytes({"result": Word.DENIED, "at": (1, 2)}) == b'{"at":[1,2],"result":"denied"}'


def test_keys_are_sorted_by_utf16_units_at_every_level() -> None:
    inner = {"\ufb33": 1, "\U0001f602": 2, "a": 3}
    expected = '{"a":3,"\U0001f602":2,"\ufb33":1}'
    assert canonical_bytes({"z": [inner]}).decode() == f'{{"z":[{expected}]}}'


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 2_000, 200_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_and_never_a_recursion_error(depth: int, opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    document = opening * depth + (b"" if opening == b"[" else b"1") + closing * depth
    for parse in (parse_canonical, parse_json):
        with pytest.raises(BadJSON, match=f"at most {MAX_DEPTH} nested"):
            parse(document)


def test_values_that_contain_themselves_are_refused_at_once() -> None:
    loop: list[Any] = []
    loop += [loop, loop]
    with pytest.raises(NotCanonical, match="nested"):
        canonical_bytes(loop)
    with pytest.raises(NotCanonical, match="RFC 8785"):
        jcs(loop)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b'{"a":1,"a":1}', "found 'a' twice"),
        (b'{"a":{"b":1,"b":2}}', "found 'b' twice"),
        (b'{"b":1,"a":2}', "another spelling .* from byte 2 on"),
        (b'{"a": 1}', "another spelling"),
        (b'{"a":1}\n', "another spelling"),
        (b'"\\u00e9"', "another spelling"),
        (b'"\\/"', "another spelling"),
        (b'"\\u001F"', "another spelling"),
        (b"-0", "another spelling"),
        (b"1.0", "found a float"),
        (b"1e400", "found a float"),
        (b'{"a":null}', "at /a: .* found null"),
        (b"9007199254740992", "within 2\\^53-1"),
        (b'"\\ud800"', "lone surrogate"),
    ],
)
def test_json_in_another_form_is_not_canonical(document: bytes, message: str) -> None:
    with pytest.raises(NotCanonical, match=message):
        parse_canonical(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "expected JSON"),
        (b"{", "expected JSON"),
        (b"[1,]", "expected JSON"),
        (b"01", "expected JSON"),
        (b'"\x01"', "expected JSON"),
        (b"NaN", "found NaN"),
        (b"[-Infinity]", "found -Infinity"),
        (b'"\xff"', "expected UTF-8, found an invalid byte at offset 1"),
        (b'"\xed\xa0\x80"', "expected UTF-8"),
        (b"\xef\xbb\xbf1", "expected JSON"),
        ("[1]".encode("utf-16"), "expected UTF-8"),
        (b"1" * 5_000, "sane length"),
    ],
)
def test_bytes_that_are_no_json_are_refused_by_both_readers(document: bytes, message: str) -> None:
    for parse in (parse_canonical, parse_json):
        with pytest.raises(BadJSON, match=message):
            parse(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b'[{"a":1, "a":2}]', "found 'a' twice"),
        (b"[1e400]", "overflows"),
        (b'{"a":["\\uD800"]}', "at /a/0: .* lone surrogate"),
        (b'{"\\udc00":1}', "at the top: .* lone surrogate"),
    ],
)
def test_outside_documents_must_be_unambiguous(document: bytes, message: str) -> None:
    with pytest.raises(BadJSON, match=message):
        parse_json(document)


def test_outside_documents_may_be_spelled_freely() -> None:
    document = b' {"b": 1.50, "a": null, "c": [1e2, "\\ud83d\\ude02", "\\u00e9"]}\n'
    assert parse_json(document) == {"b": 1.5, "a": None, "c": [100.0, "\U0001f602", "é"]}


def test_size_limit_is_checked_before_anything_is_read() -> None:
    for parse in (parse_canonical, parse_json):
        assert parse(b'"abcd"', max_bytes=6) == "abcd"
        with pytest.raises(BadJSON, match="at most 5 bytes of JSON, found 6"):
            parse(b'"abcd"', max_bytes=5)


def test_messages_stay_short_and_printable_for_hostile_keys() -> None:
    with pytest.raises(NotCanonical) as caught:
        canonical_bytes({"\x1b[31m\n" * 500: None})  # type: ignore[dict-item]  # that is the point
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()
