"""The auditor's pinned keys: reading the policy from its file, and asking which key may sign what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pydantic import ValidationError

from evidence_schema import signing_key
from evidence_schema.canonical import AnyJSON, parse_json
from evidence_schema.errors import BadAuthority, BadJSON, BadKey, EvidenceSchemaError, NotCanonical
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.note import VerifierKey

MAX_POLICY_BYTES = 1024 * 1024


class BadTrustPolicy(EvidenceSchemaError):
    """A file is not a trust policy; the message lists all that is wrong with it."""


def read_trust_policy(data: bytes) -> TrustPolicy:
    """The policy in a file's bytes, in whatever spelling; raises BadTrustPolicy with every fault."""
    try:
        document = parse_json(data, max_bytes=MAX_POLICY_BYTES)
        _refuse(_schema_faults(document))
        policy = TrustPolicy.model_validate(document)
        policy.canonical()  # its fingerprint must exist
        _refuse(_key_faults(policy))
    except (BadJSON, NotCanonical, ValidationError) as error:
        raise BadTrustPolicy(
            f"expected a trust policy, found: {error}; take the file that was pinned with the engagement"
        ) from error
    return policy


def _schema_faults(document: AnyJSON) -> list[str]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 (heavy, and only needed for a file from outside)

    from evidence_schema.published import schema_of  # noqa: PLC0415 (likewise)

    faults = Draft202012Validator(schema_of("trust-policy")).iter_errors(document)
    return sorted(f"{fault.json_path}: {fault.message[:200]}" for fault in faults)


def _key_faults(policy: TrustPolicy) -> list[str]:
    faults = []
    for number, key in enumerate(policy.keys):
        try:
            VerifierKey.parse(key.vkey)
        except BadKey as error:
            faults.append(f"$.keys[{number}].vkey: {error}")
        if key.until is not None and key.until <= key.first:
            faults.append(f"$.keys[{number}]: expected `until` beyond {key.first}, found {key.until}")
        if key.revoked_from is not None and key.stolen_at is None:
            faults.append(f"$.keys[{number}]: expected `stolen_at` with `revoked_from`, found none")
    return faults + _authority_faults(policy)


def _authority_faults(policy: TrustPolicy) -> list[str]:
    from evidence_schema.timestamp import PinnedAuthorities  # noqa: PLC0415 (only where authorities are pinned)

    authorities = policy.timestamps.authorities if policy.timestamps else ()
    faults, ids = [], [authority.id for authority in authorities]
    if len(set(ids)) < len(ids):
        faults.append("$.timestamps.authorities: expected each id once")
    for number, authority in enumerate(authorities):
        try:
            PinnedAuthorities.read(authority.roots.encode())
        except BadAuthority as error:
            faults.append(f"$.timestamps.authorities[{number}].roots: {error}")
    return faults


def _refuse(faults: list[str]) -> None:
    if faults:
        raise BadTrustPolicy(f"expected a trust policy, found {len(faults)} faults: {'; '.join(faults)}")


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A key and the entries that it may sign."""

    key: VerifierKey
    first: int
    until: int | None
    stolen_at: datetime | None = None
    revoked_from: int | None = None

    def may_sign(self, index: int) -> bool:
        """Whether entry number `index` lies in its range."""
        return self.first <= index and (self.until is None or index < self.until)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The pinned keys of a policy. The same key may stand in it with several ranges."""

    pinned: tuple[PinnedKey, ...]

    @classmethod
    def of(cls, policy: TrustPolicy) -> Self:
        """Raises BadKey for a policy whose verifier keys are none."""
        return cls(
            tuple(
                PinnedKey(VerifierKey.parse(key.vkey), key.first, key.until, key.stolen_at, key.revoked_from)
                for key in policy.keys
            )
        )

    def signing(self, index: int) -> frozenset[VerifierKey]:
        """The keys that may sign entry number `index`."""
        return frozenset(pinned.key for pinned in self.pinned if pinned.may_sign(index))

    def by_key_id(self, key_id: str) -> tuple[PinnedKey, ...]:
        """As an envelope names a key: SHA-256 of the public key."""
        return tuple(pinned for pinned in self.pinned if signing_key.key_id(pinned.key.public_key) == key_id)

    def by_note_key(self, name: str, key_id: bytes) -> tuple[PinnedKey, ...]:
        """As a signature line of a note names a key."""
        return tuple(pinned for pinned in self.pinned if pinned.key.name == name and pinned.key.key_id == key_id)
