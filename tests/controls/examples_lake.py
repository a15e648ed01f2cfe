"""Examples of a second count: what CloudTrail Lake and Athena say of the days that the log files were read for."""

from __future__ import annotations

from datetime import UTC, datetime

from answers import ACCOUNT, AT, REGION, Body, Told
from examples_first import ALL_DAYS, days, sign_in
from exampling import Records, derived, example, place, without

STORE = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:eventdatastore/0a1b2c3d-0000-4000-8000-000000000001"
LONG_AGO = "2024-01-01T00:00:00Z"
MANAGEMENT = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
SIGNED_IN: Body = {
    "eventID": "id-ConsoleLogin", "eventTime": "2026-10-05T10:00:00Z", "eventName": "ConsoleLogin",
    "eventSource": "signin.amazonaws.com", "awsRegion": REGION, "readOnly": "false", "errorCode": "",
    "userType": "IAMUser", "userName": "ana", "signInResult": "Success", "mfaUsed": "Yes",
}  # fmt: skip
BY_ROOT = SIGNED_IN | {"eventID": "id-root", "eventName": "DeleteTrail", "eventSource": "x", "userType": "Root"}
GRANTED = SIGNED_IN | {
    "eventID": "id-AttachUserPolicy", "eventName": "AttachUserPolicy", "eventSource": "iam.amazonaws.com",
}  # fmt: skip


def lake(*rows: Body, read_at: datetime = AT, **store: object) -> Told:
    """What a store answers to the query, a page."""
    told = Told("aws.cloudtrail.lake_events", read_at=read_at)
    body = {
        "EventDataStoreArn": STORE, "Status": "ENABLED", "MultiRegionEnabled": True, "RetentionPeriod": 2555,
        "CreatedTimestamp": LONG_AGO, "UpdatedTimestamp": LONG_AGO, "AdvancedEventSelectors": [MANAGEMENT],
    }  # fmt: skip
    told.call("GetEventDataStore", "store", body | store, STORE)
    told.call("StartQuery", "start", {"QueryId": "0a1b2c3d-0000-4000-8000-00000000000a"}, STORE)
    told.call("DescribeQuery", "poll", {"QueryStatus": "FINISHED"}, STORE)
    cells = [[{name: value} for name, value in row.items()] for row in rows]
    told.call("GetQueryResults", "results", {"QueryStatus": "FINISHED", "QueryResultRows": cells}, STORE)
    return told


def lake_days(*rows: Body, **store: object) -> Records:
    return lake(*rows, **store).records("aws.cloudtrail.lake_days")  # type: ignore[arg-type]


def athena(*rows: tuple[str, str, str]) -> Records:
    told = Told("aws.athena.trail_days")
    told.call("StartQueryExecution", "start", {"QueryExecutionId": "q-1"})
    told.call("GetQueryExecution", "poll", {"QueryExecution": {"Status": {"State": "SUCCEEDED"}}})
    shown = [{"Data": [{"VarCharValue": cell} for cell in row]} for row in (("event_day", "region", "events"), *rows)]
    told.call("GetQueryResults", "list", {"ResultSet": {"Rows": shown}})
    return told.records()


SEVEN_A_DAY = athena(*((f"2026-10-{day:02}", REGION, "7") for day in range(1, 32)))
FILES = days(*ALL_DAYS)
SAME = days(sign_in("Success"), *ALL_DAYS)
DERIVED_EVENTS = lake(SIGNED_IN, BY_ROOT, GRANTED).records()
derived("aws.cloudtrail.lake_events", DERIVED_EVENTS)
derived("aws.cloudtrail.lake_days", lake_days(SIGNED_IN))
derived("aws.athena.trail_days", SEVEN_A_DAY)

# --- sign-ins, root and all events ----------------------------------------------------------------------------------

example("EV-LOG-06-C1", "pass", place(), "Lake agrees", lists={"days": SAME, "lake": lake_days(SIGNED_IN)})
example("EV-LOG-06-C1", "pass", place(), "Athena agrees", lists={"days": FILES, "athena": SEVEN_A_DAY})
example("EV-LOG-06-C1", "fail", place(), "Lake has one more", lists={"days": FILES, "lake": lake_days(SIGNED_IN)})
example("EV-LOG-06-C1", "fail", place(), "Lake has one less", lists={"days": SAME, "lake": lake_days()})
example(
    "EV-LOG-06-C1", "fail", place(), "root in Lake only", lists={"days": SAME, "lake": lake_days(SIGNED_IN, BY_ROOT)}
)
example(
    "EV-LOG-06-C1",
    "fail",
    place(),
    "Athena counts less",
    lists={"days": FILES, "athena": SEVEN_A_DAY[1:] + athena()[:1]},
)
for why, store in {
    "a store made in the period": {"CreatedTimestamp": "2026-10-06T00:00:00Z"},
    "a store changed since": {"UpdatedTimestamp": "2026-10-20T00:00:00Z"},
    "a store that takes a part": {"AdvancedEventSelectors": [{"FieldSelectors": [*MANAGEMENT["FieldSelectors"], {
        "Field": "readOnly", "Equals": ["true"]}]}]},
    "a store that has forgotten": {"RetentionPeriod": 7},
    "a store that was stopped": {"Status": "STOPPED_INGESTION"},
}.items():  # fmt: skip
    example("EV-LOG-06-C1", "pass", place(), f"{why} decides nothing", lists={"days": SAME, "lake": lake_days(**store)})
elsewhere = lake_days(MultiRegionEnabled=False)
assert {record.region for record in elsewhere} == {REGION}
quiet = days(*ALL_DAYS) + days(sign_in("Success"), *ALL_DAYS, region="us-east-1")
example("EV-LOG-06-C1", "pass", place(), "a store of another region", lists={"days": quiet, "lake": elsewhere})

# --- changes of access ----------------------------------------------------------------------------------------------

example("EV-ACC-02-C1", "pass", place(), "Lake has none either", lists={"days": FILES, "lake": lake_days(SIGNED_IN)})
example("EV-ACC-02-C1", "fail", place(), "a grant in Lake only", lists={"days": FILES, "lake": lake_days(GRANTED)})
refused = GRANTED | {"errorCode": "AccessDenied"}
example("EV-ACC-02-C1", "pass", place(), "refused there too", lists={"days": FILES, "lake": lake_days(refused)})

# --- what the derivations say ---------------------------------------------------------------------------------------

assert [record.fields["CountedAs"] for record in DERIVED_EVENTS] == [["SignIns"], ["RootEvents"], ["AccessChanges"]]
assert len(lake_days()) == 31, "the last day ended six hours before"
soon = lake(read_at=datetime(2026, 11, 1, 1, tzinfo=UTC)).records("aws.cloudtrail.lake_days")
assert len(soon) == 30, "an hour after its end a day is not settled"
assert [record.fields["Events"] for record in SEVEN_A_DAY] == [{REGION: 7}] * 31
assert athena()[0].fields["Events"] == {}, "a day without a row had no event"
example("EV-LOG-06-C1", "lacks_field", place(), lists={
    "days": SAME, "lake": tuple(without(record, "SignIns") for record in lake_days(SIGNED_IN))})  # fmt: skip
