"""Records of a run, derived from its stored transcripts: no network but the vault's, no boto3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from evidence_schema.canonical import parse_canonical
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.models.unit import Unit
from evidence_schema.records import derive, derive_view
from flows.errors import SealedDiffers
from flows.steps.kept_records import KeptRecords
from flows.vault.artifacts import Artifacts


class Records:
    """The records of units, by kind or view."""

    def __init__(
        self, artifacts: Artifacts, receipts: Mapping[Unit, Receipt], declarations: Mapping[str, KindDeclaration]
    ) -> None:
        self._artifacts = artifacts
        self._receipts = receipts
        self._declarations = declarations
        self._kept = KeptRecords()

    def __call__(self, kind: str, unit: Unit) -> Iterable[Record]:
        """The records of a unit as `kind` reads them: its own kind, or a view over it."""
        key = (kind, unit)
        return self._kept.read(key) if key in self._kept else self._kept.keeping(key, self._fresh(kind, unit))

    def _fresh(self, kind: str, unit: Unit) -> Iterator[Record]:
        receipt = self._receipts[unit]
        blob = receipt.transcript
        if blob is None:
            return
        run_id, part = receipt.run_id, unit.digest.hex
        lines = self._artifacts.lines(blob, run_id, part)
        header = read_header(next(lines, b""), unit)
        calls = (read_call(line, unit) for line in lines)
        files = {item.name: item for item in receipt.blobs if item.role == "file"}

        def open_file(name: str) -> Iterable[bytes]:
            if name not in files:
                raise SealedDiffers(f"expected the file {name!r} with {unit}, found {', '.join(files) or 'none'}")
            return self._artifacts.lines(files[name], run_id, part)

        if kind == unit.kind:
            yield from derive(header, calls, open_file)
        else:
            yield from derive_view(self._declarations[kind], header, calls, open_file)


def read_header(line: bytes, unit: Unit) -> TranscriptHeader:
    """The first line of a unit's transcript; raises SealedDiffers where it is another's, or none."""
    try:
        header = TranscriptHeader.model_validate(parse_canonical(line))
    except (EvidenceSchemaError, ValidationError) as error:
        raise SealedDiffers(f"expected the transcript of {unit}, found: {error}; run `evidence verify`") from error
    if header.unit != unit:
        raise SealedDiffers(f"expected the transcript of {unit}, found that of {header.unit}; run `evidence verify`")
    return header


def read_call(line: bytes, unit: Unit) -> Call:
    """A further line of a transcript."""
    try:
        return Call.model_validate(parse_canonical(line))
    except (EvidenceSchemaError, ValidationError) as error:
        raise SealedDiffers(f"expected a call in the transcript of {unit}, found: {error}") from error
