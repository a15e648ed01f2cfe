"""What a person can get wrong, and what can be missing: one clear line, the right exit code, and nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from slices import EIGHT, sliced_catalogue
from told import told
from worlds import Founder, Organisation, collected_here, founded, locked_bucket

from evidence_schema.models.names import GatherResult, Outcome
from evidence_schema.models.unit import Selection
from flows.demo.world import World
from flows.vault.keys import create_key

pytestmark = pytest.mark.faults

USAGE, COULD_NOT_RUN, TAMPERED = 2, 3, 4
NARROW = ("-k", "aws.ec2.volumes", "--region", "us-east-1")
VOLUMES = Selection(kinds=("aws.ec2.volumes",), regions=("us-east-1",))
WITHOUT_CREDENTIALS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture
def place(organisation: Founder, tmp_path: Path) -> Organisation:
    return organisation(tmp_path / "place", frameworks=["soc2"], requirements=EIGHT)


UNKNOWN = {
    "control": (("--control", "164.312(z)"), "164.312(d)"),
    "framework": (("--framework", "soc3"), "soc2"),
    "account": (("--account", "111122223334"), "111122223333"),
    "region": (("--region", "eu-central-2"), "eu-central-1"),
    "kind": (("--kind", "aws.ec2.volume"), "aws.ec2.volumes"),
    "requirement": (("--requirement", "EV-IAM-11"), "EV-IAM-01"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_an_unknown_name_is_told_with_near_matches_and_nothing_is_started(
    what: str, place: Organisation, world: World
) -> None:
    options, near = UNKNOWN[what]
    line = told(place.evidence("collect", *options), USAGE)
    assert what in line
    assert repr(options[1]) in line
    assert near in line
    assert place.runs() == ()
    assert world.accesses() == ()
    assert not list((place.folder / "prefect").glob("*")), "Prefect was started for nothing"


BROKEN_SETTINGS = {
    "a bracket that is not closed": ("regions:", "regions: [eu-central-1\nx:", ["YAML"]),
    "a field that nobody knows": ("organisation:", "organization:", ["organisation", "organization"]),
    "an account that is no id": ("- id: '111122223333'", "- id: '1111 2222'", ["accounts.0.id"]),
}


@pytest.mark.parametrize("what", BROKEN_SETTINGS)
def test_malformed_settings_are_told_with_file_and_line(what: str, place: Organisation) -> None:
    old, new, mistakes = BROKEN_SETTINGS[what]
    text = place.settings_file.read_text(encoding="utf-8")
    assert old in text
    place.settings_file.write_text(text.replace(old, new, 1), encoding="utf-8")
    lines = told(place.evidence("run", "monthly"), USAGE, lines=len(mistakes)).splitlines()
    for line, mistake in zip(lines, mistakes, strict=True):
        assert mistake in line
        assert f"{place.settings_file}:" in line
    assert not list(place.vault_folder.rglob("*.json"))


def test_missing_settings_are_told_with_what_to_do(place: Organisation) -> None:
    place.settings_file.unlink()
    assert "evidence init" in told(place.evidence("run", "monthly"), USAGE)


def test_a_malformed_catalogue_is_told_with_file_and_line(place: Organisation, tmp_path: Path) -> None:
    folder = sliced_catalogue(tmp_path / "catalogue", EIGHT)
    place.change_settings(lambda settings: settings.update(catalogue=str(folder)))
    catalogue = folder / "evidence" / "iam.yaml"
    lines = catalogue.read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "severity:" in line)
    lines[number - 1] = lines[number - 1].replace("severity:", "severeness:")
    catalogue.write_text("\n".join(lines) + "\n", encoding="utf-8")
    line = told(place.evidence("collect", *NARROW), USAGE)
    assert f"{catalogue}:{number}" in line
    assert "severeness" in line
    assert place.runs() == ()


def test_a_month_that_is_none_is_refused(place: Organisation) -> None:
    assert "2026-13" in told(place.evidence("run", "monthly", "--month", "2026-13"), USAGE)


def test_without_credentials_the_run_closes_and_says_so_of_every_unit(place: Organisation, world: World) -> None:
    nobody = place.with_environment(**WITHOUT_CREDENTIALS)
    done = nobody.evidence("collect", *NARROW)
    assert done.returncode == COULD_NOT_RUN, done.stderr
    assert "Traceback" not in done.stderr
    gathered = place.gathered()
    assert {receipt.result for receipt in gathered.receipts.values()} == {GatherResult.FAILED}
    for receipt in gathered.receipts.values():
        assert receipt.reason.startswith("credentials refused")
        assert "found no credentials" in receipt.reason
    assert {outcome.outcome for outcome in gathered.outcomes.requirements} == {Outcome.NOT_COLLECTED}
    assert "credentials refused" in done.stdout
    assert world.accesses() == ()
    assert place.verified().exit_code == 0


def test_a_bucket_without_object_lock_is_refused_and_stays_empty(
    organisation: Founder, world: World, tmp_path: Path
) -> None:
    place = organisation(tmp_path, bucket=world.keys_bucket)
    assert "Object Lock" in told(place.evidence("collect", *NARROW), COULD_NOT_RUN)
    assert world.store.client().list_objects_v2(Bucket=world.keys_bucket)["KeyCount"] == 0
    assert world.accesses() == ()


def test_a_bucket_that_does_not_exist_is_told(organisation: Founder, tmp_path: Path) -> None:
    place = organisation(tmp_path, bucket="no-such-bucket")
    assert "no-such-bucket" in told(place.evidence("collect", *NARROW), COULD_NOT_RUN)


def test_another_key_than_the_log_began_with_is_refused_and_changes_nothing(place: Organisation) -> None:
    collected_here(place, VOLUMES)
    before = place.contents()
    (place.folder / "keys" / "log-key.pem").unlink()
    create_key(place.folder / "keys" / "log-key.pem", None, vault_url=str(place.vault_folder))
    line = told(place.evidence("collect", *NARROW), COULD_NOT_RUN)
    assert "key" in line
    assert place.contents() == before
    assert place.verified().exit_code == 0


def test_a_wrong_passphrase_is_refused_and_changes_nothing(world: World, prefect_url: str, tmp_path: Path) -> None:
    place = founded(tmp_path, world, prefect_url, passphrase="correct horse")
    for wrong in ("battery staple", ""):
        line = told(place.evidence("collect", *NARROW, env={"EVIDENCE_KEY_PASSPHRASE": wrong}), COULD_NOT_RUN)
        assert "passphrase" in line
        assert not list(place.vault_folder.rglob("*.json"))
    collected_here(place, VOLUMES)
    assert [state.run_id for state in place.runs()] != []


def test_a_missing_key_is_told_and_changes_nothing(place: Organisation) -> None:
    (place.folder / "keys" / "log-key.pem").unlink()
    assert "log-key.pem" in told(place.evidence("collect", *NARROW), COULD_NOT_RUN)
    assert place.contents() == {}


def test_init_writes_nothing_over(place: Organisation, world: World) -> None:
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    line = told(
        place.evidence(
            "init", "--organisation", "Other", "--log", "other", "--account", world.filled.account, "--region",
            "eu-central-1", "--keys", "keys",
        ),
        USAGE,
    )  # fmt: skip
    assert "evidence.yaml" in line
    assert {path: path.read_bytes() for path in before} == before


def test_a_vault_whose_server_is_down_is_told(organisation: Founder, world: World, tmp_path: Path) -> None:
    place = organisation(tmp_path, bucket=locked_bucket(world.store))
    place.change_settings(lambda settings: settings["vault"].update(endpoint="http://127.0.0.1:9"))
    line = told(place.evidence("collect", *NARROW), COULD_NOT_RUN)
    assert "vault.endpoint" in line
    assert world.accesses() == ()
