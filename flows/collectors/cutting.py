"""Cuts the secrets out of one text and keeps the rest; looks into what a text may carry: JSON, base64, gzip, %-codes.

What stands where something was cut is never looked at again, and a text is cut until nothing more shows: cutting twice
gives what cutting once gave.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from flows.collectors.secret_forms import Span
from flows.collectors.secrets import MARK, merged, spans_of

DEEPEST = 4
"""Texts in texts that are looked into."""
_LONGEST_INSIDE = 1024 * 1024
_ROUNDS = 8
_GZIP = b"\x1f\x8b"
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]{16,})*={0,2}")
_WHOLE = re.compile(r"[A-Za-z0-9+/\r\n]{8,}={0,2}\s{0,4}")
_PERCENT = re.compile(r"%[2-7][0-9A-Fa-f]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MOST_CLEAN = 20_000
_SHORT, _WORDY = 300, 40


@dataclass(frozen=True)
class Cut:
    """A text without its secrets, and the rule of each that was in it."""

    text: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inside:
    """The text that bytes carry; `plainly` where they are its UTF-8."""

    text: str
    plainly: bool


InsideJson = Callable[[str], Cut | None]
_clean: set[tuple[str, bool, bool]] = set()
"""Short texts that show nothing: answers repeat names and regions thousands of times. None of them is a secret."""


def cut_text(text: str, inside_json: InsideJson, *, words: bool = True, chance: bool = True, depth: int = 0) -> Cut:
    """The text without the secrets that it shows; `inside_json` cuts JSON that stands as text."""
    if len(text) < 8 or (len(text) < _WORDY and text.isalpha()):
        return Cut(text)
    key = (text, words, chance)
    if key in _clean:
        return Cut(text)
    found = _cut(text, inside_json, words=words, chance=chance, depth=depth)
    if not found.rules and len(text) <= _SHORT:
        if len(_clean) >= _MOST_CLEAN:
            _clean.clear()
        _clean.add(key)
    return found


def forget() -> None:
    """What was found clean, was so by the rules of then."""
    _clean.clear()


def _cut(text: str, inside_json: InsideJson, *, words: bool, chance: bool, depth: int) -> Cut:
    rules: tuple[str, ...] = ()
    if depth < DEEPEST:
        parsed = inside_json(text) if words and text.lstrip()[:1] in ("{", "[") else None
        if parsed is not None:
            text, rules, words, chance = parsed.text, parsed.rules, False, False
        elif (carried := _carried(text)) is not None:
            return _cut_carried(text, carried, inside_json, words=words, depth=depth)
    deeper = depth < DEEPEST

    def spans(segment: str) -> list[Span]:
        found = spans_of(segment, words=words, chance=chance)
        return merged([*found, *_encoded(segment, inside_json, words, depth)]) if deeper else found

    for _ in range(_ROUNDS):
        text, more = _without(text, spans)
        rules += more
        if not more:
            break
    else:
        return Cut(f"[redacted:{rules[0]}]", rules)
    if deeper and (rule := _escaped(text, inside_json, words, depth)):
        return Cut(f"[redacted:{rule}]", (*rules, rule))
    return Cut(text, rules)


def _without(text: str, spans: Callable[[str], list[Span]]) -> tuple[str, tuple[str, ...]]:
    """The text with marks for spans; what stands between marks is looked at piece by piece."""
    pieces: list[str] = []
    rules: list[str] = []
    at = 0
    for mark in [*MARK.finditer(text), None]:
        segment = text[at : mark.start() if mark else len(text)]
        here = 0
        for start, end, rule in spans(segment):
            pieces += [segment[here:start], f"[redacted:{rule}]"]
            rules.append(rule)
            here = end
        pieces.append(segment[here:])
        if mark:
            pieces.append(mark[0])
            at = mark.end()
    return "".join(pieces), tuple(rules)


def cut_json(text: str, walked: Callable[[Any], tuple[Any, tuple[str, ...]]]) -> Cut | None:
    """JSON that stands as text, without the secrets in it; None where it is no JSON (or longer than we look into)."""
    if len(text) > _LONGEST_INSIDE:
        return None
    twice: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, member in pairs:
            if name in kept:
                twice.append(name)
            kept[f"{name} {len(twice)}" if name in kept else name] = member
        return kept

    try:
        value = json.loads(text, object_pairs_hook=members)
        if not isinstance(value, dict | list):
            return None
        kept, rules = walked(value)
        if not rules:
            return Cut(text)
        if twice:  # which of two members of one name counts, nobody knows
            return Cut(f"[redacted:{rules[0]}]", rules)
        return Cut(_as_json(kept) or f"[redacted:{rules[0]}]", rules)
    except RecursionError:
        return Cut("[redacted:too-deep]", ("too-deep",))
    except ValueError:
        return None


def _as_json(value: Any) -> str:
    """Compact JSON; empty where a number in it is beyond what JSON can say."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return ""


def text_inside(data: bytes) -> Inside | None:
    """The text that bytes carry, be it compressed or in UTF-16; None where they carry none."""
    plainly = True
    if data.startswith(_GZIP):
        try:
            data, plainly = zlib.decompressobj(wbits=31).decompress(data, _LONGEST_INSIDE), False
        except zlib.error:
            return None
    if data[1:40:2].count(0) > len(data[1:40:2]) // 2:
        decoded = data.decode("utf-16-le", "ignore")
        return Inside(decoded, plainly=False)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        if plainly:
            return None
        text = data.decode(errors="ignore")  # what was compressed may end in the middle of a character
    return None if _CONTROL.search(text) else Inside(text, plainly)


def carries_text(text: str) -> bool:
    """Whether a text is base64 of another: then it looks drawn by chance and is not."""
    return _carried(text) is not None


def _carried(text: str) -> Inside | None:
    """The text that a whole value carries in base64: start-up scripts do."""
    if len(text) > _LONGEST_INSIDE or not _WHOLE.fullmatch(text):
        return None
    data = _decoded(text)
    return None if data is None else text_inside(data)


def _decoded(run: str) -> bytes | None:
    flat = re.sub(r"\s", "", run).rstrip("=").translate(_PLAIN_ALPHABET)
    flat = flat[: len(flat) - 1] if len(flat) % 4 == 1 else flat
    try:
        return base64.b64decode(flat + "=" * (-len(flat) % 4))
    except ValueError:
        return None


_PLAIN_ALPHABET = str.maketrans("-_", "+/")


def _cut_carried(text: str, carried: Inside, inside_json: InsideJson, *, words: bool, depth: int) -> Cut:
    cut = cut_text(carried.text, inside_json, words=words, chance=False, depth=depth + 1)
    if not cut.rules:
        return Cut(text)
    if not carried.plainly:
        return Cut(f"[redacted:{cut.rules[0]}]", cut.rules)
    return Cut(base64.b64encode(cut.text.encode()).decode(), cut.rules)


def _encoded(text: str, inside_json: InsideJson, words: bool, depth: int) -> Iterator[Span]:
    """Runs of base64 in the middle of a text that carry one; such a run is cut whole."""
    for run in _RUN.finditer(text):
        data = _decoded(run[0])
        inside = text_inside(data) if data else None
        if inside is not None:
            cut = cut_text(inside.text, inside_json, words=words, chance=False, depth=depth + 1)
            if cut.rules:
                yield (*run.span(), cut.rules[0])


def _escaped(text: str, inside_json: InsideJson, words: bool, depth: int) -> str | None:
    """The rule of a secret that shows once %-codes are read; such a text is cut whole."""
    if not words or not _PERCENT.search(text):
        return None
    read = unquote(text, errors="replace")
    return next(iter(cut_text(read, inside_json, words=words, chance=False, depth=depth + 1).rules), None)
