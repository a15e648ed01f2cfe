"""What scales by itself: Application Auto Scaling is asked for one service at a time, so each is asked in turn."""

from __future__ import annotations

from typing import Any

from evidence_schema.records.scaling import STEP
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.paging import pages
from flows.collectors.aws.work import Work

NAMESPACES = (
    *("appstream", "cassandra", "comprehend", "custom-resource", "dynamodb", "ec2", "ecs", "elasticache"),
    *("elasticmapreduce", "kafka", "lambda", "neptune", "rds", "sagemaker", "workspaces"),
)
_SERVICE, _OPERATION = "application-autoscaling", "DescribeScalableTargets"


def gather(work: Work) -> None:
    """The targets of every service, page by page."""
    config = work.paginator(_SERVICE, _OPERATION)
    for namespace in NAMESPACES:

        def ask(parameters: dict[str, Any], page: int, item: str = namespace) -> Answer:
            return work.caller.ask(Ask(STEP, _SERVICE, _OPERATION, parameters, (item,), page, primary=True))

        def fail(page: int, code: str, why: str, item: str = namespace) -> Answer:
            question = Ask(STEP, _SERVICE, _OPERATION, {}, (item,), page, primary=True)
            return work.caller.note_failure(question, code, why)

        for answer in pages(ask, fail, {"ServiceNamespace": namespace}, config):
            found = len(answer.plain.get("ScalableTargets", []))
            work.tally.pages += answer.has_body
            work.tally.returned += found
            work.tally.kept += found
