"""Sealed artifacts: every length comes back, in whole and in part, and no change to the sealed bytes goes unseen."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema import chunked_encryption
from evidence_schema.chunked_encryption import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    Decryptor,
    Encryptor,
    SealedFile,
    decrypt,
    encrypt,
    opened_size,
    sealed_size,
)
from evidence_schema.errors import BadCiphertext, BadKey, KeyNotCommitted, OutOfRange, TruncatedCiphertext

pytestmark = pytest.mark.sealing

KEY = bytes(range(32))
CONTEXT = b"clinic/run-1/aws.iam.users"
BORDERS = sorted({chunks * CHUNK_BYTES + beside for chunks in range(4) for beside in (-17, -16, -1, 0, 1, 16, 17)})[3:]
LONG = 3 * CHUNK_BYTES + 1_000


def plaintext(size: int) -> bytes:
    """Bytes without a period, so that no two places are alike."""
    return hashlib.shake_128(b"plaintext").digest(size)


@cache
def sealed(size: int) -> bytes:
    return b"".join(encrypt(KEY, CONTEXT, [plaintext(size)]))


def opened(data: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    return b"".join(decrypt(key, context, [data]))


def reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


def by_random_access(data: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    file = SealedFile.open(key, context, reading(data), len(data))
    return file.read(0, file.size)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The data cut at these places, empty pieces among them."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return (data[start:stop] for start, stop in pairwise(places))


def chunks_of(data: bytes) -> tuple[bytes, list[bytes]]:
    body = data[HEADER_BYTES:]
    return data[:HEADER_BYTES], [body[at : at + SEALED_CHUNK_BYTES] for at in range(0, len(body), SEALED_CHUNK_BYTES)]


@pytest.mark.parametrize("size", BORDERS)
def test_every_length_around_the_border_of_a_chunk_comes_back(size: int) -> None:
    data = sealed(size)
    assert len(data) == sealed_size(size)
    assert opened_size(len(data)) == size
    assert opened(data) == by_random_access(data) == plaintext(size)


@given(st.sampled_from(BORDERS), st.lists(st.integers(0, 10**6), max_size=6), st.lists(st.integers(0, 10**6)))
def test_it_does_not_matter_where_the_pieces_are_cut(size: int, cuts: list[int], other_cuts: list[int]) -> None:
    data = b"".join(encrypt(KEY, CONTEXT, pieces(plaintext(size), cuts)))
    assert b"".join(decrypt(KEY, CONTEXT, pieces(data, other_cuts))) == plaintext(size)


@given(st.sampled_from([0, 5, CHUNK_BYTES, LONG]), st.integers(0, LONG + 9), st.integers(0, LONG + 9))
def test_a_range_equals_the_slice(size: int, offset: int, length: int) -> None:
    file = SealedFile.open(KEY, CONTEXT, reading(sealed(size)), sealed_size(size))
    assert file.read(offset, length) == plaintext(size)[offset : offset + length]


def test_a_range_fetches_only_the_chunks_that_it_touches() -> None:
    fetched: list[int] = []

    def read_at(offset: int, length: int) -> bytes:
        fetched.append(length)
        return sealed(LONG)[offset : offset + length]

    file = SealedFile.open(KEY, CONTEXT, read_at, sealed_size(LONG))
    assert fetched == [HEADER_BYTES, 1_000 + TAG_BYTES]
    fetched.clear()
    file.read(CHUNK_BYTES - 1, 2)
    file.read(2 * CHUNK_BYTES, 1)
    file.read(LONG, 5)
    assert fetched == [2 * SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES]


def test_a_negative_range_is_refused() -> None:
    file = SealedFile.open(KEY, CONTEXT, reading(sealed(5)), sealed_size(5))
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(OutOfRange):
            file.read(offset, length)


def test_no_flipped_bit_of_a_small_ciphertext_opens() -> None:
    data = sealed(5)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        expected = KeyNotCommitted if bit < 8 * HEADER_BYTES else BadCiphertext
        for attempt in (opened, by_random_access):
            with pytest.raises(expected):
                attempt(bytes(changed))


@given(st.integers(0, 8 * sealed_size(LONG) - 1))
def test_no_flipped_bit_of_a_long_ciphertext_opens(bit: int) -> None:
    changed = bytearray(sealed(LONG))
    changed[bit // 8] ^= 1 << bit % 8
    for attempt in (opened, by_random_access):
        with pytest.raises(BadCiphertext):
            attempt(bytes(changed))


def test_no_cut_ciphertext_opens() -> None:
    whole = sealed(2 * CHUNK_BYTES)
    lengths = set(range(HEADER_BYTES + 40)) | set(range(0, len(whole), 997))
    for border in range(HEADER_BYTES, len(whole), SEALED_CHUNK_BYTES):
        lengths |= set(range(border - 20, min(border + 20, len(whole))))
    for length in lengths:
        for attempt in (opened, by_random_access):
            with pytest.raises(BadCiphertext):
                attempt(whole[:length])
    assert len(lengths) > 200


@pytest.mark.parametrize("length", [0, 1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + TAG_BYTES - 1])
def test_a_cut_at_an_impossible_length_is_named_as_one(length: int) -> None:
    for attempt in (opened, by_random_access):
        with pytest.raises(TruncatedCiphertext):
            attempt(sealed(5)[:length])


def test_a_cut_at_the_border_of_a_chunk_is_named_as_one() -> None:
    for chunks in (1, 2, 3):
        with pytest.raises(TruncatedCiphertext):
            opened(sealed(LONG)[: HEADER_BYTES + chunks * SEALED_CHUNK_BYTES])


@pytest.mark.parametrize(
    "tail",
    [b"\0", bytes(TAG_BYTES), bytes(SEALED_CHUNK_BYTES), sealed(5)[HEADER_BYTES:]],
    ids=["a byte", "a tag", "a chunk", "a sealed chunk"],  # sealed anew in each process
)
@pytest.mark.parametrize("size", [5, CHUNK_BYTES, CHUNK_BYTES + 5])
def test_nothing_can_be_put_behind_the_last_chunk(size: int, tail: bytes) -> None:
    for attempt in (opened, by_random_access):
        with pytest.raises(BadCiphertext):
            attempt(sealed(size) + tail)


def test_chunks_cannot_be_dropped_doubled_or_moved() -> None:
    header, (first, second, third, last) = chunks_of(sealed(LONG))
    arrangements = (
        [second, first, third, last],
        [first, third, second, last],
        [first, first, second, third, last],
        [first, second, last],
        [second, third, last],
        [last],
        [first, second, third, third, last],
        [first, second, third, last, last],
    )
    for arrangement in arrangements:
        for attempt in (opened, by_random_access):
            with pytest.raises(BadCiphertext):
                attempt(header + b"".join(arrangement))


def test_chunks_of_another_message_under_the_same_key_and_context_do_not_fit() -> None:
    header, ours = chunks_of(sealed(LONG))
    other = b"".join(encrypt(KEY, CONTEXT, [plaintext(LONG)]))
    assert other[:HEADER_BYTES] != header
    theirs = chunks_of(other)[1]
    for place in range(4):
        mixed = [*ours[:place], theirs[place], *ours[place + 1 :]]
        with pytest.raises(BadCiphertext):
            opened(header + b"".join(mixed))


@pytest.mark.parametrize("context", [b"", CONTEXT[:-1], CONTEXT + b"\0", b"clinic/run-2/aws.iam.users"])
def test_a_ciphertext_opens_in_its_own_context_only(context: bytes) -> None:
    for attempt in (opened, by_random_access):
        with pytest.raises(KeyNotCommitted):
            attempt(sealed(5), context=context)


def test_a_ciphertext_opens_under_its_own_key_only() -> None:
    for attempt in (opened, by_random_access):
        with pytest.raises(KeyNotCommitted):
            attempt(sealed(5), key=bytes(32))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    for attempt in (lambda: Encryptor(bytes(size), b""), lambda: Decryptor(bytes(size), b"")):
        with pytest.raises(BadKey, match="32 bytes"):
            attempt()


def test_a_failed_decryptor_stays_failed() -> None:
    decryptor = Decryptor(KEY, CONTEXT)
    changed = bytearray(sealed(LONG))
    changed[HEADER_BYTES + SEALED_CHUNK_BYTES] ^= 1
    assert decryptor.update(bytes(changed[: HEADER_BYTES + SEALED_CHUNK_BYTES])) == plaintext(CHUNK_BYTES)
    rest = bytes(changed[HEADER_BYTES + SEALED_CHUNK_BYTES :])
    for attempt in (lambda: decryptor.update(rest), lambda: decryptor.update(b""), decryptor.finish):
        with pytest.raises(BadCiphertext, match="chunk 1"):
            attempt()


def test_two_seals_of_the_same_bytes_share_no_chunk() -> None:
    other = b"".join(encrypt(KEY, CONTEXT, [plaintext(LONG)]))
    assert not set(chunks_of(other)[1]) & set(chunks_of(sealed(LONG))[1])


def test_one_object_serves_one_message() -> None:
    encryptor, decryptor = Encryptor(KEY, CONTEXT), Decryptor(KEY, CONTEXT)
    decryptor.update(encryptor.finish())
    decryptor.finish()
    for attempt in (encryptor.finish, decryptor.finish, lambda: encryptor.update(b""), lambda: decryptor.update(b"")):
        with pytest.raises(RuntimeError):
            attempt()


def test_a_message_of_too_many_chunks_is_refused_and_not_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (-1, 2**38 * CHUNK_BYTES):
        with pytest.raises(OutOfRange):
            sealed_size(size)
    monkeypatch.setattr(chunked_encryption, "MAX_CHUNKS", 2)
    encryptor = Encryptor(KEY, CONTEXT)
    encryptor.update(plaintext(2 * CHUNK_BYTES))
    with pytest.raises(OutOfRange):
        encryptor.finish()


def test_memory_does_not_grow_with_the_message() -> None:
    piece = plaintext(1_000_003)

    def peak(count: int) -> int:
        digest, size = hashlib.sha256(), 0
        tracemalloc.start()
        for part in decrypt(KEY, CONTEXT, encrypt(KEY, CONTEXT, (piece for _ in range(count)))):
            digest.update(part)
            size += len(part)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size == count * len(piece)
        return top

    small, large = peak(4), peak(64)
    assert large < 1.2 * small
    assert large < 10 * len(piece)
