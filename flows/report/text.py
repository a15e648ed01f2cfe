"""Text from outside, made fit for a cell: what a tag or user name holds can neither run, break the file nor hide."""

from __future__ import annotations

import re

MOST_UNITS = 32_767
"""The most that a cell holds, counted as spreadsheet programs do: in UTF-16 code units."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_LINE_END = re.compile(r"\r\n?")
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters; XML 1.0 cannot carry most of them
    "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"  # direction marks: they make a name read as another one
    "\ud800-\udfff\ufffe\uffff]"  # lone surrogates and non-characters
)
_SUSPECT = re.compile(f"\r|{_UNFIT.pattern}")
_COMMAND = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def clean(value: str) -> str:
    """The text as a cell shows it; what cannot be shown is replaced by a visible mark, what is too long is cut."""
    if _SUSPECT.search(value):
        value = _UNFIT.sub(REPLACEMENT, _LINE_END.sub("\n", value))
    return value if len(value) * 2 <= MOST_UNITS else _cut(value)


def could_be_command(value: str) -> bool:
    """A spreadsheet program could take the text for a formula when someone edits its cell (CWE-1236)."""
    return _COMMAND.match(value) is not None


def one_line(value: str, most: int) -> str:
    """Cleaned text for a header, a file's properties or a title: no line breaks, at most `most` characters."""
    flat = " ".join(clean(value).split())
    return flat if len(flat) <= most else flat[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _cut(value: str) -> str:
    if _units(value) <= MOST_UNITS:
        return value
    mark = f" [cut here: {len(value):,} characters in all; the sealed evidence holds the whole]"
    kept = value.encode("utf-16-le")[: 2 * (MOST_UNITS - len(mark))]
    return kept.decode("utf-16-le", errors="ignore") + mark  # a pair that was cut in two is dropped


def _units(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2
