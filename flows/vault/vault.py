"""The vault as one value: store, blobs, receipts, log and runs that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from pydantic import TypeAdapter, ValidationError

from controls.models import RetentionClass
from evidence_schema.errors import BadKey
from evidence_schema.layout import Layout
from evidence_schema.models.names import LogName
from evidence_schema.note import VerifierKey
from evidence_schema.verification.trust import Keyring
from flows.vault.anchoring import Anchors
from flows.vault.artifacts import Artifacts
from flows.vault.blobs import Blobs
from flows.vault.data_keys import DataKeys
from flows.vault.directory import DirectoryStore
from flows.vault.errors import BadSettings
from flows.vault.key_encryption import load_kek
from flows.vault.key_places import KeyFolder, KeyPlace
from flows.vault.keys import Signer
from flows.vault.locks import Lock, LockPolicy, lock_for
from flows.vault.log import Log
from flows.vault.receipts import Receipts
from flows.vault.runs import Runs
from flows.vault.settings import DataKeySettings, StoreCredentials, VaultSettings, folder_of
from flows.vault.stamping import Stamps
from flows.vault.store import Store

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair found to do."""

    checkpoints: tuple[int, ...]
    swept: int


@dataclass(frozen=True, slots=True)
class Vault:
    """Everything that a run needs to keep evidence and to find it again."""

    store: Store
    layout: Layout
    blobs: Blobs
    artifacts: Artifacts
    receipts: Receipts
    log: Log
    stamps: Stamps
    anchors: Anchors
    runs: Runs
    policy: LockPolicy
    clock: Clock

    def lock(
        self,
        *,
        personal: bool = False,
        classes: Iterable[RetentionClass] = ("documentation",),
        period_end: datetime | None = None,
    ) -> Lock:
        """The lock of what is written now; raises LockRefused for personal data in clear under COMPLIANCE."""
        return lock_for(self.policy, personal=personal, now=self.clock(), classes=classes, period_end=period_end)

    def newest_checkpoint(self) -> int:
        """The number of entries that the newest checkpoint speaks about; 0 where there is none."""
        found = (self.layout.checkpoint_size(key) for key in self.store.keys(self.layout.checkpoints))
        return max((size for size in found if size is not None), default=0)

    def repair(self) -> Repaired:
        """Finish what a writer that died has left: missing checkpoints, stray temporary files."""
        return Repaired(self.log.repair(), self.store.sweep())


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


def open_vault(
    settings: VaultSettings,
    signer: Signer | None = None,
    *,
    credentials: StoreCredentials | None = None,
    clock: Clock = utc_now,
    collector_version: str | None = None,
    keys: DataKeys | None = None,
    pinned: Keyring | None = None,
) -> Vault:
    """The vault that the settings name, ready to use; without a signer it can only be read. `pinned` are the keys of
    the trust policy: a writer whose log was begun with another key than its own needs them.

    Raises NotLocked for a bucket without Object Lock or versioning (unless a trial), BadSettings, StoreDenied or
    StoreUnavailable.
    """
    store = open_store(settings, create=signer is not None, credentials=credentials)
    store.check_ready()
    return assemble(store, settings, signer, clock=clock, collector_version=collector_version, keys=keys, pinned=pinned)


def open_store(settings: VaultSettings, *, create: bool = False, credentials: StoreCredentials | None = None) -> Store:
    """The store alone; with `create` a folder is made where none is. boto3 is loaded for a bucket only."""
    folder = folder_of(settings.url)
    if folder is None:
        from flows.vault.s3 import open_s3  # noqa: PLC0415 (a folder needs no boto3)
        from flows.vault.s3_client import S3Access  # noqa: PLC0415 (likewise)

        access = S3Access(settings.endpoint, settings.region, settings.profile, credentials)
        return open_s3(settings.url, access, trial=settings.trial)
    store = DirectoryStore(folder)
    if create:
        store.create()
    return store


def open_data_keys(
    settings: DataKeySettings, passphrase: bytes | None = None, *, credentials: StoreCredentials | None = None
) -> DataKeys:
    """The data keys that the settings name. Nothing is asked, and no key loaded, before the first artifact needs it."""
    place = _key_place(settings, credentials)
    if settings.kek.startswith("awskms:"):
        from flows.vault.kms import open_kms  # noqa: PLC0415 (a local key needs no boto3)

        kek = open_kms(settings.kek, endpoint=settings.kms_endpoint, profile=settings.profile)
        return DataKeys(place, lambda: kek)
    return DataKeys(place, lambda: load_kek(settings.kek, passphrase))


def _key_place(settings: DataKeySettings, credentials: StoreCredentials | None) -> KeyPlace:
    folder = folder_of(settings.url)
    if folder is not None:
        return KeyFolder(folder)
    from flows.vault.s3_client import S3Access, bucket_of, make_client  # noqa: PLC0415 (a folder needs no boto3)
    from flows.vault.s3_keys import KeyBucket  # noqa: PLC0415 (likewise)

    access = S3Access(settings.endpoint, settings.region, settings.profile, credentials)
    return KeyBucket(make_client(access), bucket_of(settings.url), trial=settings.trial)


def assemble(
    store: Store,
    settings: VaultSettings,
    signer: Signer | None = None,
    *,
    clock: Clock = utc_now,
    collector_version: str | None = None,
    keys: DataKeys | None = None,
    pinned: Keyring | None = None,
) -> Vault:
    """A vault over a store that is at hand."""
    layout = Layout(_checked_log(settings))
    policy = LockPolicy(settings.lock_mode, settings.lock_days, settings.lock_by, settings.lock_audit_years)
    blobs = Blobs(store, layout)

    def lock(now: datetime) -> Lock:
        return lock_for(policy, personal=False, now=now)

    stamps = Stamps(store, layout, settings.authorities, clock, lock)
    anchors = Anchors(store, layout, settings.anchors, clock)
    log = Log(
        store,
        layout,
        signer,
        settings.origin,
        collector_version or version("evidence-collector"),
        clock,
        lock,
        stamps,
        pinned,
        anchors,
    )
    return Vault(
        store=store,
        layout=layout,
        blobs=blobs,
        artifacts=Artifacts(blobs, layout.log, keys),
        receipts=Receipts(store, layout),
        log=log,
        stamps=stamps,
        anchors=anchors,
        runs=Runs(log, clock, settings.resume_window),
        policy=policy,
        clock=clock,
    )


def _checked_log(settings: VaultSettings) -> str:
    try:
        name: str = TypeAdapter(LogName).validate_python(settings.log)
        VerifierKey.from_public_key(settings.origin, bytes(32))  # the origin is the key's name in checkpoints
    except (ValidationError, BadKey) as error:
        raise BadSettings(f"expected a log name and an origin without spaces, found: {error}") from error
    return name
