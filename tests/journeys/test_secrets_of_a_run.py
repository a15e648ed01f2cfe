"""Secrets planted in the answers of an account: none is in any byte of what a run leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from planted import found_in
from planting import Planting, endless, planted_account
from worlds import Completed, Founder, Organisation

from evidence_schema.models.names import FindingResult
from flows.demo.world import World

pytestmark = [pytest.mark.journey]

KINDS = (
    "aws.lambda.functions", "aws.ecs.task_definitions", "aws.codebuild.projects", "aws.cloudformation.stacks",
    "aws.ssm.session_preferences", "aws.ssm.parameters", "aws.glue.jobs", "aws.glue.job_runs", "aws.ec2.instances",
    "aws.autoscaling.launch_configurations", "aws.rds.option_groups", "aws.stepfunctions.state_machines",
    "aws.dms.endpoints", "aws.logs.metric_filters", "aws.batch.job_queues",
)  # fmt: skip


@dataclass(frozen=True)
class Left:
    """What a run left behind, and what it said."""

    place: Organisation
    planting: Planting
    collected: Completed
    compiled: Completed

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Every byte: vault, workbooks, Prefect's home with database and logs, and both outputs of each command."""
        for path in sorted(self.place.folder.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self.place.folder)), path.read_bytes()
        for name, done in (("collect", self.collected), ("workbook", self.compiled)):
            yield f"{name} stdout", done.stdout.encode()
            yield f"{name} stderr", done.stderr.encode()


@pytest.fixture(scope="module")
def left(organisation: Founder, session_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """One region, the kinds of the hot spots, by the command line with a Prefect API of its own."""
    session_world.faults.clear()
    founded = organisation(tmp_path_factory.mktemp("planted") / "place", regions=("eu-central-1",))
    with planted_account(session_world.account_url, endless()) as planting:
        place = founded.with_environment(AWS_ENDPOINT_URL=planting.url, PREFECT_API_URL=None)
        collected = place.evidence("collect", *(part for kind in KINDS for part in ("--kind", kind)))
        compiled = place.evidence("workbook", "--folder", "workbooks")
        yield Left(place, planting, collected, compiled)


def test_every_planted_operation_was_asked_and_the_run_went_through(left: Left) -> None:
    assert set(left.planting.answers) - left.planting.asked == set()
    assert left.collected.returncode in (0, 1), left.collected.stderr
    assert left.compiled.returncode == 0, left.compiled.stderr
    assert len(list((left.place.folder / "workbooks").iterdir())) == 3


def test_no_planted_secret_is_in_any_byte_that_a_run_leaves(left: Left, figure: Callable[[str], None]) -> None:
    plants = left.planting.plants
    sorts = {plant.sort for plant in plants}
    assert len(plants) >= 60
    assert len(sorts) >= 15
    contents = list(left.contents())
    names = [name for name, _ in contents]
    assert any("prefect" in name and name.endswith(".db") for name in names), "Prefect's database was looked at"
    stored = found_in([plant.secret for plant in plants], contents)
    size = sum(len(content) for _, content in contents)
    figure(
        f"planted in a run: {len(plants)} secrets of {len(sorts)} sorts in {len(left.planting.answers)} operations; "
        f"looked at {len(contents)} files, {size:,} bytes; stored {len(stored)}"
    )
    assert stored == []


def test_what_was_cut_stands_in_the_transcripts_by_pointer_and_rule(left: Left) -> None:
    rules = {count.rule for row in left.place.gathered().receipts.values() for count in row.redactions}
    assert {plant.rule for plant in left.planting.plants} - {rule.rpartition(":")[2] for rule in rules} == set()


@pytest.mark.parametrize(
    ("check", "kind"), [("EV-VUL-05-C4", "aws.ec2.instances"), ("EV-VUL-08-C5", "aws.codebuild.projects")]
)
def test_that_a_secret_stood_in_clear_fails_its_check(left: Left, check: str, kind: str) -> None:
    results = {finding.result for finding in left.place.gathered().findings if finding.check == check}
    assert FindingResult.FAIL in results


def test_settings_that_hold_a_secret_open_no_run(organisation: Founder, tmp_path: Path) -> None:
    place = organisation(tmp_path / "place", requirements=("EV-IAM-01",), regions=("eu-central-1",))
    planted = "Tr0ub4dor-and-more"
    fact = {"value": f"ask for password={planted}", "approved_by": "security officer", "as_of": "2026-11-01T00:00:00Z"}
    place.change_settings(lambda settings: settings.update(facts={"resource_owners": fact}))
    with mock.patch.dict(os.environ, place.environment):
        done = place.evidence("collect")
    assert done.returncode == 2
    assert "/facts/resource_owners/value (rule assignment)" in done.stderr
    assert planted not in done.stderr + done.stdout
    assert found_in([planted], place.contents().items()) == []
