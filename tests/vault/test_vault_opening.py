"""Opening a vault: what is refused, what is loaded, what is never in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PLAIN_BUCKET, Place
from vault_samples import ORIGIN, Clock, opening, receipt

from evidence_schema.models.names import LockMode
from flows.vault.errors import BadSettings, LockRefused, NotLocked, ReadOnly
from flows.vault.keys import LocalKey, create_key, create_pseudonym_key
from flows.vault.settings import StoreCredentials, VaultSettings
from flows.vault.vault import Vault, open_vault

pytestmark = pytest.mark.sealing

Another = Callable[..., Vault]


def test_a_vault_opens_in_a_folder_and_in_a_bucket(place: Place, signer: LocalKey, clock: Clock) -> None:
    vault = open_vault(place.settings, signer, credentials=place.credentials, clock=clock)
    vault.log.append(opening(1))
    reader = open_vault(place.settings, credentials=place.credentials)
    assert [run.run_id for run in reader.runs.runs()] == [run.run_id for run in vault.runs.runs()]
    with pytest.raises(ReadOnly):
        reader.log.append(opening(2))


def test_a_bucket_without_object_lock_is_refused_unless_a_trial(
    s3_place: Place, signer: LocalKey, object_store: object
) -> None:
    plain = replace(s3_place.settings, url=f"s3://{PLAIN_BUCKET}")
    with pytest.raises(NotLocked):
        open_vault(plain, signer, credentials=s3_place.credentials)
    trial = open_vault(replace(plain, trial=True), signer, credentials=s3_place.credentials)
    trial.log.append(opening(1))
    assert trial.runs.runs()[0].is_open
    assert not trial.store.describe().locks


@pytest.mark.parametrize(
    "change",
    [{"url": "https://x"}, {"url": ""}, {"url": "dir:"}, {"log": "../x"}, {"log": "UPPER"}, {"origin": "a b"},
     {"origin": ""}, {"origin": "a+b"}],
)  # fmt: skip
def test_settings_that_name_no_vault_are_refused(folder_place: Place, signer: LocalKey, change: dict[str, str]) -> None:
    with pytest.raises(BadSettings):
        open_vault(replace(folder_place.settings, **change), signer)


def test_personal_kinds_under_compliance_are_refused_by_the_vault(folder_place: Place, signer: LocalKey) -> None:
    vault = open_vault(replace(folder_place.settings, lock_mode=LockMode.COMPLIANCE), signer)
    assert vault.lock().mode is LockMode.COMPLIANCE
    with pytest.raises(LockRefused, match="personal"):
        vault.lock(personal=True)


def test_a_repair_reports_what_it_did(folder_place: Place, signer: LocalKey, clock: Clock) -> None:
    vault = open_vault(folder_place.settings, signer, clock=clock)
    for number in range(3):
        vault.log.append(opening(number, f"adhoc/{number:04d}"))
    (Path(folder_place.settings.url) / vault.layout.checkpoint(2)).unlink()
    assert vault.repair().checkpoints == (2,)
    assert vault.repair().checkpoints == ()


def test_no_key_is_ever_in_the_vault(place: Place, clock: Clock, tmp_path: Path) -> None:
    signer = create_key(tmp_path / "keys" / "log.pem")
    pseudonyms = create_pseudonym_key(tmp_path / "keys" / "p.key")
    vault = open_vault(place.settings, signer, credentials=place.credentials, clock=clock)
    vault.runs.open_or_join("monthly/2026-11", opening(1))
    vault.receipts.write(receipt(), vault.lock())
    vault.blobs.put_bytes(b"evidence", media_type="text/plain", lock=vault.lock())
    secrets = [signer.private.private_bytes_raw(), pseudonyms.key, pseudonyms.key.hex().encode(), b"PRIVATE KEY"]
    keys = list(vault.store.keys("v1/" if not place.is_s3 else place.root))
    assert len(keys) == 4
    for key in keys:
        data = vault.store.read(key, limit=100_000)
        assert not any(secret in data for secret in secrets)


def test_credentials_are_not_shown() -> None:
    assert "hush" not in repr(StoreCredentials("id", "hush", "hush-token"))
    assert "secret" not in repr(VaultSettings("s3://bucket", "some-log", ORIGIN))


def test_a_folder_needs_no_boto3(tmp_path: Path) -> None:
    code = f"""if True:
        import sys
        from pathlib import Path
        import flows.vault.manifest
        from flows.vault.keys import create_key
        from flows.vault.vault import open_vault
        from flows.vault.settings import VaultSettings
        folder = Path({str(tmp_path)!r})
        settings = VaultSettings(str(folder / "vault"), "some-log", "evidence/some-log")
        vault = open_vault(settings, create_key(folder / "k"))
        assert vault.log.head().size == 0
        print([name for name in ("boto3", "botocore", "prefect", "openpyxl") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
