"""Metrics of the period: highest, lowest and mean of the daily values, one record for each metric that was asked for.

Numbers are texts in decimal notation, as everywhere: a rule reads them with `double()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import look_up

DATA_STEP = "data"
VALUES = ("Days", "Highest", "Lowest", "Mean")
_ANSWERED = ("Complete", "PartialData")
"""`PartialData` says that a further page has the rest."""
_PLACES = Decimal("0.000001")


@dataclass
class _Metric:
    stat: Mapping[str, Any]
    values: list[Decimal] = field(default_factory=list)
    gap: Gap | None = None


def metric_statistics(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],  # noqa: ARG001 (no files)
) -> Iterator[Record]:
    """The records of one call's metrics after another: memory holds those of one."""
    asked: tuple[str, ...] = ()
    metrics: dict[str, _Metric] = {}
    for call in calls:
        if call.step != DATA_STEP:
            continue
        if call.item != asked:
            yield from _records(header, declaration, metrics)
            asked, metrics = call.item, {}
        _take(metrics, call)
    yield from _records(header, declaration, metrics)


def _take(metrics: dict[str, _Metric], call: Call) -> None:
    """One page; the questions stand in the call, and a call that did not answer leaves them unknown."""
    for query in _dicts(call.parameters.get("MetricDataQueries")):
        metrics.setdefault(str(query.get("Id")), _Metric(query.get("MetricStat") or {}))
    if call.error is not None:
        gap = Gap(operation=f"{call.service}:{call.operation}", code=call.error.code, result=call.error.result)
        for metric in metrics.values():
            metric.gap = gap
    for result in _dicts((call.body or {}).get("MetricDataResults")):
        found = metrics.get(str(result.get("Id")))
        if found is None:
            continue
        found.values.extend(_numbers(result.get("Values")))
        status = str(result.get("StatusCode", "Complete"))
        if status not in _ANSWERED:
            found.gap = Gap(operation="cloudwatch:GetMetricData", code=status[:200], result="failed")


def _records(
    header: TranscriptHeader, declaration: KindDeclaration, metrics: Mapping[str, _Metric]
) -> Iterator[Record]:
    for metric in metrics.values():
        fields = _named(metric.stat) | _summed(metric.values)
        named = ",".join(f"{name}={value}" for name, value in fields["Dimensions"].items())
        yield Record(
            kind=declaration.kind,
            account=header.unit.account,
            region=header.unit.region,
            id=f"{fields['Namespace']}/{fields['MetricName']}/{named}"[:2000],
            fields={**declaration.default, **fields},
            gaps=dict.fromkeys(VALUES, metric.gap) if metric.gap is not None else {},
        )


def _named(stat: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = {str(item.get("Name")): str(item.get("Value")) for item in _dicts(_at(stat, "Metric.Dimensions"))}
    return {
        "Namespace": str(_at(stat, "Metric.Namespace")),
        "MetricName": str(_at(stat, "Metric.MetricName")),
        "Statistic": str(stat.get("Stat", "")),
        "Dimensions": dict(sorted(dimensions.items())),
        "Resource": next(iter(dimensions.values())) if len(dimensions) == 1 else "",
    }


def _summed(values: list[Decimal]) -> dict[str, Any]:
    if not values:
        return {"Days": 0}
    mean = sum(values, Decimal(0)) / len(values)
    return {"Days": len(values), "Highest": _text(max(values)), "Lowest": _text(min(values)), "Mean": _text(mean)}


def _text(number: Decimal) -> str:
    return format(number.quantize(_PLACES).normalize(), "f")


def _numbers(values: Any) -> Iterator[Decimal]:
    for value in values if isinstance(values, list) else ():
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            continue
        if number.is_finite():
            yield number


def _at(value: Mapping[str, Any], path: str) -> Any:
    return look_up(value, path)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
