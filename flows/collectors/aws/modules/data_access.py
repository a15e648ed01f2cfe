"""Reads of stored data, counted as a log file streams by: by day, principal and store, never by object.

Names of objects can hold names of patients, and there are millions of them: neither is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence_schema.paths import look_up

_MOST = 20_000
"""Combinations counted in one file; the rest is counted together, so that a count is never lost."""
_STORES = {"s3.amazonaws.com": ("AWS::S3::Bucket", ":::"), "dynamodb.amazonaws.com": ("AWS::DynamoDB::Table", "/")}
"""Event source -> the type of resource that is the store, and what stands before the store's name in its ARN."""
_LONGEST = 500
OTHERS = "(others)"


@dataclass
class DataAccess:
    """What was read in one file's events."""

    reads: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)

    def take(self, event: Mapping[str, Any]) -> None:
        """Count a data event that reads."""
        if event.get("eventCategory") != "Data" or event.get("readOnly") is not True:
            return
        source = str(event.get("eventSource", ""))
        for store in _stores_of(event, source):
            key = (str(event.get("eventTime", ""))[:10], principal_of(event), source, store)
            if key not in self.reads and len(self.reads) >= _MOST:
                key = (key[0], OTHERS, source, OTHERS)
            self.reads[key] += 1

    def lines(self) -> Iterator[dict[str, Any]]:
        """A line of the extract for each combination."""
        for (day, principal, source, store), count in sorted(self.reads.items()):
            yield {
                "type": "access", "day": day, "principal": principal, "source": source, "store": store, "reads": count,
            }  # fmt: skip


def principal_of(event: Mapping[str, Any]) -> str:
    """The role behind a session, else the user, else the service or account that read."""
    paths = ("sessionContext.sessionIssuer.arn", "arn", "invokedBy", "accountId", "principalId")
    found = (look_up(event, f"userIdentity.{path}") for path in paths)
    return next((text[:_LONGEST] for text in found if isinstance(text, str) and text), "(unknown)")


def _stores_of(event: Mapping[str, Any], source: str) -> list[str]:
    if source not in _STORES:
        return []
    type_, before = _STORES[source]
    resources = event.get("resources")
    arns = {
        str(item.get("ARN") or item.get("arn") or "")
        for item in (resources if isinstance(resources, list) else ())
        if isinstance(item, Mapping) and item.get("type") == type_
    }
    names = {arn.partition(before)[2][:_LONGEST] for arn in arns} - {""}
    return sorted(names) or [OTHERS]
