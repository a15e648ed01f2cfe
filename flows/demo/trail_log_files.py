"""Invents CloudTrail records and lays them out in files as AWS does. Pure: same arguments, same bytes.

Everything in them is made up; addresses are of the documentation ranges (RFC 5737). A month holds, beside the daily
routine: a sign-in without MFA, a day with more failed sign-ins than anyone tolerates, and one appearance of root.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from string import ascii_letters, digits
from typing import Any
from uuid import UUID

Record = dict[str, Any]

OFFICE = "192.0.2.10"
ELSEWHERE = "198.51.100.23"
STRANGER = "203.0.113.77"
EMERGENCY_ROLE = "simulated-emergency-access"
REQUESTED_GRANT = "5a1e0000-0000-4000-8000-00000000aaaa"
"""The grant that somebody asked for, named in the same way."""
GRANT_DAY = READ_DAY = DEPLOY_DAY = 28
APPROVED_DEPLOYMENT = "5a1e0000-0000-4000-8000-00000000dddd"
"""The deployment that has an approved change, named in the same way."""
PATIENT_FILES = "simulated-patient-files"
BULK = 1050
TICKETED_DAY, TICKETED_USE = 28, "5a1e0000-0000-4000-8000-00000000eeee"
"""The use of the emergency role that somebody approved: the simulated organisation's facts name it."""
DATA_REGION = "eu-central-1"  # where the patients' bucket is
SIGN_IN_REGION = "us-east-1"  # where IAM's and the console's own events are recorded
_BROWSER = "Mozilla/5.0 (simulated)"
_SDK = "Boto3/1.40 (simulated)"

# What happens every day in every region: who, which service, which event, read only, hour.
_ROUTINE = (
    ("sim-deploy-pipeline", "ec2", "DescribeInstances", True, 6),
    ("sim-deploy-pipeline", "s3", "PutBucketTagging", False, 6),
    ("sim-anna.keller", "rds", "DescribeDBInstances", True, 9),
    ("sim-grace.liu", "cloudtrail", "GetTrailStatus", True, 14),
)


@dataclass(frozen=True)
class LogFile:
    """One file of the trail's bucket."""

    key: str
    body: bytes
    records: tuple[Record, ...]


class Scribe:
    """Writes the records of one account; its identifiers come from the day and the region alone."""

    def __init__(self, account: str, copies: Sequence[str] = ()) -> None:
        """`copies` are the suffixes of further users who do what those of the pattern do every day."""
        self._account = account
        self._copies = copies

    def day(self, region: str, day: date) -> list[Record]:
        """All records of this day in this region, in order of time."""
        random = Random(f"{self._account} {region} {day}")
        records = [
            self._record(random, day, region, hour, self._user(who), f"{service}.amazonaws.com", event, read_only)
            for who, service, event, read_only, hour in _ROUTINE
        ]
        for suffix in self._copies:
            records += self._routine_of_a_copy(Random(f"{self._account} {region} {day}{suffix}"), region, day, suffix)
        if region == DATA_REGION:
            records += self._deployments(Random(f"{self._account} {day} deployments"), day)
            records += self._data_reads(Random(f"{self._account} {day} reads"), day)
        if region == SIGN_IN_REGION:
            records += self._sign_ins(random, day)
            records += self._grants(Random(f"{self._account} {day} grants"), day)
            records += self._emergencies(Random(f"{self._account} {day} emergency"), day)
        return sorted(records, key=lambda record: (record["eventTime"], record["eventID"]))

    def _routine_of_a_copy(self, random: Random, region: str, day: date, suffix: str) -> Iterator[Record]:
        """A larger account has more of what is usual, and as much of what is not."""
        for who, service, event, read_only, hour in _ROUTINE:
            source = f"{service}.amazonaws.com"
            yield self._record(random, day, region, hour, self._user(who + suffix), source, event, read_only)
        if region == SIGN_IN_REGION:
            for who in ("sim-anna.keller", "sim-carla.nunes"):
                yield self._sign_in(random, day, 9, self._user(who + suffix), OFFICE, mfa=True)

    def _sign_ins(self, random: Random, day: date) -> Iterator[Record]:
        yield self._sign_in(random, day, 8, self._user("sim-anna.keller"), OFFICE, mfa=True)
        yield self._sign_in(random, day, 9, self._user("sim-carla.nunes"), OFFICE, mfa=True)
        if day.weekday() < 5:
            yield self._sign_in(random, day, 10, self._user("sim-ben.okafor"), ELSEWHERE, mfa=day.day != 14)
        if day.day % 6 == 0:
            yield self._sign_in(random, day, 11, self._user("sim-jonas.weber"), OFFICE, failed=True)
        if day.day == 9:  # a stranger tries names; CloudTrail hides those that do not exist
            for _ in range(14):
                yield self._sign_in(random, day, 2, self._hidden_user(), STRANGER, failed=True)
        if day.day == 10:
            root = {"type": "Root", "principalId": self._account, "arn": f"arn:aws:iam::{self._account}:root"}
            yield self._sign_in(random, day, 16, {**root, "accountId": self._account}, OFFICE, mfa=True)
            yield self._record(
                random, day, SIGN_IN_REGION, 16, {**root, "accountId": self._account}, "iam.amazonaws.com",
                "UpdateAccountPasswordPolicy", False,
            )  # fmt: skip

    def _grants(self, random: Random, day: date) -> Iterator[Record]:
        """Once a month: a grant with a request, one by the pipeline, one without a request, one to oneself."""
        if day.day != GRANT_DAY:
            return
        grants = (
            ("sim-anna.keller", "AttachUserPolicy", "sim-carla.nunes", REQUESTED_GRANT),
            ("sim-deploy-pipeline", "AttachUserPolicy", "sim-grace.liu", ""),
            ("sim-anna.keller", "AddUserToGroup", "sim-jonas.weber", ""),
            ("sim-ben.okafor", "PutUserPolicy", "sim-ben.okafor", ""),
            ("sim-anna.keller", "DetachUserPolicy", "sim-jonas.weber", ""),
        )
        for who, event, target, id_ in grants:
            record = self._record(random, day, SIGN_IN_REGION, 13, self._user(who), "iam.amazonaws.com", event, False)
            record["requestParameters"] = {"userName": target}
            yield record | ({"eventID": id_} if id_ else {})

    def _deployments(self, random: Random, day: date) -> Iterator[Record]:
        """Once a month: a deployment by the pipeline with a change, and one by hand."""
        if day.day != DEPLOY_DAY:
            return
        for who, source, event, id_ in (
            ("sim-deploy-pipeline", "ecs.amazonaws.com", "UpdateService", APPROVED_DEPLOYMENT),
            ("sim-ben.okafor", "cloudformation.amazonaws.com", "ExecuteChangeSet", ""),
        ):
            record = self._record(random, day, DATA_REGION, 15, self._user(who), source, event, False)
            yield record | ({"eventID": id_} if id_ else {})

    def _data_reads(self, random: Random, day: date) -> Iterator[Record]:
        """The clinic's program reads patient files each day; once a month a person does, and far too many."""
        yield self._data_read(random, day, self._role("simulated-clinic-app"), 1)
        for number in range(BULK if day.day == READ_DAY else 0):
            yield self._data_read(random, day, self._user("sim-jonas.weber"), number)

    def _data_read(self, random: Random, day: date, who: Mapping[str, Any], number: int) -> Record:
        record = self._record(random, day, DATA_REGION, 12, who, "s3.amazonaws.com", "GetObject", True)
        record["requestParameters"] = {"bucketName": PATIENT_FILES, "key": f"simulated/{number}"}
        bucket = f"arn:aws:s3:::{PATIENT_FILES}"
        resources = [
            {"type": "AWS::S3::Object", "ARN": f"{bucket}/simulated/{number}"},
            {"type": "AWS::S3::Bucket", "ARN": bucket, "accountId": self._account},
        ]
        return record | {"managementEvent": False, "eventCategory": "Data", "resources": resources}

    def _role(self, name: str) -> dict[str, Any]:
        arn = f"arn:aws:iam::{self._account}:role/{name}"
        return {
            "type": "AssumedRole",
            "principalId": "AROASIMULATED:session",
            "arn": f"arn:aws:sts::{self._account}:assumed-role/{name}/session",
            "accountId": self._account,
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn, "userName": name}},
        }

    def _emergencies(self, random: Random, day: date) -> Iterator[Record]:
        """The emergency role is taken on every seventh day, and once a month with a ticket."""
        if day.day % 7:
            return
        yield self._emergency(random, day, 3)
        if day.day == TICKETED_DAY:
            yield self._emergency(random, day, 5) | {"eventID": TICKETED_USE}

    def _emergency(self, random: Random, day: date, hour: int) -> Record:
        name, user = "sts.amazonaws.com", self._user("sim-anna.keller")
        record = self._record(random, day, SIGN_IN_REGION, hour, user, name, "AssumeRole", True)
        record["requestParameters"] = {
            "roleArn": f"arn:aws:iam::{self._account}:role/{EMERGENCY_ROLE}",
            "roleSessionName": "simulated-emergency",
        }
        return record

    def _sign_in(
        self,
        random: Random,
        day: date,
        hour: int,
        identity: Mapping[str, Any],
        address: str,
        *,
        mfa: bool = False,
        failed: bool = False,
    ) -> Record:
        record = self._record(
            random, day, SIGN_IN_REGION, hour, identity, "signin.amazonaws.com", "ConsoleLogin", False
        )
        record |= {
            "eventType": "AwsConsoleSignIn",
            "sourceIPAddress": address,
            "userAgent": _BROWSER,
            "requestParameters": None,
            "responseElements": {"ConsoleLogin": "Failure" if failed else "Success"},
            "additionalEventData": {
                "LoginTo": "https://console.aws.amazon.com/console/home",
                "MobileVersion": "No",
                "MFAUsed": "Yes" if mfa else "No",
            },
        }
        return record | ({"errorMessage": "Failed authentication"} if failed else {})

    def _record(
        self,
        random: Random,
        day: date,
        region: str,
        hour: int,
        identity: Mapping[str, Any],
        source: str,
        event: str,
        read_only: bool,
    ) -> Record:
        at = datetime.combine(day, time(hour), UTC) + timedelta(seconds=random.randrange(3000))
        return {
            "eventVersion": "1.11",
            "userIdentity": dict(identity),
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": source,
            "eventName": event,
            "awsRegion": region,
            "sourceIPAddress": OFFICE,
            "userAgent": _SDK,
            "requestParameters": {"simulated": "true"},
            "responseElements": None,
            "requestID": str(UUID(int=random.getrandbits(128), version=4)),
            "eventID": str(UUID(int=random.getrandbits(128), version=4)),
            "readOnly": read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self._account,
            "eventCategory": "Management",
        }

    def _user(self, name: str) -> dict[str, Any]:
        return {
            "type": "IAMUser",
            "principalId": "AIDASIMULATED" + name.replace(".", "").replace("-", "").upper()[:8],
            "arn": f"arn:aws:iam::{self._account}:user/{name}",
            "accountId": self._account,
            "userName": name,
        }

    def _hidden_user(self) -> dict[str, Any]:
        return {
            "type": "IAMUser",
            "accountId": self._account,
            "accessKeyId": "",
            "userName": "HIDDEN_DUE_TO_SECURITY_REASONS",
        }


def log_files(
    account: str, regions: Sequence[str], first: date, last: date, until: datetime, copies: Sequence[str] = ()
) -> Iterator[LogFile]:
    """One file for every day and region from the first to the last day, without what lies after `until`."""
    scribe = Scribe(account, copies)
    for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        for region in regions:
            records = [one for one in scribe.day(region, day) if datetime.fromisoformat(one["eventTime"]) <= until]
            yield _log_file(account, region, day, records)


def _log_file(account: str, region: str, day: date, records: Sequence[Record]) -> LogFile:
    unique = "".join(Random(f"{account} {region} {day} file").choices(ascii_letters + digits, k=16))
    name = f"{account}_CloudTrail_{region}_{day:%Y%m%d}T2355Z_{unique}.json.gz"
    key = f"AWSLogs/{account}/CloudTrail/{region}/{day:%Y/%m/%d}/{name}"
    text = json.dumps({"Records": list(records)}, separators=(",", ":"))
    return LogFile(key, gzip.compress(text.encode(), mtime=0), tuple(records))
