"""The scheduled month on a real Prefect server and worker: deploy, run, and the workbook lies in the vault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from worlds import Organisation

from evidence_schema.digest import Digest
from flows.children import Children

pytestmark = pytest.mark.journey

PROJECT = Path(__file__).parents[2]
PREFECT = str(Path(sys.executable).with_name("prefect"))
DEPLOYMENTS = {
    "monthly compliance/monthly",
    "verify vault/nightly-verification",
    "collect evidence/ad-hoc",
    "compile workbook/workbook",
}


@dataclass(frozen=True)
class Team:
    """One worker of the tests' Prefect server (`prefect server start`), with the product deployed."""

    url: str
    environment: dict[str, str]

    def prefect(self, *arguments: str) -> str:
        done = subprocess.run(
            [PREFECT, "--no-prompt", *arguments],
            cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=330, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, path: str, document: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(document).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def run(self, deployment: str, **parameters: object) -> None:
        """Run a deployment on the worker and wait for its end."""
        given = [part for name, value in parameters.items() for part in ("--param", f"{name}={json.dumps(value)}")]
        self.prefect("deployment", "run", deployment, "--watch", "--watch-timeout", "300", *given)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, clinic: Organisation, prefect_url: str) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("team")
    environment = {
        **os.environ,
        **clinic.environment,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": prefect_url,
        "PREFECT_WORKER_QUERY_SECONDS": "1",  # it asks for work each 10 s else
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    with Children() as children:
        team = Team(prefect_url, environment)
        team.prefect("work-pool", "create", "evidence", "--type", "process")
        team.prefect("deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
        children.start(
            [PREFECT, "worker", "start", "--pool", "evidence", "--type", "process"],
            env=environment, cwd=folder, log=folder / "worker.log", name="the worker",
        )  # fmt: skip
        yield team


def test_everything_in_prefect_yaml_is_deployed_with_its_schedule(team: Team) -> None:
    found = {
        f"{team.ask('/flows/filter', {'flows': {'id': {'any_': [item['flow_id']]}}})[0]['name']}/{item['name']}": item
        for item in team.ask("/deployments/filter", {})
    }
    assert found.keys() == DEPLOYMENTS
    monthly = found["monthly compliance/monthly"]
    assert [(item["schedule"]["cron"], item["schedule"]["timezone"]) for item in monthly["schedules"]] == [
        ("0 6 1 * *", "UTC")
    ]
    assert monthly["entrypoint"] == "flows.monthly_compliance.monthly_compliance"


def test_the_month_and_an_ad_hoc_collection_run_on_the_worker(team: Team, clinic: Organisation) -> None:
    team.run("monthly compliance/monthly", month="2026-10")
    team.run("collect evidence/ad-hoc", controls=["CC6.6"], case="INC-1234")
    runs = json.loads(clinic.evidence("status", "--json").stdout)
    assert [(run["slot"].split("/")[0], run["state"], run["case"]) for run in runs] == [
        ("monthly", "judged", ""),
        ("adhoc", "judged", "INC-1234"),
    ]
    assert len(runs[0]["workbooks"]) == 3
    assert_workbooks_are_in_the_vault(clinic)
    assert_prefect_shows_result_and_workbooks_but_no_evidence(team)
    team.run("verify vault/nightly-verification")


def assert_workbooks_are_in_the_vault(clinic: Organisation) -> None:
    vault = clinic.vault()
    exports = vault.runs.runs()[0].exports
    assert sorted(export.framework for export in exports) == ["gdpr", "hipaa", "soc2"]
    for export in exports:
        assert export.name.startswith("SIMULATED_")
        assert export.kept is not None, "it shows findings of personal kinds"
        copy = vault.artifacts.read(export.kept, export.run_id, "workbook", limit=1 << 26)
        assert (Digest.of(copy), copy[:2]) == (export.digest, b"PK")


def assert_prefect_shows_result_and_workbooks_but_no_evidence(team: Team) -> None:
    ours = {"deployments": {"name": {"any_": [name.split("/")[1] for name in DEPLOYMENTS]}}}
    artifacts = team.ask("/artifacts/filter", ours)
    kinds = {(item["key"], item["type"]) for item in artifacts}
    assert {("evidence-result", "table"), ("workbook-hipaa", "markdown")} <= kinds
    table = next(item for item in artifacts if item["key"] == "evidence-result")
    assert "EV-NET-01" in json.dumps(table["data"])
    asked = {**ours, "limit": 200}
    told = json.dumps([team.ask(f"/{what}/filter", asked) for what in ("artifacts", "flow_runs", "task_runs")])
    assert told.count("EV-NET-01") > 1
    for secret_or_evidence in ("arn:aws:iam", "sg-", "vol-", team.environment["EVIDENCE_VAULT_SECRET_ACCESS_KEY"]):
        assert secret_or_evidence not in told


def test_verify_is_sound_when_pinned_and_says_unpinned_otherwise(team: Team, clinic: Organisation) -> None:
    pinned = clinic.evidence("verify", "--trust", "trust-policy.json", "--json")
    assert pinned.returncode == 0, pinned.stdout + pinned.stderr
    assert json.loads(pinned.stdout)["problems"] == []
    assert clinic.evidence("verify").returncode == 6
