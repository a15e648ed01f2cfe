"""`evidence.yaml` and environment become one frozen object, once. Secrets never stand in it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from controls.documents import load_yaml, validated
from controls.errors import CatalogError
from controls.profile import Profile
from evidence_schema.canonical import canonical_bytes
from evidence_schema.errors import NotCanonical
from evidence_schema.layout import AUTHORITY
from evidence_schema.models.base import Frozen, NonNegative, UtcTime
from evidence_schema.models.names import (
    GLOBAL_REGION,
    AccountId,
    FieldName,
    FrameworkId,
    KindName,
    LockMode,
    LogName,
    RecipientId,
    RegionName,
)
from evidence_schema.models.schedule import Schedule
from flows.errors import SettingsError

CONFIG_VARIABLE = "EVIDENCE_CONFIG"
PASSPHRASE_VARIABLE = "EVIDENCE_KEY_PASSPHRASE"  # noqa: S105 (the name of a variable)
NEW_PASSPHRASE_VARIABLE = "EVIDENCE_NEW_KEY_PASSPHRASE"  # noqa: S105 (the name of a variable)
KEYS_KEY_VARIABLE = "EVIDENCE_KEYS_ACCESS_KEY_ID"
KEYS_SECRET_VARIABLE = "EVIDENCE_KEYS_SECRET_ACCESS_KEY"  # noqa: S105 (the name of a variable)
SIGNER_KEY_VARIABLE = "EVIDENCE_SIGNER_ACCESS_KEY_ID"
SIGNER_SECRET_VARIABLE = "EVIDENCE_SIGNER_SECRET_ACCESS_KEY"  # noqa: S105 (the name of a variable)
SIGNER_TOKEN_VARIABLE = "EVIDENCE_SIGNER_SESSION_TOKEN"  # noqa: S105 (the name of a variable)
VAULT_KEY_VARIABLE = "EVIDENCE_VAULT_ACCESS_KEY_ID"
VAULT_SECRET_VARIABLE = "EVIDENCE_VAULT_SECRET_ACCESS_KEY"  # noqa: S105 (the name of a variable)
DEFAULT_CONFIG = "evidence.yaml"


def _sealable(value: Any) -> Any:
    """What a run is judged by is sealed with it: a null or a fraction would come out only after the run was opened."""
    try:
        canonical_bytes(value)
    except NotCanonical as error:
        raise ValueError(f"expected a value that can be sealed, found one that cannot: {error}") from None
    return value


def _without_credentials(url: str) -> str:
    if not re.fullmatch(r"https?://[^@?#\s/]{1,255}/?", url):
        raise ValueError(
            "expected https://HOST:PORT and nothing else: a name or password in it would be sealed for ever"
        )
    return url


def _without_secrets(url: str) -> str:
    if not re.fullmatch(r"https?://[^@?#\s/]{1,255}(/[^?#\s@]{0,500})?", url):
        raise ValueError(
            "expected https://HOST/PATH and nothing else: a name or password in it would be sealed for ever"
        )
    return url


Sealable = Annotated[Any, AfterValidator(_sealable)]
Endpoint = Annotated[str, AfterValidator(_without_credentials)]
TimestampUrl = Annotated[str, AfterValidator(_without_secrets)]


class Account(Frozen):
    """An AWS account in scope. `role` is assumed in it; without one, the ambient credentials are the account's."""

    id: AccountId
    name: str = Field(default="", max_length=80)
    role: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}$")


class LockSettings(Frozen):
    """How long, and how firmly, the store keeps an artifact."""

    mode: LockMode = LockMode.GOVERNANCE
    days: int = Field(default=1, ge=1, le=36500)
    """How long in a rehearsal, where `by` is days: the same for everything."""
    by: Literal["days", "retention class"] = "days"
    """In earnest: 6 years for documentation, 2 years (`audit_years`) for audit evidence, 13 months for extracts."""
    audit_years: int = Field(default=2, ge=2, le=10)


class DataKeySettings(Frozen):
    """Where the data keys of personal artifacts lie, and what wraps them. Whoever has both can read those artifacts."""

    url: str = Field(min_length=1, max_length=500)
    """A folder, or `s3://bucket`: without versions and without lock, for a key that is deleted must be gone."""
    kek: str = Field(pattern=r"^(file:.+|awskms:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+)$", max_length=500)
    endpoint: Endpoint | None = None
    region: str | None = None
    profile: str | None = None
    kms_endpoint: Endpoint | None = None


class VaultSettings(Frozen):
    """Where artifacts and log live: `s3://bucket`, or a folder for trials."""

    url: str = Field(min_length=1, max_length=500)
    endpoint: Endpoint | None = None
    region: str | None = None
    profile: str | None = None
    lock: LockSettings = LockSettings()
    keys: DataKeySettings | None = None
    """Without it nothing personal is kept: a run that gathers personal kinds does not start."""
    also_personal: tuple[KindName, ...] = ()
    """Kinds that hold personal data here, though our declarations do not say so: tags that name people."""
    trial: bool = False
    """Accept a store that does not lock. Said aloud everywhere."""


class KeySettings(Frozen):
    """Signing key (`file:PATH`, or `awskms:ARN` of a key of Ed25519 or P-256) and pseudonym key, by URI."""

    log: str = Field(pattern=r"^(file:.+|awskms:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+)$", max_length=500)
    pseudonyms: str = Field(pattern=r"^file:.+")
    profile: str | None = None
    """Of a signing key in KMS: whose credentials sign. The role that gathers evidence must not be able to."""
    kms_endpoint: Endpoint | None = None


class TimestampAuthority(Frozen):
    """An RFC 3161 authority that is asked to date each checkpoint. The auditor pins its roots in the trust policy."""

    id: str = Field(pattern=f"^{AUTHORITY}$")
    url: TimestampUrl


class Anchor(Frozen):
    """A place outside the vault that gets a copy of each checkpoint and token, written once and never read.

    A bucket of another account (`profile` has its credentials: they need `s3:PutObject` and nothing else), or a folder.
    """

    id: str = Field(pattern=f"^{AUTHORITY}$")
    url: str = Field(min_length=1, max_length=500)
    endpoint: Endpoint | None = None
    region: str | None = None
    profile: str | None = None


class PromisedSchedule(Schedule):
    """A schedule that this program can keep: `evidence run monthly` fills `monthly` slots. `none` ends it."""

    id: Literal["monthly"]
    cadence: Literal["monthly", "none"]


class AwsSettings(Frozen):
    """How hard the collectors may ask."""

    concurrency: int = Field(default=4, ge=1, le=32)
    """Calls at a time per service and account; halved whenever a call was throttled."""
    deadline_s: int = Field(default=900, ge=1, le=86400)
    """For one unit."""


class Fact(Frozen):
    """A fact that AWS cannot give: a dated input, approved by a role (a role, not a name: it is sealed)."""

    value: Sealable
    approved_by: str = Field(min_length=1, max_length=120)
    as_of: UtcTime


class OptIn(Frozen):
    """Consent to gather a kind that bills or writes, by a role (a role, not a name: it is sealed)."""

    approved_by: str = Field(min_length=1, max_length=120)
    as_of: UtcTime


class Override(Frozen):
    """A parameter that differs from the catalogue's default. Without approver and reason it gives needs_review."""

    value: Sealable
    approved_by: str = Field(default="", max_length=120)
    reason: str = Field(default="", max_length=500)
    as_of: UtcTime | None = None

    @property
    def is_approved(self) -> bool:
        return bool(self.approved_by and self.reason and self.as_of)


class Agreement(Frozen):
    """What binds a recipient of unmasked evidence."""

    kind: Literal["business_associate", "processor", "confidentiality"]
    reference: str = Field(min_length=1, max_length=120)
    signed: UtcTime
    until: UtcTime | None = None

    def is_in_force(self, at: datetime) -> bool:
        """Whether it binds at a moment."""
        return self.signed <= at and (self.until is None or at < self.until)


class Recipient(Frozen):
    """An organisation that evidence may be disclosed to, its X25519 public key (base64), and what binds it."""

    id: RecipientId
    name: str = Field(min_length=1, max_length=200)
    key: str = Field(pattern=r"^[A-Za-z0-9+/]{43}=$")
    agreements: tuple[Agreement, ...] = ()


class Settings(Frozen):
    """What the organisation decided. Holds no secret: all of it is sealed with each run."""

    organisation: str = Field(min_length=1, max_length=200)
    log: LogName
    simulated: bool = False
    frameworks: tuple[FrameworkId, ...] = ("hipaa", "gdpr", "soc2")
    accounts: tuple[Account, ...] = Field(min_length=1)
    regions: tuple[RegionName, ...] = Field(min_length=1)
    home_region: RegionName | None = None
    vault: VaultSettings
    keys: KeySettings
    timestamps: tuple[TimestampAuthority, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    schedules: tuple[PromisedSchedule, ...] = Field(default=(), max_length=1)
    """What was promised, and who decided; sealed in the log, so that a verifier tells a slot that nobody filled."""
    trust_policy: str = "trust-policy.json"
    catalogue: str | None = Field(default=None, min_length=1, max_length=500)
    """A folder with an organisation's own catalogue, instead of the one that came with this version."""
    aws: AwsSettings = AwsSettings()
    resume_window_hours: NonNegative = 24
    profile: Profile | None = None
    """The organisation's roles and SOC 2 categories; a control that they exclude is not applicable."""
    wording: str | None = Field(default=None, min_length=1, max_length=500)
    """A YAML file, control id -> official or licensed wording, that is shown beside ours."""
    recipients: tuple[Recipient, ...] = ()
    """Who may be given unmasked evidence, encrypted to their key."""
    facts: dict[FieldName, Fact] = Field(default_factory=dict)
    parameters: dict[str, Override] = Field(default_factory=dict)
    opt_in: dict[KindName, OptIn] = Field(default_factory=dict)
    """Kinds that bill or write and are gathered all the same; none is unless it stands here."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [account.id for account in self.accounts]
        if len(set(ids)) < len(ids):
            raise ValueError("expected each account once")
        if len({authority.id for authority in self.timestamps}) < len(self.timestamps):
            raise ValueError("expected each time-stamp authority once")
        if len({anchor.id for anchor in self.anchors}) < len(self.anchors):
            raise ValueError("expected each anchor once")
        own = (self.vault.url.rstrip("/"), self.vault.endpoint)
        if any((anchor.url.rstrip("/"), anchor.endpoint) == own for anchor in self.anchors):
            raise ValueError("expected anchors outside the vault, found the vault itself: who changes it changes both")
        if len(set(self.regions)) < len(self.regions):
            raise ValueError("expected each region once")
        if GLOBAL_REGION in self.regions:
            raise ValueError(f"expected names of regions, found {GLOBAL_REGION!r}; global services are always asked")
        return self

    @property
    def origin(self) -> str:
        """The log's name in checkpoints (C2SP tlog-checkpoint)."""
        return f"evidence/{self.log}"

    @property
    def first_region(self) -> str:
        """Where global services are asked."""
        return self.home_region or self.regions[0]


class Located(Frozen):
    """Settings with the folder that relative paths in them are relative to."""

    settings: Settings
    folder: Path

    def path(self, text: str) -> Path:
        """A path of the settings (`file:` URI or plain), made absolute."""
        return (self.folder / Path(text.removeprefix("file:")).expanduser()).absolute()

    @property
    def vault_url(self) -> str:
        """The vault's URL, a folder made absolute."""
        url = self.settings.vault.url
        return url if url.startswith("s3://") else str(self.path(url.removeprefix("dir:")))


def config_path(given: str | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """The settings file: as given, else by EVIDENCE_CONFIG, else ./evidence.yaml."""
    return Path(given or environment.get(CONFIG_VARIABLE) or DEFAULT_CONFIG).absolute()


def load_settings(path: Path) -> Located:
    """Read the settings; raises SettingsError with file, line and what to do."""
    if not path.exists():
        raise SettingsError(
            f"expected settings at {path}, found none; run `evidence init`, or name the file with --config or "
            f"{CONFIG_VARIABLE}"
        )
    try:
        settings = validated(Settings, load_yaml(path))
    except CatalogError as error:
        raise SettingsError(str(error)) from error
    return Located(settings=settings, folder=path.parent)
