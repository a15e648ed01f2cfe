"""Every automatic check of the catalogue, exercised: what passes, fails, does not apply, and lacks a field."""

from __future__ import annotations

from typing import Any

import pytest
from answers import GIVEN
from botocore.loaders import Loader
from botocore.model import ServiceModel
from examples import AUTOMATIC, EXAMPLES, Example

from controls.checks import CompiledCheck
from controls.models import Check
from controls.rules import reads
from evidence_schema.models.names import FindingResult

EXPECTED = {
    "pass": FindingResult.PASS,
    "fail": FindingResult.FAIL,
    "not_applicable": FindingResult.NOT_APPLICABLE,
    "lacks_field": FindingResult.ERROR,
    "cannot_tell": FindingResult.ERROR,
}
EACH = [
    pytest.param(check, item, id=f"{check}-{number}-{item.case}")
    for check, items in EXAMPLES.items()
    for number, item in enumerate(items)
]


def test_every_automatic_check_has_examples_and_no_example_is_left_over() -> None:
    assert {id_ for id_, items in EXAMPLES.items() if items} == AUTOMATIC.keys()
    assert len(AUTOMATIC) >= 20


def can_lack_a_field(check: Check) -> bool:
    """Whether the check reads any name without `has()`: where it asks for each, it has an answer to a missing one."""
    found = reads(*check.rules.values(), lists=check.with_)
    return bool(found.record - found.guarded) or any(found.rows.values())


@pytest.mark.parametrize("check", AUTOMATIC.values(), ids=AUTOMATIC)
def test_every_check_is_seen_to_pass_fail_not_apply_and_miss_a_field(check: Check) -> None:
    cases = {item.case for item in EXAMPLES[check.id]}
    assert {"pass", "fail"} <= cases
    assert ("not_applicable" in cases) == (check.when is not None)
    assert ("lacks_field" in cases) == can_lack_a_field(check)
    assert any(item.excused for item in EXAMPLES[check.id]) == (check.unless is not None)


@pytest.mark.parametrize("check", AUTOMATIC.values(), ids=AUTOMATIC)
def test_every_kind_that_a_check_looks_at_has_a_passing_and_a_failing_record(check: Check) -> None:
    for case in ("pass", "fail"):
        seen = {item.record.kind.removeprefix("scope.") for item in EXAMPLES[check.id] if item.case == case}
        assert seen == set(check.over)


@pytest.mark.parametrize(("id_", "item"), EACH)
def test_a_check_says_of_its_example_what_it_must(id_: str, item: Example) -> None:
    check = AUTOMATIC[id_]
    found = CompiledCheck(check).judge(item.record, item.scope(check))
    assert found.result is EXPECTED[item.case], f"{item.why}: {found.reason}"
    if item.case == "cannot_tell":
        assert found.reason is not None
        assert found.reason.type == "rule"
        assert "Error" not in found.reason.text, "the rule itself says why"
    if item.case == "lacks_field" and item.record.fields:
        assert found.reason is not None
        assert found.reason.type in ("field", "rule")


def faults(shape: Any, value: Any, place: str) -> list[str]:
    """Where a value is not what botocore's output shape says."""
    if shape.type_name == "structure":
        unknown = [f"{place}.{name}" for name in value.keys() - shape.members.keys()]
        known = value.keys() & shape.members.keys()
        return unknown + [
            fault for name in known for fault in faults(shape.members[name], value[name], f"{place}.{name}")
        ]
    if shape.type_name == "list":
        return [fault for index, item in enumerate(value) for fault in faults(shape.member, item, f"{place}[{index}]")]
    if shape.type_name == "map":
        return [fault for name, item in value.items() for fault in faults(shape.value, item, f"{place}[{name}]")]
    texts = dict.fromkeys(("string", "timestamp", "float", "double"), str)  # a float is kept as text
    wanted = (texts | {"boolean": bool, "integer": int, "long": int})[shape.type_name]
    return [] if type(value) is wanted else [f"{place}: {value!r} is no {shape.type_name}"]


def test_the_examples_are_answers_that_aws_could_give() -> None:
    loader, models = Loader(), {}
    assert len(GIVEN) > 100
    for service, operation, body in GIVEN:
        if service not in models:
            models[service] = ServiceModel(loader.load_service_model(service, "service-2"), service)
        shape = models[service].operation_model(operation).output_shape
        assert faults(shape, body, f"{service}:{operation}") == []
