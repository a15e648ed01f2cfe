"""The vault as one value: store, blobs, receipts, log and runs that belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from pydantic import TypeAdapter, ValidationError

from evidence_schema.errors import BadKey
from evidence_schema.layout import Layout
from evidence_schema.models.names import LogName
from evidence_schema.note import VerifierKey
from flows.vault.blobs import Blobs
from flows.vault.directory import DirectoryStore
from flows.vault.errors import BadSettings
from flows.vault.keys import Signer
from flows.vault.locks import Lock, LockPolicy, lock_for
from flows.vault.log import Log
from flows.vault.receipts import Receipts
from flows.vault.runs import Runs
from flows.vault.settings import StoreCredentials, VaultSettings, folder_of
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
    receipts: Receipts
    log: Log
    stamps: Stamps
    runs: Runs
    policy: LockPolicy
    clock: Clock

    def lock(self, *, personal: bool = False) -> Lock:
        """The lock of what is written now; raises LockRefused for personal data under COMPLIANCE."""
        return lock_for(self.policy, personal=personal, now=self.clock())

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
) -> Vault:
    """The vault that the settings name, ready to use; without a signer it can only be read.

    Raises NotLocked for a bucket without Object Lock or versioning (unless a trial), BadSettings, StoreDenied or
    StoreUnavailable.
    """
    store = open_store(settings, create=signer is not None, credentials=credentials)
    store.check_ready()
    return assemble(store, settings, signer, clock=clock, collector_version=collector_version)


def open_store(settings: VaultSettings, *, create: bool = False, credentials: StoreCredentials | None = None) -> Store:
    """The store alone; with `create` a folder is made where none is. boto3 is loaded for a bucket only."""
    folder = folder_of(settings.url)
    if folder is None:
        from flows.vault.s3 import S3Access, open_s3  # noqa: PLC0415 (a folder needs no boto3)

        access = S3Access(settings.endpoint, settings.region, settings.profile, credentials)
        return open_s3(settings.url, access, trial=settings.trial)
    store = DirectoryStore(folder)
    if create:
        store.create()
    return store


def assemble(
    store: Store,
    settings: VaultSettings,
    signer: Signer | None = None,
    *,
    clock: Clock = utc_now,
    collector_version: str | None = None,
) -> Vault:
    """A vault over a store that is at hand."""
    layout = Layout(_checked_log(settings))
    policy = LockPolicy(settings.lock_mode, settings.lock_days)

    def lock(now: datetime) -> Lock:
        return lock_for(policy, personal=False, now=now)

    stamps = Stamps(store, layout, settings.authorities, clock, lock)
    log = Log(
        store,
        layout,
        signer,
        settings.origin,
        collector_version or version("evidence-collector"),
        clock,
        lock,
        stamps,
    )
    return Vault(
        store=store,
        layout=layout,
        blobs=Blobs(store, layout),
        receipts=Receipts(store, layout),
        log=log,
        stamps=stamps,
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
