"""Simulated organisations for tests that run the real command line: settings, keys and a vault of their own.

One world (emulated AWS account, SeaweedFS) and one Prefect server serve all tests of an xdist worker; each command
gets a Prefect home of its own, so that nothing passes from one run to the next but what lies in the vault.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

from evidence_schema.models.finding import Finding, Outcomes
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Record
from evidence_schema.models.unit import Unit
from evidence_schema.verification import Report, read_trust_policy, verify_log
from flows.demo.object_store import ObjectStore
from flows.demo.world import World
from flows.steps.judging import closed_of, findings_of, outcomes_of, receipts_of
from flows.steps.opening import load_run
from flows.steps.places import store_at, vault_at
from flows.steps.records import Records
from flows.vault.runs import RunState
from flows.vault.vault import Vault, utc_now

LOG = "simulated-clinic"
REGIONS = ("eu-central-1", "us-east-1")
COMMAND = (sys.executable, "-m", "flows.cli")
# Dozens of processes import the same modules: whatever this machine is told about byte code, they may keep it.
_DROPPED = ("AWS_", "EVIDENCE_", "PREFECT_", "PYTHONDONTWRITEBYTECODE", "XDG_")
_QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "COLUMNS": "200"}
_numbers = itertools.count()

Completed = subprocess.CompletedProcess[str]


def plain_environment(home: Path) -> dict[str, str]:
    """This process's environment without anything that could lead a command to a real account, server or home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    return kept | _QUIET | {"HOME": str(home)}


def evidence(args: Sequence[str], env: Mapping[str, str], cwd: Path | None = None, timeout: float = 300) -> Completed:
    """Run the command `evidence` as a process of its own."""
    return subprocess.run(
        [*COMMAND, *args], env=dict(env), cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )


@dataclass(frozen=True)
class Organisation:
    """A folder in which `evidence init` was run, and the environment of its commands."""

    folder: Path
    environment: Mapping[str, str]
    settings_file: Path = field(init=False)
    trust: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings_file", self.folder / "evidence.yaml")
        object.__setattr__(self, "trust", self.folder / "trust-policy.json")

    def evidence(self, *args: str, env: Mapping[str, str] | None = None, timeout: float = 300) -> Completed:
        """Run a command here, with a Prefect home that no other command has."""
        return evidence(args, {**self.command_environment(), **(env or {})}, self.folder, timeout)

    def started(self, program: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program here and do not wait for it."""
        return subprocess.Popen(
            list(program), env={**self.command_environment(), **(env or {})}, cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def command_environment(self) -> dict[str, str]:
        """The environment of the next command."""
        return {**self.environment, "PREFECT_HOME": str(self.folder / "prefect" / str(next(_numbers)))}

    def with_environment(self, **changes: str | None) -> Organisation:
        """The same folder, other variables; None takes one away."""
        merged = {**self.environment, **changes}
        return replace(self, environment={name: value for name, value in merged.items() if value is not None})

    @property
    def vault_folder(self) -> Path:
        """Where a directory vault lies."""
        return self.folder / "vault"

    def vault(self) -> Vault:
        """The vault, to read from."""
        with mock.patch.dict(os.environ, self.environment):
            return vault_at(None, str(self.settings_file))

    def verified(self) -> Report:
        """The whole vault by the pinned trust policy."""
        with mock.patch.dict(os.environ, self.environment):
            store, settings = store_at(None, str(self.settings_file))
        return verify_log(store, trust=read_trust_policy(self.trust.read_bytes()), now=utc_now(), log=settings.log)

    def runs(self) -> tuple[RunState, ...]:
        """Every run of the log."""
        return self.vault().runs.runs()

    def gathered(self, run_id: str | None = None) -> Gathered:
        """What became of a judged run: the named one, or the newest."""
        vault = self.vault()
        states = [state for state in vault.runs.runs() if run_id in (None, state.run_id)]
        return Gathered(vault, states[-1])


class Gathered:
    """A judged run, read back from its vault."""

    def __init__(self, vault: Vault, state: RunState) -> None:
        if state.judged is None:
            raise AssertionError(f"expected a judged run, found {state.run_id} without findings")
        self.vault = vault
        self.state = state
        self.receipts: dict[Unit, Receipt] = {row.unit: row for row in receipts_of(vault, closed_of(state))}
        self.findings: tuple[Finding, ...] = tuple(findings_of(vault, state.judged))
        self.outcomes: Outcomes = outcomes_of(vault, state.judged)

    def records(self) -> Iterator[Record]:
        """Every item of the run, in manifest order."""
        run = load_run(self.vault, self.state)
        records = Records(self.vault.blobs, self.receipts, run.declarations)
        for unit in self.receipts:
            yield from records(unit.kind, unit)


def founded(
    folder: Path,
    world: World,
    *,
    prefect_url: str | None = None,
    store: ObjectStore | None = None,
    bucket: str | None = None,
    regions: Sequence[str] = REGIONS,
    frameworks: Sequence[str] = (),
    passphrase: str | None = None,
) -> Organisation:
    """A folder with settings, keys and trust policy: a vault in `bucket` of `store`, else in the folder `vault`.

    Without `prefect_url` a run starts Prefect's API of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **plain_environment(folder / "home"),
        **world.account_environment(),
        "EVIDENCE_CONFIG": str(folder / "evidence.yaml"),
    }
    if prefect_url:
        environment["PREFECT_API_URL"] = prefect_url
    if passphrase:
        environment["EVIDENCE_KEY_PASSPHRASE"] = passphrase
    place = ["--vault", "vault"]
    if bucket:
        store = store or world.store
        place = ["--vault", f"s3://{bucket}", "--endpoint", store.endpoint_url]
        environment["EVIDENCE_VAULT_ACCESS_KEY_ID"] = store.admin.access_key
        environment["EVIDENCE_VAULT_SECRET_ACCESS_KEY"] = store.admin.secret_key
    organisation = Organisation(folder, environment)
    made = organisation.evidence(
        "init", "--organisation", "SIMULATED Clinic", "--log", LOG, "--account", world.filled.account, *place,
        *(part for region in regions for part in ("--region", region)), "--keys", "keys", "--simulated",
        *(part for framework in frameworks for part in ("--framework", framework)),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return organisation


def locked_bucket(store: ObjectStore) -> str:
    """A new bucket with Object Lock, whose name no other test has."""
    name = f"simulated-vault-{next(_numbers)}"
    store.create_locked_bucket(name)
    return name


def with_credential_report(world: World) -> World:
    """Let IAM make its report: the first request for one is answered otherwise than those of the next four hours."""
    client: Any = boto3.client("iam", endpoint_url=world.account_url, region_name=REGIONS[0], **world.credentials)
    while client.generate_credential_report()["State"] != "COMPLETE":
        pass
    return world


def json_of(completed: Completed) -> Any:
    """What a command with `--json` told."""
    return json.loads(completed.stdout)
