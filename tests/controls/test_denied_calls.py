"""Each call behind each example denied in turn: a record that is derived without it is never judged the better.

The transcripts are those of the examples, so that every derivation that a rule reads is tried, the irregular ones too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from answers import ORIGINS, Origin, declaration_of, denied
from examples import AUTOMATIC, EXAMPLES, Example

from controls.checks import CompiledCheck
from controls.models import Check
from evidence_schema.models.finding import Finding
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Call, Record
from evidence_schema.records import declared, evidence_store

NAMES_OF_ANSWERS = "answers"
"""A derivation that tells which fields were answered: what was not answered took nothing along, which is known."""


def derived_examples(check: Check) -> Iterator[tuple[Example, Origin]]:
    """Those whose record stands as it was derived; what lies in files is not an answer that can be taken away here."""
    for item in EXAMPLES[check.id]:
        record, origin = ORIGINS.get(id(item.record), (None, None))
        if origin is not None and record is item.record and not origin.told.files:
            yield item, origin


def with_one_denied(calls: tuple[Call, ...]) -> Iterator[tuple[Call, ...]]:
    for index, call in enumerate(calls):
        if call.succeeded:
            refused = call.model_copy(update={"body": None, "absent": False, "error": denied()})
            yield (*calls[:index], refused, *calls[index + 1 :])


def same_record(found: tuple[Record, ...], record: Record) -> Record | None:
    return next((other for other in found if other.id == record.id), None)


@pytest.mark.parametrize("check", AUTOMATIC.values(), ids=AUTOMATIC)
def test_a_denied_call_makes_no_record_look_better(check: Check) -> None:
    """The same result, for the same values, or an error; a record may also be gone: then its unit says so."""
    rule = CompiledCheck(check)
    for item, origin in derived_examples(check):
        scope = item.scope(check)
        before = rule.judge(item.record, scope)
        for calls in with_one_denied(origin.calls):
            left = same_record(origin.records(calls), item.record)
            if left is not None:
                assert_no_better(before, rule.judge(left, scope), item)


def assert_no_better(before: Finding, after: Finding, item: Example) -> None:
    if after.result is FindingResult.ERROR:
        return
    assert after.result is before.result, f"{item.why or item.case}: {before.result} became {after.result}"
    if after.result is FindingResult.PASS and declaration_of(after.kind).derive != NAMES_OF_ANSWERS:
        assert after.values == before.values, f"{item.why or item.case}: what was denied was read"


def test_most_examples_stand_as_they_were_derived() -> None:
    tried = sum(1 for check in AUTOMATIC.values() for _ in derived_examples(check))
    assert tried > 1000


def an_error_is_an_absence(draft: Any, name: str, call: Call, take: str | None, put: Any = declared._put) -> None:
    put(draft, name, call.model_copy(update={"absent": call.absent or call.error is not None}), take)


MISTAKES = {
    "an answer that was denied is absent": (declared, "_put", an_error_is_an_absence),
    "a listing that was denied counts": (evidence_store, "_COUNTED", ()),
}
"""What somebody could do wrong in a derivation: what is patched, and by what."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_derivation_would_be_caught(mistake: str) -> None:
    with mock.patch.object(*MISTAKES[mistake]), pytest.raises(AssertionError):
        everything_tried()


def everything_tried() -> None:
    for check in AUTOMATIC.values():
        test_a_denied_call_makes_no_record_look_better(check)
