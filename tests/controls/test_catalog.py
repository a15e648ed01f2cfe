"""The catalogue is loaded whole and linked; every bad edit is told with file, line and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from answers import kinds

from controls.catalog import HERE, installed, load_catalog, requirement_of
from controls.errors import CatalogError, UnknownName
from controls.models import Catalog
from evidence_schema.models.names import Mode

IAM, ENCRYPTION, HIPAA = "evidence/iam.yaml", "evidence/encryption.yaml", "frameworks/hipaa.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the installed catalogue, to be edited."""
    for name in ("frameworks", "evidence"):
        shutil.copytree(HERE / name, tmp_path / name)
    shutil.copy(HERE / "facts.yaml", tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> int:
    """Replace the first occurrence; returns its line."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_installed_catalogue_loads_with_the_installed_kinds() -> None:
    catalog = load_catalog(HERE, kinds=kinds())
    assert catalog == installed()
    assert len(catalog.frameworks) == 3


def test_a_sealed_catalogue_is_read_back_as_it_was() -> None:
    assert Catalog.from_canonical(installed().canonical()) == installed()


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        (
            IAM,
            "164.312(d): direct",
            "164.312(x): direct",
            "expected a known control, found '164.312(x)'; did you mean 164.312(",
        ),
        (IAM, "    gdpr:\n", "    gdrp:\n", "expected a known framework, found 'gdrp'; did you mean gdpr?"),
        (
            IAM,
            "  - aws.iam.users\n",
            "  - aws.iam.user\n",
            "expected a known kind, found 'aws.iam.user'; did you mean aws.iam.users",
        ),
        (IAM, "id: EV-IAM-01-C2", "id: EV-IAM-01-C1", "expected each check once, found EV-IAM-01-C1 again (first at"),
        (IAM, "id: EV-IAM-01-C2", "id: EV-IAM-02-C2", "expected check ids EV-IAM-01-C1, -C2, ... each once"),
        (IAM, "id: EV-IAM-01\n", "id: EV-ENC-01\n", "expected each requirement once, found EV-ENC-01 again"),
        (ENCRYPTION, "id: EV-ENC-02\n", "id: EV-ENC-01\n", "expected each requirement once, found EV-ENC-01 again"),
        (IAM, "assert: record.mfa_active", "asert: record.mfa_active", "expected no field of this name"),
        (IAM, "mode: auto", "mode: automatic", "Input should be 'auto', 'human' or 'report'; found 'automatic'"),
        (IAM, "  title: IAM users", "  titel: IAM users", "expected no field of this name"),
        (IAM, "cadence: monthly", "cadence: fortnightly", "found 'fortnightly'"),
        (IAM, "164.312(d): direct", "164.312(d): strong", "found 'strong'"),
        (IAM, "assert: record.mfa_active", "assert: record.mfa_active &&", "EV-IAM-01-C2: expected a CEL expression"),
        (IAM, "assert: record.mfa_active", "assert: recrd.mfa_active", "expected only declared variables, found recrd"),
        (IAM, "assert: record.mfa_active", "assert: record['mfa_active']", "write record.<name>"),
        (IAM, "assert: record.mfa_active", "assert: now > at", "found now; use record, account, region, id, params"),
        (
            IAM,
            "<= duration(string(params.max_key_age_days",
            "<= duration(string(params.max_age",
            "params.max_age is read but",
        ),
        (
            IAM,
            "assert: record.mfa_active",
            "assert: id in facts.log_platform.x",
            "facts.log_platform is read but not declared",
        ),
        (
            IAM,
            "needs: [approved_shared_identities]",
            "needs: [approved_identities]",
            "expected a known fact, found 'approved_ident",
        ),
        (
            IAM,
            "params: {max_key_age_days: 90}",
            "params: {max_key_age_days: null}",
            "found null; what only the organisation",
        ),
        (IAM, "params: {max_key_age_days: 90}", "params: {max_key_age_days: 1.5}", "expected a whole number"),
        (
            IAM,
            "over: aws.iam.credential_report",
            "over: aws.ec2.volumes",
            "not among the requirement's kinds; add it there",
        ),
        (
            IAM,
            "{kind: aws.iam.users, within",
            "{kind: aws.ec2.volumes, within",
            "reads aws.ec2.volumes, which is not among",
        ),
        (IAM, "within: account", "within: world", "found 'world'"),
        (IAM, "    over: aws.iam.credential_report\n", "", "expected `over` and `assert` for an automatic check"),
        (
            HIPAA,
            "applies_to: [covered_entity,",
            "applies_to: [covered_entitty,",
            "expected a known role of the framework, found 'covered_ent",
        ),
        (HIPAA, "- id: 164.306(a)(2)", "- id: 164.306(a)(1)", "expected each control once, found 164.306(a)(1) again"),
        (HIPAA, "- id: 164.306(a)(2)", "- id: CC6.1", "expected each control once, found CC6.1 again"),
        (HIPAA, "  id: hipaa", "  id: gdpr", "expected each framework once, found gdpr again"),
        (HIPAA, "designation: required", "designation: optional", "found 'optional'"),
    ],
)
def test_a_bad_edit_is_told_with_file_line_and_what_to_do(
    folder: Path, file: str, old: str, new: str, what: str
) -> None:
    line = edit(folder / file, old, new)
    with pytest.raises(CatalogError) as caught:
        load_catalog(folder, kinds=kinds())
    told = str(caught.value)
    assert what in told
    place, _, _ = told.partition(": ")
    path, _, number = place.rpartition(":")
    assert path.endswith(".yaml")
    assert path.startswith(str(folder))
    if "again" not in what:  # of two of a kind, the second is named
        assert path == str(folder / file)
        assert line - 12 <= int(number) <= line + 1, "the line of the edit, or of the check around it"


def test_the_exact_line_of_a_mapping_is_told(folder: Path) -> None:
    line = edit(folder / IAM, "164.312(d): direct", "164.312(x): direct")
    with pytest.raises(CatalogError, match=rf"iam\.yaml:{line}: "):
        load_catalog(folder)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("requirements: [\n", "expected YAML"),
        ("requirements: []\n", "at least 1 item"),
        ("requirements: 3\n", "requirements"),
        ("- a\n", "(whole)"),
        ("", "(whole)"),
        ("requirements:\n- &x {}\n- *x\n", "expected no alias"),
        ("requirements: []\nrequirements: []\n", "expected each key once"),
        ("requirements:\n- {}\n", "requirements.0.id: expected this field, found none"),
    ],
)
def test_a_file_that_is_no_catalogue_is_told(folder: Path, text: str, what: str) -> None:
    (folder / IAM).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        load_catalog(folder)
    assert str(caught.value).startswith(f"{folder / IAM}:")
    assert what in str(caught.value)


@pytest.mark.parametrize("missing", ["facts.yaml", "frameworks", "evidence"])
def test_a_part_that_is_missing_is_named(folder: Path, missing: str) -> None:
    shutil.rmtree(folder / missing) if (folder / missing).is_dir() else (folder / missing).unlink()
    with pytest.raises(CatalogError, match=missing):
        load_catalog(folder)


def test_kinds_are_only_checked_where_they_are_known(folder: Path) -> None:
    edit(folder / IAM, "  - aws.iam.users\n", "  - aws.iam.users\n  - okta.users\n")
    load_catalog(folder)
    with pytest.raises(CatalogError, match=r"okta\.users"):
        load_catalog(folder, kinds=kinds())


def test_requirements_are_found_and_unknown_ones_told_with_near_matches() -> None:
    assert requirement_of(installed(), "EV-IAM-01").id == "EV-IAM-01"
    with pytest.raises(UnknownName, match="did you mean EV-IAM-01"):
        requirement_of(installed(), "EV-IAM-1")
    with pytest.raises(UnknownName, match=r"expected a known evidence requirement, found 'x{80}'; known: EV-ACC-01"):
        requirement_of(installed(), "x" * 500)


def test_every_check_belongs_to_its_requirement_and_numbers_from_one() -> None:
    for item in installed().requirements:
        assert [check.id for check in item.checks] == [f"{item.id}-C{n}" for n in range(1, len(item.checks) + 1)]
        assert all(check.rules for check in item.checks if item.kinds and check.mode is Mode.AUTO)
