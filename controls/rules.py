"""Which names a CEL rule reads, from its source: what poison, missing facts and static checks are decided by.

A small tokenizer is enough because a rule may use `record`, `params` and `facts` only as `record.<name>`; any other use
is refused when the catalogue is loaded. A test compares it with the syntax tree of an independent CEL parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controls.errors import RuleError

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
                              |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>\d[0-9A-Za-z_.]*)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
FOLLOWED = ("record", "params", "facts")
LITERALS = frozenset({"true", "false", "null", "in"})
MACROS = ("all", "exists", "exists_one", "filter", "map")
DEEPEST_MACROS = 2
"""The engine has no limit on cost: four nested macros over 60 items did not return in a minute."""


@dataclass(frozen=True)
class Reads:
    """The names a rule reads."""

    record: frozenset[str]
    params: frozenset[str]
    facts: frozenset[str]
    guarded: frozenset[str]
    """Names of `record` that the rule asks for with `has()`."""
    variables: frozenset[str]
    """Free variables: no member, no function, no variable that a macro binds."""
    members: frozenset[str]
    """All names that stand after a dot."""


def reads(*sources: str | None) -> Reads:
    """The names that the given rules read together; raises RuleError where `record` is used in another way."""
    found: dict[str, set[str]] = {name: set() for name in (*FOLLOWED, "guarded", "bound", "variables", "members")}
    for source in sources:
        if source:
            _read_into(found, source)
    bound, variables = found.pop("bound"), found.pop("variables")
    if bound & set(FOLLOWED):
        raise RuleError(f"expected another name for the variable of a macro than {', '.join(sorted(bound))}")
    free = frozenset(variables - bound - LITERALS)
    return Reads(variables=free, **{name: frozenset(names) for name, names in found.items()})


def _read_into(found: dict[str, set[str]], source: str) -> None:
    tokens = list(_tokens(source))
    _refuse_deep_macros(tokens, source)
    for index, token in enumerate(tokens):
        if not _is_name(token):
            continue
        if index and tokens[index - 1] == ".":
            found["members"].add(token)
            continue
        if tokens[index + 1 : index + 2] == ["("]:
            continue
        if _binds(tokens, index):
            found["bound"].add(token)
            continue
        found["variables"].add(token)
        if token in FOLLOWED:
            member = _member_after(tokens, index)
            if member is None:
                raise RuleError(
                    f"expected `{token}` only as `{token}.<name>`, found otherwise in {source!r}; write {token}.<name>"
                )
            found[token].add(member)
            if token == "record" and tokens[max(0, index - 2) : index] == ["has", "("]:
                found["guarded"].add(member)


def _binds(tokens: list[str], index: int) -> bool:
    """`xs.exists(x, ...)` binds x."""
    before, after = tokens[max(0, index - 3) : index], tokens[index + 1 : index + 2]
    return len(before) == 3 and before[0] == "." and before[1] in MACROS and before[2] == "(" and after == [","]


def _member_after(tokens: list[str], index: int) -> str | None:
    after = tokens[index + 1 : index + 3]
    return after[1] if len(after) == 2 and after[0] == "." and _is_name(after[1]) else None


def _refuse_deep_macros(tokens: list[str], source: str) -> None:
    open_brackets: list[bool] = []
    for index, token in enumerate(tokens):
        if token in "([{":
            is_macro = token == "(" and index > 1 and tokens[index - 1] in MACROS and tokens[index - 2] == "."
            open_brackets.append(is_macro)
            if sum(open_brackets) > DEEPEST_MACROS:
                raise RuleError(f"expected macros nested at most {DEEPEST_MACROS} deep, found more in {source!r}")
        elif token in ")]}" and open_brackets:
            open_brackets.pop()


def _tokens(source: str) -> Iterator[str]:
    for match in _TOKEN.finditer(source):
        if match.lastgroup == "string":
            yield '""'  # what a string says is no name
        elif match.lastgroup != "space":
            yield match[0]


def _is_name(token: str) -> bool:
    return token[0].isalpha() or token[0] == "_"
