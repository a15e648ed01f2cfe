"""The log's chain, checkpoints, and what happens when a writer dies or a reply is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import BUCKET, Place
from vault_samples import DIGEST, ORIGIN, Clock, LosesReplies, closing, opening, run_id

from evidence_schema import merkle
from evidence_schema.checkpoint import parse_checkpoint
from evidence_schema.digest import Digest
from evidence_schema.dsse import parse_envelope, verify_envelope
from evidence_schema.errors import BadEnvelope
from evidence_schema.models.entry import Statement, Subject
from evidence_schema.note import VerifierKey, verify_note
from flows.vault.errors import BrokenLog, Contended, NotThere, ReadOnly, StoreUnavailable, WrongKey
from flows.vault.keys import LocalKey, create_key
from flows.vault.log import NextEntry
from flows.vault.vault import Vault, assemble, open_store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.sealing

Another = Callable[..., Vault]


def files(vault: Vault) -> list[bytes]:
    return [vault.store.read(key, limit=65536) for key in vault.store.keys(vault.layout.entries)]


def fill(vault: Vault, count: int) -> None:
    for number in range(count):
        vault.log.append(opening(number, f"adhoc/{number:04d}"))


def test_entries_are_numbered_chained_and_signed(vault: Vault, signer: LocalKey) -> None:
    fill(vault, 3)
    stored = files(vault)
    previous = None
    for seq, (entry, data) in enumerate(zip(vault.log.entries(), stored, strict=True)):
        assert (entry.seq, entry.predicate.seq, entry.predicate.prev) == (seq, seq, previous)
        verify_envelope(parse_envelope(data), signer.public_key)
        previous = entry.digest
        assert previous == Digest.of(data)


def test_every_append_leaves_a_signed_checkpoint_over_the_files(vault: Vault, signer: LocalKey) -> None:
    fill(vault, 5)
    leaves = [merkle.leaf_hash(data) for data in files(vault)]
    key = VerifierKey(ORIGIN, signer.public_key)
    for size in range(1, 6):
        found = parse_checkpoint(verify_note(vault.log.checkpoint(size), [key]).text)
        assert (found.origin, found.size, found.root) == (ORIGIN, size, merkle.root(leaves[:size]))


def test_another_writer_goes_on_where_the_first_stopped(vault: Vault, another_vault: Another) -> None:
    fill(vault, 2)
    other = another_vault()
    assert other.log.append(closing(1, "adhoc/0001")).seq == 2
    assert vault.log.append(closing(0, "adhoc/0000")).seq == 3  # and back, with what it knew being old
    assert [entry.seq for entry in another_vault().log.entries()] == [0, 1, 2, 3]


def test_an_append_reads_only_what_is_new(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(vault, 4)
    read: list[str] = []
    really = vault.store.read

    def counting(key: str, *, limit: int, version: str = "") -> bytes:
        read.append(key)
        return really(key, limit=limit, version=version)

    monkeypatch.setattr(vault.store, "read", counting)
    vault.log.append(opening(9))
    assert read == [vault.layout.entry(4)]


def test_the_loser_of_a_race_takes_the_next_number(vault: Vault, another_vault: Another) -> None:
    other, seen = another_vault(), []

    def slow(following: NextEntry) -> Statement:
        seen.append(following.seq)
        if len(seen) == 1:
            other.log.append(opening(7, "adhoc/theirs"))
        return opening(1, "adhoc/ours")(following)

    assert vault.log.append(slow).seq == 1
    assert seen == [0, 1]
    assert [entry.predicate.slot for entry in vault.log.entries()] == ["adhoc/theirs", "adhoc/ours"]


def test_a_writer_can_decide_against_its_entry_when_it_lost(vault: Vault, another_vault: Another) -> None:
    other, asked = another_vault(), []

    def decide(following: NextEntry) -> Statement | None:
        asked.append(following.seq)
        if following.seq == 1:
            return None
        other.log.append(opening(7))
        return opening(1)(following)

    assert vault.log.append_unless(decide) is None
    assert asked == [0, 1]
    assert vault.log.head().size == 1


def test_races_lost_without_end_are_an_error(
    vault: Vault, another_vault: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.vault.log.APPEND_ATTEMPTS", 3)
    other = another_vault()

    def always_late(following: NextEntry) -> Statement:
        other.log.append(opening(following.seq, f"adhoc/{following.seq:04d}"))
        return opening(99)(following)

    with pytest.raises(Contended, match="lost 3 races"):
        vault.log.append(always_late)


@pytest.mark.parametrize("part", ["entry", "checkpoint"])
def test_an_entry_whose_reply_was_lost_is_ours_and_stands_once(
    part: str, place: Place, vault: Vault, another_vault: Another
) -> None:
    lossy = LosesReplies(place.open(), lambda key: f"/{part}/" in key)
    entry = another_vault(lossy).log.append(opening(1))
    assert lossy.lost
    assert (entry.seq, len(files(vault))) == (0, 1)
    assert vault.log.checkpoint(1)
    assert vault.log.repair() == ()


def test_an_entry_that_never_arrived_is_reported_and_not_there(
    place: Place, vault: Vault, another_vault: Another
) -> None:
    lossy = LosesReplies(place.open(), lambda key: "/entry/" in key, before=True)
    with pytest.raises(StoreUnavailable):
        another_vault(lossy).log.append(opening(1))
    assert vault.log.head().size == 0


def test_an_entry_without_checkpoint_is_committed_and_repaired_by_the_next(
    place: Place, vault: Vault, another_vault: Another, caplog: pytest.LogCaptureFixture
) -> None:
    lossy = LosesReplies(place.open(), lambda key: "/checkpoint/" in key, before=True)
    assert another_vault(lossy).log.append(opening(1)).seq == 0
    assert "checkpoint 1 is not written yet" in caplog.text
    with pytest.raises(NotThere):
        vault.log.checkpoint(1)
    assert vault.log.repair() == (1,)
    note = vault.log.checkpoint(1)
    assert vault.log.repair() == ()
    assert another_vault().log.checkpoint(1) == note


def test_racing_repairs_write_the_same_bytes(place: Place, vault: Vault, another_vault: Another) -> None:
    lossy = LosesReplies(place.open(), lambda key: "/checkpoint/" in key, before=True)
    another_vault(lossy).log.append(opening(1))
    first, second = another_vault(), another_vault()
    first.log._write_checkpoint(first.log.head().size)
    second.log._write_checkpoint(second.log.head().size)
    assert len(list(vault.store.versions(vault.layout.checkpoints))) == 1


def test_a_checkpoint_over_other_entries_is_not_built_upon(vault: Vault, signer: LocalKey) -> None:
    forged = b"evidence.example/acme\n1\n" + Digest.of(b"").base64.encode() + b"\n\n"
    forged += b"\xe2\x80\x94 evidence.example/acme AAAAAAAA\n"
    vault.store.put(
        vault.layout.checkpoint(1), forged, digest=Digest.of(forged), size=len(forged), media_type="x/y", lock=None
    )
    with pytest.raises(BrokenLog, match="found another"):
        vault.log.append(opening(1))


def test_another_key_does_not_go_on_with_our_log(place: Place, vault: Vault, clock: Clock, tmp_path: Path) -> None:
    vault.log.append(opening(1))
    stranger = assemble(place.open(), place.settings, create_key(tmp_path / "other.pem"), clock=clock)
    with pytest.raises(WrongKey, match="the key that this log began with"):
        stranger.log.append(closing(1))
    assert vault.log.head().size == 1


def test_bytes_that_nobody_signed_stop_the_writer(vault: Vault, another_vault: Another) -> None:
    vault.log.append(opening(1))
    junk = b'{"payload":"","payloadType":"x","signatures":[]}'
    vault.store.put(vault.layout.entry(1), junk, digest=Digest.of(junk), size=len(junk), media_type="x/y", lock=None)
    for writer in (vault, another_vault()):
        with pytest.raises(BrokenLog, match="entry under number 1"):
            writer.log.append(closing(1))


def test_an_entry_of_another_history_stops_the_writer(
    folder_place: Place, signer: LocalKey, clock: Clock, tmp_path: Path
) -> None:
    """Signed by our own key, with the right number: only the chain tells."""
    settings = folder_place.settings
    ours = assemble(folder_place.open(), settings, signer, clock=clock)
    elsewhere = replace(settings, url=str(tmp_path / "elsewhere"))
    theirs = assemble(open_store(elsewhere, create=True), elsewhere, signer, clock=clock)
    fill(ours, 1)
    theirs.log.append(opening(7, "adhoc/else"))
    fill(theirs, 1)
    (Path(elsewhere.url) / theirs.layout.entry(1)).rename(Path(settings.url) / ours.layout.entry(1))
    for writer in (ours, assemble(folder_place.open(), settings, signer, clock=clock)):
        with pytest.raises(BrokenLog, match="to name the entry before it"):
            writer.log.append(closing(0, "adhoc/0000"))


def test_a_late_checkpoint_of_an_older_size_is_the_one_that_was_owed(
    folder_place: Place, signer: LocalKey, clock: Clock
) -> None:
    vault = assemble(folder_place.open(), folder_place.settings, signer, clock=clock)
    fill(vault, 5)
    owed = {size: vault.log.checkpoint(size) for size in (2, 3, 5)}
    for size in owed:
        (Path(folder_place.settings.url) / vault.layout.checkpoint(size)).unlink()
    fresh = assemble(folder_place.open(), folder_place.settings, signer, clock=clock)
    assert fresh.log.repair() == (2, 3, 5)
    assert {size: fresh.log.checkpoint(size) for size in owed} == owed


def test_a_gap_stops_the_writer(folder_place: Place, signer: LocalKey, clock: Clock) -> None:
    vault = assemble(folder_place.open(), folder_place.settings, signer, clock=clock)
    fill(vault, 3)
    (Path(folder_place.settings.url) / vault.layout.entry(1)).unlink()
    fresh = assemble(folder_place.open(), folder_place.settings, signer, clock=clock)
    with pytest.raises(BrokenLog, match="expected entry 1, found 2"):
        fresh.log.append(closing(1))


def test_an_entry_of_another_log_under_the_same_key_is_refused(
    folder_place: Place, signer: LocalKey, clock: Clock
) -> None:
    vault = assemble(folder_place.open(), folder_place.settings, signer, clock=clock)
    vault.log.append(opening(1))
    settings = folder_place.settings
    (Path(settings.url) / "v1" / settings.log).rename(Path(settings.url) / "v1" / "stolen-log")
    thief = assemble(folder_place.open(), replace(settings, log="stolen-log"), signer, clock=clock)
    with pytest.raises(BrokenLog, match="of stolen-log, found 0 of"):
        thief.log.head()


def test_deleting_the_newest_entry_does_not_free_its_number(
    s3_place: Place, signer: LocalKey, clock: Clock, admin: S3Client
) -> None:
    """After a delete marker a conditional write would succeed: only the version list tells."""
    vault = assemble(s3_place.open(), s3_place.settings, signer, clock=clock)
    fill(vault, 2)
    admin.delete_object(Bucket=BUCKET, Key=vault.layout.entry(1))
    fresh = assemble(s3_place.open(), s3_place.settings, signer, clock=clock)
    assert fresh.log.append(opening(5)).seq == 2
    assert vault.log.append(opening(6)).seq == 3


def test_an_overwritten_entry_is_read_as_first_written(
    s3_place: Place, signer: LocalKey, clock: Clock, admin: S3Client
) -> None:
    vault = assemble(s3_place.open(), s3_place.settings, signer, clock=clock)
    fill(vault, 2)
    admin.put_object(Bucket=BUCKET, Key=vault.layout.entry(0), Body=b"rewritten history")
    fresh = assemble(s3_place.open(), s3_place.settings, signer, clock=clock)
    assert [entry.digest for entry in fresh.log.entries()] == [entry.digest for entry in vault.log.entries()]


def test_times_never_run_backwards(vault: Vault, clock: Clock) -> None:
    first = vault.log.append(opening(1))
    clock.advance(timedelta(hours=-5))
    assert vault.log.append(closing(1)).predicate.time == first.predicate.time
    clock.advance(timedelta(hours=7))
    assert vault.log.append(opening(2)).predicate.time == first.predicate.time + timedelta(hours=2)


def test_a_statement_for_another_place_is_refused(vault: Vault) -> None:
    fill(vault, 1)

    def stale(following: NextEntry) -> Statement:
        made = opening(1)(following)
        return made.model_copy(update={"predicate": made.predicate.model_copy(update={"prev": DIGEST})})

    with pytest.raises(BrokenLog, match="a statement for entry 1"):
        vault.log.append(stale)


def test_more_than_a_key_service_signs_is_refused_before_it_is_signed(vault: Vault) -> None:
    def verbose(following: NextEntry) -> Statement:
        made = opening(1)(following)
        return made.model_copy(update={"subject": tuple(Subject.of(f"part-{n}", DIGEST) for n in range(40))})

    with pytest.raises(BadEnvelope, match="at most 4096 bytes"):
        vault.log.append(verbose)
    assert vault.log.head().size == 0


def test_without_a_key_the_log_is_read_only(place: Place, vault: Vault, clock: Clock) -> None:
    vault.log.append(opening(1))
    reader = assemble(place.open(), place.settings, clock=clock)
    assert [entry.predicate.run_id for entry in reader.log.entries()] == [run_id(1)]
    with pytest.raises(ReadOnly):
        reader.log.append(closing(1))
    with pytest.raises(ReadOnly):
        reader.log.repair()


def test_a_person_with_openssl_checks_what_we_signed(vault: Vault, signer: LocalKey, tmp_path: Path) -> None:
    from base64 import b64decode

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    vault.log.append(opening(1))
    public = signer.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "pub.pem").write_bytes(public)
    text, _, line = vault.log.checkpoint(1).decode().rpartition("\n\n")
    (tmp_path / "cp.txt").write_text(text + "\n")
    (tmp_path / "cp.sig").write_bytes(b64decode(line.split()[2])[4:])
    command = "openssl pkeyutl -verify -pubin -inkey pub.pem -rawin -in cp.txt -sigfile cp.sig"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout + done.stderr
