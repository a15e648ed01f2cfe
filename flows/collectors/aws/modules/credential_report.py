"""IAM's credential report: started, waited for, then kept byte for byte as the CSV that AWS made."""

from __future__ import annotations

from dataclasses import replace

from evidence_schema.digest import Digest
from evidence_schema.records.credential_report import FILE_NAME
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.work import Work
from flows.collectors.redaction import safe_file

POLLS = 60
SECONDS = 2.0
_START = Ask(step="start", service="iam", operation="GenerateCredentialReport", parameters={}, primary=True)
_REPORT = Ask(step="report", service="iam", operation="GetCredentialReport", parameters={}, primary=True)


def gather(work: Work) -> None:
    """Generate until COMPLETE (AWS serves a report again for four hours), then get it."""
    if not _is_complete(work):
        return
    got = work.caller.stream(_REPORT)
    if isinstance(got, Answer):
        return
    content = bytes(got.parsed.get("Content") or b"")
    safe = safe_file(content)
    if safe is None:
        work.tally.quarantined += 1
        work.caller.finish_stream(got, "Content", len(content), Digest.of(b""), fault="Quarantined")
        return
    content, cut = safe
    work.caller.finish_stream(got, "Content", len(content), Digest.of(content), cut=cut)
    spool = work.new_file(FILE_NAME, str(got.parsed.get("ReportFormat") or "text/csv"))
    spool.write(content)
    work.keep(spool)
    rows = max(0, len(content.splitlines()) - 1)  # the first line names the columns
    work.tally.returned += rows
    work.tally.kept += rows


def _is_complete(work: Work) -> bool:
    for attempt in range(POLLS):
        if attempt:
            work.caller.sleep(SECONDS)
        ask = replace(_START, step="poll" if attempt else "start", page=attempt + 1)
        answer = work.caller.ask(ask)
        if not answer.has_body:
            return False
        if answer.plain.get("State") == "COMPLETE":
            return True
    work.caller.note_failure(replace(_START, step="poll"), "PollTimeout", f"not COMPLETE after {POLLS} questions")
    return False
