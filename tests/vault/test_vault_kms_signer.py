"""A signing key in KMS: whole messages, plain Ed25519 or ECDSA, every refusal in words. KMS is simulated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Place
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from simulated_kms import KmsKey, SimulatedKms, simulated_kms
from vault_samples import ORIGIN, Clock, closing, opening

from evidence_schema import signing_key
from evidence_schema.dsse import MAX_PAE_BYTES, parse_envelope, verify_envelope
from evidence_schema.errors import BadSignature
from evidence_schema.note import VerifierKey, parse_note, sign_note, verify_note
from flows.vault.errors import BadSettings, StoreDenied, StoreUnavailable, VaultError, WrongKey
from flows.vault.keys import LocalKey, SignerAccess, check_signs, load_signer, trust_policy_for
from flows.vault.kms import KmsAccess
from flows.vault.kms_signer import KmsSigner, open_kms_signer
from flows.vault.settings import StoreCredentials
from flows.vault.vault import Vault, assemble

pytestmark = pytest.mark.sealing

US = StoreCredentials("simulated", "simulated")


@pytest.fixture(scope="module")
def kms() -> Iterator[SimulatedKms]:
    with simulated_kms() as service:
        yield service


@pytest.fixture(params=["Ed25519", "ECDSA P-256"])
def key(kms: SimulatedKms, request: pytest.FixtureRequest) -> KmsKey:
    return kms.new_key() if request.param == "Ed25519" else kms.new_p256_key()


def opened(kms: SimulatedKms, key: KmsKey, **more: Any) -> KmsSigner:
    return open_kms_signer(key.uri, KmsAccess(kms.endpoint, credentials=US, **{"attempts": 1} | more))


def vault_of(place: Place, signer: KmsSigner) -> Vault:
    return assemble(place.open(), place.settings, signer, clock=Clock())


def test_a_signature_is_over_the_whole_message(kms: SimulatedKms, key: KmsKey) -> None:
    signer = opened(kms, key)
    for message in (b"", b"x", b"x" * MAX_PAE_BYTES):
        signature = signer.sign(message)
        signing_key.verify(key.public_key, message, signature)
        plainly_verified(key, message, signature)
    assert (signer.public_key, signer.key_id) == (key.public_key, hashlib.sha256(key.public_key).hexdigest())
    asked = {(one["SigningAlgorithm"], one["MessageType"], one["KeyId"]) for one in key.signed}
    assert asked == {(key.algorithm, "RAW", key.arn)}
    assert key.asked.count("GetPublicKey") == 1


def plainly_verified(key: KmsKey, message: bytes, signature: bytes) -> None:
    """By a library that knows nothing of where the key is."""
    public = key.private.public_key()
    if isinstance(public, Ed25519PublicKey):
        public.verify(signature, message)
    else:
        public.verify(signature, message, ECDSA(SHA256()))


def test_more_than_kms_signs_is_refused_before_it_is_asked(kms: SimulatedKms, key: KmsKey) -> None:
    signer = opened(kms, key)
    with pytest.raises(WrongKey, match="4096"):
        signer.sign(b"x" * (MAX_PAE_BYTES + 1))
    assert key.signed == []


def test_a_log_is_written_through_kms_and_read_by_whoever_has_the_public_key(
    kms: SimulatedKms, key: KmsKey, folder_place: Place
) -> None:
    vault = vault_of(folder_place, opened(kms, key))
    vault.log.append(opening(0))
    vault.log.append(closing(0))
    for name in vault.store.keys(vault.layout.entries):
        verify_envelope(parse_envelope(vault.store.read(name, limit=65536)), key.public_key)
    pinned = VerifierKey.parse(trust_policy_for("acme", ORIGIN, opened(kms, key)).keys[0].vkey)
    for size in (1, 2):
        assert verify_note(vault.log.checkpoint(size), [pinned]).signers == (pinned,)


def test_signatures_of_another_key_are_refused(kms: SimulatedKms, key: KmsKey, folder_place: Place) -> None:
    """KMS, or whoever sits in its place, signs with another key than the one it named: nothing is written."""
    signer = opened(kms, key)
    key.answers_with = kms.new_key()
    with pytest.raises(BadSignature):
        signer.sign(b"x")
    vault = vault_of(folder_place, signer)
    with pytest.raises(BadSignature):
        vault.log.append(opening(0))
    assert list(vault.store.keys("v1/")) == []


def test_the_check_holds_a_signer_against_the_key_that_is_pinned(kms: SimulatedKms, key: KmsKey) -> None:
    signer = opened(kms, key)
    check_signs(signer)
    check_signs(signer, key.public_key)
    assert all(first["Message"] != second["Message"] for first, second in pairwise(key.signed))
    with pytest.raises(BadSignature):
        check_signs(signer, LocalKey(Ed25519PrivateKey.generate()).public_key)


REFUSALS = [
    ("AccessDeniedException", StoreDenied, "kms:Sign and kms:GetPublicKey"),
    ("ExpiredTokenException", StoreDenied, "kms:Sign"),
    ("DisabledException", WrongKey, "DisabledException"),
    ("KMSInvalidStateException", WrongKey, "ECC_NIST_EDWARDS25519"),
    ("NotFoundException", WrongKey, "NotFoundException"),
    ("InvalidKeyUsageException", WrongKey, "SIGN_VERIFY"),
    ("ThrottlingException", StoreUnavailable, "try again later"),
    ("KMSInternalException", StoreUnavailable, "try again later"),
    ("SomethingNewException", StoreUnavailable, "SomethingNewException"),
]


@pytest.mark.parametrize(("code", "error", "told"), REFUSALS)
@pytest.mark.parametrize("operation", ["GetPublicKey", "Sign"])
def test_a_refusal_is_told_in_words(
    kms: SimulatedKms, key: KmsKey, operation: str, code: str, error: type[VaultError], told: str
) -> None:
    key.fails = {operation: [code]}
    with pytest.raises(error, match=told) as caught:
        opened(kms, key).sign(b"x")
    assert key.arn in str(caught.value)
    assert "simulated" not in str(caught.value)


def test_a_throttled_signature_is_asked_for_again(kms: SimulatedKms, key: KmsKey) -> None:
    signer = opened(kms, key, attempts=2)
    key.fails = {"Sign": ["ThrottlingException", ""]}
    signing_key.verify(key.public_key, b"x", signer.sign(b"x"))
    assert key.asked.count("Sign") == 2


def test_a_service_that_does_not_answer_is_not_waited_for_without_end(kms: SimulatedKms, key: KmsKey) -> None:
    signer = opened(kms, key, timeout_s=0.2)
    key.delay_s = 1
    with pytest.raises(StoreUnavailable, match=r"[Tt]imeout"):
        signer.sign(b"x")


def test_nobody_there_is_told(key: KmsKey) -> None:
    nowhere = KmsAccess("http://127.0.0.1:9", credentials=US, attempts=1)
    with pytest.raises(StoreUnavailable, match="region and network"):
        open_kms_signer(key.uri, nowhere)


def test_a_key_of_another_sort_is_refused_at_once(kms: SimulatedKms) -> None:
    for key in (kms.new_p384_key(), kms.new_key(usage="KEY_AGREEMENT")):
        with pytest.raises(WrongKey, match=f"found {key.spec} for {key.usage}"):
            opened(kms, key)


@pytest.mark.parametrize("uri", ["awskms:alias/log", "awskms:", "awskms:arn:aws:kms:x:1:key/", "awskms:key"])
def test_a_signing_key_in_kms_is_named_by_its_arn(uri: str) -> None:
    with pytest.raises(BadSettings, match="no alias"):
        load_signer(uri, SignerAccess())


def test_the_signers_credentials_are_its_own_and_stay_unprinted(kms: SimulatedKms, key: KmsKey) -> None:
    access = SignerAccess(
        b"secret words", kms_endpoint=kms.endpoint, credentials=StoreCredentials("ID", "secret words", "secret words")
    )
    assert load_signer(key.uri, access).key_id == signing_key.key_id(key.public_key)
    assert "secret words" not in repr(access)


def test_a_signer_that_fails_between_entry_and_checkpoint_leaves_what_the_next_writer_repairs(
    kms: SimulatedKms, key: KmsKey, folder_place: Place
) -> None:
    vault = vault_of(folder_place, opened(kms, key))
    key.fails = {"Sign": ["", "ThrottlingException"]}
    assert vault.log.append(opening(0)).seq == 0
    assert list(vault.store.keys(vault.layout.checkpoints)) == []
    key.fails = {}
    assert vault_of(folder_place, opened(kms, key)).log.repair() == (1,)


def test_two_writers_of_one_checkpoint_with_signatures_drawn_by_chance_agree_on_the_first(
    kms: SimulatedKms, folder_place: Place
) -> None:
    """What is signed by P-256 twice differs in bytes: the first version stands, and its text is what counts."""
    key = kms.new_p256_key()
    signer = opened(kms, key)
    vault = vault_of(folder_place, signer)
    vault.log.append(opening(0))
    first = vault.log.checkpoint(1)
    late = sign_note(parse_note(first).text, ORIGIN, signer.public_key, signer.sign)
    assert late != first
    name = vault.layout.checkpoint(1)
    (Path(folder_place.settings.url) / name).unlink()
    assert vault_of(folder_place, opened(kms, key)).log.repair() == (1,)
    repaired = vault.log.checkpoint(1)
    assert (repaired != first, parse_note(repaired).text) == (True, parse_note(first).text)
    assert vault_of(folder_place, opened(kms, key)).log.repair() == ()
    assert vault.log.checkpoint(1) == repaired
