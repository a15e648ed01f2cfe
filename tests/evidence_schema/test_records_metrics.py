"""Metrics of the period, derived: pages belong together, and what was not answered is unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from evidence_schema.digest import Digest
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, CallError, Collector, Record, TranscriptHeader
from evidence_schema.models.unit import Period, Unit
from evidence_schema.records import derive
from evidence_schema.records.metrics import VALUES

pytestmark = pytest.mark.sealing

ASKED = datetime(2026, 11, 1, 6, tzinfo=UTC)
DECLARATION = KindDeclaration.model_validate(
    {
        "kind": "aws.cloudwatch.metric_statistics", "service": "cloudwatch", "scope": "region", "title": "t",
        "module": "metric_data", "derive": "metric_statistics", "actions": ["cloudwatch:GetMetricData"],
    }
)  # fmt: skip
HEADER = TranscriptHeader(
    unit=Unit(kind=DECLARATION.kind, account="111122223333", region="eu-west-1"),
    run_id="run-20261101T060000Z-0a1b2c3d", principal="p", declaration=DECLARATION.to_json(),
    period=Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC)),
    collector=Collector(name="c", version="1", declaration=Digest.of(b"")),
)  # fmt: skip


def _call(chunk: str, *results: dict[str, Any], names: tuple[str, ...] = ("A",), step: str = "data") -> Call:
    queries = [
        {"Id": f"m{index}", "MetricStat": {"Metric": {"Namespace": "N", "MetricName": name}, "Stat": "Sum"}}
        for index, name in enumerate(names)
    ]
    return Call(
        seq=0, service="cloudwatch", operation="GetMetricData", region="eu-west-1", step=step, item=(chunk,),
        parameters={"MetricDataQueries": queries}, started=ASKED, finished=ASKED,
        body={"MetricDataResults": list(results)},
    )  # fmt: skip


def _records(*calls: Call) -> list[Record]:
    return list(derive(HEADER, iter(calls), lambda name: iter(())))


def test_values_of_all_pages_count_and_chunks_are_kept_apart() -> None:
    found = _records(
        _call("0", {"Id": "m0", "Values": ["1", "2"], "StatusCode": "PartialData"}, {"Id": "m9", "Values": ["7"]}),
        _call("0", {"Id": "m0", "Values": ["6", "NaN", "x"], "StatusCode": "Complete"}),
        _call("1", {"Id": "m0", "Values": ["5"], "StatusCode": "Complete"}, names=("B",)),
        _call("2", names=("C", "D"), step="metrics"),
    )
    seen = {record.fields["MetricName"]: [record.fields[name] for name in VALUES] for record in found}
    assert seen == {"A": [3, "6", "1", "3"], "B": [1, "5", "5", "5"]}


def test_a_metric_without_values_says_so() -> None:
    (record,) = _records(_call("0"))
    assert record.fields["Days"] == 0
    assert not {"Highest", "Lowest", "Mean"} & record.fields.keys()
    assert record.gaps == {}


@pytest.mark.parametrize("failed", ["call", "status"])
def test_what_was_not_answered_is_unknown(failed: str) -> None:
    call = _call("0", {"Id": "m0", "Values": ["1"], "StatusCode": "InternalError"})
    if failed == "call":
        error = CallError(code="AccessDenied", status=403, result="denied")
        call = call.model_copy(update={"body": None, "error": error})
    (record,) = _records(call)
    assert record.gaps.keys() == set(VALUES)
