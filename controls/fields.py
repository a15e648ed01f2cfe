"""Whether every name that a check reads is one that its kinds have, however deep: a misspelt name would not fail, it
would quietly never be true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from controls.models import Check
from controls.reading import PLACES
from controls.rules import MACROS, Reads, reads
from controls.spelling import near_matches
from controls.syntax import Call, Index, Member, Name, Node, tree_of

Shape: TypeAlias = dict[str, "Shape"] | list["Shape"] | str | None
"""What a value can hold: a map of names to shapes, a list holding the shape of its items, a leaf as the name of its
type, or ANYTHING."""
ANYTHING: Shape = None
"""A shape of which nothing is known: names that come from outside, such as tags; what a derivation makes."""
OWN = ("account", "region", "id")
"""What every row of a `with:` list has besides the fields of its kind."""


@dataclass(frozen=True)
class KindFields:
    """What a record of a kind can hold."""

    shape: Shape
    """A map of field names; ANYTHING where nobody says what the kind's fields are."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Unfit:
    """Something that a check reads and that is not there, or has and does not read."""

    step: tuple[str, ...]
    """Where in the check: the part whose rule it is, or a list, parameter or fact."""
    name: str
    text: str


@dataclass(frozen=True)
class Fit:
    """What came of a check."""

    unfit: tuple[Unfit, ...]
    told: int
    """How many names were found in a shape."""
    untold: tuple[str, ...]
    """Paths that no shape tells of: nobody can say without an answer whether they are spelt right."""


def fit_of(check: Check, kinds: Mapping[str, KindFields]) -> Fit:
    """Hold a check's rules against the fields of its kinds; kinds that are not given are passed over."""
    judge = _Judge(check, kinds)
    judge.look()
    return Fit(tuple(dict.fromkeys(judge.unfit)), judge.told, tuple(sorted(judge.untold)))


@dataclass
class _Judge:
    check: Check
    kinds: Mapping[str, KindFields]
    unfit: list[Unfit] = field(default_factory=list)
    told: int = 0
    untold: set[str] = field(default_factory=set)

    def look(self) -> None:
        check = self.check
        found = reads(*check.rules.values(), lists=check.with_)
        self.unfit += _unread(check, found)
        kinds = [kind for kind in check.over if kind not in PLACES]
        over = kinds if all(kind in self.kinds for kind in kinds) else []  # of half of them nothing can be said
        self.unfit += self._sure_guards(over, found)
        rows = {name: self.kinds[item.kind] for name, item in check.with_.items() if item.kind in self.kinds}
        for part, source in check.rules.items():
            tree = tree_of(source)
            for kind in over:
                self._walk(part, tree, _Roots(self._record(kind, over, found), _rows(rows)))
            if check.over and set(check.over) <= set(PLACES):  # a place has no fields of its own
                self._walk(part, tree, _Roots(_Record("a place (`over: account`, `over: region`)", {}), _rows(rows)))

    def _walk(self, part: str, tree: Node, roots: _Roots) -> None:
        paths = Paths(roots.named())
        paths.walk(tree)
        self.told += paths.told
        self.untold |= paths.untold
        for path, name, there in paths.wrong:
            told = roots.record.wrong(name) if path == "record" else _wrong(path, name, there)
            if told:
                self.unfit.append(Unfit((part,), name, f"{self.check.id}: {told}"))

    def _record(self, kind: str, over: list[str], found: Reads) -> _Record:
        others = {
            name for other in over if isinstance(shape := _with_defaults(self.kinds[other]), dict) for name in shape
        }
        return _Record(kind, _with_defaults(self.kinds[kind]), tuple(over), frozenset(others), found.guarded)

    def _sure_guards(self, over: list[str], found: Reads) -> Iterator[Unfit]:
        """`has()` is always true of a field with a default; only `false` says the same as nothing."""
        for kind in over:
            for name, value in self.kinds[kind].defaults.items():
                if name in found.guarded and value is not False:
                    yield Unfit(
                        ("over",),
                        name,
                        f"{self.check.id}: expected has(record.{name}) of a field that may be left out, found that "
                        f"{kind} gives it a default; look at the value, or take the default away",
                    )


@dataclass(frozen=True)
class _Record:
    """The record of one kind of a check, and the names that all its kinds have together."""

    kind: str
    shape: Shape
    over: tuple[str, ...] = ()
    others: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()

    def wrong(self, name: str) -> str:
        """What to say of a name that the kind does not have; nothing where another kind has it and it is asked for."""
        if name not in self.others:
            of = " or ".join(self.over) or self.kind
            return f"expected a field of {of}, found record.{name}; {near_matches(name, self.others)}"
        if name not in self.guarded:
            return (
                f"expected every kind of `over` to have {name}, found that {self.kind} has not; "
                f"ask has(record.{name}) first"
            )
        return ""


@dataclass(frozen=True)
class _Roots:
    record: _Record
    rows: Mapping[str, Shape]

    def named(self) -> dict[str, Shape]:
        return {"record": self.record.shape, **self.rows}


def _with_defaults(kind: KindFields) -> Shape:
    return {**dict.fromkeys(kind.defaults, ANYTHING), **kind.shape} if isinstance(kind.shape, dict) else kind.shape


def _rows(kinds: Mapping[str, KindFields]) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for name, kind in kinds.items():
        shape = _with_defaults(kind)
        found[name] = [{**shape, **dict.fromkeys(OWN, "string")} if isinstance(shape, dict) else shape]
    return found


def _unread(check: Check, found: Reads) -> Iterator[Unfit]:
    """What is declared and not read is a rule that was meant otherwise."""
    if not check.rules:
        return
    for where, names, read in (
        ("with", check.with_, found.rows),
        ("params", check.params, found.params),
        ("needs", check.needs, found.facts),
    ):
        for name in names:
            if name not in read:
                step = (where,) if where == "needs" else (where, name)
                told = f"expected every name under `{where}` to be read by a rule, found {name}, which none reads"
                yield Unfit(step, name, f"{check.id}: {told}; read it, or take it away")


def _wrong(path: str, name: str, there: tuple[str, ...]) -> str:
    if not there:
        return f"expected {path} to have members, found {path}.{name} of a plain value; look at the answer's shape"
    return f"expected a member of {path}, found {path}.{name}; {near_matches(name, there)}"


@dataclass(frozen=True)
class _Seen:
    """A value that comes from a record or row: the path to it, and its shape."""

    path: str
    shape: Shape


_Bound = Mapping[str, "_Seen | None"]


class Paths:
    """Walks a rule's tree and names each member that the shapes of its roots do not have, however deep."""

    def __init__(self, roots: Mapping[str, Shape]) -> None:
        self.wrong: list[tuple[str, str, tuple[str, ...]]] = []
        """Path of the holder, the name that it does not have, and the names that it has."""
        self.told = 0
        self.untold: set[str] = set()
        self._roots = {name: _Seen(name, shape) for name, shape in roots.items()}

    def walk(self, node: Node, bound: _Bound = MappingProxyType({})) -> _Seen | None:
        """What stands at a node; None for what no record holds."""
        if isinstance(node, Name):
            return bound[node.name] if node.name in bound else self._roots.get(node.name)
        if isinstance(node, Member):
            return self._member(self.walk(node.of, bound), node.name)
        if isinstance(node, Index):
            self.walk(node.by, bound)
            return _item(self.walk(node.of, bound))
        if isinstance(node, Call):
            return self._call(node, bound)
        seen = [self.walk(part, bound) for part in node.parts]
        return _Seen("(...)", ANYTHING) if any(seen) else None

    def _member(self, holder: _Seen | None, name: str) -> _Seen | None:
        if holder is None:
            return None
        path = f"{holder.path}.{name}"
        if holder.shape is ANYTHING:
            self.untold.add(path)
            return _Seen(path, ANYTHING)
        if not isinstance(holder.shape, dict) or name not in holder.shape:
            there = tuple(holder.shape) if isinstance(holder.shape, dict) else ()
            self.wrong.append((holder.path, name, there))
            return None  # what follows from it is not told
        self.told += 1
        return _Seen(path, holder.shape[name])

    def _call(self, node: Call, bound: _Bound) -> _Seen | None:
        holder = self.walk(node.of, bound) if node.of is not None else None
        variable = node.arguments[0] if node.arguments else None
        if node.of is None or node.name not in MACROS or not isinstance(variable, Name):
            for argument in node.arguments:
                self.walk(argument, bound)
            return None
        inside = {**bound, variable.name: _item(holder)}
        results = [self.walk(argument, inside) for argument in node.arguments[1:]]
        if node.name == "filter":
            return holder
        made = results[-1] if node.name == "map" and results else None
        return _Seen(f"{made.path}...", [made.shape]) if made is not None else None


def _item(holder: _Seen | None) -> _Seen | None:
    if holder is None:
        return None
    return _Seen(f"{holder.path}[]", holder.shape[0] if isinstance(holder.shape, list) else ANYTHING)
