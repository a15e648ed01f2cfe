"""Records of CloudTrail's digest chain: each digest file, each day, and the log files that were compared with it.

The extract is JSON Lines, each canonical: `{"type": "key"}` (a public key of CloudTrail's), `{"type": "digest"}` with
the file's text as it was signed, `{"type": "sample"}` with a log file's hash as promised and as found, and one
`{"type": "sampling"}`. Signatures are verified here, so that anyone can verify them again from what was kept.

A digest's signature is over its end, its place, the SHA-256 of its text and its predecessor's signature, a line each.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from evidence_schema.canonical import parse_json
from evidence_schema.errors import EvidenceSchemaError
from evidence_schema.models.base import format_time
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.records.cloudtrail import days_of
from evidence_schema.records.making import gap_of, lines_of, moment_of, record_of
from evidence_schema.rsa_signature import holds

FILE_NAME = "digests.jsonl"
MEDIA_TYPE = "application/vnd.evidence.cloudtrail-digests+jsonl"
KEYS_STEP, LIST_STEP, OBJECT_STEP, SAMPLE_STEP = "keys", "list", "object", "sample"
LATE = timedelta(hours=2)
"""How long after an hour its digest may still come."""
_COUNTS = ("Digests", "Signed", "Chained", "Whole")
Files = Callable[[str], Iterable[bytes]]


@dataclass
class _Digest:
    key: str
    text: bytes = b""
    body: dict[str, Any] = field(default_factory=dict)
    signature: str = ""
    gap: Gap | None = None
    signed: bool = False
    chained: bool = False
    previous: _Digest | None = None
    unread_before: Gap | None = None
    """Why the one before, which this one names, could not be read."""

    def time(self, name: str) -> datetime | None:
        return moment_of(self.body.get(name))


def digests(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001 (a digest's own line says all)
    files: Files,
) -> Iterator[Record]:
    """A record a digest file: whether its signature holds, and whether it follows on the one before."""
    for one in _chain(files):
        fields: dict[str, Any] = {"Key": one.key}
        gaps = dict.fromkeys(("First", "Signed", "Chained", "Start", "End", "PreviousEnd"), one.gap) if one.gap else {}
        if not one.gap:
            fields |= {"Signed": one.signed, "First": one.previous is None and one.unread_before is None}
            if one.unread_before is None:
                fields["Chained"] = one.chained
            else:
                gaps = dict.fromkeys(("Chained", "PreviousEnd"), one.unread_before)
            times = {"Start": one.time("digestStartTime"), "End": one.time("digestEndTime")}
            before = one.previous.time("digestEndTime") if one.previous and not one.unread_before else None
            times |= {"PreviousEnd": before}
            fields |= {name: format_time(moment) for name, moment in times.items() if moment is not None}
        yield record_of(header, declaration, one.key, fields, gaps)


def digest_days(
    header: TranscriptHeader, declaration: KindDeclaration, calls: Iterator[Call], files: Files
) -> Iterator[Record]:
    """A record a day of the period: how many digests lie in it, and whether they cover all of it."""
    unknown, asked = _unknown_days(calls)
    chain = list(_chain(files))
    until = min(header.period.end, asked - LATE) if asked else header.period.end
    for day in days_of(header.period):
        start = moment_of(f"{day}T00:00:00Z")
        if start is None or start >= until:
            continue
        end = min(start + timedelta(days=1), until)
        own = [one for one in chain if _touches(one, start, end)]
        unread = next((one.gap for one in chain if one.gap and f"/{day.replace('-', '/')}/" in one.key), None)
        unlinked = next((one.unread_before for one in own if one.unread_before), None)
        gap = unknown.get(day) or unread or unlinked
        fields = {
            "Day": day, "Digests": len(own), "Signed": sum(one.signed for one in own),
            "Chained": sum(one.chained for one in own), "Whole": _covers(own, start, end),
        }  # fmt: skip
        yield record_of(header, declaration, day, fields, dict.fromkeys(_COUNTS, gap) if gap else {})


def digest_samples(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],  # noqa: ARG001
    files: Files,
) -> Iterator[Record]:
    """A record a log file that was hashed again, and how many were, out of how many."""
    lines = list(lines_of(files(FILE_NAME)))
    totals = next((line for line in lines if line.get("type") == "sampling"), {})
    for line in lines:
        if line.get("type") == "sample":
            fields = {"Key": line.get("key", ""), "Sampled": totals.get("sampled"), "Listed": totals.get("listed")}
            gaps = {}
            if "error" in line:
                gaps = {"Matches": gap_of(line, "s3:GetObject")}
            else:
                fields["Matches"] = line.get("found") == line.get("expected")
            known = {name: value for name, value in fields.items() if value is not None}
            yield record_of(header, declaration, str(line.get("key", "")), known, gaps)


def signed_text(body: dict[str, Any], text: bytes) -> bytes:
    """What CloudTrail signs of a digest file."""
    place = f"{body.get('digestS3Bucket')}/{body.get('digestS3Object')}"
    before = body.get("previousDigestSignature") or "null"
    return "\n".join((str(body.get("digestEndTime")), place, hashlib.sha256(text).hexdigest(), str(before))).encode()


def log_entries(body: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Bucket, key and promised hash of each log file that a digest names."""
    found = body.get("logFiles")
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict):
            entry = (item.get("s3Bucket"), item.get("s3Object"), item.get("hashValue"))
            if isinstance(entry[0], str) and isinstance(entry[1], str) and isinstance(entry[2], str):
                yield entry[0], entry[1], entry[2]


def _chain(files: Files) -> Iterator[_Digest]:
    """The digests in order of their end, each with its predecessor and what was verified of it."""
    keys: dict[str, bytes] = {}
    found: list[_Digest] = []
    for line in lines_of(files(FILE_NAME)):
        if line.get("type") == "key":
            keys[str(line.get("fingerprint", ""))] = _decoded(str(line.get("value", "")), base64.b64decode)
        elif line.get("type") == "digest":
            found.append(_read(line))
    found.sort(key=lambda one: (str(one.body.get("digestEndTime", "")), one.key))
    unread = {one.key: one.gap for one in found if one.gap is not None}
    before: _Digest | None = None
    for one in found:
        if one.gap is None:
            key = keys.get(str(one.body.get("digestPublicKeyFingerprint", "")), b"")
            own_place = one.body.get("digestS3Object") == one.key
            signature = _decoded(one.signature, bytes.fromhex)
            one.signed = own_place and holds(key, signed_text(one.body, one.text), signature)
            one.previous = before
            one.unread_before = unread.get(str(one.body.get("previousDigestS3Object", "")))
            one.chained = before is None or _follows(one, before)
            before = one
        yield one


def _follows(one: _Digest, before: _Digest) -> bool:
    return (
        one.body.get("previousDigestS3Object") == before.key
        and one.body.get("previousDigestHashValue") == hashlib.sha256(before.text).hexdigest()
        and one.body.get("previousDigestSignature") == before.signature
    )


def _read(line: dict[str, Any]) -> _Digest:
    one = _Digest(key=str(line.get("key", "")), signature=str(line.get("signature", "")))
    if "error" in line:
        one.gap = gap_of(line, "s3:GetObject")
        return one
    one.text = str(line.get("text", "")).encode()
    try:
        body = parse_json(one.text)
    except EvidenceSchemaError:
        body = None
    if isinstance(body, dict):
        one.body = body
    else:
        one.gap = Gap(operation="s3:GetObject", code="NotJSON", result="failed")
    return one


def _touches(one: _Digest, start: datetime, end: datetime) -> bool:
    first, last = one.time("digestStartTime"), one.time("digestEndTime")
    return first is not None and last is not None and first < end and last > start


def _covers(own: list[_Digest], start: datetime, end: datetime) -> bool:
    """Whether the digests' hours leave nothing of the time out."""
    at = start
    for one in sorted(own, key=lambda item: str(item.body.get("digestStartTime", ""))):
        first, last = one.time("digestStartTime"), one.time("digestEndTime")
        if first is None or last is None or first > at:
            return False
        at = max(at, last)
    return at >= end


def _unknown_days(calls: Iterator[Call]) -> tuple[dict[str, Gap], datetime | None]:
    """Days whose digests could not be listed, and when the last call was made."""
    unknown: dict[str, Gap] = {}
    asked: datetime | None = None
    for call in calls:
        asked = call.source_date or call.started
        if call.error is not None and call.step in (KEYS_STEP, LIST_STEP):
            gap = Gap(operation=f"{call.service}:{call.operation}", code=call.error.code, result=call.error.result)
            unknown |= dict.fromkeys(call.item[1:], gap)
    return unknown, asked


def _decoded(text: str, decode: Callable[[str], bytes]) -> bytes:
    try:
        return decode(text)
    except (ValueError, binascii.Error):
        return b""
