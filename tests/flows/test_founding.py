"""`evidence init`: what was stated stands in the settings; what is wrong is told before anything is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flows.errors import SettingsError
from flows.settings import load_settings
from flows.steps.founding import Founding, found


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
