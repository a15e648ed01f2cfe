"""Logs whose checkpoints carry time-stamp tokens, of an honest authority that sees each a minute after its entry."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from forged_tokens import Info, forged
from logs import LAYOUT, START, BuiltLog, Hooks, LogBuilder

from evidence_schema.digest import Digest
from evidence_schema.models.trust import TimestampTrust, TrustedAuthority, TrustPolicy
from flows.demo.timestamp_authority import Certified, certify

TSA = "simulated"
SOON = timedelta(minutes=1)
needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no program `openssl`: the authority of the tests needs it"
)


@dataclass(frozen=True)
class HonestAuthority:
    """Says what time it is: `reply` is its token over a checkpoint that it sees at `moment`."""

    folder: Path
    root: Certified
    signer: Certified

    @classmethod
    def found(cls, folder: Path) -> HonestAuthority:
        since = START - timedelta(days=400)
        root = certify("SIMULATED root", is_authority=True, since=since)
        usages = (ExtendedKeyUsageOID.TIME_STAMPING,)
        return cls(folder, root, certify("SIMULATED authority", root, usages=usages, since=since))

    def reply(self, data: bytes, moment: datetime) -> bytes:
        return forged(self.folder, Info.at(Digest.of(data), moment), self.signer)

    def pinned(self, trust: TrustPolicy, **more: Any) -> TrustPolicy:
        """The policy that believes this authority too."""
        authority = TrustedAuthority(id=TSA, roots=self.root.pem.decode())
        return trust.model_copy(update={"timestamps": TimestampTrust(authorities=(authority,), **more)})


@dataclass
class StampedBuilder(LogBuilder):
    """Stamps each checkpoint as it is written, and names the latest token at each opening, as a writer does."""

    authority: HonestAuthority | None = None
    delay: Callable[[int], timedelta | None] = lambda _: SOON
    """Tree size -> how long after the entry's claimed time the authority sees it; None: never."""
    tokens: list[Digest] = field(default_factory=list)

    def checkpoint(self, key: Ed25519PrivateKey) -> None:
        super().checkpoint(key)
        size, delay = len(self.files), self.delay(len(self.files))
        if delay is not None:
            assert self.authority is not None
            reply = self.authority.reply(self.reader.data(LAYOUT.checkpoint(size)), self.now + delay)
            self.reader.replace(LAYOUT.token(size, TSA), reply)
            self.tokens.append(Digest.of(reply))

    def hooked(self, name: str, value: Any) -> Any:
        if name == "opened" and self.tokens:
            value = value.model_copy(update={"last_token": self.tokens[-1]})
        return super().hooked(name, value)


def stamped_log(
    authority: HonestAuthority,
    runs: int = 2,
    *,
    hooks: Hooks | None = None,
    delay: Callable[[int], timedelta | None] = lambda _: SOON,
    **trust: Any,
) -> BuiltLog:
    """A log of monthly runs with a token over every checkpoint, and the policy that pins the authority."""
    builder = StampedBuilder(hooks or {}, authority=authority, delay=delay)
    for _ in range(runs):
        builder.run()
        builder.now += timedelta(days=30)
    builder.now -= timedelta(days=28)
    built = builder.built()
    built.trust = authority.pinned(built.trust, **trust)
    return built
