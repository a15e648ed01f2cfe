"""Our own answers are valid: on the wire against botocore's output shapes, and in what they leave out and page."""

from __future__ import annotations

import base64
import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from evidence_schema.models.unit import Period
from flows.collectors.aws.queries import filled_query, of_store
from flows.collectors.registry import load_kinds
from flows.demo.account_backups import BARE_VAULT, LOCKED_VAULT
from flows.demo.account_server import HANDLERS
from flows.demo.account_trails import BAD_TRAIL, GOOD_TRAIL, LAKE_STORE, TRAIL_BUCKET
from flows.demo.encoding import encode_answer
from flows.demo.errors import DemoError
from flows.demo.hand_made import hand_made_handlers
from flows.demo.operations import service_model
from flows.demo.query_answers import DATABASE, WORKGROUP
from flows.demo.world import World

ClientMaker = Callable[..., Any]
NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


def plan_id(client: ClientMaker, name: str = "simulated-daily") -> str:
    plans = client("backup").list_backup_plans()["BackupPlansList"]
    return next(plan["BackupPlanId"] for plan in plans if plan["BackupPlanName"] == name)


def selection_id(client: ClientMaker) -> str:
    selections = client("backup").list_backup_selections(BackupPlanId=plan_id(client))
    return selections["BackupSelectionsList"][0]["SelectionId"]


def point_arn(client: ClientMaker) -> str:
    points = client("backup").list_recovery_points_by_backup_vault(BackupVaultName=LOCKED_VAULT)
    return points["RecoveryPoints"][0]["RecoveryPointArn"]


def query(kind: str) -> str:
    """The declared query of a kind, filled in for a month."""
    text = load_kinds()[kind].query or ""
    period = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
    return of_store(filled_query(text, "111122223333", "eu-central-1", period), LAKE_STORE)


def lake_job(client: ClientMaker) -> dict[str, Any]:
    started = client("cloudtrail").start_query(QueryStatement=query("aws.cloudtrail.lake_events"))
    return {"QueryId": started["QueryId"]}


def athena_question() -> dict[str, Any]:
    text = query("aws.athena.trail_days")
    return {"QueryString": text, "WorkGroup": WORKGROUP, "QueryExecutionContext": {"Database": DATABASE}}


def athena_job(client: ClientMaker) -> dict[str, Any]:
    return {"QueryExecutionId": client("athena").start_query_execution(**athena_question())["QueryExecutionId"]}


# Every operation that we answer, with parameters that give it something to say.
QUESTIONS: dict[str, Callable[[ClientMaker], dict[str, Any]]] = {
    "iam:GetCredentialReport": lambda client: client("iam").generate_credential_report() and {},
    "ec2:DescribeRegions": lambda client: {"AllRegions": True},
    "ec2:GetEbsDefaultKmsKeyId": lambda client: {},
    "account:ListRegions": lambda client: {},
    "cloudtrail:ListEventDataStores": lambda client: {},
    "cloudtrail:GetEventSelectors": lambda client: {"TrailName": GOOD_TRAIL},
    "cloudtrail:GetInsightSelectors": lambda client: {"TrailName": GOOD_TRAIL},
    "cloudtrail:LookupEvents": lambda client: {},
    "cloudtrail:GetEventDataStore": lambda client: {"EventDataStore": LAKE_STORE},
    "cloudtrail:StartQuery": lambda client: {"QueryStatement": query("aws.cloudtrail.lake_events")},
    "cloudtrail:DescribeQuery": lake_job,
    "cloudtrail:GetQueryResults": lake_job,
    "athena:StartQueryExecution": lambda client: athena_question(),
    "athena:GetQueryExecution": athena_job,
    "athena:GetQueryResults": athena_job,
    "backup:ListBackupJobs": lambda client: {"MaxResults": 1000},
    "backup:ListCopyJobs": lambda client: {"MaxResults": 1000},
    "backup:ListRecoveryPointsByBackupVault": lambda client: {"BackupVaultName": LOCKED_VAULT, "MaxResults": 1000},
    "backup:DescribeRecoveryPoint": lambda client: {
        "BackupVaultName": LOCKED_VAULT,
        "RecoveryPointArn": point_arn(client),
    },
    "backup:ListBackupSelections": lambda client: {"BackupPlanId": plan_id(client)},
    "backup:GetBackupSelection": lambda client: {"BackupPlanId": plan_id(client), "SelectionId": selection_id(client)},
    "backup:GetBackupVaultAccessPolicy": lambda client: {"BackupVaultName": LOCKED_VAULT},
    "backup:DescribeRegionSettings": lambda client: {},
}


def json_problems(shape: Shape, value: Any, where: str) -> Iterator[str]:
    """Where a JSON value on the wire breaks its shape."""
    kinds = {
        "structure": dict, "map": dict, "list": list, "string": str, "boolean": bool, "blob": str, "integer": int,
        "long": int, "timestamp": (int, float), "double": (int, float), "float": (int, float),
    }  # fmt: skip
    if not isinstance(value, kinds[shape.type_name]):
        yield f"{where} is no {shape.type_name}: {value!r}"
    elif isinstance(shape, StructureShape):
        members = {one.serialization.get("name", name): one for name, one in shape.members.items()}
        for name, inner in value.items():
            if name in members:
                yield from json_problems(members[name], inner, f"{where}.{name}")
            else:
                yield f"{where}.{name} is not in the shape {shape.name}"
    elif isinstance(shape, ListShape):
        for number, inner in enumerate(value):
            yield from json_problems(shape.member, inner, f"{where}[{number}]")
    elif isinstance(shape, MapShape):
        for name, inner in value.items():
            yield from json_problems(shape.value, inner, f"{where}.{name}")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where} must be one of {shape.enum}, not {value!r}"


def xml_problems(shape: Shape, element: ET.Element, where: str) -> Iterator[str]:
    """Where an XML element on the wire breaks its shape."""
    if isinstance(shape, StructureShape):
        members = {one.serialization.get("name", name): one for name, one in shape.members.items()}
        for inner in element:
            if inner.tag in members:
                yield from xml_problems(members[inner.tag], inner, f"{where}.{inner.tag}")
            else:
                yield f"{where}.{inner.tag} is not in the shape {shape.name}"
    elif isinstance(shape, ListShape):
        for number, inner in enumerate(element):
            yield from xml_problems(shape.member, inner, f"{where}[{number}]")
    elif not (element.text or "").strip():
        yield f"{where} is empty"


def wire_problems(operation: Any, content: bytes) -> list[str]:
    shape = operation.output_shape
    if operation.service_model.protocol in ("json", "rest-json"):
        return list(json_problems(shape, json.loads(content), operation.name))
    root = ET.fromstring(content)
    if operation.service_model.protocol == "query":
        return list(xml_problems(shape, root[0], operation.name))
    return [one for one in xml_problems(shape, root, operation.name) if "requestId" not in one]


def size(value: Any) -> int:
    """How many leaves a parsed answer has."""
    if isinstance(value, Mapping):
        return sum(size(inner) for inner in value.values())
    return sum(size(inner) for inner in value) if isinstance(value, list) else 1


def test_every_operation_asked_below_is_answered_by_a_handler_of_ours() -> None:
    """Others are asked by the whole plan (tests/journeys/test_whole_plan.py)."""
    assert QUESTIONS.keys() <= HANDLERS.keys() - hand_made_handlers().keys()


# Asked in the second region too; the others ask for something that is in the first.
AT_HOME = ("Vault", "RecoveryPoint", "Sele", "GetEventDataStore", "Query")
EVERYWHERE = [name for name in QUESTIONS if not any(word in name for word in AT_HOME)]


@pytest.mark.parametrize(
    ("name", "region"),
    [*((name, "eu-central-1") for name in QUESTIONS), *((name, "us-east-1") for name in EVERYWHERE)],
)
def test_the_answer_is_valid_on_the_wire_and_botocore_reads_it(
    world: World, client: ClientMaker, name: str, region: str
) -> None:
    service, operation_name = name.split(":")
    parameters = QUESTIONS[name](client)
    asker = client(service, region)
    seen: list[bytes] = []
    hook = f"after-call.{service}.{operation_name}"

    def keep(http_response: Any, **_: Any) -> None:
        seen.append(http_response.content)

    asker.meta.events.register(hook, keep)
    parsed = asker._make_api_call(operation_name, parameters)
    asker.meta.events.unregister(hook, keep)
    del parsed["ResponseMetadata"]
    assert wire_problems(asker.meta.service_model.operation_model(operation_name), seen[0]) == []
    empty_by_design = [("cloudtrail:ListEventDataStores", region), ("backup:ListCopyJobs", "us-east-1")]
    assert size(parsed) > 0 or (name, region) in empty_by_design
    assert world.accesses()[-1].answered_by == "own answers"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"BackupJobs": [{"JobId": "1"}]}, "has no field JobId"),
        ({"BackupJobs": [{"BackupSizeInBytes": "1"}]}, "must be a long, found str"),
        ({"BackupJobs": [{"IsParent": 1}]}, "must be a boolean, found int"),
        ({"BackupJobs": [{"PercentDone": 100.0}]}, "must be a string, found float"),
        ({"BackupJobs": {}}, "must be a list, found dict"),
    ],
)
def test_data_that_break_the_shape_are_refused_before_they_are_sent(data: dict[str, Any], says: str) -> None:
    operation = service_model("backup").operation_model("ListBackupJobs")
    with pytest.raises(DemoError, match=says):
        encode_answer(operation, "rest-json", data)


def all_jobs(client: ClientMaker, region: str = "eu-central-1", **filters: Any) -> list[dict[str, Any]]:
    pages = client("backup", region).get_paginator("list_backup_jobs").paginate(**filters)
    return [job for page in pages for job in page["BackupJobs"]]


@pytest.mark.parametrize("page_size", [1, 7, 1000])
def test_pages_of_any_size_hold_all_jobs_once_newest_first(client: ClientMaker, page_size: int) -> None:
    jobs = all_jobs(client, PaginationConfig={"PageSize": page_size})
    assert [job["BackupJobId"] for job in jobs] == [job["BackupJobId"] for job in all_jobs(client)]
    assert len({job["BackupJobId"] for job in jobs}) == len(jobs) > 50
    assert [job["CreationDate"] for job in jobs] == sorted((job["CreationDate"] for job in jobs), reverse=True)


def test_a_page_holds_as_many_as_asked_and_fifty_when_nothing_is_asked(client: ClientMaker) -> None:
    backup = client("backup")
    assert len(backup.list_backup_jobs(MaxResults=3)["BackupJobs"]) == 3
    assert len(backup.list_backup_jobs()["BackupJobs"]) == 50
    assert "NextToken" in backup.list_backup_jobs()


@pytest.mark.parametrize("parameters", [{"NextToken": "forged"}, {"MaxResults": 1001}])
def test_a_foreign_token_or_too_large_a_page_is_refused(client: ClientMaker, parameters: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        client("backup").list_backup_jobs(**parameters)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_jobs_older_than_thirty_days_are_forgotten_as_by_aws(client: ClientMaker) -> None:
    oldest = min(job["CreationDate"] for job in all_jobs(client))
    assert NOW - timedelta(days=30) <= oldest < NOW - timedelta(days=29)


def test_job_filters_are_honoured(client: ClientMaker) -> None:
    every = all_jobs(client)
    after, before = NOW - timedelta(days=10), NOW - timedelta(days=4)
    wanted: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
        ({"ByState": "FAILED"}, lambda job: job["State"] == "FAILED"),
        ({"ByCreatedAfter": after, "ByCreatedBefore": before}, lambda job: after < job["CreationDate"] < before),
        ({"ByCompleteAfter": after}, lambda job: job["CompletionDate"] > after),
        ({"ByBackupVaultName": BARE_VAULT}, lambda job: job["BackupVaultName"] == BARE_VAULT),
        ({"ByResourceType": "EBS"}, lambda job: job["ResourceType"] == "EBS"),
        ({"ByResourceArn": every[0]["ResourceArn"]}, lambda job: job["ResourceArn"] == every[0]["ResourceArn"]),
        ({"ByAccountId": "*"}, lambda job: True),
    ]
    for filters, holds in wanted:
        expected = [job["BackupJobId"] for job in every if holds(job)]
        assert [job["BackupJobId"] for job in all_jobs(client, **filters)] == expected
        assert expected
    assert all_jobs(client, ByParentJobId="none") == []


def test_the_vault_counts_as_many_recovery_points_as_it_lists(client: ClientMaker) -> None:
    for region in ("eu-central-1", "us-east-1"):
        backup = client("backup", region)
        for vault in backup.list_backup_vaults()["BackupVaultList"]:
            pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
                BackupVaultName=vault["BackupVaultName"]
            )
            listed = [point for page in pages for point in page["RecoveryPoints"]]
            assert len(listed) == vault["NumberOfRecoveryPoints"] > 0


@pytest.mark.parametrize(
    ("service", "method", "parameters", "code"),
    [
        ("backup", "get_backup_vault_access_policy", {"BackupVaultName": BARE_VAULT}, "ResourceNotFoundException"),
        ("backup", "get_backup_vault_access_policy", {"BackupVaultName": "nobody"}, "ResourceNotFoundException"),
        ("backup", "list_recovery_points_by_backup_vault", {"BackupVaultName": "no"}, "ResourceNotFoundException"),
        ("backup", "list_backup_selections", {"BackupPlanId": "nobody"}, "ResourceNotFoundException"),
        ("cloudtrail", "get_event_selectors", {"TrailName": "nobody"}, "TrailNotFoundException"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_code_of_aws(
    client: ClientMaker, service: str, method: str, parameters: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(client(service), method)(**parameters)
    assert error.value.response["Error"]["Code"] == code


def test_insights_that_are_off_are_an_error_as_in_aws(client: ClientMaker) -> None:
    with pytest.raises(ClientError) as error:
        client("cloudtrail", "us-east-1").get_insight_selectors(TrailName=BAD_TRAIL)
    assert error.value.response["Error"]["Code"] == "InsightNotEnabledException"


def test_a_shadow_trail_answers_by_its_arn_from_another_region(client: ClientMaker) -> None:
    there = client("cloudtrail", "us-east-1")
    arn = next(one["TrailARN"] for one in there.describe_trails()["trailList"] if one["Name"] == GOOD_TRAIL)
    assert there.get_event_selectors(TrailName=arn)["EventSelectors"][0]["ReadWriteType"] == "All"
    with pytest.raises(ClientError):
        there.get_event_selectors(TrailName=GOOD_TRAIL)


def test_looked_up_events_are_paged_filtered_and_not_older_than_ninety_days(client: ClientMaker) -> None:
    trail = client("cloudtrail", "us-east-1")
    assert len(trail.lookup_events()["Events"]) == 50
    logins = [{"AttributeKey": "EventName", "AttributeValue": "ConsoleLogin"}]
    since = NOW - timedelta(days=20)
    pages = trail.get_paginator("lookup_events").paginate(LookupAttributes=logins, StartTime=since, EndTime=NOW)
    events = [event for page in pages for event in page["Events"]]
    assert len(events) > 50
    assert {event["EventName"] for event in events} == {"ConsoleLogin"}
    assert all(since <= event["EventTime"] <= NOW for event in events)
    assert all(json.loads(event["CloudTrailEvent"])["eventID"] == event["EventId"] for event in events)


def test_the_credential_report_has_root_and_every_user_in_the_columns_of_aws(client: ClientMaker) -> None:
    iam = client("iam")
    iam.generate_credential_report()
    report = iam.get_credential_report()
    rows = list(csv.DictReader(io.StringIO(report["Content"].decode())))
    users = {user["UserName"]: user for user in iam.list_users()["Users"]}
    assert [row["user"] for row in rows] == ["<root_account>", *users]
    assert len(rows[0]) == 22
    assert report["GeneratedTime"] == NOW
    for row in rows[1:]:
        assert row["arn"] == users[row["user"]]["Arn"]
        assert datetime.fromisoformat(row["user_creation_time"]) == users[row["user"]]["CreateDate"]
    assert {row["mfa_active"] for row in rows} == {"true", "false"}
    assert all(value not in (None, "") for row in rows for value in row.values())


def test_blobs_and_times_survive_the_way_through_botocore() -> None:
    operation = service_model("iam").operation_model("GetCredentialReport")
    answer = encode_answer(operation, "query", {"Content": b"a,<b>&", "GeneratedTime": "2026-11-20T07:30:00Z"})
    assert base64.b64encode(b"a,<b>&") in answer.body
    assert b"2026-11-20T07:30:00Z" in answer.body


# The rest of the eight requirements' operations: moto answers these, with parameters that it can find.
OF_MOTO: dict[str, Callable[[ClientMaker], dict[str, Any]]] = {
    "iam:GenerateCredentialReport": lambda client: {},
    "iam:ListUsers": lambda client: {},
    "iam:ListMFADevices": lambda client: {"UserName": "sim-anna.keller"},
    "cloudtrail:DescribeTrails": lambda client: {},
    "cloudtrail:GetTrailStatus": lambda client: {"Name": GOOD_TRAIL},
    "s3:ListObjectsV2": lambda client: {"Bucket": TRAIL_BUCKET},
    "s3:GetObject": lambda client: {
        "Bucket": TRAIL_BUCKET,
        "Key": client("s3").list_objects_v2(Bucket=TRAIL_BUCKET)["Contents"][0]["Key"],
    },
    "ec2:GetEbsEncryptionByDefault": lambda client: {},
    "ec2:DescribeVolumes": lambda client: {},
    "ec2:DescribeSnapshots": lambda client: {"OwnerIds": ["self"]},
    "ec2:DescribeSecurityGroups": lambda client: {},
    "ec2:DescribeSecurityGroupRules": lambda client: {},
    "ec2:DescribeNetworkAcls": lambda client: {},
    "ec2:DescribeNetworkInterfaces": lambda client: {},
    "rds:DescribeDBInstances": lambda client: {},
    "rds:DescribeDBClusters": lambda client: {},
    "rds:DescribeDBSnapshots": lambda client: {},
    "rds:DescribeDBClusterSnapshots": lambda client: {},
    "neptune:DescribeDBClusters": lambda client: {},
    "neptune:DescribeDBClusterSnapshots": lambda client: {},
    "docdb:DescribeDBClusters": lambda client: {},
    "backup:ListBackupPlans": lambda client: {},
    "backup:GetBackupPlan": lambda client: {"BackupPlanId": plan_id(client)},
    "backup:ListBackupVaults": lambda client: {},
    "backup:DescribeBackupVault": lambda client: {"BackupVaultName": LOCKED_VAULT},
}
REQUIREMENTS = {
    *("EV-IAM-01", "EV-LOG-01", "EV-LOG-06", "EV-ENC-01", "EV-ENC-02", "EV-NET-01", "EV-BKP-01", "EV-BKP-02"),
}


def test_every_operation_of_the_eight_requirements_is_answered(client: ClientMaker, shared: Path) -> None:
    evidence = yaml.load((shared / "reference" / "evidence_map.yaml").read_text(), yaml.CSafeLoader)["evidence"]
    wanted = {operation for one in evidence if one["id"] in REQUIREMENTS for operation in one["source"]["operations"]}
    questions = {**QUESTIONS, **OF_MOTO}
    assert wanted <= questions.keys()
    for name in sorted(wanted):
        service, operation = name.split(":")
        answer = client(service)._make_api_call(operation, questions[name](client))
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
