"""Kinds, what planning asks about them, and which calls their declarations name. Needs no AWS library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from controls.documents import Pointer, load_yaml
from controls.errors import CatalogError, Mistake
from evidence_schema.models.declaration import CallDeclaration, EachDeclaration, KindDeclaration


@dataclass(frozen=True)
class Origin:
    """The entry of a file that a declaration was read from."""

    path: Path
    index: int


class Kinds(Mapping[str, KindDeclaration]):
    """Kind name -> declaration, with what planning asks about them."""

    def __init__(
        self, declarations: Iterable[KindDeclaration], origins: Mapping[str, Origin] = MappingProxyType({})
    ) -> None:
        self._kinds = MappingProxyType({item.kind: item for item in declarations})
        self._origins = origins

    def __getitem__(self, kind: str) -> KindDeclaration:
        return self._kinds[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def sources_of(self, kind: str) -> tuple[str, ...]:
        """The kinds that must be gathered for this one (`from:`, `view_of:`), nearest first, itself left out."""
        found: list[str] = []
        step = source_of(self[kind])
        while step is not None and step not in found:
            found.append(step)
            step = source_of(self[step])
        return tuple(found)

    def consent_of(self, kind: str) -> tuple[str, ...]:
        """The kinds that must be opted in to before this one is gathered or read: itself, or what it builds on."""
        return tuple(step for step in (kind, *self.sources_of(kind)) if self[step].opt_in is not None)

    def operations_of(self, kind: str) -> tuple[str, ...]:
        """`service:Operation` of every call that gathering the kind itself makes, sorted."""
        return tuple(sorted({operation for _, operation in operations_in(self[kind])}))

    def actions_of(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """The IAM actions that the kinds and all they build on need, sorted."""
        wanted = {source for kind in kinds for source in (kind, *self.sources_of(kind))}
        return tuple(sorted({action for kind in wanted for action in self[kind].actions}))

    def mistake(self, kind: str, pointer: Pointer, text: str) -> Mistake:
        """What is wrong with a part of a declaration; without a place where it came sealed with a run.

        The file is read again for its lines: nobody has to keep them for the day of a mistake.
        """
        told = f"{kind}: {text}"
        origin = self._origins.get(kind)
        if origin is None:
            return Mistake(None, None, told)
        try:
            return load_yaml(origin.path).mistake(("kinds", origin.index, *pointer), told)
        except CatalogError:
            return Mistake(origin.path, None, told)


def source_of(declaration: KindDeclaration) -> str | None:
    """The kind that a declaration builds on."""
    return declaration.source or declaration.view_of


def calls_in(declaration: KindDeclaration) -> Iterator[tuple[Pointer, CallDeclaration | EachDeclaration]]:
    """Every call of a declaration, with its place in it."""
    calls = {
        "start": declaration.start,
        "poll": declaration.poll,
        "list": declaration.list,
        "batch": declaration.batch,
        "total": declaration.total,
    }
    for name, call in calls.items():
        if call is not None:
            yield (name,), call
    yield from _calls_of_each((), declaration.each)


def operations_in(declaration: KindDeclaration) -> Iterator[tuple[Pointer, str]]:
    """`service:Operation` of every call and of every operation that a module is declared to call, with its place."""
    for index, operation in enumerate(declaration.operations):
        yield ("operations", index), operation
    for pointer, call in calls_in(declaration):
        yield (*pointer, "operation"), f"{call.service or declaration.service}:{call.operation}"


def _calls_of_each(
    around: Pointer, each: Mapping[str, EachDeclaration]
) -> Iterator[tuple[Pointer, CallDeclaration | EachDeclaration]]:
    for name, entry in each.items():
        here = (*around, "each", name)
        yield ((*here, "list"), entry.list) if entry.list is not None else (here, entry)
        yield from _calls_of_each(here, entry.each)
