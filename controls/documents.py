"""YAML documents that remember their lines, so that an error can say file and line. The only door to PyYAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from controls.errors import CatalogError, Mistake
from evidence_schema.canonical import MAX_INTEGER

Model = TypeVar("Model", bound=BaseModel)
Pointer = tuple[str | int, ...]
"""Where in a document: names and positions, from the top."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C, ten times as fast, where PyYAML was built with it."""
_YAML = "tag:yaml.org,2002:"
_TAGS = {
    MappingNode: ("map",),
    SequenceNode: ("seq",),
    ScalarNode: ("str", "int", "float", "bool", "null", "timestamp"),
}
"""What may stand in a file: no type of its own making."""
_NO_VALUE = (ConstructorError, ValueError, LookupError, AttributeError)
"""What PyYAML raises where a scalar is not what its tag says: `!!int ""`, `!!bool maybe`, 2026-02-30."""
DEEPEST = 64
LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True)
class Document:
    """A document's plain value and the line of each of its parts."""

    path: Path
    data: Any
    lines: dict[Pointer, int]

    def line(self, pointer: Sequence[str | int]) -> int:
        """The line of a part, or of the nearest part around it that stands in the file."""
        place = tuple(pointer)
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def line_naming(self, pointer: Sequence[str | int], word: str) -> int:
        """The line of a part on which a word stands: a rule may be as long as a page. Else the line of the part."""
        first = self.line(pointer)
        last = min((line for line in self.lines.values() if line > first), default=None)
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()[first - 1 : last and last - 1]
        except (OSError, UnicodeDecodeError):
            return first
        named = re.compile(rf"\b{re.escape(word)}\b")
        return next((first + index for index, line in enumerate(lines) if named.search(line)), first)

    def error(self, pointer: Sequence[str | int], text: str) -> CatalogError:
        """An error that names file and line."""
        return CatalogError(self.mistake(pointer, text))

    def mistake(self, pointer: Sequence[str | int], text: str) -> Mistake:
        """What is wrong with a part, with its file and line."""
        return Mistake(self.path, self.line(pointer), text)


def load_yaml(path: Path) -> Document:
    """Read a YAML file; raises CatalogError where it cannot be read, is malformed, or repeats a key."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatalogError(Mistake(path, None, f"expected a readable file, found: {error.strerror}")) from error
    return parse_yaml(data, path)


def parse_yaml(data: bytes, path: Path) -> Document:
    """Like `load_yaml`, of bytes at hand; `path` is for messages."""
    if len(data) > LARGEST:
        raise CatalogError(Mistake(path, None, f"expected at most {LARGEST} bytes, found {len(data)}"))
    try:
        _refuse_traps(data, path)
        node = yaml.compose(data, Loader=_Loader)
        reading = _Reading(path)
        value = reading.plain(node, ()) if node is not None else None
    except yaml.YAMLError as error:
        told = f"expected YAML, found: {_problem_of(error)}"
        raise CatalogError(Mistake(path, _line_of(error), told)) from error
    return Document(path, value, reading.lines)


def _refuse_traps(data: bytes, path: Path) -> None:
    """What must not be composed: an alias can unfold a small file into a huge one, and the composer in C recurses."""
    depth = 0
    for event in yaml.parse(data, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            told = f"expected no alias, found *{event.anchor}; write the value out"
            raise CatalogError(Mistake(path, line, told))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise CatalogError(Mistake(path, line, f"expected at most {DEEPEST} levels, found more"))


def validated(model: type[Model], document: Document, pointer: Pointer = ()) -> Model:
    """The part of the document at `pointer` as a model; every mistake is named with its line, in one error."""
    value = document.data
    for step in pointer:
        value = value[step]
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise CatalogError(*_mistakes(document, pointer, error)) from error


def _mistakes(document: Document, pointer: Pointer, error: ValidationError) -> list[Mistake]:
    found = []
    mistakes = error.errors(include_url=False)
    for mistake in mistakes:
        if _follows(mistake, mistakes):
            continue
        place = pointer + tuple(mistake["loc"])
        shown = ".".join(str(step) for step in mistake["loc"]) or "(whole)"
        found.append(document.mistake(place, f"{shown}: {_wording(mistake)}"))
    return found


def _follows(mistake: Any, mistakes: Iterable[Any]) -> bool:
    """A list is called too short where its items were dropped for mistakes of their own, which are told."""
    own = mistake["loc"]
    return mistake["type"] == "too_short" and any(
        len(other["loc"]) > len(own) and other["loc"][: len(own)] == own for other in mistakes
    )


def _wording(mistake: Any) -> str:
    kind = mistake["type"]
    if kind == "extra_forbidden":
        return "expected no field of this name; check the spelling against docs or evidence_schema/json"
    if kind == "missing":
        return "expected this field, found none"
    if kind == "value_error":  # our own words, which say what was found where it may be said
        return str(mistake["ctx"]["error"])
    return f"{mistake['msg']}; found {str(mistake['input'])[:80]!r}"


class _Reading:
    """One pass over a document's nodes: plain values, and the line of each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scalars = yaml.SafeLoader("")
        self.lines: dict[Pointer, int] = {}

    def plain(self, node: Node, place: Pointer) -> Any:
        self.lines[place] = node.start_mark.line + 1
        tag = node.tag.removeprefix(_YAML)
        if tag not in _TAGS[type(node)]:
            raise self._error(node, f"expected a plain value, found one of type {tag[:40]!r}; write it in quotes")
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.plain(child, (*place, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, place: Pointer) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._error(key_node, "expected a plain name as key")
            key = key_node.value
            if key in found:
                raise self._error(key_node, f"expected each key once, found {key!r} again")
            found[key] = self.plain(child, (*place, key))
            self.lines[(*place, key)] = key_node.start_mark.line + 1
        return found

    def _scalar(self, node: Node) -> Any:
        try:
            value = self._scalars.construct_object(node)
        except _NO_VALUE as error:
            raise self._error(
                node, f"expected a plain value, found: {_problem_of(error)}; write it in quotes"
            ) from error
        if isinstance(value, datetime | date):
            return node.value  # times are read where they are used, in one form
        if isinstance(value, float) or (isinstance(value, int) and abs(value) > MAX_INTEGER):
            # What is read here is sealed, and canonical JSON holds neither.
            raise self._error(
                node, f"expected a whole number up to 2^53-1, found {node.value[:40]}; write it in quotes"
            )
        return value

    def _error(self, node: Node, text: str) -> CatalogError:
        return CatalogError(Mistake(self._path, node.start_mark.line + 1, text))


def _line_of(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 1


def _problem_of(error: Exception) -> str:
    return (str(getattr(error, "problem", None) or error).splitlines() or ["nothing"])[0]


def dump_yaml(value: Any) -> str:
    """A plain value as YAML, in the order given."""
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False))
