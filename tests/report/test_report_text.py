"""Text from outside becomes fit for a cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.report.text import MOST_UNITS, REPLACEMENT, clean, could_be_command, one_line


@pytest.mark.parametrize("text", ["plain", "tab\there", "two\nlines", "日本語 ÄÖ", "\U0001f512 lock", " spaces "])
def test_ordinary_text_is_untouched(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1b", "\x7f", "\x85", "\ud800", "\ufffe", "\u202e", "\u2066"])
def test_what_cannot_be_shown_or_hides_others_is_marked(bad: str) -> None:
    assert clean(f"a{bad}b") == f"a{REPLACEMENT}b"


def test_line_ends_are_one_kind() -> None:
    assert clean("a\r\nb\rc\nd") == "a\nb\nc\nd"


def test_long_text_is_cut_with_a_mark_that_says_so() -> None:
    text = clean("x" * 40_000)
    assert len(text) == MOST_UNITS
    assert text.endswith("[cut here: 40,000 characters in all; the sealed evidence holds the whole]")


def test_text_of_the_greatest_length_is_not_cut() -> None:
    assert clean("x" * MOST_UNITS) == "x" * MOST_UNITS


def test_length_is_counted_as_spreadsheet_programs_count() -> None:
    text = clean("\U0001f512" * 20_000)  # 40,000 UTF-16 units
    assert len(text.encode("utf-16-le")) // 2 <= MOST_UNITS
    assert "cut here: 20,000 characters" in text


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_cleaning_twice_is_cleaning_once_and_always_encodes(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode("utf-8")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", "\uff1d1"])
def test_command_starts_are_known(text: str) -> None:
    assert could_be_command(text)


@pytest.mark.parametrize("text", ["", "a=1", "1-1", "x@y.example", " =1"])
def test_other_starts_are_no_commands(text: str) -> None:
    assert not could_be_command(text)


def test_one_line_has_no_breaks_and_a_bound() -> None:
    assert one_line("Acme\nClinic\t & Sons", 12) == "Acme Clinic\N{HORIZONTAL ELLIPSIS}"
