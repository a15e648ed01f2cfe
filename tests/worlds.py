"""Simulated organisations for tests that run the real command line: settings, keys and a vault of their own.

One world (emulated AWS account, SeaweedFS) serves all tests of an xdist worker, one Prefect server those of all;
each command gets a Prefect home of its own, so that nothing passes from one run to the next but what lies in the vault.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import yaml
from slices import sliced_catalogue

from evidence_schema.models.finding import Finding, Outcomes
from evidence_schema.models.names import Trigger
from evidence_schema.models.receipt import Receipt
from evidence_schema.models.transcript import Record
from evidence_schema.models.unit import Selection, Unit
from evidence_schema.verification import Report, read_trust_policy, verify_log
from flows.demo.account import fill_account
from flows.demo.object_store import ObjectStore
from flows.demo.world import World, simulated_world
from flows.observing import Silent
from flows.steps.closing import close_run
from flows.steps.gathering import Gathering
from flows.steps.judging import closed_of, findings_of, judge_run, outcomes_of, receipts_of
from flows.steps.opening import Run, RunRequest, load_run, open_run
from flows.steps.periods import adhoc_slot, month_before, month_period
from flows.steps.places import store_at, vault_at
from flows.steps.records import Records
from flows.steps.runtime import Runtime, open_runtime
from flows.steps.sources import collector_for
from flows.vault.runs import RunState
from flows.vault.vault import Vault, utc_now

PROJECT = Path(__file__).resolve().parents[1]
LOG = "simulated-clinic"
REGIONS = ("eu-central-1", "us-east-1")
NO_PREFECT = "http://127.0.0.1:1/api"
COMMAND = (sys.executable, "-m", "flows.cli")
ORCHESTRATED = ("collect", "run", "demo")
TASKS_AT_A_TIME = 8
DAYS_WITH_LOG_FILES = 4
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


def evidence_within(args: Sequence[str], env: Mapping[str, str], cwd: Path) -> Completed:
    """Run the command `evidence` in this process: its parser, its exit codes and its outputs, in that environment."""
    from flows.cli.app import run

    code: int | str | None = 0
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, env, clear=True), mock.patch.object(sys, "argv", ["evidence", *args]),
        chdir(cwd), redirect_stdout(out), redirect_stderr(err),
    ):  # fmt: skip
        try:
            run()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int), code
    return subprocess.CompletedProcess(list(args), code, out.getvalue(), err.getvalue())


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

    def evidence(self, *args: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run a command here: those that start flows as a process, any other within this one, which has its modules.

        Within a process an import that a command forgot may go unseen: each command also runs as a process somewhere,
        in tests/journeys/test_readme.py or by `process`.
        """
        if args[0] in ORCHESTRATED:
            return self.process(*args, env=env)
        return evidence_within(args, {**self.command_environment(), **(env or {})}, self.folder)

    def process(self, *args: str, env: Mapping[str, str] | None = None, timeout: float = 300) -> Completed:
        """Run a command here as a process of its own, with a Prefect home that no other command has."""
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

    def into_bucket(self, store: ObjectStore, bucket: str) -> Organisation:
        """The same folder, with the vault in a bucket."""
        self.change_settings(lambda settings: settings["vault"].pop("trial", None))
        self.change_settings(
            lambda settings: settings["vault"].update(url=f"s3://{bucket}", endpoint=store.endpoint_url)
        )
        return self.with_environment(
            EVIDENCE_VAULT_ACCESS_KEY_ID=store.admin.access_key, EVIDENCE_VAULT_SECRET_ACCESS_KEY=store.admin.secret_key
        )

    def change_settings(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Edit evidence.yaml."""
        settings = yaml.safe_load(self.settings_file.read_text(encoding="utf-8"))
        change(settings)
        self.settings_file.write_text(yaml.safe_dump(settings), encoding="utf-8")

    @property
    def vault_folder(self) -> Path:
        """Where a directory vault lies."""
        return self.folder / "vault"

    def contents(self) -> dict[str, bytes]:
        """Every file of a directory vault."""
        files = (path for path in self.vault_folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.vault_folder)): path.read_bytes() for path in files}

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
        records = Records(self.vault.artifacts, self.receipts, run.declarations)
        for unit in self.receipts:
            yield from records(unit.kind, unit)


def opened_here(place: Organisation, selection: Selection, slot: str) -> tuple[Runtime, Run]:
    """Open last month's run of a slot in this process, or join it."""
    runtime = open_runtime(place.settings_file)
    period = month_period(month_before(runtime.clock()))
    return runtime, open_run(runtime, RunRequest(slot, Trigger.AD_HOC, selection, period))


def collected_here(place: Organisation, selection: Selection, slot: str | None = None) -> Gathered:
    """Open or join, gather, close and judge last month in this process: a run without orchestrator and workbook."""
    with mock.patch.dict(os.environ, place.environment, clear=True):
        runtime, run = opened_here(place, selection, slot or adhoc_slot())
        gathering = Gathering(run, runtime.vault, collector_for(run, runtime.clock), runtime.clock, Silent())
        with ThreadPoolExecutor(TASKS_AT_A_TIME) as pool:
            for keys in (gathering.preflights, gathering.others):
                list(pool.map(lambda key: gathering.gather(key.service, key.account, key.region), keys))
        state = judge_run(runtime.vault, close_run(run, runtime.vault, gathering.receipts(), runtime.clock))
        return Gathered(runtime.vault, state)


@dataclass
class Founder:
    """Founds organisations. `evidence init` runs once for each choice of options; further folders are copies of it."""

    world: World
    prefect_url: str
    templates: Path
    _known: dict[tuple[object, ...], Organisation] = field(default_factory=dict)

    def __call__(
        self,
        folder: Path,
        *,
        regions: Sequence[str] = REGIONS,
        frameworks: Sequence[str] = (),
        requirements: Sequence[str] = (),
        bucket: str | None = None,
        store: ObjectStore | None = None,
    ) -> Organisation:
        """A folder with settings, keys and trust policy: a vault in `bucket`, else in the folder `vault` below it.

        Where `requirements` are named, its catalogue has no others.
        """
        choice = (tuple(regions), tuple(frameworks), tuple(requirements))
        if choice not in self._known:
            place = self.templates / str(len(self._known))
            self._known[choice] = founded(place, self.world, self.prefect_url, regions, frameworks)
            if requirements:
                catalogue = str(sliced_catalogue(self.templates / f"catalogue-{len(self._known)}", requirements))
                self._known[choice].change_settings(lambda settings: settings.update(catalogue=catalogue))
        shutil.copytree(self._known[choice].folder, folder, dirs_exist_ok=True)
        organisation = Organisation(folder, environment_of(folder, self.world, self.prefect_url))
        return organisation.into_bucket(store or self.world.store, bucket) if bucket else organisation


def founded(
    folder: Path,
    world: World,
    prefect_url: str,
    regions: Sequence[str] = REGIONS,
    frameworks: Sequence[str] = (),
    passphrase: str | None = None,
    timestamp: str | None = None,
) -> Organisation:
    """Run `evidence init` in a new folder, for a vault in the folder `vault` below it."""
    folder.mkdir(parents=True, exist_ok=True)
    organisation = Organisation(folder, environment_of(folder, world, prefect_url)).with_environment(
        EVIDENCE_KEY_PASSPHRASE=passphrase
    )
    made = organisation.evidence(
        "init", "--organisation", "SIMULATED Clinic", "--log", LOG, "--account", world.filled.account, "--simulated",
        "--vault", "vault", "--keys", "keys", *(part for region in regions for part in ("--region", region)),
        *(part for framework in frameworks for part in ("--framework", framework)),
        *(("--timestamp", timestamp) if timestamp else ()),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return organisation


def environment_of(folder: Path, world: World, prefect_url: str) -> dict[str, str]:
    """What commands in this folder see: the emulated account, the worker's Prefect server, and nothing real."""
    return {
        **plain_environment(folder / "home"),
        **world.account_environment(),
        "EVIDENCE_CONFIG": str(folder / "evidence.yaml"),
        "PREFECT_API_URL": prefect_url,
    }


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


@contextmanager
def world_with_few_log_files(folder: Path, *, whole: bool) -> Iterator[World]:
    """A world whose account is filled as of now; `whole`: with what all requirements look at, in twice the time.

    A month of log files takes long to read: only the last days of it have some.
    """
    now = datetime.now(UTC)
    last = now.date().replace(day=1) - timedelta(days=1)
    with simulated_world(folder, fill=False) as world:
        days = (last - timedelta(days=DAYS_WITH_LOG_FILES - 1), last)
        account = fill_account(world.account_url, now=now, log_days=days, whole=whole)
        world.clear_accesses()
        yield with_credential_report(replace(world, account=account))
