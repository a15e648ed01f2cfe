"""The one exception family of the vault: what was expected, what was found, what to try."""

from __future__ import annotations

from flows.errors import FlowsError


class VaultError(FlowsError):
    """Something about the vault is not as it must be."""


class StoreUnavailable(VaultError):
    """The store did not answer, so that nobody knows whether it did what it was asked."""


class StoreDenied(VaultError):
    """The store refuses us: credentials or permissions."""


class StoreRefused(VaultError):
    """The store understood the request and will not do it."""


class AlreadyThere(VaultError):
    """The key is taken: what stands in a vault is never written over."""


class NotThere(VaultError):
    """The key does not exist."""


class TooLarge(VaultError):
    """More bytes than the caller, or the store, takes in one piece."""


class WrongBytes(VaultError):
    """Bytes do not have the digest or size that they were announced with."""

    exit_code = 4


class WrongCustody(VaultError):
    """The store keeps an object otherwise than it was asked to: another lock, date or version."""


class NotLocked(VaultError):
    """The store offers no write-once lock, and this is not a trial."""


class LockRefused(VaultError):
    """A lock that would do harm: it can never be taken back."""


class UnsafeName(VaultError):
    """A key of the store that we would never write."""


class BadSettings(VaultError):
    """The vault's settings do not name a store."""

    exit_code = 2


class WrongKey(VaultError):
    """A key file, passphrase or key does not belong here."""


class UnsafeKeyFile(VaultError):
    """A key lies where others can read it, or would be written over, or inside the vault."""


class KeyMissing(VaultError):
    """An encrypted artifact has no data key any more: it was erased, or the key was lost."""


class NoDataKeys(VaultError):
    """Personal data cannot be kept, or opened, for no place of data keys is configured."""

    exit_code = 2


class KeysKept(VaultError):
    """A place of data keys keeps what is deleted, or shows it to others: nothing could be erased there."""


class Held(VaultError):
    """A legal hold stands: nothing of it is erased."""


class ReadOnly(VaultError):
    """The vault was opened without a signing key."""


class BrokenLog(VaultError):
    """The log as stored is not a chain that this key has signed; nothing is appended to it."""

    exit_code = 4


class Contended(VaultError):
    """Other writers were faster too many times in a row."""


class WrongRun(VaultError):
    """A run is not in the state that this step needs."""


class TimestampUnavailable(VaultError):
    """The time-stamp authority did not answer, or not with a token for what it was asked. A run goes on without."""
