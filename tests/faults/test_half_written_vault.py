"""A vault left half written by a crash, or by a disk: repaired where that is safe, refused aloud where it is not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from killing import Point, is_as_killed, is_sound, kill
from slices import EIGHT
from told import told
from worlds import Founder, Organisation, json_of

from flows.vault.receipts import RECEIPT_MEDIA_TYPE

pytestmark = pytest.mark.faults

TAMPERED, INCOMPLETE = 4, 5
COLLECT = ("collect", "-k", "aws.ec2.volumes", "--region", "us-east-1", "--slot", "adhoc/half-written")
TRUSTED = ("verify", "--trust", "trust-policy.json")


@pytest.fixture
def place(organisation: Founder, tmp_path: Path) -> Organisation:
    return organisation(tmp_path, frameworks=["soc2"], requirements=EIGHT)


def test_an_entry_without_checkpoint_is_told_and_repaired_by_the_next_start(place: Organisation) -> None:
    point = Point("after", "run-open", checkpoints=0)
    kill(place, point, COLLECT)
    is_as_killed(place, point)
    report = place.evidence(*TRUSTED, "--json")
    assert report.returncode == INCOMPLETE, report.stdout
    assert "checkpoint-missing" in {problem["type"] for problem in json_of(report)["problems"]}
    stale, fresh = (place.vault_folder / ".tmp" / name for name in ("stale", "fresh"))
    stale.write_bytes(b"what a writer that died has left")
    fresh.write_bytes(b"what another writer is writing")
    os.utime(stale, (time.time() - 7200, time.time() - 7200))

    done = place.evidence(*COLLECT)

    assert done.returncode == 1, done.stderr
    assert "resumed" in done.stderr
    assert (stale.exists(), fresh.exists()) == (False, True)
    assert len(place.runs()) == 1
    is_sound(place)
    assert place.evidence(*TRUSTED).returncode == 0


def test_a_receipt_cut_short_is_refused_and_nothing_is_written_over(place: Organisation) -> None:
    kill(place, Point("after", RECEIPT_MEDIA_TYPE, receipts=range(1, 3)), COLLECT)
    (run,) = place.runs()
    vault = place.vault()
    key = next(iter(vault.store.keys(vault.layout.receipts(run.run_id))))
    cut_short(place.vault_folder / key)
    before = place.contents()

    line = told(place.evidence(*COLLECT), TAMPERED)

    assert key in line
    assert "evidence verify" in line
    assert place.contents() == before
    report = place.evidence(*TRUSTED, "--json")
    assert report.returncode == TAMPERED
    assert key in {problem["key"] for problem in json_of(report)["problems"]}


@pytest.mark.thorough
def test_an_entry_cut_short_is_refused_and_nothing_is_appended(place: Organisation) -> None:
    kill(place, Point("after", "checkpoint 1"), COLLECT)
    vault = place.vault()
    cut_short(place.vault_folder / vault.layout.entry(0))
    before = place.contents()
    assert "evidence verify" in told(place.evidence(*COLLECT), TAMPERED)
    assert place.contents() == before
    assert place.evidence(*TRUSTED).returncode == TAMPERED


def cut_short(path: Path) -> None:
    """As a disk does that lost the end of a file."""
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-20])
