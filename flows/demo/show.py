"""The demonstration: the product's own commands, run one after the other on a simulated world.

Real: the S3 server with its locks, Prefect, signing, judging, workbooks, verification. Simulated: the AWS account (moto
behind a gate; what moto lacks, AWS Backup jobs among it, answers from a local server of ours). The commands are those
that a person types; each is shown before it runs.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controls.documents import dump_yaml, load_yaml
from flows.demo.errors import DemoError
from flows.demo.facts import supplied_facts
from flows.demo.world import World, simulated_world

LOG = "simulated-clinic"
REGIONS = ("eu-central-1", "us-east-1")
FAIL, TAMPERED, OK = 1, 4, 0


@dataclass(frozen=True)
class Stage:
    """Where the demonstration plays: its folder and the environment of its commands."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, expect: tuple[int, ...] = (OK,)) -> None:
        """Run a command of the product as a person would; raises DemoError for an exit code nobody expects."""
        print(f"\n$ evidence {shlex.join(arguments)}", flush=True)
        code = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments], cwd=self.folder, env=self.environment, check=False
        ).returncode
        print(f"(exit code {code})", flush=True)
        if code not in expect:
            raise DemoError(f"expected exit code {' or '.join(map(str, expect))} of `{arguments[0]}`, found {code}")


def show(folder: Path) -> int:
    """Play it whole; returns the exit code."""
    began = time.monotonic()
    folder = folder.absolute()
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    place = folder / f"SIMULATED-{stamp}"
    place.mkdir(parents=True)
    _title("SIMULATED: an emulated AWS account (moto; AWS Backup jobs from a local server) and a real S3 server")
    with simulated_world(place / "world") as world:
        print(f"ready after {time.monotonic() - began:.0f} s", flush=True)
        stage = Stage(place, _environment(world, place))
        _play(stage, world)
    _end(place, time.monotonic() - began)
    return OK


def _play(stage: Stage, world: World) -> None:
    _title("1. Found a log: settings, keys, and the trust policy that an auditor pins")
    stage.run(
        "init", "--organisation", "SIMULATED Clinic", "--log", LOG, "--account", world.filled.account,
        *(part for region in REGIONS for part in ("--region", region)), "--vault", f"s3://{world.vault_bucket}",
        "--endpoint", world.store.endpoint_url, "--keys", "keys", "--simulated", "--hipaa-role", "covered_entity",
        "--gdpr-role", "controller", "--soc2-category", "availability", "--soc2-category", "confidentiality",
        "--approved-by", "SIMULATED privacy officer",
    )  # fmt: skip
    print(f"supplied facts of the SIMULATED organisation are written to evidence.yaml: {_supply_facts(stage)}")
    _title("2. The month: collect, seal, judge, compile three workbooks (exit code 1: there are findings)")
    stage.run("run", "monthly", expect=(FAIL,))
    _title("3. Verify everything by the pinned policy, then judge again from the stored evidence")
    stage.run("verify", "--trust", "trust-policy.json", "--save-checkpoint", "kept-checkpoint")
    stage.run("reperform", "--out", "findings-again.jsonl")
    _title("4. One byte of one stored artifact is changed behind the lock; the verifier names it")
    changed = world.tamper(_victim(stage))
    print(f"changed byte {changed.offset} of {changed.key} on the S3 server's disk", flush=True)
    stage.run("verify", "--trust", "trust-policy.json", "--kept", "kept-checkpoint", expect=(TAMPERED,))


def _supply_facts(stage: Stage) -> int:
    """Add what only the organisation knows to its settings; returns how many facts."""
    path = stage.folder / "evidence.yaml"
    facts = supplied_facts()
    settings = load_yaml(path).data | {"facts": facts}
    path.write_text(dump_yaml(settings), encoding="utf-8")
    return len(facts)


def _victim(stage: Stage) -> str:
    """A transcript of the run: bytes that findings rest on."""
    from flows.steps.judging import closed_of, find_run, receipts_of
    from flows.steps.places import vault_at

    os.environ.update({name: value for name, value in stage.environment.items() if name.startswith("EVIDENCE_")})
    vault = vault_at(None, str(stage.folder / "evidence.yaml"))
    for receipt in receipts_of(vault, closed_of(find_run(vault, None))):
        if receipt.transcript is not None and receipt.unit.kind == "aws.ec2.volumes":
            return vault.layout.blob(receipt.transcript.digest)
    raise DemoError("expected a transcript of aws.ec2.volumes in the vault, found none")


def _environment(world: World, place: Path) -> dict[str, str]:
    return {
        **os.environ,
        **world.account_environment(),
        "EVIDENCE_CONFIG": str(place / "evidence.yaml"),
        "EVIDENCE_VAULT_ACCESS_KEY_ID": world.store.writer.access_key,
        "EVIDENCE_VAULT_SECRET_ACCESS_KEY": world.store.writer.secret_key,
        "PREFECT_HOME": str(place / "world" / "prefect"),
        "COLUMNS": os.environ.get("COLUMNS", "120"),
    }


def _title(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def _end(place: Path, seconds: float) -> None:
    books = sorted((place / "workbooks").glob("*.xlsx"))
    _title(f"Done in {seconds:.0f} s. The servers are gone; what they made is SIMULATED and lies here:")
    for book in books:
        print(f"  {book}")
    print(
        "Next: open a workbook; `evidence controls show 164.312(b)`; `evidence controls show EV-IAM-01`;\n"
        "then `evidence init` with an account of your own (the README has the three journeys as commands)."
    )
