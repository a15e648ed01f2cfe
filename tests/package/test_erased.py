"""Packages of a vault from which something was erased, or whose keys are not at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest import mock

import pytest
from slices import EIGHT
from test_three_verifiers import by_command, by_shell, by_single_file
from worlds import Founder, Organisation, collected_here

from evidence_schema.models.unit import Selection
from flows.steps.erasing import Decision, Wanted, erase
from flows.steps.judging import closed_of, receipts_of
from flows.steps.packaging import Packaged, PackageRequest, make_package
from flows.steps.runtime import open_runtime
from flows.vault.errors import NoDataKeys

pytestmark = pytest.mark.journey

USERS = "aws.iam.users"
DECISION = Decision(ground="art17-1-b", approver="privacy officer")


@pytest.fixture(scope="module")
def place(unorchestrated: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    found = unorchestrated(tmp_path_factory.mktemp("erased"), requirements=EIGHT, regions=("eu-central-1",))
    collected_here(found, Selection())
    return found


def packed(place: Organisation, out: Path) -> Packaged:
    with mock.patch.dict(os.environ, place.environment, clear=True):
        return make_package(open_runtime(place.settings_file), PackageRequest(), out)


def omitted(bag: Path, reason: str) -> list[dict]:
    found = [json.loads(line) for line in (bag / "data/omitted.jsonl").read_text().splitlines()]
    return [item for item in found if item["reason"] == reason]


def users_digest(place: Organisation) -> str:
    vault = place.vault()
    rows = receipts_of(vault, closed_of(vault.runs.runs()[-1]))
    return next(str(row.blobs[0].digest) for row in rows if row.unit.kind == USERS)


def test_a_missing_key_makes_the_package_partial_and_says_of_what(place: Organisation, tmp_path: Path) -> None:
    digest = users_digest(place)
    folder = place.folder / "keys/data-keys"
    names = [path for path in folder.rglob("*") if digest.removeprefix("sha256:") in path.name]
    assert len(names) == 1
    kept = names[0].read_bytes()
    names[0].unlink()
    try:
        made = packed(place, tmp_path / "bag")
    finally:
        names[0].write_bytes(kept)
    assert made.scope.status == "partial"
    assert [item["digest"] for item in omitted(tmp_path / "bag", "no key")] == [digest]
    assert by_command(tmp_path / "bag", place.trust).exit_code == 0


def test_without_keys_nothing_is_packed_and_nothing_logged(place: Organisation, tmp_path: Path) -> None:
    before = len(list(place.vault().log.entries()))
    kept = place.settings_file.read_text()
    place.change_settings(lambda settings: settings["vault"].pop("keys"))
    try:
        with pytest.raises(NoDataKeys, match="data keys"):
            packed(place, tmp_path / "bag")
    finally:
        place.settings_file.write_text(kept)
    assert not (tmp_path / "bag").exists()
    assert len(list(place.vault().log.entries())) == before


def test_all_three_find_a_package_sound_from_which_something_was_erased(place: Organisation, tmp_path: Path) -> None:
    digest = users_digest(place)
    with mock.patch.dict(os.environ, place.environment, clear=True):
        erased = erase(open_runtime(place.settings_file).vault, Wanted(kinds=(USERS,)), DECISION)
    assert [item.destroyed > 0 for item in erased] == [True]
    bag = tmp_path / "bag"
    made = packed(place, bag)
    assert made.scope.status == "complete", "what was erased by order is no failure, and is listed"
    assert digest in {item["digest"] for item in omitted(bag, "erased")}
    views = [path.read_text() for path in (bag / "data/evidence").rglob("*.view.txt") if digest[7:] in path.read_text()]
    assert views
    assert all("cannot be shown: erased at" in view for view in views)
    report = by_command(bag, place.trust)
    code, single = by_single_file(bag, place.trust)
    assert (report.exit_code, code, by_shell(bag, place.trust).returncode) == (0, 0, 0), (report.problems, single)
    assert {note.type for note in report.notes} >= {"artifacts-erased", "not-in-package"}
