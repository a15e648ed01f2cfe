"""Two runs over one account, side by side: everything but times, ids and the digests that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from worlds import Gathered

from evidence_schema.models.finding import Finding
from evidence_schema.models.names import FindingResult

FindingKey = tuple[str, str, str, str, str]
_OF_THIS_RUN = ("run_id", "started", "finished", "blobs")


def units_of(gathered: Gathered) -> list[dict[str, Any]]:
    """Every unit with what became of it: result, reason, counts, problems, requirements, collector, blobs by role."""
    rows = []
    for receipt in gathered.receipts.values():
        row = receipt.to_json()
        rows.append(
            {name: value for name, value in row.items() if name not in _OF_THIS_RUN}
            | {"blobs": [(blob.role, blob.name, blob.media_type) for blob in receipt.blobs]}
        )
    return rows


def items_of(gathered: Gathered) -> list[dict[str, Any]]:
    """Every record of the run."""
    return [_timeless(record.to_json(), "fields") for record in gathered.records()]


def findings_of(gathered: Gathered) -> list[dict[str, Any]]:
    """Every finding with the values that decided."""
    return [_timeless(finding.to_json(), "values") for finding in gathered.findings]


def outcomes_of(gathered: Gathered) -> list[dict[str, Any]]:
    """Every requirement's outcome with its checks and coverage."""
    return [
        {name: value for name, value in outcome.to_json().items() if name != "collected_at"}
        for outcome in gathered.outcomes.requirements
    ]


def _timeless(row: dict[str, Any], part: str) -> dict[str, Any]:
    """Without the one value that says when we asked."""
    return row | {part: {name: value for name, value in row.get(part, {}).items() if name != "CallTime"}}


def by_key(findings: Iterable[Finding]) -> dict[FindingKey, Finding]:
    """Findings by check and record; each key once."""
    found: dict[FindingKey, Finding] = {}
    for finding in findings:
        assert finding.sort_key not in found, f"two findings for {finding.sort_key}"
        found[finding.sort_key] = finding
    return found


def failing(findings: Iterable[Finding]) -> set[FindingKey]:
    """The keys of the findings that fail."""
    return {finding.sort_key for finding in findings if finding.result is FindingResult.FAIL}
