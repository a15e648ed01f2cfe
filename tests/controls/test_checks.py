"""One check over one record: the order of its parts, what counts as unknown, and the values that are shown."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.checks import ENGINE, LARGEST_VALUE, Companion, CompiledCheck, Scope
from controls.errors import RuleError
from controls.models import Check
from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.models.finding import Finding, Reason
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Gap, Record

AT = datetime(2026, 11, 1, 6, tzinfo=UTC)
PASS, FAIL, ERROR, NOT_APPLICABLE = (
    FindingResult.PASS, FindingResult.FAIL, FindingResult.ERROR, FindingResult.NOT_APPLICABLE,
)  # fmt: skip


def check_of(rule: str = "record.ok", **fields: Any) -> Check:
    made = {"id": "EV-ENC-01-C1", "text": "t", "mode": "auto", "over": "aws.s3.buckets", "assert": rule}
    return Check.model_validate(made | fields)


def bucket(id_: str = "b", gaps: dict[str, Gap] | None = None, **fields: Any) -> Record:
    return Record(kind="aws.s3.buckets", account="1", region="eu-west-1", id=id_, fields=fields, gaps=gaps or {})


def scope_of(facts: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **lists: Companion) -> Scope:
    return Scope(at=AT, period={"start": AT, "end": AT}, params=params or {}, facts=facts or {}, companions=lists)


def judge(check: Check, record: Record, scope: Scope | None = None) -> Finding:
    return CompiledCheck(check).judge(record, scope or scope_of())


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({"ok": True}, PASS),
        ({"ok": False}, FAIL),
        ({"ok": True, "in_scope": False}, NOT_APPLICABLE),
        ({"ok": True, "broken": True}, FAIL),
        ({"ok": False, "excused": True}, PASS),
        ({"ok": False, "excused": True, "broken": True}, FAIL),
        ({"ok": False, "broken": True, "in_scope": False}, NOT_APPLICABLE),
    ],
)
def test_the_parts_of_a_check_decide_in_their_order(fields: dict[str, bool], result: FindingResult) -> None:
    check = check_of(when="record.in_scope", fails_when="record.broken", unless="record.excused")
    record = bucket(**{"in_scope": True, "broken": False, "excused": False} | fields)
    assert judge(check, record).result is result


def test_a_finding_names_its_record_and_what_decided() -> None:
    found = judge(check_of("record.ok && record.size < 3"), bucket("logs", ok=True, size=1, other="x"))
    assert found == Finding(
        check="EV-ENC-01-C1", requirement="EV-ENC-01", kind="aws.s3.buckets", account="1", region="eu-west-1",
        record="logs", result=PASS, values={"ok": True, "size": 1},
    )  # fmt: skip


def test_a_large_value_is_shown_by_its_digest() -> None:
    large = ["x" * LARGEST_VALUE]
    found = judge(check_of("record.ok.size() > 0"), bucket(ok=large))
    data = canonical_bytes(large)
    assert found.values == {"ok": {"digest": str(Digest.of(data)), "bytes": len(data)}}


def test_lists_are_shown_by_their_length() -> None:
    check = check_of("jobs.exists(job, job.ok)", **{"with": {"jobs": "aws.backup.jobs"}})
    found = judge(check, bucket(), scope_of(jobs=Companion((bucket(ok=False), bucket(ok=True)))))
    assert (found.result, found.values) == (PASS, {"jobs (records)": 2})


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("record.ok.deep", {"ok": {}}),
        ("record.ok[3] == 1", {"ok": [1]}),
        ("record.ok[-1] == 1", {"ok": []}),
        ("1 / record.ok == 1", {"ok": 0}),
        ("1 % record.ok == 1", {"ok": 0}),
        ("record.ok + record.ok > 0", {"ok": 2**62}),
        ("record.ok > 1", {"ok": "text"}),
        ("record.ok > 1", {"ok": None}),
        ("timestamp(record.ok) < at", {"ok": "yesterday"}),
        ("timestamp(record.ok) + duration('9000000h') < at", {"ok": "9999-12-31T23:59:59Z"}),
        ("'x'.matches(record.ok)", {"ok": "("}),
        ("has(record.ok.deep.deeper)", {"ok": {}}),
        ("has(record.ok.deep)", {"ok": "text"}),
        ("record.ok", {"ok": 1}),
        ("record.ok", {"ok": []}),
        ("record.ok", {"ok": None}),
        ("unknown(record.ok)", {"ok": 1}),
        ("record.ok.unknown()", {"ok": 1}),
        ("record.ok in 3", {"ok": 1}),
        ("int(record.ok) == 1", {"ok": "x"}),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_an_error_and_never_a_crash(rule: str, fields: dict[str, Any]) -> None:
    found = judge(check_of(rule), bucket(**fields))
    assert found.result is ERROR
    assert found.reason is not None
    assert (found.reason.type, found.reason.name) == ("rule", "assert")
    assert "assert" in found.reason.text


def test_a_rule_that_cannot_tell_says_why_in_its_own_words() -> None:
    found = judge(check_of("record.ok ? true : 'the source keeps thirty days only'"), bucket(ok=False))
    assert found.result is ERROR
    assert found.reason == Reason(type="rule", name="assert", text="the source keeps thirty days only")


def test_a_field_that_was_left_out_is_unknown_unless_the_rule_asks_for_it() -> None:
    found = judge(check_of("record.ok"), bucket())
    assert found.reason is not None
    assert (found.result, found.reason.type, found.reason.name) == (ERROR, "field", "ok")
    assert judge(check_of("has(record.ok) && record.ok"), bucket()).result is FAIL
    assert judge(check_of("!has(record.ok)"), bucket()).result is PASS
    assert judge(check_of("!has(record.ok.deep)"), bucket()).result is ERROR, "ok itself is not asked for"


@pytest.mark.parametrize(
    "rule", ["has(record.ok)", "!has(record.ok)", "true || record.ok", "record.other || record.ok"]
)
def test_no_operator_makes_a_denied_answer_look_like_one(rule: str) -> None:
    gap = Gap(operation="s3:GetBucketEncryption", code="AccessDenied", result="denied")
    found = judge(check_of(rule), bucket(gaps={"ok": gap}, other=True))
    assert found.result is ERROR
    assert found.reason == Reason(
        type="call", name="ok", text="ok is not known: s3:GetBucketEncryption was denied (AccessDenied)"
    )


def test_what_does_not_decide_is_not_asked() -> None:
    """`unless` is only looked at where the rest does not hold."""
    check = check_of(unless="id in facts.tickets", needs=["tickets"])
    assert judge(check, bucket(ok=True)).result is PASS
    missing = judge(check, bucket(ok=False))
    assert missing.reason == Reason(type="fact", name="tickets", text="list tickets not supplied")
    assert judge(check, bucket(ok=False), scope_of(facts={"tickets": ["b"]})).result is PASS
    assert judge(check, bucket(ok=False), scope_of(facts={"tickets": []})).result is FAIL


def test_rules_have_no_clock_but_the_runs() -> None:
    check = check_of("at - timestamp(record.ok) <= duration('24h')")
    for age, result in ((timedelta(hours=24), PASS), (timedelta(hours=24, seconds=1), FAIL)):
        assert judge(check, bucket(ok=(AT - age).strftime("%Y-%m-%dT%H:%M:%SZ"))).result is result


def test_a_rule_reads_where_its_record_stands() -> None:
    check = check_of("account == '1' && region == 'eu-west-1' && id == 'b' && period.start <= at")
    assert judge(check, bucket()).result is PASS


def test_a_scope_serves_many_records_without_mixing_them() -> None:
    check = check_of("jobs.exists(job, job.owner == id) && record.ok", **{"with": {"jobs": "aws.backup.jobs"}})
    scope, compiled = scope_of(jobs=Companion((bucket(owner="b1"), bucket(owner="b3")))), CompiledCheck(check)
    found = [compiled.judge(bucket(f"b{number}", ok=number != 3), scope).result for number in range(4)]
    assert found == [FAIL, PASS, FAIL, FAIL]


def test_a_lists_rows_know_where_they_stand() -> None:
    check = check_of("rows.all(row, row.region == region && row.id == 'x')", **{"with": {"rows": "aws.backup.jobs"}})
    assert judge(check, bucket(), scope_of(rows=Companion((bucket("x"),)))).result is PASS


@pytest.mark.parametrize(
    ("rule", "more", "text"),
    [
        ("record.ok ==", {}, "expected a CEL expression"),
        ("record['ok']", {}, r"write record\.<name>"),
        ("record.ok < params.days", {}, r"params\.days is read but not declared"),
        ("record.ok in facts.list", {}, r"facts\.list is read but not declared"),
        ("jobs['x']", {"with": {"jobs": "aws.backup.jobs"}}, r"jobs\.size\(\)"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_when_it_is_loaded(rule: str, more: dict[str, Any], text: str) -> None:
    with pytest.raises(RuleError, match=text):
        CompiledCheck(check_of(rule, **more))


def test_undeclared_variables_are_named() -> None:
    rule = "jobs.exists(job, job.ok) && zones.size() > 0 && now > at && records.ok"
    with pytest.raises(RuleError, match="found jobs, now, records, zones; use record") as caught:
        CompiledCheck(check_of(rule))
    assert caught.value.part == "assert"


JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
RULES = [
    "record.a", "record.a == record.b", "record.a > 1", "record.a.exists(x, x == record.b)", "record.a.b.c",
    "timestamp(record.a) < at", "record.a.size() > 0", "record.a in record.b", "record.a + record.b == record.a",
    "record.a[0] == record.b", "has(record.a) || record.b", "record.a.contains(record.b)",
    "duration(record.a) > at - at",
]  # fmt: skip


@settings(max_examples=150)
@given(st.sampled_from(RULES), st.dictionaries(st.sampled_from(["a", "b"]), JSON))
def test_no_value_from_outside_crashes_a_rule(rule: str, fields: dict[str, Any]) -> None:
    found = judge(check_of(rule), bucket(**fields))
    assert found.canonical()
    assert (found.result is ERROR) == (found.reason is not None)


def test_the_engine_is_named_with_its_version() -> None:
    assert ENGINE.startswith("common-expression-language 0.10")


def test_the_engine_comes_without_its_command_line() -> None:
    """Its three hundred modules of prompts and colours would be in every command of ours."""
    look = "import controls.checks, sys; sys.exit('cel.cli' in sys.modules or 'prompt_toolkit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
