"""Dotted paths into JSON: the one way declarations and derivations name a part of an answer."""

from __future__ import annotations

from typing import Any


class Missing:
    """What `look_up` returns where there is nothing; falsy, and not a value of JSON."""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


def look_up(value: Any, path: str) -> Any:
    """`look_up({"a": {"b": 1}}, "a.b")` is 1; an empty path is the value itself; MISSING where a step is not there."""
    for name in path.split(".") if path else ():
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


EACH_OF = "[]"
"""Ends a step whose value is a list that is gone into, item by item: `Reservations[].Instances`."""


def all_at(value: Any, path: str) -> list[Any]:
    """Every item that a path of a list names, in order: a list's items, or the one value; nothing where a step is not
    there.
    """
    step, gone_into, rest = path.partition(EACH_OF + ".")
    found = look_up(value, step)
    values = [] if found is MISSING else found if isinstance(found, list) else [found]
    return [item for inner in values for item in all_at(inner, rest)] if gone_into else values
