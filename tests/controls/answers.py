"""Records for tests, derived from answers as AWS gives them, by the real declarations: a default or a renamed field
that would mislead a rule misleads the test too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from evidence_schema.canonical import canonical_bytes
from evidence_schema.digest import Digest
from evidence_schema.models.declaration import WHOLE_BODY, EachDeclaration, KindDeclaration, ListDeclaration
from evidence_schema.models.transcript import Call, CallError, Collector, Record, TranscriptHeader
from evidence_schema.models.unit import Period, Unit
from evidence_schema.paths import EACH_OF, all_at
from evidence_schema.records import derive, derive_view
from flows.collectors.registry import Kinds, load_kinds

ACCOUNT, REGION = "111122223333", "eu-west-1"
RUN = "run-20261101T060000Z-0a1b2c3d"
AT = datetime(2026, 11, 1, 6, 0, 0, tzinfo=UTC)
PERIOD = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))

Body = dict[str, Any]
Files = Mapping[str, Iterable[bytes]]
GIVEN: list[tuple[str, str, Body]] = []
"""(service, operation, body) of every answer that a test made up: one test holds them against botocore's shapes."""


@cache
def kinds() -> Kinds:
    return load_kinds()


def unit(kind: str, region: str = REGION) -> Unit:
    declaration = kinds()[kind]
    return Unit(kind=kind, account=ACCOUNT, region="global" if declaration.scope == "account" else region)


class Told:
    """The transcript of one unit, call by call."""

    def __init__(self, kind: str, region: str = REGION, period: Period = PERIOD, read_at: datetime = AT) -> None:
        self.declaration = kinds()[kind]
        self.calls: list[Call] = []
        self.files: dict[str, list[bytes]] = {}
        self._read_at = read_at
        self.header = TranscriptHeader(
            unit=unit(kind, region),
            run_id=RUN,
            principal=f"arn:aws:iam::{ACCOUNT}:role/reader",
            period=period,
            collector=Collector(name="evidence-collector", version="0", declaration=Digest.of(b"")),
            declaration=self.declaration.to_json(),
        )

    def call(self, operation: str, step: str, answer: Body | CallError, *item: str, service: str = "") -> None:
        service = service or self.declaration.service
        fails = isinstance(answer, CallError)
        if not fails:
            canonical_bytes(answer)
            GIVEN.append((service, operation, deepcopy(answer)))  # a derivation parses policies where they stand
        self.calls.append(
            Call(
                seq=len(self.calls), service=service, operation=operation, region=self.header.unit.region,
                parameters={}, step=step, item=item, started=self._read_at, finished=self._read_at,
                body=None if fails else answer, error=answer if fails else None,
            )
        )  # fmt: skip

    def list(self, *items: Any, source: str | None = None) -> Told:
        """One page of the list that the kind declares."""
        listing = self.declaration.list
        assert listing is not None
        page, item = _page(listing, items), [source] if source else []
        self.call(listing.operation, "list", page, *item, service=listing.service or "")
        return self

    def each(self, name: str, answer: Body | CallError, *item: str) -> Told:
        """The answer to what is asked for one item; `selections.selection` for an item's item."""
        entry = _entry(self.declaration.each, name)
        operation = entry.list.operation if entry.list is not None else str(entry.operation)
        body = _page(entry.list, answer["items"]) if entry.list is not None and isinstance(answer, dict) else answer
        service = (entry.list.service if entry.list is not None else entry.service) or ""
        self.call(operation, name + (".list" if entry.list is not None else ""), body, *item, service=service)
        return self

    def absent(self, name: str, code: str, *item: str) -> Told:
        """The error code that the declaration calls a fact."""
        self.each(name, CallError(code=code, status=404, result="failed"), *item)
        assert code in _entry(self.declaration.each, name).absent
        self.calls[-1] = self.calls[-1].model_copy(update={"absent": True})
        return self

    def records(self, view: str | None = None) -> tuple[Record, ...]:
        origin = Origin(self, tuple(self.calls), view)
        found = origin.records(origin.calls)
        ORIGINS.update((id(record), (record, origin)) for record in found)
        return found

    def open(self, name: str) -> Iterator[bytes]:
        return iter(self.files[name])


@dataclass(frozen=True)
class Origin:
    """What records were derived from, so that they can be derived again from other answers to the same calls."""

    told: Told
    calls: tuple[Call, ...]
    view: str | None

    def records(self, calls: Iterable[Call]) -> tuple[Record, ...]:
        header = self.told.header
        if self.view is None:
            return tuple(derive(header, iter(calls), self.told.open))
        return tuple(derive_view(kinds()[self.view], header, iter(calls), self.told.open))


ORIGINS: dict[int, tuple[Record, Origin]] = {}
"""By the identity of a record that stands as it was derived: where it came from."""


def _page(listing: ListDeclaration, items: Iterable[Any]) -> Body:
    if listing.items == WHOLE_BODY:
        (body,) = items
        return dict(body)
    *around, last = listing.items.split(".")
    body: Body = {last: list(items)}
    for name in reversed(around):
        body = {name.removesuffix(EACH_OF): [body] if name.endswith(EACH_OF) else body}
    assert all_at(body, listing.items) == list(items)
    return body


def _entry(each: Mapping[str, EachDeclaration], path: str) -> EachDeclaration:
    first, _, rest = path.partition(".")
    return _entry(each[first].each, rest) if rest else each[first]


def listed(kind: str, *items: Any, region: str = REGION) -> tuple[Record, ...]:
    """The records of a kind that is one list."""
    return Told(kind, region).list(*items).records()


def denied(code: str = "AccessDenied") -> CallError:
    return CallError(code=code, status=403, result="denied")


def declaration_of(kind: str) -> KindDeclaration:
    return kinds()[kind]
