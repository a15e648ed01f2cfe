"""Verify a vault: the foundation proves, this only reads the bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from evidence_schema.models.trust import TrustPolicy
from evidence_schema.verification import Report, verify_log
from flows.settings import Located
from flows.steps.runtime import vault_credentials, vault_settings
from flows.vault.vault import open_store, utc_now

Progress = Callable[[str, int], None]


def verify_store(located: Located, trust: TrustPolicy | None, now: datetime | None = None) -> Report:
    """Verify the settings' own vault."""
    store = open_store(vault_settings(located), credentials=vault_credentials())
    return verify_log(store, trust=trust, now=now or utc_now(), log=located.settings.log)
