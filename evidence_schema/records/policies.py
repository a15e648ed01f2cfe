"""IAM policy documents inside answers: JSON text becomes an object whose lists are lists, so that rules can read it.

The grammar lets a single value stand for a list of one (Statement, Action, Resource, Principal); a rule should not have
to ask twice. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from evidence_schema.canonical import parse_json
from evidence_schema.errors import EvidenceSchemaError

LISTS = ("Action", "NotAction", "Resource", "NotResource")
PRINCIPALS = ("Principal", "NotPrincipal")


def parse_policy(text: Any) -> dict[str, Any] | None:
    """The document, or None where the text is no policy; IAM's own answers are URL-encoded, others are not."""
    if not isinstance(text, str):
        return None
    try:
        # JSON cannot begin with a percent sign; a document saved with a blank before its brace is encoded with it.
        plain = unquote(text, errors="strict") if text.startswith("%") else text
        document = parse_json(plain.encode())
    except (EvidenceSchemaError, UnicodeError):
        return None
    if not isinstance(document, dict):
        return None
    statements = _as_list(document.get("Statement", []))
    if not all(isinstance(item, dict) for item in statements):
        return None  # a statement that cannot be read must not be passed over: it may allow or deny anything
    return {**document, "Statement": [_statement(item) for item in statements]}


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    plain = {name: _as_list(statement[name]) for name in LISTS if name in statement}
    who = {name: _principals(statement[name]) for name in PRINCIPALS if name in statement}
    return {**statement, **plain, **who}


def _principals(principal: Any) -> list[Any]:
    """`"*"`, `{"AWS": "*"}` and `{"AWS": ["*"], "Service": "x"}` as one flat list."""
    if isinstance(principal, dict):
        return [item for value in principal.values() for item in _as_list(value)]
    return _as_list(principal)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
