"""Wycheproof's vectors of what seals and wraps artifacts: every case is judged as published, none left out."""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence_schema import chunked_encryption, key_derivation, key_wrapping
from evidence_schema.chunked_encryption import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SALT_BYTES,
    SEALED_CHUNK_BYTES,
    Decryptor,
    SealedFile,
    encrypt,
    opened_size,
)
from evidence_schema.errors import (
    BadCiphertext,
    BadKey,
    BadWrapping,
    EvidenceSchemaError,
    KeyNotCommitted,
    OutOfRange,
    TruncatedCiphertext,
)

pytestmark = pytest.mark.sealing

CHUNKED = "c2sp_chunked_encryption_aes_256_gcm_test.json"


def _cases(shared: Path, name: str) -> list[dict[str, Any]]:
    suite = json.loads((shared / "vectors" / "wycheproof" / name).read_bytes())
    cases = [case for group in suite["testGroups"] for case in group["tests"]]
    assert len(cases) == suite["numberOfTests"]
    return cases


def _ciphertext(case: dict[str, Any]) -> bytes:
    """The suite keeps its ciphertexts compressed."""
    return zlib.decompress(bytes.fromhex(case["ct"]))


def _opened(case: dict[str, Any], step: int) -> tuple[bytes, EvidenceSchemaError | None]:
    """What comes out of a ciphertext given header first, then `step` bytes at a time, and how it ends."""
    key, context, sealed = bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"]), _ciphertext(case)
    opened = bytearray()
    try:
        decryptor = Decryptor(key, context)
        for piece in (sealed[:HEADER_BYTES], *_sliced(sealed[HEADER_BYTES:], step)):
            opened += decryptor.update(piece)
        opened += decryptor.finish()
    except EvidenceSchemaError as error:
        return bytes(opened), error
    return bytes(opened), None


def _sliced(data: bytes, step: int) -> Iterator[bytes]:
    return (data[at : at + step] for at in range(0, len(data), step))


def _read_whole(case: dict[str, Any], length: int) -> bytes:
    """The same by random access, `length` bytes a read."""
    sealed = _ciphertext(case)

    def read_at(offset: int, length: int) -> bytes:
        return sealed[offset : offset + length]

    file = SealedFile.open(bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"]), read_at, len(sealed))
    return b"".join(file.read(at, length) for at in range(0, file.size, length))


REASONS: dict[str, type[EvidenceSchemaError]] = {
    "InvalidKeySize": BadKey,
    "WrongKey": KeyNotCommitted,
    "WrongContext": KeyNotCommitted,
    "Truncation": TruncatedCiphertext,
    "ChunkReordering": BadCiphertext,
    "ModifiedCiphertext": BadCiphertext,
    "TrailingData": BadCiphertext,
}
CUT_INSIDE_A_CHUNK = {16, 32}
"""Truncations that leave a last chunk of a possible length: nothing but the failed tag can tell."""


@pytest.mark.parametrize("step", [1_000, SEALED_CHUNK_BYTES, 10_000_000])
def test_every_chunked_encryption_vector_is_judged_as_published(
    shared: Path, step: int, figure: Callable[[str], None]
) -> None:
    results: Counter[str] = Counter()
    for case in _cases(shared, CHUNKED):
        opened, error = _opened(case, step)
        results[case["result"]] += 1
        if case["result"] == "valid":
            assert error is None, case["comment"]
        else:
            (reason,) = REASONS.keys() & set(case["flags"])
            cut_inside = case["tcId"] in CUT_INSIDE_A_CHUNK
            assert isinstance(error, BadCiphertext if cut_inside else REASONS[reason]), (case["comment"], error)
        if step <= SEALED_CHUNK_BYTES:  # a chunk is returned before the next one fails only where they come singly
            assert len(opened) == case.get("msgLength", 0), case["comment"]
        if len(opened) == case.get("msgLength", -1):
            assert hashlib.sha512(opened).hexdigest() == case["msgSha512"], case["comment"]
    figure(f"Wycheproof chunked encryption, {step} bytes at a time: {results.total()} of 35 judged as published")
    assert results == {"valid": 10, "invalid": 25}


def test_every_chunked_encryption_vector_is_judged_alike_by_random_access(
    shared: Path, figure: Callable[[str], None]
) -> None:
    judged = 0
    for case in _cases(shared, CHUNKED):
        if case["result"] == "valid":
            plain = _read_whole(case, 3 * CHUNK_BYTES + 17)
            assert hashlib.sha512(plain).hexdigest() == case["msgSha512"], case["comment"]
        else:
            with pytest.raises((BadCiphertext, BadKey)):
                _read_whole(case, 1_000_000)
        judged += 1
    figure(f"Wycheproof chunked encryption, random access: {judged} of 35 judged as published")
    assert judged == 35


def test_the_length_is_proven_by_the_last_chunk_only_where_the_vector_says_so(shared: Path) -> None:
    """Opening checks header and last chunk; what stands before is checked when it is read."""
    opens = set()
    for case in _cases(shared, CHUNKED):
        sealed = _ciphertext(case)
        try:
            SealedFile.open(
                bytes.fromhex(case["key"]),
                bytes.fromhex(case["ctx"]),
                lambda offset, length, sealed=sealed: sealed[offset : offset + length],
                len(sealed),
            )
        except EvidenceSchemaError:
            continue
        assert opened_size(len(sealed)) >= case.get("msgLength", 0)
        opens.add(case["tcId"])
    published = {
        case["tcId"]
        for case in _cases(shared, CHUNKED)
        if case["result"] == "valid" or "ValidFinalChunk" in case["flags"]
    }
    assert opens == published


def test_sealing_with_the_salt_of_a_vector_gives_its_ciphertext(
    shared: Path, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    valid = [case for case in _cases(shared, CHUNKED) if case["result"] == "valid"]
    for case in valid:
        sealed = _ciphertext(case)
        plain, error = _opened(case, SEALED_CHUNK_BYTES)
        assert error is None
        monkeypatch.setattr(chunked_encryption.secrets, "token_bytes", lambda size, salt=sealed[:SALT_BYTES]: salt)
        ours = b"".join(encrypt(bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"]), _sliced(plain, 100_000)))
        assert ours == sealed, case["comment"]
    figure(f"Wycheproof chunked encryption, sealed anew: {len(valid)} of 10 byte for byte")
    assert len(valid) == 10


def _unwraps(case: dict[str, Any]) -> bool:
    try:
        return key_wrapping.unwrap(bytes.fromhex(case["key"]), bytes.fromhex(case["ct"])) == bytes.fromhex(case["msg"])
    except BadWrapping:
        return False


def test_every_key_wrapping_vector_is_judged_as_published(shared: Path, figure: Callable[[str], None]) -> None:
    """Both ways: what is valid unwraps to its secret and is what wrapping gives; what is invalid is refused."""
    results: Counter[str] = Counter()
    wrong = []
    for case in _cases(shared, "aes_kwp_test.json"):
        results[case["result"]] += 1
        is_valid = case["result"] == "valid"
        wrapped = key_wrapping.wrap(bytes.fromhex(case["key"]), bytes.fromhex(case["msg"])) if is_valid else b""
        if _unwraps(case) is not is_valid or (is_valid and wrapped.hex() != case["ct"]):
            wrong.append(case["tcId"])
    figure(f"Wycheproof AES-KWP: {results.total() - len(wrong)} of 254 judged as published")
    assert wrong == []
    assert results == {"valid": 77, "invalid": 177}


def test_every_hkdf_vector_expands_as_published(shared: Path, figure: Callable[[str], None]) -> None:
    """With SHA-512, which is ours; the suite's step before, HKDF-Extract, is one HMAC (RFC 5869 section 2.2)."""
    results: Counter[str] = Counter()
    for case in _cases(shared, "hkdf_sha512_test.json"):
        results[case["result"]] += 1
        key = hmac.digest(bytes.fromhex(case["salt"]), bytes.fromhex(case["ikm"]), "sha512")
        info, size = bytes.fromhex(case["info"]), case["size"]
        if case["result"] == "valid":
            assert key_derivation.expand(key, info, size).hex() == case["okm"], case["tcId"]
        else:
            with pytest.raises(OutOfRange):
                key_derivation.expand(key, info, size)
    figure(f"Wycheproof HKDF-SHA-512: {results.total()} of 83 judged as published")
    assert results == {"valid": 80, "invalid": 3}
