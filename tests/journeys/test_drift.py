"""What changed between two runs: the account's own changes, and apart from them those of rules and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from slices import FOUR
from worlds import Founder, collected_here, json_of

from evidence_schema.models.unit import Selection
from flows.demo.world import World

pytestmark = pytest.mark.journey

REGION = "us-east-1"


def test_changes_of_the_account_are_told_apart_from_those_of_the_rules(
    unorchestrated: Founder, world: World, tmp_path: Path
) -> None:
    place = unorchestrated(tmp_path, regions=[REGION], requirements=FOUR)
    ec2: Any = boto3.client("ec2", endpoint_url=world.account_url, region_name=REGION, **world.credentials)
    gone = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)["VolumeId"]
    asked = Selection(requirements=("EV-ENC-01", "EV-IAM-01"))
    first = collected_here(place, asked)
    ec2.delete_volume(VolumeId=gone)
    new = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=False)["VolumeId"]
    kept = next(row for row in first.records() if row.kind == "aws.ec2.volumes" and row.id != gone)
    ec2.create_tags(Resources=[kept.id], Tags=[{"Key": "owner", "Value": "somebody else"}])
    override = {"value": 30, "approved_by": "security officer", "reason": "ours", "as_of": "2026-11-01T00:00:00Z"}
    place.change_settings(lambda settings: settings.update(parameters={"EV-IAM-01-C3.max_key_age_days": override}))
    world.faults.deny("ec2:DescribeSnapshots")
    second = collected_here(place, asked)
    world.faults.clear()

    done = place.evidence("diff", first.state.run_id, second.state.run_id, "--json")

    assert done.returncode == 1, done.stderr
    told = json_of(done)
    changes = {(row["kind"], row["id"], row["change"]): row for row in told["account"]}
    assert set(changes) == {
        ("aws.ec2.volumes", gone, "removed"),
        ("aws.ec2.volumes", new, "added"),
        ("aws.ec2.volumes", kept.id, "changed"),
        ("aws.ec2.snapshots", "", "not comparable"),
    }
    assert changes["aws.ec2.volumes", kept.id, "changed"]["fields"] == ["Tags"]
    assert "denied in the second" in changes["aws.ec2.snapshots", "", "not comparable"]["why"]
    assert told["rules"] == [{"part": "parameter", "name": "EV-IAM-01-C3.max_key_age_days", "change": "added"}]
    again = place.evidence("diff", first.state.run_id, first.state.run_id)
    assert again.returncode == 2
    assert "expected two runs" in again.stderr


def test_two_runs_of_an_account_that_stood_still_do_not_differ(
    unorchestrated: Founder, world: World, tmp_path: Path
) -> None:
    place = unorchestrated(tmp_path, regions=[REGION], requirements=FOUR)
    first, second = (collected_here(place, Selection(requirements=("EV-ENC-01",))) for _ in range(2))
    done = place.evidence("diff", first.state.run_id, second.state.run_id)
    assert done.returncode == 0, done.stdout
    assert "In the account (0)" in done.stdout
