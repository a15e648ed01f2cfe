"""The Merkle tree of RFC 6962 over SHA-256, and its two proofs.

Leaves are given as leaf hashes (32 raw bytes each, see `leaf_hash`), so that nobody needs the entries themselves in
memory. Everything works level by level: no recursion, no stored tree. A node without a right sibling moves up
unchanged, which gives the tree of RFC 6962 section 2.1.

A proof binds hashes to roots; trees of several sizes can have its shape. Sizes come from a verified checkpoint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from evidence_schema.errors import BadProof

HASH_BYTES = 32
_EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 of 0x00 and the entry's bytes (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree's root over leaf hashes; of no leaves it is the SHA-256 of nothing (RFC 6962 section 2.1)."""
    top = _EMPTY_ROOT
    for level in _levels(leaves):
        top = level[0]
    return top


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The sibling hashes from leaf `index` (from 0) up to the root (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise BadProof(f"expected an index from 0 to {len(leaves) - 1}, found {index}")
    proof: list[bytes] = []
    for level in _levels(leaves):
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        index >>= 1
    return proof


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise BadProof unless `leaf` (a leaf hash) stands at `index` of the tree with `size` leaves and this root.

    The algorithm is RFC 9162 section 2.1.3.2, for the tree of RFC 6962.
    """
    _check_hashes([leaf, root, *proof])
    if not 0 <= index < size:
        raise BadProof(f"expected an index from 0 to {size - 1}, found {index}")
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise BadProof(f"expected a shorter proof for leaf {index} of {size}, found {len(proof)} hashes")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            node, last = _past_lone_levels(node, last)
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise BadProof(f"expected a longer proof for leaf {index} of {size}, found {len(proof)} hashes")
    _check_root(found, root, f"leaf {index} of {size}")


def consistency_proof(size1: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that show the first `size1` leaves to be the beginning of all of them (RFC 6962 section 2.1.2).

    Raises BadProof for `size1` = 0: the empty tree is the beginning of every tree, and a proof of it proves nothing.
    """
    if not 0 < size1 <= len(leaves):
        raise BadProof(f"expected an older size from 1 to {len(leaves)}, found {size1}")
    if size1 == len(leaves):
        return []
    node, last = size1 - 1, len(leaves) - 1
    proof: list[bytes] = []
    started = False
    for level in _levels(leaves):
        if not started and not node & 1:  # here stands the largest whole subtree that ends the older tree
            started = True
            if node > 0:
                proof.append(level[node])
        if started and node ^ 1 <= last:
            proof.append(level[node ^ 1])
        node, last = node >> 1, last >> 1
    return proof


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Raise BadProof unless the tree of `size1` leaves is the beginning of the tree of `size2` leaves.

    The algorithm is RFC 9162 section 2.1.4.2, for the tree of RFC 6962. `size1` = 0 is refused, as it proves nothing.
    Between equal sizes nothing is hashed: the roots, of whatever length, must be equal and the proof empty.
    """
    if not 0 < size1 <= size2:
        raise BadProof(f"expected an older size from 1 to {size2}, found {size1}")
    if size1 == size2:
        if proof:
            raise BadProof(f"expected an empty proof between equal sizes, found {len(proof)} hashes")
        _check_root(root1, root2, f"equal sizes {size1}")
        return
    _check_hashes([root1, root2, *proof])
    path = list(proof) if size1 & (size1 - 1) else [root1, *proof]  # a power of two is its own subtree
    if not path:
        raise BadProof(f"expected a proof from {size1} to {size2}, found an empty one")
    node, last = _to_whole_subtree(size1 - 1, size2 - 1)
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise BadProof(f"expected a shorter proof from {size1} to {size2}, found {len(proof)} hashes")
        if node & 1 or node == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            node, last = _past_lone_levels(node, last)
        else:
            newer = node_hash(newer, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise BadProof(f"expected a longer proof from {size1} to {size2}, found {len(proof)} hashes")
    _check_root(older, root1, f"the older tree of {size1}")
    _check_root(newer, root2, f"the newer tree of {size2}")


def _levels(leaves: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The tree's levels from the leaves to the root; none for an empty tree."""
    _check_hashes(leaves)
    level = leaves
    while level:
        yield level
        if len(level) == 1:
            return
        above = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        if len(level) & 1:
            above.append(level[-1])
        level = above


def _past_lone_levels(node: int, last: int) -> tuple[int, int]:
    """Skip the levels on which a node had no sibling and moved up unchanged."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _to_whole_subtree(node: int, last: int) -> tuple[int, int]:
    while node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise BadProof(f"expected hashes of {HASH_BYTES} bytes, found one of {len(value)}")


def _check_root(found: bytes, expected: bytes, what: str) -> None:
    if found != expected:
        raise BadProof(f"expected root {expected.hex()} for {what}, found {found.hex()}")
