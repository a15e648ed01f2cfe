"""Our tree of a rule is the tree of an independent CEL parser, but for what operators mean."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import celpy
import pytest
from cel_trees import parse, plain
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Tree
from test_rules import EXPRESSIONS, RULES

from controls.errors import RuleError
from controls.rules import LITERALS
from controls.syntax import Call, Index, Member, Name, Node, Several, tree_of


def theirs(node: Any) -> Node:
    """A tree of `cel-python` in our words."""
    node = plain(node)
    if not isinstance(node, Tree) or node.data == "literal":
        return Several()
    if node.data == "ident":
        name = str(node.children[0])
        return Several() if name in LITERALS else Name(name)
    if node.data == "member_dot":
        return Member(theirs(node.children[0]), str(node.children[1]))
    if node.data == "member_index":
        return Index(theirs(node.children[0]), theirs(node.children[1]))
    if node.data == "member_dot_arg":
        return Call(theirs(node.children[0]), str(node.children[1]), arguments(node.children[2:]))
    if node.data == "ident_arg":
        return Call(None, str(node.children[0]), arguments(node.children[1:]))
    return Several(tuple(theirs(child) for child in node.children))


def arguments(nodes: list[Any]) -> tuple[Node, ...]:
    return tuple(theirs(child) for child in nodes[0].children) if nodes else ()


def flat(node: Node) -> Node:
    """Without what operators, brackets and literals are made of: their operands in order."""
    if isinstance(node, Member):
        return Member(flat(node.of), node.name)
    if isinstance(node, Index):
        return Index(flat(node.of), flat(node.by))
    if isinstance(node, Call):
        return Call(None if node.of is None else flat(node.of), node.name, tuple(map(flat, node.arguments)))
    if isinstance(node, Name):
        return node
    parts: list[Node] = []
    for part in map(flat, node.parts):
        parts += part.parts if isinstance(part, Several) else [part]
    return parts[0] if len(parts) == 1 else Several(tuple(parts))


@pytest.mark.parametrize("source", [pytest.param(item.values[0], id=item.id) for item in RULES])
def test_a_rule_of_the_catalogue_has_the_tree_of_another_parser(source: str) -> None:
    assert flat(tree_of(source)) == flat(theirs(parse(source)))


@settings(max_examples=300)
@given(EXPRESSIONS)
def test_whatever_the_other_parser_takes_has_the_same_tree(source: str) -> None:
    try:
        expected = theirs(parse(source))
    except celpy.CELParseError:
        return
    assert flat(tree_of(source)) == flat(expected)


@given(st.text(alphabet="ab.[](){}!&|?:,<>= '\"1-", max_size=30))
def test_what_is_no_rule_is_refused_and_never_crashes(source: str) -> None:
    with suppress(RuleError):
        tree_of(source)


@pytest.mark.parametrize("source", ["", "a.", "a.1", "(a", "a)", "[a", "f(a", "a b", "a[", "{'a': b", "!", "a ? "])
def test_half_a_rule_is_refused(source: str) -> None:
    with pytest.raises(RuleError, match="found"):
        tree_of(source)


def test_a_chain_is_read_from_its_root() -> None:
    assert tree_of("record.a[0].b.exists(x, x.c)") == Call(
        Member(Index(Member(Name("record"), "a"), Several()), "b"), "exists", (Name("x"), Member(Name("x"), "c"))
    )
