"""Personal data made unreadable and still countable: the same name has the same mask, which only the key explains.

Masked is every text of an answer but those that name nobody: times, numbers, and words of state. A name that is a key
of a map is masked where it stands as a value too, or where it could be an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_PLAIN = re.compile(r"-?[0-9]{1,9}(\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{4,15}(Z|\+00:00)?)?", re.ASCII)
_WORDS = frozenset(
    (
        "true", "false", "yes", "no", "none", "null", "active", "inactive", "enabled", "disabled", "enforced", "info",
        "succeeded", "success", "failed", "failure", "complete", "completed", "pending", "in_progress", "available",
        "unavailable", "public", "private", "high", "medium", "low", "critical", "informational", "no_information",
        "not_supported", "n/a", "allow", "deny", "on", "off", "present", "absent", "root", "<root_account>", "*",
        "warning", "error", "aes256", "aws:kms", "hmac", "sha256", "tls1.2", "required", "optional", "standard",
    )
)  # fmt: skip
_KEY = re.compile(r"[A-Za-z0-9_:.\-/ ]{1,128}")
_MASK_DIGITS = 12


class Masker:
    """Masks by a keyed pseudonym; `keep` are texts that name nobody here: accounts, regions, kinds."""

    def __init__(self, pseudonym: Callable[[str], str], keep: frozenset[str] = frozenset()) -> None:
        self._pseudonym = pseudonym
        self._keep = keep

    def text(self, value: str) -> str:
        """One text."""
        if value == "" or value in self._keep or _PLAIN.fullmatch(value) or value.casefold() in _WORDS:
            return value
        return f"MASKED-{self._pseudonym(value)[:_MASK_DIGITS]}"

    def value(self, value: Any) -> Any:
        """Any JSON value, its shape kept."""
        return self._masked(value, _texts(value))

    def _masked(self, value: Any, texts: frozenset[str]) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._name(key, texts): self._masked(member, texts) for key, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._masked(member, texts) for member in value]
        return value

    def _name(self, key: str, texts: frozenset[str]) -> str:
        return key if _KEY.fullmatch(key) and key not in texts else self.text(key)


def _texts(value: Any) -> frozenset[str]:
    """Every text that stands as a value anywhere in it."""
    found, waiting = set(), [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, str):
            found.add(here)
        elif isinstance(here, dict):
            waiting.extend(here.values())
        elif isinstance(here, (list, tuple)):
            waiting.extend(here)
    return frozenset(found)
