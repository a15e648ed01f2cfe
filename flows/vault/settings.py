"""Which vault: values only, and never a secret in what is printed or sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from evidence_schema.models.names import LockMode
from flows.vault.errors import BadSettings

RESUME_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class StoreCredentials:
    """The vault's own keys, where they differ from those that evidence is gathered with."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamp authority (RFC 3161): the name its tokens carry in the vault, and where it is asked."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class AnchorSettings:
    """Where copies of checkpoints go: `s3://bucket` of another account, or a folder on another machine's disk."""

    id: str
    url: str
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class DataKeySettings:
    """Where wrapped data keys lie (`s3://bucket` or a folder), and what wraps them: `file:/path` or `awskms:ARN`."""

    url: str
    kek: str
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    kms_endpoint: str | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """`url` is `s3://bucket`, `dir:/path` or a plain path; `origin` names the log in its checkpoints."""

    url: str
    log: str
    origin: str
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    lock_mode: LockMode = LockMode.GOVERNANCE
    lock_days: int = 1
    lock_by: Literal["days", "retention class"] = "days"
    lock_audit_years: int = 2
    trial: bool = False
    resume_window: timedelta = RESUME_WINDOW
    authorities: tuple[Authority, ...] = ()
    anchors: tuple[AnchorSettings, ...] = ()


def folder_of(url: str) -> Path | None:
    """The folder of a directory vault; None for a bucket; raises BadSettings for any other scheme."""
    if url.startswith("s3://"):
        return None
    path = url.removeprefix("dir:")
    if not path or "://" in path:
        raise BadSettings(f"expected s3://bucket, dir:/path or a path, found {ascii(url)[:120]}")
    return Path(path).expanduser().absolute()
