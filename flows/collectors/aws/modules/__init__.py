"""Collectors for what AWS does in its own way, by the name that a declaration gives as `module:`."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from flows.collectors.aws.modules import (
    config_changes,
    credential_report,
    database_statements,
    digest_files,
    evidence_store,
    lake_query,
    log_files,
    metric_data,
    scalable_targets,
    service_last_accessed,
)
from flows.collectors.aws.work import Work

MODULES: MappingProxyType[str, Callable[[Work], None]] = MappingProxyType(
    {
        "config_changes": config_changes.gather,
        "credential_report": credential_report.gather,
        "database_statements": database_statements.gather,
        "digest_files": digest_files.gather,
        "evidence_store": evidence_store.gather,
        "lake_query": lake_query.gather,
        "log_files": log_files.gather,
        "metric_data": metric_data.gather,
        "scalable_targets": scalable_targets.gather,
        "service_last_accessed": service_last_accessed.gather,
    }
)
