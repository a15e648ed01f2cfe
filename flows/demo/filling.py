"""What every part of the fill shares: clients, the account's clock, tags, and the scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from flows.collectors.aws.session import keep_to_address
from flows.demo.control_client import AccountControl
from flows.demo.moto_setup import ACCOUNT_ID

HOME_REGION = "eu-central-1"
SECOND_REGION = "us-east-1"
REGIONS = (HOME_REGION, SECOND_REGION)
SIMULATED = {"simulated": "true"}
_ANY_KEY = {"aws_access_key_id": "AKIASIMULATEDFILL000", "aws_secret_access_key": "simulated"}


@dataclass
class Filler:
    """One fill of one account: `now` is its present, everything else happened before."""

    endpoint_url: str
    account: str
    now: datetime
    scale: int
    credentials: Mapping[str, str] = field(default_factory=lambda: dict(_ANY_KEY))
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.control = AccountControl(self.endpoint_url)

    def client(self, service: str, region: str = HOME_REGION) -> Any:
        """A client of the emulated account, kept for the whole fill."""
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.client(
                service,  # type: ignore[call-overload] # services are named by data here
                region_name=region,
                endpoint_url=self.endpoint_url,
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=True),
                **self.credentials,
            )
            keep_to_address(self._clients[service, region])
        return self._clients[service, region]

    @contextmanager
    def days_ago(self, days: float) -> Iterator[datetime]:
        """Inside the block it is so many days before `now` in the account."""
        at = self.now - timedelta(days=days)
        self.control.set_clock(at)
        try:
            yield at
        finally:
            self.control.set_clock(self.now)

    def copies(self) -> Iterator[str]:
        """A suffix for every copy of the pattern that the scale asks for: none for the first."""
        yield ""
        yield from self.further_copies()

    def further_copies(self) -> Iterator[str]:
        """The suffixes of all but the first copy."""
        return (f"-{number}" for number in range(2, self.scale + 1))

    def bucket(self, name: str) -> str:
        """Bucket names are shared by all accounts: those of a further account carry its number."""
        return name if self.account == ACCOUNT_ID else f"{name}-{self.account}"

    def arn(self, service: str, region: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"


def tag_list(**tags: str) -> list[dict[str, str]]:
    """Tags as most services take them, with the one that says SIMULATED."""
    return [{"Key": name.replace("_", "-"), "Value": value} for name, value in {**SIMULATED, **tags}.items()]


def ec2_tags(resource: str, **tags: str) -> list[dict[str, Any]]:
    """Tags as EC2 takes them when something is created."""
    return [{"ResourceType": resource, "Tags": tag_list(**tags)}]


def stamp(at: datetime) -> str:
    """RFC 3339, whole seconds, UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
