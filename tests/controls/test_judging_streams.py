"""Judging holds no more than it needs: findings go through the sorter it was given, companion lists are cut down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from answers import AT, PERIOD
from slices import eight
from small_world import FACTS, judged, small_world

from controls.checks import Companion, CompiledCheck, Scope
from controls.judging import Judgement, Rules
from controls.models import Check
from evidence_schema.models.finding import Finding
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Gap, Record

GAP = Gap(operation="backup:ListBackupJobs", code="AccessDenied", result="denied")


def test_findings_go_one_by_one_to_the_sorter_and_stand_as_it_gives_them() -> None:
    given: list[int] = []

    def sorter(findings: Iterable[Finding]) -> Iterator[Finding]:
        assert iter(findings) is findings, "expected a stream, found a list"
        held = sorted(findings, key=lambda finding: finding.sort_key)
        given.append(len(held))
        return iter(held)

    catalog = eight()
    wanted = tuple(item.id for item in catalog.requirements)
    rules = Rules(catalog=catalog, requirements=wanted, at=AT, period=PERIOD, facts=FACTS)
    judgement = Judgement(rules, small_world().evidence(), sorter)
    findings, outcomes = judged(small_world())
    assert list(judgement) == findings
    assert judgement.outcomes == outcomes
    assert sum(given) == len(findings)


def a_check() -> CompiledCheck:
    found = {
        "id": "EV-ENC-01-C1", "text": "t", "mode": "auto", "over": "aws.s3.buckets",
        "with": {"jobs": "aws.backup.jobs"},
        "when": "jobs.exists(job, job.State == 'COMPLETED')",
        "assert": "jobs.exists(job, job.ResourceArn == id)",
    }  # fmt: skip
    return CompiledCheck(Check.model_validate(found))


def a_job(**gaps: Gap) -> Record:
    fields = {"State": "COMPLETED", "ResourceArn": "b", "BackupSizeInBytes": 5, "CreatedBy": {"BackupPlanId": "p"}}
    return Record(kind="aws.backup.jobs", account="1", region="eu-west-1", id="j", fields=fields, gaps=gaps)


def test_of_a_companion_only_what_any_rule_of_the_check_reads_is_held() -> None:
    held = a_check().only_read(a_job(ResourceArn=GAP, Message=GAP), "jobs")
    assert held.fields == {"State": "COMPLETED", "ResourceArn": "b"}
    assert held.gaps == {"ResourceArn": GAP}
    assert (held.account, held.region, held.id) == ("1", "eu-west-1", "j")


def test_a_cut_down_companion_decides_as_the_whole_one() -> None:
    check, bucket = a_check(), Record(kind="aws.s3.buckets", account="1", region="eu-west-1", id="b", fields={})
    for job, expected in ((a_job(), FindingResult.PASS), (a_job(ResourceArn=GAP), FindingResult.ERROR)):
        lists = [Companion((job,)), Companion((check.only_read(job, "jobs"),))]
        whole, cut = (
            check.judge(bucket, Scope(at=AT, period={}, params={}, facts={}, companions={"jobs": list_}))
            for list_ in lists
        )
        assert whole == cut
        assert whole.result is expected
