"""What our own principal may not do, by IAM's simulator: known before a run, without making its calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flows.collectors.aws.session import Sessions
from flows.collectors.errors import CollectorError

ACTIONS_A_CALL = 100
_SESSION = re.compile(r"^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.+$")


class CannotSimulate(CollectorError):
    """IAM's simulator did not answer: nothing is known of the permissions."""


def denied_actions(
    sessions: Sessions, home_region: str, account: str, run_id: str, principal: str, actions: Sequence[str]
) -> tuple[str, ...]:
    """The actions that the principal's policies do not allow on every resource; raises CannotSimulate.

    AWS operation: iam:SimulatePrincipalPolicy. Policies of the organisation are in it only where IAM can read them.
    """
    client: Any = sessions.client(account, home_region, "iam", run_id)
    try:
        return tuple(sorted(_denied(client, _role_of(principal), actions)))
    except (ClientError, BotoCoreError) as error:
        raise CannotSimulate(
            f"account {account}: expected an answer of iam:SimulatePrincipalPolicy, found: {error}; allow it to the "
            "collector's role, or compare its policy with `evidence policy`"
        ) from error
    finally:
        client.close()


def _denied(client: Any, arn: str, actions: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(actions), ACTIONS_A_CALL):
        pages = client.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=arn, ActionNames=list(actions[start : start + ACTIONS_A_CALL])
        )
        for page in pages:
            for result in page["EvaluationResults"]:
                if result["EvalDecision"] != "allowed":
                    yield str(result["EvalActionName"])


def _role_of(principal: str) -> str:
    """The role of a session (its path is not in the session's ARN), else the principal itself."""
    found = _SESSION.match(principal)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else principal
