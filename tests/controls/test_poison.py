"""Unknown is poison: whatever a rule reads, where it is not known the check never says pass (DESIGN section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from examples import AUTOMATIC, EXAMPLES, Example

from controls.checks import Companion, CompiledCheck, Scope
from controls.models import Check
from controls.rules import Reads, reads
from evidence_schema.models.finding import Finding, Reason
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Gap, Record

GAP = Gap(operation="s3:GetSomething", code="AccessDenied", result="denied")
NOT_GATHERED = Reason(type="unit", name="aws.s3.buckets", text="aws.s3.buckets 1 eu-west-1: denied: AccessDenied")


def checks_with(what: Callable[[Check], Any]) -> pytest.MarkDecorator:
    """Parametrize by the automatic checks of which something is true; there is at least one."""
    found = {id_: check for id_, check in AUTOMATIC.items() if what(check)}
    assert found
    return pytest.mark.parametrize("check", found.values(), ids=found)


each_check = checks_with(lambda check: True)


def examples_of(check: Check, case: str) -> Iterator[Example]:
    return (item for item in EXAMPLES[check.id] if item.case == case)


def read_for(check: Check, item: Example) -> Reads:
    """What is read to say pass of a record: `unless` only where the rest does not hold."""
    parts = [source for name, source in check.rules.items() if name != "unless" or item.excused]
    return reads(*parts, lists=check.with_)


def poisoned(record: Record, name: str) -> Record:
    """The call that would have filled the name did not answer."""
    fields = {key: value for key, value in record.fields.items() if key != name}
    return record.model_copy(update={"fields": fields, "gaps": {**record.gaps, name: GAP}})


@cache
def compiled(id_: str) -> CompiledCheck:
    """Compiled once: the longest rules take a tenth of a second."""
    return CompiledCheck(AUTOMATIC[id_])


def judge(check: Check, record: Record, scope: Scope) -> Finding:
    return compiled(check.id).judge(record, scope)


def assert_unknown(finding: Finding, type_: str) -> None:
    assert finding.result is FindingResult.ERROR
    assert finding.reason is not None
    assert finding.reason.type == type_


@each_check
def test_a_poisoned_name_is_never_a_pass(check: Check) -> None:
    tried = set()
    for item in examples_of(check, "pass"):
        for name in read_for(check, item).record:
            found = judge(check, poisoned(item.record, name), item.scope(check))
            assert_unknown(found, "call")
            assert name in found.reason.text  # type: ignore[union-attr]
            assert GAP.operation in found.reason.text  # type: ignore[union-attr]
            tried.add(name)
    assert tried == reads(*check.rules.values(), lists=check.with_).record, "every name was poisoned"


@each_check
def test_a_name_that_is_poisoned_and_yet_filled_is_never_a_pass(check: Check) -> None:
    """A page of a list may have come, and the next one not."""
    for item in examples_of(check, "pass"):
        for name in read_for(check, item).record:
            half = item.record.model_copy(update={"gaps": {name: GAP}})
            assert_unknown(judge(check, half, item.scope(check)), "call")


@each_check
def test_poison_turns_no_other_result_into_a_pass(check: Check) -> None:
    names = reads(*check.rules.values(), lists=check.with_).record
    for case in ("fail", "not_applicable", "lacks_field", "cannot_tell"):
        for item in examples_of(check, case):
            for name in names:
                found = judge(check, poisoned(item.record, name), item.scope(check))
                assert found.result is not FindingResult.PASS
                assert case != "fail" or found.result in (FindingResult.ERROR, FindingResult.FAIL)


@checks_with(lambda check: check.with_)
def test_a_list_that_was_not_gathered_is_never_a_pass(check: Check) -> None:
    for item in examples_of(check, "pass"):
        scope = item.scope(check)
        for name in check.with_:
            unknown = replace(scope, companions={**scope.companions, name: Companion(gap=NOT_GATHERED)}, variables={})
            found = judge(check, item.record, unknown)
            assert_unknown(found, "unit")
            assert f"{name} (records)" not in found.values, "nothing was counted"


@checks_with(lambda check: check.with_)
def test_a_poisoned_name_of_one_row_of_a_list_is_never_a_pass(check: Check) -> None:
    tried = set()
    for item in examples_of(check, "pass"):
        scope = item.scope(check)
        for list_, names in read_for(check, item).rows.items():
            rows = scope.companions[list_].records
            for name in names - {"account", "region", "id"} if rows else ():
                lists = {**scope.companions, list_: Companion((*rows[:-1], poisoned(rows[-1], name)))}
                assert_unknown(judge(check, item.record, replace(scope, companions=lists, variables={})), "call")
                tried.add((list_, name))
    wanted = reads(*check.rules.values(), lists=check.with_).rows
    assert tried == {(list_, name) for list_, names in wanted.items() for name in names - {"account", "region", "id"}}


@checks_with(lambda check: check.needs)
def test_a_fact_that_was_not_supplied_is_never_a_pass_unless_the_records_decide(check: Check) -> None:
    for item in examples_of(check, "pass"):
        for fact in check.needs:
            scope = replace(item.scope(check), facts={name: v for name, v in item.facts.items() if name != fact})
            found = judge(check, item.record, scope)
            if fact in read_for(check, item).facts:
                assert_unknown(found, "fact")
                assert found.reason.text == f"list {fact} not supplied"  # type: ignore[union-attr]
            else:
                assert found.result is FindingResult.PASS


@checks_with(lambda check: check.fails_when is not None)
def test_what_the_records_decide_against_does_not_wait_for_a_fact(check: Check) -> None:
    undecided = [
        item
        for item in examples_of(check, "fail")
        if judge(check, item.record, replace(item.scope(check), facts={})).result is FindingResult.FAIL
    ]
    assert undecided


@checks_with(lambda check: check.with_ and check.needs)
def test_a_list_that_was_not_gathered_counts_for_more_than_a_fact_that_is_missing(check: Check) -> None:
    item = next(examples_of(check, "pass"))
    lists = dict.fromkeys(check.with_, Companion(gap=NOT_GATHERED))
    assert_unknown(judge(check, item.record, replace(item.scope(check), facts={}, companions=lists)), "unit")
