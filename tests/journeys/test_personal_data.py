"""Personal data: nothing of it in clear in the whole vault, and what verifies before and after it is erased.

`python -m pytest -m journey -k personal_data -s` prints the figures.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import pytest
import yaml
from worlds import PROJECT, Founder, Gathered, Organisation, collected_here, json_of, locked_bucket

from evidence_schema.models.unit import Selection
from flows.demo.account_people import PEOPLE
from flows.demo.world import World

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("personal")]

DIRECTORY = ("Anna Keller", "Carla Nunes", "Somebody who left", "Ida Moreau", "sim-left.last.year")
NAMES = tuple(person.name for person in PEOPLE) + DIRECTORY


def texts(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them: a workbook is a zip, in which no name stands in clear."""
    yield data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield packed.read(name)


def named_in(objects: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Object -> the people that it names in clear."""
    found = {
        key: {name for name in NAMES for text in texts(data) if name.encode() in text or name.encode() in key.encode()}
        for key, data in objects.items()
    }
    return {key: names for key, names in found.items() if names}


def with_facts(place: Organisation) -> Organisation:
    """The facts of the simulated organisation, lists of people among them."""
    facts = yaml.safe_load((PROJECT / "flows" / "demo" / "facts.yaml").read_text(encoding="utf-8"))
    dated = {"approved_by": "security officer", "as_of": "2026-11-01T00:00:00Z"}
    place.change_settings(lambda settings: settings.update(facts={k: {"value": v} | dated for k, v in facts.items()}))
    return place


@pytest.fixture(scope="module")
def whole(session_world: World, organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    """The whole plan, gathered and judged, and a workbook of it."""
    place = with_facts(organisation(tmp_path_factory.mktemp("whole"), regions=("eu-central-1",)))
    collected_here(place, Selection())
    return place


@pytest.fixture(scope="module")
def gathered(whole: Organisation) -> Gathered:
    with mock.patch.dict(os.environ, whole.environment, clear=True):
        return whole.gathered()


def test_no_artifact_of_a_personal_kind_is_stored_in_clear(gathered: Gathered) -> None:
    from flows.steps.opening import load_run

    personal = load_run(gathered.vault, gathered.state).personal_kinds
    rows = [row for row in gathered.receipts.values() if row.unit.kind in personal]
    blobs = [blob for row in rows for blob in row.blobs]
    in_clear = [blob for blob in blobs if blob.encryption is None]
    others = [blob for row in gathered.receipts.values() if row.unit.kind not in personal for blob in row.blobs]
    print(f"artifacts of personal kinds: {len(blobs)}, stored unencrypted: {len(in_clear)}; others: {len(others)}")
    assert len(blobs) > 20
    assert in_clear == []
    assert all(blob.encryption is None for blob in others)


def test_no_object_of_the_vault_names_a_person_of_the_account(whole: Organisation, gathered: Gathered) -> None:
    named = named_in(whole.contents())
    told = {record.kind for record in gathered.records() for name in NAMES if name in json.dumps(record.fields)}
    print(f"{len(whole.contents())} objects, {len(NAMES)} names, objects that hold one in clear: {len(named)}")
    print(f"kinds that name people, once opened: {sorted(told)}")
    assert len(told) > 5
    assert named == {}
