"""What goes wrong in the emulated account, on request: rules, and the count of the calls that each has met."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from flows.demo.errors import DemoError
from flows.demo.operations import Call
from flows.demo.wire_errors import Cause, WireError, wire_error

# One address and one form of request for all three: AWS itself authorises all of them as rds.
_ALIASES = {"neptune": "rds", "docdb": "rds"}
# Answered in every state of a region: who am I, which regions are there, and the services that have no region.
_REGIONLESS = ("sts:*", "iam:*", "organizations:*", "account:*", "ec2:DescribeRegions", "s3:ListBuckets")


class Effect(StrEnum):
    """What a rule does to the calls that it meets."""

    DENY = "deny"
    THROTTLE = "throttle"
    FAIL = "fail"
    DROP = "drop"
    DELAY = "delay"
    EXPIRE = "expire"
    DISABLE_REGION = "disable_region"


_CAUSES = {
    Effect.DENY: Cause.DENIED,
    Effect.THROTTLE: Cause.THROTTLED,
    Effect.FAIL: Cause.FAILED,
    Effect.EXPIRE: Cause.EXPIRED,
    Effect.DISABLE_REGION: Cause.REGION_DISABLED,
}


@dataclass(frozen=True)
class Rule:
    """Which calls, and what happens to them. Everything left out means: all of them."""

    effect: Effect
    operations: tuple[str, ...] = ("*:*",)  # patterns: `ec2:DescribeVolumes`, `rds:*`
    but: tuple[str, ...] = ()  # patterns of operations that are left in peace
    given: str | None = None  # only calls that give this parameter
    lacking: str | None = None  # only calls that do not give it
    region: str | None = None
    account: str | None = None
    item: str | None = None  # a parameter with exactly this value
    first: int | None = None  # only the first n of the calls met
    every: int | None = None  # only each n-th of the calls met
    after: int = 0  # leave this many calls in peace; `expire`: from then on, for the keys seen until then
    each_call: bool = False  # count every distinct call (operation, region and parameters) by itself
    seconds: float = 0.0  # how long `delay` waits
    code: str | None = None  # instead of the code, and
    status: int | None = None  # the status, that AWS would give

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Rule:
        if unknown := document.keys() - {field.name for field in fields(cls)}:
            raise DemoError(f"A fault has no field {', '.join(sorted(unknown))}; see flows.demo.faults.Rule.")
        values = dict(document)
        try:
            values["effect"] = Effect(document["effect"])
        except (KeyError, ValueError) as error:
            known = ", ".join(Effect)
            raise DemoError(f"A fault's effect is one of {known}, not {document.get('effect')!r}.") from error
        values["operations"] = tuple(_normal(pattern) for pattern in document.get("operations", ("*:*",)))
        values["but"] = tuple(_normal(pattern) for pattern in document.get("but", ()))
        return cls(**values)

    def meets(self, call: Call) -> bool:
        return (
            any(fnmatchcase(call.name, pattern) for pattern in self.operations)
            and not any(fnmatchcase(call.name, pattern) for pattern in self.but)
            and (self.given is None or self.given in call.parameters)
            and (self.lacking is None or self.lacking not in call.parameters)
            and self.region in (None, call.region)
            and self.account in (None, call.account)
            and (self.item is None or call.mentions(self.item))
            and not (self.effect is Effect.DISABLE_REGION and is_regionless(call))
        )

    def error_for(self, call: Call) -> WireError | None:
        """None for the effects that are no answer at all."""
        if self.effect not in _CAUSES:
            return None
        error = wire_error(_CAUSES[self.effect], call.protocol, call.name)
        return WireError(self.status or error.status, self.code or error.code, error.message)


def _normal(pattern: str) -> str:
    service, colon, operation = pattern.partition(":")
    return f"{_ALIASES.get(service, service)}:{operation if colon else '*'}"


def is_regionless(call: Call) -> bool:
    """Whether this call is answered whatever the state of the region that it names."""
    return any(fnmatchcase(call.name, pattern) for pattern in _REGIONLESS)


class FaultBook:
    """The rules in force. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._met: Counter[tuple[int, str]] = Counter()
        self._seen_keys: dict[int, set[str]] = {}

    def add(self, rule: Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
            self._met.clear()
            self._seen_keys.clear()

    def rules(self) -> tuple[Rule, ...]:
        with self._lock:
            return tuple(self._rules)

    def decide(self, call: Call) -> Rule | None:
        """The first rule that strikes this call. Every rule that meets it counts it, struck or not."""
        with self._lock:
            met = [(number, rule) for number, rule in enumerate(self._rules) if rule.meets(call)]
            struck = [rule for number, rule in met if self._strikes(number, call)]
        return struck[0] if struck else None

    def _strikes(self, number: int, call: Call) -> bool:
        rule = self._rules[number]
        what = f"{call.name} {call.region} {call.parameters_digest}" if rule.each_call else ""
        self._met[number, what] += 1
        nth = self._met[number, what] - rule.after
        if rule.effect is Effect.EXPIRE:
            return self._expired(number, call, nth)
        if nth < 1 or (rule.first is not None and nth > rule.first):
            return False
        return rule.every is None or nth % rule.every == 0

    def _expired(self, number: int, call: Call, nth: int) -> bool:
        """A token that was seen before the hour is expired after it; one that was fetched since is good."""
        seen = self._seen_keys.setdefault(number, set())
        if nth < 1:
            seen.add(call.access_key)
        return nth >= 1 and call.access_key in seen
