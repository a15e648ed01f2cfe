"""A log that an independent authority dates: told by `verify`, proven by openssl alone, and never in a run's way."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from slices import FOUR, sliced_catalogue
from worlds import Organisation, collected_here, founded, json_of

from evidence_schema.layout import Layout
from evidence_schema.models.unit import Selection
from flows.demo.timestamp_authority import TimestampAuthority, timestamp_authority
from flows.demo.world import World

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no program `openssl`: the local authority needs it"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimestampAuthority]:
    with timestamp_authority(tmp_path_factory.mktemp("authority"), chain=True) as found:
        yield found


@pytest.fixture
def place(world: World, prefect_url: str, tmp_path: Path, authority: TimestampAuthority) -> Organisation:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.ca_pem)
    named = f"simulated={authority.url}={roots}"
    found = founded(tmp_path / "clinic", world, prefect_url, regions=["eu-central-1"], timestamp=named)
    catalogue = str(sliced_catalogue(tmp_path / "catalogue", FOUR))
    found.change_settings(lambda settings: settings.update(catalogue=catalogue))
    return found


def test_what_the_authority_saw_is_proven_to_whoever_pinned_it(place: Organisation, tmp_path: Path) -> None:
    (told,) = (row for row in json_of(place.evidence("doctor", "--json")) if row["part"] == "time stamps of simulated")
    assert told["state"] == "ready"
    first = collected_here(place, Selection())
    second = collected_here(place, Selection())

    done = place.evidence("verify", "--trust", str(place.trust), "--json")

    report = json_of(done)
    assert (done.returncode, report["problems"]) == (0, [])
    assert report["verdicts"]["timely"]["verdict"] == "holds"
    assert f"{report['entries']} of {report['entries']} entries" in report["verdicts"]["timely"]["reason"]
    assert first.state.open.last_token is None
    assert second.state.open.last_token is not None

    layout, files = Layout("simulated-clinic"), place.contents()
    for name, key in (("note", layout.checkpoint(3)), ("tsr", layout.token(3, "simulated"))):
        (tmp_path / name).write_bytes(files[key])
    command = ["openssl", "ts", "-verify", "-in", "tsr", "-data", "note", "-CAfile", "roots.pem"]
    judged = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Verification: OK" in judged.stdout + judged.stderr


def test_an_authority_that_is_down_fails_no_run_and_is_asked_again(
    place: Organisation, authority: TimestampAuthority
) -> None:
    nowhere = [{"id": "simulated", "url": "http://127.0.0.1:9/"}]
    place.change_settings(lambda settings: settings.update(timestamps=nowhere))
    collected_here(place, Selection(requirements=("EV-IAM-01",)))
    report = json_of(place.evidence("verify", "--trust", str(place.trust), "--json"))
    assert (report["exit_code"], report["verdicts"]["timely"]["verdict"]) == (0, "not_shown")
    assert {note["type"] for note in report["notes"]} == {"entry-time-not-yet-proven", "not-opened"}

    here = [{"id": "simulated", "url": authority.url}]
    place.change_settings(lambda settings: settings.update(timestamps=here))
    collected_here(place, Selection(requirements=("EV-IAM-01",)))

    report = json_of(place.evidence("verify", "--trust", str(place.trust), "--json"))
    assert (report["exit_code"], {note["type"] for note in report["notes"]}) == (0, {"not-opened"})
    assert report["verdicts"]["timely"]["verdict"] == "holds"
