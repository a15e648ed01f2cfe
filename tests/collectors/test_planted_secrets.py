"""Secrets of every sort through the real engine: none is kept, and each rule is needed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from collector_desk import Kept, desk_over, kind
from planted import Plant, found_in, in_base64, in_gzip, plants
from stub_aws import StubAws, refuse

from evidence_schema.models.names import GatherResult
from flows.collectors import cutting, redaction, secret_forms, secrets

PLANTS = plants() + plants()
RULES = sorted({plant.rule for plant in PLANTS})
BY_NAME, BY_WORD, BY_CHANCE = "named", "assignment", "entropy"
JOBS = kind(kind="aws.test.jobs", service="glue", list={"operation": "GetJobs", "items": "Jobs", "id": "Name"})


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What was found clean under other rules is no longer known to be."""
    cutting.forget()
    yield
    cutting.forget()


def switch_off(rule: str, patch: pytest.MonkeyPatch) -> None:
    """One rule, and chance with it: it is the net below all others."""
    for name in ("FORMS", "COMMANDS"):
        patch.setattr(secrets, name, tuple(form for form in getattr(secrets, name) if form.rule != rule))
    if rule == secret_forms.BARE_SECRET_KEY.rule:
        patch.setattr(secrets, "SECRET_KEY", 10**9)
    if rule == BY_WORD:
        patch.setattr(secrets, "_spans_by_word", lambda text: iter(()))
    if rule == BY_NAME:
        patch.setattr(secrets, "names_a_secret", lambda name: False)
        patch.setattr(redaction, "names_a_secret", lambda name: False)
    patch.setattr(secrets, "runs_of_chance", lambda text: iter(()))
    patch.setattr(secrets, "is_chance", lambda text: False)


def gathered(aws: StubAws, planted: tuple[Plant, ...], text_of: object = lambda plant: plant.text) -> Kept:
    """The plants as descriptions of Glue jobs, through client, recorder, redaction, transcript and derivation."""
    aws.answers["glue:GetJobs"] = {
        "Jobs": [{"Name": f"job-{index}", "Description": text_of(plant)} for index, plant in enumerate(planted)]
    }
    return desk_over(JOBS).one("aws.test.jobs")


def left_in(kept: Kept, planted: tuple[Plant, ...]) -> list[str]:
    records = "\n".join(json.dumps(record.to_json()) for record in kept.records).encode()
    receipt = repr(kept.gathered).encode()
    contents = [("transcript", kept.transcript), ("records", records), ("receipt", receipt), *kept.files.items()]
    return found_in([plant.secret for plant in planted], contents)


def test_the_plants_are_at_least_sixty_of_fifteen_sorts_and_all_differ() -> None:
    assert len(PLANTS) >= 60
    assert len({plant.sort for plant in PLANTS}) >= 15
    assert len({plant.secret for plant in PLANTS}) == len(PLANTS)


def test_none_is_kept_and_each_is_told_by_pointer_and_rule(aws: StubAws) -> None:
    kept = gathered(aws, PLANTS)
    assert kept.gathered.result is GatherResult.COLLECTED
    assert left_in(kept, PLANTS) == []
    told = [(item.pointer, item.rule) for item in kept.calls[0].redactions]
    assert told == [(f"/Jobs/{index}/Description", plant.rule) for index, plant in enumerate(PLANTS)]
    assert kept.calls[0].wire_digest is None


@pytest.mark.parametrize(
    "wrapped", [in_base64, in_gzip, quote, lambda text: f"run: echo {in_base64(text)} | base64 -d"]
)
def test_none_is_kept_that_came_encoded(aws: StubAws, wrapped: object) -> None:
    """Chance is not asked inside encodings, where every byte looks drawn."""
    planted = tuple(plant for plant in PLANTS if plant.rule != BY_CHANCE)
    assert left_in(gathered(aws, planted, lambda plant: wrapped(plant.text)), planted) == []


@pytest.mark.parametrize("rule", RULES)
def test_without_its_rule_a_sort_is_found(aws: StubAws, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    planted = tuple(plant for plant in PLANTS if plant.rule == rule)
    assert left_in(gathered(aws, planted), planted) == []
    switch_off(rule, monkeypatch)
    cutting.forget()
    assert left_in(gathered(aws, planted), planted) != []


@pytest.mark.parametrize("looks_in", ["_carried", "_encoded", "_escaped"])
def test_without_a_look_inside_what_came_encoded_is_found(
    aws: StubAws, monkeypatch: pytest.MonkeyPatch, looks_in: str
) -> None:
    plant = next(plant for plant in PLANTS if plant.rule == "url-credentials")
    text = {
        "_carried": in_base64(plant.text), "_encoded": f"echo {in_base64(plant.text)} | base64 -d",
        "_escaped": quote(plant.text, safe=""),
    }[looks_in]  # fmt: skip
    assert left_in(gathered(aws, (plant,), lambda _: text), (plant,)) == []
    if looks_in != "_escaped":  # what is base64 throughout is a run of it as well
        monkeypatch.setattr(cutting, "_encoded", lambda *_: iter(()))
    if looks_in != "_encoded":
        monkeypatch.setattr(cutting, looks_in, lambda *_: None)
    switch_off(BY_CHANCE, monkeypatch)
    cutting.forget()
    assert left_in(gathered(aws, (plant,), lambda _: text), (plant,)) != []


def test_codes_messages_and_ids_of_errors_keep_no_secret(aws: StubAws) -> None:
    """Also where the error is only counted: the problems of a receipt name code and request."""
    described = kind(
        kind="aws.test.jobs", service="glue", list={"operation": "GetJobs", "items": "Jobs", "id": "Name"},
        each={"more": {"operation": "GetJob", "with": {"JobName": "$item.Name"}}},
    )  # fmt: skip
    planted = tuple(plant for plant in PLANTS if "\n" not in plant.text)
    waiting = iter(planted)
    aws.answers["glue:GetJobs"] = {"Jobs": [{"Name": f"job-{index}"} for index, _ in enumerate(planted)]}
    aws.answers["glue:GetJob"] = lambda asked: refuse("InvalidInputException", message=next(waiting).text)
    kept = desk_over(described).one("aws.test.jobs")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert left_in(kept, planted) == []
    assert all(call.wire_digest is None for call in kept.calls[1:])


def test_a_code_that_is_a_secret_is_cut(aws: StubAws) -> None:
    token = next(plant for plant in PLANTS if plant.rule == "github-token")
    aws.answers["glue:GetJobs"] = refuse(f"ghp_{token.secret}")
    kept = desk_over(JOBS).one("aws.test.jobs")
    assert left_in(kept, (token,)) == []
    assert kept.gathered.problems[0].code == "[redacted:github-token]"


def test_an_error_nobody_expected_is_logged_without_its_message(
    aws: StubAws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("hunter2-in-a-key")

    monkeypatch.setattr("flows.collectors.aws.task.gather_declared", broken)
    kept = desk_over(JOBS).one("aws.test.jobs")
    assert kept.gathered.result is GatherResult.FAILED
    assert "KeyError at broken:" in caplog.text
    assert "hunter2" not in caplog.text + kept.gathered.reason


@pytest.mark.parametrize(
    "hidden",
    [
        lambda text: text.encode(),
        lambda text: b"\0" + base64.b64encode(text.encode()),
        lambda text: b"xx" + base64.b64encode(b"y" + text.encode()),
        lambda text: text.encode()[::-1],
        lambda text: text.encode().hex().encode(),
        lambda text: gzip.compress(b"before " + text.encode()),
        lambda text: hashlib.sha256(text.encode()).hexdigest().encode(),
        lambda text: hashlib.md5(text.encode()).hexdigest().encode(),
        lambda text: quote(text, safe="").encode(),
        lambda text: text.encode("utf-16-le"),
    ],
)
def test_what_looks_for_secrets_finds_them_in_any_form(hidden: object) -> None:
    secret = "Tr0ub4dor&3 correct"
    assert found_in([secret], [("file", hidden(secret))]) != []
    assert found_in([secret], [("file", hidden("another text, as long"))]) == []
