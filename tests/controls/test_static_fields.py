"""Every field that a rule reads exists where it is read: in botocore's output shape, or in what a derivation yields."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from answers import kinds
from botocore.loaders import Loader
from botocore.model import ServiceModel
from cel_trees import parse, plain
from examples import AUTOMATIC, DERIVED, EXAMPLES
from lark import Tree

from controls.catalog import installed
from controls.models import Check
from controls.rules import MACROS, reads
from evidence_schema.models.declaration import WHOLE_BODY, EachDeclaration, KindDeclaration, ListDeclaration
from evidence_schema.paths import EACH_OF

CHECKS = {**AUTOMATIC, **{check.id: check for item in installed().requirements for check in item.checks if check.rules}}
each_check = pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
OWN = {"account", "region", "id"}
ANYTHING: Any = None
"""A shape of which nothing is known: what the organisation supplies, or names that come from outside."""
Shape = Any
"""A map of names to shapes; a list holding the shape of its items; a leaf is a text; or ANYTHING."""

POLICY = {
    "Version": "text",
    "Id": "text",
    "Statement": [
        {
            "Sid": "text",
            "Effect": "text",
            "Principal": ["text"],
            "NotPrincipal": ["text"],
            "Action": ["text"],
            "NotAction": ["text"],
            "Resource": ["text"],
            "NotResource": ["text"],
            "Condition": ANYTHING,
        }
    ],
}
"""IAM's grammar, as records carry it (evidence_schema/records/policies.py)."""


@cache
def model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def shape_of(shape: Any) -> Shape:
    """A botocore shape as plain data; recursive ones end after a while."""
    return _shape_of(shape, 8)


def _shape_of(shape: Any, levels: int) -> Shape:
    if shape is None or not levels or shape.type_name == "map":
        return ANYTHING
    if shape.type_name == "structure":
        return {name: _shape_of(member, levels - 1) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [_shape_of(shape.member, levels - 1)]
    return str(shape.type_name)


def at(shape: Shape, path: str) -> Shape:
    for name in path.split(".") if path else ():
        shape = shape[name.removesuffix(EACH_OF)]
        shape = shape[0] if name.endswith(EACH_OF) else shape
    return shape


def item_shape(listing: ListDeclaration, service: str) -> Shape:
    output = shape_of(model(listing.service or service).operation_model(listing.operation).output_shape)
    if listing.items == WHOLE_BODY:
        return output
    found = at(output, listing.items)
    return found[0] if isinstance(found, list) else found


def declared_shape(declaration: KindDeclaration) -> dict[str, Shape]:
    """What a record of a declared kind can hold."""
    found: dict[str, Shape] = {}
    if declaration.list is not None:
        item = item_shape(declaration.list, declaration.service)
        found |= item if isinstance(item, dict) else {"value": item}
        found |= {"parent": "text"} if declaration.source is not None else {}
    if declaration.batch is not None:
        found[declaration.batch.under] = item_shape(declaration.batch, declaration.service)
    found |= each_shape(declaration.each, declaration.service)
    for path in declaration.policies:
        *around, last = path.split(".")
        holder = at(found, ".".join(around))
        if holder is not ANYTHING:  # a map of attributes has no shape of its own
            holder[last] = POLICY
    return found


def each_shape(each: Mapping[str, EachDeclaration], service: str) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for name, entry in each.items():
        if entry.list is not None:
            item = item_shape(entry.list, service)
            found[name] = [{**(item if isinstance(item, dict) else {"value": item}), **each_shape(entry.each, service)}]
        else:
            call = entry.call
            output = shape_of(model(call.service or service).operation_model(call.operation).output_shape)
            found[name] = at(output, entry.take or "")
    return found


def fields_of(kind: str) -> dict[str, Shape]:
    declaration = kinds()[kind]
    if declaration.derive == "declared":
        return declared_shape(declaration)
    return {name: ANYTHING for record in DERIVED[kind] for name in record.fields}


def looked_at(check: Check) -> list[str]:
    return [kind for kind in check.over if kind not in ("account", "region")]


@each_check
def test_every_name_of_a_record_exists_in_its_kind(check: Check) -> None:
    found = reads(*check.rules.values(), lists=check.with_)
    for kind in looked_at(check):
        known = fields_of(kind).keys() | kinds()[kind].default.keys()
        assert found.record - found.guarded <= known
        assert found.record - known <= found.guarded, "what only some of the kinds have is asked for with has()"
    everywhere = {name for kind in looked_at(check) for name in fields_of(kind)}
    assert found.guarded <= everywhere, "what is asked for with has() exists in one of the kinds"


@each_check
def test_every_name_of_a_row_exists_in_its_kind(check: Check) -> None:
    for list_, names in reads(*check.rules.values(), lists=check.with_).rows.items():
        kind = check.with_[list_].kind
        assert names <= fields_of(kind).keys() | kinds()[kind].default.keys() | OWN


@each_check
def test_every_list_and_parameter_that_is_declared_is_read(check: Check) -> None:
    found = reads(*check.rules.values(), lists=check.with_)
    assert found.rows.keys() == check.with_.keys()
    assert found.params == check.params.keys()
    assert found.facts == set(check.needs)


@each_check
def test_no_default_answers_in_the_place_of_aws(check: Check) -> None:
    """`has()` is always true of a field with a default; only `false` says the same as nothing."""
    for kind in looked_at(check):
        defaults = {name for name, value in kinds()[kind].default.items() if value is not False}
        assert reads(*check.rules.values(), lists=check.with_).guarded & defaults == set()


def test_defaults_are_names_that_the_kind_has() -> None:
    for kind, declaration in kinds().items():
        if declaration.derive == "declared" and declaration.view_of is None:
            assert declaration.default.keys() <= declared_shape(declaration).keys(), kind


class Paths:
    """Walks a rule's tree and names each member that its shape does not have, however deep."""

    def __init__(self, record: Shape, rows: Mapping[str, Shape]) -> None:
        self.wrong: list[str] = []
        self.seen = 0
        self._variables = {"record": record, **{name: [row] for name, row in rows.items()}}

    def walk(self, node: Any, bound: Mapping[str, Shape] | None = None) -> Shape:
        node, bound = plain(node), bound or {}
        if not isinstance(node, Tree):
            return ANYTHING
        if node.data == "ident":
            name = str(node.children[0])
            return (
                bound.get(name, self._variables.get(name, ANYTHING))
                if name in bound or name in self._variables
                else ANYTHING
            )
        if node.data == "member_dot":
            return self._member(self.walk(node.children[0], bound), str(node.children[1]))
        if node.data == "member_index":
            holder = self.walk(node.children[0], bound)
            self.walk(node.children[1], bound)
            return holder[0] if isinstance(holder, list) else ANYTHING
        if node.data == "member_dot_arg":
            return self._method(node, bound)
        for child in node.children:
            self.walk(child, bound)
        return ANYTHING

    def _member(self, holder: Shape, name: str) -> Shape:
        if holder is ANYTHING:
            return ANYTHING
        self.seen += 1
        if not isinstance(holder, dict) or name not in holder:
            self.wrong.append(name)
            return ANYTHING
        return holder[name]

    def _method(self, node: Any, bound: Mapping[str, Shape]) -> Shape:
        holder, name = self.walk(node.children[0], bound), str(node.children[1])
        arguments = list(node.children[2].children) if len(node.children) > 2 else []
        if name not in MACROS:
            for argument in arguments:
                self.walk(argument, bound)
            return ANYTHING
        variable = str(plain(arguments[0]).children[0])
        item = holder[0] if isinstance(holder, list) else ANYTHING
        for argument in arguments[1:]:
            self.walk(argument, {**bound, variable: item})
        return holder if name == "filter" else ANYTHING


def with_defaults(kind: str) -> Shape:
    return {**dict.fromkeys(kinds()[kind].default, ANYTHING), **fields_of(kind), **dict.fromkeys(OWN, "text")}


def shapes_together(shapes: list[Shape]) -> Shape:
    """What records of several kinds hold; a check over places has no fields of its own."""
    return {name: shape for some in shapes for name, shape in some.items()}


@each_check
def test_every_path_of_a_rule_exists_however_deep(check: Check) -> None:
    record = shapes_together([with_defaults(kind) for kind in looked_at(check)])
    rows = {name: with_defaults(companion.kind) for name, companion in check.with_.items()}
    paths = Paths(record, rows)
    for source in check.rules.values():
        paths.walk(parse(source))
    assert paths.wrong == []


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("record.plan.Rulez.size() == 0", ["Rulez"]),
        ("record.plan.Rules.exists(rule, rule.Name == 'x')", ["Name"]),
        (
            "record.plan.Rules.exists(rule, rule.CopyActions.exists(copy, copy.Lifecycle.DeleteAfter > 1))",
            ["DeleteAfter"],
        ),
        ("record.plan.Rules[0].RuleNam == 'x'", ["RuleNam"]),
        (
            "vaults.filter(vault, vault.Locked).exists(vault, vault.access_policy.Policy.Statement.exists(s, s.Efect))",
            ["Efect"],
        ),
        ("record.plan.Rules.exists(rule, rule.RuleName == 'x' && rule.Lifecycle.DeleteAfterDays > 1)", []),
    ],
)
def test_a_misspelt_path_would_be_seen(rule: str, wrong: list[str]) -> None:
    paths = Paths(with_defaults("aws.backup.plans"), {"vaults": with_defaults("aws.backup.vaults")})
    paths.walk(parse(rule))
    assert paths.wrong == wrong
    assert paths.seen


def test_the_samples_of_the_derivations_are_those_of_the_kinds() -> None:
    derived = {kind for kind, item in kinds().items() if item.derive != "declared"}
    read = {kind for check in CHECKS.values() for kind in (*check.over, *(item.kind for item in check.with_.values()))}
    assert derived & read <= DERIVED.keys() <= derived
    assert all(record.kind == kind for kind, records in DERIVED.items() for record in records)
    assert EXAMPLES
