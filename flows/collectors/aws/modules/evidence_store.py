"""The evidence store, looked at as any other bucket: which runs lie in it, and a sample of its objects, read again.

A store is known by its layout (`v1/<log>/run/`, `v1/<log>/blob/sha256/`); only buckets with Object Lock are looked at,
since a store without it is none, and those whose lock AWS did not tell. Blobs are named by the digest of their bytes,
so where a sample begins is chance enough: it is drawn from the run's period, and anybody can draw it again. Content is
digested and not kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError

from evidence_schema.digest import DigestStream
from evidence_schema.layout import Layout
from evidence_schema.models.base import format_time
from evidence_schema.records.evidence_store import OBJECT_STEP, RETENTION_STEP, RUNS_STEP, SAMPLE_STEP, STORE_STEP
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.paging import pages
from flows.collectors.aws.work import Work

SAMPLE = 30
"""Objects that are read from each log, half of them from before the period: more than any check asks for."""
_CHUNK = 256 * 1024
_LOG = re.compile(r"v1/([^/]+)/")
_PAGE = 1000


def gather(work: Work) -> None:
    """Look into every bucket with Object Lock."""
    if work.source is None:
        raise ValueError("expected the buckets as source, found none")
    for item in work.source.items():
        if "object_lock" in {*item.fields, *item.gaps}:
            _Store(work, item.id).look()


class _Store:
    """One bucket that may be a store."""

    def __init__(self, work: Work, bucket: str) -> None:
        self._work = work
        self._bucket = bucket

    def look(self) -> None:
        found = [name for page in self._list(STORE_STEP, "v1/", delimiter="/") for name in _prefixes(page)]
        for name in found:
            if match := _LOG.fullmatch(name):
                self._look_at_log(Layout(match[1]))

    def _look_at_log(self, layout: Layout) -> None:
        for _ in self._list(RUNS_STEP, layout.runs, delimiter="/"):
            pass  # recorded: the names of the runs tell when they were
        for version in self._sample(layout):
            self._read(version)

    def _sample(self, layout: Layout) -> list[dict[str, Any]]:
        """One page from a place that the period draws, and the beginning where that page is short."""
        drawn = hashlib.sha256(f"{layout.log} {format_time(self._work.scope.period.start)}".encode()).hexdigest()[:4]
        found = self._blobs(layout, f"{layout.blobs}{drawn[:2]}/{drawn}")
        if len(found) < SAMPLE:
            known = {item["Key"] for item in found}
            found += [item for item in self._blobs(layout, "") if item["Key"] not in known]
        old = [item for item in found if self._is_old(item)]
        recent = [item for item in found if not self._is_old(item)]
        chosen = old[: max(SAMPLE // 2, SAMPLE - len(recent))]
        return [*chosen, *recent[: SAMPLE - len(chosen)]]

    def _is_old(self, version: dict[str, Any]) -> bool:
        return str(version.get("LastModified", "")) < format_time(self._work.scope.period.start)

    def _blobs(self, layout: Layout, marker: str) -> list[dict[str, Any]]:
        parameters = {"Prefix": layout.blobs, "MaxKeys": _PAGE} | ({"KeyMarker": marker} if marker else {})
        ask = self._ask(SAMPLE_STEP, "ListObjectVersions", {"Bucket": self._bucket, **parameters}, layout.log)
        found = self._work.caller.ask(ask).plain.get("Versions", [])
        return [item for item in found if layout.blob_digest(str(item["Key"]))]

    def _read(self, version: dict[str, Any]) -> None:
        """Its lock, and the digest of its bytes as they are now."""
        work, key = self._work, str(version["Key"])
        place = {"Bucket": self._bucket, "Key": key, "VersionId": str(version.get("VersionId", "null"))}
        work.tally.returned += 1
        work.caller.ask(self._ask(RETENTION_STEP, "GetObjectRetention", place, key))
        got = work.caller.stream(self._ask(OBJECT_STEP, "GetObject", place, key))
        if not isinstance(got, Answer):
            digest, broken = DigestStream(), ""
            try:
                while piece := got.parsed["Body"].read(_CHUNK):
                    digest.update(piece)
            except BotoCoreError as error:  # the connection broke, or the checksum differs
                broken = type(error).__name__
            finally:
                got.parsed["Body"].close()
            work.caller.finish_stream(got, "Body", digest.size, digest.finish(), fault=broken)
        work.tally.kept += 1

    def _list(self, step: str, prefix: str, delimiter: str) -> Iterator[Answer]:
        work = self._work
        parameters = {"Bucket": self._bucket, "Prefix": prefix, "Delimiter": delimiter}

        def ask(asked: dict[str, Any], page: int) -> Answer:
            return work.caller.ask(self._ask(step, "ListObjectVersions", asked, prefix, page))

        def fail(page: int, code: str, why: str) -> Answer:
            return work.caller.note_failure(self._ask(step, "ListObjectVersions", {}, prefix, page), code, why)

        for answer in pages(ask, fail, parameters, work.paginator("s3", "ListObjectVersions")):
            work.tally.pages += answer.has_body
            yield answer

    def _ask(self, step: str, operation: str, parameters: dict[str, Any], name: str, page: int = 1) -> Ask:
        primary = step in (STORE_STEP, RUNS_STEP, SAMPLE_STEP)
        return Ask(step, "s3", operation, parameters, (self._bucket, name), page, primary=primary, absent=_absent(step))


def _absent(step: str) -> tuple[str, ...]:
    return ("NoSuchObjectLockConfiguration",) if step == RETENTION_STEP else ()


def _prefixes(answer: Answer) -> list[str]:
    return [str(item.get("Prefix", "")) for item in answer.plain.get("CommonPrefixes", [])]
