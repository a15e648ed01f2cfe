"""Encrypted artifacts, as the verifier sees them: with keys and without, before and after an erasure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from logs import LAYOUT, LOG, BuiltLog, LogBuilder

from evidence_schema.canonical import canonical_bytes
from evidence_schema.chunked_encryption import encrypt
from evidence_schema.digest import Digest
from evidence_schema.errors import BadWrapping
from evidence_schema.key_wrapping import DataKey
from evidence_schema.models.disposition import Disposition, ErasedArtifact
from evidence_schema.models.encrypted import Context, Encryption
from evidence_schema.models.entry import Erasure, Hold
from evidence_schema.models.receipt import Receipt, StoredBlob
from evidence_schema.verification import Report, verify_log

pytestmark = pytest.mark.sealing

DECISION: dict[str, Any] = {"ground": "art17-1-b", "approver": "privacy officer"}


@dataclass
class MemoryKeys:
    """Data keys by the digest of their ciphertext, each with the context that it was made for."""

    keys: dict[Digest, tuple[Context, DataKey]] = field(default_factory=dict)
    broken: set[Digest] = field(default_factory=set)

    def data_key(self, digest: Digest, context: Context) -> DataKey | None:
        if digest in self.broken:
            raise BadWrapping("altered")
        return self.keys[digest][1] if digest in self.keys else None


class Encrypted:
    """A log whose users' artifacts are encrypted, and what one needs to tamper with it."""

    def __init__(self, **wrong: Any) -> None:
        self.keys = MemoryKeys()
        self.wrong = wrong
        self.builder = LogBuilder({"receipt": self._with_ciphertexts})
        self.receipts: list[Receipt] = []
        self.builder.run()
        self.builder.run()

    def _with_ciphertexts(self, receipt: Receipt, run: int) -> Receipt:
        if receipt.unit.kind == "aws.iam.users":
            blobs = tuple(self._encrypted(receipt, blob) for blob in receipt.blobs)
            receipt = receipt.model_copy(update={"blobs": blobs})
            self.receipts.append(receipt)
        return receipt

    def _encrypted(self, receipt: Receipt, blob: StoredBlob) -> StoredBlob:
        reader, key = self.builder.reader, self.wrong.get("key") or DataKey.new()
        plain = reader.data(LAYOUT.blob(blob.digest))
        reader.remove(LAYOUT.blob(blob.digest))
        context = Context(log=LOG, run_id=receipt.run_id, part=receipt.unit.digest.hex)
        ciphertext = b"".join(encrypt(key.dek, context.bytes, [self.wrong.get("plain", plain)]))
        digest = self.builder.blob(ciphertext)
        self.keys.keys[digest] = (context, key)
        size = self.wrong.get("size", len(plain))
        encryption = Encryption.of(self.wrong.get("commitment", _commitment(key, plain)), size)
        return blob.model_copy(update={"digest": digest, "size": len(ciphertext), "encryption": encryption})

    @property
    def log(self) -> BuiltLog:
        return self.builder.built()

    @property
    def ciphertexts(self) -> list[Digest]:
        return [blob.digest for receipt in self.receipts for blob in receipt.blobs]

    def verified(self, *, with_keys: bool = True) -> Report:
        log = self.log
        return verify_log(log.reader, trust=log.trust, now=log.now, keys=self.keys if with_keys else None)

    def erase(self, *digests: Digest, stages: tuple[Any, ...] = ("ordered", "done"), **change: Any) -> None:
        """As `evidence erase` writes it; `change` alters the entries, not the disposition."""
        run_id, builder = self.builder.runs[0], self.builder
        artifacts = tuple(ErasedArtifact(digest=digest, size=1, part="0" * 64, role="transcript") for digest in digests)
        disposition = Disposition(log=LOG, run_id=run_id, artifacts=artifacts, **DECISION)
        stored = builder.blob(change.pop("document", disposition.canonical()))
        for stage in stages:
            common = builder.common(run_id, "monthly/2026-08")
            values = {"disposition": stored, "artifacts": len(artifacts), **DECISION, **change}
            builder.append(Erasure(**common, stage=stage, **values), stored)

    def hold(self, action: Any, *artifacts: Digest) -> None:
        run_id, builder = self.builder.runs[0], self.builder
        common = builder.common(run_id, "monthly/2026-08")
        opening = Digest.of(builder.files[0])
        builder.append(Hold(**common, action=action, case="C-1", approver="counsel", artifacts=artifacts), opening)


def types(report: Report) -> set[str]:
    return {problem.type for problem in report.problems}


def notes(report: Report) -> set[str]:
    return {note.type for note in report.notes}


def test_with_keys_every_ciphertext_is_opened_and_without_them_that_is_said() -> None:
    sound = Encrypted()
    opened, closed = sound.verified(), sound.verified(with_keys=False)
    count = len(sound.ciphertexts)
    assert count > 1
    assert (opened.problems, closed.problems) == ((), ())
    assert (opened.encrypted, opened.opened, opened.erased) == (count, count, 0)
    assert (closed.encrypted, closed.opened) == (count, 0)
    assert "not-opened" not in notes(opened)
    assert any(f"not opened: {count} encrypted artifacts" in note.found for note in closed.notes)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"plain": b"another person's record"}, {"commitment-differs"}),
        ({"commitment": bytes(32)}, {"commitment-differs"}),
        ({"size": 7}, {"commitment-differs"}),
    ],
)
def test_what_an_insider_seals_instead_is_named_once_it_is_opened(wrong: dict[str, Any], expected: set[str]) -> None:
    log = Encrypted(**wrong)
    assert types(log.verified()) == expected
    assert types(log.verified(with_keys=False)) == set()


def _named_again(log: Encrypted, blob: StoredBlob) -> None:
    """Somebody with the signing key names an earlier artifact in a new run, for the same unit."""
    users = log.receipts[0].unit

    def swap(receipt: Receipt, run: int) -> Receipt:
        return receipt.model_copy(update={"blobs": (blob,)}) if receipt.unit == users else receipt

    log.builder.hooks = {"receipt": swap}
    log.builder.run()


@pytest.mark.parametrize("with_keys", [True, False])
def test_a_ciphertext_named_again_in_another_run_is_named(*, with_keys: bool) -> None:
    log = Encrypted()
    _named_again(log, next(blob for receipt in log.receipts for blob in receipt.blobs))
    assert types(log.verified(with_keys=with_keys)) == {"ciphertext-claimed-twice"}


def test_a_ciphertext_moved_to_another_run_does_not_open() -> None:
    """Its first run has forgotten it: the new one's claim is the only one."""
    log = Encrypted()
    moved = next(blob for receipt in log.receipts for blob in receipt.blobs)
    first = Encrypted()
    data = log.builder.reader.data(LAYOUT.blob(moved.digest))
    first.builder.blob(data)
    first.keys.keys |= log.keys.keys
    _named_again(first, moved)
    assert types(first.verified()) == {"artifact-not-opened"}


def test_a_transcript_in_clear_named_again_in_another_run_is_named_too() -> None:
    builder = LogBuilder()
    kept: list[Receipt] = []

    def swap(receipt: Receipt, run: int) -> Receipt:
        kept.append(receipt)
        if run == 0 or receipt.unit != kept[0].unit:
            return receipt
        return receipt.model_copy(update={"blobs": kept[0].blobs})

    builder.hooks = {"receipt": swap}
    builder.run()
    builder.run()
    log = builder.built()
    assert types(verify_log(log.reader, trust=log.trust, now=log.now)) == {"transcript-of-another-unit"}


def test_altered_cut_and_extended_ciphertexts_are_named_both_ways() -> None:
    for change in (lambda data: data[:-1], lambda data: data + b"x", lambda data: bytes([data[0] ^ 1]) + data[1:]):
        log = Encrypted()
        key = LAYOUT.blob(log.ciphertexts[0])
        log.builder.reader.replace(key, change(log.builder.reader.data(key)))
        assert types(log.verified(with_keys=False)) == {"blob-changed"}
        assert types(log.verified()) == {"blob-changed", "artifact-not-opened"}


def test_a_ciphertext_with_another_units_transcript_in_it_is_named() -> None:
    """The commitment is to it as well: only what it begins with gives it away."""
    other = canonical_bytes({"collector": "of another unit"}) + b"\n"
    key = DataKey.new()
    forged = Encrypted(plain=other, size=len(other), key=key, commitment=_commitment(key, other))
    assert types(forged.verified()) == {"transcript-of-another-unit"}


def _commitment(key: DataKey, plain: bytes) -> bytes:
    commitment = key.commitment()
    commitment.update(plain)
    return commitment.finish()


def test_a_missing_key_is_a_problem_and_an_erased_one_is_not() -> None:
    log = Encrypted()
    gone = log.ciphertexts[0]
    del log.keys.keys[gone]
    assert types(log.verified()) == {"key-missing"}
    assert log.verified().exit_code == 5
    log.erase(gone)
    report = log.verified()
    assert (types(report), report.erased, report.exit_code) == (set(), 1, 0)
    assert "artifacts-erased" in notes(report)
    assert types(log.verified(with_keys=False)) == set()


def test_a_key_that_cannot_be_unwrapped_is_named() -> None:
    log = Encrypted()
    log.keys.broken.add(log.ciphertexts[0])
    assert types(log.verified()) == {"key-unusable"}


def test_an_erased_key_that_still_stands_is_named() -> None:
    log = Encrypted()
    log.erase(log.ciphertexts[0])
    assert types(log.verified()) == {"erased-key-stands"}


def test_an_erasure_cut_short_by_a_crash_is_told_and_no_problem() -> None:
    log = Encrypted()
    del log.keys.keys[log.ciphertexts[0]]
    log.erase(log.ciphertexts[0], log.ciphertexts[1], stages=("ordered",))
    assert (types(log.verified()), notes(log.verified())) == (set(), {"erasure-unfinished"})


def test_an_erasure_that_nobody_ordered_is_named() -> None:
    log = Encrypted()
    del log.keys.keys[log.ciphertexts[0]]
    log.erase(log.ciphertexts[0], stages=("done",))
    assert types(log.verified(with_keys=False)) == {"erasure-not-ordered"}


@pytest.mark.parametrize("whole_run", [True, False])
def test_an_erasure_of_what_is_held_is_named_and_after_its_release_it_is_not(*, whole_run: bool) -> None:
    log = Encrypted()
    first, second = log.ciphertexts[:2]
    log.hold("hold", *(() if whole_run else (first,)))
    log.erase(second)
    assert types(log.verified(with_keys=False)) == ({"erased-while-held"} if whole_run else set())
    log.hold("release")
    log.erase(first)
    assert types(log.verified(with_keys=False)) == ({"erased-while-held"} if whole_run else set())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ground": "court-order"}, "disposition-differs"),
        ({"approver": "nobody at all"}, "disposition-differs"),
        ({"artifacts": 9}, "disposition-differs"),
        ({"document": b"{}"}, "disposition-malformed"),
    ],
)
def test_an_entry_that_differs_from_its_disposition_is_named(change: dict[str, Any], expected: str) -> None:
    log = Encrypted()
    log.erase(log.ciphertexts[0], **change)
    assert types(log.verified(with_keys=False)) == {expected}
