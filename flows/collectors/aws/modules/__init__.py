"""Collectors for what AWS does in its own way, by the name that a declaration gives as `module:`."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from flows.collectors.aws.modules import credential_report, log_files
from flows.collectors.aws.work import Work

MODULES: MappingProxyType[str, Callable[[Work], None]] = MappingProxyType(
    {"credential_report": credential_report.gather, "log_files": log_files.gather}
)
