"""The syntax tree of a CEL rule, as far as names need it: which member of what is read, and what a macro binds.

The engine gives no tree, so the rule is parsed again here, after the engine has accepted it. Operators stand flat
beside their operands: which of them binds tighter changes what a rule says, not which names it reads. A test compares
the tree with that of an independent CEL parser.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controls.errors import RuleError
from controls.rules import LITERALS, is_name, tokens

CLOSING_OF = {"(": ")", "[": "]", "{": "}"}
OPERATORS = frozenset("+-*/%<>=!&|?:")
"""Signs of which operators are made; `in` is one too."""


@dataclass(frozen=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True)
class Member:
    """`of.name`"""

    of: Node
    name: str


@dataclass(frozen=True)
class Index:
    """`of[by]`"""

    of: Node
    by: Node


@dataclass(frozen=True)
class Call:
    """`name(arguments)`, or `of.name(arguments)`: a method or a macro."""

    of: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Several:
    """What operators, lists and maps hold; a literal holds nothing."""

    parts: tuple[Node, ...] = ()


Node = Name | Member | Index | Call | Several


def tree_of(source: str) -> Node:
    """The tree of a rule; raises RuleError where it is none that the engine accepts."""
    parser = _Parser(source, tuple(tokens(source)))
    found = parser.expression()
    parser.end()
    return found


@dataclass
class _Parser:
    source: str
    words: tuple[str, ...]
    at: int = field(default=0)

    def expression(self) -> Node:
        """Operands until something closes; one alone is itself."""
        parts = [self._operand()]
        while self._skip_operators():
            parts.append(self._operand())
        return parts[0] if len(parts) == 1 else Several(tuple(parts))

    def end(self) -> None:
        if self.at < len(self.words):
            raise self._wrong()

    def _operand(self) -> Node:
        self._skip_operators()  # of one operand: `!`, `-`
        found = self._primary()
        while self._word() in (".", "["):
            found = self._of(found)
        return found

    def _primary(self) -> Node:
        word = self._take()
        if word == "(":
            found = self.expression()
            self._expect(")")
            return found
        if word in ("[", "{"):
            return Several(self._inside(word))
        if not is_name(word):
            if word in OPERATORS or not (word[:1].isdigit() or word == '""'):
                raise self._wrong()
            return Several()
        if self._word() == "(":
            return Call(None, word, self._arguments())
        return Several() if word in LITERALS else Name(word)

    def _of(self, holder: Node) -> Node:
        if self._take() == "[":
            by = self.expression()
            self._expect("]")
            return Index(holder, by)
        name = self._take()
        if not is_name(name):
            raise self._wrong()
        return Call(holder, name, self._arguments()) if self._word() == "(" else Member(holder, name)

    def _arguments(self) -> tuple[Node, ...]:
        return self._inside(self._take())

    def _inside(self, opening: str) -> tuple[Node, ...]:
        """What stands between brackets, apart by commas; the colon of a map counts as an operator."""
        found: list[Node] = []
        while self._word() != CLOSING_OF[opening]:
            found.append(self.expression())
            if self._word() != ",":
                break
            self._take()
        self._expect(CLOSING_OF[opening])
        return tuple(found)

    def _skip_operators(self) -> bool:
        start = self.at
        while self._word() in OPERATORS or self._word() == "in":
            self.at += 1
        return self.at > start

    def _expect(self, word: str) -> None:
        if self._take() != word:
            raise self._wrong()

    def _take(self) -> str:
        word = self._word()
        if not word:
            raise self._wrong()
        self.at += 1
        return word

    def _word(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def _wrong(self) -> RuleError:
        return RuleError(f"expected a rule that can be followed, found {self.source!r}; write it more plainly")
