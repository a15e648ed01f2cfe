"""The package command, `verify.py` alone, and the README's shell lines: the same verdict on the same package.

The first two name the same broken properties. The shell lines see less: what they cannot see stands in `BROKEN` as
`shell=False`, is said in the README, and is asserted here as not seen, so that nobody promises more.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from breaking import BROKEN, Broken, checkpoints, entries, log_of, rebagged, scope_blob

from evidence_schema import merkle
from evidence_schema.checkpoint import Checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import encode_envelope, parse_envelope, sign_envelope
from evidence_schema.errors import BadReceipt
from evidence_schema.models.auditor_receipt import AuditorReceipt
from evidence_schema.models.entry import PAYLOAD_TYPE, Statement, Subject
from evidence_schema.models.package import PackageScope
from evidence_schema.note import parse_note, sign_note
from evidence_schema.verification import (
    Anchor,
    Report,
    make_receipt,
    read_receipt,
    read_trust_policy,
    verify_log,
)
from flows.report.package import verify as single
from flows.report.package.reading import PackageVault, open_package
from flows.report.package.readme import shell_lines
from flows.vault.directory import DirectoryStore
from flows.vault.keys import load_key

pytestmark = pytest.mark.journey

SINGLE = Path(single.__file__)


def by_command(place: Path, trust: Path | None, **given) -> Report:
    files = open_package(place)
    policy = read_trust_policy(trust.read_bytes()) if trust else None
    return verify_log(PackageVault(files), trust=policy, now=datetime.now(UTC), package=files, **given)


def by_single_file(place: Path, trust: Path | None, *more: str) -> tuple[int, dict]:
    """In a bare interpreter: no site-packages, no environment, no current folder."""
    policy = ["--trust", str(trust)] if trust else []
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SINGLE), str(place), *policy, "--json", *more],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def by_shell(place: Path, trust: Path) -> subprocess.CompletedProcess[str]:
    return run_lines(shell_lines((place / "README.txt").read_text()), place, trust)


def run_lines(script: str, place: Path, trust: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash"], input=script, capture_output=True, text=True, check=False, cwd=place,
        env={"PATH": "/usr/bin:/bin", "POLICY": str(trust)},
    )  # fmt: skip


def broken_of(verdicts: dict[str, str]) -> frozenset[str]:
    return frozenset(name for name, verdict in verdicts.items() if verdict == "broken")


def test_all_three_find_a_sound_package_sound(package: Path, packer) -> None:
    trust = packer.place.trust
    report = by_command(package, trust)
    assert (report.exit_code, report.problems) == (0, ())
    code, told = by_single_file(package, trust)
    assert (code, told["problems"]) == (0, [])
    assert told["left_out"] == report.left_out > 0
    done = by_shell(package, trust)
    assert (done.returncode, done.stdout) == (0, "sound as far as a shell can see\n"), done.stderr


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_all_three_agree_on_a_broken_package(broken: Broken, package: Path, packer, tmp_path: Path) -> None:
    bag, trust = tmp_path / "bag", packer.place.trust
    shutil.copytree(package, bag)
    broken.how(bag)
    if broken.rebag:
        rebagged(bag)
    report = by_command(bag, trust)
    code, told = by_single_file(bag, trust)
    by_us = broken_of({str(name): str(verdict) for name, (verdict, _) in report.verdicts.items()})
    assert by_us == broken_of(told["verdicts"]), (report.problems, told["problems"])
    assert by_us == broken.properties, report.problems
    assert report.exit_code == code == (4 if by_us - {"complete", "fresh"} else 5)
    script = shell_lines((package / "README.txt").read_text())  # the lines as published, not as the attacker wrote them
    done = run_lines(script, bag, trust)
    assert (done.returncode != 0) == broken.shell, done.stdout + done.stderr


def test_there_are_enough_broken_packages() -> None:
    assert len(BROKEN) >= 20
    assert sum(not broken.shell for broken in BROKEN) == 7


def test_a_scope_that_the_key_holder_changed_afterwards_differs_from_its_entry(
    package: Path, packer, tmp_path: Path
) -> None:
    """The insider signs the last entry again, over a scope that names another recipient than the entry."""
    bag, trust = tmp_path / "bag", packer.place.trust
    shutil.copytree(package, bag)
    signer = load_key(f"file:{next((packer.place.folder / 'keys').glob('*.pem'))}")
    scope = PackageScope.from_canonical(scope_blob(bag).read_bytes()).model_copy(update={"recipient": "friends"})
    scope_blob(bag).unlink()
    digest, data = Digest.of(scope.canonical()), scope.canonical()
    place = log_of(bag) / "blob" / "sha256" / digest.hex[:2] / digest.hex
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)
    envelope = parse_envelope(entries(bag)[-1].read_bytes())
    statement = Statement.from_canonical(envelope.payload)
    lie = Statement(
        subject=(Subject.of("scope.json", digest),),
        predicate=statement.predicate.model_copy(update={"digest": digest, "size": len(data)}),
    )
    sealed = encode_envelope(sign_envelope(PAYLOAD_TYPE, lie.canonical(), signer.public_key, signer.sign))
    entries(bag)[-1].write_bytes(sealed)
    leaves = [merkle.leaf_hash(path.read_bytes()) for path in entries(bag)]
    origin = parse_note(checkpoints(bag)[-1].read_bytes()).signatures[0].name
    text = Checkpoint(origin, len(leaves), merkle.root(leaves)).text
    checkpoints(bag)[-1].write_bytes(sign_note(text, origin, signer.public_key, signer.sign))
    rebagged(bag)
    report = by_command(bag, trust)
    assert {problem.type for problem in report.problems} == {"scope-differs"}
    code, told = by_single_file(bag, trust)
    assert (code, [item["type"] for item in told["problems"]]) == (report.exit_code, ["scope-differs"])


def test_without_a_pinned_policy_a_sound_package_is_unpinned_for_both(package: Path) -> None:
    assert by_command(package, None).exit_code == 6
    assert by_single_file(package, None)[0] == 6


def test_a_stale_package_is_stale_and_a_kept_checkpoint_anchors(package: Path, packer, tmp_path: Path) -> None:
    trust = packer.place.trust
    kept = tmp_path / "kept"
    kept.write_bytes(by_command(package, trust).checkpoint)
    code, told = by_single_file(package, trust, "--kept", str(kept), "--now", "2099-01-01T00:00:00Z")
    assert (code, told["verdicts"]["fresh"], told["verdicts"]["anchored"]) == (5, "broken", "holds")


def test_both_read_a_zip_like_a_folder(package: Path, packer, tmp_path: Path) -> None:
    trust = packer.place.trust
    shutil.make_archive(str(tmp_path / "bag"), "zip", package.parent, package.name)
    assert by_command(tmp_path / "bag.zip", trust).exit_code == 0
    assert by_single_file(tmp_path / "bag.zip", trust)[0] == 0


def test_an_anchors_folder_and_a_receipt_anchor_for_both(package: Path, packer, tmp_path: Path) -> None:
    trust = packer.place.trust
    report = by_command(package, trust)
    receipt = tmp_path / "receipt.json"
    receipt.write_bytes(make_receipt(report, read_trust_policy(trust.read_bytes()), datetime.now(UTC)).canonical())
    drive = tmp_path / "drive"
    shutil.copytree(log_of(package) / "checkpoint", drive / "v1" / log_of(package).name / "checkpoint")
    for kept in (receipt, drive):
        code, told = by_single_file(package, trust, "--kept", str(kept))
        assert (code, told["problems"], told["verdicts"]["anchored"]) == (0, [], "holds")
    anchor = Anchor("drive", DirectoryStore(drive))
    assert by_command(package, trust, anchors=[anchor], receipt=read_receipt(receipt.read_bytes())).exit_code == 0

    # The newest entry and checkpoint are gone: rolled back, to whoever kept one.
    bag = tmp_path / "bag"
    shutil.copytree(package, bag)
    entries(bag)[-1].unlink()
    checkpoints(bag)[-1].unlink()
    rebagged(bag)
    known = read_receipt(receipt.read_bytes())
    for kept, given in ((receipt, {"receipt": known}), (drive, {"anchors": [anchor]})):
        found = by_command(bag, trust, **given)
        code, told = by_single_file(bag, trust, "--kept", str(kept))
        assert "log-shorter-than-kept" in {problem.type for problem in found.problems}
        assert "log-shorter-than-kept" in {problem["type"] for problem in told["problems"]}
        assert (found.exit_code, code) == (4, 4)


def test_an_empty_anchor_is_incomplete_rubbish_in_it_tampering_and_a_damaged_receipt_no_look_for_both(
    package: Path, packer, tmp_path: Path
) -> None:
    trust, drive = packer.place.trust, tmp_path / "drive"
    place = drive / "v1" / log_of(package).name / "checkpoint"
    place.mkdir(parents=True)
    anchor = Anchor("drive", DirectoryStore(drive))
    assert by_command(package, trust, anchors=[anchor]).exit_code == 5
    assert by_single_file(package, trust, "--kept", str(drive))[0] == 5
    (place / "000000000001").write_bytes(b"rubbish")
    assert by_command(package, trust, anchors=[anchor]).exit_code == 4
    assert by_single_file(package, trust, "--kept", str(drive))[0] == 4

    report = by_command(package, trust)
    sound = make_receipt(report, read_trust_policy(trust.read_bytes()), datetime.now(UTC)).canonical()
    for at in range(0, len(sound), 97):
        damaged = tmp_path / "damaged.json"
        damaged.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        with pytest.raises(BadReceipt):
            read_receipt(damaged.read_bytes())
        assert by_single_file(package, trust, "--kept", str(damaged)) == (3, {})


def test_both_know_a_receipt_of_another_log(package: Path, packer, tmp_path: Path) -> None:
    trust = packer.place.trust
    report = by_command(package, trust)
    sound = make_receipt(report, read_trust_policy(trust.read_bytes()), datetime.now(UTC))
    other = AuditorReceipt.sealed(**{**sound.to_json(), "log": "another-log"})
    (tmp_path / "other.json").write_bytes(other.canonical())
    code, told = by_single_file(package, trust, "--kept", str(tmp_path / "other.json"))
    found = by_command(package, trust, receipt=other)
    assert (found.exit_code, code) == (4, 4)
    assert [item["type"] for item in told["problems"]] == [item.type for item in found.problems]
