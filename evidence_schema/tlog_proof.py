"""Inclusion of one entry in a log, as one small text: C2SP tlog-proof (https://c2sp.org/tlog-proof).

The text is the format's name, the entry's index, the sibling hashes from the leaf up, an empty line, and the signed
checkpoint that the hashes lead to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evidence_schema.encoding import from_base64, to_base64
from evidence_schema.errors import BadEncoding, BadProof
from evidence_schema.merkle import HASH_BYTES

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An inclusion proof as read, nothing verified: `checkpoint` are the bytes of a signed note."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> str:
        """The text, as `parse_tlog_proof` reads it."""
        lines = [HEADER, f"index {self.index}", *(to_base64(item) for item in self.hashes)]
        return "\n".join(lines) + "\n\n" + self.checkpoint.decode()


def parse_tlog_proof(text: str) -> TlogProof:
    """Raises BadProof for any other text; extra data, which the format allows, is refused: we give it no meaning."""
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if not blank or lines[0] != HEADER or index is None or len(lines) > 2 + MAX_HASHES:
        raise BadProof(f"expected {HEADER}, an index, hashes, an empty line and a checkpoint, found another text")
    try:
        hashes = tuple(from_base64(line) for line in lines[2:])
    except BadEncoding as error:
        raise BadProof(f"proof hash: {error}") from error
    if any(len(item) != HASH_BYTES for item in hashes):
        raise BadProof(f"expected hashes of {HASH_BYTES} bytes, found one of another length")
    return TlogProof(int(index[1]), hashes, checkpoint.encode("utf-8", "surrogatepass"))
