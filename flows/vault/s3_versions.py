"""The version list of a bucket, in the order of a store: by key, oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from evidence_schema.reader import StoredVersion


def in_order(pages: Iterator[Mapping[str, Any]]) -> Iterator[StoredVersion]:
    """Key order, oldest first. A key's versions may go on into the next page, so the last key waits for it."""
    waiting: list[tuple[datetime, StoredVersion]] = []
    for page in pages:
        waiting += sorted(_items(page), key=lambda item: item[1].key)
        last = waiting[-1][1].key if waiting else ""
        yield from _oldest_first([item for item in waiting if item[1].key != last])
        waiting = [item for item in waiting if item[1].key == last]
    yield from _oldest_first(waiting)


def _items(page: Mapping[str, Any]) -> Iterator[tuple[datetime, StoredVersion]]:
    for found in page.get("Versions") or ():
        yield found["LastModified"], _stored(found, size=found["Size"], deleted=False)
    for found in page.get("DeleteMarkers") or ():
        yield found["LastModified"], _stored(found, size=0, deleted=True)


def _stored(found: Mapping[str, Any], *, size: int, deleted: bool) -> StoredVersion:
    version = plain(found["VersionId"])
    return StoredVersion(found["Key"], version, size, deleted, found["IsLatest"], found["LastModified"])


def _oldest_first(items: list[tuple[datetime, StoredVersion]]) -> Iterator[StoredVersion]:
    """S3 gives whole seconds: within one, the list's own order (newest first) decides, and a marker comes last."""
    turned = reversed(items)
    order = sorted(turned, key=lambda item: (item[1].key, item[0], item[1].latest, item[1].deleted))
    return (version for _, version in order)


def plain(version: str) -> str:
    """A bucket without versions calls its one version "null"."""
    return "" if version == "null" else version
