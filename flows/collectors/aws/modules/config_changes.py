"""What changed in the period, as AWS Config recorded it: a query names the resources, each is asked for its history.

The query's answers are JSON as text, which a declaration cannot look into.
"""

from __future__ import annotations

import json
from typing import Any

from evidence_schema.models.base import format_time
from evidence_schema.records.config_changes import HISTORY_STEP, QUERY_STEP
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.paging import pages
from flows.collectors.aws.work import Work

_SERVICE, _QUERY, _HISTORY = "config", "SelectResourceConfig", "GetResourceConfigHistory"
_EXPRESSION = "SELECT resourceId, resourceType WHERE configurationItemCaptureTime >= '{since}'"
_NO_HISTORY = ("ResourceNotDiscoveredException",)


def gather(work: Work) -> None:
    """Page by page of the query; after each, the histories of its resources."""
    expression = _EXPRESSION.format(since=format_time(work.scope.period.start))
    for answer in _pages(work, QUERY_STEP, _QUERY, {"Expression": expression}, ()):
        for text in answer.plain.get("Results", []):
            type_, id_ = _resource(text)
            if not type_ or not id_:
                _ask_nothing(work)
                continue
            for history in _pages(work, HISTORY_STEP, _HISTORY, _asked(work, type_, id_), (f"{type_}/{id_}",)):
                found = len(history.plain.get("configurationItems", []))
                work.tally.returned += found
                work.tally.kept += found


def _asked(work: Work, type_: str, id_: str) -> dict[str, Any]:
    period = work.scope.period
    return {
        "resourceType": type_,
        "resourceId": id_,
        "earlierTime": format_time(period.start),
        "laterTime": format_time(period.end),
        "chronologicalOrder": "Forward",
    }


def _resource(text: Any) -> tuple[str, str]:
    """Type and id of a resource in an answer of the query; empty where it is none."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return "", ""
    if not isinstance(found, dict):
        return "", ""
    return str(found.get("resourceType", "")), str(found.get("resourceId", ""))


def _ask_nothing(work: Work) -> None:
    question = Ask(HISTORY_STEP, _SERVICE, _HISTORY, {}, (), 1, primary=True)
    work.caller.note_failure(question, "UnreadableResult", "expected a resource with type and id in the query's answer")


def _pages(work: Work, step: str, operation: str, parameters: dict[str, Any], item: tuple[str, ...]) -> Any:
    def ask(asked: dict[str, Any], page: int) -> Answer:
        return work.caller.ask(
            Ask(step, _SERVICE, operation, asked, item, page, primary=True, absent=_NO_HISTORY if item else ())
        )

    def fail(page: int, code: str, why: str) -> Answer:
        return work.caller.note_failure(Ask(step, _SERVICE, operation, {}, item, page, primary=True), code, why)

    for answer in pages(ask, fail, parameters, work.paginator(_SERVICE, operation)):
        work.tally.pages += answer.has_body
        if answer.has_body:
            yield answer
