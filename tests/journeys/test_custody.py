"""What a run wrote into a locked bucket is asked about again, and the answer is evidence of the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from worlds import Founder, Gathered, Organisation, collected_here, json_of, locked_bucket

from evidence_schema.canonical import parse_canonical
from evidence_schema.digest import Digest
from evidence_schema.models.custody import CustodyHeader, ObjectCustody
from evidence_schema.models.names import LockMode
from evidence_schema.models.unit import Selection
from flows.demo.world import World
from flows.steps.custody import drawing_rank, read_custody
from flows.steps.judging import closed_of, judged_of
from flows.steps.opening import load_run
from flows.vault.vault import Vault

pytestmark = pytest.mark.journey

SLICE = ("EV-IAM-01", "EV-COL-02")


@pytest.fixture(scope="module")
def place(session_world: World, organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    folder = tmp_path_factory.mktemp("custody")
    return organisation(folder, requirements=SLICE, bucket=locked_bucket(session_world.store))


@pytest.fixture(scope="module")
def gathered(place: Organisation) -> Gathered:
    return collected_here(place, Selection())


def custody_of(vault: Vault, digest: Digest) -> tuple[CustodyHeader, list[ObjectCustody]]:
    first, *rest = vault.blobs.lines(digest)
    return (
        CustodyHeader.model_validate(parse_canonical(first)),
        [ObjectCustody.model_validate(parse_canonical(line)) for line in rest],
    )


def test_version_checksum_mode_and_date_of_what_a_run_wrote_are_its_evidence(gathered: Gathered) -> None:
    vault, state = gathered.vault, gathered.state
    judged, closed = judged_of(state), closed_of(state)
    assert judged.custody is not None
    header, rows = custody_of(vault, judged.custody)
    assert (header.requirement, header.run_id, header.objects) == ("EV-COL-02", state.run_id, len(rows))
    assert (header.unlocked, header.differing) == (0, 0)
    by_key = {row.key: row for row in rows}
    layout = vault.layout
    committed = [layout.entry(state.open.seq), layout.entry(closed.seq), layout.checkpoint(closed.seq + 1)]
    documents = (state.open.catalogue, state.open.plan, state.open.settings, closed.manifest, judged.findings)
    for key in (*committed, *(layout.blob(digest) for digest in documents)):
        row, bytes_there = by_key[key], vault.store.read(key, limit=1 << 28)
        assert row.custody is not None
        assert (row.size, row.checksum) == (len(bytes_there), Digest.of(bytes_there))
        assert row.custody.lock_mode is LockMode.GOVERNANCE
        assert row.custody.retain_until is not None
        assert row.custody.retain_until > header.read_at
        assert row.custody.version_id in {found.version for found in vault.store.versions(key)}
    assert judged.counts["custody asked"] == len(rows)
    assert judged.counts["custody not as it must be"] == 0


def test_the_sample_of_artifacts_can_be_drawn_again_by_anybody(gathered: Gathered) -> None:
    vault, manifest = gathered.vault, closed_of(gathered.state).manifest
    header, rows = custody_of(vault, judged_of(gathered.state).custody or Digest(b""))
    blobs = [blob.digest for receipt in gathered.receipts.values() for blob in receipt.blobs]
    drawn = sorted(blobs, key=lambda digest: drawing_rank(manifest, digest))[: header.sampled]
    assert header.artifacts == len(blobs)
    assert {vault.layout.blob(digest) for digest in drawn} == {row.key for row in rows if row.what == "artifact"}


def test_verify_and_package_carry_the_custody_of_a_run(place: Organisation, gathered: Gathered, tmp_path: Path) -> None:
    custody = judged_of(gathered.state).custody
    assert custody is not None
    bag = tmp_path / "bag"
    made = place.evidence("package", "--out", str(bag), "--json")
    assert made.returncode in (0, 1), made.stderr
    (drawn,) = bag.rglob(f"{gathered.state.run_id}_custody.jsonl")
    assert Digest.of(drawn.read_bytes()) == custody
    program = [sys.executable, str(next(bag.rglob("verify.py"))), str(bag), "--trust", str(place.trust)]
    checked = subprocess.run(program, capture_output=True, text=True, check=False)
    ours = place.evidence("verify", str(bag), "--trust", str(place.trust))
    assert (checked.returncode, ours.returncode) == (0, 0), checked.stdout + ours.stdout
    assert "Traceback" not in checked.stderr
    assert "entry-blob-missing" not in checked.stdout
    assert "subject-differs" not in checked.stdout


def test_doctor_proves_the_lock_with_a_real_object(place: Organisation) -> None:
    rows = {row["part"]: row for row in json_of(place.evidence("doctor", "--json"))}
    assert rows["lock proven"]["state"] == "ready"
    assert "deletion of its version were refused" in rows["lock proven"]["text"]


def test_a_bypassed_lock_a_second_look_finds(place: Organisation, gathered: Gathered, world: World) -> None:
    """An administrator who may bypass GOVERNANCE deletes one artifact's version and puts the same bytes back."""
    vault, state = gathered.vault, gathered.state
    _, rows = custody_of(vault, judged_of(state).custody or Digest(b""))
    victim = next(row for row in rows if row.what == "artifact")
    bucket = vault.store.describe().url.removeprefix("s3://")
    admin, data = world.store.client(), vault.store.read(victim.key, limit=1 << 28)
    assert victim.custody is not None
    admin.delete_object(
        Bucket=bucket, Key=victim.key, VersionId=victim.custody.version_id, BypassGovernanceRetention=True
    )
    admin.put_object(Bucket=bucket, Key=victim.key, Body=data)

    with mock.patch.dict(os.environ, place.environment):
        from flows.steps.runtime import open_runtime

        writer = open_runtime(place.settings_file).vault
        again = read_custody(writer, load_run(writer, state), closed_of(state), ())

    assert again is not None
    assert (again.header.unlocked, again.header.differing) == (1, 1)
    assert place.verified().exit_code == 0  # the bytes are the same: only the lock's story tells
