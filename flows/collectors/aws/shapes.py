"""What the records of a kind can hold, by botocore's output shapes of the operations that its declaration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import Shape as ApiShape

from controls.documents import Pointer
from controls.fields import ANYTHING, KindFields, Shape
from controls.spelling import near_matches
from evidence_schema.models.declaration import (
    WHOLE_BODY,
    CallDeclaration,
    EachDeclaration,
    FieldRedaction,
    KindDeclaration,
    ListDeclaration,
)
from evidence_schema.paths import EACH_OF
from evidence_schema.records.declared import PLAIN_FIELD
from evidence_schema.records.fields import ADDED_TO_DECLARED, FIELDS_OF, POLICIES_IN
from flows.collectors.aws.session import Sessions
from flows.collectors.kinds import operations_in

DEEPEST = 8
"""Levels of a shape that are looked at: some shapes hold themselves."""


def kind_fields(declaration: KindDeclaration, sessions: Sessions) -> KindFields:
    """The fields of a kind whose declaration is sound: declared ones by botocore, derived ones by name alone."""
    if declaration.derive in FIELDS_OF:
        shape: Shape = {
            **dict.fromkeys(FIELDS_OF[declaration.derive], ANYTHING),
            **{name: policy_shape() for name in POLICIES_IN.get(declaration.derive, ())},
        }
    elif declaration.derive == "declared" or declaration.derive in ADDED_TO_DECLARED:
        added = dict.fromkeys(ADDED_TO_DECLARED.get(declaration.derive, ()), ANYTHING)
        shape = {**declared_shape(declaration, sessions), **added}
    else:
        shape = ANYTHING
    return KindFields(shape, declaration.default)


def declared_shape(declaration: KindDeclaration, sessions: Sessions) -> dict[str, Shape]:
    """What a record holds that is read from answers as they are (evidence_schema/records/declared.py)."""
    return _Declared(declaration, sessions).record()


def wrong_names(declaration: KindDeclaration, sessions: Sessions) -> Iterator[tuple[Pointer, str]]:
    """Names beside the calls of a sound declaration that its answers do not have: a default or a policy that nobody
    would see, a redaction that would cut nothing out.
    """
    if declaration.derive == "declared" and declaration.view_of is None:
        shape = declared_shape(declaration, sessions)
        for name in declaration.default.keys() - shape.keys():
            yield ("default", name), f"expected a field of the kind, found {name!r}; {near_matches(name, shape)}"
        for index, path in enumerate(declaration.policies):
            if missing := _missing_step(shape, path):
                told = f"expected the path of a policy in the kind's answers, found no {missing!r} of {path!r}"
                yield ("policies", index), f"{told}; {near_matches(missing, set(members_of(shape)))}"
    for index, item in enumerate(declaration.redact):
        if wrong := _wrong_redaction(declaration, item, sessions):
            yield ("redact", index), wrong


def _wrong_redaction(declaration: KindDeclaration, item: FieldRedaction, sessions: Sessions) -> str:
    asked = {operation for _, operation in operations_in(declaration)}
    operation = item.operation if ":" in item.operation else f"{declaration.service}:{item.operation}"
    if operation not in asked:
        told = f"expected the redaction of an operation of the kind, found {item.operation!r}"
        return f"{told}; {near_matches(operation, asked)}"
    service, _, name = operation.partition(":")
    shape = plain_shape(sessions.model(service).operation_model(name).output_shape)
    members = set(members_of(shape))
    if item.field in members or _holds_anything(shape):
        return ""
    told = f"expected a field of {operation}'s answer to cut out, found {item.field!r}"
    return f"{told}; {near_matches(item.field, members)}"


def plain_shape(shape: ApiShape | None, levels: int = DEEPEST) -> Shape:
    """A botocore shape as plain data."""
    api: Any = shape
    if api is None or not levels or api.type_name == "map" or getattr(api, "is_document_type", False):
        return ANYTHING
    if api.type_name == "structure":
        return {name: plain_shape(member, levels - 1) for name, member in api.members.items()}
    if api.type_name == "list":
        return [plain_shape(api.member, levels - 1)]
    return str(api.type_name)


def policy_shape() -> dict[str, Shape]:
    """IAM's grammar of policies, as records carry it (evidence_schema/records/policies.py)."""
    statement: dict[str, Shape] = dict.fromkeys(("Sid", "Effect"), "string")
    lists = ("Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource")
    statement |= {name: ["string"] for name in lists}
    return {"Version": "string", "Id": "string", "Statement": [{**statement, "Condition": ANYTHING}]}


def members_of(shape: Shape) -> Iterator[str]:
    """Every name that stands anywhere in a shape."""
    if isinstance(shape, list):
        yield from members_of(shape[0])
    elif isinstance(shape, dict):
        for name, member in shape.items():
            yield name
            yield from members_of(member)


def _holds_anything(shape: Shape) -> bool:
    """Whether names come from outside somewhere in it."""
    if isinstance(shape, list):
        return _holds_anything(shape[0])
    return shape is ANYTHING or (isinstance(shape, dict) and any(_holds_anything(item) for item in shape.values()))


def _missing_step(shape: Shape, path: str) -> str:
    """The first step of a path that a shape does not have."""
    try:
        step_into(shape, path)
    except LookupError as error:
        return str(error.args[0])
    return ""


def step_into(shape: Shape, path: str) -> Shape:
    """The shape at a dotted path; raises LookupError, naming the step, where there is none."""
    for step in path.split(".") if path else ():
        if shape is ANYTHING:
            return ANYTHING
        name = step.removesuffix(EACH_OF)
        if not isinstance(shape, dict) or name not in shape:
            raise LookupError(name)
        shape = shape[name]
        if step != name and isinstance(shape, list):
            shape = shape[0]
    return shape


class _Declared:
    def __init__(self, declaration: KindDeclaration, sessions: Sessions) -> None:
        self._declaration = declaration
        self._sessions = sessions

    def record(self) -> dict[str, Shape]:
        declaration = self._declaration
        found: dict[str, Shape] = {}
        if declaration.list is not None:
            found |= _fields(self._item(declaration.list))
            found |= {"parent": "string"} if declaration.source is not None else {}
        if declaration.batch is not None:
            found[declaration.batch.under] = self._item(declaration.batch)
        found |= self._each(declaration.each)
        for path in declaration.policies:
            if not _missing_step(found, path):
                holder_path, _, last = path.rpartition(".")
                holder = step_into(found, holder_path)
                if isinstance(holder, dict):  # a map of attributes has no shape of its own
                    holder[last] = policy_shape()
        return found

    def _each(self, each: Mapping[str, EachDeclaration]) -> dict[str, Shape]:
        found: dict[str, Shape] = {}
        for name, entry in each.items():
            if entry.list is None:
                found[name] = step_into(self._output(entry.call), entry.take or "")
            else:
                found[name] = [{**_fields(self._item(entry.list)), **self._each(entry.each)}]
        return found

    def _item(self, listing: ListDeclaration) -> Shape:
        output = self._output(listing)
        if listing.items == WHOLE_BODY:
            return output
        found = step_into(output, listing.items)
        return found[0] if isinstance(found, list) else found

    def _output(self, call: CallDeclaration) -> Shape:
        model = self._sessions.model(call.service or self._declaration.service)
        return plain_shape(model.operation_model(call.operation).output_shape)


def _fields(item: Shape) -> dict[str, Shape]:
    return item if isinstance(item, dict) else {PLAIN_FIELD: item}
