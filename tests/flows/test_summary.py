"""What a run came to: the exit code and the lines of what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from evidence_schema.digest import Digest
from evidence_schema.models.names import GatherResult, Outcome
from evidence_schema.models.receipt import CallProblem, Receipt
from evidence_schema.models.transcript import Collector
from evidence_schema.models.unit import Period, Unit
from flows.summary import RequirementLine, RunSummary, UnitTrouble, trouble_of

AT = datetime(2026, 11, 1, tzinfo=UTC)


def line(outcome: Outcome) -> RequirementLine:
    return RequirementLine(requirement="EV-ENC-01", title="t", outcome=outcome, failed=0, tested=1)


def summary(*outcomes: Outcome, results: dict[GatherResult, int] | None = None, **fields: Any) -> RunSummary:
    return RunSummary(
        run_id="run-20261101T060000Z-0a1b2c3d", slot="monthly/2026-10", simulated=False, resumed=False, units=1,
        results=results or {GatherResult.COLLECTED: 1}, troubles=(),
        requirements=tuple(line(outcome) for outcome in outcomes), **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.NO_EXCEPTION, 0),
        (Outcome.NOT_APPLICABLE, 0),
        (Outcome.NEEDS_REVIEW, 0),
        (Outcome.EXCEPTION, 1),
        (Outcome.NOT_COLLECTED, 1),
        (Outcome.STALE, 1),
    ],
)
def test_findings_and_gaps_exit_with_one(outcome: Outcome, code: int) -> None:
    assert summary(Outcome.NO_EXCEPTION, outcome).exit_code == code


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (GatherResult.COLLECTED, 0),
        (GatherResult.EMPTY, 0),
        (GatherResult.UNAVAILABLE, 0),
        (GatherResult.PARTIAL, 1),
        (GatherResult.DENIED, 1),
        (GatherResult.FAILED, 1),
    ],
)
def test_a_unit_that_was_not_gathered_is_never_exit_zero(result: GatherResult, code: int) -> None:
    assert summary(Outcome.NO_EXCEPTION, results={GatherResult.COLLECTED: 5, result: 1}).exit_code == code


def test_an_account_that_could_not_be_asked_exits_with_three() -> None:
    assert summary(accounts_stopped=("111122223333",)).exit_code == 3
    assert summary(Outcome.EXCEPTION, accounts_stopped=("111122223333",)).exit_code == 3


def test_a_run_of_nothing_is_no_finding() -> None:
    assert summary().exit_code == 0


def test_a_trouble_names_unit_reason_and_the_calls_that_did_not_answer() -> None:
    problem = CallProblem(
        service="ec2", operation="DescribeVolumes", step="list", result="denied", code="Denied", count=3
    )
    receipt = Receipt(
        run_id="run-20261101T060000Z-0a1b2c3d",
        unit=Unit(kind="aws.ec2.volumes", account="111122223333", region="eu-west-1"),
        requirements=("EV-ENC-01",), result=GatherResult.DENIED, reason="AccessDenied", problems=(problem,),
        collector=Collector(name="evidence-collector", version="0", declaration=Digest.of(b"")),
        period=Period(start=AT.replace(day=1, month=10), end=AT), started=AT, finished=AT,
    )  # fmt: skip
    assert trouble_of(receipt) == UnitTrouble(
        kind="aws.ec2.volumes", account="111122223333", region="eu-west-1", result=GatherResult.DENIED,
        reason="AccessDenied", calls=("ec2:DescribeVolumes Denied (3)",),
    )  # fmt: skip


def test_a_summary_travels_as_json() -> None:
    made = summary(Outcome.EXCEPTION, results={GatherResult.PARTIAL: 2})
    assert RunSummary.model_validate(made.to_json()) == made
