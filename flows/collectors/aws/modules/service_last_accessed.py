"""Which services each role was last used for: IAM makes a report a role, on request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evidence_schema.records.iam import SERVICE_LINKED
from flows.collectors.aws.calls import Ask
from flows.collectors.aws.work import Work

POLLS = 30
SECONDS = 1.0
DONE, FAILED = "COMPLETED", "FAILED"


def gather(work: Work) -> None:
    """Start the reports of all roles, then fetch each: IAM makes the later ones while the first are read."""
    for arn, job in list(_started(work)):
        _fetch(work, arn, job)


def _started(work: Work) -> Iterator[tuple[str, str]]:
    """The ARN of each role with the number of its report; those that only AWS's services assume are left out."""
    if work.source is None:
        raise ValueError("expected the roles as source, found none")
    for role in work.source.items():
        arn = str(role.fields.get("Arn", ""))
        if str(role.fields.get("Path", "")).startswith(SERVICE_LINKED):
            continue
        work.tally.returned += 1
        answer = work.caller.ask(_ask("start", "GenerateServiceLastAccessedDetails", {"Arn": arn}, arn))
        if isinstance(job := answer.plain.get("JobId"), str):
            work.tally.kept += 1
            yield arn, job


def _fetch(work: Work, arn: str, job: str) -> None:
    """Every page of a report, once it is made."""
    parameters: dict[str, Any] = {"JobId": job}
    waited, page = 0, 1
    while True:
        ask = _ask("report", "GetServiceLastAccessedDetails", parameters, arn, page)
        answer = work.caller.ask(ask)
        state = answer.plain.get("JobStatus")
        if not answer.has_body:
            return
        if state != DONE:
            waited += 1
            if state == FAILED or waited >= POLLS:
                code = "StartedAndFailed" if state == FAILED else "PollTimeout"
                work.caller.note_failure(ask, code, f"JobStatus is {str(state)[:80]}")
                return
            work.caller.sleep(SECONDS)
        elif answer.plain.get("IsTruncated") and "Marker" in answer.plain:
            parameters, page = {"JobId": job, "Marker": answer.plain["Marker"]}, page + 1
        else:
            return


def _ask(step: str, operation: str, parameters: dict[str, Any], arn: str, page: int = 1) -> Ask:
    return Ask(step, "iam", operation, parameters, (arn,), page, primary=True)
