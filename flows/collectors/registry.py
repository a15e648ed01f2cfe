"""All kinds that this installation can gather, from the YAML beside the collectors. Needs no AWS library.

What can be told without botocore's models is told here, in every command: unknown names, a kind or an operation that
stands twice, a call that writes, the form of an action. Whether an operation, a parameter or a field exists is left to
the Validator (`flows/collectors/aws/validation.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from controls.documents import Document, Pointer, load_yaml, validated
from controls.errors import CatalogError, Mistake
from controls.spelling import near_matches
from evidence_schema.models.declaration import KindDeclaration
from flows.collectors.aws.never_call import refuse_forbidden
from flows.collectors.errors import ForbiddenCall
from flows.collectors.kinds import Kinds, Origin, calls_in, operations_in, source_of

__all__ = ["DECLARATIONS", "Kinds", "KindsReading", "load_kinds", "read_kinds"]

DECLARATIONS = Path(__file__).parent / "aws"
OF_OWN_OBJECTS = frozenset({"s3:GetObject", "s3:ListObjectsV2"})
"""Asked by several modules, each of objects that no other reads: log files, evidence."""
_ACTION = re.compile(r"[a-z][a-z0-9-]*:[A-Z][A-Za-z0-9]*")
"""`prefix:Name`, as IAM writes actions; a star would permit what nobody asks for."""


@dataclass(frozen=True)
class KindsReading:
    """What a folder holds: the kinds whose declarations are sound, and what is wrong with the others."""

    kinds: Kinds
    mistakes: tuple[Mistake, ...]
    names: frozenset[str]
    """Of all kinds, also of those that are wrong."""


@cache
def load_kinds(folder: Path = DECLARATIONS) -> Kinds:
    """Every kind declared in the folder's YAML files; raises CatalogError with file and line of each mistake."""
    reading = read_kinds(folder)
    if reading.mistakes:
        raise CatalogError(*reading.mistakes)
    return reading.kinds


def read_kinds(folder: Path) -> KindsReading:
    """Like `load_kinds`, but no mistake raises: each is told, and the other kinds stand."""
    return _Folder(folder).read()


@dataclass(frozen=True)
class _Entry:
    declaration: KindDeclaration
    document: Document
    index: int

    def mistake(self, pointer: Pointer, text: str) -> Mistake:
        return self.document.mistake(("kinds", self.index, *pointer), text)


@dataclass
class _Folder:
    folder: Path
    found: dict[str, _Entry] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    mistakes: list[Mistake] = field(default_factory=list)

    def read(self) -> KindsReading:
        for path in sorted(self.folder.glob("*.yaml")):
            self._take(path)
        if not self.found and not self.mistakes:
            told = "expected .yaml files that declare kinds, found none; name the folder that holds them"
            self.mistakes.append(Mistake(self.folder, None, told))
        for entry in self.found.values():
            self._refuse_wrong_source(entry)
            self._refuse_forbidden(entry)
            self._refuse_malformed_actions(entry)
        self._refuse_repeated_operations()
        sound = {kind: entry for kind, entry in self.found.items() if self._is_sound(kind)}
        origins = {kind: Origin(entry.document.path, entry.index) for kind, entry in sound.items()}
        kinds = Kinds((entry.declaration for entry in sound.values()), MappingProxyType(origins))
        return KindsReading(kinds, tuple(self.mistakes), frozenset(self.names))

    def _take(self, path: Path) -> None:
        try:
            document = load_yaml(path)
            entries = _entries_of(document)
        except CatalogError as error:
            self.mistakes += error.mistakes
            return
        for index, entry in enumerate(entries):
            if isinstance(entry, dict):
                entry.setdefault("service", document.data["service"])
                self.names.add(str(entry.get("kind")))
            try:
                declaration = validated(KindDeclaration, document, ("kinds", index))
            except CatalogError as error:
                self.mistakes += error.mistakes
                continue
            self._add(_Entry(declaration, document, index))

    def _add(self, entry: _Entry) -> None:
        kind = entry.declaration.kind
        before = self.found.setdefault(kind, entry)
        if before is not entry:
            place = f"{before.document.path.name}:{before.mistake(('kind',), '').line}"
            told = f"expected each kind once, found {kind!r} again (first at {place}); take one of them away"
            self.mistakes.append(entry.mistake(("kind",), told))

    def _is_sound(self, kind: str) -> bool:
        """Neither wrong itself nor built on one that is."""
        step, seen = kind, set[str]()
        while step not in seen:
            if step not in self.found or step in self.wrong:
                return False
            seen.add(step)
            step = source_of(self.found[step].declaration) or step
        return True

    def _tell(self, entry: _Entry, pointer: Pointer, text: str) -> None:
        self.wrong.add(entry.declaration.kind)
        self.mistakes.append(entry.mistake(pointer, f"{entry.declaration.kind}: {text}"))

    def _refuse_wrong_source(self, entry: _Entry) -> None:
        declaration = entry.declaration
        name = "from" if declaration.source is not None else "view_of"
        step, seen = source_of(declaration), [declaration.kind]
        while step is not None and step in self.found and step not in seen:
            seen.append(step)
            step = source_of(self.found[step].declaration)
        if step in seen:
            self._tell(entry, (name,), f"expected no circle of sources, found {' -> '.join([*seen, step])}")
            return
        source = self.found.get(source_of(declaration) or "")
        if source is None:
            asked = source_of(declaration)
            if asked is not None and asked not in self.names:
                hint = near_matches(asked, self.found)
                self._tell(entry, (name,), f"expected `{name}` to name a declared kind, found {asked!r}; {hint}")
            return
        self._refuse_unfit_source(entry, name, source.declaration)

    def _refuse_unfit_source(self, entry: _Entry, name: str, source: KindDeclaration) -> None:
        declaration = entry.declaration
        if declaration.scope == "account" and source.scope == "region":
            self._tell(entry, ("scope",), f"expected scope region, as its source {source.kind} has, found account")
        if declaration.source is None:
            return
        if declaration.service != source.service:
            told = f"expected the service of its source ({source.service}), found {declaration.service}"
            self._tell(entry, (name,), f"{told}; declare it in the file of its source: one task asks both")
        if source.view_of is not None:
            told = f"expected `from` to name a gathered kind, found the view {source.kind}; name {source.view_of}"
            self._tell(entry, (name,), told)

    def _refuse_forbidden(self, entry: _Entry) -> None:
        opted_in = entry.declaration.opt_in is not None
        for pointer, operation in operations_in(entry.declaration):
            try:
                refuse_forbidden(operation, declared=True, opted_in=opted_in)
            except ForbiddenCall as error:
                self._tell(entry, pointer, f"{error}; ask another operation, or leave this one out")

    def _refuse_malformed_actions(self, entry: _Entry) -> None:
        for index, action in enumerate(entry.declaration.actions):
            if not _ACTION.fullmatch(action):
                told = f"expected an IAM action as `prefix:Name` (kms:ListKeys), found {action!r}"
                self._tell(entry, ("actions", index), f"{told}; write it as the Service Authorization Reference does")

    def _refuse_repeated_operations(self) -> None:
        asked: dict[str, list[_Question]] = {}
        for kind, entry in self.found.items():
            for question in _questions(entry.declaration):
                others = asked.setdefault(question.operation, [])
                other = next((item for item in others if item.kind != kind and not _differ(item, question)), None)
                if other is not None:
                    self._tell(
                        entry,
                        question.pointer,
                        f"expected each operation in one kind, found {question.operation} also in {other.kind}; "
                        f"build on that kind with `from: {other.kind}`, or give both different fixed parameters",
                    )
                others.append(question)


def _entries_of(document: Document) -> list[Any]:
    top = document.data
    if not isinstance(top, dict) or set(top) != {"service", "kinds"} or not isinstance(top["kinds"], list):
        raise document.error((), "expected `service: NAME` and `kinds: [...]` at the top, and nothing else")
    return top["kinds"]


@dataclass(frozen=True)
class _Question:
    """An operation as one kind asks it."""

    kind: str
    pointer: Pointer
    operation: str
    fixed: Mapping[str, Any]
    """Parameters whose value is always the same."""


def _differ(one: _Question, other: _Question) -> bool:
    """Whether no call of the one can be a call of the other: they ask for different scopes or types, say."""
    return any(one.fixed[name] != other.fixed[name] for name in one.fixed.keys() & other.fixed.keys())


def _questions(declaration: KindDeclaration) -> Iterator[_Question]:
    fixed = {(*pointer, "operation"): _fixed(call.parameters) for pointer, call in calls_in(declaration)}
    for pointer, operation in operations_in(declaration):
        if operation not in OF_OWN_OBJECTS:
            yield _Question(declaration.kind, pointer, operation, fixed.get(pointer, {}))


def _fixed(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if isinstance(value, str) and not value.startswith("$")}
