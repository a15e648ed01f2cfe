"""`evidence keys`: what it refuses before it writes, what it leaves, and which two lines of the settings change."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from simulated_kms import SimulatedKms, simulated_kms
from worlds import PROJECT

from evidence_schema.models.entry import KeyRotate, LogLink
from evidence_schema.note import parse_note
from evidence_schema.verification import read_trust_policy, verify_log
from flows.cli.policy import policy
from flows.errors import UsageError
from flows.settings import load_settings
from flows.steps.founding import Founding, found
from flows.steps.handing_over import hand_over, link, revoke
from flows.steps.runtime import open_runtime, pinned_policy
from flows.vault.errors import StoreDenied, UnsafeKeyFile, WrongKey

pytestmark = pytest.mark.sealing

NEXT = "file:keys/next.pem"
THEFT = datetime(2026, 1, 1, tzinfo=UTC)


def founded(folder: Path, log: str = "simulated", signer: str | None = None) -> Path:
    config = folder / "evidence.yaml"
    founding = Founding(
        config=config, organisation="SIMULATED", log=log, accounts=("111122223333",), regions=("eu-central-1",),
        vault="vault", endpoint=None, keys=Path("keys"), frameworks=(), simulated=True, signer=signer,
    )  # fmt: skip
    found(founding)
    return config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return founded(tmp_path / "place")


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedKms]:
    with simulated_kms() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", service.endpoint)
        monkeypatch.setenv("EVIDENCE_SIGNER_ACCESS_KEY_ID", "simulated")
        monkeypatch.setenv("EVIDENCE_SIGNER_SECRET_ACCESS_KEY", "simulated")
        yield service


def entries(config: Path) -> list[object]:
    return [entry.predicate for entry in open_runtime(config, writing=False).vault.log.entries()]


def problems_of_keys(config: Path) -> list[str]:
    vault, policy = open_runtime(config, writing=False).vault, pinned_policy(load_settings(config))
    report = verify_log(vault.store, trust=policy, now=datetime.now(UTC))
    return [problem.type for problem in report.problems if problem.type != "nothing-collected"]


@pytest.mark.parametrize("sort", ["Ed25519", "ECDSA P-256"])
def test_a_log_moves_from_a_file_to_kms_and_on(config: Path, kms: SimulatedKms, sort: str) -> None:
    key = kms.new_key() if sort == "Ed25519" else kms.new_p256_key()
    done = hand_over(config, key.uri, write_settings=True)
    assert (done.seq, load_settings(config).settings.keys.log) == (0, key.uri)
    again = hand_over(config, NEXT, write_settings=True)
    assert (again.seq, again.ended) == (1, done.follows)
    assert [type(entry) for entry in entries(config)] == [KeyRotate, KeyRotate]
    assert problems_of_keys(config) == []
    assert sorted(path.name for path in config.parent.glob("*policy*")) == [
        "trust-policy-from-entry-1.json", "trust-policy-from-entry-2.json", "trust-policy.json",
    ]  # fmt: skip


@pytest.mark.parametrize("refuses", ["GetPublicKey", "Sign"])
def test_a_key_that_cannot_sign_ends_nothing(config: Path, kms: SimulatedKms, refuses: str) -> None:
    key = kms.new_key(fails={refuses: ["AccessDeniedException"]})
    with pytest.raises(StoreDenied):
        hand_over(config, key.uri)
    assert entries(config) == []


def test_a_new_key_in_the_vault_is_refused(config: Path) -> None:
    with pytest.raises(UnsafeKeyFile, match="outside the vault"):
        hand_over(config, "file:vault/next.pem")
    assert entries(config) == []


def test_a_new_file_is_sealed_with_its_own_passphrase(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIDENCE_NEW_KEY_PASSPHRASE", "long and random")
    done = hand_over(config, NEXT, write_settings=True)
    monkeypatch.delenv("EVIDENCE_NEW_KEY_PASSPHRASE")
    with pytest.raises(WrongKey, match="passphrase"):
        open_runtime(config)
    monkeypatch.setenv("EVIDENCE_KEY_PASSPHRASE", "long and random")
    assert open_runtime(config).vault.log.head().size == done.seq + 1


def test_killed_before_the_policy_was_written_the_same_command_writes_it(config: Path) -> None:
    """Before it, in the middle of it (a draft beside it is nobody's policy), or before the settings."""
    done = hand_over(config, NEXT)
    done.trust.path.unlink()
    done.trust.path.with_name(f".{done.trust.path.name}.0123456789abcdef").write_bytes(b'{"half')
    assert hand_over(config, NEXT) == done
    assert hand_over(config, NEXT, write_settings=True).trust.fingerprint == done.trust.fingerprint
    assert len(entries(config)) == 1
    assert problems_of_keys(config) == []


DYING = """
import importlib, os, signal, sys
from pathlib import Path
from flows.steps.handing_over import hand_over
module, name, when, what, config, to = sys.argv[1:]
*owners, last = name.split(".")
owner = importlib.import_module(module)
for part in owners:
    owner = getattr(owner, part)
real = getattr(owner, last)
def dying(*args, **kwargs):
    if what not in str(args):
        return real(*args, **kwargs)
    if when == "after":
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, last, dying)
hand_over(Path(config), to, write_settings=True)
"""
PUT = ("flows.vault.directory", "DirectoryStore.put")
STEPS = [
    ("flows.steps.handing_over", "create_key", "after", "next.pem"),
    (*PUT, "before", "/entry/"),
    (*PUT, "after", "/entry/"),
    (*PUT, "after", "/checkpoint/"),
    ("os", "link", "before", "trust-policy"),
    ("os", "link", "after", "trust-policy"),
    ("pathlib", "Path.replace", "before", "evidence.yaml"),
    ("pathlib", "Path.replace", "after", "evidence.yaml"),
]
IN_SHORT = (STEPS[0], STEPS[2], STEPS[4], STEPS[7])
MARKED = [
    pytest.param(step, id="-".join(step[1:]), marks=[] if step in IN_SHORT else pytest.mark.thorough) for step in STEPS
]


@pytest.mark.parametrize("step", MARKED)
def test_killed_with_nine_at_any_step_the_same_command_finishes(config: Path, step: tuple[str, str, str, str]) -> None:
    command = [sys.executable, "-c", DYING, *step, str(config), NEXT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == -signal.SIGKILL, done.stderr
    is_named = load_settings(config).settings.keys.log == NEXT
    hand_over(config, NEXT, from_="file:keys/log-key.pem" if is_named else None, write_settings=True)
    assert [type(entry) for entry in entries(config)] == [KeyRotate]
    assert problems_of_keys(config) == []
    assert open_runtime(config).vault.log.repair() == ()


def test_without_its_policy_nothing_is_rotated(config: Path) -> None:
    (config.parent / "trust-policy.json").unlink()
    with pytest.raises(UsageError, match="restore it"):
        hand_over(config, NEXT)
    assert entries(config) == []


def test_a_policy_of_another_key_is_refused_before_anything_is_written(config: Path, tmp_path: Path) -> None:
    other = founded(tmp_path / "other")
    (config.parent / "trust-policy.json").write_bytes((other.parent / "trust-policy.json").read_bytes())
    with pytest.raises(UsageError, match="in the trust policy"):
        hand_over(config, NEXT)
    assert entries(config) == []


def test_settings_change_in_two_places_only(config: Path) -> None:
    before = config.read_text(encoding="utf-8")
    hand_over(config, NEXT, write_settings=True)
    changed = [
        (old, new) for old, new in zip(before.splitlines(), config.read_text().splitlines(), strict=True) if old != new
    ]
    assert changed == [
        ("  log: file:keys/log-key.pem", "  log: file:keys/next.pem"),
        ("trust_policy: trust-policy.json", "trust_policy: trust-policy-from-entry-1.json"),
    ]


def test_settings_that_are_not_understood_stay_as_they_are(config: Path) -> None:
    text = config.read_text(encoding="utf-8") + "# the old key was file:keys/log-key.pem\n"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="by hand"):
        hand_over(config, NEXT, write_settings=True)
    assert config.read_text(encoding="utf-8") == text
    assert sorted(path.name for path in config.parent.iterdir() if path.name.startswith(".")) == []
    assert problems_of_keys(config) == [
        "rotation-not-pinned",
        "checkpoint-key-unknown",
    ]  # pinned by the file, not yet named


def test_settings_without_a_policy_line_get_one(config: Path) -> None:
    lines = config.read_text(encoding="utf-8").splitlines()
    config.write_text("\n".join(line for line in lines if not line.startswith("trust_policy")), encoding="utf-8")
    hand_over(config, NEXT, write_settings=True)
    assert load_settings(config).settings.trust_policy == "trust-policy-from-entry-1.json"


def test_a_key_that_still_signs_is_rotated_before_it_is_revoked(config: Path) -> None:
    with pytest.raises(UsageError, match="first rotate to a new one"):
        revoke(config, THEFT, write_settings=False)
    done = hand_over(config, NEXT, write_settings=True)
    revoked, trust = revoke(config, THEFT, first=0, write_settings=True)
    assert (revoked, trust.path.name) == (done.ended, "trust-policy-revoked-20260101T000000Z.json")
    assert problems_of_keys(config) == []  # the hand-over itself is believed for the policy's sake
    with pytest.raises(WrongKey, match="that the trust policy names"):
        revoke(config, THEFT, key_id="0" * 64, write_settings=False)


def test_a_new_log_begins_where_a_lost_one_was_kept(config: Path, tmp_path: Path) -> None:
    hand_over(config, NEXT, write_settings=True)
    lost = open_runtime(config).vault
    note, old = lost.log.checkpoint(1), pinned_policy(load_settings(config))
    assert old is not None
    new = founded(tmp_path / "new", log="simulated-2")
    for _ in range(2):  # killed and asked again
        assert link(new, note, old).size == 1
    (first,) = entries(new)
    assert isinstance(first, LogLink)
    assert (first.previous, first.note.encode()) == ("simulated", note)
    assert problems_of_keys(new) == []
    assert len(parse_note(open_runtime(new).vault.log.checkpoint(1)).signatures) == 1

    begun = founded(tmp_path / "begun", log="simulated-3")
    hand_over(begun, NEXT, write_settings=True)
    with pytest.raises(UsageError, match="has not begun"):
        link(begun, note, old)
    stranger = pinned_policy(load_settings(new))
    assert stranger is not None
    for bad, by in ((b"no note", old), (note, stranger)):
        with pytest.raises(UsageError, match="expected a"):
            link(founded(tmp_path / f"bad-{len(bad)}", log="simulated-4"), bad, by)
    with pytest.raises(UsageError, match="of another log"):
        link(config, note, old)


def test_the_role_that_signs_may_sign_whole_messages_and_nothing_else(
    tmp_path: Path, kms: SimulatedKms, capsys: pytest.CaptureFixture[str]
) -> None:
    key = kms.new_key()
    policy(config=str(founded(tmp_path / "kms", signer=key.uri)), signer=True)
    read, sign = json.loads(capsys.readouterr().out)["Statement"]
    assert (read["Action"], sign["Action"]) == (["kms:GetPublicKey"], ["kms:Sign"])
    assert read["Resource"] == sign["Resource"] == [key.arn]
    algorithms = [key.algorithm, kms.new_p256_key().algorithm]
    asked = {"kms:SigningAlgorithm": algorithms, "kms:MessageType": key.signed[0]["MessageType"]}
    assert sign["Condition"] == {"StringEquals": asked}


def test_a_key_in_a_file_needs_no_policy(config: Path) -> None:
    with pytest.raises(UsageError, match="awskms:ARN"):
        policy(config=str(config), signer=True)


def test_what_is_printed_is_a_policy_that_can_be_read(config: Path) -> None:
    done = hand_over(config, NEXT)
    assert read_trust_policy(done.trust.path.read_bytes()).fingerprint == done.trust.fingerprint
    assert replace(done.trust, are_settings_written=True) != done.trust
