"""Erasing, holding and extending, as steps over a small closed run: crashes, races and refusals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Place
from vault_samples import DIGEST, NOVEMBER, Clock, closing, opening, receipt, run_id

from evidence_schema.digest import Digest
from evidence_schema.models.disposition import Disposition
from evidence_schema.models.receipt import Receipt, StoredBlob
from evidence_schema.verification import verify_log
from flows.errors import UsageError
from flows.steps.erasing import Decision, Wanted, erasable, erase, finish
from flows.steps.keeping import hold
from flows.steps.opening import read_sealed
from flows.vault.data_keys import DataKeys
from flows.vault.errors import Held, KeysKept, WrongRun
from flows.vault.key_encryption import create_kek
from flows.vault.key_places import KeyFolder
from flows.vault.keys import LocalKey, trust_policy_for
from flows.vault.manifest import ManifestSubject, build_manifest
from flows.vault.vault import Vault, assemble

pytestmark = pytest.mark.sealing

DECISION = Decision("art17-1-b", "privacy officer")
USERS = Wanted(kinds=("aws.iam.users",))
SLOT = "monthly/2026-11"


class DyingFolder(KeyFolder):
    """A place whose process is killed before, or after, one of its keys is destroyed."""

    dies_after: int | None = None
    dies_before: int | None = None
    _destroyed = 0

    def destroy(self, name: str) -> bool:
        if self._destroyed == self.dies_before:
            raise KeyboardInterrupt
        found = super().destroy(name)
        self._destroyed += 1
        if self._destroyed == self.dies_after:
            raise KeyboardInterrupt
        return found


@pytest.fixture
def folder(tmp_path: Path) -> DyingFolder:
    folder = DyingFolder(tmp_path / "data-keys")
    folder.create()
    return folder


@pytest.fixture
def keyed(place: Place, signer: LocalKey, clock: Clock, tmp_path: Path, folder: DyingFolder) -> Vault:
    """A vault with data keys, and a closed run in it: users in two accounts, encrypted, and buckets in clear."""
    kek = create_kek(tmp_path / "keys" / "kek", None, clock())
    vault = assemble(place.open(), place.settings, signer, clock=clock, keys=DataKeys(folder, lambda: kek))
    vault.runs.open_or_join(SLOT, opening(1))
    rows = [
        row(vault, receipt(account="111111111111", kind="aws.iam.users", region="global"), personal=True),
        row(vault, receipt(account="111111111111"), personal=False),
        row(vault, receipt(account="222222222222", kind="aws.iam.users", region="global"), personal=True),
    ]
    rows.sort(key=lambda item: item.unit.sort_key)
    subject = ManifestSubject(vault.layout.log, run_id(1), SLOT, NOVEMBER, DIGEST)
    manifest = build_manifest(
        vault.blobs, [vault.receipts.write(item, vault.lock()) for item in rows], subject, vault.lock()
    )
    vault.runs.close(run_id(1), closing(1, manifest=manifest.digest))
    return vault


def row(vault: Vault, plain: Receipt, *, personal: bool) -> Receipt:
    """The receipt with a transcript of its own."""
    context = vault.artifacts.context(plain.run_id, plain.unit.digest.hex) if personal else None
    kept = vault.artifacts.put([str(plain.unit).encode()], media_type="x/y", lock=vault.lock(), context=context)
    blob = StoredBlob(
        role="transcript", name="t", digest=kept.digest, size=kept.size, media_type="x/y", custody=kept.custody,
        encryption=kept.encryption,
    )  # fmt: skip
    return plain.model_copy(update={"blobs": (blob,)})


def stages(vault: Vault) -> list[str]:
    state = vault.runs.run(run_id(1))
    assert state is not None
    return [erasure.stage for erasure in state.erasures]


def left(vault: Vault) -> int:
    return sum(1 for _ in vault.artifacts.keys.all())


def test_keys_are_destroyed_and_the_log_says_so(keyed: Vault) -> None:
    shown = erasable(keyed, USERS)
    assert [artifact.role for artifact in shown[run_id(1)]] == ["transcript", "transcript"]
    assert (left(keyed), stages(keyed)) == (2, []), "to look changes nothing"
    (done,) = erase(keyed, USERS, DECISION)
    assert (done.artifacts, done.destroyed) == (shown[run_id(1)], 2)
    assert (left(keyed), stages(keyed)) == (0, ["ordered", "done"])
    assert erase(keyed, USERS, DECISION) == [], "a second time there is nothing to erase"
    assert stages(keyed) == ["ordered", "done"]


def test_only_what_is_named_is_erased(keyed: Vault) -> None:
    one = erasable(keyed, Wanted(accounts=("222222222222",)))[run_id(1)]
    assert [artifact.unit.account for artifact in one if artifact.unit] == ["222222222222"]
    erase(keyed, Wanted(artifacts=(one[0].digest,)), DECISION)
    assert left(keyed) == 1
    for nothing in (Wanted(kinds=("aws.s3.buckets",)), Wanted(until=NOVEMBER.start), Wanted(run="run-none")):
        assert erase(keyed, nothing, DECISION) == []
    assert left(keyed) == 1


def test_an_erasure_names_something() -> None:
    for nothing in ({}, {"everything": True}, {"everything": True, "run": "r", "kinds": ("aws.iam.users",)}):
        with pytest.raises(UsageError):
            Wanted(**nothing)  # type: ignore[arg-type]


def test_what_a_killed_process_left_for_the_same_units_goes_too(keyed: Vault, clock: Clock) -> None:
    """An artifact was written, and its receipt never: it holds the same person's data."""
    unit = receipt(account="111111111111", kind="aws.iam.users", region="global")
    row(keyed, unit, personal=True)
    new = keyed.artifacts.keys.new(keyed.artifacts.context(run_id(1), unit.unit.digest.hex))
    keyed.artifacts.keys.keep(Digest.of(b"its ciphertext was never kept"), new)
    assert left(keyed) == 4
    (done,) = erase(keyed, Wanted(accounts=("111111111111",)), DECISION)
    assert [artifact.role for artifact in done.artifacts] == ["transcript", "unnamed", "unnamed"]
    assert left(keyed) == 1


def test_a_hold_stands_until_its_case_releases_it(keyed: Vault) -> None:
    state = keyed.runs.run(run_id(1))
    assert state is not None
    held = hold(keyed, state, "CASE-1", "legal counsel")
    assert hold(keyed, held, "CASE-1", "legal counsel").holds == held.holds, "written once"
    hold(keyed, held, "CASE-2", "legal counsel", (Digest.of(b"another artifact"),))
    with pytest.raises(Held, match="CASE-1"):
        erase(keyed, USERS, DECISION)
    assert (left(keyed), stages(keyed)) == (2, [])
    hold(keyed, held, "CASE-1", "legal counsel", action="release")
    with pytest.raises(WrongRun, match="no such hold"):
        hold(keyed, held, "CASE-1", "legal counsel", action="release")
    erase(keyed, USERS, DECISION)
    assert left(keyed) == 0


def test_a_hold_that_comes_first_wins_and_one_that_comes_too_late_is_told(keyed: Vault, folder: DyingFolder) -> None:
    """Between the order and its end nobody can hold what is being destroyed."""
    folder.dies_before = 1
    with pytest.raises(KeyboardInterrupt):
        erase(keyed, USERS, DECISION)
    state = keyed.runs.run(run_id(1))
    assert state is not None
    with pytest.raises(WrongRun, match="erasure ordered"):
        hold(keyed, state, "CASE-1", "legal counsel")


@pytest.mark.parametrize(("before", "after"), [(0, None), (1, None), (None, 1), (None, 2)])
def test_an_erasure_cut_short_is_finished_by_the_next_one(
    keyed: Vault, folder: DyingFolder, before: int | None, after: int | None
) -> None:
    folder.dies_before, folder.dies_after = before, after
    with pytest.raises(KeyboardInterrupt):
        erase(keyed, USERS, DECISION)
    assert stages(keyed) == ["ordered"]
    folder.dies_before = folder.dies_after = None
    (done,) = erase(keyed, USERS, DECISION)
    assert (len(done.artifacts), left(keyed), stages(keyed)) == (2, 0, ["ordered", "done"])


def test_a_place_that_keeps_what_is_deleted_ends_in_no_false_statement(
    keyed: Vault, folder: DyingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyFolder, "destroy", lambda *_: True)
    with pytest.raises(KeysKept):
        erase(keyed, USERS, DECISION)
    assert stages(keyed) == ["ordered"], "ordered, and not done"


def test_an_open_run_is_not_erased(keyed: Vault) -> None:
    keyed.runs.open_or_join("monthly/2026-12", opening(2, "monthly/2026-12"))
    item = row(keyed, receipt(kind="aws.iam.users").model_copy(update={"run_id": run_id(2)}), personal=True)
    keyed.receipts.write(item, keyed.lock())
    with pytest.raises(WrongRun, match="ended"):
        erase(keyed, Wanted(run=run_id(2)), DECISION)


def test_a_run_that_was_given_up_is_erased_by_its_receipts(keyed: Vault, clock: Clock) -> None:
    keyed.runs.open_or_join("monthly/2026-12", opening(2, "monthly/2026-12"))
    item = row(keyed, receipt(kind="aws.iam.users").model_copy(update={"run_id": run_id(2)}), personal=True)
    keyed.receipts.write(item, keyed.lock())
    clock.advance(timedelta(hours=25))
    keyed.runs.abandon(run_id(2))
    (done,) = erase(keyed, Wanted(run=run_id(2)), DECISION)
    assert [artifact.digest for artifact in done.artifacts] == [item.blobs[0].digest]


def test_the_disposition_is_a_document_of_the_log(keyed: Vault, signer: LocalKey) -> None:
    erase(keyed, USERS, DECISION)
    state = keyed.runs.run(run_id(1))
    assert state is not None
    disposition = read_sealed(keyed, Disposition, state.erasures[0].disposition)
    assert (disposition.ground, disposition.approver, len(disposition.artifacts)) == ("art17-1-b", "privacy officer", 2)
    policy = trust_policy_for(keyed.layout.log, "evidence.example/acme", signer)
    found = verify_log(keyed.store, trust=policy, now=keyed.clock(), keys=keyed.artifacts.keys)
    about_erasing = {
        "disposition-malformed",
        "disposition-differs",
        "erasure-not-ordered",
        "key-missing",
        "subject-differs",
    }
    assert about_erasing.isdisjoint(problem.type for problem in found.problems)
    assert found.erased == 2


def test_nothing_is_left_to_finish(keyed: Vault) -> None:
    erase(keyed, USERS, DECISION)
    state = keyed.runs.run(run_id(1))
    assert state is not None
    assert list(finish(keyed, state)) == []
