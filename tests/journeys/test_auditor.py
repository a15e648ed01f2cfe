"""The auditor: real log files counted, findings made again elsewhere, a workbook traced to its log."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import boto3
import pytest
from worlds import Founder, Organisation, evidence, locked_bucket

from evidence_schema.models.unit import Unit
from flows.demo.world import World
from flows.steps.judging import closed_of, find_run, receipts_of
from flows.steps.opening import load_run
from flows.steps.records import Records

pytestmark = pytest.mark.journey

DAY = "2023/07/10"


@pytest.fixture(scope="module")
def real_logs(shared: Path) -> list[Path]:
    found = sorted((shared / "data" / "cloudtrail" / "logs").glob("*.json"))
    assert len(found) == 14
    return found


def put_as_aws_does(world: World, logs: list[Path]) -> None:
    """Gzip, and the names below the trail's prefix; the account in the prefix is the emulated one."""
    client = boto3.client("s3", endpoint_url=world.account_url, region_name="eu-central-1", **world.credentials)
    for path in logs:
        region = path.name.split("_")[2]
        key = f"AWSLogs/{world.filled.account}/CloudTrail/{region}/{DAY}/{path.name}.gz"
        client.put_object(Bucket=world.filled.trail_bucket, Key=key, Body=gzip.compress(path.read_bytes()))


def test_real_log_files_are_counted_like_an_independent_reader_counts_them(
    organisation: Founder, world: World, real_logs: list[Path], tmp_path: Path
) -> None:
    expected = Counter(event["eventSource"] for path in real_logs for event in json.loads(path.read_bytes())["Records"])
    assert expected.total() > 500
    put_as_aws_does(world, real_logs)
    clinic = organisation(tmp_path, requirements=("EV-LOG-06",), bucket=locked_bucket(world.store))
    done = clinic.evidence(
        "collect", "--kind", "aws.cloudtrail.log_files", "--region", "us-east-1",
        "--from", "2023-07-10", "--to", "2023-07-11", "--json",
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    vault = clinic.vault()
    state = find_run(vault, json.loads(done.stdout)["run_id"])
    run = load_run(vault, state)
    receipts = {receipt.unit: receipt for receipt in receipts_of(vault, closed_of(state))}
    unit = Unit(kind="aws.cloudtrail.log_files", account=world.filled.account, region="us-east-1")
    records = list(Records(vault.artifacts, receipts, run.declarations)(unit.kind, unit))
    assert len(records) == len(real_logs)
    counted: Counter[str] = Counter()
    for record in records:
        counted.update(record.fields["BySource"])
    assert counted == expected
    assert receipts[unit].items.returned == receipts[unit].items.kept


def test_findings_are_made_again_in_another_folder_without_aws_credentials(trial: Organisation, tmp_path: Path) -> None:
    """A copy of a vault folder, an empty home, no AWS: the same bytes. Those of personal kinds need the data keys."""
    done = trial.evidence("run", "monthly", "--json")
    assert done.returncode == 1, done.stderr
    shutil.copytree(trial.folder / "vault", tmp_path / "copy")
    program = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    bare = {**program, "HOME": str(tmp_path / "home")}
    again = evidence(
        ["reperform", "--vault", str(tmp_path / "copy"), "--out", str(tmp_path / "findings.jsonl"), "--json"],
        bare,
        tmp_path,
    )
    assert again.returncode == 1, again.stderr
    told = json.loads(again.stdout)
    assert (told["identical"], told["complete"], told["personal"]) == (True, False, "not compared")
    assert {unit.split()[0] for unit in told["not_judged"]} == {
        "aws.iam.credential_report", "aws.iam.users", "aws.cloudtrail.log_files",
    }  # fmt: skip
    assert told["findings"] > 100
    with_keys = ["reperform", "--vault", str(tmp_path / "copy"), "--config", str(trial.settings_file), "--json"]
    opened = evidence(with_keys, bare, tmp_path)
    assert opened.returncode == 0, opened.stderr
    whole = json.loads(opened.stdout)
    assert (whole["identical"], whole["complete"], whole["personal"]) == (True, True, "identical")
    judged = trial.vault().runs.runs()[-1].judged
    assert judged is not None
    assert (tmp_path / "findings.jsonl").read_bytes() == trial.vault().blobs.read(judged.findings, limit=1 << 28)


def test_a_workbook_is_traced_to_its_log_and_a_changed_one_is_not(trial: Organisation) -> None:
    book = next((trial.folder / "workbooks").glob("*HIPAA*.xlsx"))
    good = trial.evidence("verify", "--trust", "trust-policy.json", "--workbook", str(book))
    assert good.returncode == 0, good.stdout + good.stderr
    changed = trial.folder / "changed.xlsx"
    changed.write_bytes(book.read_bytes()[:-1] + b"\x01")
    assert trial.evidence("verify", "--trust", "trust-policy.json", "--workbook", str(changed)).returncode == 4


def test_a_workbook_compiled_again_has_the_same_bytes(trial: Organisation, tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in (trial.folder / "workbooks").glob("*.xlsx")}
    assert len(first) == 3
    assert trial.evidence("workbook", "--folder", str(tmp_path)).returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.xlsx")} == first


def test_a_kept_checkpoint_names_a_log_that_lost_its_newest_run(trial: Organisation, tmp_path: Path) -> None:
    """Without an anchor this is the one class that stays undetected; with one it is named."""
    kept = tmp_path / "kept"
    assert trial.evidence("verify", "--trust", "trust-policy.json", "--save-checkpoint", str(kept)).returncode == 0
    copy = tmp_path / "copy"
    shutil.copytree(trial.folder / "vault", copy)
    entries = sorted(copy.glob("v1/*/entry/*"))
    checkpoints = sorted(copy.glob("v1/*/checkpoint/*"))
    for path in (entries[-1], checkpoints[-1]):
        path.unlink()
    policy = str(trial.folder / "trust-policy.json")
    assert trial.evidence("verify", str(copy), "--trust", policy).returncode in (0, 5)
    assert trial.evidence("verify", str(copy), "--trust", policy, "--kept", str(kept)).returncode == 4
