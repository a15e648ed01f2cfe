"""Merkle proofs over every small tree, and no flipped bit that verifies."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema import merkle
from evidence_schema.errors import BadProof

pytestmark = pytest.mark.sealing

LARGEST = 70
LEAVES = [merkle.leaf_hash(b"entry %d" % number) for number in range(LARGEST)]
ROOTS = [merkle.root(LEAVES[:size]) for size in range(LARGEST + 1)]


def _root_as_the_rfc_defines_it(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word: split at the largest power of two below n."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = _root_as_the_rfc_defines_it(leaves[:split]), _root_as_the_rfc_defines_it(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_roots_equal_the_recursive_definition() -> None:
    assert [_root_as_the_rfc_defines_it(LEAVES[:size]) for size in range(LARGEST + 1)] == ROOTS


def test_inclusion_holds_for_every_leaf_of_every_size_and_for_no_other_place() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(index, LEAVES[:size])
            assert len(proof) <= (size - 1).bit_length()
            merkle.verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])
            with pytest.raises(BadProof):
                merkle.verify_inclusion(index ^ 1, size, LEAVES[index], proof, ROOTS[size])


def test_consistency_holds_between_every_two_sizes_and_not_with_the_roots_of_others() -> None:
    for newer in range(1, LARGEST + 1):
        for older in range(1, newer + 1):
            proof = merkle.consistency_proof(older, LEAVES[:newer])
            merkle.verify_consistency(older, newer, ROOTS[older], ROOTS[newer], proof)
            with pytest.raises(BadProof):
                merkle.verify_consistency(older, newer, ROOTS[older - 1], ROOTS[newer], proof)


@given(st.data())
def test_no_flipped_bit_of_an_inclusion_proof_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    parts = [LEAVES[index], ROOTS[size], *merkle.inclusion_proof(index, LEAVES[:size])]
    part = data.draw(st.integers(0, len(parts) - 1))
    parts[part] = _flipped(parts[part], data.draw(st.integers(0, 255)))
    with pytest.raises(BadProof):
        merkle.verify_inclusion(index, size, parts[0], parts[2:], parts[1])


@given(st.data())
def test_no_flipped_bit_of_a_consistency_proof_verifies(data: st.DataObject) -> None:
    newer = data.draw(st.integers(1, LARGEST))
    older = data.draw(st.integers(1, newer))
    parts = [ROOTS[older], ROOTS[newer], *merkle.consistency_proof(older, LEAVES[:newer])]
    part = data.draw(st.integers(0, len(parts) - 1))
    parts[part] = _flipped(parts[part], data.draw(st.integers(0, 255)))
    with pytest.raises(BadProof):
        merkle.verify_consistency(older, newer, parts[0], parts[1], parts[2:])


def test_longer_shorter_and_misshapen_proofs_are_refused() -> None:
    proof = merkle.inclusion_proof(5, LEAVES[:9])
    for changed in (proof[:-1], [*proof, LEAVES[0]], [*proof[:-1], proof[-1][:-1]], proof[::-1], []):
        with pytest.raises(BadProof):
            merkle.verify_inclusion(5, 9, LEAVES[5], changed, ROOTS[9])
    proof = merkle.consistency_proof(5, LEAVES[:9])
    for changed in (proof[:-1], [*proof, LEAVES[0]], [*proof[:-1], proof[-1] + b"\0"], proof[::-1], []):
        with pytest.raises(BadProof):
            merkle.verify_consistency(5, 9, ROOTS[5], ROOTS[9], changed)


def test_moving_the_border_between_two_hashes_is_refused() -> None:
    """The same 64 bytes are hashed, so only the lengths give it away."""
    joined = LEAVES[0] + LEAVES[1]
    merkle.verify_consistency(1, 2, joined[:32], ROOTS[2], [joined[32:]])
    with pytest.raises(BadProof, match="expected hashes of 32 bytes"):
        merkle.verify_consistency(1, 2, joined[:31], ROOTS[2], [joined[31:]])
    with pytest.raises(BadProof, match="expected hashes of 32 bytes"):
        merkle.verify_inclusion(0, 2, joined[:31], [joined[31:]], ROOTS[2])


def test_a_proof_that_climbs_beyond_the_claimed_size_is_refused() -> None:
    """The hashes lead to the real root, but a tree of the size claimed would be lower."""
    merkle.verify_inclusion(1, 2, LEAVES[1], [LEAVES[0]], ROOTS[2])
    with pytest.raises(BadProof, match="expected a shorter proof"):
        merkle.verify_inclusion(0, 1, LEAVES[1], [LEAVES[0]], ROOTS[2])
    proof = merkle.consistency_proof(7, LEAVES[:8])
    for older, newer in ((3, 4), (5, 6), (6, 7)):
        with pytest.raises(BadProof, match="expected a shorter proof"):
            merkle.verify_consistency(older, newer, ROOTS[7], ROOTS[8], proof)


@pytest.mark.parametrize("index", [-1, 9, 2**70])
def test_places_outside_the_tree_are_refused(index: int) -> None:
    with pytest.raises(BadProof, match="expected an index from 0 to 8"):
        merkle.inclusion_proof(index, LEAVES[:9])
    with pytest.raises(BadProof, match="expected an index from 0 to 8"):
        merkle.verify_inclusion(index, 9, LEAVES[0], [], ROOTS[9])


@pytest.mark.parametrize("older", [-1, 0, 10])
def test_older_sizes_outside_the_tree_are_refused(older: int) -> None:
    with pytest.raises(BadProof, match="expected an older size from 1 to 9"):
        merkle.consistency_proof(older, LEAVES[:9])
    with pytest.raises(BadProof, match="expected an older size from 1 to 9"):
        merkle.verify_consistency(older, 9, ROOTS[0], ROOTS[9], [])


def test_leaves_that_are_not_hashes_are_refused() -> None:
    with pytest.raises(BadProof, match="expected hashes of 32 bytes, found one of 5"):
        merkle.root([LEAVES[0], b"entry"])


def test_a_hundred_thousand_leaves_take_well_under_a_second() -> None:
    leaves = [number.to_bytes(32, "big") for number in range(100_000)]
    start = time.process_time()
    root = merkle.root(leaves)
    spent = time.process_time() - start
    merkle.verify_inclusion(99_999, 100_000, leaves[-1], merkle.inclusion_proof(99_999, leaves), root)
    assert spent < 1
