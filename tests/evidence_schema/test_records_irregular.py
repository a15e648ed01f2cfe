"""Records that are derived by code: credential report, log extract, backup occasions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.models.declaration import KindDeclaration
from evidence_schema.models.transcript import Call, CallError, Collector, Record, TranscriptHeader
from evidence_schema.models.unit import Period, Unit
from evidence_schema.records import derive, derive_view
from evidence_schema.records.schedule import UnreadableSchedule, occasions

pytestmark = pytest.mark.sealing

PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
ASKED = datetime(2026, 11, 1, 6, tzinfo=UTC)


def _declaration(kind: str, **fields: object) -> KindDeclaration:
    return KindDeclaration.model_validate(
        {"kind": kind, "service": "x", "scope": "region", "title": "t", "actions": ["x:Y"]} | fields
    )


def _view(kind: str, of: str, derive: str) -> KindDeclaration:
    return _declaration(kind, view_of=of, derive=derive, actions=[])


def _header(declaration: KindDeclaration, period: Period = PERIOD) -> TranscriptHeader:
    return TranscriptHeader(
        unit=Unit(kind=declaration.kind, account="111122223333", region="eu-west-1"),
        run_id="run-20261101T060000Z-0a1b2c3d", principal="p", period=period, declaration=declaration.to_json(),
        collector=Collector(name="c", version="1", declaration=Digest.of(b"")),
    )  # fmt: skip


def _call(
    operation: str, body: dict | None, *, step: str = "list", item: tuple[str, ...] = (), error: str = ""
) -> Call:
    failed = CallError(code=error, status=403, result="denied") if error else None
    return Call(
        seq=0,
        service="x",
        operation=operation,
        region="eu-west-1",
        parameters={},
        step=step,
        item=item,
        started=ASKED,
        finished=ASKED,
        body=body,
        error=failed,
    )


# --- credential report ----------------------------------------------------------------------------------------------

REPORT = _declaration("aws.iam.credential_report", module="credential_report", derive="credential_report")
KEYS = _view("aws.iam.credentials", "aws.iam.credential_report", "access_keys")
HEAD = ("user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,mfa_active,"
        "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,"
        "access_key_2_last_rotated,access_key_2_last_used_date")  # fmt: skip
ROWS = {
    "root": "<root_account>,arn:aws:iam::1:root,2020-01-01T00:00:00+00:00,not_supported,no_information,not_supported,"
            "true,false,N/A,N/A,false,N/A,N/A",
    "ann": "ann,arn:aws:iam::1:user/ann,2020-01-01T00:00:00+00:00,true,no_information,2021-05-05T10:00:00+02:00,false,"
           "true,2026-01-01T00:00:00+00:00,2026-02-01T00:00:00+00:00,true,2026-03-01T00:00:00+00:00,N/A",
    "bob": "bob,arn:aws:iam::1:user/bob,2020-01-01T00:00:00+00:00,false,N/A,N/A,false,false,N/A,N/A,false,N/A,N/A",
    "odd": "odd,arn:aws:iam::1:user/odd,N/A,true,N/A,N/A,false,false,N/A,N/A,false,N/A,N/A",
}  # fmt: skip


def _report(lines: list[bytes], view: KindDeclaration | None = None) -> list[Record]:
    calls = iter([_call("GetCredentialReport", {"GeneratedTime": "2026-11-01T05:00:00Z"}, step="report")])
    header = _header(REPORT)
    if view is None:
        return list(derive(header, calls, lambda _: lines))
    return list(derive_view(view, header, calls, lambda _: lines))


def _lines(*names: str) -> list[bytes]:
    return [f"{line}\n".encode() for line in (HEAD, *(ROWS[name] for name in names))]


def test_a_row_becomes_a_record_and_what_aws_does_not_know_is_absent() -> None:
    root, ann, bob = _report(_lines("root", "ann", "bob"))
    assert root.fields["is_root"] is True
    assert "password_enabled" not in root.fields
    assert "password_last_used" not in ann.fields
    assert ann.fields["password_last_changed"] == "2021-05-05T08:00:00Z"
    assert (ann.fields["password_enabled"], ann.fields["mfa_active"], ann.fields["is_root"]) == (True, False, False)
    assert (bob.fields["ReportGeneratedTime"], bob.fields["CallTime"]) == (
        "2026-11-01T05:00:00Z",
        "2026-11-01T06:00:00Z",
    )


def test_each_enabled_credential_is_a_record_with_its_last_use_or_creation() -> None:
    found = {record.id: record.fields for record in _report(_lines("root", "ann", "bob"), KEYS)}
    ages = {id_: (fields["LastUsedOrCreated"], fields["Created"], fields["NeverUsed"]) for id_, fields in found.items()}
    assert ages == {
        "ann/password": ("2021-05-05T08:00:00Z", "2021-05-05T08:00:00Z", True),
        "ann/access_key_1": ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", False),
        "ann/access_key_2": ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", True),
    }


def test_an_age_that_nobody_reports_is_unknown() -> None:
    (record,) = _report(_lines("odd"), KEYS)
    assert set(record.gaps) == {"LastUsedOrCreated"}


def test_a_row_that_cannot_be_read_is_a_record_of_gaps() -> None:
    lines = [*_lines("ann"), b"short,row\n", b'"never closed\n']
    assert [record.id for record in _report(lines)] == ["ann", "(unreadable row 3)", "(unreadable row 4)"]
    assert all("mfa_active" in record.gaps for record in _report(lines)[1:])
    assert "LastUsedOrCreated" in _report(lines, KEYS)[-1].gaps


@given(st.lists(st.binary(max_size=200), max_size=5), st.booleans())
def test_hostile_reports_never_crash(lines: list[bytes], with_head: bool) -> None:
    whole = [HEAD.encode(), *lines] if with_head else lines
    _report(whole)
    _report(whole, KEYS)


# --- log extract ----------------------------------------------------------------------------------------------------

LOGS = _declaration("aws.cloudtrail.log_files", module="log_files", derive="log_files")
VIEWS = ("log_days", "sign_in_days", "sign_ins", "root_events", "privileged_events")


def _extract(
    lines: list[bytes], derived: str, calls: list[Call] | None = None, period: Period = PERIOD
) -> list[Record]:
    view = _view(f"aws.cloudtrail.{derived}", "aws.cloudtrail.log_files", derived)
    return list(derive_view(view, _header(LOGS, period), iter(calls or []), lambda _: lines))


def _file(day: str, **fields: object) -> bytes:
    return canonical_bytes({"type": "file", "key": f"k-{day}", "day": day, "by_day": {day: 3}, "events": 3} | fields)


def test_every_day_of_the_period_is_a_record_also_without_a_file() -> None:
    days = _extract([_file("2026-10-01"), _file("2026-10-02"), _file("2026-10-02")], "log_days")
    assert len(days) == 31
    assert [(day.id, day.fields["Files"], day.fields["Events"]) for day in days[:3]] == [
        ("2026-10-01", 1, 3),
        ("2026-10-02", 2, 6),
        ("2026-10-03", 0, 0),
    ]


def _digest(hour: int, *, readable: bool = True) -> bytes:
    line: dict[str, object] = {"type": "digest", "key": f"2026/10/05/{hour}"}
    if not readable:
        return canonical_bytes(line | {"error": "AccessDenied", "result": "denied"})
    body = {
        "digestStartTime": f"2026-10-05T{hour - 1:02}:00:00Z", "digestEndTime": f"2026-10-05T{hour:02}:00:00Z",
        "previousDigestS3Object": f"2026/10/05/{hour - 1}",
    }  # fmt: skip
    return canonical_bytes(line | {"text": canonical_bytes(body).decode(), "signature": ""})


@pytest.mark.parametrize("unread", [3, 4])
def test_what_follows_on_a_digest_that_could_not_be_read_is_neither_the_first_nor_a_break(unread: int) -> None:
    lines = [_digest(hour, readable=hour != unread) for hour in (3, 4, 5, 6)]
    view = _view("aws.cloudtrail.chain", "aws.cloudtrail.digests", "digests")

    found = {record.id: record for record in derive_view(view, _header(LOGS), iter(()), lambda _: lines)}

    missing, after = found[f"2026/10/05/{unread}"], found[f"2026/10/05/{unread + 1}"]
    assert missing.gaps.keys() >= {"First", "Chained", "Start", "PreviousEnd"}
    assert after.fields["First"] is False
    assert after.gaps.keys() == {"Chained", "PreviousEnd"}
    assert after.gaps["PreviousEnd"].result == "denied"
    assert found["2026/10/05/6"].gaps == {}


def test_days_that_had_not_begun_are_not_expected() -> None:
    period = Period(start=ASKED - timedelta(days=1), end=ASKED + timedelta(days=9))
    days = _extract([], "log_days", [_call("ListObjectsV2", {}, item=("t", "2026-10-31"))], period)
    assert [day.id for day in days] == ["2026-10-31", "2026-11-01"]


def test_a_day_whose_listing_was_denied_is_unknown() -> None:
    calls = [_call("ListObjectsV2", None, item=("t", "2026-10-02"), error="AccessDenied")]
    days = {day.id: day.gaps for day in _extract([], "log_days", calls)}
    assert days["2026-10-02"]["Files"].result == "denied"
    assert not days["2026-10-01"]


_integers = st.integers(-(2**53) + 1, 2**53 - 1)
_lines_of_any_kind = st.lists(
    st.binary(max_size=100)
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["file", "event", "trail"])},
        optional={
            "reasons": st.lists(st.sampled_from(["root", "sign_in", "privileged"])) | _integers,
            "event": st.dictionaries(
                st.sampled_from(["eventName", "userIdentity", "eventTime", "responseElements", "eventID"]),
                st.text(max_size=5) | _integers | st.dictionaries(st.text(max_size=3), _integers), max_size=5),
            "day": st.text(max_size=12) | st.just("2026-10-01"), "by_day": _integers | st.just({"2026-10-01": "x"}),
            "key": _integers | st.text(max_size=9), "error": _integers | st.text(max_size=9),
        },
    ).map(canonical_bytes),
    max_size=5,
)  # fmt: skip


@given(_lines_of_any_kind)
def test_hostile_extracts_never_crash(lines: list[bytes]) -> None:
    for derived in VIEWS:
        _extract(lines, derived)
    list(derive(_header(LOGS), iter([]), lambda _: lines))


# --- schedules ------------------------------------------------------------------------------------------------------


def _found(expression: str, start: str, end: str, zone: str = "UTC", anchor: str = "") -> list[str]:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    return [
        item.strftime("%Y-%m-%d %H:%M")
        for item in occasions(expression, zone, moment(start), moment(end), moment(anchor) if anchor else None)
    ]


@pytest.mark.parametrize(
    ("expression", "start", "end", "expected"),
    [
        ("cron(0 5 ? * * *)", "2026-10-01", "2026-10-03", ["2026-10-01 05:00", "2026-10-02 05:00"]),
        ("cron(0 5 * * ? *)", "2026-10-01T05:00", "2026-10-02T05:00", ["2026-10-01 05:00"]),
        (
            "cron(15/30 1,13 1 * ? 2026)",
            "2026-10-01",
            "2026-11-01",
            ["2026-10-01 01:15", "2026-10-01 01:45", "2026-10-01 13:15", "2026-10-01 13:45"],
        ),
        (
            "cron(0 0 ? * MON-WED *)",
            "2026-10-05",
            "2026-10-12",
            ["2026-10-05 00:00", "2026-10-06 00:00", "2026-10-07 00:00"],
        ),
        ("cron(0 0 ? * SAT-SUN *)", "2026-10-05", "2026-10-12", ["2026-10-10 00:00", "2026-10-11 00:00"]),
        ("cron(0 0 L * ? *)", "2026-02-01", "2026-04-01", ["2026-02-28 00:00", "2026-03-31 00:00"]),
        ("cron(0 0 LW * ? *)", "2026-10-01", "2026-11-01", ["2026-10-30 00:00"]),
        ("cron(0 0 1W * ? *)", "2026-08-01", "2026-08-31", ["2026-08-03 00:00"]),
        ("cron(0 0 31W * ? *)", "2026-10-01", "2026-11-01", ["2026-10-30 00:00"]),
        ("cron(0 0 ? * 6L *)", "2026-10-01", "2026-11-01", ["2026-10-30 00:00"]),
        ("cron(0 0 ? * 2#1 *)", "2026-10-01", "2026-11-01", ["2026-10-05 00:00"]),
        (
            "cron(0 0 1 JAN,OCT ? 2026-2027)",
            "2026-01-01",
            "2027-02-01",
            ["2026-01-01 00:00", "2026-10-01 00:00", "2027-01-01 00:00"],
        ),
    ],
)
def test_cron_expressions_mean_these_moments(expression: str, start: str, end: str, expected: list[str]) -> None:
    assert _found(expression, start, end) == expected


def test_schedules_follow_their_time_zone_through_the_change_of_clocks() -> None:
    assert _found("cron(30 2 ? * * *)", "2026-10-24", "2026-10-27", "Europe/Berlin") == [
        "2026-10-24 00:30",
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


def test_rates_count_from_their_anchor() -> None:
    assert _found("rate(12 hours)", "2026-10-01", "2026-10-02", anchor="2026-09-01T03:00") == [
        "2026-10-01 03:00",
        "2026-10-01 15:00",
    ]
    assert _found("rate(1 day)", "2026-10-01", "2026-10-03", anchor="2026-10-02T07:00") == ["2026-10-02 07:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "cron()",
        "cron(0 5 * * * *)",
        "cron(0 5 ? * ? *)",
        "cron(61 5 ? * * *)",
        "cron(0 5 ? * FOO *)",
        "at(2026)",
        "rate(0 days)",
        "rate(1 fortnight)",
        "cron(0 5 ? * * 1500)",
        "cron(* * ? * * *)",
        "cron(0/0 5 ? * * *)",
        "\x00",
    ],
)
def test_a_schedule_that_cannot_be_read_is_an_error_not_silence(expression: str) -> None:
    with pytest.raises(UnreadableSchedule):
        _found(expression, "2026-01-01", "2026-12-31", anchor="2026-01-01")


def test_an_unknown_time_zone_is_an_error() -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", "x" * 500):
        with pytest.raises(UnreadableSchedule):
            _found("cron(0 5 ? * * *)", "2026-10-01", "2026-10-02", zone)


@given(st.text(alphabet="0123456789*,-/?LW#() MONTUEcronrate", max_size=40), st.text(max_size=20))
def test_any_expression_is_read_or_refused(text: str, zone: str) -> None:
    for expression in (text, f"cron({text})", f"rate({text})"):
        try:
            moments = _found(expression, "2026-10-01", "2026-10-08", zone, "2026-09-01")
        except UnreadableSchedule:
            continue
        assert moments == sorted(moments)


# --- backup occasions -----------------------------------------------------------------------------------------------

PLANS = _declaration(
    "aws.backup.plans",
    list={"operation": "ListBackupPlans", "items": "BackupPlansList", "id": "BackupPlanId"},
    each={
        "plan": {"operation": "GetBackupPlan", "take": "BackupPlan"},
        "selections": {
            "list": {"operation": "ListBackupSelections", "items": "BackupSelectionsList", "id": "SelectionId"},
            "each": {"selection": {"operation": "GetBackupSelection", "take": "BackupSelection"}},
        },
    },
)
OCCASIONS = _view("aws.backup.occasions", "aws.backup.plans", "backup_occasions")
RULE = {"RuleName": "daily", "RuleId": "r1", "TargetBackupVaultName": "v", "ScheduleExpression": "cron(0 5 ? * * *)",
        "StartWindowMinutes": 60, "Lifecycle": {"DeleteAfterDays": 35}}  # fmt: skip


def _occasions(
    rule: dict, *, selection: str = "", created: str = "2026-10-20T00:00:00Z", plan: str = ""
) -> list[Record]:
    def calls() -> Iterator[Call]:
        yield _call("ListBackupPlans", {"BackupPlansList": [
            {"BackupPlanId": "p1", "BackupPlanName": "main", "CreationDate": created}]})  # fmt: skip
        yield _call(
            "GetBackupPlan", None if plan else {"BackupPlan": {"Rules": [rule]}}, step="plan", item=("p1",), error=plan
        )
        yield _call(
            "ListBackupSelections",
            {"BackupSelectionsList": [{"SelectionId": "s"}]},
            step="selections.list",
            item=("p1",),
        )
        body = {
            "BackupSelection": {
                "Resources": ["arn:b", "arn:a", "arn:aws:ec2:*:*:volume/*"],
                "ListOfTags": [{"ConditionKey": "backup"}],
            }
        }
        yield _call(
            "GetBackupSelection",
            None if selection else body,
            step="selections.selection",
            item=("p1", "s"),
            error=selection,
        )

    return list(derive_view(OCCASIONS, _header(PLANS), calls(), lambda _: []))


def test_occasions_begin_when_the_plan_did_and_end_when_it_was_read() -> None:
    found = _occasions(RULE)
    assert len(found) == 12
    first = found[0].fields
    assert (first["ScheduledAt"], first["WindowEnd"]) == ("2026-10-20T05:00:00Z", "2026-10-20T06:00:00Z")
    assert (first["Plan"], first["PlanId"], first["Rule"], first["RuleId"], first["Vault"]) == (
        "main",
        "p1",
        "daily",
        "r1",
        "v",
    )
    assert (first["Resources"], first["Patterns"], first["ByTag"]) == (
        ["arn:a", "arn:b"],
        ["arn:aws:ec2:*:*:volume/*"],
        True,
    )
    assert (first["IntervalHours"], first["RetentionDays"], first["Due"], first["InJobHistory"]) == (24, 35, True, True)
    assert found[0].id == "main/daily/2026-10-20T05:00:00Z"


def test_an_interval_is_the_longest_gap_of_a_year() -> None:
    weekdays = _occasions(RULE | {"ScheduleExpression": "cron(0 5 ? * MON-FRI *)"})
    assert weekdays[0].fields["IntervalHours"] == 72
    without_end = {key: value for key, value in RULE.items() if key != "Lifecycle"}
    assert _occasions(without_end)[0].fields["RetentionDays"] == 36_500


def test_occasions_older_than_the_job_history_say_so() -> None:
    found = _occasions(RULE, created="2026-01-01T00:00:00Z")
    assert [record.fields["InJobHistory"] for record in found] == [False, False, *[True] * 29]


def test_a_schedule_that_cannot_be_read_is_a_gap() -> None:
    (record,) = _occasions(RULE | {"ScheduleExpression": "every full moon"})
    assert {"ScheduledAt", "WindowEnd", "Due", "IntervalHours"} <= set(record.gaps)


def test_what_was_denied_of_a_plan_poisons_its_occasions() -> None:
    assert {"Resources", "ByTag"} <= set(_occasions(RULE, selection="AccessDenied")[0].gaps)
    (record,) = _occasions(RULE, plan="AccessDenied")
    assert record.gaps["ScheduledAt"].result == "denied"


_any = st.none() | st.text(max_size=9) | _integers | st.lists(_integers, max_size=2) | st.just({})


@given(st.dictionaries(st.sampled_from([*RULE, "ScheduleExpressionTimezone"]), _any.filter(lambda v: v is not None)))
def test_hostile_rules_never_crash(fields: dict) -> None:
    _occasions(RULE | fields)
