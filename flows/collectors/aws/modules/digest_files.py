"""CloudTrail's digest files of the period, kept as they were signed, with the public keys that verify them; and a
sample of the log files that they name, hashed again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError

from evidence_schema.canonical import canonical_bytes, parse_json
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.records.digests import (
    FILE_NAME,
    KEYS_STEP,
    LATE,
    LIST_STEP,
    MEDIA_TYPE,
    OBJECT_STEP,
    SAMPLE_STEP,
    log_entries,
)
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.modules.log_reader import Bounds, LogReader, UnreadableFile
from flows.collectors.aws.modules.trails import Trail, choose_trail, listing_days
from flows.collectors.aws.paging import pages
from flows.collectors.aws.work import Work
from flows.collectors.redaction import holds_token, safe_text
from flows.collectors.spool import Spool

SAMPLE = 25
"""Log files that are hashed again; all where there are fewer."""
_BOUNDS = Bounds(stored_bytes=16 * 1024 * 1024, plain_bytes=64 * 1024 * 1024)
_CHUNK = 256 * 1024
_ORGANISATION = re.compile(r"/(o-[a-z0-9]{10,32})/$")
_STAMP = re.compile(r"_(\d{8}T\d{6})Z\.json\.gz$")


def gather(work: Work) -> None:
    """Keys first, then the digests day by day, then the sample."""
    if work.source is None:
        raise ValueError("expected the trails as source, found none")
    trail = choose_trail((item.fields for item in work.source.items()), work.scope.region)
    extract = work.new_file(FILE_NAME, MEDIA_TYPE)
    try:
        if trail is None:
            work.tally.remark = f"no trail records {work.scope.region}: there is no digest file to read"
        elif trail.organisation:
            work.tally.remark = "the trail is the organisation's: its digests are judged in the account that owns it"
        else:
            _Reading(work, trail, extract).all()
    finally:
        work.keep(extract)


@dataclass
class _Reading:
    work: Work
    trail: Trail
    extract: Spool
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    """The log files that the digests name, with the hash that is promised of each."""
    organisation_id: str = ""

    def all(self) -> None:
        days = listing_days(self.work.scope.period)
        names = tuple(day.isoformat() for day, _ in days)
        if self.trail.organisation and not self._find_organisation(names):
            return
        self._keys(names)
        for day, _ in days:
            for key in self._keys_of_day(f"{day:%Y/%m/%d}", day.isoformat()):
                self._digest(key)
        chosen = sorted(self.named, key=lambda place: hashlib.sha256("/".join(place).encode()).digest())[:SAMPLE]
        for place in chosen:
            self._sample(*place)
        _write(self.extract, {"type": "sampling", "sampled": len(chosen), "listed": len(self.named)})

    def _find_organisation(self, days: tuple[str, ...]) -> bool:
        """An organisation's trail files everything under its id, which only the bucket itself tells."""
        parameters = {"Bucket": self.trail.bucket, "Prefix": self.trail.base(), "Delimiter": "/"}
        ask = Ask(LIST_STEP, "s3", "ListObjectsV2", parameters, (self.trail.arn, *days), primary=True)
        answer = self.work.caller.ask(ask)
        folders = [str(folder.get("Prefix", "")) for folder in answer.plain.get("CommonPrefixes", [])]
        found = [match[1] for folder in folders if (match := _ORGANISATION.search("/" + folder))]
        if len(found) == 1:
            self.organisation_id = found[0]
        elif answer.has_body:
            self.work.caller.note_failure(ask, "OrganisationUnknown", f"expected one organisation, found {len(found)}")
        return len(found) == 1

    def _keys(self, days: tuple[str, ...]) -> None:
        period = self.work.scope.period
        asked = {"StartTime": period.start, "EndTime": period.end + LATE}
        for answer in self._pages(KEYS_STEP, "cloudtrail", "ListPublicKeys", asked, (self.trail.arn, *days)):
            for key in answer.plain.get("PublicKeyList", []):
                line = {"type": "key", "fingerprint": str(key["Fingerprint"]), "value": str(key["Value"])}
                _write(self.extract, line)

    def _keys_of_day(self, folder: str, day: str) -> Iterator[str]:
        account, region = self.work.unit.account, self.work.scope.region
        name = self.trail.arn.rpartition("/")[2]
        prefix = f"{self.trail.base(self.organisation_id)}{account}/CloudTrail-Digest/{region}/{folder}/"
        prefix += f"{account}_CloudTrail-Digest_{region}_{name}_"
        asked = {"Bucket": self.trail.bucket, "Prefix": prefix}
        for answer in self._pages(LIST_STEP, "s3", "ListObjectsV2", asked, (self.trail.arn, day)):
            self.work.tally.pages += answer.has_body
            for found in answer.plain.get("Contents", []):
                if self._is_wanted(str(found["Key"])):
                    yield str(found["Key"])

    def _is_wanted(self, key: str) -> bool:
        """By the end that stands in its name: in the period, or in the hour after it."""
        stamp = _STAMP.search(key)
        if stamp is None:
            return True
        try:
            end = datetime.strptime(stamp[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return True
        return self.work.scope.period.start < end <= self.work.scope.period.end + LATE

    def _digest(self, key: str) -> None:
        line: dict[str, Any] = {"type": "digest", "key": safe_text(key)}
        content, metadata, fault = self._read(OBJECT_STEP, self.trail.bucket, key)
        if fault:
            line |= fault
        else:
            signature = safe_text(str(metadata.get("signature", "")))
            line |= {"text": content.decode(errors="replace"), "signature": signature}
            self._note_logs(content)
        _write(self.extract, line)
        self.work.tally.returned += 1
        self.work.tally.kept += 1

    def _note_logs(self, content: bytes) -> None:
        try:
            body = parse_json(content)
        except EvidenceSchemaError:
            return
        for bucket, key, promised in log_entries(body) if isinstance(body, dict) else ():
            self.named[bucket, key] = promised

    def _sample(self, bucket: str, key: str) -> None:
        line: dict[str, Any] = {"type": "sample", "key": safe_text(key), "expected": self.named[bucket, key]}
        content, _, fault = self._read(SAMPLE_STEP, bucket, key)
        _write(self.extract, line | (fault or {"found": hashlib.sha256(content).hexdigest()}))

    def _read(self, step: str, bucket: str, key: str) -> tuple[bytes, Mapping[str, str], dict[str, Any]]:
        """The unzipped content with its metadata, or what went wrong."""
        ask = Ask(step, "s3", "GetObject", {"Bucket": bucket, "Key": key}, (self.trail.arn, key))
        got = self.work.caller.stream(ask)
        if isinstance(got, Answer):
            error = got.call.error
            return b"", {}, {"error": error.code if error else "NotRead", "result": error.result if error else "failed"}
        reader, content, fault = LogReader(_pieces(got.parsed["Body"]), _BOUNDS), b"", ""
        try:
            content = b"".join(reader.plain())
        except UnreadableFile as error:
            fault = error.code
        except BotoCoreError as error:
            fault = type(error).__name__
        finally:
            got.parsed["Body"].close()
        if step == OBJECT_STEP and holds_token(content):  # cut, it would no longer match its signature
            self.work.tally.quarantined += 1
            fault = "Quarantined"
        self.work.caller.finish_stream(got, "Body", reader.size, reader.digest, fault=fault)
        return content, got.parsed.get("Metadata") or {}, {"error": fault, "result": "failed"} if fault else {}

    def _pages(
        self, step: str, service: str, operation: str, parameters: Mapping[str, Any], item: tuple[str, ...]
    ) -> Iterator[Answer]:
        def asked(wanted: Mapping[str, Any], page: int) -> Ask:
            return Ask(step, service, operation, wanted, item, page, primary=True)

        def ask(wanted: dict[str, Any], page: int) -> Answer:
            return self.work.caller.ask(asked(wanted, page))

        def fail(page: int, code: str, why: str) -> Answer:
            return self.work.caller.note_failure(asked({}, page), code, why)

        return pages(ask, fail, parameters, self.work.paginator(service, operation))


def _pieces(body: Any) -> Iterator[bytes]:
    while piece := body.read(_CHUNK):
        yield piece


def _write(extract: Spool, line: Mapping[str, Any]) -> None:
    extract.write(canonical_bytes(dict(line)) + b"\n")
