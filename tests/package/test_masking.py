"""Masks: nothing of a text that could name somebody stays, shape and times do, and the key alone explains them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evidence_schema.sealing import read_private_key, recipient_key, seal, unseal
from flows.report.package.masking import Masker
from flows.vault.keys import Pseudonyms

MASKER = Masker(Pseudonyms(bytes(32)).pseudonym, frozenset({"eu-central-1"}))
NAMES = st.from_regex(r"[A-Z][a-z]{3,9}\.[A-Z][a-z]{3,9}@example\.org", fullmatch=True)
JSON = st.recursive(
    st.one_of(NAMES, st.booleans(), st.integers(0, 99), st.just("2026-11-01T06:00:00Z")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.one_of(NAMES, st.just("UserName")), inner, max_size=3)
    ),
    max_leaves=12,
)


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {key for key in value if "@" in key}.union(*(names_in(member) for member in value.values()))
    if isinstance(value, list):
        return set().union(*(names_in(member) for member in value))
    return {value} if isinstance(value, str) and "@" in value else set()


@given(JSON)
def test_no_name_stays_in_values_or_keys(value: Any) -> None:
    told = json.dumps(MASKER.value(value))
    assert not [name for name in names_in(value) if name in told]


def test_a_name_that_is_a_key_is_masked_where_it_is_a_value_too() -> None:
    assert "alice" not in json.dumps(MASKER.value({"owners": ["alice"], "by": {"alice": 1}}))


def test_times_numbers_states_and_places_stay() -> None:
    told = {"At": "2026-11-01T06:00:00Z", "Mfa": "true", "Days": "90", "Region": "eu-central-1", "n": 3, "on": True}
    assert MASKER.value(told) == told


def test_the_same_text_has_the_same_mask_and_another_key_another_one() -> None:
    assert MASKER.text("alice") == MASKER.text("alice") != MASKER.text("bob")
    assert Masker(Pseudonyms(b"\x01" * 32).pseudonym).text("alice") != MASKER.text("alice")


@given(st.binary(max_size=40_000), st.integers(1, 5000))
def test_what_is_sealed_is_opened_by_its_recipient(data: bytes, piece: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from evidence_schema.encoding import to_base64

    key = X25519PrivateKey.from_private_bytes(b"\x06" * 32)
    public = recipient_key(to_base64(key.public_key().public_bytes_raw()))
    private = read_private_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sealed = b"".join(seal(public, b"acme", [data]))
    pieces = [sealed[at : at + piece] for at in range(0, len(sealed), piece)]
    assert b"".join(unseal(private, b"acme", pieces)) == data
