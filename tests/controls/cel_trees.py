"""What a CEL rule reads by the syntax tree of an independent parser (`cel-python`), to hold our tokenizer against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import celpy
from lark import Token, Tree

from controls.rules import FOLLOWED, LITERALS, MACROS

_PARSER = celpy.Environment()
Names = dict[str, set[str]]


@dataclass
class TreeReads:
    """The names of a rule, as the tree tells them."""

    followed: Names = field(default_factory=lambda: {name: set() for name in FOLLOWED})
    guarded: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    rows: Names = field(default_factory=dict)
    other_use: bool = False
    """One of the followed names, a list or a row of a list is used otherwise than as `<it>.<name>`."""
    deepest: int = 0


def parse(source: str) -> Any:
    """The tree; raises celpy.CELParseError."""
    return _PARSER.compile(source)


def tree_reads(source: str, lists: tuple[str, ...] = ()) -> TreeReads:
    found = TreeReads()
    _Walk(found, lists).expression(parse(source), {}, 0)
    found.variables -= LITERALS
    return found


def plain(node: Any) -> Any:
    """The node below the levels of precedence that have nothing to say."""
    while isinstance(node, Tree) and len(node.children) == 1 and node.data not in ("ident", "literal"):
        node = node.children[0]
    return node


class _Walk:
    def __init__(self, found: TreeReads, lists: tuple[str, ...]) -> None:
        self.found = found
        self.lists = lists

    def expression(self, node: Any, bound: dict[str, str | None], depth: int) -> None:
        """`bound`: macro variable -> the list whose row it is, or None."""
        node = plain(node)
        if not isinstance(node, Tree):
            return
        self.found.deepest = max(self.found.deepest, depth)
        if node.data == "ident":
            self.name(str(node.children[0]), None, bound)
        elif node.data == "member_dot":
            self.member(node, bound, depth)
        elif node.data == "member_dot_arg":
            self.method(node, bound, depth)
        elif node.data == "ident_arg":
            self.function(node, bound, depth)
        else:
            for child in node.children:
                self.expression(child, bound, depth)

    def name(self, name: str, member: str | None, bound: dict[str, str | None]) -> None:
        if name in bound:
            list_ = bound[name]
            if list_ is not None:
                self.found.rows.setdefault(list_, set()).update({member} if member else ())
                self.found.other_use |= member is None
            return
        self.found.variables.add(name)
        if name in FOLLOWED:
            self.found.followed[name].update({member} if member else ())
            self.found.other_use |= member is None
        elif name in self.lists:
            self.found.other_use = True  # a list alone, or a member of it

    def member(self, node: Any, bound: dict[str, str | None], depth: int) -> None:
        inner, name = plain(node.children[0]), str(node.children[1])
        if isinstance(inner, Tree) and inner.data == "ident":
            self.name(str(inner.children[0]), name, bound)
        else:
            self.rows_of(inner, bound, depth)
            self.expression(inner, bound, depth)

    def method(self, node: Any, bound: dict[str, str | None], depth: int) -> None:
        inner, name = plain(node.children[0]), str(node.children[1])
        arguments = list(node.children[2].children) if len(node.children) > 2 else []
        list_ = self.rows_of(inner, bound, depth, name)
        if list_ is None:
            self.expression(inner, bound, depth)
        if name not in MACROS:
            for argument in arguments:
                self.expression(argument, bound, depth)
            return
        variable = str(plain(arguments[0]).children[0])
        for argument in arguments[1:]:
            self.expression(argument, {**bound, variable: list_}, depth + 1)

    def rows_of(self, inner: Any, bound: dict[str, str | None], depth: int, using: str = "") -> str | None:
        """The list whose rows a receiver is; walks what it filters by."""
        if not isinstance(inner, Tree):
            return None
        if inner.data == "ident" and str(inner.children[0]) in self.lists and str(inner.children[0]) not in bound:
            list_ = str(inner.children[0])
            self.found.variables.add(list_)
            self.found.rows.setdefault(list_, set())
        elif inner.data == "member_dot_arg" and str(inner.children[1]) == "filter":
            before = self.rows_of(plain(inner.children[0]), bound, depth, "filter")
            if before is None:
                return None
            list_ = before
            variable, condition = inner.children[2].children
            self.expression(condition, {**bound, str(plain(variable).children[0]): list_}, depth + 1)
        else:
            return None
        self.found.other_use |= using not in (*MACROS, "size")
        return list_

    def function(self, node: Any, bound: dict[str, str | None], depth: int) -> None:
        name = str(node.children[0])
        arguments = list(node.children[1].children) if len(node.children) > 1 else []
        if name == "has":
            target = plain(arguments[0])
            inner = plain(target.children[0]) if isinstance(target, Tree) and target.data == "member_dot" else None
            if isinstance(inner, Tree) and inner.data == "ident" and str(inner.children[0]) == "record":
                self.found.guarded.add(str(target.children[1]))
        self.found.other_use |= name in FOLLOWED
        for argument in arguments:
            self.expression(argument, bound, depth)


def tokens_of(node: Any) -> Iterator[str]:
    """Every name that stands anywhere in the tree."""
    for item in node.scan_values(lambda value: isinstance(value, Token)):
        yield str(item)
