"""The other end of `flows.demo.control`: what the fill, the demo and the tests ask of a running emulated account."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flows.demo.access_log import Access, parse_access_log
from flows.demo.errors import DemoError
from flows.demo.faults import Effect


class AccountControl:
    """Requests to the control address of one emulated account."""

    def __init__(self, endpoint_url: str) -> None:
        self._url = endpoint_url.rstrip("/") + "/_emulator/"

    def is_ready(self) -> bool:
        """For `Child.wait_ready`: an OSError means not yet."""
        self._ask("GET", "ready")
        return True

    def set_clock(self, at: datetime | None) -> None:
        """Let the account's time stand still at this moment, or run with the real time."""
        self._ask("POST", "clock", {"at": at.astimezone(UTC).isoformat() if at else None})

    def put_facts(self, account: str, region: str, facts: Mapping[str, Any]) -> None:
        """What our own answers tell for this account and region (`global` for what has none)."""
        self._ask("POST", "facts", {"account": account, "region": region, "facts": dict(facts)})

    def note_iam_usage(self, account: str, usage: Mapping[str, Any]) -> None:
        """When passwords and access keys were last used."""
        self._ask("POST", "iam-usage", {"account": account, "usage": dict(usage)})

    def seed(self, number: int) -> None:
        """Let invented identifiers repeat themselves from here on."""
        self._ask("POST", "seed", {"seed": number})

    def accesses(self) -> tuple[Access, ...]:
        """The access log so far."""
        return parse_access_log(self._ask("GET", "log").decode().splitlines(keepends=True))

    def clear_log(self) -> None:
        self._ask("DELETE", "log")

    def add_fault(self, effect: Effect, **fields: Any) -> None:
        """See `flows.demo.faults.Rule` for the fields."""
        self._ask("POST", "faults", {"effect": effect.value, **fields})

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> bytes:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self._url + path, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                content: bytes = response.read()
        except urllib.error.HTTPError as error:
            raise DemoError(f"The emulated account refused {method} {path}: {error.read().decode()}") from error
        return content


class Faults:
    """What goes wrong, in the words of a test: `world.faults.deny("ec2:DescribeVolumes", region="us-east-1")`."""

    def __init__(self, control: AccountControl) -> None:
        self._control = control

    def deny(self, *operations: str, region: str | None = None, item: str | None = None, **more: Any) -> None:
        """Answer these operations (patterns) with access denied; `item`: only calls with this parameter value."""
        self._control.add_fault(Effect.DENY, operations=operations, region=region, item=item, **more)

    def permit_only(self, *operations: str) -> None:
        """Deny every call but these operations (patterns), and the question who calls, which AWS always answers."""
        self._control.add_fault(Effect.DENY, but=(*operations, "sts:GetCallerIdentity"))

    def throttle(self, *services: str, first: int | None = None, every: int | None = None, **more: Any) -> None:
        """Answer services or operations with their throttling error: all calls, the first n, or each n-th.

        With `each_call=True` every distinct call counts for itself: `first=2` lets each succeed at its third attempt.
        """
        self._control.add_fault(Effect.THROTTLE, operations=services, first=first, every=every, **more)

    def fail(self, *operations: str, first: int | None = None, **more: Any) -> None:
        """Answer with a 500 error."""
        self._control.add_fault(Effect.FAIL, operations=operations, first=first, **more)

    def drop(self, *operations: str, first: int | None = None, **more: Any) -> None:
        """Cut the connection without an answer."""
        self._control.add_fault(Effect.DROP, operations=operations, first=first, **more)

    def delay(self, *operations: str, seconds: float, **more: Any) -> None:
        """Answer later."""
        self._control.add_fault(Effect.DELAY, operations=operations, seconds=seconds, **more)

    def disable_region(self, region: str) -> None:
        """Refuse every call to this region, and show it as not opted in; services without region are answered."""
        self._control.add_fault(Effect.DISABLE_REGION, region=region)

    def expire_token_after(self, calls: int) -> None:
        """After so many calls from now, refuse every access key that made one of them. A newer key is good."""
        self._control.add_fault(Effect.EXPIRE, after=calls)

    def clear(self) -> None:
        self._control.clear_faults()

    @contextmanager
    def cleared_after(self) -> Iterator[Faults]:
        """Whatever is set inside the block is gone after it."""
        try:
            yield self
        finally:
            self.clear()
