"""Which names a CEL rule reads, from its source: what poison, missing facts and static checks are decided by.

A small tokenizer is enough because a rule may use `record`, `params`, `facts` and the rows of a `with:` list only as
`<it>.<name>`, so that no name is ever computed; any other use is refused when the catalogue is loaded. A test compares
it with the syntax tree of an independent CEL parser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from controls.errors import RuleError

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>(?:[rR][bB]?|[bB][rR])(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\r\n]*"|'[^'\r\n]*')
                 | [bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
                          |"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*'))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>\d[0-9A-Za-z_.]*)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
FOLLOWED = ("record", "params", "facts")
ALWAYS_THERE = frozenset({*FOLLOWED, "account", "region", "id", "at", "period"})
LITERALS = frozenset({"true", "false", "null", "in"})
MACROS = ("all", "exists", "exists_one", "filter", "map")
OPENING, CLOSING = frozenset("([{"), frozenset(")]}")
DEEPEST_MACROS = 2
"""The engine has no limit on cost: four nested macros over 60 items did not return in a minute."""


@dataclass(frozen=True)
class Reads:
    """The names a rule reads."""

    record: frozenset[str]
    params: frozenset[str]
    facts: frozenset[str]
    guarded: frozenset[str]
    """Names of `record` that the rule asks for with `has(record.<name>)`."""
    variables: frozenset[str]
    """Free variables: no member, no function, no variable that a macro binds."""
    rows: Mapping[str, frozenset[str]]
    """For each list that is read: the names that are read of its rows."""


def reads(*sources: str | None, lists: Collection[str] = ()) -> Reads:
    """The names that the given rules read together; raises RuleError where one is used in a way that hides them.

    `lists` are the variables that hold the records of `with:` kinds.
    """
    found = _Found()
    for source in sources:
        if source:
            _Rule(source, lists).read_into(found)
    return Reads(
        record=frozenset(found.followed["record"]),
        params=frozenset(found.followed["params"]),
        facts=frozenset(found.followed["facts"]),
        guarded=frozenset(found.guarded),
        variables=frozenset(found.variables - LITERALS),
        rows=MappingProxyType({name: frozenset(names) for name, names in sorted(found.rows.items())}),
    )


@dataclass
class _Found:
    followed: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in FOLLOWED})
    guarded: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    rows: dict[str, set[str]] = field(default_factory=dict)


class _Rule:
    """One rule's tokens, and which macro variable stands for the rows of which list."""

    def __init__(self, source: str, lists: Collection[str]) -> None:
        self._source = source
        self._lists = lists
        self._tokens = list(tokens(source))
        self._refuse_deep_macros()
        self._bound: dict[str, set[str]] = {}
        for index, word in enumerate(self._tokens):
            if self._binds(index):
                self._bind(word, self._list_before(index - 4))

    def read_into(self, found: _Found) -> None:
        for index, word in enumerate(self._tokens):
            if not is_name(word) or self._is_member(index) or self._binds(index):
                continue
            if word in FOLLOWED:
                found.followed[word].add(self._member(index))
                if word == "record" and self._is_guarded(index):
                    found.guarded.add(self._member(index))
            elif word in self._lists:
                self._refuse_other_use_of_rows(index)
                found.rows.setdefault(word, set())
            elif self._bound.get(word):
                for list_ in self._bound[word]:
                    found.rows.setdefault(list_, set()).add(self._member(index))
            if word not in self._bound and self._at(index + 1) != "(":
                found.variables.add(word)

    def _bind(self, variable: str, list_: str | None) -> None:
        if variable in ALWAYS_THERE or variable in self._lists:
            raise RuleError(f"expected another name for the variable of a macro than {variable}, in {self._source!r}")
        self._bound.setdefault(variable, set()).update({list_} if list_ else ())

    def _binds(self, index: int) -> bool:
        """`xs.exists(x, ...)` binds x."""
        before = tuple(self._at(index - back) for back in (3, 2, 1))
        return before[0] == "." and before[1] in MACROS and before[2] == "(" and self._at(index + 1) == ","

    def _list_before(self, end: int) -> str | None:
        """The list whose rows the expression that ends at a token is: the list itself, or filters of it."""
        if self._at(end) in self._lists and self._at(end - 1) != ".":
            return self._at(end)
        if self._at(end) != ")":
            return None
        opened = self._opening_of(end)
        is_filter = self._at(opened - 1) == "filter" and self._at(opened - 2) == "."
        found = self._list_before(opened - 3) if is_filter else None
        if found is not None:
            self._refuse_other_use_of_rows(end)
        return found

    def _opening_of(self, closing: int) -> int:
        depth = 0
        for index in range(closing, -1, -1):
            depth += (self._tokens[index] in CLOSING) - (self._tokens[index] in OPENING)
            if not depth:
                return index
        return 0

    def _refuse_other_use_of_rows(self, end: int) -> None:
        """Rows are counted, or looked at one by one: only so their names are all seen. A filter's rows count too."""
        using = self._at(end + 2)
        if self._at(end + 1) != "." or using not in (*MACROS, "size") or self._at(end + 3) != "(":
            name = self._at(end) if self._at(end) != ")" else "a filter's result"
            raise RuleError(
                f"expected {name} only as `{name}.size()` or with {', '.join(MACROS)}, found otherwise in "
                f"{self._source!r}; write {name}.exists(item, item.<name> ...)"
            )
        if using == "filter":
            self._refuse_other_use_of_rows(self._closing_of(end + 3))

    def _closing_of(self, opening: int) -> int:
        depth = 0
        for index in range(opening, len(self._tokens)):
            depth += (self._tokens[index] in OPENING) - (self._tokens[index] in CLOSING)
            if not depth:
                return index
        return len(self._tokens)

    def _is_member(self, index: int) -> bool:
        if self._at(index - 1) != ".":
            return False
        before = self._at(index - 2)
        if before in ("", "in") or not (before[0].isalnum() or before[0] in '_)]}"'):
            raise RuleError(f"expected no dot at the beginning of a name, found one in {self._source!r}")
        return True

    def _member(self, index: int) -> str:
        """The name after `<word>.`; RuleError where the token is used in another way."""
        name = self._at(index + 2)
        if self._at(index + 1) != "." or not is_name(name) or self._at(index + 3) == "(":
            word = self._tokens[index]
            raise RuleError(
                f"expected `{word}` only as `{word}.<name>`, found otherwise in {self._source!r}; write {word}.<name>"
            )
        return name

    def _is_guarded(self, index: int) -> bool:
        return self._at(index - 2) == "has" and self._at(index - 1) == "(" and self._at(index + 3) == ")"

    def _refuse_deep_macros(self) -> None:
        open_brackets: list[bool] = []
        for index, word in enumerate(self._tokens):
            if word in OPENING:
                is_macro = word == "(" and self._at(index - 1) in MACROS and self._at(index - 2) == "."
                open_brackets.append(is_macro)
                if sum(open_brackets) > DEEPEST_MACROS:
                    raise RuleError(
                        f"expected macros nested at most {DEEPEST_MACROS} deep, found more in {self._source!r}"
                    )
            elif word in CLOSING and open_brackets:
                open_brackets.pop()

    def _at(self, index: int) -> str:
        return self._tokens[index] if 0 <= index < len(self._tokens) else ""


def tokens(source: str) -> Iterator[str]:
    """The words and signs of a rule, one by one; of a string only that it is one."""
    for match in _TOKEN.finditer(source):
        if match.lastgroup == "string":
            yield '""'  # what a string says is no name
        elif match.lastgroup != "space":
            yield match[0]


def is_name(word: str) -> bool:
    """Whether a token is a name (or a word of the language)."""
    return word[:1].isalpha() or word[:1] == "_"
