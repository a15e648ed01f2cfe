"""Found a log: settings, keys, trust policy. Checked first, written after, never written over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from controls.catalog import framework_of, installed
from controls.documents import dump_yaml
from evidence_schema.digest import Digest
from evidence_schema.errors import BadAuthority
from evidence_schema.models.trust import TimestampTrust, TrustedAuthority
from evidence_schema.timestamp import PinnedAuthorities
from flows.errors import SettingsError
from flows.settings import Located, Settings
from flows.steps.runtime import passphrase, signer_access, vault_settings
from flows.vault.key_encryption import create_kek
from flows.vault.key_places import KeyFolder
from flows.vault.keys import (
    Signer,
    check_signs,
    create_key,
    create_pseudonym_key,
    keep_out,
    load_signer,
    trust_policy_for,
    write_trust_policy,
)
from flows.vault.settings import folder_of
from flows.vault.vault import open_store, utc_now

_HEADER = """\
# Settings of evidence-collector. No secret belongs here: this file is sealed with every run.
# Facts that AWS cannot give (`evidence doctor` lists those still missing) and parameters are dated and approved by a
# role, for example:
#   facts:
#     log_platform: {value: {buckets: [trail-bucket]}, approved_by: security officer, as_of: 2026-11-01T00:00:00Z}
#   parameters:
#     EV-IAM-01-C3.max_key_age_days: {value: 60, approved_by: security officer, reason: our standard,
#                                     as_of: 2026-11-01T00:00:00Z}
"""
_KEK = "data-keys.kek"
_DATA_KEYS = "data-keys"


@dataclass(frozen=True)
class NamedAuthority:
    """A time-stamp authority: how its tokens are called, where it is asked, and the PEM file that vouches for it."""

    id: str
    url: str
    roots: Path


@dataclass(frozen=True)
class Founding:
    """What `evidence init` was told."""

    config: Path
    organisation: str
    log: str
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    vault: str
    endpoint: str | None
    keys: Path
    frameworks: tuple[str, ...]
    simulated: bool
    data_keys: str | None = None
    """`s3://bucket` for wrapped data keys; without it a folder beside the other keys."""
    profile: Mapping[str, Any] | None = None
    """Roles, categories and who signed them, as the settings hold them."""
    required_tags: tuple[str, ...] = ()
    timestamps: tuple[NamedAuthority, ...] = ()
    signer: str | None = None
    """`awskms:ARN` of a signing key that exists; without it one is made in a file."""


@dataclass(frozen=True)
class Founded:
    """What was written, and the fingerprint of the trust policy."""

    written: dict[str, Path]
    fingerprint: Digest


def found(founding: Founding) -> Founded:
    """Write settings, keys and trust policy; raises SettingsError before anything is written."""
    settings = _settings(founding)
    trusted = _trusted(founding.timestamps)
    located = Located(settings=settings, folder=founding.config.parent)
    policy_path = located.path(settings.trust_policy)
    key_path = None if founding.signer else located.path(settings.keys.log)
    pseudonyms_path = located.path(settings.keys.pseudonyms)
    kek_path = located.path(str(founding.keys / _KEK))
    for path in (founding.config, policy_path, key_path, pseudonyms_path, kek_path):
        if path is not None and path.exists():
            raise SettingsError(f"expected no file at {path}, found one; move it away, or name another place")
    standing = _standing_signer(located) if key_path is None else None
    if folder_of(located.vault_url) is not None:
        open_store(vault_settings(located), create=True)
    key = standing or create_key(located.path(settings.keys.log), passphrase(), vault_url=located.vault_url)
    create_pseudonym_key(pseudonyms_path, vault_url=located.vault_url)
    create_kek(kek_path, passphrase(), utc_now(), vault_url=located.vault_url)
    data_keys_path = located.path(str(founding.keys / _DATA_KEYS))
    if founding.data_keys is None:
        keep_out(data_keys_path, located.vault_url)
        KeyFolder(data_keys_path).create()
    policy = trust_policy_for(settings.log, settings.origin, key).model_copy(update={"timestamps": trusted})
    write_trust_policy(policy_path, policy, vault_url=located.vault_url)
    founding.config.parent.mkdir(parents=True, exist_ok=True)
    with founding.config.open("x", encoding="utf-8") as file:
        file.write(_HEADER + dump_yaml(_document(founding)))
    keys = {"pseudonyms": pseudonyms_path, "KEK": kek_path}
    if key_path is not None:
        keys = {"signing key": key_path} | keys
    if founding.data_keys is None:
        keys["data keys"] = data_keys_path
    return Founded({"settings": founding.config, **keys, "trust policy": policy_path}, policy.fingerprint)


def _standing_signer(located: Located) -> Signer:
    """The key in KMS, which signs once before anything is written."""
    signer = load_signer(located.settings.keys.log, signer_access(located))
    check_signs(signer)
    return signer


def _trusted(authorities: tuple[NamedAuthority, ...]) -> TimestampTrust | None:
    """What the auditor pins of them; raises SettingsError for a file that vouches for nobody."""
    pinned = []
    for authority in authorities:
        try:
            roots = authority.roots.read_bytes()
            PinnedAuthorities.read(roots)
            pinned.append(TrustedAuthority(id=authority.id, roots=roots.decode("ascii")))
        except (OSError, UnicodeDecodeError, ValidationError, BadAuthority) as error:
            raise SettingsError(
                f"expected the certificates of the time-stamp authority {authority.id!r} in {authority.roots}, found: "
                f"{error}; take the root certificate (PEM) that the authority publishes"
            ) from error
    return TimestampTrust(authorities=tuple(pinned)) if pinned else None


def _settings(founding: Founding) -> Settings:
    for framework in founding.frameworks:
        framework_of(installed(), framework)
    try:
        return Settings.model_validate(_document(founding))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"expected settings that can be used, found {wrong}; see `evidence init --help`") from None


def _document(founding: Founding) -> dict[str, Any]:
    vault: dict[str, Any] = {"url": founding.vault, "lock": {"mode": "GOVERNANCE", "days": 1}}
    if founding.endpoint:
        vault["endpoint"] = founding.endpoint
    keys = {"url": founding.data_keys or str(founding.keys / _DATA_KEYS), "kek": f"file:{founding.keys / _KEK}"}
    vault["keys"] = keys | ({"endpoint": founding.endpoint} if founding.endpoint and founding.data_keys else {})
    if not founding.vault.startswith("s3://"):
        vault["trial"] = True
    document = {
        "organisation": founding.organisation,
        "log": founding.log,
        "frameworks": list(founding.frameworks) or ["hipaa", "gdpr", "soc2"],
        "accounts": [_account(text) for text in founding.accounts],
        "regions": list(founding.regions),
        "vault": vault,
        "keys": {
            "log": founding.signer or f"file:{founding.keys / 'log-key.pem'}",
            "pseudonyms": f"file:{founding.keys / 'pseudonyms.key'}",
        },
        "trust_policy": "trust-policy.json",
    }
    if founding.timestamps:
        document["timestamps"] = [{"id": one.id, "url": one.url} for one in founding.timestamps]
    if founding.profile is not None:
        document["profile"] = dict(founding.profile)
    if founding.required_tags:
        document["facts"] = {"required_tags": _fact(founding)}
    return document | ({"simulated": True} if founding.simulated else {})


def _fact(founding: Founding) -> dict[str, Any]:
    at = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
    approver = founding.profile["approved_by"] if founding.profile else "whoever ran evidence init"
    return {"value": list(founding.required_tags), "approved_by": approver, "as_of": at}


def _account(text: str) -> dict[str, str]:
    id_, _, role = text.partition("=")
    return {"id": id_, "role": role} if role else {"id": id_}
