"""Cut secrets out of an answer before anything is written; remember where and by which rule, never the value.

Only the secret is cut: the rest of a text is kept, also of JSON or base64 that stands as text. What cannot be cut (a
secret inside bytes that are no text) makes the whole answer unstorable: quarantine.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence_schema.models.transcript import Redaction
from flows.collectors.chance import CHANCE_RULE
from flows.collectors.cutting import Cut, carries_text, cut_json, cut_text, text_inside
from flows.collectors.plain import Blob
from flows.collectors.secrets import NAMED_RULE, is_label, names_a_secret, rule_of_named, rule_of_token

PAGING_RULE = "paging-token"
HOLDS = "holds"
"""`[redacted:field:x.y:holds:named]`: the declared field y of x was cut, and what stood there showed a secret."""
_POINTER_LENGTH = 4000
_NAMES = ("Key", "key", "Name", "name", "ParameterKey", "ParameterName", "OptionName", "VariableName")
_VALUES = ("Value", "value", "ParameterValue", "DefaultValue", "OptionValue")
_NAMES_AROUND = ("Namespace",)
"""Members that stand beside a name and its value and tell which of several settings of the name is meant."""
_KINDS = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")
_REFERENCES = _KINDS[1:]
"""What CodeBuild says of a variable whose value only names a secret that is kept elsewhere."""
_INSIDE = ("value", "plain", "plaintext", "text", "content", "data")
"""Members that are the value itself where what is around them names a secret: `{password: {value: ...}}`."""
_YES_OR_NO = ("true", "false")
_WORD = 40
_LEAST_NUMBER = 100_000
"""A number below it, under the name of a secret, is a length or an age and not a secret."""


@dataclass(frozen=True)
class Redacted:
    """An answer fit to be stored, unless it is quarantined."""

    value: Any
    redactions: tuple[Redaction, ...]
    quarantined: bool

    @property
    def counted(self) -> tuple[Redaction, ...]:
        """The secrets among what was cut; paging tokens are not."""
        return tuple(item for item in self.redactions if item.rule != PAGING_RULE)


class Redactor:
    """Redacts by the declared fields of an operation and by deny patterns."""

    def __init__(self, fields: Mapping[str, Iterable[str]] | None = None) -> None:
        self._fields = {
            operation: tuple((tuple(path.split(".")), path) for path in paths)
            for operation, paths in (fields or {}).items()
        }

    def answer(self, operation: str, body: Any, paging: frozenset[str] = frozenset()) -> Redacted:
        """The body of an answer of `service:Operation`; `paging` names its top members that turn pages."""
        walk = _Walk(operation, self._fields.get(operation, ()))
        kept = walk.paged(body, paging) if paging and isinstance(body, dict) else walk.value(body)
        return Redacted(kept, tuple(walk.found), walk.quarantined)

    def text(self, text: str) -> str:
        """A message from outside without the secrets that it shows."""
        return safe_text(text)


def safe_text(text: str) -> str:
    """A message from outside without the secrets that it shows."""
    return cut_text(text, _inside).text


def safe_parameters(parameters: Mapping[str, Any], paging: frozenset[str]) -> dict[str, Any]:
    """What was asked, as it may be stored."""
    return dict(_Walk("", ()).paged(dict(parameters), paging))


def safe_file(content: bytes) -> tuple[bytes, tuple[Redaction, ...]] | None:
    """A file's text without the secrets that show by their form, and the rules that cut them; None where it is no
    text and holds one. Words are not read: a file's own headings may be any.
    """
    try:
        cut = cut_text(content.decode(), _inside, words=False, chance=False)
    except UnicodeDecodeError:
        return None if holds_token(content) else (content, ())
    found = tuple(Redaction(pointer="", rule=rule) for rule in cut.rules)
    return (cut.text.encode(), found) if found else (content, ())


@dataclass
class _Walk:
    operation: str
    fields: tuple[tuple[tuple[str, ...], str], ...]
    found: list[Redaction] = field(default_factory=list)
    quarantined: bool = False

    def paged(self, body: dict[str, Any], paging: frozenset[str]) -> dict[str, Any]:
        tokens = {name: text for name, text in body.items() if name in paging and isinstance(text, str) and text}
        kept = self.value({name: "" if name in tokens else member for name, member in body.items()})
        for name, text in tokens.items():
            self.found.append(Redaction(pointer=_pointer((name,)), rule=PAGING_RULE))
            kept[name] = f"[redacted:{PAGING_RULE}:{len(text)}]"
        return dict(kept)

    def value(self, value: Any, names: tuple[str, ...] = (), pointer: tuple[str, ...] = ()) -> Any:
        if isinstance(value, str):
            return self._blob(value, names, pointer) if isinstance(value, Blob) else self._text(value, names, pointer)
        if isinstance(value, dict):
            return self._object(value, names, pointer)
        if isinstance(value, list):
            return self._list(value, names, pointer)
        if names and _is_number(value) and names_a_secret(names[-1]):
            return self._cut(pointer, NAMED_RULE)
        return value

    def _text(self, value: str, names: tuple[str, ...], pointer: tuple[str, ...]) -> str:
        rule = rule_of_named(names[-1], value) if names else None
        if rule is None and len(names) > 1 and names[-1].lower() in _INSIDE:
            rule = rule_of_named(names[-2], value)
        if rule is not None and not (rule == CHANCE_RULE and carries_text(value)):
            return self._cut(pointer, rule)
        cut = cut_text(value, _inside, chance=not (names and is_label(names[-1])))
        self.found += [Redaction(pointer=_pointer(pointer), rule=rule) for rule in cut.rules]
        return cut.text

    def _list(self, value: list[Any], names: tuple[str, ...], pointer: tuple[str, ...]) -> list[Any]:
        """Its members; in arguments of a program (`["--password", "..."]`) a flag names what follows it."""
        kept: list[Any] = []
        flag = ""
        for index, member in enumerate(value):
            place = (*pointer, str(index))
            if flag and isinstance(member, str) and (rule := rule_of_named(flag, member)):
                kept.append(self._cut(place, rule))
            else:
                kept.append(self.value(member, names, place))
            flag = member if isinstance(member, str) and member.startswith("-") and "=" not in member else ""
        return kept

    def _object(self, value: dict[str, Any], names: tuple[str, ...], pointer: tuple[str, ...]) -> dict[str, Any]:
        label = _label(value)
        kept: dict[str, Any] = {}
        shown_as: dict[str, int] = {}
        for name, member in value.items():
            shown = self._name(name, pointer, kept, shown_as)
            trail, place = (*names, shown), (*pointer, shown)
            path = self._declared(trail) if self.fields else None
            if path is not None:
                kept[shown] = self._cut_all(member, place, f"field:{self.operation}.{path}".lower())
            elif label is not None and name in _VALUES and isinstance(member, str):
                kept[shown] = self._text(member, (label,), place)
            else:
                kept[shown] = self.value(member, trail, place)
        return kept

    def _declared(self, trail: tuple[str, ...]) -> str | None:
        return next((path for parts, path in self.fields if trail[-len(parts) :] == parts), None)

    def _name(self, name: str, pointer: tuple[str, ...], kept: Mapping[str, Any], shown_as: dict[str, int]) -> str:
        """Map keys come from outside too."""
        if name.isalpha() and len(name) < _WORD:
            return name
        cut = cut_text(name, _inside)
        if not cut.rules:
            return name
        shown = cut.text
        while shown in kept:
            shown_as[cut.text] = shown_as.get(cut.text, 1) + 1
            shown = f"{cut.text}+{shown_as[cut.text]}"
        self.found += [Redaction(pointer=_pointer((*pointer, shown)), rule=rule) for rule in cut.rules]
        return shown

    def _cut_all(self, value: Any, pointer: tuple[str, ...], rule: str, name: str = "") -> Any:
        """Everything below a declared field but names and plain yes or no, which no secret is; what is cut says too
        whether it showed a secret.
        """
        if isinstance(value, dict):
            kept: dict[str, Any] = {}
            shown_as: dict[str, int] = {}
            label = _label(value)
            for member_name, member in value.items():
                shown = self._name(member_name, pointer, kept, shown_as)
                if label is not None and (member_name in (*_NAMES, *_NAMES_AROUND) or member in _KINDS):
                    kept[shown] = self.value(member, (), (*pointer, shown))
                    continue
                known_as = label if label is not None and member_name in _VALUES else shown
                kept[shown] = self._cut_all(member, (*pointer, shown), rule, known_as)
            return kept
        if isinstance(value, list):
            return [self._cut_all(member, (*pointer, str(index)), rule, name) for index, member in enumerate(value)]
        if isinstance(value, str) and value.lower() in _YES_OR_NO:
            return value
        held = _rule_held(value, name) if isinstance(value, str) else None
        return self._cut(pointer, rule if held is None else f"{rule}:{HOLDS}:{held}")

    def _cut(self, pointer: tuple[str, ...], rule: str) -> str:
        self.found.append(Redaction(pointer=_pointer(pointer), rule=rule))
        return f"[redacted:{rule}]"

    def _blob(self, value: Blob, names: tuple[str, ...], pointer: tuple[str, ...]) -> str:
        """Bytes that are text are cut like text; others that hold a secret cannot be."""
        rule = rule_of_named(names[-1], value) if names else None
        if rule is not None:
            return self._cut(pointer, rule)
        data = base64.b64decode(value)
        inside = text_inside(data)
        if inside is None:
            self.quarantined |= holds_token(data)
            return str(value)
        cut = cut_text(inside.text, _inside, chance=False)
        if not cut.rules:
            return str(value)
        if not inside.plainly:
            return self._cut(pointer, cut.rules[0])
        self.found += [Redaction(pointer=_pointer(pointer), rule=rule) for rule in cut.rules]
        return base64.b64encode(cut.text.encode()).decode()


def _inside(text: str) -> Cut | None:
    """JSON that stands as text, walked like an answer."""

    def walked(value: Any) -> tuple[Any, tuple[str, ...]]:
        walk = _Walk("", ())
        kept = walk.value(value)
        return kept, tuple(item.rule for item in walk.found)

    return cut_json(text, walked)


def _rule_held(text: str, name: str) -> str | None:
    """The rule of a secret that a text shows that is cut in any case: as it stands, under its name, or decoded."""
    rule = rule_of_named(name, text)
    return rule or next(iter(cut_text(text, _inside).rules), None)


def holds_token(data: bytes) -> bool:
    """Whether bytes show a secret by its form."""
    return rule_of_token(data.decode("utf-8", "replace")) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LEAST_NUMBER


def _label(value: Mapping[str, Any]) -> str | None:
    """The name in a name-and-value pair: `{Key: DbPassword, Value: ...}`; none where the value only refers to it."""
    if any(value.get(kind) in _REFERENCES for kind in ("type", "Type") if isinstance(value.get(kind), str)):
        return ""
    label = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), None)
    return None if label is None else safe_text(label)


def _pointer(steps: Iterable[str]) -> str:
    """RFC 6901, cut where names from outside make it unbearably long."""
    text = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return text[:_POINTER_LENGTH]
