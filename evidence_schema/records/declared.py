"""Records of a kind that is declared, not programmed: list items with their per-item answers merged in.

Works page by page: a transcript holds a page of the list, then the calls made for its items, then the next page, so
memory holds one page of items whatever the size of the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from evidence_schema.models.declaration import (
    PLAIN_STRING,
    WHOLE_BODY,
    EachDeclaration,
    KindDeclaration,
    ListDeclaration,
)
from evidence_schema.models.transcript import Call, Gap, Record, TranscriptHeader
from evidence_schema.paths import MISSING, all_at, look_up
from evidence_schema.records.policies import parse_policy

_LONGEST_ID = 2048
PLAIN_FIELD = "value"
"""A plain string becomes the record field of this name."""


def declared(
    header: TranscriptHeader,
    declaration: KindDeclaration,
    calls: Iterator[Call],
    files: Callable[[str], Iterable[bytes]],  # noqa: ARG001 (a declared kind keeps no files)
) -> Iterator[Record]:
    """The records in the order of the source's list."""
    page = _Page(declaration)
    for call in calls:
        if call.step == "list" or (declaration.list is None and page.is_new_parent(call)):
            yield from page.records(header)
            page = page.next(header, call)
        else:
            page.take(call)
    yield from page.records(header)


def items_of(call: Call, listing: ListDeclaration) -> list[Any]:
    """The items of one page; none where the call did not answer or the member was left out."""
    if call.body is None:
        return []
    return [call.body] if listing.items == WHOLE_BODY else all_at(call.body, listing.items)


def id_of(item: Any, listing: ListDeclaration, header_region: str, account: str) -> str:
    """The item's id; an item without one is named by its content's absence, never dropped."""
    special = {PLAIN_STRING: item, "$region": header_region, "$account": account}
    found = special[listing.id] if listing.id in special else look_up(item, listing.id)
    return "(without id)" if found is MISSING else str(found)[:_LONGEST_ID]


def gap_of(call: Call) -> Gap:
    """What a call that did not answer means for the name it would have filled."""
    error = call.error
    if error is None:
        raise ValueError("expected a call with an error")
    return Gap(operation=f"{call.service}:{call.operation}", code=error.code, result=error.result)


@dataclass
class _Draft:
    """An item being filled."""

    id: str
    fields: dict[str, Any]
    gaps: dict[str, Gap] = field(default_factory=dict)
    nested: dict[tuple[str, str], _Draft] = field(default_factory=dict)


@dataclass
class _Page:
    declaration: KindDeclaration
    drafts: dict[str, list[_Draft]] = field(default_factory=dict)
    parent: str | None = None

    def is_new_parent(self, call: Call) -> bool:
        """A kind that only asks more about another kind's items has no list of its own."""
        return bool(call.item) and call.item[0] != self.parent

    def next(self, header: TranscriptHeader, call: Call) -> _Page:
        page = _Page(self.declaration, parent=call.item[0] if call.item else None)
        listing = self.declaration.list
        if listing is None:
            page._add(call.item[0], {})
            page.take(call)
            return page
        for item in items_of(call, listing):
            fields = dict(item) if isinstance(item, dict) else {PLAIN_FIELD: item}
            page._add(id_of(item, listing, header.unit.region, header.unit.account), fields)
        return page

    def _add(self, id_: str, fields: dict[str, Any]) -> None:
        if self.parent is not None and self.declaration.list is not None:
            fields.setdefault("parent", self.parent)
        self.drafts.setdefault(id_, []).append(_Draft(id_, {**self.declaration.default, **fields}))

    def take(self, call: Call) -> None:
        """Merge one answer into the item(s) it was asked for."""
        if call.step == "batch":
            self._take_batch(call)
            return
        if not call.item or call.step in ("start", "poll", "total"):
            return
        depth = 1 if self.declaration.list is not None and self.declaration.source is not None else 0
        for draft in self.drafts.get(call.item[depth] if len(call.item) > depth else "", ()):
            _merge(draft, self.declaration.each, call.step.split("."), call.item[depth + 1 :], call)

    def _take_batch(self, call: Call) -> None:
        batch = self.declaration.batch
        if batch is None:
            return
        if call.error is not None and not call.absent:
            for id_ in call.item:
                for draft in self.drafts.get(id_, ()):
                    draft.gaps[batch.under] = gap_of(call)
        for item in items_of(call, batch):
            for draft in self.drafts.get(id_of(item, batch, "", ""), ()):
                draft.fields[batch.under] = item

    def _record_id(self, id_: str) -> str:
        listing = self.declaration.list
        within = listing is not None and listing.id_within_parent and self.parent is not None
        return f"{self.parent}/{id_}"[:_LONGEST_ID] if within else id_

    def records(self, header: TranscriptHeader) -> Iterator[Record]:
        for drafts in self.drafts.values():
            for draft in drafts:
                _parse_policies(draft, self.declaration.policies)
                yield Record(
                    kind=self.declaration.kind,
                    account=header.unit.account,
                    region=header.unit.region,
                    id=self._record_id(draft.id),
                    fields=draft.fields,
                    gaps=draft.gaps,
                )


def _parse_policies(draft: _Draft, paths: Iterable[str]) -> None:
    """Policy texts become objects; one that cannot be read is unknown, not absent."""
    for path in paths:
        *around, last = path.split(".")
        holder = look_up(draft.fields, ".".join(around))
        if not isinstance(holder, dict) or last not in holder:
            continue
        policy = parse_policy(holder[last])
        if policy is None:
            draft.gaps[path.split(".")[0]] = Gap(operation="policy:Parse", code="UnreadablePolicy", result="failed")
        else:
            holder[last] = policy


def _merge(
    draft: _Draft, each: dict[str, EachDeclaration], steps: list[str], items: tuple[str, ...], call: Call
) -> None:
    """Follow the dotted step into the item's nested lists and put the answer where it belongs."""
    name, *rest = steps
    entry = each.get(name)
    if entry is None:
        return
    if entry.list is None:
        _put(draft, name, call, entry.take)
    elif rest == ["list"]:
        _extend(draft, name, entry.list, call)
    elif rest and items:
        nested = draft.nested.get((name, items[0]))
        if nested is not None:
            _merge(nested, entry.each, rest, items[1:], call)
            if nested.gaps:  # what is unknown of a nested item makes the whole list unknown: rules read it whole
                draft.gaps[name] = next(iter(nested.gaps.values()))


def _put(draft: _Draft, name: str, call: Call, take: str | None) -> None:
    if call.absent:
        return
    if call.error is not None:
        draft.gaps[name] = gap_of(call)
        return
    found = look_up(call.body, take) if take else call.body
    if found is not MISSING:
        draft.fields[name] = found


def _extend(draft: _Draft, name: str, listing: ListDeclaration, call: Call) -> None:
    found = draft.fields.setdefault(name, [])
    if call.error is not None and not call.absent:
        draft.gaps[name] = gap_of(call)
        return
    for item in items_of(call, listing):
        fields = dict(item) if isinstance(item, dict) else {PLAIN_FIELD: item}
        found.append(fields)
        id_ = id_of(item, listing, "", "")
        draft.nested[(name, id_)] = _Draft(id_, fields)
