"""All kinds that this installation can gather, from the YAML beside the collectors. Needs no AWS library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from controls.documents import Document, load_yaml, validated
from evidence_schema.models.declaration import EachDeclaration, KindDeclaration

DECLARATIONS = Path(__file__).parent / "aws"


class Kinds(Mapping[str, KindDeclaration]):
    """Kind name -> declaration, with what planning asks about them."""

    def __init__(self, declarations: Iterable[KindDeclaration]) -> None:
        self._kinds = MappingProxyType({item.kind: item for item in declarations})

    def __getitem__(self, kind: str) -> KindDeclaration:
        return self._kinds[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def sources_of(self, kind: str) -> tuple[str, ...]:
        """The kinds that must be gathered for this one (`from:`, `view_of:`), nearest first, itself left out."""
        found: list[str] = []
        step = _source_of(self[kind])
        while step is not None and step not in found:
            found.append(step)
            step = _source_of(self[step])
        return tuple(found)

    def operations_of(self, kind: str) -> tuple[str, ...]:
        """`service:Operation` of every call that gathering the kind itself makes, sorted."""
        return tuple(sorted(set(_operations(self[kind]))))

    def actions_of(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """The IAM actions that the kinds and all they build on need, sorted."""
        wanted = {source for kind in kinds for source in (kind, *self.sources_of(kind))}
        return tuple(sorted({action for kind in wanted for action in self[kind].actions}))


@cache
def load_kinds(folder: Path = DECLARATIONS) -> Kinds:
    """Every kind declared in the folder's YAML files; raises CatalogError with file and line of each mistake."""
    declarations: dict[str, KindDeclaration] = {}
    places: dict[str, Callable[[str], Exception]] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = load_yaml(path)
        for index, declaration in enumerate(_declarations(document)):
            mistake = _error_at(document, index)
            if declaration.kind in declarations:
                raise mistake(f"expected each kind once, found {declaration.kind!r} again")
            declarations[declaration.kind], places[declaration.kind] = declaration, mistake
    for kind, declaration in declarations.items():
        _check_source(declaration, declarations, places[kind])
    _check_operations(declarations, places)
    return Kinds(declarations.values())


def _declarations(document: Document) -> Iterator[KindDeclaration]:
    top = document.data
    if not isinstance(top, dict) or set(top) != {"service", "kinds"} or not isinstance(top["kinds"], list):
        raise document.error((), "expected `service: NAME` and `kinds: [...]` at the top, and nothing else")
    for index, entry in enumerate(top["kinds"]):
        if isinstance(entry, dict):
            entry.setdefault("service", top["service"])
        yield validated(KindDeclaration, document, ("kinds", index))


def _error_at(document: Document, index: int) -> Callable[[str], Exception]:
    return lambda text: document.error(("kinds", index, "kind"), text)


def _check_source(
    declaration: KindDeclaration, known: Mapping[str, KindDeclaration], mistake: Callable[[str], Exception]
) -> None:
    seen = [declaration.kind]
    step = _source_of(declaration)
    while step is not None:
        if step not in known:
            raise mistake(f"{seen[-1]}: expected `from`/`view_of` to name a declared kind, found {step!r}")
        if step in seen:
            raise mistake(f"expected no circle of sources, found {' -> '.join([*seen, step])}")
        seen.append(step)
        step = _source_of(known[step])
    source = known.get(_source_of(declaration) or "")
    if source is None:
        return
    if declaration.scope == "account" and source.scope == "region":
        raise mistake(f"{declaration.kind}: expected scope region, as its source {source.kind} has")
    if declaration.source is not None and declaration.service != source.service:
        raise mistake(f"{declaration.kind}: expected the service of its source ({source.service}): one task asks both")
    if declaration.source is not None and source.view_of is not None:
        raise mistake(f"{declaration.kind}: expected `from` to name a gathered kind, found the view {source.kind}")


def _check_operations(known: Mapping[str, KindDeclaration], places: Mapping[str, Callable[[str], Exception]]) -> None:
    asked: dict[str, list[_Question]] = {}
    for kind, declaration in known.items():
        for question in [item for item in _questions(declaration) if item.operation not in OF_OWN_OBJECTS]:
            others = asked.setdefault(question.operation, [])
            other = next((item for item in others if item.kind != kind and not _differ(item, question)), None)
            if other is not None:
                raise places[kind](
                    f"{kind}: expected each operation in one kind, found {question.operation} also in {other.kind}; "
                    f"build on that kind with `from: {other.kind}`, or give both different fixed parameters"
                )
            others.append(question)


OF_OWN_OBJECTS = frozenset({"s3:GetObject", "s3:ListObjectsV2"})
"""Asked by several modules, each of objects that no other reads: log files, evidence."""


@dataclass(frozen=True)
class _Question:
    """An operation as one kind asks it."""

    kind: str
    operation: str
    fixed: Mapping[str, Any]
    """Parameters whose value is always the same."""


def _differ(one: _Question, other: _Question) -> bool:
    """Whether no call of the one can be a call of the other: they ask for different scopes or types, say."""
    return any(one.fixed[name] != other.fixed[name] for name in one.fixed.keys() & other.fixed.keys())


def _questions(declaration: KindDeclaration) -> Iterator[_Question]:
    for operation in declaration.operations:
        yield _Question(declaration.kind, operation, {})
    for call in _calls(declaration):
        fixed = {
            name: value
            for name, value in call.parameters.items()
            if isinstance(value, str) and not value.startswith("$")
        }
        yield _Question(declaration.kind, f"{call.service or declaration.service}:{call.operation}", fixed)


def _source_of(declaration: KindDeclaration) -> str | None:
    return declaration.source or declaration.view_of


def _operations(declaration: KindDeclaration) -> Iterator[str]:
    yield from declaration.operations
    for call in _calls(declaration):
        yield f"{call.service or declaration.service}:{call.operation}"


def _calls(declaration: KindDeclaration) -> Iterator[Any]:
    for call in (declaration.start, declaration.poll, declaration.list, declaration.batch, declaration.total):
        if call is not None:
            yield call
    for entry in declaration.each.values():
        yield from _calls_of_each(entry)


def _calls_of_each(entry: EachDeclaration) -> Iterator[Any]:
    yield entry.list or entry
    for nested in entry.each.values():
        yield from _calls_of_each(nested)
