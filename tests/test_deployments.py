"""What is shipped for deployment agrees with the code."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from flows.collectors.aws.never_call import NEVER_CALL, OPT_IN
from flows.collectors.registry import load_kinds

DEPLOYMENTS = Path(__file__).parents[1] / "deployments"
DEPLOYED = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text())["deployments"]


def test_the_collector_policy_is_the_union_of_the_declared_actions() -> None:
    """Least privilege cannot drift: a kind that needs another action changes this file."""
    policy = json.loads((DEPLOYMENTS / "collector-policy.json").read_text())
    [statement] = policy["Statement"]
    assert statement["Effect"] == "Allow"
    asked = [kind for kind in load_kinds().values() if kind.opt_in is None]
    assert statement["Action"] == sorted({action for kind in asked for action in kind.actions})


def test_the_collector_policy_allows_nothing_that_is_never_called() -> None:
    allowed = set(json.loads((DEPLOYMENTS / "collector-policy.json").read_text())["Statement"][0]["Action"])
    assert len(NEVER_CALL) >= 10
    assert not allowed & set(NEVER_CALL)
    assert not [action for action in allowed if "*" in action]
    assert not allowed & OPT_IN, "what bills is allowed by the policy of who opted in"


@pytest.mark.parametrize("deployment", DEPLOYED, ids=lambda item: item["name"])
def test_each_entrypoint_is_a_flow(deployment: dict[str, str]) -> None:
    from prefect import Flow

    module, _, name = deployment["entrypoint"].rpartition(".")
    assert isinstance(getattr(import_module(module), name), Flow)
