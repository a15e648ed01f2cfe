"""Which catalogue an installation uses: its own where the settings name one, else the one that came with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from slices import sliced_catalogue

from controls.catalog import HERE, load_catalog
from flows.collectors.registry import load_kinds
from flows.errors import SettingsError
from flows.settings import Located, Settings
from flows.steps.rules import catalog_of

KINDS = load_kinds()


def located(folder: Path, **fields: str) -> Located:
    settings = Settings.model_validate(
        {
            "organisation": "SIMULATED", "log": "simulated", "accounts": [{"id": "111122223333"}],
            "regions": ["eu-central-1"], "vault": {"url": "vault", "trial": True},
            "keys": {"log": "file:log-key.pem", "pseudonyms": "file:pseudonyms.key"}, **fields,
        }
    )  # fmt: skip
    return Located(settings=settings, folder=folder)


def test_without_a_word_the_installed_catalogue_is_used(tmp_path: Path) -> None:
    assert catalog_of(located(tmp_path), KINDS) == load_catalog(HERE, kinds=KINDS)


def test_a_catalogue_of_the_settings_is_found_beside_them(tmp_path: Path) -> None:
    sliced_catalogue(tmp_path / "ours", ["EV-ENC-01"])
    catalog = catalog_of(located(tmp_path, catalogue="ours"), KINDS)
    assert [item.id for item in catalog.requirements] == ["EV-ENC-01"]


def test_a_catalogue_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"expected a catalogue .* at {tmp_path / 'ours'}, .* found none"):
        catalog_of(located(tmp_path, catalogue="ours"), KINDS)
