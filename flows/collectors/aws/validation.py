"""Declarations against botocore's own models, before anything is asked: a mistake is an error, never a quiet gap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, OperationNotFoundError, Shape

from controls.documents import Pointer
from controls.errors import Mistake
from controls.spelling import near_matches
from evidence_schema.models.declaration import (
    PLAIN_STRING,
    WHOLE_BODY,
    BatchDeclaration,
    CallDeclaration,
    EachDeclaration,
    KindDeclaration,
    ListDeclaration,
)
from evidence_schema.paths import EACH_OF
from evidence_schema.records import DERIVATIONS
from flows.collectors.aws.never_call import refuse_forbidden
from flows.collectors.aws.paging import paging_of
from flows.collectors.aws.parameters import NAMES, references_in
from flows.collectors.aws.queries import NAMES as NAMES_IN_QUERY
from flows.collectors.aws.queries import STORE, placeholders
from flows.collectors.aws.session import Sessions
from flows.collectors.errors import BadKind, ForbiddenCall
from flows.collectors.kinds import Kinds, operations_in

_TURNS_PAGES = re.compile(
    r"next.*|.*(next|continuation|pagination|paging|page)_?token|(next)?_?marker|is_?truncated|has_?more.*|.*truncated",
    re.IGNORECASE,
)
"""Output members that mean: there may be more."""
_UNIT_IDS = ("$region", "$account")
_Wrong = tuple[Pointer, str]
"""A place in a declaration, and what is wrong with it."""


@dataclass(frozen=True)
class _Place:
    """The shapes that references may name at one place; None where nothing is known of them."""

    item: Shape | None = None
    parent: Shape | None = None
    started: Shape | None = None
    has_item: bool = False
    has_parent: bool = False
    has_ids: bool = False

    def within(self, item: Shape | None) -> _Place:
        return _Place(item, self.item, self.started, has_item=True, has_parent=self.has_item)


class Validator:
    """Checks kinds; a kind that was found good is not checked again."""

    def __init__(self, kinds: Kinds, sessions: Sessions, modules: frozenset[str]) -> None:
        self._kinds = kinds
        self._sessions = sessions
        self._modules = modules
        self._good: set[str] = set()

    def check(self, kind: str) -> None:
        """Raise BadKind, naming the kind and each of its mistakes, where its declaration cannot work."""
        found = self.mistakes_of(kind)
        if found:
            raise BadKind(*found)

    def check_all(self) -> None:
        """Check every kind; loads the model of every service."""
        found = [mistake for kind in self._kinds for mistake in self.mistakes_of(kind)]
        if found:
            raise BadKind(*found)

    def mistakes_of(self, kind: str) -> tuple[Mistake, ...]:
        """What is wrong with a kind, with file and line where it was read from a file; nothing where it is good."""
        if kind in self._good:
            return ()
        found = tuple(self._kinds.mistake(kind, pointer, text) for pointer, text in self._wrong_with(kind))
        if not found:
            self._good.add(kind)
        return found

    def _wrong_with(self, kind: str) -> list[_Wrong]:
        declaration = self._kinds[kind]
        found = [wrong for pointer, operation in operations_in(declaration) for wrong in self._refused(
            declaration, pointer, operation)]  # fmt: skip
        found += _wrong_query(declaration)
        if declaration.module is not None and declaration.module not in self._modules:
            hint = near_matches(declaration.module, self._modules)
            told = f"expected a module out of {sorted(self._modules)}, found {declaration.module!r}; {hint}"
            found.append((("module",), told))
        if declaration.derive not in DERIVATIONS:
            hint = near_matches(declaration.derive, DERIVATIONS)
            found.append((("derive",), f"expected a known derivation, found {declaration.derive!r}; {hint}"))
        if declaration.view_of is None and not found:  # without its operations nothing else can be said of it
            check = _Check(declaration, self._sessions, self._source_shape(declaration))
            check.all()
            found += check.found
        return found

    def _refused(self, declaration: KindDeclaration, pointer: Pointer, operation: str) -> Iterator[_Wrong]:
        try:
            refuse_forbidden(operation, declared=True, opted_in=declaration.opt_in is not None)
        except ForbiddenCall as error:
            yield pointer, f"{error}; ask another operation, or leave this one out"
            return
        service, _, name = operation.partition(":")
        try:
            known = self._sessions.model(service).operation_names
        except UnknownServiceError:
            yield pointer, f"expected a service as boto3 names it, found {service!r}; look in boto3's list of services"
            return
        if name not in known:
            yield pointer, f"expected an operation of {service}, found {name!r}; {near_matches(name, known)}"

    def _source_shape(self, declaration: KindDeclaration) -> Shape | None:
        source = self._kinds.get(declaration.source or "")
        if source is None or source.list is None or source.list.id == PLAIN_STRING:
            return None  # of a plain string the record has one field of our own
        try:
            model = self._sessions.model(source.list.service or source.service)
            operation = model.operation_model(source.list.operation)
        except (UnknownServiceError, OperationNotFoundError):
            return None  # told of the source itself
        return _Check(source, self._sessions, None).item_shape(operation, source.list)


@dataclass
class _Check:
    """Looks at every call of a declaration and goes on after a mistake: `found` holds them all."""

    declaration: KindDeclaration
    sessions: Sessions
    source: Shape | None
    found: list[_Wrong] = field(default_factory=list)

    def all(self) -> None:
        declaration, place = self.declaration, _Place()
        if declaration.start is not None:
            operation = self._single(("start",), declaration.start, place)
            place = _Place(started=operation.output_shape)
        if declaration.poll is not None:
            operation = self._single(("poll",), declaration.poll, place)
            self._path(("poll", "path"), operation, declaration.poll.path)
        if declaration.total is not None:
            operation = self._single(("total",), declaration.total, place)
            self._path(("total", "path"), operation, declaration.total.path)
        if declaration.source is not None:
            place = _Place(self.source, None, place.started, has_item=True)
        if declaration.list is not None:
            place = place.within(self._listing(("list",), declaration.list, place))
        self._each((), declaration.each, place)
        if declaration.batch is not None:
            self._batch(declaration.batch, place)

    def item_shape(self, operation: OperationModel, listing: ListDeclaration, where: Pointer = ()) -> Shape | None:
        if listing.items == WHOLE_BODY:
            return operation.output_shape
        found = self._path((*where, "items"), operation, listing.items)
        return getattr(found, "member", found) if found is not None and found.type_name == "list" else found

    def _each(self, around: Pointer, each: Mapping[str, EachDeclaration], place: _Place) -> None:
        for name, entry in each.items():
            here = (*around, "each", name)
            if entry.list is None:
                operation = self._single(here, entry.call, place)
                if entry.take is not None:
                    self._path((*here, "take"), operation, entry.take)
            else:
                self._each(here, entry.each, place.within(self._listing((*here, "list"), entry.list, place)))

    def _listing(self, where: Pointer, listing: ListDeclaration, place: _Place) -> Shape | None:
        operation = self._call(where, listing, place)
        self._pages(where, listing, operation)
        before = len(self.found)
        item = self.item_shape(operation, listing, where)
        if len(self.found) > before:
            return None  # of items that are not there nothing more is told
        if listing.id == PLAIN_STRING:
            if item is None or item.type_name != "string":
                told = f"expected plain strings at {listing.items!r}, found another shape; name the member as `id`"
                self._tell((*where, "id"), listing, told)
        elif listing.id not in _UNIT_IDS:
            self._step_through((*where, "id"), item, listing.id, listing.operation, f"`id: {listing.id}`")
        return item

    def _batch(self, batch: BatchDeclaration, place: _Place) -> None:
        where = ("batch",)
        if self.declaration.list is None:
            told = "expected `list` where `batch` is given: its ids come from the page of the list"
            self._tell(where, batch, told)
        within = _Place(None, place.parent, place.started, has_parent=place.has_parent, has_ids=True)
        self._listing(where, batch, within)

    def _single(self, where: Pointer, call: CallDeclaration, place: _Place) -> OperationModel:
        operation = self._call(where, call, place)
        if call.pages is not None or self._known_paging(call) is not None or _page_members(operation):
            told = "expected an operation that gives its answer at once, found one that pages; declare it as `list:`"
            self._tell((*where, "operation"), call, told)
        return operation

    def _call(self, where: Pointer, call: CallDeclaration, place: _Place) -> OperationModel:
        operation = self.sessions.model(self._service(call)).operation_model(call.operation)
        shape: Any = operation.input_shape
        members = shape.members if shape is not None else {}
        for name in call.parameters:
            if name not in members:
                told = f"expected a parameter out of {', '.join(members) or '(none)'}, found {name!r}"
                self._tell((*where, "with", name), call, told)
        missing = set(shape.required_members if shape is not None else ()) - set(call.parameters)
        if missing:
            told = f"expected the required parameters {', '.join(sorted(missing))}, found them missing"
            self._tell((*where, "with"), call, f"{told}; give them under `with`")
        for name, value in call.parameters.items():
            for reference in references_in({name: value}):
                self._reference((*where, "with", name), call, reference, place)
        return operation

    def _reference(self, where: Pointer, call: CallDeclaration, reference: str, place: _Place) -> None:
        name, _, path = reference[1:].partition(".")
        there = {
            "item": place.has_item,
            "parent": place.has_parent,
            "ids": place.has_ids,
            "started": place.started is not None,
            "query": self.declaration.query is not None,
        }
        if name not in NAMES or not there.get(name, True) or (name == "period" and path not in ("start", "end")):
            usable = ", ".join(f"${known}" for known in sorted(NAMES) if there.get(known, True))
            told = f"expected a reference that has a value here, found {reference!r}; use one of {usable}"
            self._tell(where, call, told)
            return
        shape = {"item": place.item, "parent": place.parent, "started": place.started}.get(name)
        if path:
            self._step_through(where, shape, path, call.operation, f"a value at {reference}")

    def _pages(self, where: Pointer, call: CallDeclaration, operation: OperationModel) -> None:
        config = paging_of(call.pages, self._known_paging(call))
        found = _page_members(operation)
        if config is None and found:
            told = (
                f"expected `pages: {{output, input}}`, found none: the answer has "
                f"{', '.join(found)} and botocore has no paginator for it"
            )
            self._tell((*where, "operation"), call, told)
        if call.pages is not None:
            self._path((*where, "pages"), operation, call.pages.output)
            shape: Any = operation.input_shape
            if shape is None or call.pages.input not in shape.members:
                hint = near_matches(call.pages.input, shape.members if shape is not None else ())
                told = f"expected `pages.input` to name a parameter, found {call.pages.input!r}; {hint}"
                self._tell((*where, "pages", "input"), call, told)

    def _known_paging(self, call: CallDeclaration) -> Mapping[str, Any] | None:
        return self.sessions.paginators(self._service(call)).get(call.operation)

    def _path(self, where: Pointer, operation: OperationModel, path: str) -> Shape | None:
        return self._step_through(where, operation.output_shape, path, operation.name, f"the answer's {path!r}")

    def _step_through(self, where: Pointer, shape: Shape | None, path: str, operation: str, what: str) -> Shape | None:
        step: Any = shape
        for part in path.split("."):
            name = part.removesuffix(EACH_OF)
            if step is None or step.type_name == "map":
                return None  # a source's own fields, or names that come from outside
            members = getattr(step, "members", {})
            if name not in members:
                there = ", ".join(members) or "(none)"
                self.found.append(
                    (where, f"{operation}: expected {what} to exist, found no {name!r}; there are: {there}")
                )
                return None
            step = members[name] if name == part else members[name].member
        found: Shape = step
        return found

    def _service(self, call: CallDeclaration) -> str:
        return call.service or self.declaration.service

    def _tell(self, where: Pointer, call: CallDeclaration, text: str) -> None:
        self.found.append((where, f"{call.operation}: {text}"))


def _wrong_query(declaration: KindDeclaration) -> Iterator[_Wrong]:
    known = NAMES_IN_QUERY | ({STORE} if declaration.module is not None else set())
    if unknown := placeholders(declaration.query or "") - known:
        yield (("query",), f"expected only {{{'}, {'.join(sorted(known))}}} in `query`, found {sorted(unknown)}")


def _page_members(operation: OperationModel) -> list[str]:
    return list(_found_page_members(operation))


def _found_page_members(operation: OperationModel) -> Iterator[str]:
    shape: Any = operation.output_shape
    for name, member in (shape.members if shape is not None else {}).items():
        if member.type_name in ("string", "boolean") and _TURNS_PAGES.fullmatch(name):
            yield name
