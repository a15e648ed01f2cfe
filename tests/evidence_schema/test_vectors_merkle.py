"""RFC 6962 vectors of transparency-dev/merkle: every proof that must hold holds, every other is refused."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence_schema import merkle
from evidence_schema.errors import BadProof

pytestmark = pytest.mark.sealing


def _cases(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, json.loads(path.read_bytes())) for path in sorted(folder.rglob("*.json"))]


def _hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def _inclusion_holds(case: dict[str, Any]) -> bool:
    leaf, root = _hashes([case["leafHash"], case["root"]])
    try:
        merkle.verify_inclusion(case["leafIdx"], case["treeSize"], leaf, _hashes(case["proof"]), root)
    except BadProof:
        return False
    return True


def _consistency_holds(case: dict[str, Any]) -> bool:
    older, newer = _hashes([case["root1"], case["root2"]])
    try:
        merkle.verify_consistency(case["size1"], case["size2"], older, newer, _hashes(case["proof"]))
    except BadProof:
        return False
    return True


def test_every_inclusion_and_consistency_vector_is_judged_as_published(
    shared: Path, figure: Callable[[str], None]
) -> None:
    folder = shared / "vectors" / "rfc6962-merkle"
    judged = [(path, case, _inclusion_holds(case)) for path, case in _cases(folder / "inclusion")]
    judged += [(path, case, _consistency_holds(case)) for path, case in _cases(folder / "consistency")]
    wrong = [str(path) for path, case, holds in judged if holds is case["wantErr"]]
    figure(f"Merkle proofs (RFC 6962): {len(judged) - len(wrong)} of {len(judged)}")
    assert wrong == []
    assert len(judged) == 196
    assert Counter(case["wantErr"] for _, case, _ in judged) == {True: 184, False: 12}


def test_roots_and_hashes_of_the_reference_tree(shared: Path, figure: Callable[[str], None]) -> None:
    tree = json.loads((shared / "vectors" / "rfc6962-merkle" / "tree.json").read_bytes())
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in tree["leaf_inputs_hex"]]
    roots = [merkle.root(leaves[:size]).hex() for size in range(len(leaves) + 1)]
    published = tree["root_hash_by_size_hex"]
    figure(f"Merkle roots (RFC 6962): {sum(map(str.__eq__, roots, published))} of {len(published)}")
    assert roots == published
    assert len(roots) == 9
    leaf, node = tree["hasher"]
    assert merkle.leaf_hash(leaf["in_ascii"].encode()).hex() == leaf["hash"]
    assert merkle.node_hash(node["l_ascii"].encode(), node["r_ascii"].encode()).hex() == node["hash"]


def test_our_own_proofs_equal_the_published_ones(shared: Path) -> None:
    folder = shared / "vectors" / "rfc6962-merkle"
    tree = json.loads((folder / "tree.json").read_bytes())
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in tree["leaf_inputs_hex"]]
    happy = [case for _, case in _cases(folder) if case.get("desc") == "happy path"]
    for case in happy:
        if "leafIdx" in case:
            ours = merkle.inclusion_proof(case["leafIdx"], leaves[: case["treeSize"]])
        else:
            ours = merkle.consistency_proof(case["size1"], leaves[: case["size2"]])
        assert ours == _hashes(case["proof"]), case
    assert len(happy) == 10
