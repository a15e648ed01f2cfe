"""IAM policy documents: one shape whatever spelling, and unknown rather than half read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_schema.records.policies import parse_policy

pytestmark = pytest.mark.sealing

STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}


def parsed(**statement: Any) -> dict[str, Any]:
    found = parse_policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert found is not None
    return found["Statement"][0]  # type: ignore[no-any-return]


def test_single_values_become_lists() -> None:
    assert parsed(**STATEMENT) == {
        "Effect": "Allow",
        "Principal": ["*"],
        "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::b/*"],
    }


@pytest.mark.parametrize("name", ["Action", "NotAction", "Resource", "NotResource"])
def test_lists_stay_lists(name: str) -> None:
    assert parsed(**{name: ["a", "b"]})[name] == ["a", "b"]
    assert parsed(**{name: "a"})[name] == ["a"]


@pytest.mark.parametrize("name", ["Principal", "NotPrincipal"])
@pytest.mark.parametrize(
    ("principal", "flat"),
    [
        ("*", ["*"]),
        ({"AWS": "*"}, ["*"]),
        ({"AWS": ["1", "2"], "Service": "backup.amazonaws.com"}, ["1", "2", "backup.amazonaws.com"]),
        ({}, []),
    ],
)
def test_principals_become_one_flat_list(name: str, principal: Any, flat: list[str]) -> None:
    assert parsed(**{name: principal})[name] == flat


def test_a_single_statement_is_a_list_of_one_and_the_rest_of_the_document_stays() -> None:
    found = parse_policy(json.dumps({"Version": "2012-10-17", "Id": "x", "Statement": STATEMENT}))
    assert found is not None
    assert (found["Version"], found["Id"], len(found["Statement"])) == ("2012-10-17", "x", 1)


def test_conditions_stay_as_they_are() -> None:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    assert parsed(**STATEMENT, Condition=condition)["Condition"] == condition


@pytest.mark.parametrize("before", ["", " ", "\n", "\t\n "])
def test_the_encoded_form_is_read_whatever_blank_it_begins_with(before: str) -> None:
    """IAM answers with the document as it was saved, URL-encoded."""
    text = before + json.dumps({"Statement": [STATEMENT], "Id": "100%25 ours"})
    assert parse_policy(quote(text, safe="")) == parse_policy(text)


def test_percent_signs_of_a_plain_document_are_left_alone() -> None:
    assert parsed(Resource="arn:aws:s3:::b/%7Bx")["Resource"] == ["arn:aws:s3:::b/%7Bx"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        1,
        {},
        [],
        "",
        "x",
        "[]",
        "null",
        '"text"',
        "{",
        '{"Statement": [',
        '{"a": 1, "a": 2}',
        "%7B",
        "%FF%7B%7D",
        '{"Statement": "x"}',
        '{"Statement": ["x"]}',
        '{"Statement": null}',
        '{"Statement": [{"Effect": "Deny"}, 1]}',
        '{"Id": "\\ud800"}',
        '{"x":' + "[" * 100 + "]" * 100 + "}",
        "{'Statement': []}",
    ],
)
def test_what_is_no_policy_is_unknown_and_never_an_empty_one(text: Any) -> None:
    assert parse_policy(text) is None


def test_a_document_without_statements_has_none() -> None:
    assert parse_policy("{}") == {"Statement": []}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Effect", "Sid"]
)


@settings(max_examples=150)
@given(JSON | st.dictionaries(NAMES, JSON, max_size=5), st.booleans())
def test_no_document_crashes_the_reader_and_lists_are_always_lists(statement: Any, encoded: bool) -> None:
    text = json.dumps({"Statement": statement})
    found = parse_policy(quote(text, safe="") if encoded else text)
    if found is None:
        return
    for item in found["Statement"]:
        assert isinstance(item, dict)
        for name in item.keys() & {"Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal"}:
            assert isinstance(item[name], list)


@settings(max_examples=100)
@given(st.text(max_size=40) | st.text(alphabet="%7B{}\"'F0 ", max_size=20))
def test_no_text_crashes_the_reader(text: str) -> None:
    found = parse_policy(text)
    assert found is None or isinstance(found["Statement"], list)
