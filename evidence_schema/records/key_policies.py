"""What key policies allow, joined over their statements: who both administers and uses a key, who may decrypt
without an enclave's measurement.

Refusals (`Deny`) and conditions other than the enclave's are not weighed: they can only take away, so that what is told
here is at most too much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Record, TranscriptHeader
from evidence_schema.paths import look_up
from evidence_schema.records.declared import declared

ADMINISTRATION = (
    "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DisableKeyRotation",
    "kms:DeleteImportedKeyMaterial", "kms:UpdatePrimaryRegion",
)  # fmt: skip
USE = (
    "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:Sign", "kms:GenerateMac",
    "kms:DeriveSharedSecret",
)  # fmt: skip
ATTESTATION = "kms:recipientattestation:"
"""How the condition keys begin that hold an enclave's measurements."""
OF_POLICY = ("Statements", "OnlyAccountRoot", "AdministersAndUses", "DecryptsUnattested")


def key_policies(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],
) -> Iterator[Record]:
    """A record for each key; what a denied call would have told is unknown under each name it decides."""
    for key in declared(header, KindDeclaration.model_validate(header.declaration), calls, files):
        yield Record(
            kind=declaration.kind,
            account=key.account,
            region=key.region,
            id=key.id,
            fields=_of_detail(key) | _of_policy(key),
            gaps={
                name: key.gaps[source]
                for source, names in (("detail", ("KeyManager", "KeyState")), ("policy", OF_POLICY))
                for name in names
                if source in key.gaps
            },
        )


def _of_detail(key: Record) -> dict[str, Any]:
    detail = key.fields.get("detail")
    return {name: detail[name] for name in ("KeyManager", "KeyState") if isinstance(detail, dict) and name in detail}


def _of_policy(key: Record) -> dict[str, Any]:
    statements = look_up(key.fields, "policy.Policy.Statement")
    if not isinstance(statements, list):
        return {}
    allowed = [item for item in statements if isinstance(item, dict) and item.get("Effect") == "Allow"]
    beyond_root = [item for item in allowed if not _is_root(item, key.account)]
    return {
        "Statements": len(statements),
        "OnlyAccountRoot": not beyond_root,
        "AdministersAndUses": sorted(_who(beyond_root, ADMINISTRATION) & _who(beyond_root, USE)),
        "DecryptsUnattested": sorted(_who([item for item in allowed if not _is_attested(item)], ("kms:Decrypt",))),
    }


def _is_root(statement: dict[str, Any], account: str) -> bool:
    """The statement of the default policy, which hands the decision to the account's IAM policies."""
    who = _principals(statement)
    return "Principal" in statement and all(item == account or item.endswith(f":iam::{account}:root") for item in who)


def _who(statements: Iterable[dict[str, Any]], actions: tuple[str, ...]) -> set[str]:
    """The principals that any of the statements allows any of the actions."""
    found: dict[bool, set[str]] = defaultdict(set)
    for statement in statements:
        found[any(_allows(statement, action) for action in actions)].update(_principals(statement))
    return found[True]


def _principals(statement: dict[str, Any]) -> list[str]:
    if "NotPrincipal" in statement:
        return ["(everyone but some)"]
    return [str(item) for item in statement.get("Principal", ())]


def _allows(statement: dict[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not _matches(statement["NotAction"], action)
    return _matches(statement.get("Action", ()), action)


def _matches(patterns: Iterable[Any], action: str) -> bool:
    """Action names are compared without case; `*` and `?` are IAM's wildcards, brackets are none."""
    return any(fnmatchcase(action.lower(), str(item).lower().replace("[", "[[]")) for item in patterns)


def _is_attested(statement: dict[str, Any]) -> bool:
    """Whether a measurement is compared for equality; `IfExists` lets callers without one pass."""
    conditions = statement.get("Condition")
    return isinstance(conditions, dict) and any(
        operator.lower() in ("stringequals", "stringequalsignorecase")
        and isinstance(keys, dict)
        and any(str(name).lower().startswith(ATTESTATION) for name in keys)
        for operator, keys in conditions.items()
    )
