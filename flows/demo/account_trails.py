"""The audit trail of the emulated account: one trail as it should be, one as it should not, and their log files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from flows.demo.filling import HOME_REGION, REGIONS, SECOND_REGION, Filler, tag_list
from flows.demo.trail_log_files import LogFile, log_files

TRAIL_BUCKET = "simulated-trail-logs"
PATIENT_BUCKET = "simulated-patient-files"
GOOD_TRAIL = "simulated-organisation-trail"
BAD_TRAIL = "simulated-forgotten-trail"
LAKE_STORE, CONFIG_STORE = "51a7e000-0000-4000-8000-000000000001", "51a7e000-0000-4000-8000-000000000002"
_AS_DELIVERED = {"ContentType": "application/json", "ContentEncoding": "gzip"}


def fill_trails(filler: Filler, key_arn: str, first: date, last: date) -> int:
    """Buckets, trails and log files of these days; how many files there are."""
    with filler.days_ago(800):
        _add_buckets(filler)
        _add_good_trail(filler, key_arn)
    with filler.days_ago(400):
        _add_bad_trail(filler)
    with filler.days_ago(60):
        filler.client("cloudtrail", SECOND_REGION).stop_logging(Name=BAD_TRAIL)
    files = list(log_files(filler.account, REGIONS, first, last, filler.now, tuple(filler.further_copies())))
    s3 = filler.client("s3")
    for file in files:
        s3.put_object(Bucket=filler.bucket(TRAIL_BUCKET), Key=file.key, Body=file.body, **_AS_DELIVERED)
    _tell_events(filler, files)
    return len(files)


def _add_buckets(filler: Filler) -> None:
    s3 = filler.client("s3")
    here = {"LocationConstraint": HOME_REGION}
    for name in map(filler.bucket, (TRAIL_BUCKET, PATIENT_BUCKET, *_more_buckets(filler))):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=here)
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list()})


def _more_buckets(filler: Filler) -> list[str]:
    uses = ("invoices", "website", "exports", "images", "backups", "reports")
    return [f"simulated-{use}{suffix}" for suffix in filler.copies() for use in uses]


def _add_good_trail(filler: Filler, key_arn: str) -> None:
    trail = filler.client("cloudtrail")
    group = "simulated-trail"
    filler.client("logs").create_log_group(logGroupName=group)
    trail.create_trail(
        Name=GOOD_TRAIL,
        S3BucketName=filler.bucket(TRAIL_BUCKET),
        IncludeGlobalServiceEvents=True,
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
        KmsKeyId=key_arn,
        CloudWatchLogsLogGroupArn=filler.arn("logs", HOME_REGION, f"log-group:{group}:*"),
        CloudWatchLogsRoleArn=f"arn:aws:iam::{filler.account}:role/simulated-trail-to-logs",
        TagsList=tag_list(),
    )
    trail.put_event_selectors(TrailName=GOOD_TRAIL, EventSelectors=[_selector("All", [filler.bucket(PATIENT_BUCKET)])])
    trail.put_insight_selectors(TrailName=GOOD_TRAIL, InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
    trail.start_logging(Name=GOOD_TRAIL)


def _add_bad_trail(filler: Filler) -> None:
    trail = filler.client("cloudtrail", SECOND_REGION)
    trail.create_trail(
        Name=BAD_TRAIL, S3BucketName=filler.bucket(TRAIL_BUCKET), S3KeyPrefix="forgotten",
        IncludeGlobalServiceEvents=False, IsMultiRegionTrail=False, TagsList=tag_list(),
    )  # fmt: skip
    trail.put_event_selectors(TrailName=BAD_TRAIL, EventSelectors=[_selector("WriteOnly", [])])
    trail.start_logging(Name=BAD_TRAIL)


def _selector(kind: str, buckets: list[str]) -> dict[str, Any]:
    resources = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{name}/"]} for name in buckets]
    return {"ReadWriteType": kind, "IncludeManagementEvents": True, "DataResources": resources}


def _tell_events(filler: Filler, files: list[LogFile]) -> None:
    """The same events for `LookupEvents` and CloudTrail Lake, and their number by day for Athena."""
    counted: dict[str, Counter[str]] = {region: Counter() for region in REGIONS}
    for record in (record for file in files for record in file.records):
        counted[record["awsRegion"]][record["eventTime"][:10]] += 1
    for region, days in counted.items():
        filler.control.put_facts(filler.account, region, {"log_events": dict(days)})
    filler.control.put_facts(filler.account, HOME_REGION, {"event_data_stores": list(_stores(filler))})
    told = (record for file in files for record in file.records if record["managementEvent"])
    records = sorted(told, key=lambda record: record["awsRegion"])
    for region, some in groupby(records, key=lambda record: record["awsRegion"]):
        filler.control.put_facts(filler.account, region, {"events": list(some)})


def _stores(filler: Filler) -> Iterator[dict[str, Any]]:
    """One of the trail's events, and one that AWS Config fills, which has none of them."""
    since = (filler.now - timedelta(days=900)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for id_, name, category in (
        (LAKE_STORE, "simulated-events", "Management"),
        (CONFIG_STORE, "simulated-settings", "ConfigurationItem"),
    ):
        yield {
            "EventDataStoreArn": filler.arn("cloudtrail", HOME_REGION, f"eventdatastore/{id_}"), "Name": name,
            "Status": "ENABLED", "MultiRegionEnabled": True, "OrganizationEnabled": False, "RetentionPeriod": 2555,
            "TerminationProtectionEnabled": True, "CreatedTimestamp": since, "UpdatedTimestamp": since,
            "AdvancedEventSelectors": [
                {"Name": name, "FieldSelectors": [{"Field": "eventCategory", "Equals": [category]}]}
            ],
        }  # fmt: skip


def last_month_and_this(today: date) -> tuple[date, date]:
    """From the first day of the month before to today: what a run on the first of a month looks back on."""
    first_of_this = today.replace(day=1)
    return (first_of_this - timedelta(days=1)).replace(day=1), today
