"""Threads share two heaps: what many threads used once is used again. What is loaded is not looked through again."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys

import pytest

from flows.memory import share_heaps

GLIBC = hasattr(ctypes.CDLL(None), "mallopt")
THREADS_THAT_ALLOCATE = """
import threading
from pathlib import Path
from flows.memory import share_heaps
{first}
ready = threading.Barrier(17)
def work():
    held = [bytearray(600) for _ in range(1000)]
    ready.wait()
    ready.wait()
for _ in range(16):
    threading.Thread(target=work).start()
ready.wait()
print(sum(1 for line in Path("/proc/self/maps").read_text().splitlines() if line.split()[1] == "---p" and
          64 << 20 > int(line.split("-")[1].split()[0], 16) - int(line.split("-")[0], 16) > 60 << 20))
ready.wait()
"""
"""Prints how many heaps of threads there are: each is a reserve of 64 MiB of which little is used."""


def heaps(first: str) -> int:
    code = THREADS_THAT_ALLOCATE.format(first=first)
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not GLIBC, reason="only glibc gives each thread a heap of its own")
def test_sixteen_threads_share_what_one_or_two_need() -> None:
    assert heaps("share_heaps()") <= 2 < heaps("")


def test_it_says_whether_it_could() -> None:
    assert share_heaps() is GLIBC


WHAT_IS_SET_APART = """
import gc, json
from flows.memory import THRESHOLDS, set_loaded_apart
set_loaded_apart()
first = gc.get_freeze_count()
made = [[number] for number in range(10_000)]
set_loaded_apart()
looked_through = any(made is one for one in gc.get_objects())
print(json.dumps([first, gc.get_freeze_count(), gc.get_threshold() == THRESHOLDS, looked_through]))
"""


def test_what_was_loaded_is_set_apart_once_and_what_comes_later_is_still_looked_through() -> None:
    """In a process of its own: it would last for all other tests."""
    told = subprocess.run([sys.executable, "-c", WHAT_IS_SET_APART], capture_output=True, text=True, check=True).stdout
    first, later, rarely, looked_through = json.loads(told)
    assert first > 1000
    assert later <= first
    assert rarely
    assert looked_through
