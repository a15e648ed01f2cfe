"""How hard the engine may ask, and whose credentials it uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PRODUCT = "evidence-collector"


@dataclass(frozen=True)
class AwsSettings:
    """Plain numbers; the defaults suit an account of any size."""

    concurrency: int = 4
    """Calls at a time per service and account."""
    deadline_s: float = 900
    """For one unit; what was not asked by then is recorded as not asked."""
    attempts: int = 5
    """Tries of one call, the first included."""
    connect_timeout_s: float = 10
    read_timeout_s: float = 60
    home_region: str = "us-east-1"
    """Where STS and global services are asked."""
    opted_in: frozenset[str] = frozenset()
    """Kinds that bill or write and are gathered all the same."""
    spool_memory: int = 128 * 1024
    """Bytes of a transcript kept in memory before it goes to a temporary file."""


@dataclass(frozen=True)
class AccountAccess:
    """How an account is entered: by a role to assume, else by the profile's or the ambient credentials."""

    account: str
    role_arn: str | None = None
    external_id: str | None = None
    profile: str | None = None


@cache
def product_version() -> str:
    """The installed version of this product."""
    try:
        return version(PRODUCT)
    except PackageNotFoundError:  # a source tree that was never installed
        return "0+unknown"
