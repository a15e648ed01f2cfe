"""Answers made by hand, as YAML beside this module: what moto does not answer, or not as AWS does.

    service: guardduty
    answers:
      GetDetector:
      - {asked: {DetectorId: d-1}, region: eu-central-1, answer: {Status: ENABLED, CreatedAt: 90 days ago}}
      - {error: BadRequestException}

The first entry whose `asked` parameters are all in the question, and whose `region` is the call's, answers; where none
is, the service knows no such thing. `{account}` and `{region}` in texts are those of the call; `3 days ago` and
`in 5 hours` are times. Every answer is checked against botocore's output shape by test, and when it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import Field

from controls.documents import load_yaml, validated
from evidence_schema.models.base import Frozen
from flows.demo.own_answers import Handlers, Question, RefusalError

FOLDER = Path(__file__).parent / "answers"
_AGO = re.compile(r"^(\d+) (days|hours|minutes) ago$")
_AHEAD = re.compile(r"^in (\d+) (days|hours|minutes)$")


class Entry(Frozen):
    """One answer, or the code of an error, and the question that it is for."""

    asked: dict[str, Any] = Field(default_factory=dict)
    region: str | None = None
    answer: dict[str, Any] | None = None
    error: str | None = None


class AnswersFile(Frozen):
    """The answers of one service."""

    service: str
    answers: dict[str, tuple[Entry, ...]]


@cache
def answer_files() -> tuple[AnswersFile, ...]:
    """Every file of the folder."""
    return tuple(validated(AnswersFile, load_yaml(path)) for path in sorted(FOLDER.glob("*.yaml")))


def hand_made_handlers() -> Handlers:
    """A handler for each operation that the files answer."""
    return {
        f"{file.service}:{operation}": partial(_reply, entries)
        for file in answer_files()
        for operation, entries in file.answers.items()
    }


def filled_in(value: Any, account: str, region: str, now: datetime) -> Any:
    """A value of a file as the given account says it at the given time."""
    if isinstance(value, Mapping):
        return {name: filled_in(item, account, region, now) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled_in(item, account, region, now) for item in value]
    if not isinstance(value, str):
        return value
    if (found := _AGO.match(value)) or (found := _AHEAD.match(value)):
        distance = timedelta(**{found[2]: int(found[1])})
        at = now + distance if value.startswith("in ") else now - distance
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.replace("{account}", account).replace("{region}", region)


def _reply(entries: tuple[Entry, ...], question: Question) -> Mapping[str, Any]:
    call = question.call
    for entry in entries:
        asked = filled_in(entry.asked, call.account, call.region, question.now)
        if entry.region in (None, call.region) and asked.items() <= question.parameters.items():
            if entry.answer is None:
                raise RefusalError(entry.error or "ResourceNotFoundException", "There is none")
            answer: Mapping[str, Any] = filled_in(entry.answer, call.account, call.region, question.now)
            return answer
    raise RefusalError("ResourceNotFoundException", f"Nothing is known of {sorted(question.parameters)}")
