"""A rule that asks for an action which no derivation looks for could never find it."""

from __future__ import annotations

import re

import pytest
from examples import AUTOMATIC

from evidence_schema.records.iam import GUARDED


@pytest.mark.parametrize("check", ["EV-IAM-03-C4", "EV-IAM-03-C5", "EV-CHG-06-C2"])
def test_every_action_that_a_rule_names_is_looked_for(check: str) -> None:
    named = re.findall(r"'([a-z0-9-]+:[A-Z]\w+)'", " ".join(AUTOMATIC[check].rules.values()))
    assert named
    assert set(named) <= set(GUARDED)
