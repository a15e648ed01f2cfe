"""Two S3 servers of two owners: the vault on one, its anchor on the other, and an auditor who reads both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from slices import FOUR
from worlds import Founder, Organisation, collected_here, json_of, locked_bucket

from evidence_schema.models.unit import Selection
from flows.children import Children
from flows.demo.object_store import REGION, Identity, ObjectStore
from flows.demo.world import World

pytestmark = pytest.mark.journey
ANCHOR = "simulated-anchor"
ONE = Selection(requirements=("EV-IAM-01",))


@dataclass(frozen=True)
class Elsewhere:
    """Another owner's server: our role there may only put, the auditor may only read."""

    store: ObjectStore
    writer: Identity
    auditor: Identity

    @property
    def credentials(self) -> str:
        return "".join(
            f"[{who.name}]\naws_access_key_id = {who.access_key}\naws_secret_access_key = {who.secret_key}\n"
            for who in (self.writer, self.auditor)
        )


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    writer, auditor = Identity.random("anchorer"), Identity.random("auditor")
    rights = {writer: [f"Write:{ANCHOR}"], auditor: [f"Read:{ANCHOR}", f"List:{ANCHOR}"]}
    with Children() as children:
        store = ObjectStore(children, tmp_path_factory.mktemp("elsewhere"), others=rights)
        store.wait_ready()
        store.create_locked_bucket(ANCHOR)
        denied = {"Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"]}
        policy = {"Version": "2012-10-17", "Statement": [denied | {"Resource": f"arn:aws:s3:::{ANCHOR}/*"}]}
        store.client().put_bucket_policy(Bucket=ANCHOR, Policy=json.dumps(policy))
        yield Elsewhere(store, writer, auditor)
        store.kill()


@pytest.fixture
def place(organisation: Founder, world: World, elsewhere: Elsewhere, tmp_path: Path) -> Organisation:
    found = organisation(tmp_path / "clinic", requirements=FOUR, bucket=locked_bucket(world.store))
    (tmp_path / "credentials").write_text(elsewhere.credentials)
    anchor = {
        "id": "a2", "url": f"s3://{ANCHOR}", "endpoint": elsewhere.store.endpoint_url, "region": REGION,
        "profile": elsewhere.writer.name,
    }  # fmt: skip
    found.change_settings(lambda settings: settings.update(anchors=[anchor]))
    return found.with_environment(AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"))


def verified(place: Organisation, elsewhere: Elsewhere, *more: str) -> dict:
    options = ("--anchor", f"s3://{ANCHOR}", "--anchor-endpoint", elsewhere.store.endpoint_url)
    who = ("--anchor-profile", elsewhere.auditor.name)
    done = place.evidence("verify", "--trust", str(place.trust), "--json", *options, *who, *more)
    assert done.stdout, done.stderr
    return json_of(done) | {"returncode": done.returncode}


def restored(place: Organisation, world: World, bucket: str, copy: str) -> None:
    """What a backup is good for: every object of the vault as it is now, in another bucket."""
    client = world.store.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", ()):
            body = client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            client.put_object(Bucket=copy, Key=item["Key"], Body=body)


def test_a_vault_rolled_back_to_a_sound_backup_is_found_by_anchor_and_receipt(
    place: Organisation, world: World, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    # The anchor is down during the first run, which nobody notices but doctor and status.
    elsewhere.store.kill()
    collected_here(place, ONE)
    told = place.evidence("status").stdout
    assert "anchor a2" in told, told
    assert "lacks the checkpoint of 3 entries" in told.replace("\n", " "), told

    # It comes back: the next writer copies what is missing before it does anything else.
    elsewhere.store.restart()
    bucket = place.vault().store.describe().url.removeprefix("s3://")
    backup = locked_bucket(world.store)
    restored(place, world, bucket, backup)
    collected_here(place, ONE)
    (state,) = (row for row in json_of(place.evidence("doctor", "--json")) if row["part"] == "anchor a2")
    assert (state["state"], "has a checkpoint of 6 entries" in state["text"]) == ("ready", True)

    # An auditor's look: sound, anchored to the newest entry, and kept.
    receipt = tmp_path / "receipt.json"
    report = verified(place, elsewhere, "--save-receipt", str(receipt))
    assert (report["returncode"], report["problems"]) == (0, [])
    reason = report["verdicts"]["anchored"]["reason"]
    assert f"extends the checkpoint in s3://{ANCHOR} of 6 entries (there since 20" in reason
    assert reason.endswith("0 newer ones are not anchored")
    again = place.evidence("verify", "--trust", str(place.trust), "--save-receipt", str(receipt))
    assert (again.returncode, "found one" in again.stderr) == (2, True)

    # The backup takes the vault's place: by itself it is sound, and the second run was never there.
    place.change_settings(lambda settings: settings["vault"].update(url=f"s3://{backup}"))
    alone = place.evidence("verify", "--trust", str(place.trust), "--json")
    assert (alone.returncode, json_of(alone)["problems"]) == (0, [])
    by_anchor = verified(place, elsewhere)
    assert by_anchor["returncode"] == 4
    assert {problem["type"] for problem in by_anchor["problems"]} == {"log-shorter-than-kept"}
    assert {problem["key"].split()[0] for problem in by_anchor["problems"]} == {f"s3://{ANCHOR}"}
    other = tmp_path / "other.json"
    by_receipt = place.evidence(
        "verify", "--trust", str(place.trust), "--since", str(receipt), "--save-receipt", str(other), "--json"
    )
    assert by_receipt.returncode == 4
    assert [problem["type"] for problem in json_of(by_receipt)["problems"]] == ["log-shorter-than-kept"]
    assert not other.exists()
    assert "they are the proof" in by_receipt.stderr

    # The true vault, a run later: what came since.
    place.change_settings(lambda settings: settings["vault"].update(url=f"s3://{bucket}"))
    collected_here(place, ONE)
    later = verified(place, elsewhere, "--since", str(receipt))
    assert (later["returncode"], later["problems"]) == (0, [])
    assert later["since"]["counts"] == {"judged": 1, "run-close": 1, "run-open": 1}

    for who in (elsewhere.writer, Identity("vault", *vault_keys(place))):
        client = elsewhere.store.client(who)
        for forbidden in (client.get_object, client.delete_object):
            with pytest.raises(ClientError, match=r"AccessDenied|InvalidAccessKeyId"):
                forbidden(Bucket=ANCHOR, Key="v1/simulated-clinic/checkpoint/000000000006")


def vault_keys(place: Organisation) -> tuple[str, str]:
    return place.environment["EVIDENCE_VAULT_ACCESS_KEY_ID"], place.environment["EVIDENCE_VAULT_SECRET_ACCESS_KEY"]


def test_a_schedule_is_sealed_at_the_first_opening_and_a_heartbeat_says_that_nothing_is_due(
    organisation: Founder, tmp_path: Path
) -> None:
    place = organisation(tmp_path / "clinic", requirements=FOUR)
    nothing = place.evidence("heartbeat")
    assert (nothing.returncode, "state `schedules`" in nothing.stderr) == (2, True)
    schedule = {"id": "monthly", "cadence": "monthly", "since": "2026-01-01T00:00:00Z", "approver": "compliance lead"}
    place.change_settings(lambda settings: settings.update(schedules=[schedule]))
    collected_here(place, ONE)
    beat = json_of(place.evidence("heartbeat", "--json"))
    assert beat["entry"] == 4

    report = json_of(place.evidence("verify", "--trust", str(place.trust), "--json"))
    assert (report["exit_code"], report["problems"]) == (0, [])
    assert report["verdicts"]["fresh"]["reason"].endswith("every due slot of monthly is filled")
    types = [entry.predicate.type for entry in place.vault().log.entries()]
    assert types == ["schedule-change", "run-open", "run-close", "judged", "heartbeat"]
    (told,) = (row for row in json_of(place.evidence("doctor", "--json")) if row["part"] == "schedule monthly")
    assert told["text"] == "monthly, as in the log"
