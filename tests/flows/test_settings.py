"""The settings file: every mistake with its line, paths beside the file, and nothing secret in what is sealed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from controls.documents import dump_yaml
from evidence_schema.errors import EvidenceSchemaError
from flows.errors import SettingsError
from flows.settings import (
    CONFIG_VARIABLE,
    PASSPHRASE_VARIABLE,
    VAULT_KEY_VARIABLE,
    VAULT_SECRET_VARIABLE,
    Located,
    Override,
    Settings,
    config_path,
    load_settings,
)

PLAIN = """\
organisation: A clinic
log: clinic
accounts:
- id: "111122223333"
  role: arn:aws:iam::111122223333:role/evidence-reader
regions: [eu-west-1, eu-central-1]
vault:
  url: vault
  trial: true
keys:
  log: file:keys/log-key.pem
  pseudonyms: file:keys/pseudonyms.key
facts:
  log_platform: {value: {buckets: [trail]}, approved_by: security officer, as_of: 2026-11-01T00:00:00Z}
parameters:
  EV-IAM-01-C3.max_key_age_days: {value: 60}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.yaml"
    path.write_text(PLAIN, encoding="utf-8")
    return path


def edited(config: Path, old: str, new: str) -> int:
    assert old in PLAIN
    config.write_text(PLAIN.replace(old, new, 1), encoding="utf-8")
    return PLAIN[: PLAIN.index(old)].count("\n") + 1


def refused(config: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(config)
    return str(caught.value)


def test_settings_are_read_with_their_defaults(config: Path) -> None:
    settings = load_settings(config).settings
    assert settings.frameworks == ("hipaa", "gdpr", "soc2")
    assert (settings.vault.lock.mode, settings.vault.lock.days) == ("GOVERNANCE", 1)
    assert settings.origin == "evidence/clinic"
    assert settings.first_region == "eu-west-1"
    assert settings.facts["log_platform"].value == {"buckets": ["trail"]}
    assert settings.simulated is False


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("log: clinic", "log: A Clinic", "log: "),
        ('- id: "111122223333"', '- id: "1111 2222"', "accounts.0.id"),
        ('- id: "111122223333"', "- id: 111122223333", "accounts.0.id"),
        ("  role: arn:aws:iam::111122223333:role/evidence-reader", "  role: reader", "accounts.0.role"),
        ("regions: [eu-west-1, eu-central-1]", "regions: []", "regions"),
        ("regions: [eu-west-1, eu-central-1]", "regions: [EU]", "regions.0"),
        ("  url: vault", "  ulr: vault", "vault.ulr: expected no field of this name"),
        ("  trial: true", "  lock: {mode: FOREVER}", "vault.lock.mode"),
        ("  trial: true", "  lock: {days: 0}", "vault.lock.days"),
        ("  trial: true", "  endpoint: https://key:secret@store.example", "vault.endpoint"),
        ("  log: file:keys/log-key.pem", "  log: awskms:key", "keys.log"),
        ("  pseudonyms: file:keys/pseudonyms.key", "  pseudonyms: file:x\n  pseudonyms: file:y", "each key once"),
        ("approved_by: security officer", "approved_by: ''", "facts.log_platform.approved_by"),
        ("as_of: 2026-11-01T00:00:00Z", "as_of: yesterday", "facts.log_platform.as_of"),
        ("as_of: 2026-11-01T00:00:00Z", "as_of: 2026-11-01", "facts.log_platform.as_of"),
        (
            "{value: {buckets: [trail]},",
            "{value: null,",
            "facts.log_platform.value: expected a value that can be sealed",
        ),
        ("{value: {buckets: [trail]},", "{value: {buckets: [null]},", "facts.log_platform.value: expected a value"),
        ("{value: {buckets: [trail]},", "{value: {share: 99.9},", "expected a whole number up to 2^53-1, found 99.9"),
        ("{value: 60}", "{value: 1.5}", "expected a whole number"),
        ("{value: 60}", "{valeu: 60}", "value: expected this field, found none"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(config: Path, old: str, new: str, what: str) -> None:
    line = edited(config, old, new)
    told = refused(config)
    assert what in told
    lines = {line, line + 1}  # where a key is given twice, the second is named
    assert any(one.startswith(f"{config}:{number}: ") for one in told.splitlines() for number in lines)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("regions: [eu-west-1, eu-central-1]", "regions: [eu-west-1, eu-west-1]", "expected each region once"),
        ("regions: [eu-west-1, eu-central-1]", "regions: [global]", "expected names of regions, found 'global'"),
        ("regions:", "- id: '111122223333'\nregions:", "expected each account once"),
    ],
)
def test_what_stands_twice_or_is_no_region_is_told(config: Path, old: str, new: str, what: str) -> None:
    edited(config, old, new)
    assert what in refused(config)


def test_several_mistakes_are_told_at_once(config: Path) -> None:
    config.write_text(PLAIN.replace("log: clinic", "log: A Clinic").replace("  url: vault\n", ""), encoding="utf-8")
    assert len(refused(config).splitlines()) == 2


def test_a_secret_that_was_put_in_the_settings_is_not_repeated(config: Path) -> None:
    for new in ("  endpoint: https://key:hunter2@store.example", "  secret_access_key: hunter2"):
        edited(config, "  trial: true", new)
        assert "hunter2" not in refused(config)


def test_missing_settings_say_what_to_do(tmp_path: Path) -> None:
    told = refused(tmp_path / "evidence.yaml")
    assert str(tmp_path / "evidence.yaml") in told
    assert "evidence init" in told
    assert CONFIG_VARIABLE in told


@pytest.mark.parametrize("data", [b"", b"\xff", b"- a\n", b"a: [", b"a: *b\n"])
def test_a_file_that_is_no_settings_is_told(config: Path, data: bytes) -> None:
    config.write_bytes(data)
    assert str(config) in refused(config)


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    assert "expected a readable file" in refused(tmp_path)


def test_paths_are_relative_to_the_file_and_not_to_where_one_stands(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(os.sep)
    located = load_settings(config)
    assert located.vault_url == str(config.parent / "vault")
    assert located.path(located.settings.keys.log) == config.parent / "keys" / "log-key.pem"
    assert located.path(located.settings.trust_policy) == config.parent / "trust-policy.json"


@pytest.mark.parametrize(
    ("text", "expected"), [("file:/keys/a.pem", "/keys/a.pem"), ("file:///keys/a.pem", "/keys/a.pem"), ("/b", "/b")]
)
def test_absolute_paths_stay(config: Path, text: str, expected: str) -> None:
    assert load_settings(config).path(text) == Path(expected)


@pytest.mark.parametrize(
    ("url", "expected"), [("s3://bucket", "s3://bucket"), ("dir:here", "{}/here"), ("/there", "/there")]
)
def test_a_vaults_url_is_a_bucket_or_an_absolute_folder(config: Path, url: str, expected: str) -> None:
    edited(config, "  url: vault", f"  url: {url}")
    assert load_settings(config).vault_url == expected.format(config.parent)


def test_a_path_below_home_is_found_there(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(config.parent / "home"))
    assert load_settings(config).path("file:~/key.pem") == config.parent / "home" / "key.pem"


def test_the_file_is_the_given_one_else_the_variables_else_beside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    named = {CONFIG_VARIABLE: "from-variable.yaml"}
    assert config_path("given.yaml", named) == tmp_path / "given.yaml"
    assert config_path(None, named) == tmp_path / "from-variable.yaml"
    assert config_path(None, {}) == tmp_path / "evidence.yaml"


def test_sealed_settings_are_read_back_as_they_were(config: Path) -> None:
    settings = load_settings(config).settings
    assert Settings.from_canonical(settings.canonical()) == settings


def test_what_is_sealed_holds_no_secret(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets come from the environment and key files; the settings only say where."""
    for variable in (PASSPHRASE_VARIABLE, VAULT_KEY_VARIABLE, VAULT_SECRET_VARIABLE):
        monkeypatch.setenv(variable, "hunter2")
    sealed = load_settings(config).settings.canonical()
    assert b"hunter2" not in sealed
    names = {name for model in models_of(Settings) for name in model.model_fields}
    assert not {name for name in names if "secret" in name or "password" in name or "passphrase" in name}


def models_of(model: Any) -> list[Any]:
    inner = [item for field in model.model_fields.values() for item in parts_of(field.annotation)]
    return [model, *(found for item in inner for found in models_of(item))]


def parts_of(annotation: Any) -> list[Any]:
    parts = [part for argument in getattr(annotation, "__args__", ()) for part in parts_of(argument)]
    return [annotation, *parts] if hasattr(annotation, "model_fields") else parts


@pytest.mark.parametrize(
    ("fields", "approved"),
    [
        ({}, False),
        ({"approved_by": "ciso"}, False),
        ({"approved_by": "ciso", "reason": "our standard"}, False),
        ({"approved_by": "ciso", "as_of": "2026-11-01T00:00:00Z"}, False),
        ({"approved_by": "ciso", "reason": "our standard", "as_of": "2026-11-01T00:00:00Z"}, True),
    ],
)
def test_an_override_is_approved_by_whom_why_and_when(fields: dict[str, str], approved: bool) -> None:
    assert Override.model_validate({"value": 60} | fields).is_approved is approved


@pytest.mark.parametrize("value", [None, 1.5, [None], {"a": None}, float("nan"), 2**60])
def test_no_value_that_cannot_be_sealed_is_accepted_by_any_way(config: Path, value: Any) -> None:
    settings = load_settings(config).settings
    with pytest.raises((ValueError, EvidenceSchemaError)):
        Settings.model_validate(settings.model_dump() | {"parameters": {"EV-IAM-01-C3.x": {"value": value}}})


def test_settings_written_by_us_are_read_by_us(tmp_path: Path, config: Path) -> None:
    settings = load_settings(config).settings
    path = tmp_path / "again.yaml"
    path.write_text(dump_yaml(settings.to_json()), encoding="utf-8")
    assert load_settings(path) == Located(settings=settings, folder=tmp_path)
