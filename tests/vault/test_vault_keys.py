"""Keys, pseudonyms, trust policies and locks."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema import signing_key
from evidence_schema.models.names import LockMode
from evidence_schema.models.trust import TrustPolicy
from evidence_schema.note import VerifierKey
from flows.vault.errors import BadSettings, LockRefused, UnsafeKeyFile, WrongKey
from flows.vault.keys import (
    create_key,
    create_pseudonym_key,
    load_key,
    load_pseudonyms,
    trust_policy_for,
    write_trust_policy,
)
from flows.vault.locks import Lock, LockPolicy, later, lock_for

pytestmark = pytest.mark.sealing

NOW = datetime(2026, 11, 1, 6, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("passphrase", [None, b"a long random passphrase"])
def test_a_key_signs_after_it_was_kept_and_loaded(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "keys" / "log.pem"
    made = create_key(path, passphrase)
    loaded = load_key(f"file:{path}", passphrase)
    assert (loaded.public_key, loaded.key_id) == (made.public_key, signing_key.key_id(made.public_key))
    signing_key.verify(made.public_key, b"message", loaded.sign(b"message"))


def test_key_files_are_their_owners_only(tmp_path: Path) -> None:
    create_key(tmp_path / "keys" / "log.pem")
    create_pseudonym_key(tmp_path / "keys" / "pseudonyms.key")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_openssl_reads_the_key(tmp_path: Path) -> None:
    create_key(tmp_path / "log.pem", b"secret")
    command = ["openssl", "pkey", "-in", str(tmp_path / "log.pem"), "-passin", "pass:secret", "-noout", "-text"]
    assert "ED25519" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    made = create_key(tmp_path / "log.pem")
    for create in (create_key, create_pseudonym_key):
        with pytest.raises(UnsafeKeyFile, match="never written over"):
            create(tmp_path / "log.pem")
    assert load_key(f"file:{tmp_path}/log.pem").public_key == made.public_key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_key(tmp_path / "log.pem")
    create_pseudonym_key(tmp_path / "pseudonyms.key")
    for name, load in (("log.pem", load_key), ("pseudonyms.key", load_pseudonyms)):
        (tmp_path / name).chmod(mode)
        with pytest.raises(UnsafeKeyFile, match="chmod 600"):
            load(f"file:{tmp_path / name}")


def test_a_folder_that_others_write_to_is_no_place_for_a_key(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UnsafeKeyFile, match="chmod go-w"):
        create_key(tmp_path / "open" / "log.pem")


@pytest.mark.parametrize(
    ("sealed_with", "opened_with", "message"),
    [
        (b"open sesame", b"close sesame", "another passphrase"),
        (b"open sesame", None, "found none, although the key is sealed"),
        (None, b"any", "found one, although the key is not sealed"),
    ],
)
def test_a_wrong_passphrase_is_told(
    tmp_path: Path, sealed_with: bytes | None, opened_with: bytes | None, message: str
) -> None:
    create_key(tmp_path / "log.pem", sealed_with)
    with pytest.raises(WrongKey, match=message) as caught:
        load_key(f"file:{tmp_path}/log.pem", opened_with)
    assert "sesame" not in str(caught.value)


def test_a_file_that_is_no_ed25519_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"no key at all", b"", other):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(WrongKey):
            load_key(f"file:{path}")
        with pytest.raises(WrongKey):
            load_pseudonyms(f"file:{path}")
    with pytest.raises(WrongKey, match="No such file"):
        load_key(f"file:{tmp_path}/none.pem")


@pytest.mark.parametrize("uri", ["log.pem", "awskms:alias/log", "file:", ""])
def test_only_a_file_names_a_key_today(uri: str) -> None:
    with pytest.raises(BadSettings, match="file:/path"):
        load_key(uri)


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    key = create_key(tmp_path / "log.pem")
    pseudonyms = create_pseudonym_key(tmp_path / "p.key")
    assert "private" not in repr(key)
    assert (tmp_path / "p.key").read_text().strip() not in repr(pseudonyms)
    assert repr(pseudonyms.key) not in repr(pseudonyms)


def test_pseudonyms_are_stable_per_key_and_differ_between_keys(tmp_path: Path) -> None:
    first = create_pseudonym_key(tmp_path / "1.key")
    second = create_pseudonym_key(tmp_path / "2.key")
    name = first.pseudonym("alice@example.com")
    assert len(name) == 32
    assert int(name, 16) >= 0
    assert load_pseudonyms(f"file:{tmp_path}/1.key").pseudonym("alice@example.com") == name
    assert second.pseudonym("alice@example.com") != name
    assert first.pseudonym("bob@example.com") != name
    assert first.pseudonym("Zoe\u0308") == first.pseudonym("Zo\u00eb")  # one spelling of a name, composed or not


def test_the_trust_policy_names_the_key_and_origin(tmp_path: Path) -> None:
    key = create_key(tmp_path / "log.pem")
    policy = trust_policy_for("acme-log", "evidence/acme-log", key)
    vkey = VerifierKey.parse(policy.keys[0].vkey)
    assert (vkey.name, vkey.public_key) == ("evidence/acme-log", key.public_key)
    write_trust_policy(tmp_path / "for-the-auditor" / "trust-policy.json", policy)
    written = (tmp_path / "for-the-auditor" / "trust-policy.json").read_bytes()
    assert TrustPolicy.from_canonical(written) == policy
    assert TrustPolicy.from_canonical(written).fingerprint == policy.fingerprint


def test_neither_key_nor_trust_policy_may_lie_in_the_vault(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    (tmp_path / "link").symlink_to(vault)
    policy = trust_policy_for("acme-log", "evidence/acme-log", create_key(tmp_path / "log.pem"))
    for url in (str(vault), f"dir:{vault}", f"{tmp_path}/x/../vault"):
        for inside in (vault / "x", tmp_path / "link" / "deep" / "x", vault / "a" / ".." / "x"):
            with pytest.raises(UnsafeKeyFile, match="outside the vault"):
                write_trust_policy(inside, policy, vault_url=url)
            with pytest.raises(UnsafeKeyFile, match="outside the vault"):
                create_key(inside, vault_url=url)
            with pytest.raises(UnsafeKeyFile, match="outside the vault"):
                create_pseudonym_key(inside, vault_url=url)
    assert list(vault.iterdir()) == []
    create_key(tmp_path / "vault-keys" / "log.pem", vault_url="s3://evidence-vault")


def test_the_umask_does_not_open_a_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key(tmp_path / "keys" / "log.pem")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys" / "log.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_the_default_lock_is_a_day_that_can_be_lifted() -> None:
    lock = lock_for(LockPolicy(), personal=True, now=NOW)
    assert lock == Lock(LockMode.GOVERNANCE, datetime(2026, 11, 2, 6, tzinfo=UTC))


def test_personal_data_is_not_locked_beyond_recall() -> None:
    policy = LockPolicy(LockMode.COMPLIANCE, 2557)
    assert lock_for(policy, personal=False, now=NOW).mode is LockMode.COMPLIANCE
    with pytest.raises(LockRefused, match="nobody could erase it before its date"):
        lock_for(policy, personal=True, now=NOW)
    with pytest.raises(LockRefused):
        lock_for(LockPolicy("COMPLIANCE"), personal=True, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_a_lock_has_a_sane_length(days: int) -> None:
    with pytest.raises(LockRefused):
        LockPolicy(LockMode.GOVERNANCE, days)


def test_no_lock_is_not_a_lock() -> None:
    for mode in (LockMode.NONE, "NONE"):
        with pytest.raises(LockRefused):
            Lock(mode, NOW)  # type: ignore[arg-type]
        with pytest.raises(LockRefused):
            LockPolicy(mode, 1)  # type: ignore[arg-type]
    with pytest.raises(LockRefused, match="time zone"):
        Lock(LockMode.GOVERNANCE, NOW.replace(tzinfo=None))


def test_locks_compare_by_strictness_and_date() -> None:
    short, long = (Lock(LockMode.GOVERNANCE, NOW + timedelta(days=days)) for days in (1, 2))
    strict = Lock(LockMode.COMPLIANCE, NOW + timedelta(days=1))
    assert long.covers(short)
    assert not short.covers(long)
    assert strict.covers(short)
    assert not long.covers(strict)
    assert strict.joined(long) == Lock(LockMode.COMPLIANCE, long.until)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    assert Lock(LockMode.GOVERNANCE, elsewhere) == Lock(LockMode.GOVERNANCE, NOW)


EARNEST = LockPolicy(LockMode.COMPLIANCE, by="retention class")
PERIOD_END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("classes", "until"),
    [
        (("documentation",), datetime(2032, 12, 2, 6, tzinfo=UTC)),
        (("audit",), datetime(2028, 11, 1, tzinfo=UTC)),
        (("extract",), datetime(2027, 12, 1, tzinfo=UTC)),
        (("extract", "audit"), datetime(2028, 11, 1, tzinfo=UTC)),
        (("audit", "documentation", "extract"), datetime(2032, 12, 2, 6, tzinfo=UTC)),
    ],
)
def test_an_artifact_is_kept_for_the_longest_class_that_it_serves(classes: Any, until: datetime) -> None:
    lock = lock_for(EARNEST, personal=False, now=NOW, classes=classes, period_end=PERIOD_END)
    assert lock == Lock(LockMode.COMPLIANCE, until)


def test_audit_evidence_may_be_kept_for_longer() -> None:
    policy = replace(EARNEST, audit_years=6)
    lock = lock_for(policy, personal=False, now=NOW, classes=("audit",), period_end=PERIOD_END)
    assert lock.until == datetime(2032, 11, 1, tzinfo=UTC)


def test_a_period_of_long_ago_still_gives_a_lock() -> None:
    ago = datetime(2019, 1, 1, tzinfo=UTC)
    lock = lock_for(EARNEST, personal=False, now=NOW, classes=("extract",), period_end=ago)
    assert lock.until == NOW.replace(microsecond=0) + timedelta(days=1)


def test_in_a_rehearsal_days_win_over_every_class() -> None:
    for classes in (("documentation",), ("audit",), ("extract",)):
        lock = lock_for(LockPolicy(), personal=False, now=NOW, classes=classes, period_end=PERIOD_END)
        assert lock.until == NOW.replace(microsecond=0) + timedelta(days=1)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), st.integers(0, 200))
def test_months_on_is_never_before_that_day_nor_a_month_after_it(moment: datetime, months: int) -> None:
    after = later(moment, months=months)
    whole = moment.year * 12 + moment.month + months
    assert after.year * 12 + after.month in (whole, whole + 1)
    assert after.day == moment.day or (after.day == 1 and after.year * 12 + after.month == whole + 1)
    assert after.timetz() == moment.timetz()
