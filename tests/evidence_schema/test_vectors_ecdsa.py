"""Wycheproof's ECDSA vectors (P-256, SHA-256): every signature is judged as published, by us and by openssl."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence_schema import p256, signing_key
from evidence_schema.errors import BadSignature
from evidence_schema.note import VerifierKey
from flows.report.package import verify

pytestmark = pytest.mark.sealing


@pytest.fixture(scope="module")
def suite(shared: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        (shared / "vectors" / "wycheproof" / "ecdsa_secp256r1_sha256_test.json").read_bytes()
    )
    return read


def cases(suite: dict[str, Any]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for group in suite["testGroups"]:
        for case in group["tests"]:
            yield bytes.fromhex(group["publicKeyDer"]), case


def holds(public_key: bytes, case: dict[str, Any]) -> bool:
    try:
        signing_key.verify(public_key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
    except BadSignature:
        return False
    return True


def test_every_wycheproof_signature_is_judged_as_published(
    suite: dict[str, Any], figure: Callable[[str], None]
) -> None:
    wrong = [case["tcId"] for key, case in cases(suite) if holds(key, case) is not (case["result"] == "valid")]
    total = suite["numberOfTests"]
    figure(f"Wycheproof ECDSA P-256: {total - len(wrong)} of {total} judged as published")
    assert wrong == []
    results = Counter(case["result"] for _, case in cases(suite))
    assert results == {"valid": 174, "invalid": 310}
    assert results.total() == suite["numberOfTests"] == 484


def test_the_auditors_single_file_judges_every_signature_likewise(
    suite: dict[str, Any], tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """It asks openssl, which must refuse every second spelling of a signature too."""
    openssl = verify.OpenSSL(tmp_path)
    wrong = []
    for key, case in cases(suite):
        pinned = verify.Key({"vkey": str(VerifierKey("log", key))})
        said = openssl.holds(pinned, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
        if said is not (case["result"] == "valid"):
            wrong.append(case["tcId"])
    total = suite["numberOfTests"]
    figure(f"Wycheproof ECDSA P-256, by verify.py and openssl: {total - len(wrong)} of {total} judged as published")
    assert wrong == []


def test_every_key_of_the_vectors_is_its_own_one_spelling(suite: dict[str, Any]) -> None:
    keys = {key for key, _ in cases(suite)}
    assert len(keys) > 60
    assert {signing_key.sort_of(key) for key in keys} == {"ECDSA P-256"}
    assert {len(key) for key in keys} == {p256.PUBLIC_KEY_BYTES}
