"""A month with calls that are denied, throttled, refused by region or token: told apart everywhere, never better."""

from __future__ import annotations

from pathlib import Path

import pytest
from slices import FIVE
from truth import nothing_looks_better
from workbooks import Book, says_what_the_manifest_says
from worlds import REGIONS, Completed, Founder, Gathered, Organisation, json_of

from evidence_schema.models.names import GatherResult, Outcome
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.unit import Unit
from flows.demo.moto_setup import ACCOUNT_ID
from flows.demo.world import World

pytestmark = pytest.mark.faults

HOME, OTHER = REGIONS


@pytest.fixture
def place(organisation: Founder, tmp_path: Path) -> Organisation:
    return organisation(tmp_path, frameworks=["soc2"], requirements=FIVE)


def test_denied_calls_are_told_apart_and_nothing_looks_better(
    place: Organisation, world: World, undisturbed: Gathered
) -> None:
    point = next(record for record in undisturbed.records() if record.kind == "aws.backup.recovery_points")
    world.faults.deny("ec2:DescribeVolumes", region=OTHER)
    world.faults.deny("backup:ListBackupJobs", region=HOME, after=1)
    world.faults.deny("cloudtrail:GetTrailStatus", region=HOME)
    world.faults.deny("backup:DescribeRecoveryPoint", item=point.id)
    world.faults.deny("iam:GetCredentialReport")

    done = place.evidence("run", "monthly", "--json")

    gathered = closed(place, done, exit_code=1)
    expected = {
        unit("aws.ec2.volumes", OTHER): (GatherResult.DENIED, "DescribeVolumes", "UnauthorizedOperation"),
        unit("aws.backup.jobs", HOME): (GatherResult.PARTIAL, "ListBackupJobs", "AccessDeniedException"),
        unit("aws.cloudtrail.trails", HOME): (GatherResult.PARTIAL, "GetTrailStatus", "AccessDeniedException"),
        unit("aws.backup.recovery_points", point.region): (
            GatherResult.PARTIAL, "DescribeRecoveryPoint", "AccessDeniedException",
        ),
        unit("aws.iam.credential_report"): (GatherResult.DENIED, "GetCredentialReport", "AccessDenied"),
    }  # fmt: skip
    troubled = {key: row for key, row in gathered.receipts.items() if not row.result.is_complete}
    assert {key: _told(row) for key, row in troubled.items()} == expected
    assert all(problem.result == "denied" for row in troubled.values() for problem in row.problems)
    jobs = unit("aws.backup.jobs", HOME)
    assert 0 < gathered.receipts[jobs].items.kept < undisturbed.receipts[jobs].items.kept
    assert json_of(done)["accounts_stopped"] == []
    nothing_looks_better(gathered, undisturbed)
    says_what_the_manifest_says(Book(place.folder / "workbooks"), gathered)
    assert "with gaps" in Book(place.folder / "workbooks").note("Exceptions")


def test_a_service_throttled_for_ever_has_failed_and_nothing_looks_better(
    place: Organisation, world: World, undisturbed: Gathered
) -> None:
    world.faults.throttle("cloudtrail")

    done = place.evidence("run", "monthly", "--json")

    gathered = closed(place, done, exit_code=1)
    failed = {key for key, row in gathered.receipts.items() if not row.result.is_complete}
    assert failed == {key for key in undisturbed.receipts if key.kind.startswith("aws.cloudtrail.")}
    assert {gathered.receipts[key].result for key in failed} == {GatherResult.FAILED}
    for region in REGIONS:
        trails = gathered.receipts[unit("aws.cloudtrail.trails", region)]
        assert _told(trails) == (GatherResult.FAILED, "DescribeTrails", "ThrottlingException")
        assert trails.calls.retries == 4
        assert "aws.cloudtrail.trails" in gathered.receipts[unit("aws.cloudtrail.log_files", region)].reason
    nothing_looks_better(gathered, undisturbed)
    says_what_the_manifest_says(Book(place.folder / "workbooks"), gathered)


def test_a_disabled_region_is_unavailable_and_no_gap_by_itself(
    place: Organisation, world: World, undisturbed: Gathered
) -> None:
    world.faults.disable_region(OTHER)

    done = place.evidence("run", "monthly", "--json")

    gathered = closed(place, done, exit_code=1)
    lost = {key for key, row in gathered.receipts.items() if row.result is GatherResult.UNAVAILABLE}
    assert lost == {key for key in undisturbed.receipts if key.region == OTHER}
    assert all(OTHER in gathered.receipts[key].reason for key in lost)
    assert all(row.result.is_complete for row in gathered.receipts.values())
    assert not any(access.region == OTHER for access in world.accesses())
    assert not any(outcome.outcome is Outcome.NOT_COLLECTED for outcome in gathered.outcomes.requirements)
    nothing_looks_better(gathered, undisturbed)
    book = Book(place.folder / "workbooks")
    says_what_the_manifest_says(book, gathered)
    assert {row["Status"] for row in book.rows("Evidence register") if row["Region"] == OTHER} == {"unavailable"}


def test_a_token_that_expires_in_mid_run_stops_the_account_and_nothing_looks_better(
    place: Organisation, world: World, undisturbed: Gathered
) -> None:
    world.faults.expire_token_after(100)

    done = place.evidence("run", "monthly", "--json")

    gathered = closed(place, done, exit_code=3)
    assert json_of(done)["accounts_stopped"] == [ACCOUNT_ID]
    failed = [row for row in gathered.receipts.values() if not row.result.is_complete]
    assert 0 < len(failed) < len(gathered.receipts)
    assert {row.result for row in failed} == {GatherResult.FAILED}
    stopped = [row for row in failed if row.reason.startswith("credentials refused")]
    assert stopped
    assert all("start the same slot again" not in row.reason or "Expired" in row.reason for row in stopped)
    refused = [access for access in world.accesses() if access.fault == "expire"]
    assert len(refused) <= 2 * len({row.unit.region for row in failed}) * 8, "calls went on with an expired token"
    nothing_looks_better(gathered, undisturbed)
    says_what_the_manifest_says(Book(place.folder / "workbooks"), gathered)


def closed(place: Organisation, done: Completed, *, exit_code: int) -> Gathered:
    """The run ended well, whatever the account answered: closed, judged, sound."""
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    gathered = place.gathered()
    report = place.verified()
    assert (report.exit_code, report.problems) == (0, ())
    counts = {name: int(count) for name, count in json_of(done)["results"].items()}
    assert counts == {str(name): count for name, count in gathered.state.close.results.items()}
    return gathered


def unit(kind: str, region: str = "global") -> Unit:
    return Unit(kind=kind, account=ACCOUNT_ID, region=region)


def _told(receipt: Receipt) -> tuple[GatherResult, str, str]:
    (problem,) = receipt.problems
    return receipt.result, problem.operation, problem.code
