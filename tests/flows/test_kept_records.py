"""Records and findings that wait in temporary files: what comes back is what went in, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema.models.finding import Finding
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Gap, Record
from flows.steps.finding_order import in_order
from flows.steps.kept_records import KeptRecords

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    TEXT | INTEGERS | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)
GAPS = st.builds(Gap, operation=TEXT, code=TEXT, result=st.sampled_from(["denied", "failed", "unavailable"]))
RECORDS = st.builds(
    Record,
    kind=st.just("aws.s3.buckets"),
    account=TEXT,
    region=TEXT,
    id=TEXT,
    fields=st.dictionaries(TEXT, VALUES, max_size=5),
    gaps=st.dictionaries(st.sampled_from(["Policy", "encryption"]), GAPS, max_size=2),
)
MEGABYTE = 1024 * 1024


def record(number: int, size: int = 0) -> Record:
    fields: dict[str, Any] = {"number": number, "text": "x" * size}
    return Record(kind="aws.s3.buckets", account="1", region="eu-west-1", id=str(number), fields=fields)


def exactly(value: Any) -> Any:
    """A value with the types of everything in it: True is not 1."""
    if isinstance(value, dict):
        return {name: exactly(item) for name, item in value.items()}
    return (type(value), [exactly(item) for item in value] if isinstance(value, list) else value)


@given(st.lists(RECORDS, max_size=6))
def test_records_read_again_are_the_records_that_were_derived(records: list[Record]) -> None:
    kept = KeptRecords()
    assert list(kept.keeping("unit", iter(records))) == records
    again = list(kept.read("unit"))
    assert again == records
    assert [exactly(one.fields) for one in again] == [exactly(one.fields) for one in records]


def test_streams_that_are_kept_and_read_at_the_same_time_do_not_mix() -> None:
    kept, streams = KeptRecords(), {name: [record(n, size=3000) for n in range(200)] for name in "ab"}
    writing = [kept.keeping(name, iter(streams[name])) for name in "ab"]
    assert [pair for pair in zip(*writing, strict=True)] == list(zip(*streams.values(), strict=True))  # noqa: C416
    first = kept.read("a")
    begun = list(islice(first, 50))
    assert list(kept.read("b")) == streams["b"]
    assert [*begun, *first] == streams["a"]


def test_a_stream_that_was_not_read_to_its_end_is_not_kept() -> None:
    kept = KeptRecords()
    stream = kept.keeping("unit", iter([record(1), record(2)]))
    assert next(stream).id == "1"
    stream.close()  # type: ignore[attr-defined] # a generator
    assert "unit" not in kept


def test_what_is_more_than_the_file_may_hold_is_passed_on_and_not_kept() -> None:
    kept = KeptRecords(most=100_000)
    assert len(list(kept.keeping("large", (record(n, size=10_000) for n in range(40))))) == 40
    assert "large" not in kept
    assert len(list(kept.keeping("small", iter([record(1)])))) == 1


def test_an_empty_stream_is_kept_as_an_empty_one() -> None:
    kept = KeptRecords()
    assert list(kept.keeping("unit", iter(()))) == []
    assert "unit" in kept
    assert list(kept.read("unit")) == []


def finding(number: int, id_: str, kind: str = "aws.s3.buckets") -> Finding:
    return Finding(
        check="EV-ENC-01-C1", requirement="EV-ENC-01", kind=kind, account="1", region="eu-west-1", record=id_,
        result=FindingResult.FAIL, values={"number": number},
    )  # fmt: skip


@given(
    st.lists(st.tuples(TEXT, st.sampled_from(["aws.s3.buckets", "aws.ec2.volumes"])), max_size=40), st.integers(1, 7)
)
def test_findings_are_sorted_as_in_memory_whatever_is_held_at_a_time(names: list[tuple[str, str]], held: int) -> None:
    findings = [finding(number, id_, kind) for number, (id_, kind) in enumerate(names)]
    assert list(in_order(iter(findings), held)) == sorted(findings, key=lambda one: one.sort_key)


def test_findings_with_equal_keys_stay_in_the_order_they_came() -> None:
    findings = [finding(number, "the same") for number in range(25)]
    assert [one.values["number"] for one in in_order(iter(findings), 3)] == list(range(25))


@pytest.mark.parametrize("keep", [False, True], ids=["findings", "records"])
def test_memory_does_not_grow_with_the_number(keep: bool) -> None:
    def stream(count: int) -> Iterator[object]:
        if keep:
            kept = KeptRecords()
            for _ in kept.keeping("unit", (record(n, size=500) for n in range(count))):
                pass
            return iter(kept.read("unit"))
        return iter(in_order(finding(n, f"{n * 7919 % count:07}") for n in range(count)))

    peaks = []
    for count in (1_500, 12_000):
        tracemalloc.start()
        for _ in stream(count):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0] + MEGABYTE
