"""Whether a run of characters was drawn by chance: what keys and tokens are, and words and names are not.

Measured, not felt: `tests/collectors/chance_figures.py` prints how much of drawn secrets the thresholds find and how
much of what AWS and people write they take for one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

CHANCE_RULE = "entropy"
SHORTEST = 24
ENTROPY = 0.80
"""Of the most bits that a text of its length can have."""
TURNS = 0.45
"""How often neighbours differ in kind (lower, upper, digit): by chance 0.65 of base62, in names of people below 0.3."""
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KINDS = str.maketrans(
    {code: "a" if chr(code).islower() else "A" if chr(code).isupper() else "0" if chr(code).isdigit() else "-"
     for code in range(128)}
)  # fmt: skip
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.~-]{20,}")


def is_chance(text: str) -> bool:
    """Whether a text is one run of chance."""
    return _OPAQUE.fullmatch(text) is not None and _UUID.fullmatch(text) is None and is_drawn(text)


def runs_of_chance(text: str) -> Iterator[tuple[int, int]]:
    """Where in a text such runs stand, but those that AWS makes: in ARNs, as identifiers with a prefix, as digests."""
    if len(text) < SHORTEST:
        return
    public = _PUBLIC.finditer(text) if "-----BEGIN" in text else iter(())
    block = next(public, None)
    for run in _RUN.finditer(text):
        start = run.start()
        while block is not None and block.end() <= start:
            block = next(public, None)
        inside = block is not None and block.start() <= start
        if not inside and is_drawn(run[0]) and not _is_of_aws(text, start):
            yield run.span()


def is_drawn(text: str, *, turns: float = TURNS, ratio: float = ENTROPY) -> bool:
    """By the kinds of characters, how often they turn, and the entropy of their frequencies."""
    core = text.rstrip("=")
    kinds = core.translate(_KINDS)
    if not ("a" in kinds and "A" in kinds and "0" in kinds):
        return False
    turned = sum(map(str.__ne__, kinds, kinds[1:])) / max(1, len(core) - 1)
    return turned >= turns and entropy(core) >= ratio * math.log2(min(len(core), 64))


def entropy(text: str) -> float:
    """Bits a character, by the text's own frequencies."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


_PUBLIC = re.compile(r"-----BEGIN (?:CERTIFICATE|[A-Z ]{0,20}PUBLIC KEY|PKCS7|CERTIFICATE REQUEST)-----[^-]*")
_PUBLIC_STARTS = ("MII", "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh")
"""Certificates and public keys in base64; private ones have a form of their own."""
_ENCODED_MESSAGE = "failure message: "
"""Before the message that only `sts:DecodeAuthorizationMessage` reads."""


def _is_of_aws(text: str, start: int) -> bool:
    if text.startswith(_PUBLIC_STARTS, start) or text.endswith(_ENCODED_MESSAGE, 0, start):
        return True
    word = text[max(0, start - 512) : start]
    return "arn:" in word[_start_of_word(word) :]


def _start_of_word(text: str) -> int:
    return max(text.rfind(space) for space in " \t\r\n\"',<>") + 1
