"""What every step needs at hand, opened once from the settings."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from controls.models import Catalog
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.verification.trust import Keyring, read_trust_policy
from flows.collectors.registry import Kinds, load_kinds
from flows.settings import (
    KEYS_KEY_VARIABLE,
    KEYS_SECRET_VARIABLE,
    PASSPHRASE_VARIABLE,
    SIGNER_KEY_VARIABLE,
    SIGNER_SECRET_VARIABLE,
    SIGNER_TOKEN_VARIABLE,
    VAULT_KEY_VARIABLE,
    VAULT_SECRET_VARIABLE,
    Anchor,
    Located,
    Settings,
    load_settings,
)
from flows.steps.rules import catalog_of
from flows.vault.data_keys import DataKeys
from flows.vault.keys import Signer, SignerAccess, load_pseudonyms, load_signer
from flows.vault.settings import AnchorSettings, Authority, DataKeySettings, StoreCredentials, VaultSettings
from flows.vault.vault import Vault, open_data_keys, open_store, open_vault, utc_now

GENERATOR = f"evidence-collector {version('evidence-collector')}"


@dataclass(frozen=True)
class Runtime:
    """Settings, rules and vault of one organisation."""

    located: Located
    catalog: Catalog
    kinds: Kinds
    vault: Vault
    clock: Callable[[], datetime] = utc_now

    @property
    def settings(self) -> Settings:
        return self.located.settings


def open_runtime(config: Path, *, writing: bool = True) -> Runtime:
    """Everything from one settings file; with `writing` the signing key is loaded, else the vault is only read."""
    located = load_settings(config)
    kinds = load_kinds()
    return Runtime(
        located=located,
        catalog=catalog_of(located, kinds),
        kinds=kinds,
        vault=open_vault(
            vault_settings(located),
            signer_of(located) if writing else None,
            credentials=vault_credentials(),
            keys=data_keys_of(located),
            pinned=keyring_of(located) if writing else None,
        ),
    )


def check_ready(config: Path) -> None:
    """What can be found out before anything is started: settings, keys, and that the vault is one."""
    located = load_settings(config)
    signer_of(located)
    requester_of(located)
    open_store(vault_settings(located), create=True, credentials=vault_credentials()).check_ready()
    keys = data_keys_of(located)
    if keys is not None:
        keys.check_ready()


def vault_settings(located: Located) -> VaultSettings:
    """The vault's part of the settings."""
    settings = located.settings
    return VaultSettings(
        url=located.vault_url,
        log=settings.log,
        origin=settings.origin,
        endpoint=settings.vault.endpoint,
        region=settings.vault.region,
        profile=settings.vault.profile,
        lock_mode=settings.vault.lock.mode,
        lock_days=settings.vault.lock.days,
        lock_by=settings.vault.lock.by,
        lock_audit_years=settings.vault.lock.audit_years,
        trial=settings.vault.trial,
        resume_window=timedelta(hours=settings.resume_window_hours),
        authorities=tuple(Authority(authority.id, authority.url) for authority in settings.timestamps),
        anchors=tuple(_anchor(located, anchor) for anchor in settings.anchors),
    )


def _anchor(located: Located, anchor: Anchor) -> AnchorSettings:
    url = anchor.url if anchor.url.startswith("s3://") else str(located.path(anchor.url.removeprefix("dir:")))
    return AnchorSettings(anchor.id, url, anchor.endpoint, anchor.region, anchor.profile)


def vault_credentials() -> StoreCredentials | None:
    """The vault's own credentials, where the environment has them; else the profile's, or the ambient ones."""
    access, secret = os.environ.get(VAULT_KEY_VARIABLE), os.environ.get(VAULT_SECRET_VARIABLE)
    return StoreCredentials(access, secret) if access and secret else None


def data_keys_of(located: Located) -> DataKeys | None:
    """The data keys of the settings; None where they name none."""
    keys = located.settings.vault.keys
    if keys is None:
        return None
    access, secret = os.environ.get(KEYS_KEY_VARIABLE), os.environ.get(KEYS_SECRET_VARIABLE)
    settings = DataKeySettings(
        url=keys.url if keys.url.startswith("s3://") else str(located.path(keys.url.removeprefix("dir:"))),
        kek=f"file:{located.path(keys.kek)}" if keys.kek.startswith("file:") else keys.kek,
        endpoint=keys.endpoint,
        region=keys.region,
        profile=keys.profile,
        kms_endpoint=keys.kms_endpoint,
        trial=located.settings.vault.trial,
    )
    credentials = StoreCredentials(access, secret) if access and secret else vault_credentials()
    return open_data_keys(settings, passphrase(), credentials=credentials)


def passphrase() -> bytes | None:
    """Of the keys on this machine, from the environment."""
    found = os.environ.get(PASSPHRASE_VARIABLE)
    return found.encode() if found else None


def signer_of(located: Located) -> Signer:
    """The log's signing key; its passphrase, or the credentials that sign, come from the environment."""
    return load_signer(key_uri(located), signer_access(located))


def key_uri(located: Located, uri: str | None = None) -> str:
    """The URI of a signing key, by default the log's, a file made absolute."""
    uri = uri or located.settings.keys.log
    return f"file:{located.path(uri)}" if uri.startswith("file:") else uri


def signer_access(located: Located) -> SignerAccess:
    """Of the signing key; a key in KMS has its own credentials, apart from those that evidence is gathered with."""
    access, secret = os.environ.get(SIGNER_KEY_VARIABLE), os.environ.get(SIGNER_SECRET_VARIABLE)
    token = os.environ.get(SIGNER_TOKEN_VARIABLE, "")
    return SignerAccess(
        passphrase=passphrase(),
        kms_endpoint=located.settings.keys.kms_endpoint,
        profile=located.settings.keys.profile,
        credentials=StoreCredentials(access, secret, token) if access and secret else None,
    )


def keyring_of(located: Located) -> Keyring | None:
    """The keys that the trust policy beside the settings pins; None where there is none."""
    policy = pinned_policy(located)
    return Keyring.of(policy) if policy is not None else None


def requester_of(located: Located) -> str:
    """The keyed pseudonym of who asks: names never stand in the log."""
    return load_pseudonyms(f"file:{located.path(located.settings.keys.pseudonyms)}").pseudonym(getpass.getuser())


def pinned_policy(located: Located) -> TrustPolicy | None:
    """The trust policy beside the settings, for the workbook's cover; None where there is none."""
    path = located.path(located.settings.trust_policy)
    return read_trust_policy(path.read_bytes()) if path.exists() else None
