"""Rows of any number, brought into groups in bounded memory: a temporary file for each group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

from evidence_schema.models.receipt import Receipt

_IN_MEMORY = 256 * 1024


class ReceiptsByRequirement:
    """Receipts in the order they came, each under every requirement that it serves."""

    def __init__(self, requirements: Iterable[str]) -> None:
        self._stack = ExitStack()
        self._groups = {
            name: self._stack.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 (the stack closes)
            for name in sorted(requirements)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, receipt: Receipt) -> None:
        """Keep a receipt for each of its requirements that has a group."""
        line = b""
        for name in receipt.requirements:
            if name in self._groups:
                line = line or receipt.model_dump_json(by_alias=True, exclude_none=True).encode() + b"\n"
                self._groups[name].write(line)

    def __iter__(self) -> Iterator[tuple[str, Iterator[Receipt]]]:
        """Each requirement with its receipts, in id order."""
        for name, lines in self._groups.items():
            lines.seek(0)
            yield name, (Receipt.model_validate_json(line) for line in lines)
