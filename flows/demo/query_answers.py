"""What CloudTrail Lake and Athena answer to the two queries that kinds of ours declare; SIMULATED.

No SQL is understood here: a query is answered by what it is known to ask, from the records of the log files, and is
refused where it is another one. Facts of the emulated account, by region: `event_data_stores`, `events`, `log_events`
(day -> how many). `lake_is_empty`: the store lost all of them, a second source that disagrees.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from evidence_schema.paths import look_up
from flows.demo.filling import REGIONS
from flows.demo.own_answers import Handlers, Question, RefusalError, page

WORKGROUP, DATABASE = "evidence-collector", "evidence_collector"
_PERIOD = re.compile(r"'(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?: UTC)?'")
_STORE = re.compile(r"\bFROM ([0-9a-f-]{36})\s")
_IDENTITY = ("iam.amazonaws.com", "sso.amazonaws.com", "identitystore.amazonaws.com")
_COLUMNS = {
    "eventID": "eventID", "eventTime": "eventTime", "eventName": "eventName", "eventSource": "eventSource",
    "awsRegion": "awsRegion", "eventType": "eventType", "readOnly": "readOnly", "errorCode": "errorCode",
    "sourceIPAddress": "sourceIPAddress", "userType": "userIdentity.type", "userName": "userIdentity.userName",
    "userArn": "userIdentity.arn", "principalId": "userIdentity.principalId", "invokedBy": "userIdentity.invokedBy",
    "issuerArn": "userIdentity.sessionContext.sessionIssuer.arn",
    "signInResult": "responseElements.ConsoleLogin", "mfaUsed": "additionalEventData.MFAUsed",
}  # fmt: skip


def _get_event_data_store(question: Question) -> Mapping[str, Any]:
    wanted = question.parameters.get("EventDataStore", "")
    for store in question.fact("event_data_stores", []):
        if wanted in (store["EventDataStoreArn"], store["EventDataStoreArn"].rpartition("/")[2]):
            return dict(store)
    raise RefusalError("EventDataStoreNotFoundException", f"No event data store {wanted}")


def _start_query(question: Question) -> Mapping[str, Any]:
    statement = str(question.parameters.get("QueryStatement", ""))
    named = _STORE.search(statement)
    stores = {store["EventDataStoreArn"].rpartition("/")[2] for store in question.fact("event_data_stores", [])}
    if named is None or named[1] not in stores or "SELECT DISTINCT" not in statement:
        raise RefusalError("InvalidQueryStatementException", "Only the query of the collector is emulated")
    return {"QueryId": _remember(question, "lake", _period_of(statement))}


def _describe_query(question: Question) -> Mapping[str, Any]:
    _remembered(question, "lake", "QueryId")
    return {"QueryId": question.parameters["QueryId"], "QueryStatus": "FINISHED"}


def _get_query_results(question: Question) -> Mapping[str, Any]:
    start, end = _remembered(question, "lake", "QueryId")
    rows = [
        [{name: _text(look_up(event, path))} for name, path in _COLUMNS.items()]
        for event in _events(question)
        if start <= event["eventTime"] < end and not question.fact("lake_is_empty") and _is_selected(event)
    ]
    asked = {**question.parameters, "MaxResults": question.parameters.get("MaxQueryResults", 1000)}
    some = page(replace(question, parameters=asked), rows, "QueryResultRows")
    return {"QueryStatus": "FINISHED", "QueryStatistics": {"TotalResultsCount": len(rows)}, **some}


def _start_query_execution(question: Question) -> Mapping[str, Any]:
    text = str(question.parameters.get("QueryString", ""))
    database = (question.parameters.get("QueryExecutionContext") or {}).get("Database")
    if (question.parameters.get("WorkGroup"), database) != (WORKGROUP, DATABASE) or "FROM trail_events" not in text:
        raise RefusalError("InvalidRequestException", "Only the query of the collector is emulated")
    return {"QueryExecutionId": _remember(question, "athena", _period_of(text))}


def _get_query_execution(question: Question) -> Mapping[str, Any]:
    _remembered(question, "athena", "QueryExecutionId")
    done = {"Status": {"State": "SUCCEEDED"}, "Statistics": {"DataScannedInBytes": 4711}, "WorkGroup": WORKGROUP}
    return {"QueryExecution": {"QueryExecutionId": question.parameters["QueryExecutionId"], **done}}


def _get_athena_results(question: Question) -> Mapping[str, Any]:
    start, end = _remembered(question, "athena", "QueryExecutionId")
    counted = [
        (day, region, str(count))
        for region in REGIONS
        for day, count in question.facts.get(question.call.account, region, "log_events", {}).items()
        if start[:10] <= day < end[:10]
    ]
    rows = [("event_day", "region", "events"), *sorted(counted)]
    shown = page(question, [{"Data": [{"VarCharValue": cell} for cell in row]} for row in rows], "Rows", most=1000)
    more = {"NextToken": shown["NextToken"]} if "NextToken" in shown else {}
    return {"ResultSet": {"Rows": shown["Rows"]}, **more}


def _period_of(text: str) -> tuple[str, str]:
    """First and last moment that the text names, as event times are written."""
    found = sorted({f"{day}T{time}Z" for day, time in _PERIOD.findall(text)})
    if len(found) != 2:
        raise RefusalError("InvalidQueryStatementException", "Expected the two ends of a period")
    return found[0], found[1]


def _remember(question: Question, of: str, period: tuple[str, str]) -> str:
    """A job's id says what it was asked for: the same question has the same id."""
    id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{of} {question.call.account} {period}"))
    question.facts.put(question.call.account, question.call.region, f"{of} {id_}", period)
    return id_


def _remembered(question: Question, of: str, parameter: str) -> tuple[str, str]:
    found = question.fact(f"{of} {question.parameters.get(parameter)}")
    if found is None:
        raise RefusalError("QueryIdNotFoundException" if of == "lake" else "InvalidRequestException", "No such query")
    start, end = found
    return start, end


def _events(question: Question) -> Iterator[dict[str, Any]]:
    for region in REGIONS:
        yield from question.facts.get(question.call.account, region, "events", [])


def _is_selected(event: Mapping[str, Any]) -> bool:
    source = event["eventSource"]
    return (
        source == "signin.amazonaws.com"
        or event["eventType"] == "AwsConsoleSignIn"
        or look_up(event, "userIdentity.type") == "Root"
        or (source in _IDENTITY and not event["readOnly"])
    )


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else value if isinstance(value, str) else ""


QUERY_HANDLERS: Handlers = {
    "cloudtrail:GetEventDataStore": _get_event_data_store,
    "cloudtrail:StartQuery": _start_query,
    "cloudtrail:DescribeQuery": _describe_query,
    "cloudtrail:GetQueryResults": _get_query_results,
    "athena:StartQueryExecution": _start_query_execution,
    "athena:GetQueryExecution": _get_query_execution,
    "athena:GetQueryResults": _get_athena_results,
}
