"""A month, a rotation while a run is open, its end and another month; then the key that ended turns out to be stolen.

The key that follows is one of P-256 in KMS (simulated), as where KMS refuses Ed25519: the log has keys of both sorts.

The package made after the rotation is verified by all three programs, with the policy from before and the one to pin.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from simulated_kms import SimulatedKms, simulated_kms
from slices import FOUR
from test_three_verifiers import broken_of, by_command, by_shell, by_single_file
from worlds import Founder, Organisation, collected_here, json_of, opened_here

from evidence_schema.layout import Layout
from evidence_schema.models.unit import Selection
from flows.steps.judging import closed_of
from flows.steps.periods import adhoc_slot
from flows.vault.errors import WrongKey

pytestmark = pytest.mark.journey

ASKED = Selection(requirements=("EV-IAM-01",))


@pytest.fixture
def kms() -> Iterator[SimulatedKms]:
    with simulated_kms() as service:
        yield service


def test_a_key_ends_while_a_run_is_open_another_follows_and_the_first_turns_out_to_be_stolen(
    unorchestrated: Founder, kms: SimulatedKms, tmp_path: Path
) -> None:
    following = kms.new_p256_key().uri
    place = unorchestrated(tmp_path / "clinic", regions=["eu-central-1"], requirements=FOUR).with_environment(
        AWS_ENDPOINT_URL_KMS=kms.endpoint,
        EVIDENCE_SIGNER_ACCESS_KEY_ID="simulated",
        EVIDENCE_SIGNER_SECRET_ACCESS_KEY="simulated",
    )
    before = collected_here(place, ASKED)
    slot = adhoc_slot()
    with mock.patch.dict(os.environ, place.environment, clear=True):
        _, begun = opened_here(place, ASKED, slot)  # and its process is gone
    kept = tmp_path / "kept"
    place.evidence("verify", "--trust", str(place.trust), "--save-checkpoint", str(kept))

    rotated = place.process("keys", "rotate", "--to", following, "--json")
    told = json_of(rotated)
    assert rotated.returncode == 0, rotated.stderr
    pinned = place.folder / f"trust-policy-from-entry-{told['entry'] + 1}.json"
    assert (told["trust_policy"], told["settings_written"]) == (str(pinned), False)
    assert told["settings"] == {"keys": {"log": following}, "trust_policy": pinned.name}
    with pytest.raises(WrongKey, match=r"name that key as keys\.log"):  # the settings still name the key that ended
        collected_here(place, ASKED)

    comment = "\n# ours: signed off by the security officer\n"
    with place.settings_file.open("a", encoding="utf-8") as file:
        file.write(comment)
    again = json_of(place.evidence("keys", "rotate", "--to", following, "--write-settings", "--json"))
    assert again == {**told, "settings_written": True}
    assert comment in place.settings_file.read_text(encoding="utf-8")
    refused = place.evidence("keys", "rotate", "--to", following)
    assert (refused.returncode, "--from" in refused.stderr) == (2, True)
    finished = json_of(place.evidence("keys", "rotate", "--to", following, "--from", "file:keys/log-key.pem", "--json"))
    assert (finished["entry"], finished["fingerprint"]) == (told["entry"], told["fingerprint"])

    states = {item["part"]: item["state"] for item in json_of(place.evidence("doctor", "--json"))}
    assert (states["signing key"], states["trust policy"]) == ("ready", "ready")
    resumed = collected_here(place, ASKED, slot).state
    assert (resumed.run_id, resumed.open.key_epoch, closed_of(resumed).key_epoch) == (begun.state.run_id, 0, 1)
    after = collected_here(place, ASKED)
    assert (before.state.open.key_epoch, after.state.open.key_epoch) == (0, 1)

    old = place.evidence("verify", "--trust", str(place.trust), "--json")
    assert old.returncode == 4
    assert "rotation-not-pinned" in {problem["type"] for problem in json_of(old)["problems"]}
    new = place.evidence("verify", "--trust", str(pinned), "--kept", str(kept), "--json")
    assert (new.returncode, json_of(new)["problems"]) == (0, [])

    bag = tmp_path / "bag"
    packed = place.evidence("package", "--framework", "hipaa", "--out", str(bag))
    assert packed.returncode in (0, 1), packed.stderr
    _all_three_agree(bag, place.trust, pinned)
    _stolen(place, bag, kept, told["entry"])


def _all_three_agree(bag: Path, old: Path, new: Path) -> None:
    assert by_command(bag, new).problems == ()
    code, told = by_single_file(bag, new)
    assert (code, told["problems"]) == (0, [])
    done = by_shell(bag, new)
    assert (done.returncode, done.stdout) == (0, "sound as far as a shell can see\n"), done.stderr
    report = by_command(bag, old)
    code, told = by_single_file(bag, old)
    by_us = broken_of({str(name): str(verdict) for name, (verdict, _) in report.verdicts.items()})
    assert (report.exit_code, by_us) == (code, broken_of(told["verdicts"])) == (4, frozenset({"authentic"}))
    assert {problem.type for problem in report.problems} == {item["type"] for item in told["problems"]}
    assert by_shell(bag, old).returncode != 0


def _stolen(place: Organisation, bag: Path, kept: Path, rotation: int) -> None:
    made = place.process("keys", "revoke", "--stolen-at", "2026-01-01", "--write-settings", "--json")
    told = json_of(made)
    assert made.returncode == 0, made.stderr
    trust = Path(told["trust_policy"])
    assert json.loads(trust.read_text())["keys"][0]["stolen_at"] == "2026-01-01T00:00:00Z"
    layout = Layout("simulated-clinic")
    report = json_of(place.evidence("verify", "--trust", str(trust), "--json"))
    assert (report["exit_code"], {problem["type"] for problem in report["problems"]}) == (4, {"entry-of-stolen-key"})
    assert [problem["key"] for problem in report["problems"]] == [layout.entry(seq) for seq in range(rotation)]
    anchored = json_of(place.evidence("verify", "--trust", str(trust), "--kept", str(kept), "--json"))
    assert (anchored["exit_code"], anchored["problems"]) == (0, [])
    assert "believed-as-kept" in {note["type"] for note in anchored["notes"]}
    code, by_file = by_single_file(bag, trust)
    assert (code, {item["type"] for item in by_file["problems"]}) == (4, {"entry-of-stolen-key"})
    code, by_file = by_single_file(bag, trust, "--kept", str(kept))
    assert (code, by_file["problems"]) == (0, [])
    assert place.evidence("keys", "revoke", "--stolen-at", "soon").returncode == 2
