"""Copies of checkpoints elsewhere: written once, never read, never in a run's way; and what they tell an auditor."""

from __future__ import annotations

import logging
import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest
from botocore.exceptions import ClientError
from conftest import ANCHOR_BUCKET, ANCHORER, AUDITOR, Place
from vault_samples import ORIGIN, Clock, closing, opening, run_id

from evidence_schema.digest import Digest
from evidence_schema.verification import Anchor, Report, verify_log
from flows.demo.object_store import REGION, Identity, ObjectStore
from flows.settings import Settings
from flows.steps.scheduling import heartbeat
from flows.vault.anchoring import REST, AnchorFolder, Anchors
from flows.vault.directory import DirectoryStore
from flows.vault.errors import AlreadyThere, StoreUnavailable
from flows.vault.keys import LocalKey, trust_policy_for
from flows.vault.s3 import S3Access, open_s3
from flows.vault.settings import AnchorSettings, StoreCredentials
from flows.vault.store import Store
from flows.vault.vault import Vault, assemble, open_store

pytestmark = pytest.mark.sealing

SLOT = "monthly/2026-11"


class Simulated:
    """A place that takes what does not exist, while it is up."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.is_up = True
        self.asked = 0

    def put(self, key: str, data: bytes) -> None:
        self.asked += 1
        if not self.is_up:
            raise StoreUnavailable("expected an answer, found none")
        if key in self.kept:
            raise AlreadyThere("taken")
        self.kept[key] = data


def anchors_of(vault: Vault, place: Simulated, *ids: str) -> Anchors:
    named = tuple(AnchorSettings(name, f"s3://{name}") for name in ids or ("a2",))
    return Anchors(vault.store, vault.layout, named, vault.clock, lambda _: place)


def written(vault: Vault) -> Vault:
    vault.runs.open_or_join(SLOT, opening(1))
    vault.runs.close(run_id(1), closing(1))
    return vault


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    folder = tmp_path / "drive"
    folder.mkdir()
    return folder


@pytest.fixture
def anchored(another_vault: Callable[..., Vault], drive: Path) -> Callable[[], Vault]:
    return lambda: another_vault(anchors=(AnchorSettings("drive", str(drive)),))


def test_each_checkpoint_is_copied_byte_for_byte_under_its_own_key(anchored: Callable[[], Vault], drive: Path) -> None:
    vault = written(anchored())
    copies = DirectoryStore(drive)
    assert list(copies.keys("v1/")) == [vault.layout.checkpoint(1), vault.layout.checkpoint(2)]
    for size in (1, 2):
        assert copies.read(vault.layout.checkpoint(size), limit=10_000) == vault.log.checkpoint(size)


def test_tokens_over_the_checkpoint_are_copied_with_it(vault: Vault) -> None:
    written(vault)
    token = vault.layout.token(2, "tsa")
    reply = b"a token"
    vault.store.put(token, reply, digest=Digest.of(reply), size=len(reply), media_type="", lock=vault.lock())
    place = Simulated()
    assert [state.state for state in anchors_of(vault, place).copy(2)] == ["copied"]
    assert place.kept == {vault.layout.checkpoint(2): vault.log.checkpoint(2), token: reply}


def test_an_anchor_that_is_down_fails_nothing_is_left_alone_and_gets_the_newest_checkpoint_later(
    vault: Vault, clock: Clock
) -> None:
    written(vault)
    place = Simulated()
    anchors = anchors_of(vault, place)
    place.is_up = False
    assert [state.state for state in anchors.copy(1)] == ["missing"]
    assert anchors.copy(2) == ()
    assert place.asked == 1
    (told,) = anchors.look(2)
    assert (told.state, "lacks the checkpoint of 2 entries" in told.text) == ("missing", True)

    place.is_up = True
    clock.advance(REST)
    assert [state.state for state in anchors.copy(2)] == ["copied"]
    assert [state.state for state in anchors.copy(2)] == ["held"]
    assert list(place.kept) == [vault.layout.checkpoint(2)]


def test_a_later_writer_copies_what_one_before_it_could_not(
    another_vault: Callable[..., Vault], anchored: Callable[[], Vault], drive: Path
) -> None:
    """As after kill -9 between checkpoint and copy: the copy is made by whoever comes next."""
    written(another_vault(anchors=(AnchorSettings("drive", str(drive / "not mounted")),)))
    assert not list(drive.iterdir())
    anchored().repair()
    vault = anchored()
    assert list(DirectoryStore(drive).keys("v1/")) == [vault.layout.checkpoint(2)]


def test_a_drive_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="mount the drive"):
        AnchorFolder(tmp_path / "none").put("v1/acme/checkpoint/000000000001", b"")
    assert not (tmp_path / "none").exists()


# --- the auditor reads it -------------------------------------------------------------------------------------------


def judged(vault: Vault, signer: LocalKey, reader: Store, name: str = "A2") -> Report:
    """Only the log itself is of interest here: these runs have no sealed documents."""
    trust = trust_policy_for(vault.layout.log, ORIGIN, signer)
    return verify_log(vault.store, trust=trust, now=vault.clock(), anchors=[Anchor(name, reader)])


def types_of(report: Report) -> set[str]:
    return {problem.type for problem in report.problems if str(problem.property) == "anchored"}


def test_a_rolled_back_vault_is_found_by_its_anchor(
    folder_place: Place, signer: LocalKey, clock: Clock, drive: Path, tmp_path: Path
) -> None:
    settings = replace(folder_place.settings, anchors=(AnchorSettings("drive", str(drive)),))
    vault = written(assemble(open_store(settings, create=True), settings, signer, clock=clock))
    copies = DirectoryStore(drive)
    sound = judged(vault, signer, copies)
    assert types_of(sound) == set()
    verdict, reason = sound.verdicts[next(name for name in sound.verdicts if str(name) == "anchored")]
    assert str(verdict) == "holds"
    assert reason.startswith("extends the checkpoint in A2 of 2 entries (there since 20"), reason
    assert reason.endswith("0 newer ones are not anchored")

    root = Path(settings.url)
    (root / vault.layout.entry(1)).unlink()
    (root / vault.layout.checkpoint(2)).unlink()
    rolled = judged(vault, signer, copies)
    assert types_of(rolled) == {"log-shorter-than-kept"}
    assert rolled.exit_code == 4
    (problem,) = (item for item in rolled.problems if item.type == "log-shorter-than-kept")
    assert problem.key == f"A2 {vault.layout.checkpoint(2)}"


# --- a bucket of another account ------------------------------------------------------------------------------------


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of the other account, as an operator has them."""
    text = "".join(
        f"[{who.name}]\naws_access_key_id = {who.access_key}\naws_secret_access_key = {who.secret_key}\n"
        for who in (ANCHORER, AUDITOR)
    )
    (tmp_path / "credentials").write_text(text)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def access_of(object_store: ObjectStore, who: Identity) -> S3Access:
    return S3Access(object_store.endpoint_url, REGION, credentials=StoreCredentials(who.access_key, who.secret_key))


@pytest.mark.usefixtures("profiles")
def test_a_bucket_of_another_account_anchors_a_vault_whose_own_credentials_cannot_touch_it(
    another_vault: Callable[..., Vault], object_store: ObjectStore, signer: LocalKey
) -> None:
    anchor = AnchorSettings("a2", f"s3://{ANCHOR_BUCKET}", object_store.endpoint_url, REGION, ANCHORER.name)
    vault = written(another_vault(anchors=(anchor,)))
    assert [state.state for state in vault.anchors.look(2)] == ["held"]

    reading = open_s3(anchor.url, access_of(object_store, AUDITOR), trial=True)
    assert list(reading.keys(vault.layout.root)) == [vault.layout.checkpoint(1), vault.layout.checkpoint(2)]
    assert types_of(judged(vault, signer, reading)) == set()

    for who in (ANCHORER, object_store.writer):
        client = object_store.client(who)
        for forbidden in (client.get_object, client.head_object, client.delete_object):
            with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
                forbidden(Bucket=ANCHOR_BUCKET, Key=vault.layout.checkpoint(2))
        with pytest.raises(ClientError, match="AccessDenied"):
            client.list_objects_v2(Bucket=ANCHOR_BUCKET)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        object_store.client(ANCHORER).put_object(
            Bucket=ANCHOR_BUCKET, Key=vault.layout.checkpoint(2), Body=b"another", IfNoneMatch="*"
        )


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("changed", [{"profile": "nobody"}, {"url": "s3://no-such-bucket"}, {"profile": AUDITOR.name}])
def test_an_anchor_that_refuses_is_told_and_fails_nothing(
    changed: dict[str, str], another_vault: Callable[..., Vault], object_store: ObjectStore, clock: Clock
) -> None:
    anchor = AnchorSettings("a2", f"s3://{ANCHOR_BUCKET}", object_store.endpoint_url, REGION, ANCHORER.name)
    vault = written(another_vault(anchors=(replace(anchor, **changed),)))
    assert vault.log.head().size == 2
    (told,) = vault.anchors.look(2)
    assert told.state == "missing"
    clock.advance(timedelta(hours=1))
    mended = another_vault(anchors=(anchor,))
    mended.repair()
    assert [state.state for state in mended.anchors.look(2)] == ["held"]


@pytest.mark.usefixtures("profiles")
def test_a_file_planted_in_the_anchor_is_told_and_hides_nothing(
    another_vault: Callable[..., Vault], object_store: ObjectStore, signer: LocalKey
) -> None:
    """Whoever has the writer's role there can be faster with rubbish, or put a second version; never remove one."""
    anchor = AnchorSettings("a2", f"s3://{ANCHOR_BUCKET}", object_store.endpoint_url, REGION, ANCHORER.name)
    vault = written(another_vault(anchors=(anchor,)))
    planter = object_store.client(ANCHORER)
    planter.put_object(Bucket=ANCHOR_BUCKET, Key=vault.layout.checkpoint(2), Body=b"rubbish")
    planter.put_object(Bucket=ANCHOR_BUCKET, Key=vault.layout.checkpoint(9), Body=vault.log.checkpoint(1))
    report = judged(vault, signer, open_s3(anchor.url, access_of(object_store, AUDITOR), trial=True))
    found = [problem.key for problem in report.problems if problem.type == "anchor-changed"]
    assert found == [f"A2 {vault.layout.checkpoint(size)}" for size in (2, 9)]
    assert types_of(report) == {"anchor-changed"}


# --- kill -9 --------------------------------------------------------------------------------------------------------


def test_writers_killed_at_any_moment_leave_a_log_that_continues_every_copy(
    folder_place: Place, signer: LocalKey, drive: Path
) -> None:
    """Four at once, each killed with -9 after some milliseconds: no fork, no gap, and no copy of what is not the log's.

    They write what the scheduler writes: schedules and heartbeats, beside runs.
    """
    places = replace(folder_place.settings, anchors=(AnchorSettings("drive", str(drive)),))
    open_store(places, create=True)

    def write(number: int) -> None:
        vault = assemble(open_store(places), places, signer)
        for step in count():
            heartbeat(vault, PROMISED)
            slot = f"adhoc/{number:04d}-{step:04d}"
            vault.runs.open_or_join(slot, opening(number * 1000 + step, slot))

    random = Random(5)
    for number in range(100):
        children = [_forked(write, number * 4 + writer) for writer in range(4)]
        time.sleep(random.uniform(0.1, 0.6))
        for child in children:
            os.kill(child, signal.SIGKILL)
        ended = [os.waitpid(child, 0)[1] for child in children]
        assert all(os.WIFSIGNALED(status) for status in ended), "a writer ended by itself"
        if number >= 10 and len(list(DirectoryStore(Path(places.url)).keys(f"v1/{places.log}/entry/"))) > 40:
            break

    vault = assemble(open_store(places), places, signer)
    vault.repair()
    size = vault.log.head().size
    types = [entry.predicate.type for entry in vault.log.entries()]
    assert types.count("schedule-change") == 1
    assert types.count("heartbeat") >= 10
    assert list(DirectoryStore(drive).keys(vault.layout.checkpoint(size))) == [vault.layout.checkpoint(size)]
    report = judged(vault, signer, DirectoryStore(drive))
    assert {problem.type for problem in report.problems} <= {"entry-blob-missing", "stale", "nothing-collected"}


PROMISED = Settings.model_validate(
    {
        "organisation": "SIMULATED", "log": "clinic", "accounts": [{"id": "1"}], "regions": ["eu-central-1"],
        "vault": {"url": "vault"}, "keys": {"log": "file:k", "pseudonyms": "file:p"},
        "schedules": [
            {"id": "monthly", "cadence": "monthly", "since": "2026-01-01T00:00:00Z", "approver": "compliance lead"}
        ],
    }
)  # fmt: skip


def _forked(work: Callable[[int], None], number: int) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            logging.disable()
            work(number)
        except BaseException:  # it must not go on as a second test run; what it was is told
            traceback.print_exc()
        finally:
            os._exit(1)
    return pid
