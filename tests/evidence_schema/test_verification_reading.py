"""Reading from a place that may lie: lines of any length in pieces of any length, bounded, never copied twice."""

from __future__ import annotations

import time
from threading import current_thread, main_thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import MemoryReader

from evidence_schema.ahead import SMALL, Pace, ahead
from evidence_schema.verification.reading import Misshapen, Unreadable, lines, pieces, read_bounded

pytestmark = pytest.mark.sealing


@given(st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b" ")), max_size=9), st.data())
def test_lines_come_out_as_they_went_in_whatever_the_pieces(rows: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(row + b"\n" for row in rows)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=9)))
    parts = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert list(lines(parts, 9)) == rows


def test_line_without_its_newline_is_given_and_then_refused() -> None:
    found = lines([b"one\ntw", b"o"], 9)
    assert [next(found), next(found)] == [b"one", b"two"]
    with pytest.raises(Misshapen, match="newline"):
        next(found)


@pytest.mark.parametrize(
    "parts", [[b"short\n", b"x" * 10], [b"x" * 10 + b"\n"], [b"x"] * 10, [b"a\n" + b"x" * 10 + b"\nb\n"]]
)
def test_line_beyond_the_bound_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(Misshapen, match="at most 9 bytes"):
        list(lines(parts, 9))


def test_long_line_in_small_pieces_takes_no_more_than_reading_it() -> None:
    began = time.process_time()
    (line,) = lines([b"x" * 100] * 40_000 + [b"\n"], 4_000_000)
    assert len(line) == 4_000_000
    assert time.process_time() - began < 2


def test_object_is_read_no_further_than_its_bound() -> None:
    taken = []

    class Endless(MemoryReader):
        def stream(self, key, version=""):
            while True:
                taken.append(1)
                yield b"x" * 10

    with pytest.raises(Misshapen, match="at most 25"):
        read_bounded(Endless(), "key", "", 25)
    assert len(taken) == 3


def test_error_of_a_place_is_told_with_its_name() -> None:
    with pytest.raises(Unreadable, match="KeyError: 'nowhere'"):
        list(pieces(MemoryReader(), "nowhere"))


@pytest.mark.parametrize("width", [1, 2, 8])
def test_reading_ahead_keeps_the_order_and_takes_no_more_than_needed(width: int) -> None:
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = ahead(lambda number: number * number, items(), width)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + 2 * width
    assert list(results) == [number * number for number in range(3, 100)]


def test_error_while_reading_ahead_is_raised_in_its_place() -> None:
    results = ahead(lambda number: 6 // (3 - number), range(9), 2, here=lambda number: number % 2 == 1)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_small_objects_of_a_near_place_are_read_without_another_thread_and_large_ones_with_one() -> None:
    def read(size: int) -> tuple[int, bool]:
        return size, current_thread() is main_thread()

    sizes = [10, SMALL, 20, SMALL - 1, 5 * SMALL] * 9
    near, far = MemoryReader(), MemoryReader()
    near.near = True
    assert list(Pace.of(near).ahead(read, sizes, lambda size: size)) == [(size, size < SMALL) for size in sizes]
    assert list(Pace.of(near).ahead(read, sizes)) == [(size, True) for size in sizes]
    assert list(Pace.of(far).ahead(read, sizes, lambda size: size)) == [(size, False) for size in sizes]
