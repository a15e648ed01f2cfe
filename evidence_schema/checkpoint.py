"""Checkpoints: the log's name, size and root in three lines, which a signed note carries.

The form is https://c2sp.org/tlog-checkpoint without its optional extension lines, which monitors cannot audit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evidence_schema.encoding import from_base64, to_base64
from evidence_schema.errors import BadCheckpoint, BadEncoding
from evidence_schema.merkle import HASH_BYTES

MAX_SIZE = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_UNFIT = re.compile("[\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's state: `origin` names the log, `size` counts its entries, `root` is its Merkle root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or _UNFIT.search(self.origin):
            raise BadCheckpoint(f"expected an origin of printable text, found {ascii(self.origin)[:100]}")
        if not 0 <= self.size <= MAX_SIZE:
            raise BadCheckpoint("expected a size from 0 to 2^63-1, found one outside")
        if len(self.root) != HASH_BYTES:
            raise BadCheckpoint(f"expected a root of {HASH_BYTES} bytes, found {len(self.root)}")

    @property
    def text(self) -> str:
        """The note text: origin, decimal size and base64 root, each line ending in a newline."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a note's text as a checkpoint; raises BadCheckpoint for anything that `Checkpoint.text` would not write."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise BadCheckpoint(f"expected three lines that each end in a newline, found {len(lines) - 1} newlines")
    origin, size, encoded = lines[:3]
    if not _SIZE.fullmatch(size):
        raise BadCheckpoint(f"expected a decimal size without leading zeros, found {ascii(size)[:40]}")
    try:
        root = from_base64(encoded)
    except BadEncoding as error:
        raise BadCheckpoint(f"root hash: {error}") from error
    return Checkpoint(origin, int(size), root)
