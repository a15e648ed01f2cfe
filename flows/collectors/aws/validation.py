"""Declarations against botocore's own models, before anything is asked: a mistake is an error, never a quiet gap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel, Shape

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
from flows.collectors.aws.never_call import refuse_forbidden
from flows.collectors.aws.paging import paging_of
from flows.collectors.aws.parameters import NAMES, references_in
from flows.collectors.aws.session import Sessions
from flows.collectors.errors import BadKind, ForbiddenCall
from flows.collectors.registry import Kinds

_TURNS_PAGES = re.compile(
    r"next.*|.*(next|continuation|pagination|paging|page)_?token|(next)?_?marker|is_?truncated|has_?more.*|.*truncated",
    re.IGNORECASE,
)
"""Output members that mean: there may be more."""
_UNIT_IDS = ("$region", "$account")


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
        """Raise BadKind, naming the kind, where its declaration cannot work."""
        if kind in self._good:
            return
        declaration = self._kinds[kind]
        for operation in self._kinds.operations_of(kind):
            self._check_allowed(declaration, operation)
        if declaration.module is not None and declaration.module not in self._modules:
            raise _bad(declaration, f"expected a module out of {sorted(self._modules)}, found {declaration.module!r}")
        if declaration.view_of is None:
            _Check(declaration, self._sessions, self._source_shape(declaration)).all()
        self._good.add(kind)

    def check_all(self) -> None:
        """Check every kind; loads the model of every service."""
        for kind in self._kinds:
            self.check(kind)

    def _check_allowed(self, declaration: KindDeclaration, operation: str) -> None:
        try:
            refuse_forbidden(operation, declared=True)
        except ForbiddenCall as error:
            raise _bad(declaration, str(error)) from error
        service, _, name = operation.partition(":")
        if name not in self._sessions.model(service).operation_names:
            raise _bad(declaration, f"expected an operation of {service}, found {name!r}; look in the service's API")

    def _source_shape(self, declaration: KindDeclaration) -> Shape | None:
        source = self._kinds.get(declaration.source or "")
        if source is None or source.list is None or source.list.id == PLAIN_STRING:
            return None  # of a plain string the record has one field of our own
        operation = self._sessions.model(source.list.service or source.service).operation_model(source.list.operation)
        return _Check(source, self._sessions, None).item_shape(operation, source.list)


@dataclass
class _Check:
    declaration: KindDeclaration
    sessions: Sessions
    source: Shape | None

    def all(self) -> None:
        declaration, place = self.declaration, _Place()
        if declaration.start is not None:
            operation = self._single(declaration.start, place)
            place = _Place(started=operation.output_shape)
        if declaration.poll is not None:
            self._path(self._single(declaration.poll, place), declaration.poll.path)
        if declaration.total is not None:
            self._path(self._single(declaration.total, place), declaration.total.path)
        if declaration.source is not None:
            place = _Place(self.source, None, place.started, has_item=True)
        if declaration.list is not None:
            place = place.within(self._listing(declaration.list, place))
        self._each(declaration.each, place)
        if declaration.batch is not None:
            self._batch(declaration.batch, place)

    def item_shape(self, operation: OperationModel, listing: ListDeclaration) -> Shape | None:
        if listing.items == WHOLE_BODY:
            return operation.output_shape
        found = self._path(operation, listing.items)
        return getattr(found, "member", found) if found is not None and found.type_name == "list" else found

    def _each(self, each: Mapping[str, EachDeclaration], place: _Place) -> None:
        for entry in each.values():
            if entry.list is None:
                operation = self._single(entry.call, place)
                if entry.take is not None:
                    self._path(operation, entry.take)
            else:
                self._each(entry.each, place.within(self._listing(entry.list, place)))

    def _listing(self, listing: ListDeclaration, place: _Place) -> Shape | None:
        operation = self._call(listing, place)
        self._pages(listing, operation)
        item = self.item_shape(operation, listing)
        if listing.id == PLAIN_STRING:
            if item is None or item.type_name != "string":
                raise self._bad(listing, f"expected plain strings at {listing.items!r}, found another shape")
        elif listing.id not in _UNIT_IDS:
            self._step_through(item, listing.id, listing, f"`id: {listing.id}`")
        return item

    def _batch(self, batch: BatchDeclaration, place: _Place) -> None:
        if self.declaration.list is None:
            raise self._bad(batch, "expected `list` where `batch` is given: its ids come from the page of the list")
        self._listing(batch, _Place(None, place.parent, place.started, has_parent=place.has_parent, has_ids=True))

    def _single(self, call: CallDeclaration, place: _Place) -> OperationModel:
        operation = self._call(call, place)
        if call.pages is not None or self._known_paging(call) is not None or _page_members(operation):
            raise self._bad(
                call, "expected an operation that gives its answer at once, found one that pages; declare it as `list:`"
            )
        return operation

    def _call(self, call: CallDeclaration, place: _Place) -> OperationModel:
        operation = self.sessions.model(self._service(call)).operation_model(call.operation)
        shape: Any = operation.input_shape
        members = shape.members if shape is not None else {}
        for name in call.parameters:
            if name not in members:
                raise self._bad(call, f"expected a parameter out of {', '.join(members) or '(none)'}, found {name!r}")
        missing = set(shape.required_members if shape is not None else ()) - set(call.parameters)
        if missing:
            raise self._bad(call, f"expected the required parameters {', '.join(sorted(missing))}, found them missing")
        for reference in references_in(call.parameters):
            self._reference(call, reference, place)
        return operation

    def _reference(self, call: CallDeclaration, reference: str, place: _Place) -> None:
        name, _, path = reference[1:].partition(".")
        there = {
            "item": place.has_item,
            "parent": place.has_parent,
            "ids": place.has_ids,
            "started": place.started is not None,
        }
        if name not in NAMES or not there.get(name, True) or (name == "period" and path not in ("start", "end")):
            raise self._bad(call, f"expected a reference that has a value here, found {reference!r}")
        shape = {"item": place.item, "parent": place.parent, "started": place.started}.get(name)
        if path:
            self._step_through(shape, path, call, f"a value at {reference}")

    def _pages(self, call: CallDeclaration, operation: OperationModel) -> None:
        config = paging_of(call.pages, self._known_paging(call))
        found = _page_members(operation)
        if config is None and found:
            raise self._bad(
                call,
                f"expected `pages: {{output, input}}`, found none: the answer has "
                f"{', '.join(found)} and botocore has no paginator for it",
            )
        if call.pages is not None:
            self._path(operation, call.pages.output)
            shape: Any = operation.input_shape
            if shape is None or call.pages.input not in shape.members:
                raise self._bad(call, f"expected `pages.input` to name a parameter, found {call.pages.input!r}")

    def _known_paging(self, call: CallDeclaration) -> Mapping[str, Any] | None:
        return self.sessions.paginators(self._service(call)).get(call.operation)

    def _path(self, operation: OperationModel, path: str) -> Shape | None:
        call = CallDeclaration(operation=operation.name)
        return self._step_through(operation.output_shape, path, call, f"the answer's {path!r}")

    def _step_through(self, shape: Shape | None, path: str, call: CallDeclaration, what: str) -> Shape | None:
        step: Any = shape
        for part in path.split("."):
            name = part.removesuffix(EACH_OF)
            if step is None or step.type_name == "map":
                return None  # a source's own fields, or names that come from outside
            members = getattr(step, "members", {})
            if name not in members:
                raise self._bad(
                    call, f"expected {what} to exist, found no {name!r}; there are: {', '.join(members) or '(none)'}"
                )
            step = members[name] if name == part else members[name].member
        found: Shape = step
        return found

    def _service(self, call: CallDeclaration) -> str:
        return call.service or self.declaration.service

    def _bad(self, call: CallDeclaration, text: str) -> BadKind:
        return _bad(self.declaration, f"{call.operation}: {text}")


def _bad(declaration: KindDeclaration, text: str) -> BadKind:
    return BadKind(f"{declaration.kind}: {text}")


def _page_members(operation: OperationModel) -> list[str]:
    return list(_found_page_members(operation))


def _found_page_members(operation: OperationModel) -> Iterator[str]:
    shape: Any = operation.output_shape
    for name, member in (shape.members if shape is not None else {}).items():
        if member.type_name in ("string", "boolean") and _TURNS_PAGES.fullmatch(name):
            yield name
