"""What can be wrong with a log: every type of problem with the step that finds it and the property that it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from evidence_schema.models.base import format_time
from evidence_schema.models.unit import Period

_LONGEST_KEY = 1100
_LONGEST_TEXT = 400


class Property(StrEnum):
    """What a log promises; each gets a verdict of its own, never one green tick for all."""

    AUTHENTIC = "authentic"
    INTACT = "intact"
    COMPLETE = "complete"
    ORDERED = "ordered"
    TIMELY = "timely"
    ANCHORED = "anchored"
    FRESH = "fresh"

    @property
    def is_lost_by_tampering(self) -> bool:
        """Broken, it means that somebody changed something; else that something is missing or late."""
        return self not in (Property.COMPLETE, Property.FRESH)


_A, _I, _C, _O = Property.AUTHENTIC, Property.INTACT, Property.COMPLETE, Property.ORDERED
_T, _K, _F = Property.TIMELY, Property.ANCHORED, Property.FRESH

TYPES: dict[str, tuple[int, Property]] = {
    "second-version": (1, _I),
    "delete-marker": (1, _I),
    "unknown-key": (1, _A),
    "log-empty": (2, _C),
    "entry-missing": (2, _O),
    "entry-unreadable": (2, _C),
    "entry-malformed": (2, _I),
    "entry-of-another-log": (2, _A),
    "entry-number-differs": (2, _O),
    "entry-prev-differs": (2, _O),
    "entry-time-backwards": (2, _O),
    "log-differs-from-trust": (3, _A),
    "unsigned-entry": (3, _A),
    "entry-key-unknown": (3, _A),
    "entry-key-out-of-range": (3, _A),
    "entry-signature-bad": (3, _A),
    "key-epoch-differs": (3, _O),
    "rotation-malformed": (3, _I),
    "rotation-not-pinned": (3, _A),
    "rotation-missing": (3, _O),
    "link-malformed": (3, _I),
    "link-not-first": (3, _O),
    "checkpoint-missing": (4, _C),
    "checkpoint-unreadable": (4, _C),
    "checkpoint-malformed": (4, _I),
    "checkpoint-origin-differs": (4, _A),
    "checkpoint-size-differs": (4, _I),
    "checkpoint-beyond-entries": (4, _O),
    "checkpoint-root-differs": (4, _I),
    "checkpoint-key-unknown": (4, _A),
    "checkpoint-key-out-of-range": (4, _A),
    "checkpoint-signature-bad": (4, _A),
    "rotation-not-countersigned": (4, _A),
    "kept-checkpoint-of-another-log": (4, _K),
    "kept-checkpoint-not-signed": (4, _K),
    "kept-checkpoint-root-differs": (4, _K),
    "log-shorter-than-kept": (4, _K),
    "anchor-changed": (4, _K),
    "anchor-empty": (4, _K),
    "anchor-unreadable": (4, _K),
    "subject-differs": (5, _I),
    "run-not-opened": (5, _O),
    "run-opened-twice": (5, _O),
    "run-ended-twice": (5, _O),
    "run-slot-differs": (5, _I),
    "run-unfinished": (5, _C),
    "judged-before-close": (5, _O),
    "judged-differently": (5, _I),
    "export-before-close": (5, _O),
    "export-beyond-log": (5, _O),
    "entry-blob-missing": (5, _C),
    "workbook-not-exported": (5, _A),
    "disposition-malformed": (5, _I),
    "disposition-differs": (5, _I),
    "erasure-not-ordered": (5, _O),
    "erased-while-held": (5, _O),
    "plan-malformed": (6, _I),
    "plan-differs": (6, _I),
    "planned-unit-malformed": (6, _I),
    "planned-units-unsorted": (6, _I),
    "manifest-malformed": (6, _I),
    "manifest-differs": (6, _I),
    "manifest-counts-differ": (6, _I),
    "part-differs": (6, _I),
    "row-malformed": (6, _I),
    "row-differs": (6, _I),
    "rows-unsorted": (6, _I),
    "row-not-in-plan": (6, _I),
    "unit-not-in-manifest": (6, _C),
    "requirements-differ": (6, _I),
    "receipt-missing": (6, _C),
    "receipt-unreadable": (6, _C),
    "receipt-malformed": (6, _I),
    "receipt-differs": (6, _I),
    "receipt-not-in-manifest": (6, _A),
    "receipt-not-in-plan": (6, _A),
    "receipt-of-unknown-run": (6, _A),
    "sealed-bytes-differ": (6, _I),
    "blob-changed": (7, _I),
    "blob-size-differs": (7, _I),
    "blob-missing": (7, _C),
    "blob-unreadable": (7, _C),
    "transcript-of-another-unit": (7, _I),
    "key-missing": (7, _C),
    "key-unusable": (7, _C),
    "erased-key-stands": (7, _C),
    "artifact-not-opened": (7, _I),
    "commitment-differs": (7, _I),
    "ciphertext-claimed-twice": (7, _I),
    "findings-malformed": (8, _I),
    "findings-differ": (8, _I),
    "outcomes-malformed": (8, _I),
    "outcomes-differ": (8, _I),
    "outcome-missing": (8, _C),
    "entry-from-the-future": (9, _T),
    "receipt-outside-its-run": (9, _T),
    "token-unreadable": (9, _C),
    "token-without-checkpoint": (9, _T),
    "token-authority-unknown": (9, _A),
    "token-invalid": (9, _A),
    "entry-time-ahead": (9, _T),
    "entry-time-late": (9, _T),
    "entry-time-unproven": (9, _T),
    "earlier-token-missing": (9, _T),
    "earlier-token-unknown": (9, _T),
    "entry-before-its-token": (9, _T),
    "entry-of-stolen-key": (9, _A),
    "nothing-collected": (9, _F),
    "stale": (9, _F),
    "slot-missing": (9, _F),
    "silent": (9, _F),
    "bag-malformed": (10, _I),
    "bag-file-changed": (10, _I),
    "bag-file-missing": (10, _C),
    "bag-file-unlisted": (10, _A),
    "bag-info-differs": (10, _I),
    "package-not-logged": (10, _A),
    "scope-malformed": (10, _I),
    "scope-differs": (10, _I),
    "package-contents-differ": (10, _I),
    "package-file-changed": (10, _I),
    "package-file-missing": (10, _C),
    "package-file-unknown": (10, _A),
    "proof-malformed": (11, _I),
    "proof-differs": (11, _A),
    "proof-not-included": (11, _I),
    "proof-of-another": (11, _I),
    "receipt-by-another-policy": (4, _K),
    "schedule-changed": (9, _F),
    "run-in-progress": (5, _C),
    "run-abandoned": (5, _C),
    "unnamed-blob": (7, _I),
    "token-not-verified": (9, _T),
    "entry-time-not-yet-proven": (9, _T),
    "not-in-package": (10, _C),
    "artifacts-erased": (5, _C),
    "erasure-unfinished": (5, _C),
    "not-opened": (7, _I),
    "believed-as-kept": (9, _A),
    "log-linked": (3, _C),
}
"""Type -> (step, property). The last fourteen are only ever notes: what an auditor wants to know, and no fault."""
_LATE = frozenset({"entry-time-late", "entry-time-unproven", "anchor-empty", "anchor-unreadable"})
"""An authority that does not answer is no tampering; and whoever back-dates looks the same, so it is never hidden. The
same of an anchor that nothing was copied to, or that does not give what it lists."""


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is not as it must be: where, what was expected and what was found. Sorts by step."""

    step: int
    property: Property
    type: str
    key: str
    expected: str
    found: str

    def shows_tampering(self) -> bool:
        """That something was changed; else that something is missing or late."""
        return self.property.is_lost_by_tampering and self.type not in _LATE


class Problems:
    """Collects problems, and notes: observations of the same form that are no fault. Texts come out printable."""

    def __init__(self) -> None:
        self._problems: set[Problem] = set()
        self._notes: set[Problem] = set()

    def add(self, type_: str, key: str, expected: object, found: object) -> None:
        """Something is wrong at `key`."""
        self._problems.add(_problem(type_, key, expected, found))

    def compare(self, type_: str, key: str, *facts: tuple[str, object, object]) -> None:
        """Each fact is what it is, what was expected and what was found: one problem for each that differs."""
        for what, expected, found in facts:
            if expected != found:
                self.add(type_, key, f"{what}: {_text(expected)}", found)

    def note(self, type_: str, key: str, expected: object, found: object) -> None:
        """Something is worth telling, and not wrong."""
        self._notes.add(_problem(type_, key, expected, found))

    def all(self) -> tuple[Problem, ...]:
        """Every problem, each once, in an order that does not depend on how it was found."""
        return tuple(sorted(self._problems))

    def notes(self) -> tuple[Problem, ...]:
        """Every note, likewise."""
        return tuple(sorted(self._notes))


def _problem(type_: str, key: str, expected: object, found: object) -> Problem:
    step, property_ = TYPES[type_]
    return Problem(
        step,
        property_,
        type_,
        _printable(key, _LONGEST_KEY),
        _printable(expected, _LONGEST_TEXT),
        _printable(found, _LONGEST_TEXT),
    )


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Period):
        return f"{format_time(value.start)} to {format_time(value.end)}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in sorted(value.items())) or "none"
    return str(value)


def _printable(value: object, longest: int) -> str:
    """Keys and texts come from a store that anybody may have written to: no control characters reach a terminal."""
    text = _text(value)
    plain = text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
    return plain if len(plain) <= longest else f"{plain[:longest]}..."
