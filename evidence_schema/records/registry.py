"""Which pure function reads which kind's records, by the name that stands in the sealed declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.records import (
    answers,
    backup,
    cloudtrail,
    config_changes,
    credential_report,
    digests,
    evidence_store,
    iam,
    identity,
    inventory,
    key_policies,
    lake,
    metrics,
    network,
    scaling,
    services_found,
    sessions,
    statements,
    trails,
)
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
    "access_changes": cloudtrail.access_changes,
    "data_reads": cloudtrail.data_reads,
    "data_read_days": cloudtrail.data_read_days,
    "lake_events": lake.lake_events,
    "lake_days": lake.lake_days,
    "trail_days": lake.trail_days,
    "digests": digests.digests,
    "digest_days": digests.digest_days,
    "digest_samples": digests.digest_samples,
    "data_event_selectors": trails.data_event_selectors,
    "alarm_topics": trails.alarm_topics,
    "database_logs": statements.database_logs,
    "privileged_statements": statements.privileged_statements,
    "backup_occasions": backup.occasions,
    "stored_objects": evidence_store.objects,
    "stored_months": evidence_store.months,
    "scalable_targets": scaling.scalable_targets,
    "metric_statistics": metrics.metric_statistics,
    "iam_principals": iam.principals,
    "iam_policies": iam.policies,
    "iam_trusts": iam.trusts,
    "guardrails": iam.guardrails,
    "service_last_accessed": identity.last_used,
    "permission_sets": identity.permission_sets,
    "sso_assignments": identity.assignments,
    "group_memberships": identity.memberships,
    "app_clients": identity.app_clients,
    "role_sessions": cloudtrail.role_sessions,
    "change_events": cloudtrail.change_events,
    "config_changes": config_changes.config_changes,
    "routing": network.routing,
    "worn_groups": network.worn_groups,
    "counted_regions": inventory.counted_regions,
    "searches": inventory.searches,
    "session_preferences": sessions.session_preferences,
    "key_policies": key_policies.key_policies,
    "answers": answers.answers,
    "services_found": services_found.services_found,
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
