"""The small parts: spools, limits, log reader, choice of a trail, choice of events."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema.models.unit import Period
from flows.collectors.aws.limits import CALM, Limits
from flows.collectors.aws.modules.log_reader import Bounds, LogReader, UnreadableFile
from flows.collectors.aws.modules.trail_events import reasons_for
from flows.collectors.aws.modules.trails import choose_trail, listing_days, may_hold
from flows.collectors.errors import NotSpooled
from flows.collectors.spool import Spool


def test_a_spool_reads_back_what_was_written_from_memory_and_from_disk() -> None:
    for memory in (10, 10_000):
        spool = Spool("x.jsonl", "text/plain", memory=memory)
        spool.write(b"a" * 500)
        spool.write(b"b" * 500)
        spooled = spool.finish()
        with spooled.open() as first, spooled.open() as second:
            assert first.read(3) == b"aaa"
            assert second.read() == b"a" * 500 + b"b" * 500
            assert len(first.read()) == 997
        with spooled.open() as again:
            assert hashlib.sha256(again.read()).hexdigest() == spooled.digest.hex
        spooled.close()
        with pytest.raises(NotSpooled):
            spooled.open()


def test_limits_bound_what_runs_and_recover_slowly() -> None:
    limits, seen, running = Limits(2), [], [0]
    lock = threading.Lock()

    def work() -> None:
        with limits.slot("a", "ec2"):
            with lock:
                running[0] += 1
                seen.append(running[0])
            threading.Event().wait(0.005)
            with lock:
                running[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seen) == 2
    for _ in range(3):
        limits.throttled("a", "ec2")
    assert (limits.allowed("a", "ec2"), limits.allowed("b", "ec2")) == (1, 2)
    for _ in range(CALM * 3):
        limits.answered("a", "ec2")
    assert limits.allowed("a", "ec2") == 2


def _chunks(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


_values = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=3)
_events = st.lists(st.dictionaries(st.text(max_size=8), _values, max_size=4), max_size=6)


@given(_events, st.integers(1, 50), st.booleans())
def test_the_log_reader_agrees_with_a_plain_json_parser(events: list, size: int, indented: bool) -> None:
    text = json.dumps({"before": [1, {"x": "]"}], "Records": events, "after": 1.5}, indent=2 if indented else None)
    stored = gzip.compress(text.encode(), mtime=0)
    reader = LogReader(iter(_chunks(stored, size)))
    assert list(reader.events()) == events
    reader.drain()
    assert (reader.digest.hex, reader.size) == (hashlib.sha256(stored).hexdigest(), len(stored))


def test_gzip_members_one_after_the_other_are_one_file() -> None:
    text = json.dumps({"Records": [{"a": 1}, {"a": 2}]}).encode()
    stored = gzip.compress(text[:9]) + gzip.compress(text[9:])
    assert list(LogReader(iter(_chunks(stored, 7))).events()) == [{"a": 1}, {"a": 2}]


@given(st.binary(max_size=300), st.booleans())
def test_hostile_bytes_are_unreadable_never_a_crash(data: bytes, zipped: bool) -> None:
    reader = LogReader(iter([gzip.compress(data) if zipped else data]))
    with pytest.raises(UnreadableFile):
        list(reader.events())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"Records": [1]}', "NotJSON"),
        ('{"Records": [{}]} x', "NotJSON"),
        ('{"Records": [' + "[" * 100_000, "NotJSON"),
        ('{"Records": [{"a": "' + "x" * 3000 + '"}]}', "TooLarge"),
        ('{"Records": [{}', "NotJSON"),
        ("[]", "NotJSON"),
        ("", "NotJSON"),
    ],
)
def test_each_way_to_be_unreadable_has_its_name(text: str, code: str) -> None:
    reader = LogReader(iter(_chunks(gzip.compress(text.encode()), 64)), Bounds(event_bytes=1000))
    with pytest.raises(UnreadableFile) as caught:
        list(reader.events())
    assert caught.value.code == code


def test_the_stored_size_is_bounded() -> None:
    with pytest.raises(UnreadableFile) as caught:
        list(LogReader(iter([gzip.compress(b'{"Records": []}') * 9]), Bounds(stored_bytes=100)).events())
    assert caught.value.code == "TooLarge"


def _trail(name: str, **fields: object) -> dict:
    return {"TrailARN": name, "S3BucketName": f"b-{name}", "HomeRegion": "us-east-1", "IsMultiRegionTrail": True,
            "IncludeGlobalServiceEvents": True, "status": {"IsLogging": True}} | fields  # fmt: skip


@pytest.mark.parametrize(
    ("trails", "chosen"),
    [
        ([_trail("off", status={"IsLogging": False}), _trail("on")], "on"),
        ([_trail("here", IsMultiRegionTrail=False, HomeRegion="eu-west-1"), _trail("all")], "all"),
        ([_trail("elsewhere", IsMultiRegionTrail=False)], None),
        ([_trail("b"), _trail("a")], "a"),
        ([_trail("far"), _trail("near", HomeRegion="eu-west-1")], "near"),
        ([_trail("unknown", status={}), _trail("on")], "on"),
        ([_trail("nowhere", S3BucketName=None)], None),
        ([], None),
    ],
)
def test_the_trail_that_is_read(trails: list[dict], chosen: str | None) -> None:
    found = choose_trail(trails, "eu-west-1")
    assert (found.arn if found else None) == chosen


def test_where_files_lie_and_which_can_hold_the_period() -> None:
    trail = choose_trail([_trail("t", S3KeyPrefix="/audit/")], "eu-west-1")
    assert trail is not None
    assert trail.day_prefix("111122223333", "eu-west-1", date(2026, 10, 3)) == (
        "audit/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/03/"
    )
    assert trail.day_prefix("1", "r", date(2026, 10, 3), "o-abc").startswith("audit/AWSLogs/o-abc/1/CloudTrail/r/")
    october = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
    days = listing_days(october)
    assert (len(days), days[-1]) == (32, (date(2026, 11, 1), True))
    assert may_hold("x_20261101T0130Z_y.json.gz", october)
    assert not may_hold("x_20261101T0230Z_y.json.gz", october)
    assert not may_hold("x_20260930T2300Z_y.json.gz", october)
    assert may_hold("a name without a time", october)
    assert may_hold("x_20269999T9999Z_y", october)


@pytest.mark.parametrize(
    ("event", "reasons"),
    [
        ({"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}, ("sign_in",)),
        ({"eventSource": "ec2.amazonaws.com", "errorCode": "Client.UnauthorizedOperation"}, ("failed_auth",)),
        ({"eventSource": "ec2.amazonaws.com", "errorCode": "Client.VcpuLimitExceeded"}, ()),
        ({"userIdentity": {"type": "Root"}}, ("root",)),
        ({"userIdentity": {"type": "Root"}, "eventType": "AwsServiceEvent"}, ()),
        ({"eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "readOnly": False}, ("privileged",)),
        ({"eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "readOnly": True}, ()),
        ({"eventSource": "ssm.amazonaws.com", "eventName": "StartSession", "readOnly": True}, ("privileged",)),
        ({"eventSource": ["?"], "eventName": 5, "userIdentity": "x", "errorCode": {}}, ()),
    ],
)
def test_which_events_are_extracted_and_why(event: dict, reasons: tuple[str, ...]) -> None:
    assert reasons_for(event) == reasons
