"""`evidence doctor` says before a run what would be missing: facts, roles, and what an account would deny."""

from __future__ import annotations

from pathlib import Path

import pytest
from slices import FOUR
from worlds import Founder, json_of

from flows.demo.moto_setup import ACCOUNT_ID
from flows.demo.world import World

pytestmark = pytest.mark.journey

PART = f"permissions in {ACCOUNT_ID}"


def test_denied_actions_are_named_with_the_requirements_and_controls_they_cost(
    organisation: Founder, world: World, tmp_path: Path
) -> None:
    place = organisation(tmp_path, requirements=FOUR)
    parts = {row["part"]: row for row in json_of(place.evidence("doctor", "--json"))}
    assert parts[PART]["state"] == "ready"
    assert parts["roles"]["state"] == "warns"
    assert "data_classification" in " ".join(parts)
    world.server.control.put_facts(ACCOUNT_ID, "global", {"denied_actions": ["ec2:DescribeVolumes"]})

    done = place.evidence("doctor", "--json")

    world.server.control.put_facts(ACCOUNT_ID, "global", {"denied_actions": []})
    found = {row["part"]: row for row in json_of(done)}[PART]
    assert found["state"] == "warns"
    assert found["text"].startswith("denied: ec2:DescribeVolumes; not collected completely: EV-ENC-01; ")
    assert "164.312(a)(2)(iv)" in found["text"]
    assert "EV-IAM-01" not in found["text"]


def test_a_simulator_that_does_not_answer_is_said_and_is_no_failure(
    organisation: Founder, world: World, tmp_path: Path
) -> None:
    place = organisation(tmp_path, requirements=FOUR)
    world.faults.deny("iam:SimulatePrincipalPolicy")
    done = place.evidence("doctor", "--json")
    found = {row["part"]: row for row in json_of(done)}[PART]
    assert done.returncode == 1
    assert found["state"] == "warns"
    assert "iam:SimulatePrincipalPolicy" in found["text"]
    assert "AccessDenied" in found["text"]
