"""The declared query, asked of each CloudTrail Lake store that keeps events of the trail: a job a store, polled, paged.

The id of a store can only stand in the text of a query: it is taken from the ARN and must look like what AWS gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evidence_schema.models.declaration import Pages
from evidence_schema.records.lake import RESULT_STEP, START_STEP, STORE_STEP
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.paging import pages, paging_of
from flows.collectors.aws.queries import of_store
from flows.collectors.aws.work import Work

POLLS = 300
SECONDS = 2.0
ROWS_A_PAGE = 1000
_SERVICE = "cloudtrail"
_STORE_ARN = re.compile(r"arn:aws[a-z-]*:cloudtrail:[a-z0-9-]{2,32}:[0-9]{12}:eventdatastore/([0-9a-fA-F-]{36})")
_PAGES = Pages(output="NextToken", input="NextToken")
_DONE = "FINISHED"
_UNDER_WAY = ("QUEUED", "RUNNING")


def gather(work: Work) -> None:
    """Ask every store of the region; one that keeps no management events is not queried, since that would bill."""
    if work.source is None:
        raise ValueError("expected the event data stores as source, found none")
    stores = [item.id for item in work.source.items()]
    passed_over = 0
    for arn in stores:
        store = work.caller.ask(_ask(STORE_STEP, "GetEventDataStore", {"EventDataStore": arn}, arn, primary=False))
        if store.has_body:
            if _keeps_management_events(store.plain):
                _query(work, arn)
            else:
                passed_over += 1
    if not stores:
        work.tally.remark = "there is no event data store"
    elif passed_over:
        work.tally.remark = f"{passed_over} of {len(stores)} stores keep no management events and were not queried"


def _query(work: Work, arn: str) -> None:
    named = _STORE_ARN.fullmatch(arn)
    if named is None:
        ask = _ask(START_STEP, "StartQuery", {}, arn)
        work.caller.note_failure(ask, "UnexpectedId", "expected the ARN of an event data store; nothing was queried")
        return
    text = of_store(work.scope.query, named[1])
    job = work.caller.ask(_ask(START_STEP, "StartQuery", {"QueryStatement": text}, arn)).plain.get("QueryId")
    if isinstance(job, str) and _is_finished(work, arn, job):
        _fetch(work, arn, job)


def _is_finished(work: Work, arn: str, job: str) -> bool:
    """Wait for the job; what it ended with otherwise is recorded as a failure."""
    for attempt in range(POLLS):
        if attempt:
            work.caller.sleep(SECONDS)
        ask = _ask("poll", "DescribeQuery", {"QueryId": job}, arn, attempt + 1)
        answer = work.caller.ask(ask)
        state = answer.plain.get("QueryStatus")
        if not answer.has_body or state == _DONE:
            return answer.has_body
        if state not in _UNDER_WAY:
            work.caller.note_failure(ask, "StartedAndFailed", f"QueryStatus is {str(state)[:80]}")
            return False
    work.caller.note_failure(ask, "PollTimeout", f"QueryStatus is not {_DONE} after {POLLS} polls")
    return False


def _fetch(work: Work, arn: str, job: str) -> None:
    def ask(parameters: dict[str, Any], page: int) -> Answer:
        return work.caller.ask(_ask(RESULT_STEP, "GetQueryResults", parameters, arn, page))

    def fail(page: int, code: str, why: str) -> Answer:
        return work.caller.note_failure(_ask(RESULT_STEP, "GetQueryResults", {}, arn, page), code, why)

    asked = {"QueryId": job, "MaxQueryResults": ROWS_A_PAGE}
    for answer in pages(ask, fail, asked, paging_of(_PAGES, None)):
        rows = len(answer.plain.get("QueryResultRows") or [])
        work.tally.pages += answer.has_body
        work.tally.returned += rows
        work.tally.kept += rows


def _keeps_management_events(store: Mapping[str, Any]) -> bool:
    """By its selectors; those of AWS Config or of other sources have other columns, and none of what is asked."""
    return any(
        chosen.get("Field") == "eventCategory" and "Management" in (chosen.get("Equals") or [])
        for selector in store.get("AdvancedEventSelectors") or []
        for chosen in selector.get("FieldSelectors") or []
    )


def _ask(
    step: str, operation: str, parameters: dict[str, Any], arn: str, page: int = 1, *, primary: bool = True
) -> Ask:
    return Ask(step, _SERVICE, operation, parameters, (arn,), page, primary=primary)
