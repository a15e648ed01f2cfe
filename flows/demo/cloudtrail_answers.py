"""What CloudTrail answers and moto does not: event data stores, the newest events, selectors of shadow trails.

Facts of the emulated account, by region: `events` (CloudTrail records, as in the log files), `event_data_stores`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flows.demo.encoding import moment
from flows.demo.moto_setup import moto_models
from flows.demo.own_answers import Handlers, Question, RefusalError, page
from flows.demo.trail_digests import simulated_key

EVENTS_KEPT = timedelta(days=90)
EVENTS_A_PAGE = 50
# What AWS returns for a trail whose selectors nobody has set; moto returns none at all.
_DEFAULT_SELECTOR = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


def _list_event_data_stores(question: Question) -> Mapping[str, Any]:
    return page(question, question.fact("event_data_stores", []), "EventDataStores")


def _get_event_selectors(question: Question) -> Mapping[str, Any]:
    trail = _trail(question)
    if trail.advanced_event_selectors:
        return {"TrailARN": trail.arn, "AdvancedEventSelectors": trail.advanced_event_selectors}
    return {"TrailARN": trail.arn, "EventSelectors": trail.event_selectors or [_DEFAULT_SELECTOR]}


def _get_insight_selectors(question: Question) -> Mapping[str, Any]:
    trail = _trail(question)
    if not trail.insight_selectors:
        raise RefusalError("InsightNotEnabledException", f"Insights are not enabled for trail {trail.trail_name}")
    return {"TrailARN": trail.arn, "InsightSelectors": trail.insight_selectors}


def _trail(question: Question) -> Any:
    """By name in its home region, by ARN also from the regions where it has a shadow."""
    wanted = question.parameters.get("TrailName", "")
    backend = moto_models("cloudtrail").cloudtrail_backends[question.call.account][question.call.region]
    for trail in backend.describe_trails(include_shadow_trails=True):
        if wanted == trail.arn or (wanted == trail.trail_name and trail.region_name == question.call.region):
            return trail
    raise RefusalError("TrailNotFoundException", f"Unknown trail: {wanted}")


def _lookup_events(question: Question) -> Mapping[str, Any]:
    since = max(question.parameters.get("StartTime", question.now - EVENTS_KEPT), question.now - EVENTS_KEPT)
    until = question.parameters.get("EndTime", question.now)
    asked = question.parameters.get("LookupAttributes") or []
    if len(asked) > 1:
        raise RefusalError("InvalidLookupAttributesException", "Only one lookup attribute may be given")
    found = [
        record
        for record in question.fact("events", [])
        if since <= _time(record) <= until and all(_has_attribute(record, attribute) for attribute in asked)
    ]
    found.sort(key=lambda record: (_time(record), record["eventID"]), reverse=True)
    return page(question, [_event(record) for record in found], "Events", most=EVENTS_A_PAGE)


def _time(record: Mapping[str, Any]) -> datetime:
    return moment(record["eventTime"])


def _user_name(record: Mapping[str, Any]) -> str:
    identity = record["userIdentity"]
    return str(identity.get("userName") or ("root" if identity["type"] == "Root" else identity["type"]))


_ATTRIBUTES: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "EventId": lambda record: record["eventID"],
    "EventName": lambda record: record["eventName"],
    "EventSource": lambda record: record["eventSource"],
    "ReadOnly": lambda record: str(record["readOnly"]).lower(),
    "Username": _user_name,
    "AccessKeyId": lambda record: record["userIdentity"].get("accessKeyId", ""),
}


def _has_attribute(record: Mapping[str, Any], attribute: Mapping[str, str]) -> bool:
    known = _ATTRIBUTES.get(attribute["AttributeKey"])
    if known is None:
        raise RefusalError("InvalidLookupAttributesException", f"No index by {attribute['AttributeKey']} is emulated")
    return bool(known(record) == attribute["AttributeValue"])


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    event = {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "EventTime": record["eventTime"],
        "EventSource": record["eventSource"],
        "Username": _user_name(record),
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }
    if key := record["userIdentity"].get("accessKeyId"):
        event["AccessKeyId"] = key
    return event


def _list_public_keys(question: Question) -> Mapping[str, Any]:
    key = simulated_key()
    valid = {"ValidityStartTime": question.now - timedelta(days=400), "ValidityEndTime": question.now}
    return {"PublicKeyList": [{"Value": key.public, "Fingerprint": key.fingerprint, **valid}]}


CLOUDTRAIL_HANDLERS: Handlers = {
    "cloudtrail:ListPublicKeys": _list_public_keys,
    "cloudtrail:ListEventDataStores": _list_event_data_stores,
    "cloudtrail:GetEventSelectors": _get_event_selectors,
    "cloudtrail:GetInsightSelectors": _get_insight_selectors,
    "cloudtrail:LookupEvents": _lookup_events,
}
