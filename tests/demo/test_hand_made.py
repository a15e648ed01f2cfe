"""Every answer made by hand is one that AWS could give: it fits botocore's output shape, and asks by known names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flows.demo.encoding import encode_answer
from flows.demo.hand_made import Entry, answer_files, filled_in
from flows.demo.operations import service_model

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
ENTRIES = [
    pytest.param(file.service, operation, entry, id=f"{file.service}-{operation}-{number}")
    for file in answer_files()
    for operation, entries in file.answers.items()
    for number, entry in enumerate(entries)
]


@pytest.mark.parametrize(("service", "operation", "entry"), ENTRIES)
def test_an_answer_made_by_hand_fits_the_shape_of_botocore(service: str, operation: str, entry: Entry) -> None:
    model = service_model(service)
    shape = model.operation_model(operation)
    assert (entry.answer is None) != (entry.error is None)
    if entry.answer is not None:
        answer = filled_in(entry.answer, "111122223333", "eu-central-1", NOW)
        assert encode_answer(shape, model.resolved_protocol, answer).status == 200
    assert entry.asked.keys() <= set(shape.input_shape.members if shape.input_shape else ())


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("3 days ago", "2026-10-29T06:00:00Z"),
        ("in 2 hours", "2026-11-01T08:00:00Z"),
        ("arn:aws:sns:{region}:{account}:x", "arn:aws:sns:eu-central-1:111122223333:x"),
        ([{"a": "1 days ago"}], [{"a": "2026-10-31T06:00:00Z"}]),
        (7, 7),
    ],
)
def test_times_and_places_are_those_of_the_account(told: Any, found: Any) -> None:
    assert filled_in(told, "111122223333", "eu-central-1", NOW) == found
