"""Operations that this product never makes, those it makes only where a kind asks for them by name, and those it makes
only where the organisation opted in to that kind too.
"""

from __future__ import annotations

from types import MappingProxyType

from flows.collectors.errors import ForbiddenCall

NEVER_CALL = MappingProxyType(
    {
        "secretsmanager:GetSecretValue": "its answer is a secret",
        "secretsmanager:BatchGetSecretValue": "its answer is secrets",
        "ssm:GetParameter": "its answer can be a secret",
        "ssm:GetParameters": "its answer can be secrets",
        "ssm:GetParametersByPath": "its answer can be secrets",
        "macie2:GetSensitiveDataOccurrences": "its answer is the sensitive data itself",
        "kms:Decrypt": "its answer is what somebody wanted hidden",
        "backup:StartRestoreJob": "it creates resources; restore proofs are not collectors",
        "appsync:ListApiKeys": "its answer is keys",
        "iam:CreateAccessKey": "it creates a credential",
    }
)

SIDE_EFFECTS = MappingProxyType(
    {
        "iam:GenerateCredentialReport": "starts a report; harmless",
        "iam:GenerateServiceLastAccessedDetails": "starts a report; harmless",
        "cloudtrail:StartQuery": "bills by data scanned",
        "athena:StartQueryExecution": "bills by data scanned and writes a result",
        "cloudformation:DetectStackDrift": "starts a job",
    }
)

OPT_IN = frozenset({"cloudtrail:StartQuery", "athena:StartQueryExecution", "cloudformation:DetectStackDrift"})
"""Side effects that cost or change something: only for a kind that says so and that somebody opted in to."""

READ_VERBS = ("Get", "List", "Describe", "BatchGet", "Search", "Select", "Lookup", "Simulate", "Filter")
"""How an operation's name begins that only reads; anything else must stand in SIDE_EFFECTS."""


def refuse_forbidden(operation: str, declared: bool, opted_in: bool = False) -> None:
    """Raise ForbiddenCall for `service:Operation` that must not be called; `declared`: its kind names it; `opted_in`:
    somebody asked for that kind by name.
    """
    if operation in NEVER_CALL:
        raise ForbiddenCall(
            f"expected a call that reads settings, found {operation}, which is never called: {NEVER_CALL[operation]}"
        )
    name = operation.partition(":")[2]
    if operation in SIDE_EFFECTS:
        if not declared:
            raise ForbiddenCall(
                f"expected {operation} to be declared by its kind, found it is not: it {SIDE_EFFECTS[operation]}"
            )
        if operation in OPT_IN and not opted_in:
            raise ForbiddenCall(
                f"expected {operation} of a kind that declares `opt_in` and stands under `opt_in` of the settings, "
                f"found another: it {SIDE_EFFECTS[operation]}"
            )
    elif not name.startswith(READ_VERBS):
        raise ForbiddenCall(f"expected a call that reads, found {operation}; a collector never writes")
