"""Fills the emulated account: a believable mixture of good and bad settings, invented, and marked `simulated`.

The same `now` gives the same account, to the last identifier. After the fill the account's clock stands still at `now`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flows.demo.account_backups import fill_backups
from flows.demo.account_buckets import fill_access, fill_buckets, fill_reading_roles, fill_store
from flows.demo.account_edge import fill_edge
from flows.demo.account_identity import fill_identity
from flows.demo.account_logs import fill_logs
from flows.demo.account_network import fill_network
from flows.demo.account_people import fill_people
from flows.demo.account_reach import fill_reach, fill_reach_global
from flows.demo.account_recovery import fill_recovery
from flows.demo.account_services import fill_services
from flows.demo.account_storage import fill_databases, fill_disks
from flows.demo.account_trails import TRAIL_BUCKET, fill_trails, last_month_and_this
from flows.demo.filling import HOME_REGION, REGIONS, Filler
from flows.demo.moto_setup import ACCOUNT_ID

FILL_ROLE = "simulated-fill"


@dataclass(frozen=True)
class FilledAccount:
    """What was put in: counts by which a test can tell that nothing is missing."""

    account: str
    regions: tuple[str, ...]
    home_region: str
    trail_bucket: str
    log_days: tuple[date, date]
    users: int
    log_files: int
    volumes: int
    databases: int
    security_groups: int
    backup_jobs: int


def fill_account(
    endpoint_url: str,
    *,
    now: datetime,
    scale: int = 1,
    account: str = ACCOUNT_ID,
    log_days: tuple[date, date] | None = None,
    whole: bool = True,
) -> FilledAccount:
    """Fill an empty account; `log_days` are those with log files, by default last month and this one up to `now`.

    Without `whole` it has people, trails, disks, databases, networks and backups only, in half of the time.
    An account other than the first is filled through its role `simulated-fill`, as it must be read through a role.
    """
    now = now.astimezone(UTC).replace(microsecond=0)
    days = log_days or last_month_and_this(now.date())
    filler = Filler(endpoint_url, account, now, scale)
    if account != ACCOUNT_ID:
        filler = Filler(endpoint_url, account, now, scale, _assumed_role(filler, account))
    filler.control.seed(int(account))
    filler.control.set_clock(now)
    keys = {region: _add_key(filler, region) for region in REGIONS}
    users = fill_people(filler)
    files = fill_trails(filler, keys[HOME_REGION], *days)
    disks = {region: fill_disks(filler, region, keys[region]) for region in REGIONS}
    databases = {region: fill_databases(filler, region, keys[region]) for region in REGIONS}
    groups = sum(fill_network(filler, region) for region in REGIONS)
    if whole:
        _fill_the_rest(filler, keys, days)
    jobs = fill_backups(filler, keys, databases, disks)
    return FilledAccount(
        account=account,
        regions=REGIONS,
        home_region=HOME_REGION,
        trail_bucket=filler.bucket(TRAIL_BUCKET),
        log_days=days,
        users=users,
        log_files=files,
        volumes=sum(map(len, disks.values())),
        databases=sum(map(len, databases.values())),
        security_groups=groups,
        backup_jobs=jobs,
    )


def _fill_the_rest(filler: Filler, keys: Mapping[str, str], days: tuple[date, date]) -> None:
    """What the other requirements look at, service by service."""
    fill_identity(filler)
    for region in REGIONS:
        fill_services(filler, region, keys[region])
    fill_buckets(filler, keys[HOME_REGION])
    fill_store(filler)
    fill_reading_roles(filler)
    for region in REGIONS:
        fill_access(filler, region)
    for region in REGIONS:
        fill_recovery(filler, region)
    fill_logs(filler, keys, days)
    fill_edge(filler)
    fill_reach_global(filler)
    for region in REGIONS:
        fill_reach(filler, region)


def _add_key(filler: Filler, region: str) -> str:
    with filler.days_ago(1000):
        key: dict[str, Any] = filler.client("kms", region).create_key(
            Description="SIMULATED key", Tags=[{"TagKey": "simulated", "TagValue": "true"}]
        )["KeyMetadata"]
    return str(key["Arn"])


def _assumed_role(filler: Filler, account: str) -> dict[str, str]:
    role = f"arn:aws:iam::{account}:role/{FILL_ROLE}"
    found = filler.client("sts").assume_role(RoleArn=role, RoleSessionName="simulated-fill")["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
