"""Metrics of the period, a value a day: listed first, since GetMetricData must be told each metric by its dimensions.

CloudWatch lists a metric for two weeks after its last value, and keeps daily values for 455 days: what stopped earlier
in the period is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evidence_schema.records.metrics import DATA_STEP
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.paging import pages
from flows.collectors.aws.work import Work

DAY = 86_400
AT_ONCE = 100
"""Queries a call. CloudWatch takes 500; fewer keep a line of the transcript short."""


@dataclass(frozen=True)
class Wanted:
    """A metric to look for. `dimension`: only where this is its one dimension; empty: whatever its dimensions are."""

    namespace: str
    name: str
    statistic: str
    dimension: str = ""

    def filters(self) -> dict[str, Any]:
        asked: dict[str, Any] = {"Namespace": self.namespace, "MetricName": self.name}
        return asked | ({"Dimensions": [{"Name": self.dimension}]} if self.dimension else {})

    def is_it(self, metric: Mapping[str, Any]) -> bool:
        names = [item.get("Name") for item in metric.get("Dimensions", [])]
        return not self.dimension or names == [self.dimension]


WANTED = (
    Wanted("AWS/EC2", "CPUUtilization", "Average", "InstanceId"),
    Wanted("AWS/EC2", "StatusCheckFailed", "Average", "InstanceId"),
    Wanted("AWS/RDS", "CPUUtilization", "Average", "DBInstanceIdentifier"),
    Wanted("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "QueueName"),
    Wanted("AWS/Events", "FailedInvocations", "Sum", "RuleName"),
    Wanted("AWS/Usage", "ResourceCount", "Maximum"),
)


def gather(work: Work) -> None:
    """List what there is of each wanted metric, then ask for the values, some at a time."""
    found = [query for wanted in WANTED for query in _found(work, wanted)]
    queries = list({repr(query): query for query in found}.values())  # a metric that was listed twice is asked for once
    for start in range(0, len(queries), AT_ONCE):
        _ask_values(work, queries[start : start + AT_ONCE], start // AT_ONCE)
    work.tally.returned += len(queries)
    work.tally.kept += len(queries)


def _found(work: Work, wanted: Wanted) -> Iterator[dict[str, Any]]:
    for answer in _pages(work, "metrics", "ListMetrics", wanted.filters(), (wanted.namespace, wanted.name)):
        for metric in answer.plain.get("Metrics", []):
            if wanted.is_it(metric):
                named = {name: metric[name] for name in ("Namespace", "MetricName", "Dimensions") if name in metric}
                yield {"Metric": named, "Period": DAY, "Stat": wanted.statistic}


def _ask_values(work: Work, stats: Sequence[Mapping[str, Any]], number: int) -> None:
    period = work.scope.period
    asked = {
        "MetricDataQueries": [{"Id": f"m{index}", "MetricStat": stat} for index, stat in enumerate(stats)],
        "StartTime": period.start,
        "EndTime": period.end,
        "ScanBy": "TimestampAscending",
    }
    for _ in _pages(work, DATA_STEP, "GetMetricData", asked, (str(number),)):
        pass  # recorded; the derivation joins answers to questions


def _pages(
    work: Work, step: str, operation: str, parameters: Mapping[str, Any], item: tuple[str, ...]
) -> Iterator[Answer]:
    def ask(asked: dict[str, Any], page: int) -> Answer:
        return work.caller.ask(Ask(step, "cloudwatch", operation, asked, item, page, primary=True))

    def fail(page: int, code: str, why: str) -> Answer:
        return work.caller.note_failure(Ask(step, "cloudwatch", operation, {}, item, page, primary=True), code, why)

    for answer in pages(ask, fail, parameters, work.paginator("cloudwatch", operation)):
        work.tally.pages += answer.has_body
        yield answer
