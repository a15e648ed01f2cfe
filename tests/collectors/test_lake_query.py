"""The query of CloudTrail Lake: bounded by account and period, a job a store, and never without consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from collector_desk import REGION, SETTINGS, Desk, Kept, kind
from hypothesis import given
from hypothesis import strategies as st
from stub_aws import ACCOUNT, StubAws, refuse

from evidence_schema.models.names import GatherResult
from evidence_schema.models.unit import Period
from flows.collectors.aws.modules import lake_query
from flows.collectors.aws.queries import filled_query, of_store, placeholders
from flows.collectors.registry import Kinds

LAKE, STORES = "aws.cloudtrail.lake_events", "aws.cloudtrail.event_data_stores"
ID = "0a1b2c3d-0000-4000-8000-000000000001"
ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:eventdatastore/{ID}"
MANAGEMENT = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
ROW = [{"eventID": "e-1"}, {"eventTime": "2026-10-05T10:00:00Z"}, {"eventSource": "signin.amazonaws.com"}]
OPTED_IN = replace(SETTINGS, opted_in=frozenset({LAKE}))


def gathered(aws: StubAws, kinds: Kinds, settings=OPTED_IN, arn: str = ARN, **answers) -> tuple[Desk, Kept]:
    aws.answers |= {
        "cloudtrail:ListEventDataStores": {"EventDataStores": [{"EventDataStoreArn": arn}]},
        "cloudtrail:GetEventDataStore": {"EventDataStoreArn": arn, "AdvancedEventSelectors": MANAGEMENT},
        "cloudtrail:StartQuery": {"QueryId": "0a1b2c3d-0000-4000-8000-00000000000a"},
        "cloudtrail:DescribeQuery": {"QueryStatus": "FINISHED"},
        "cloudtrail:GetQueryResults": {"QueryStatus": "FINISHED", "QueryResultRows": [ROW]},
    } | {f"cloudtrail:{name}": answer for name, answer in answers.items()}
    desk = Desk(kinds, settings=settings)
    return desk, desk.gather(STORES, LAKE)[1]


def test_the_query_names_account_period_and_store_and_is_in_the_transcript(aws: StubAws, kinds: Kinds) -> None:
    _, kept = gathered(aws, kinds)
    [asked] = aws.asked("cloudtrail:StartQuery")
    text = asked.parameters["QueryStatement"]
    assert f"FROM {ID}" in text
    assert f"recipientAccountId = '{ACCOUNT}'" in text
    assert "eventTime >= '2026-10-01 00:00:00' AND eventTime < '2026-11-01 00:00:00'" in text
    assert placeholders(text) == frozenset()
    assert [call.step for call in kept.calls] == ["store", "start", "poll", "results"]
    assert kept.calls[1].parameters == {"QueryStatement": text}
    assert kept.gathered.result is GatherResult.COLLECTED
    assert [record.id for record in kept.records] == [f"{ID}/e-1"]
    assert kept.header.declaration["query"] == kinds[LAKE].query


def test_without_consent_nothing_is_asked_though_the_unit_was_planned(aws: StubAws, kinds: Kinds) -> None:
    _, kept = gathered(aws, kinds, settings=SETTINGS)
    assert kept.gathered.result is GatherResult.FAILED
    assert kept.gathered.reason.startswith(f"expected {LAKE} under `opt_in` of the settings, since it bills")
    assert {asked.name for asked in aws.log} <= {"cloudtrail:ListEventDataStores", "sts:GetCallerIdentity"}


def test_a_kind_that_forgets_to_say_that_it_bills_makes_no_call(aws: StubAws, kinds: Kinds) -> None:
    """Defence in depth: also where the settings name it."""
    silent = Kinds([kinds[STORES], kinds[LAKE].model_copy(update={"opt_in": None})])
    _, kept = gathered(aws, silent)
    assert kept.gathered.result is GatherResult.FAILED
    assert aws.asked("cloudtrail:StartQuery") == []


def test_all_pages_are_read_once_the_job_is_done(aws: StubAws, kinds: Kinds) -> None:
    states = [{"QueryStatus": state} for state in ("QUEUED", "RUNNING", "FINISHED")]
    pages = [{"QueryResultRows": [ROW], "NextToken": "page-2"}, {"QueryResultRows": [[{"eventID": "e-2"}]]}]
    desk, kept = gathered(aws, kinds, DescribeQuery=states, GetQueryResults=pages)
    assert desk.slept == [2.0, 2.0]
    assert [record.id for record in kept.records] == [f"{ID}/e-1", f"{ID}/e-2"]
    assert kept.gathered.items.kept == 2
    assert [asked.parameters.get("NextToken") for asked in aws.asked("cloudtrail:GetQueryResults")] == [None, "page-2"]


@pytest.mark.parametrize(
    ("answers", "result", "reason"),
    [
        ({"StartQuery": refuse("AccessDeniedException")}, GatherResult.DENIED, "StartQuery denied"),
        ({"DescribeQuery": {"QueryStatus": "TIMED_OUT"}}, GatherResult.FAILED, "StartedAndFailed"),
        ({"DescribeQuery": {"QueryStatus": "RUNNING"}}, GatherResult.FAILED, "PollTimeout"),
        ({"GetQueryResults": refuse("InactiveEventDataStoreException")}, GatherResult.FAILED, "GetQueryResults"),
        ({"GetEventDataStore": refuse("AccessDeniedException")}, GatherResult.PARTIAL, "GetEventDataStore denied"),
    ],
)
def test_a_query_without_an_answer_is_no_empty_period(
    aws: StubAws, kinds: Kinds, monkeypatch: pytest.MonkeyPatch, answers, result, reason
) -> None:
    monkeypatch.setattr(lake_query, "POLLS", 10)
    desk, kept = gathered(aws, kinds, **answers)
    assert kept.gathered.result is result
    assert reason in kept.gathered.reason
    assert len(desk.slept) < 10
    assert kept.view(kinds["aws.cloudtrail.lake_days"]) == []


@pytest.mark.parametrize(
    "arn",
    [
        f"{ARN}; DROP", f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:eventdatastore/x WHERE 1=1 --",
        f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{ID}", f"{ARN}\n",
    ],
)  # fmt: skip
def test_an_id_that_is_none_never_reaches_the_text_of_a_query(aws: StubAws, kinds: Kinds, arn: str) -> None:
    _, kept = gathered(aws, kinds, arn=arn)
    assert aws.asked("cloudtrail:StartQuery") == []
    assert kept.gathered.result is GatherResult.FAILED
    assert "UnexpectedId" in kept.gathered.reason


def test_a_store_of_other_things_is_not_queried(aws: StubAws, kinds: Kinds) -> None:
    others = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["ConfigurationItem"]}]}]
    _, kept = gathered(aws, kinds, GetEventDataStore={"EventDataStoreArn": ARN, "AdvancedEventSelectors": others})
    assert aws.asked("cloudtrail:StartQuery") == []
    assert (kept.gathered.result, kept.gathered.reason) == (
        GatherResult.EMPTY, "1 of 1 stores keep no management events and were not queried",
    )  # fmt: skip


PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))


@given(st.text(max_size=40))
def test_a_query_takes_no_text_that_could_end_a_literal(text: str) -> None:
    harmless = bool(text) and all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in text)
    for fill in (lambda: filled_query("'{account}'", text, REGION, PERIOD), lambda: of_store("'{store}'", text)):
        if harmless:
            assert fill() == f"'{text}'"
        else:
            with pytest.raises(ValueError, match="expected letters"):
                fill()


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert (
        filled_query("{region} {period.start} {unknown}", "1", "region", PERIOD)
        == "region 2026-10-01 00:00:00 {unknown}"
    )


def test_athena_is_asked_once_with_the_filled_text(aws: StubAws, kinds: Kinds) -> None:
    rows = [("event_day", "region", "events"), ("2026-10-05", REGION, "7"), ("2026-10-06", REGION, "x")]
    aws.answers |= {
        "athena:StartQueryExecution": {"QueryExecutionId": "q-1"},
        "athena:GetQueryExecution": {"QueryExecution": {"Status": {"State": "SUCCEEDED"}}},
        "athena:GetQueryResults": {
            "ResultSet": {"Rows": [{"Data": [{"VarCharValue": cell} for cell in row]} for row in rows]}
        },
    }
    name = "aws.athena.trail_days"
    kept = Desk(kinds, settings=replace(SETTINGS, opted_in=frozenset({name}))).one(name)
    [asked] = aws.asked("athena:StartQueryExecution")
    assert f"account = '{ACCOUNT}'" in asked.parameters["QueryString"]
    assert "TIMESTAMP '2026-10-01 00:00:00 UTC'" in asked.parameters["QueryString"]
    assert (asked.parameters["WorkGroup"], asked.region) == ("evidence-collector", REGION)
    counted = {record.id: record.fields["Events"] for record in kept.records}
    assert counted["2026-10-05"] == {REGION: 7}
    assert counted["2026-10-06"] == {}, "a count that is no number is none"
    assert len(counted) == 31


def test_a_test_kind_that_bills_is_refused_too(aws: StubAws) -> None:
    bills = kind(kind="aws.athena.rows", service="athena", opt_in="bills", query="SELECT 1",
                 start={"operation": "StartQueryExecution", "with": {"QueryString": "$query"}},
                 list={"operation": "GetQueryResults", "with": {"QueryExecutionId": "$started.QueryExecutionId"},
                       "items": "ResultSet.Rows", "id": "$region"})  # fmt: skip
    kept = Desk(Kinds([bills])).one("aws.athena.rows")
    assert "found it missing; nothing was asked" in kept.gathered.reason
    assert aws.asked("athena:StartQueryExecution") == []
