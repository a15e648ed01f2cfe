"""Which pure function reads which kind's records, by the name that stands in the sealed declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.records import backup, cloudtrail, credential_report
from evidence_schema.records.declared import declared

Files = Callable[[str], Iterable[bytes]]
"""Opens an artifact of the unit by its name, as a stream of lines."""
Derivation = Callable[[TranscriptHeader, KindDeclaration, Iterator[Call], Files], Iterator[Record]]

DERIVATIONS: dict[str, Derivation] = {
    "declared": declared,
    "credential_report": credential_report.users,
    "access_keys": credential_report.credentials,
    "log_files": cloudtrail.log_files,
    "log_days": cloudtrail.log_days,
    "sign_in_days": cloudtrail.sign_in_days,
    "sign_ins": cloudtrail.sign_ins,
    "root_events": cloudtrail.root_events,
    "privileged_events": cloudtrail.privileged_events,
    "backup_occasions": backup.occasions,
}


class UnknownDerivation(EvidenceSchemaError):
    """A declaration names a derivation that this version does not have."""


def derive(header: TranscriptHeader, calls: Iterator[Call], files: Files) -> Iterator[Record]:
    """The records of a unit, by the declaration sealed in its own transcript."""
    declaration = KindDeclaration.model_validate(header.declaration)
    return _named(declaration)(header, declaration, calls, files)


def derive_view(
    view: KindDeclaration, header: TranscriptHeader, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """The records of a view over another kind's transcript."""
    return _named(view)(header, view, calls, files)


def _named(declaration: KindDeclaration) -> Derivation:
    if declaration.derive not in DERIVATIONS:
        raise UnknownDerivation(
            f"{declaration.kind}: expected a derivation out of {', '.join(DERIVATIONS)}, found {declaration.derive!r}; "
            "a newer version of evidence-collector may know it"
        )
    return DERIVATIONS[declaration.derive]
