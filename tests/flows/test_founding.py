"""`evidence init`: what was stated stands in the settings; what is wrong is told before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from simulated_kms import SimulatedKms, simulated_kms

from evidence_schema.note import VerifierKey
from evidence_schema.verification import read_trust_policy
from flows.errors import SettingsError
from flows.settings import load_settings
from flows.steps.examining import examine
from flows.steps.founding import Founding, found
from flows.vault.errors import StoreDenied

pytestmark = pytest.mark.sealing


def founding(folder: Path) -> Founding:
    return Founding(
        config=folder / "evidence.yaml", organisation="SIMULATED", log="simulated", accounts=("111122223333",),
        regions=("eu-central-1",), vault="vault", endpoint=None, keys=folder / "keys", frameworks=(), simulated=True,
    )  # fmt: skip


PROFILE = {"hipaa": ["business_associate"], "approved_by": "privacy officer", "as_of": "2026-01-01T00:00:00Z"}


def test_roles_and_tags_stand_in_the_settings(tmp_path: Path) -> None:
    found(replace(founding(tmp_path), profile=PROFILE, required_tags=("owner", "data-class")))
    settings = load_settings(tmp_path / "evidence.yaml").settings
    assert settings.profile is not None
    assert settings.profile.hipaa == ("business_associate",)
    assert settings.facts["required_tags"].value == ["owner", "data-class"]
    assert settings.facts["required_tags"].approved_by == "privacy officer"


def test_what_was_not_stated_is_left_out(tmp_path: Path) -> None:
    found(founding(tmp_path))
    settings = load_settings(tmp_path / "evidence.yaml").settings
    assert (settings.profile, settings.facts) == (None, {})


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({**PROFILE, "hipaa": ["hospital"]}, "profile.hipaa.0"),
        ({**PROFILE, "soc2": ["security"]}, "profile.soc2.0"),
        ({"hipaa": ["covered_entity"]}, "profile.approved_by"),
    ],
)
def test_a_wrong_role_is_told_and_nothing_is_written(tmp_path: Path, profile: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        found(replace(founding(tmp_path), profile=profile))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedKms]:
    with simulated_kms() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", service.endpoint)
        monkeypatch.setenv("EVIDENCE_SIGNER_ACCESS_KEY_ID", "simulated")
        monkeypatch.setenv("EVIDENCE_SIGNER_SECRET_ACCESS_KEY", "simulated")
        yield service


def test_a_key_in_kms_founds_a_log_and_signs_for_the_doctor(tmp_path: Path, kms: SimulatedKms) -> None:
    key = kms.new_key()
    founded = found(replace(founding(tmp_path), signer=key.uri))
    assert load_settings(tmp_path / "evidence.yaml").settings.keys.log == key.uri
    (pinned,) = read_trust_policy(founded.written["trust policy"].read_bytes()).keys
    assert VerifierKey.parse(pinned.vkey).public_key == key.public_key
    assert "signing key" not in founded.written
    signed = len(key.signed)
    told = {item.part: item for item in examine(tmp_path / "evidence.yaml")}
    assert (told["signing key"].state, told["trust policy"].state) == ("ready", "ready")
    assert len(key.signed) == signed + 1
    key.answers_with = kms.new_key()
    told = {item.part: item for item in examine(tmp_path / "evidence.yaml")}
    assert told["signing key"].state == "fails"


def test_a_key_in_kms_that_does_not_sign_founds_nothing(tmp_path: Path, kms: SimulatedKms) -> None:
    key = kms.new_key(fails={"Sign": ["AccessDeniedException"]})
    with pytest.raises(StoreDenied, match="kms:Sign"):
        found(replace(founding(tmp_path), signer=key.uri))
    with pytest.raises(SettingsError, match=r"keys\.log"):
        found(replace(founding(tmp_path), signer="awskms:alias/log"))
    assert list(tmp_path.iterdir()) == []
