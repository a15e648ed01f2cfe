"""Wrapped data keys and blinded commitments."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema.errors import BadCommitment, BadKey, BadWrapping, OutOfRange
from evidence_schema.key_wrapping import WRAPPED_BYTES, DataKey, unwrap, wrap

pytestmark = pytest.mark.sealing

KEK = bytes(range(32))
KEY = DataKey(b"d" * 32, b"b" * 32)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_data_key_comes_back_from_72_bytes(kek: bytes, dek: bytes, blind: bytes) -> None:
    wrapped = DataKey(dek, blind).wrapped(kek)
    assert len(wrapped) == WRAPPED_BYTES == 72
    assert DataKey.unwrapped(kek, wrapped) == DataKey(dek, blind)


def test_no_flipped_bit_of_a_wrapped_data_key_unwraps() -> None:
    wrapped = KEY.wrapped(KEK)
    for bit in range(8 * WRAPPED_BYTES):
        changed = bytearray(wrapped)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadWrapping):
            DataKey.unwrapped(KEK, bytes(changed))


@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: w[:-8], lambda w: w + bytes(8), lambda w: b""])
def test_a_wrapped_data_key_of_another_length_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadWrapping, match="72 bytes"):
        DataKey.unwrapped(KEK, change(KEY.wrapped(KEK)))


def test_another_key_encryption_key_is_refused() -> None:
    with pytest.raises(BadWrapping):
        DataKey.unwrapped(bytes(32), KEY.wrapped(KEK))


def test_a_padded_secret_of_the_same_wrapped_length_is_no_data_key() -> None:
    wrapped = wrap(KEK, bytes(63))
    assert len(wrapped) == WRAPPED_BYTES
    with pytest.raises(BadWrapping, match="found 63"):
        DataKey.unwrapped(KEK, wrapped)


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33])
def test_keys_of_other_lengths_are_refused(size: int) -> None:
    for attempt in (
        lambda: KEY.wrapped(bytes(size)),
        lambda: DataKey.unwrapped(bytes(size), bytes(WRAPPED_BYTES)),
        lambda: DataKey(bytes(size), bytes(32)),
        lambda: DataKey(bytes(32), bytes(size)),
    ):
        with pytest.raises(BadKey):
            attempt()


def test_what_cannot_be_wrapped_is_refused() -> None:
    with pytest.raises(BadKey):
        wrap(bytes(15), b"secret")
    for secret in (b"", bytes(4097)):
        with pytest.raises(OutOfRange):
            wrap(KEK, secret)
    for wrapped in (b"", bytes(8), bytes(15), bytes(17)):
        with pytest.raises(BadWrapping):
            unwrap(KEK, wrapped)


def test_new_data_keys_differ_and_do_not_show_themselves() -> None:
    one, other = DataKey.new(), DataKey.new()
    assert len({one.dek, one.blind, other.dek, other.blind}) == 4
    assert str(one) == repr(one) == "DataKey()"


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_commitment_is_the_hmac_of_the_whole_in_whatever_pieces(plaintext: bytes, cut: int) -> None:
    expected = hmac.digest(KEY.blind, plaintext, "sha256")
    commitment = KEY.commitment()
    commitment.update(plaintext[:cut])
    commitment.update(plaintext[cut:])
    assert commitment.finish() == expected
    KEY.check_commitment(expected, [plaintext[:cut], plaintext[cut:]])


def test_a_commitment_does_not_hold_for_other_bytes_or_another_blind() -> None:
    made = hmac.digest(KEY.blind, b"answer: yes", "sha256")
    for key, plaintext, expected in (
        (KEY, b"answer: no", made),
        (DataKey.new(), b"answer: yes", made),
        (KEY, b"answer: yes", made[:-1]),
        (KEY, b"answer: yes", b""),
    ):
        with pytest.raises(BadCommitment):
            key.check_commitment(expected, [plaintext])


def test_a_guess_cannot_be_tried_against_a_commitment_without_its_blind() -> None:
    """What a bare digest of a two-valued record gives away."""
    guesses = [b"answer: yes", b"answer: no"]
    bare = hashlib.sha256(b"answer: yes").digest()
    assert [hashlib.sha256(guess).digest() == bare for guess in guesses] == [True, False]
    key = DataKey.new()
    commitment = key.commitment()
    commitment.update(b"answer: yes")
    tried = [hashlib.sha256(guess).digest() for guess in guesses]
    tried += [hmac.digest(guessed, guess, "sha256") for guess in guesses for guessed in (b"", bytes(32), key.dek)]
    assert commitment.finish() not in tried
