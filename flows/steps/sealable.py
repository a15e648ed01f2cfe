"""What people write and a run seals, settings or a reason, is sealed for ever: it must hold no secret."""

from __future__ import annotations

from typing import Any

from flows.collectors.redaction import Redactor
from flows.errors import SecretInWords


def refuse_secrets(value: Any, what: str) -> None:
    """Raise SecretInWords where JSON (or a text) shows a secret: with its place and rule, never the value."""
    found = Redactor().answer("", value).redactions
    if found:
        place = f" at {found[0].pointer}" if found[0].pointer else ""
        raise SecretInWords(
            f"expected {what} without secrets, since it is sealed for ever, found what looks like one{place} "
            f"(rule {found[0].rule}); take it out, or say it in other words"
        )
