"""Wycheproof's Ed25519 vectors: every signature is judged as published."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence_schema import ed25519
from evidence_schema.errors import BadSignature

pytestmark = pytest.mark.sealing


def _holds(public_key: str, message: str, signature: str) -> bool:
    try:
        ed25519.verify(bytes.fromhex(public_key), bytes.fromhex(message), bytes.fromhex(signature))
    except BadSignature:
        return False
    return True


def test_every_wycheproof_signature_is_judged_as_published(shared: Path, figure: Callable[[str], None]) -> None:
    suite = json.loads((shared / "vectors" / "wycheproof" / "ed25519_test.json").read_bytes())
    wrong: list[int] = []
    results: Counter[str] = Counter()
    for group in suite["testGroups"]:
        for case in group["tests"]:
            results[case["result"]] += 1
            if _holds(group["publicKey"]["pk"], case["msg"], case["sig"]) is not (case["result"] == "valid"):
                wrong.append(case["tcId"])
    figure(f"Wycheproof Ed25519: {results.total() - len(wrong)} of {suite['numberOfTests']} judged as published")
    assert wrong == []
    assert results == {"valid": 88, "invalid": 63}
    assert results.total() == suite["numberOfTests"] == 151
