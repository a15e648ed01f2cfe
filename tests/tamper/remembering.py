"""The verifier, quicker: pure functions that it calls give the answer that they gave before for the same arguments.

Each of them depends on its arguments alone: parsing, hashing, a signature's verification. Nothing else is replaced, and
nothing is left out: listing, order, comparison and judgement run anew each time. `test_tampering.py` shows that the
reports are equal, field by field, with and without.

Answers about the sound log are remembered for good, others until `forget`: thousands of mutated logs would fill memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from evidence_schema import dsse, merkle, signing_key, timestamp
from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from evidence_schema.models.unit import Unit
from evidence_schema.reader import Reader, StoredVersion
from evidence_schema.verification import blobs, checkpoints, listing, reading

_VERIFIER = "evidence_schema."
_KEYS = (
    "blob",
    "blob_digest",
    "entry",
    "entry_seq",
    "checkpoint",
    "checkpoint_size",
    "receipt",
    "token",
    "token_place",
)


class Memory:
    """What was answered before."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}
        self._passing: dict[Any, Any] = {}

    def keep(self) -> None:
        """From now on everything that was answered so far is remembered."""
        self._kept |= self._passing
        self._passing = {}

    def forget(self) -> None:
        self._passing.clear()

    def answer(self, question: Any, ask: Callable[[], Any]) -> Any:
        """The result or the error of `ask`."""
        found = self._kept.get(question) or self._passing.get(question)
        if found is None:
            try:
                found = (ask(), None)
            except Exception as error:
                found = (None, error)
            self._passing[question] = found
        result, error = found
        if error is not None:
            raise error
        return result

    def of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, asked once for the same arguments."""
        name = function.__qualname__

        def remembered(*args: Any) -> Any:
            return self.answer((name, *args), lambda: function(*args))

        return remembered

    def of_blob(self, hash_blob: Callable[..., Any]) -> Callable[..., Any]:
        """`hash_blob` reads: what it is asked is the bytes that stand there, and under which names."""

        def remembered(reader: Reader, version: StoredVersion, claimed: Digest) -> Any:
            data = b"".join(reader.stream(version.key, version.version))
            question = ("hash_blob", data, version.key, claimed.raw)
            return self.answer(question, lambda: hash_blob(reader, version, claimed))

        return remembered


@contextmanager
def remembering() -> Iterator[Memory]:
    """Until the block is left."""
    memory = Memory()
    pure = (
        reading.parsed,
        dsse.parse_envelope,
        checkpoints.parse_signed,
        signing_key.verify,
        signing_key.key_id,
        merkle.leaf_hash,
        merkle.node_hash,
        listing.receipt_of,
        timestamp.verify_timestamp,
    )
    replaced = [(function, memory.of(function)) for function in pure]
    replaced.append((blobs.hash_blob, memory.of_blob(blobs.hash_blob)))
    patches = [mock.patch.object(Layout, name, memory.of(getattr(Layout, name))) for name in _KEYS]
    patches.append(mock.patch.object(Unit, "digest", property(memory.of(Unit.digest.fget))))
    for name, module in list(sys.modules.items()):
        for function, substitute in replaced:
            named = getattr(module, "__dict__", {}).get(function.__name__) if name.startswith(_VERIFIER) else None
            if named is function:
                patches.append(mock.patch.object(module, function.__name__, substitute))
    for patch in patches:
        patch.start()
    try:
        yield memory
    finally:
        for patch in reversed(patches):
            patch.stop()
