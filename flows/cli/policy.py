"""`evidence policy`: the least privilege that a plan needs."""

from __future__ import annotations

from flows.cli.options import Config, Controls, Frameworks, Requirements


def policy(
    config: Config = None, framework: Frameworks = None, control: Controls = None, requirement: Requirements = None
) -> None:
    """Print the IAM policy of a plan: the actions of its kinds and nothing else; of opt-in kinds only where opted in.

    The policy of the whole catalogue fits a role's inline policy (10,240 characters), not one managed policy (6,144).
    """
    from flows.cli.console import print_json
    from flows.collectors.registry import load_kinds
    from flows.settings import config_path, load_settings
    from flows.steps.selecting import planned_for

    located = load_settings(config_path(config))
    planned, _ = planned_for(located, load_kinds(), framework, control, requirement)
    actions = list(planned.plan.actions)
    statement = {"Sid": "EvidenceCollectorRead", "Effect": "Allow", "Action": actions, "Resource": "*"}
    print_json({"Version": "2012-10-17", "Statement": [statement]})
