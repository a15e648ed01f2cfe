"""`evidence policy`: the least privilege that a plan needs."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Config, Controls, Frameworks, Requirements


def policy(
    config: Config = None,
    framework: Frameworks = None,
    control: Controls = None,
    requirement: Requirements = None,
    signer: Annotated[
        bool, typer.Option("--signer", help="Instead, that of the role that signs with the settings' key in KMS")
    ] = False,
) -> None:
    """Print the IAM policy of a plan: the actions of its kinds and nothing else; of opt-in kinds only where opted in.

    The policy of the whole catalogue fits a role's inline policy (10,240 characters), not one managed policy (6,144).
    """
    from flows.cli.console import print_json
    from flows.collectors.registry import load_kinds
    from flows.settings import config_path, load_settings
    from flows.steps.selecting import planned_for

    located = load_settings(config_path(config))
    if signer:
        print_json(_signing(located.settings.keys.log))
        return
    planned, _ = planned_for(located, load_kinds(), framework, control, requirement)
    actions = list(planned.plan.actions)
    statement = {"Sid": "EvidenceCollectorRead", "Effect": "Allow", "Action": actions, "Resource": "*"}
    print_json({"Version": "2012-10-17", "Statement": [statement]})


def _signing(uri: str) -> dict[str, object]:
    """Whole messages and nothing else: no digest that somebody else made, no other use of the key.

    A key signs by one of the two algorithms only, its own.
    """
    from flows.errors import UsageError

    scheme, _, arn = uri.partition(":")
    if scheme != "awskms":
        raise UsageError(f"expected keys.log to be awskms:ARN, found {scheme}:...; a key in a file needs no policy")
    equals = {"kms:SigningAlgorithm": ["ED25519_SHA_512", "ECDSA_SHA_256"], "kms:MessageType": "RAW"}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "EvidenceSignerReadKey", "Effect": "Allow", "Action": ["kms:GetPublicKey"], "Resource": [arn]},
            {
                "Sid": "EvidenceSignerSign",
                "Effect": "Allow",
                "Action": ["kms:Sign"],
                "Resource": [arn],
                "Condition": {"StringEquals": equals},
            },
        ],
    }
