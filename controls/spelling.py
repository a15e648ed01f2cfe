"""Names that are not known, and what may have been meant by them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near_matches(name: str, known: Iterable[str]) -> str:
    """A half sentence for messages: what may have been meant."""
    names = list(known)
    folded = {item.casefold(): item for item in names}
    close = [folded[item] for item in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    return f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(sorted(names)[:8]) or '(none)'}"


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A sentence for messages: what was expected, what was found, what may have been meant."""
    return f"expected a known {what}, found {name[:80]!r}; {near_matches(name, known)}"
