"""Two runs over one account, side by side: everything but times, ids and the digests that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from worlds import Gathered

from evidence_schema.models.finding import Finding
from evidence_schema.models.names import FindingResult
from evidence_schema.models.receipt import Receipt

FindingKey = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Substance:
    """What a run found, without times, ids and digests."""

    units: list[dict[str, Any]]
    items: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    outcomes: list[dict[str, Any]]


def substance_of(gathered: Gathered) -> Substance:
    """Every unit with result, reason, counts, problems, collector; every record; every finding with its values."""
    return Substance(
        units=[_unit(receipt) for receipt in gathered.receipts.values()],
        items=[_timeless(record.to_json(), "fields") for record in gathered.records()],
        findings=[_timeless(finding.to_json(), "values") for finding in gathered.findings],
        outcomes=[_without(outcome.to_json(), "collected_at") for outcome in gathered.outcomes.requirements],
    )


def _unit(receipt: Receipt) -> dict[str, Any]:
    blobs = [(blob.role, blob.name, blob.media_type) for blob in receipt.blobs]
    return _without(receipt.to_json(), "run_id", "started", "finished") | {"blobs": blobs}


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


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
