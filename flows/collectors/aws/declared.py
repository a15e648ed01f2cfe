"""Gathers a kind that is declared, not programmed.

The order of calls is page by page: a page of the list, all calls for its items, then the next page. Records are
derived in that order with one page in memory (`evidence_schema.records.declared`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evidence_schema.models.declaration import (
    WHOLE_BODY,
    BatchDeclaration,
    CallDeclaration,
    EachDeclaration,
    ListDeclaration,
    PollDeclaration,
)
from evidence_schema.paths import MISSING, all_at, look_up
from evidence_schema.records.declared import id_of, items_of
from flows.collectors.aws.calls import Answer, Ask
from flows.collectors.aws.paging import pages, paging_of
from flows.collectors.aws.parameters import ParameterMissing, Scope
from flows.collectors.aws.work import Work

Chain = tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """An item as it came, and the id under which it is stored."""

    value: Any
    id: str


def gather_declared(work: Work) -> None:
    """Ask everything the declaration asks; what happened stands in transcript and tally."""
    scope = _started(work, work.scope)
    if scope is None:
        return
    if work.source is None:
        _list_and_ask(work, scope, ())
    else:
        for source in work.source.items():
            inner, chain = scope.within(source.fields), (source.id,)
            if work.declaration.list is not None:
                _list_and_ask(work, inner, chain)
            else:
                work.tally.returned += 1
                work.tally.kept += 1
                _ask_each(work, work.declaration.each, inner, chain, (), primary=True)
    _count_total(work, scope)


def _started(work: Work, scope: Scope) -> Scope | None:
    """After `start` and `poll`: the scope with the start's answer; None where there is nothing to list."""
    declaration = work.declaration
    if declaration.start is not None:
        answer = _ask_one(work, declaration.start, "start", scope, (), primary=True)
        if not answer.has_body:
            return None
        scope = replace(scope, started=answer.plain)
    if declaration.poll is not None and not _polled(work, declaration.poll, scope):
        return None
    return scope


def _polled(work: Work, poll: PollDeclaration, scope: Scope) -> bool:
    for attempt in range(poll.at_most):
        if attempt:
            work.caller.sleep(poll.every_s)
        answer = _ask_one(work, poll, "poll", scope, (), primary=True, page=attempt + 1)
        if not answer.has_body:
            return False
        state = look_up(answer.plain, poll.path)
        if state in poll.done:
            return True
        if state in poll.failed:
            ask = _question(work, poll, "poll", {}, (), page=attempt + 1, primary=True)
            work.caller.note_failure(ask, "StartedAndFailed", f"{poll.path} is {str(state)[:80]}")
            return False
    ask = _question(work, poll, "poll", {}, (), page=poll.at_most, primary=True)
    work.caller.note_failure(ask, "PollTimeout", f"{poll.path} is not done after {poll.at_most} polls")
    return False


def _list_and_ask(work: Work, scope: Scope, chain: Chain) -> None:
    listing = work.declaration.list
    if listing is None:
        return
    for answer in _pages(work, listing, "list", scope, chain, primary=True):
        items = _items(work, answer, listing)
        work.tally.returned += len(items)
        work.tally.kept += len(items)
        for item in items:
            _ask_each(work, work.declaration.each, scope.within(item.value), (*chain, item.id), ())
        _ask_batches(work, scope, items)


def _ask_each(
    work: Work,
    each: Mapping[str, EachDeclaration],
    scope: Scope,
    chain: Chain,
    steps: tuple[str, ...],
    *,
    primary: bool = False,
) -> None:
    """Every per-item question of one item, nested lists with their own items included."""
    for name, entry in each.items():
        trail = (*steps, name)
        if entry.list is None:
            _ask_one(work, entry.call, ".".join(trail), scope, chain, primary=primary)
            continue
        for answer in _pages(work, entry.list, ".".join((*trail, "list")), scope, chain, primary=primary):
            for item in _items(work, answer, entry.list):
                _ask_each(work, entry.each, scope.within(item.value), (*chain, item.id), trail)


def _ask_batches(work: Work, scope: Scope, items: list[Item]) -> None:
    batch = work.declaration.batch
    if batch is None:
        return
    for chunk in _chunks(items, batch):
        inner = Scope(
            scope.account,
            scope.region,
            scope.period,
            parent=scope.item,
            ids=tuple(_asked_id(item, work) for item in chunk),
            started=scope.started,
        )
        for _ in _pages(work, batch, "batch", inner, tuple(item.id for item in chunk)):
            pass  # recorded; the derivation joins them by id


def _count_total(work: Work, scope: Scope) -> None:
    total = work.declaration.total
    if total is None:
        return
    answer = _ask_one(work, total, "total", scope, ())
    found = look_up(answer.plain, total.path)
    if isinstance(found, int):
        work.tally.control_total = found
    elif answer.has_body:
        work.tally.notes.append(f"{total.operation} gave no number at {total.path}")


def _pages(
    work: Work, listing: ListDeclaration, step: str, scope: Scope, chain: Chain, *, primary: bool = False
) -> Iterator[Answer]:
    try:
        parameters = scope.resolve(listing.parameters)
    except ParameterMissing as error:
        ask = _question(work, listing, step, {}, chain, primary=primary)
        yield work.caller.note_failure(ask, "MissingParameter", str(error))
        return
    known = work.paginator(listing.service or work.declaration.service, listing.operation)
    for answer in pages(
        lambda asked, page: work.caller.ask(_question(work, listing, step, asked, chain, page, primary=primary)),
        lambda page, code, why: work.caller.note_failure(
            _question(work, listing, step, {}, chain, page, primary=primary), code, why
        ),
        parameters,
        paging_of(listing.pages, known),
    ):
        work.tally.pages += answer.has_body
        yield answer


def _ask_one(
    work: Work, call: CallDeclaration, step: str, scope: Scope, chain: Chain, *, primary: bool = False, page: int = 1
) -> Answer:
    try:
        parameters = scope.resolve(call.parameters)
    except ParameterMissing as error:
        ask = _question(work, call, step, {}, chain, page, primary=primary)
        return work.caller.note_failure(ask, "MissingParameter", str(error))
    return work.caller.ask(_question(work, call, step, parameters, chain, page, primary=primary))


def _question(
    work: Work,
    call: CallDeclaration,
    step: str,
    parameters: Mapping[str, Any],
    chain: Chain,
    page: int = 1,
    *,
    primary: bool = False,
) -> Ask:
    return Ask(
        step=step,
        service=call.service or work.declaration.service,
        operation=call.operation,
        parameters=parameters,
        item=chain,
        page=page,
        primary=primary,
        absent=call.absent,
        unavailable=call.unavailable,
    )


def _items(work: Work, answer: Answer, listing: ListDeclaration) -> list[Item]:
    """The page's items as they came, named as they are stored: redaction cuts values, never their order."""
    if not answer.has_body:
        return []
    unit = work.unit
    values = [answer.plain] if listing.items == WHOLE_BODY else all_at(answer.plain, listing.items)
    stored = items_of(answer.call, listing)
    return [
        Item(value, id_of(kept, listing, unit.region, unit.account)) for value, kept in zip(values, stored, strict=True)
    ]


def _asked_id(item: Item, work: Work) -> Any:
    """What a batch is asked for: the item's id as it came."""
    listing = work.declaration.list
    if listing is None or isinstance(item.value, str):
        return item.value
    found = look_up(item.value, listing.id)
    return item.id if found is MISSING else found


def _chunks(items: list[Item], batch: BatchDeclaration) -> Iterable[list[Item]]:
    for start in range(0, len(items), batch.size):
        yield items[start : start + batch.size]
