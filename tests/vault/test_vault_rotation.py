"""The log goes on with another key: what is written, in which order, and what a writer that died there leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Place
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vault_samples import ORIGIN, Clock, LosesReplies, closing, opening

from evidence_schema.dsse import parse_envelope, verify_envelope
from evidence_schema.models.entry import KeyRotate, Statement
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.note import VerifierKey, parse_note, verify_note
from evidence_schema.verification import TYPES, Report, verify_log
from evidence_schema.verification.trust import Keyring
from flows.vault.errors import StoreUnavailable, UnsafeKeyFile, WrongKey
from flows.vault.keys import (
    LocalKey,
    Signer,
    policy_after_rotation,
    policy_after_theft,
    trust_policy_for,
    write_trust_policy,
)
from flows.vault.store import Store
from flows.vault.vault import Vault, assemble

pytestmark = pytest.mark.sealing

OLD, NEW, THIRD = (LocalKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2, 3))
OF_KEYS = {name for name, (step, _) in TYPES.items() if step in (3, 4)}


def pinned(log: str) -> TrustPolicy:
    return trust_policy_for(log, ORIGIN, OLD)


def opened(place: Place, signer: Signer, store: Store | None = None, policy: TrustPolicy | None = None) -> Vault:
    keyring = Keyring.of(policy or pinned(place.settings.log))
    return assemble(store or place.open(), place.settings, signer, clock=Clock(), pinned=keyring)


def report(vault: Vault, policy: TrustPolicy) -> Report:
    return verify_log(vault.store, trust=policy, now=datetime.now(UTC))


def key_problems(vault: Vault, policy: TrustPolicy) -> list[str]:
    """Of entries, signatures and checkpoints: what the entries name was never stored."""
    return [item.type for item in report(vault, policy).problems if item.step <= 4]


def notes(vault: Vault, size: int) -> list[bytes]:
    return [line.key_id for line in parse_note(vault.log.checkpoint(size)).signatures]


def ids(*keys: LocalKey) -> list[bytes]:
    return [VerifierKey(ORIGIN, key.public_key).key_id for key in keys]


def test_a_rotation_is_signed_by_the_old_key_and_its_checkpoint_by_both(place: Place) -> None:
    vault = opened(place, OLD)
    vault.log.append(opening(0))
    assert vault.log.rotate(NEW) == 1
    envelope = parse_envelope(vault.store.read(vault.layout.entry(1), limit=65536))
    verify_envelope(envelope, OLD.public_key)
    rotation = Statement.from_canonical(envelope.payload).predicate
    assert isinstance(rotation, KeyRotate)
    assert rotation.vkey == str(VerifierKey(ORIGIN, NEW.public_key))
    assert [notes(vault, size) for size in (1, 2)] == [ids(OLD), ids(OLD, NEW)]
    both = [VerifierKey(ORIGIN, key.public_key) for key in (OLD, NEW)]
    assert len(verify_note(vault.log.checkpoint(2), both).signers) == 2

    after = policy_after_rotation(pinned(place.settings.log), 1, NEW)
    fresh = opened(place, NEW, policy=after)
    entry = fresh.log.append(closing(0))
    assert (entry.seq, entry.predicate.key_epoch, notes(fresh, 3)) == (2, 1, ids(NEW))
    assert key_problems(fresh, after) == []
    assert "rotation-not-pinned" in key_problems(fresh, pinned(place.settings.log))


def test_the_first_entry_may_be_a_rotation(folder_place: Place) -> None:
    vault = opened(folder_place, OLD)
    assert vault.log.rotate(NEW) == 0
    assert key_problems(vault, policy_after_rotation(pinned(folder_place.settings.log), 0, NEW)) == []


def test_the_key_that_ended_writes_nothing_more(folder_place: Place) -> None:
    """Two writers: one was at work when another rotated."""
    at_work = opened(folder_place, OLD)
    at_work.log.append(opening(0))
    opened(folder_place, OLD).log.rotate(NEW)
    for vault in (at_work, opened(folder_place, OLD)):
        with pytest.raises(WrongKey, match=r"name that key as keys\.log"):
            vault.log.append(closing(0))
    assert at_work.log.head().size == 2


def test_the_next_key_writes_nothing_before_its_beginning(folder_place: Place) -> None:
    """It is pinned for later already, or by mistake: without a rotation in the log it is not its turn."""
    opened(folder_place, OLD).log.append(opening(0))
    for policy in (pinned(folder_place.settings.log), policy_after_rotation(pinned("acme"), 5, NEW)):
        with pytest.raises(WrongKey, match="which signs this log now"):
            opened(folder_place, NEW, policy=policy).log.append(closing(0))


def test_without_the_policy_the_new_key_knows_nobody_before_it(folder_place: Place) -> None:
    opened(folder_place, OLD).log.rotate(NEW)
    alone = assemble(folder_place.open(), folder_place.settings, NEW, clock=Clock())
    with pytest.raises(WrongKey, match="trust policy"):
        alone.log.append(opening(0))


def test_several_rotations_are_followed(folder_place: Place) -> None:
    policy = pinned(folder_place.settings.log)
    for number, (key, successor) in enumerate(((OLD, NEW), (NEW, THIRD))):
        vault = opened(folder_place, key, policy=policy)
        vault.log.append(opening(number, f"adhoc/{number:04d}"))
        policy = policy_after_rotation(policy, vault.log.rotate(successor), successor)
    vault = opened(folder_place, THIRD, policy=policy)
    assert vault.log.append(closing(1, "adhoc/0001")).predicate.key_epoch == 2
    assert key_problems(vault, policy) == []
    assert [(key.first, key.until) for key in policy.keys] == [(0, 2), (2, 4), (4, None)]


def test_a_rotation_killed_before_its_checkpoint_is_finished_by_the_same_call(
    folder_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    opened(folder_place, OLD).log.append(opening(0))
    lossy = LosesReplies(folder_place.open(), lambda key: key.endswith("checkpoint/000000000002"), before=True)
    with pytest.raises(StoreUnavailable):
        opened(folder_place, OLD, lossy).log.rotate(NEW)
    policy = policy_after_rotation(pinned(folder_place.settings.log), 1, NEW)
    for signer in (OLD, NEW):
        vault = opened(folder_place, signer, policy=policy)
        with pytest.raises(WrongKey, match="evidence keys rotate"):
            vault.log.repair()
    assert key_problems(vault, policy) == ["checkpoint-missing"]

    vault = opened(folder_place, OLD, policy=policy)
    assert vault.log.rotate(NEW) == 1
    assert vault.log.rotate(NEW) == 1
    assert vault.log.head().size == 2
    assert key_problems(vault, policy) == []


def test_checkpoints_of_the_new_key_wait_for_the_one_that_both_owe(folder_place: Place) -> None:
    """The new key went on although the rotation's checkpoint was never written: both keys can still write it."""
    lossy = LosesReplies(folder_place.open(), lambda key: key.endswith("checkpoint/000000000001"), before=True)
    with pytest.raises(StoreUnavailable):
        opened(folder_place, OLD, lossy).log.rotate(NEW)
    policy = policy_after_rotation(pinned(folder_place.settings.log), 0, NEW)
    opened(folder_place, NEW, policy=policy).log.append(opening(0))
    vault = opened(folder_place, OLD, policy=policy)
    assert vault.log.rotate(NEW) == 0
    assert key_problems(vault, policy) == []


def test_two_rotations_at_once_are_one_or_one_is_refused(folder_place: Place) -> None:
    first, second = opened(folder_place, OLD), opened(folder_place, OLD)
    assert (first.log.head().size, second.log.head().size) == (0, 0)
    assert (first.log.rotate(NEW), second.log.rotate(NEW)) == (0, 0)
    with pytest.raises(WrongKey):
        opened(folder_place, OLD).log.rotate(THIRD)
    with pytest.raises(WrongKey, match="another key to rotate to"):
        opened(folder_place, NEW).log.rotate(NEW)
    assert first.log.head().size == 1


class Refusing(LocalKey):
    """A key that is named and cannot be used."""

    def sign(self, message: bytes) -> bytes:
        raise WrongKey("disabled")


def test_a_successor_that_does_not_sign_leaves_no_checkpoint_that_lacks_it(folder_place: Place) -> None:
    vault = opened(folder_place, OLD)
    with pytest.raises(WrongKey, match="disabled"):
        vault.log.rotate(Refusing(NEW.private))
    assert list(vault.store.keys(vault.layout.checkpoints)) == []
    assert opened(folder_place, OLD).log.rotate(NEW) == 0
    assert notes(vault, 1) == ids(OLD, NEW)


def test_a_policy_that_says_otherwise_is_refused(folder_place: Place) -> None:
    policy = policy_after_rotation(pinned("acme"), 4, NEW)
    assert policy_after_rotation(policy, 4, NEW) == policy
    for seq, successor in ((5, NEW), (3, NEW), (4, THIRD)):
        with pytest.raises(WrongKey, match=f"ends at entry {seq}"):
            policy_after_rotation(policy, seq, successor)
    with pytest.raises(WrongKey):
        policy_after_rotation(pinned("acme"), 4, OLD)


def test_a_stolen_key_is_believed_for_the_time_before_only() -> None:
    policy, theft = policy_after_rotation(pinned("acme"), 4, NEW), datetime(2026, 11, 1, tzinfo=UTC)
    stolen = policy_after_theft(policy, OLD.key_id, theft, 3)
    assert [(key.until, key.stolen_at, key.revoked_from) for key in stolen.keys] == [(5, theft, 3), (None, None, None)]
    assert stolen.fingerprint != policy.fingerprint
    with pytest.raises(WrongKey, match="rotate to a new one first"):
        policy_after_theft(policy, NEW.key_id, theft)
    with pytest.raises(WrongKey, match="the trust policy names"):
        policy_after_theft(policy, THIRD.key_id, theft)


def test_a_policy_is_written_whole_once_and_the_same_again_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "trust" / "policy.json"
    for _ in range(2):
        write_trust_policy(path, pinned("acme"))
    with pytest.raises(UnsafeKeyFile, match="never written over"):
        write_trust_policy(path, replace_log(pinned("acme")))
    assert [entry.name for entry in path.parent.iterdir()] == ["policy.json"]
    assert path.read_bytes() == pinned("acme").canonical()


def replace_log(policy: TrustPolicy) -> TrustPolicy:
    return policy.model_copy(update={"log": "another"})
