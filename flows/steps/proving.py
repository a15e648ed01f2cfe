"""Make the proof of one artifact from the vault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evidence_schema import merkle
from evidence_schema.checkpoint import parse_checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import MAX_ENVELOPE_BYTES
from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadDigest
from evidence_schema.models.entry import Predicate, RunClose
from evidence_schema.models.proof import ArtifactProof, RowProof, Token
from evidence_schema.models.receipt import Receipt
from evidence_schema.note import parse_note
from evidence_schema.reader import first_versions
from evidence_schema.tlog_proof import TlogProof
from evidence_schema.verification.runs import named_by
from flows.errors import UsageError
from flows.vault.manifest import manifest_rows, read_manifest
from flows.vault.vault import Vault

MAX_TOKEN = 64 * 1024
_EVIDENCE_ID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{12})")


@dataclass(frozen=True)
class _Found:
    """Where an artifact is named: in an entry, or in a row that an entry seals."""

    seq: int
    artifact: Digest
    row: int | None = None


def prove(vault: Vault, artifact: str) -> ArtifactProof:
    """The proof of an artifact, by its digest (`sha256:...` or 64 hex digits) or its evidence id in the register.

    Raises UsageError for one that no entry or row of the log names, or of a run closed before rows had a root.
    """
    entries = [(entry.seq, entry.predicate) for entry in vault.log.entries()]
    found = next(_places(vault, entries, artifact), None)
    if found is None:
        raise UsageError(
            f"expected an artifact of this log, found none called {ascii(artifact)[:100]}; give the SHA-256 or the "
            "evidence id of the workbook's register"
        )
    size = len(entries)
    files = [vault.store.read(vault.layout.entry(seq), limit=MAX_ENVELOPE_BYTES) for seq in range(size)]
    note = vault.log.checkpoint(size)
    if parse_checkpoint(parse_note(note).text).size != size:
        raise UsageError(f"expected a checkpoint over {size} entries, found another; run `evidence verify`")
    hashes = merkle.inclusion_proof(found.seq, [merkle.leaf_hash(file) for file in files])
    return ArtifactProof(
        log=vault.layout.log,
        artifact=found.artifact,
        tlog_proof=TlogProof(found.seq, tuple(hashes), note).encode(),
        entry=files[found.seq].decode(),
        row=_row(vault, entries[found.seq][1], found.row),
        tokens=tuple(_tokens(vault, size)),
    )


def _places(vault: Vault, entries: list[tuple[int, Predicate]], artifact: str) -> Iterator[_Found]:
    """Newest first: the place that names it directly, then rows."""
    wanted, evidence = _wanted(artifact)
    for seq, predicate in reversed(entries):
        if wanted is not None and any(digest == wanted for digest, _ in named_by(predicate).values()):
            yield _Found(seq, wanted)
        if not isinstance(predicate, RunClose) or (evidence and not predicate.run_id.endswith(evidence[0])):
            continue
        for number, receipt in enumerate(manifest_rows(vault.blobs, read_manifest(vault.blobs, predicate.manifest))):
            digest = _of_row(receipt, wanted, evidence)
            if digest is not None:
                yield _Found(seq, digest, number)


def _wanted(artifact: str) -> tuple[Digest | None, tuple[str, str] | None]:
    match = _EVIDENCE_ID.fullmatch(artifact)
    if match is not None:
        return None, (match[1], match[2])
    try:
        return Digest.parse(artifact if artifact.startswith("sha256:") else f"sha256:{artifact}"), None
    except BadDigest:
        raise UsageError(
            f"expected a SHA-256 or an evidence id like 1a2b3c4d-0123456789ab, found {ascii(artifact)[:100]}"
        ) from None


def _of_row(receipt: Receipt, wanted: Digest | None, evidence: tuple[str, str] | None) -> Digest | None:
    if wanted is not None:
        return wanted if any(blob.digest == wanted for blob in receipt.blobs) else None
    if evidence is None or not receipt.unit.digest.hex.startswith(evidence[1]) or not receipt.blobs:
        return None
    return (receipt.transcript or receipt.blobs[0]).digest


def _row(vault: Vault, predicate: Predicate, number: int | None) -> RowProof | None:
    if number is None or not isinstance(predicate, RunClose):
        return None
    if predicate.rows is None:
        raise UsageError(f"expected a run whose closing entry has the root over its rows, found {predicate.run_id}")
    rows = [row.canonical() for row in manifest_rows(vault.blobs, read_manifest(vault.blobs, predicate.manifest))]
    path = merkle.inclusion_proof(number, [merkle.leaf_hash(row) for row in rows])
    return RowProof(line=rows[number].decode(), index=number, size=len(rows), path=tuple(map(to_base64, path)))


def _tokens(vault: Vault, size: int) -> Iterator[Token]:
    """Of the proof's checkpoint, where there are any."""
    prefix = vault.layout.tokens
    for found in first_versions(vault.store.versions(prefix)):
        name = found.key.removeprefix(prefix)
        number = name.partition(".")[0]
        if number.isascii() and number.isdigit() and int(number) == size:
            reply = vault.store.read(found.key, limit=MAX_TOKEN, version=found.version)
            yield Token(name=name, reply=to_base64(reply))
