"""CloudFormation templates as far as they are read without AWS: functions resolved, and bucket policies asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

PSEUDO = {"AWS::Partition": "aws", "AWS::AccountId": "111122223333"}
NOTHING = object()


class _Loader(yaml.SafeLoader):
    """Reads `!Ref x` as {"!Ref": x}."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {f"!{suffix}": loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {f"!{suffix}": loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _tagged)


@dataclass(frozen=True)
class Template:
    """A template with its parameters given."""

    resources: Mapping[str, Any]
    outputs: Mapping[str, Any]

    def statements(self, name: str) -> list[dict[str, Any]]:
        """Of a bucket policy, or of all policies of a role."""
        properties = self.resources[name]["Properties"]
        documents = [properties["PolicyDocument"]] if "PolicyDocument" in properties else [
            policy["PolicyDocument"] for policy in properties["Policies"]
        ]  # fmt: skip
        return [statement for document in documents for statement in document["Statement"]]

    def properties(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.resources[name]["Properties"]
        return found


def read_template(path: Path, **parameters: Any) -> Template:
    """The template with defaults and these parameters; resources whose condition fails are left out."""
    source = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    given = {name: item["Default"] for name, item in source["Parameters"].items() if "Default" in item} | parameters
    values = PSEUDO | given
    missing = source["Parameters"].keys() - given.keys()
    assert not missing, f"expected a value for {missing}"
    conditions = {name: bool(_resolved(rule, values, {})) for name, rule in source.get("Conditions", {}).items()}
    resources = {
        name: _resolved(item, values, conditions)
        for name, item in source["Resources"].items()
        if conditions.get(item.get("Condition", ""), True)
    }
    return Template(resources, source["Outputs"])


def _resolved(value: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    if isinstance(value, list):
        found = [_resolved(item, values, conditions) for item in value]
        return [item for item in found if item is not NOTHING]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (name := next(iter(value))).startswith("!"):
        return _function(name[1:], value[name], values, conditions)
    return {key: _resolved(item, values, conditions) for key, item in value.items()}


def _function(name: str, of: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    if name == "Ref":
        return NOTHING if of == "AWS::NoValue" else values.get(of, f"<{of}>")
    if name == "GetAtt":
        return f"arn:aws:made:::{of}"
    if name == "Sub":
        return re.sub(r"\$\{([^}]+)\}", lambda match: str(values.get(match[1], f"<{match[1]}>")), of)
    if name == "If":
        return _resolved(of[1] if conditions[of[0]] else of[2], values, conditions)
    parts = _resolved(of, values, conditions)
    return {"Equals": lambda: parts[0] == parts[1], "Not": lambda: not parts[0]}[name]()


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def denied_by(statements: list[dict[str, Any]], action: str, resource: str, context: Mapping[str, Any]) -> list[str]:
    """The statements that deny a request: action, resource and the condition keys that it carries."""
    return list(_denying(statements, action, resource, context))


def _denying(statements: list[dict[str, Any]], action: str, resource: str, context: Mapping[str, Any]) -> Iterator[str]:
    for statement in statements:
        assert statement["Effect"] == "Deny"
        assert statement["Principal"] == "*"
        if not any(fnmatchcase(action, pattern) for pattern in as_list(statement["Action"])):
            continue
        if not any(fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"])):
            continue
        conditions = statement.get("Condition", {}).items()
        if all(_meets(how, key, wanted, context) for how, keys in conditions for key, wanted in keys.items()):
            yield statement["Sid"]


def _meets(how: str, key: str, wanted: Any, context: Mapping[str, Any]) -> bool:
    """IAM's operators that our templates use. Without the key only the negated ones hold (and `Null`)."""
    if how == "Null":
        return (key not in context) == (str(wanted) == "true")
    if how in ("StringNotEquals", "ArnNotEquals"):
        return bool(context.get(key) != wanted)
    if key not in context:
        return False
    if how == "Bool":
        return str(context[key]).lower() == str(wanted)
    assert how == "NumericLessThan"
    return float(context[key]) < float(wanted)
