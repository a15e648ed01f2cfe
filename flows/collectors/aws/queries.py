"""The text of a declared query, filled in: by who and when is asked, never by what a source has answered.

One exception is checked for itself: the id of the store that is queried, which can only stand in the text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from evidence_schema.models.unit import Period

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_HARMLESS = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""No quote, no space, no bracket: nothing that could end a text or begin a clause."""
STORE = "store"
NAMES = frozenset({"account", "region", "period.start", "period.end"})


def placeholders(query: str) -> frozenset[str]:
    """Every name that stands in braces."""
    return frozenset(_PLACEHOLDER.findall(query))


def filled_query(query: str, account: str, region: str, period: Period) -> str:
    """The text with account, region and period; `{store}` is left to the module that checks it."""
    values = {
        "account": _harmless(account),
        "region": _harmless(region),
        "period.start": _moment(period.start),
        "period.end": _moment(period.end),
    }
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), query)


def of_store(query: str, store: str) -> str:
    """The text with the id of the store; raises ValueError where that could be anything but a name."""
    return query.replace(f"{{{STORE}}}", _harmless(store))


def _harmless(value: str) -> str:
    if not _HARMLESS.fullmatch(value):
        raise ValueError(f"expected letters, digits, - and _ for a query, found {value[:64]!r}")
    return value


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
