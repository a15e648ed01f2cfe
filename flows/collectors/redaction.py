"""Cut secrets out of an answer before anything is written; remember where and by which rule, never the value.

What cannot be cut (a secret inside bytes) makes the whole answer unstorable: quarantine.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence_schema.models.transcript import Redaction
from flows.collectors.plain import Blob
from flows.collectors.secrets import rule_of_named, rule_of_token, rule_of_value

PAGING_RULE = "paging-token"
HOLDS = "holds"
"""`[redacted:field:x.y:holds:named]`: the declared field y of x was cut, and what stood there showed a secret."""
_POINTER_LENGTH = 4000
_LONGEST_INSIDE = 1024 * 1024
_GZIP = b"\x1f\x8b"
_NAMES = ("Key", "key", "Name", "name", "ParameterKey", "ParameterName", "OptionName", "VariableName")
_VALUES = ("Value", "value", "ParameterValue", "DefaultValue", "OptionValue")
_NAMES_AROUND = ("Namespace",)
"""Members that stand beside a name and its value and tell which of several settings of the name is meant."""
_YES_OR_NO = ("true", "false")


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
        """A message from outside, whole or not at all."""
        rule = rule_of_value(text)
        return text if rule is None else f"[redacted:{rule}]"


def safe_parameters(parameters: Mapping[str, Any], paging: frozenset[str]) -> dict[str, Any]:
    """What was asked, as it may be stored."""
    return dict(_Walk("", ()).paged(dict(parameters), paging))


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
        if isinstance(value, dict):
            return self._object(value, names, pointer)
        if isinstance(value, list):
            return [self.value(member, names, (*pointer, str(index))) for index, member in enumerate(value)]
        if isinstance(value, Blob):
            return self._blob(value)
        if isinstance(value, str):
            rule = rule_of_value(value) or (rule_of_named(names[-1], value) if names else None) or _rule_inside(value)
            return value if rule is None else self._cut(pointer, rule)
        return value

    def _object(self, value: dict[str, Any], names: tuple[str, ...], pointer: tuple[str, ...]) -> dict[str, Any]:
        label = _label(value)
        kept: dict[str, Any] = {}
        for name, member in value.items():
            shown = self._name(name, pointer, kept)
            trail, place = (*names, name), (*pointer, shown)
            path = next((path for parts, path in self.fields if trail[-len(parts) :] == parts), None)
            if path is not None:
                kept[shown] = self._cut_all(member, place, f"field:{self.operation}.{path}".lower())
            elif label is not None and name in _VALUES and isinstance(member, str) and rule_of_named(label, member):
                kept[shown] = self._cut(place, "named")
            else:
                kept[shown] = self.value(member, trail, place)
        return kept

    def _name(self, name: str, pointer: tuple[str, ...], kept: Mapping[str, Any]) -> str:
        """Map keys come from outside too."""
        rule = rule_of_value(name)
        if rule is None:
            return name
        shown = f"[redacted:{rule}]"
        while shown in kept:
            shown += "+"
        self.found.append(Redaction(pointer=_pointer((*pointer, shown)), rule=rule))
        return shown

    def _cut_all(self, value: Any, pointer: tuple[str, ...], rule: str, name: str = "") -> Any:
        """Everything below a declared field but names and plain yes or no, which no secret is; what is cut says too
        whether it showed a secret.
        """
        if isinstance(value, dict):
            kept: dict[str, Any] = {}
            label = _label(value)
            for member_name, member in value.items():
                shown = self._name(member_name, pointer, kept)
                if label is not None and member_name in (*_NAMES, *_NAMES_AROUND):
                    kept[shown] = self.value(member, (), (*pointer, shown))
                    continue
                known_as = label if label is not None and member_name in _VALUES else member_name
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

    def _blob(self, value: Blob) -> str:
        if holds_token(base64.b64decode(value)):
            self.quarantined = True
        return str(value)


def _rule_held(text: str, name: str) -> str | None:
    """The rule of a secret that a text shows that is cut in any case: as it stands, under its name, or decoded."""
    shown = _decoded(text) or text
    return rule_of_named(name, text) or rule_of_value(shown) or _rule_inside(shown)


def _decoded(text: str) -> str | None:
    """The text that base64 holds, where it is that: start-up scripts are, and may be compressed."""
    try:
        data = base64.b64decode(text, validate=True)
        if data.startswith(_GZIP):
            data = zlib.decompressobj(wbits=31).decompress(data, _LONGEST_INSIDE)
        return data.decode()
    except (ValueError, zlib.error):
        return None


def _rule_inside(text: str) -> str | None:
    """The rule of a secret in JSON that stands as text; such a text is cut whole."""
    if len(text) > _LONGEST_INSIDE or not text.lstrip().startswith(("{", "[")):
        return None
    walk = _Walk("", ())
    try:
        walk.value(json.loads(text))
    except RecursionError:
        return "too-deep"
    except ValueError:
        return None
    return walk.found[0].rule if walk.found else None


def holds_token(data: bytes) -> bool:
    """Whether bytes show a secret by its form."""
    return rule_of_token(data.decode("utf-8", "replace")) is not None


def _label(value: Mapping[str, Any]) -> str | None:
    """The name in a name-and-value pair: `{Key: DbPassword, Value: ...}`."""
    return next((value[name] for name in _NAMES if isinstance(value.get(name), str)), None)


def _pointer(steps: Iterable[str]) -> str:
    """RFC 6901, cut where names from outside make it unbearably long."""
    text = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return text[:_POINTER_LENGTH]
