"""The verifier with one of its numbered steps switched off: what then passes unnoticed shows what the step is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from evidence_schema.verification import manifests, receipts, verify
from evidence_schema.verification.blobs import Claims
from evidence_schema.verification.problems import Problems

STEPS = range(1, 10)


def _silent(function: Callable[..., Any]) -> Callable[..., Any]:
    """It still does what the later steps rest on, and tells nobody what is wrong."""

    def silenced(*args: Any, **options: Any) -> Any:
        return function(*(_deaf(arg) for arg in args), **options)

    return silenced


def _deaf(arg: Any) -> Any:
    if isinstance(arg, Problems):
        return Problems()
    if isinstance(arg, Claims):
        return Claims(arg._reader, arg._layout, arg._blobs, Problems())
    return arg


_OFF: dict[int, list[tuple[Any, str, Callable[..., Any] | None]]] = {
    1: [(verify, "list_log", None)],
    2: [(verify, "read_entries", None), (verify, "check_chain", None)],
    3: [
        (verify, "check_signatures", None),
        (verify, "check_rotations", lambda *_: {}),
        (verify, "check_log_name", None),
    ],
    4: [(verify, "Checkpoints", None), (verify, "check_earlier", None)],
    5: [(verify, "follow_runs", None), (verify, "check_endings", None), (verify, "check_schedule_entries", None)],
    6: [(verify, "check_manifests", lambda *_: {})],
    7: [(verify, "check_blobs", lambda *_: (0, 0))],
    8: [(verify, "check_judgements", lambda *_: None)],
    9: [
        (verify, "check_entry_times", None),
        (verify, "check_freshness", None),
        (verify, "check_slots", None),
        (verify, "Tokens", None),
        (verify, "check_stolen", lambda *_: None),
        (manifests, "check_receipt_times", None),
        (receipts, "check_receipt_times", None),
    ],
}
"""Step -> what stands for its functions; None: the function itself, silent."""


@contextmanager
def switched_off(step: int) -> Iterator[None]:
    """Until the block is left."""
    with ExitStack() as stack:
        for module, name, substitute in _OFF[step]:
            if hasattr(module, name):
                other = substitute or _silent(getattr(module, name))
                stack.enter_context(mock.patch.object(module, name, other))
        yield
