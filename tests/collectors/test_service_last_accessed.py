"""The reports of roles' last use: started for all roles first, waited for, read page by page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flows.collectors.aws.calls import Ask
from flows.collectors.aws.modules import service_last_accessed as module

ROLES = [
    SimpleNamespace(fields={"Arn": "arn:1", "Path": "/"}),
    SimpleNamespace(fields={"Arn": "arn:aws", "Path": "/aws-service-role/ecs.amazonaws.com/"}),
    SimpleNamespace(fields={"Arn": "arn:2", "Path": "/"}),
]
DONE = {"JobStatus": "COMPLETED", "IsTruncated": False}


class Caller:
    """Answers from a list for each report; nothing at its end."""

    def __init__(self, answers: dict[str, list[dict[str, Any]]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, int]] = []
        self.failures: list[str] = []
        self.slept = 0.0

    def ask(self, ask: Ask) -> Any:
        (arn,) = ask.item
        self.asked.append((ask.operation[:3], arn, ask.page))
        if ask.operation.startswith("Generate"):
            return SimpleNamespace(plain={"JobId": f"job {arn}"} if arn in self.answers else {}, has_body=True)
        assert ask.parameters["JobId"] == f"job {arn}"
        body = self.answers[arn].pop(0) if self.answers[arn] else {}
        return SimpleNamespace(plain=body, has_body=bool(body))

    def note_failure(self, ask: Ask, code: str, message: str) -> None:
        self.failures.append(f"{ask.item[0]} {code}: {message}")

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def gathered(answers: dict[str, list[dict[str, Any]]]) -> tuple[Caller, Any]:
    caller, tally = Caller(answers), SimpleNamespace(returned=0, kept=0)
    source = SimpleNamespace(items=lambda: iter(ROLES))
    module.gather(SimpleNamespace(caller=caller, tally=tally, source=source))  # type: ignore[arg-type]
    return caller, tally


def test_all_reports_are_started_before_the_first_is_read() -> None:
    more = {"JobStatus": "COMPLETED", "IsTruncated": True, "Marker": "m"}
    caller, tally = gathered({"arn:1": [{"JobStatus": "IN_PROGRESS"}, more, DONE], "arn:2": [DONE]})
    assert caller.asked == [
        ("Gen", "arn:1", 1), ("Gen", "arn:2", 1),
        ("Get", "arn:1", 1), ("Get", "arn:1", 1), ("Get", "arn:1", 2), ("Get", "arn:2", 1),
    ]  # fmt: skip
    assert (tally.returned, tally.kept, caller.slept, caller.failures) == (2, 2, module.SECONDS, [])


def test_a_report_that_was_not_started_is_returned_and_not_kept() -> None:
    caller, tally = gathered({"arn:2": []})
    assert (tally.returned, tally.kept) == (2, 1)
    assert caller.asked[-1] == ("Get", "arn:2", 1)


@pytest.mark.parametrize(
    ("states", "failure"), [(["FAILED"], "StartedAndFailed"), (["IN_PROGRESS"] * module.POLLS, "PollTimeout")]
)
def test_a_report_that_never_comes_is_a_failure(states: list[str], failure: str) -> None:
    caller, _ = gathered({"arn:1": [{"JobStatus": state} for state in states], "arn:2": [DONE]})
    assert [text.split(":")[1] for text in caller.failures] == [f"1 {failure}"]
