"""The pinned policy: read from a file by its published schema, every fault named; and which key may sign what."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import KEY, LOG, ORIGIN, OTHER_KEY, trust_policy

from evidence_schema.verification import BadTrustPolicy, read_trust_policy
from evidence_schema.verification.trust import Keyring

pytestmark = pytest.mark.sealing

POLICY = trust_policy((KEY, 0, 6), (OTHER_KEY, 6, None))


def _document(**changes) -> bytes:
    return json.dumps({**POLICY.to_json(), **changes}).encode()


def test_policy_reads_back_whatever_its_spelling() -> None:
    for spelling in (POLICY.canonical(), _document(), json.dumps(POLICY.to_json(), indent=4).encode()):
        assert read_trust_policy(spelling) == POLICY
        assert read_trust_policy(spelling).fingerprint == POLICY.fingerprint


def test_defaults_of_the_schema_are_filled_in() -> None:
    short = {"log": LOG, "origin": ORIGIN, "keys": [{"vkey": POLICY.keys[0].vkey}]}
    policy = read_trust_policy(json.dumps(short).encode())
    assert (policy.max_age_days, policy.keys[0].first, policy.keys[0].until) == (38, 0, None)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(BadTrustPolicy) as caught:
        read_trust_policy(b'{"log":"UPPER","keys":[{"first":-1}],"max_age_days":"x","more":1}')
    for part in ("6 faults", "UPPER", "origin", "$.keys[0].first", "vkey", "max_age_days", "more"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ([], "keys"),
        ([{"vkey": "nonsense"}], "$.keys[0].vkey"),
        ([{"vkey": POLICY.keys[0].vkey.replace("+", "+0", 1)}], "$.keys[0].vkey"),
        ([{"vkey": POLICY.keys[0].vkey, "first": 5, "until": 5}], "until"),
    ],
)
def test_key_that_is_none_is_refused_where_it_is_read(keys, named: str) -> None:
    with pytest.raises(BadTrustPolicy) as caught:
        read_trust_policy(_document(keys=keys))
    assert named in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":1,"a":2}', b"[" * 9999, b" " * 2_000_000])
def test_file_that_is_no_policy_is_refused(data: bytes) -> None:
    with pytest.raises(BadTrustPolicy, match="expected"):
        read_trust_policy(data)


def test_number_beyond_every_reader_is_refused() -> None:
    with pytest.raises(BadTrustPolicy):
        read_trust_policy(_document(max_age_days=2**60))


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_give_a_policy_or_a_clear_error(data: bytes) -> None:
    with pytest.raises(BadTrustPolicy):
        read_trust_policy(data)


@pytest.mark.parametrize(("index", "may"), [(0, True), (5, True), (6, False), (10**9, False)])
def test_key_signs_within_its_range_only(index: int, may: bool) -> None:
    first, second = Keyring.of(POLICY).pinned
    assert first.may_sign(index) is may
    assert second.may_sign(index) is not may
