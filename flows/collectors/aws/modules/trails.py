"""Which trail's bucket is read for a region, and where in it the region's log files lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from evidence_schema.models.unit import Period
from evidence_schema.paths import look_up

_STAMP = re.compile(r"_(\d{8}T\d{4})Z_[^/]*$")
LATE = timedelta(hours=2)
"""How long after an event its file may still come."""
EARLY = timedelta(minutes=10)
"""A file's name says when it was delivered; give or take this."""


@dataclass(frozen=True)
class Trail:
    """A trail that records a region."""

    arn: str
    bucket: str
    prefix: str
    organisation: bool

    def base(self, organisation_id: str = "") -> str:
        """Where the trail's log files begin in its bucket."""
        parts = [self.prefix, "AWSLogs", organisation_id]
        return "".join(f"{part}/" for part in parts if part)

    def day_prefix(self, account: str, region: str, day: date, organisation_id: str = "") -> str:
        """Where a day's log files lie."""
        return f"{self.base(organisation_id)}{account}/CloudTrail/{region}/{day:%Y/%m/%d}/"


def choose_trail(trails: Iterable[Mapping[str, Any]], region: str) -> Trail | None:
    """The trail to read: one that records the region; logging, multi-region and at home here count most."""
    recording = [trail for trail in trails if _records(trail, region)]
    if not recording:
        return None
    best = min(recording, key=lambda trail: _rank(trail, region))
    return Trail(
        arn=str(best.get("TrailARN") or best.get("Name") or ""),
        bucket=str(best["S3BucketName"]),
        prefix=str(best.get("S3KeyPrefix") or "").strip("/"),
        organisation=best.get("IsOrganizationTrail") is True,
    )


def _records(trail: Mapping[str, Any], region: str) -> bool:
    here = trail.get("IsMultiRegionTrail") is True or trail.get("HomeRegion") == region
    return here and isinstance(trail.get("S3BucketName"), str)


def _rank(trail: Mapping[str, Any], region: str) -> tuple[bool, bool, bool, bool, str]:
    return (
        look_up(trail, "status.IsLogging") is not True,
        trail.get("IsMultiRegionTrail") is not True,
        trail.get("IncludeGlobalServiceEvents") is not True,
        trail.get("HomeRegion") != region,
        str(trail.get("TrailARN") or ""),
    )


def listing_days(period: Period) -> list[tuple[date, bool]]:
    """The days whose files are listed; the day after the period only for files that came late (second value)."""
    first, last = period.start.date(), (period.end - timedelta(seconds=1)).date()
    days = [(first + timedelta(days=offset), False) for offset in range((last - first).days + 1)]
    after = (period.end + LATE).date()
    return days if after <= last else [*days, (after, True)]


def may_hold(key: str, period: Period) -> bool:
    """Whether a file can hold events of the period, by the time in its name; true where it has none."""
    stamp = _STAMP.search(key)
    if stamp is None:
        return True
    try:
        delivered = datetime.strptime(stamp[1], "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        return True
    return period.start - EARLY <= delivered <= period.end + LATE
