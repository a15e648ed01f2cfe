"""Where things lie in a vault (INTEGRITY 5.2). Keys carry digests and numbers only, never a name from outside."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evidence_schema.digest import Digest

_SEQ = 12
AUTHORITY = "[a-z0-9][a-z0-9-]{0,31}"
"""How a time-stamp authority is called."""


@dataclass(frozen=True)
class Layout:
    """The keys of one log."""

    log: str

    @property
    def root(self) -> str:
        return f"v1/{self.log}/"

    @property
    def blobs(self) -> str:
        return f"{self.root}blob/sha256/"

    @property
    def entries(self) -> str:
        return f"{self.root}entry/"

    @property
    def checkpoints(self) -> str:
        return f"{self.root}checkpoint/"

    @property
    def tokens(self) -> str:
        return f"{self.root}tsr/"

    @property
    def runs(self) -> str:
        return f"{self.root}run/"

    def blob(self, digest: Digest) -> str:
        return f"{self.blobs}{digest.hex[:2]}/{digest.hex}"

    def entry(self, seq: int) -> str:
        return f"{self.entries}{seq:0{_SEQ}d}.dsse.json"

    def checkpoint(self, size: int) -> str:
        return f"{self.checkpoints}{size:0{_SEQ}d}"

    def token(self, size: int, authority: str) -> str:
        return f"{self.tokens}{size:0{_SEQ}d}.{authority}.tsr"

    def tokens_over(self, size: int) -> str:
        """How the keys of all tokens over one checkpoint begin."""
        return f"{self.tokens}{size:0{_SEQ}d}."

    def receipts(self, run_id: str) -> str:
        return f"{self.runs}{run_id}/unit/"

    def receipt(self, run_id: str, unit: Digest) -> str:
        return f"{self.receipts(run_id)}{unit.hex}.json"

    def entry_seq(self, key: str) -> int | None:
        """The number of an entry's key; None where the key is no entry's."""
        match = re.fullmatch(rf"([0-9]{{{_SEQ}}})\.dsse\.json", key.removeprefix(self.entries))
        return int(match[1]) if match and key.startswith(self.entries) else None

    def checkpoint_size(self, key: str) -> int | None:
        """The tree size of a checkpoint's key; None where the key is no checkpoint's."""
        match = re.fullmatch(rf"[0-9]{{{_SEQ}}}", key.removeprefix(self.checkpoints))
        return int(match[0]) if match and key.startswith(self.checkpoints) else None

    def token_place(self, key: str) -> tuple[int, str] | None:
        """Tree size and authority of a time-stamp token's key; None where the key is no token's."""
        match = re.fullmatch(rf"([0-9]{{{_SEQ}}})\.({AUTHORITY})\.tsr", key.removeprefix(self.tokens))
        return (int(match[1]), match[2]) if match and key.startswith(self.tokens) else None

    def blob_digest(self, key: str) -> Digest | None:
        """The digest that a blob's key claims; None where the key is no blob's."""
        match = re.fullmatch(r"([0-9a-f]{2})/(\1[0-9a-f]{62})", key.removeprefix(self.blobs))
        return Digest.parse(f"sha256:{match[2]}") if match and key.startswith(self.blobs) else None
