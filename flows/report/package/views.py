"""The printable view of an artifact: plain text, headed by its provenance, to be read and filed as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evidence_schema.models.base import format_time
from evidence_schema.models.receipt import Receipt, StoredBlob
from flows.report.text import one_line

MOST_LINES = 20_000
"""Of one view; the sealed bytes hold the whole."""
_LONGEST = 1_000
_RULE = "-" * 78
_EXTENSIONS = {
    "application/vnd.evidence.transcript+jsonl": ".jsonl",
    "text/csv": ".csv",
    "application/json": ".json",
    "application/gzip": ".gz",
    "application/x-gzip": ".gz",
    "text/plain": ".txt",
    "application/pdf": ".pdf",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """What the head of every view of a package says alike."""

    organisation: str
    simulated: bool
    generator: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What one view is about: the row, the requirement it stands under, and what seals it."""

    receipt: Receipt
    requirement: str
    title: str
    controls: Sequence[str]
    index: str
    sealed_by: str


def stem(receipt: Receipt, requirement: str, short: str) -> str:
    """A file name that starts with code and says what, where and when; never a person's, bucket's or file's name."""
    unit = receipt.unit
    when = format_time(receipt.finished).replace("-", "").replace(":", "")
    return f"{requirement}_{unit.kind}_{unit.account}_{unit.region}_{when}_{short}"


def extension(blob: StoredBlob) -> str:
    """By what the bytes are, never by what they were called."""
    return _EXTENSIONS.get(blob.media_type.partition(";")[0].strip(), ".bin")


def head(heading: Heading, subject: Subject, blob: StoredBlob | None, place: str, *, masked: bool) -> Iterator[str]:
    """The provenance, line by line."""
    receipt, unit = subject.receipt, subject.receipt.unit
    if heading.simulated:
        yield "SIMULATED: made by a demonstration, evidence of nothing"
    if masked:
        yield "MASKED: personal data was replaced; the same text has the same mask, the key stays with the entity"
    yield from _fields(
        ("Entity", heading.organisation),
        ("Index", f"{subject.requirement} {subject.index}"),
        ("Purpose", subject.title),
        ("Controls", ", ".join(subject.controls) or "none"),
        ("Kind", f"{unit.kind}, account {unit.account}, region {unit.region}"),
        ("Period", f"{format_time(receipt.period.start)} to {format_time(receipt.period.end)} (not included), UTC"),
        ("Result", f"{receipt.result.value}{f': {receipt.reason}' if receipt.reason else ''}"),
        ("Items", _items(receipt)),
        ("Collected", f"{format_time(receipt.started)} to {format_time(receipt.finished)}, UTC"),
        ("Run", receipt.run_id),
        ("Principal", receipt.principal or "none"),
        ("Collector", f"{receipt.collector.name} {receipt.collector.version} {receipt.collector.declaration}"),
        ("Redactions", ", ".join(f"{item.rule} {item.count}" for item in receipt.redactions) or "none"),
        ("Unanswered", "; ".join(_problem(item) for item in receipt.problems) or "none"),
        ("Sealed as", f"{blob.digest} ({blob.size} bytes)" if blob else "no artifact: no call was answered"),
        ("Sealed bytes", place),
        ("Sealed by", subject.sealed_by),
        ("Drawn by", heading.generator),
        ("Prepared by", "____________________  date __________"),
        ("Reviewed by", "____________________  date __________  result __________"),
    )
    yield _RULE


def transcript(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The calls of a transcript, in order: what was asked, and what was answered."""
    count = 0
    for call in lines:
        for line in _call(call):
            count += 1
            if count > MOST_LINES:
                yield f"[cut here after {MOST_LINES} lines; the sealed bytes hold the whole]"
                return
            yield line


def _call(call: dict[str, Any]) -> Iterator[str]:
    page = f", page {call['page']}" if call.get("page", 1) != 1 else ""
    yield f"{call['seq'] + 1}. {call['service']}:{call['operation']} in {call['region']}{page}"
    yield f"   at {call.get('source_date') or call['finished']}, status {call['status']}, request {call['request_id']}"
    if call.get("item"):
        yield f"   for {one_line(', '.join(call['item']), _LONGEST)}"
    yield from _shown("parameters", call.get("parameters") or {}, 3)
    if call.get("error") is not None:
        yield from _shown("error", call["error"], 3)
    if call.get("body") is not None:
        yield from _shown("answer", call["body"], 3)
    yield ""


def _shown(name: str, value: Any, indent: int) -> Iterator[str]:
    """An indented outline; without recursion beyond what a transcript may nest."""
    margin = " " * indent
    shown = one_line(str(name), 200)
    if isinstance(value, dict) and value:
        yield f"{margin}{shown}:"
        for key in sorted(value):
            yield from _shown(key, value[key], indent + 2)
    elif isinstance(value, list) and value:
        yield f"{margin}{shown}: {len(value)}"
        for number, member in enumerate(value, 1):
            yield from _shown(f"{number}.", member, indent + 2)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{margin}{shown}: {one_line(text, _LONGEST)}"


def _fields(*fields: tuple[str, str]) -> Iterator[str]:
    for name, value in fields:
        yield f"{name:<13} {one_line(value, 2 * _LONGEST)}"


def _items(receipt: Receipt) -> str:
    items = receipt.items
    total = "" if items.control_total is None else f", control total {items.control_total}"
    differs = "" if items.difference is None else f", difference {items.difference}"
    return f"{items.returned} returned, {items.kept} kept{total}{differs}"


def _problem(problem: Any) -> str:
    return f"{problem.service}:{problem.operation} {problem.result} {problem.code} ({problem.count})"
