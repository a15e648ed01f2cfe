"""The engine over a scripted AWS: the whole vocabulary of declarations, and the gather results told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from collector_desk import NOW, REGION, RUN, SETTINGS, Desk, desk_over, kind
from stub_aws import ACCOUNT, StubAws, refuse

from evidence_schema.models.names import GatherResult
from flows.collectors.aws.settings import AccountAccess, AwsSettings
from flows.collectors.errors import CredentialsRefused

KEYS = kind(
    kind="aws.kms.keys",
    list={"operation": "ListKeys", "items": "Keys", "id": "KeyId"},
    each={
        "rotation": {"operation": "GetKeyRotationStatus", "with": {"KeyId": "$item.KeyId"}, "absent": ["NoRotation"]},
        "key": {"operation": "DescribeKey", "with": {"KeyId": "$item.KeyId"}, "take": "KeyMetadata"},
    },
    default={"rotation": {}},
)
PLAIN_KEYS = kind(kind="aws.kms.plain", list={"operation": "ListKeys", "items": "Keys", "id": "KeyId"})


def _key(name):
    return {"KeyId": name, "KeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"}


def _two_pages(aws):
    aws.answers["kms:ListKeys"] = [
        {"Keys": [_key("k1"), _key("k2")], "Truncated": True, "NextMarker": "page-two-token"},
        {"Keys": [_key("k3")], "Truncated": False},
    ]
    aws.answers["kms:GetKeyRotationStatus"] = {"KeyRotationEnabled": True, "RotationPeriodInDays": 365}
    aws.answers["kms:DescribeKey"] = lambda asked: {
        "KeyMetadata": {"KeyId": asked["KeyId"], "CreationDate": 1760000000.75, "Enabled": True}
    }


def test_all_pages_and_all_per_item_calls_come_page_by_page(aws: StubAws) -> None:
    _two_pages(aws)
    kept = desk_over(KEYS).one("aws.kms.keys")
    assert kept.gathered.result is GatherResult.COLLECTED
    order = [(call.step, call.page, call.item) for call in kept.calls]
    assert order == [
        ("list", 1, ()), ("rotation", 1, ("k1",)), ("key", 1, ("k1",)), ("rotation", 1, ("k2",)), ("key", 1, ("k2",)),
        ("list", 2, ()), ("rotation", 1, ("k3",)), ("key", 1, ("k3",)),
    ]  # fmt: skip
    assert [record.id for record in kept.records] == ["k1", "k2", "k3"]
    assert kept.records[2].fields["rotation"]["KeyRotationEnabled"] is True
    assert kept.records[2].fields["key"]["CreationDate"] == "2025-10-09T08:53:20Z"
    assert kept.gathered.items.returned == kept.gathered.items.kept == 3
    assert kept.gathered.calls.model_dump() == {"calls": 8, "pages": 2, "retries": 0, "errors": 0}
    assert aws.answered_twice() == []


def test_a_call_carries_its_provenance(aws: StubAws) -> None:
    _two_pages(aws)
    kept = desk_over(KEYS).one("aws.kms.keys")
    first, second = kept.calls[0], kept.calls[5]
    assert first.request_id.startswith("req-")
    assert first.status == 200
    assert first.source_date is not None
    assert first.source_date.isoformat() == "2026-11-01T06:00:07+00:00"
    assert first.wire_bytes > 100
    assert first.wire_digest is not None
    assert (first.started, first.region, first.service) == (NOW, REGION, "kms")
    assert first.body["NextMarker"] == "[redacted:paging-token:14]"
    assert second.parameters["Marker"] == "[redacted:paging-token:14]"
    assert kept.gathered.redactions == ()
    assert b"page-two-token" not in kept.transcript
    assert kept.header.principal == f"arn:aws:iam::{ACCOUNT}:role/auditor"
    assert kept.header.collector.name == "aws.declared"
    assert any("evidence-collector/" in agent for agent in aws.agents)


def test_denied_call_is_not_an_empty_account(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = refuse("AccessDeniedException", 400)
    denied = desk_over(PLAIN_KEYS).one("aws.kms.plain").gathered
    aws.answers["kms:ListKeys"] = {"Keys": []}
    empty = desk_over(PLAIN_KEYS).one("aws.kms.plain").gathered
    assert (denied.result, empty.result) == (GatherResult.DENIED, GatherResult.EMPTY)
    assert "kms:ListKeys denied (AccessDeniedException)" in denied.reason
    assert denied.problems[0].code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("AccessDeniedException", 400, GatherResult.DENIED),
        ("SomethingNobodyKnows", 403, GatherResult.DENIED),
        ("SomethingNobodyKnows", 401, GatherResult.DENIED),
        ("SomethingNobodyKnows", 400, GatherResult.FAILED),
        ("SubscriptionRequiredException", 400, GatherResult.UNAVAILABLE),
        ("OptInRequired", 403, GatherResult.UNAVAILABLE),
        ("ThrottlingException", 400, GatherResult.FAILED),
        ("InternalError", 500, GatherResult.FAILED),
    ],
)
def test_error_codes_become_gather_results(aws: StubAws, code: str, status: int, expected: GatherResult) -> None:
    aws.answers["kms:ListKeys"] = refuse(code, status)
    assert desk_over(PLAIN_KEYS).one("aws.kms.plain").gathered.result is expected


def test_code_declared_unavailable_is_unavailable(aws: StubAws) -> None:
    listing = {"operation": "ListKeys", "items": "Keys", "id": "KeyId", "unavailable": ["InvalidAccessException"]}
    aws.answers["kms:ListKeys"] = refuse("InvalidAccessException")
    assert desk_over(kind(kind="aws.kms.x", list=listing)).one("aws.kms.x").gathered.result is GatherResult.UNAVAILABLE


def test_throttled_attempts_are_recorded_and_halve_the_limit(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = [refuse("ThrottlingException"), refuse("InternalError", 500), {"Keys": [_key("k1")]}]
    desk = desk_over(PLAIN_KEYS)
    kept = desk.one("aws.kms.plain")
    assert kept.gathered.result is GatherResult.COLLECTED
    assert [(item.code, item.status) for item in kept.calls[0].retried] == [
        ("ThrottlingException", 400),
        ("InternalError", 500),
    ]
    assert kept.gathered.calls.retries == 2
    assert desk.collector._tools.limits.allowed(ACCOUNT, "kms") == 2


def test_throttling_ends_after_five_attempts(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = refuse("ThrottlingException")
    gathered = desk_over(PLAIN_KEYS).one("aws.kms.plain").gathered
    assert (gathered.result, len(aws.asked("kms:ListKeys"))) == (GatherResult.FAILED, 5)


def test_some_denied_calls_make_a_unit_partial_and_poison_their_names(aws: StubAws) -> None:
    _two_pages(aws)
    aws.answers["kms:GetKeyRotationStatus"] = lambda asked: (
        refuse("AccessDeniedException") if asked["KeyId"] == "k2" else {"KeyRotationEnabled": True}
    )
    kept = desk_over(KEYS).one("aws.kms.keys")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert kept.gathered.reason == (
        "1 of 8 calls did not answer: kms:GetKeyRotationStatus denied (AccessDeniedException)"
    )
    gaps = {record.id: dict(record.gaps) for record in kept.records}
    assert gaps["k2"]["rotation"].result == "denied"
    assert not gaps["k1"]
    assert not gaps["k3"]


def test_a_declared_absence_is_a_fact(aws: StubAws) -> None:
    _two_pages(aws)
    aws.answers["kms:GetKeyRotationStatus"] = refuse("NoRotation")
    kept = desk_over(KEYS).one("aws.kms.keys")
    assert kept.gathered.result is GatherResult.COLLECTED
    assert kept.records[0].fields["rotation"] == {}
    assert kept.calls[1].absent
    assert kept.gathered.calls.errors == 0


def test_a_page_that_is_denied_makes_the_unit_partial(aws: StubAws) -> None:
    _two_pages(aws)
    aws.answers["kms:ListKeys"][1] = refuse("AccessDeniedException")
    kept = desk_over(KEYS).one("aws.kms.keys")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert [record.id for record in kept.records] == ["k1", "k2"]


def test_more_without_a_token_is_not_complete(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = {"Keys": [_key("k1")], "Truncated": True}
    kept = desk_over(PLAIN_KEYS).one("aws.kms.plain")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert kept.gathered.problems[0].code == "Truncated"


def test_the_same_token_twice_is_not_complete(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = {"Keys": [_key("k1")], "Truncated": True, "NextMarker": "again"}
    gathered = desk_over(PLAIN_KEYS).one("aws.kms.plain").gathered
    assert gathered.result is GatherResult.PARTIAL
    assert gathered.problems[0].code == "PaginationError"


def test_declared_pages_are_followed(aws: StubAws, kinds) -> None:
    store = {"EventDataStoreArn": "arn:aws:cloudtrail:eu-west-1:111122223333:eventdatastore/a", "Name": "a"}
    aws.answers["cloudtrail:ListEventDataStores"] = [
        {"EventDataStores": [store], "NextToken": "token"},
        {"EventDataStores": [store | {"EventDataStoreArn": store["EventDataStoreArn"] + "b"}]},
    ]
    kept = Desk(kinds).one("aws.cloudtrail.event_data_stores")
    assert len(kept.records) == 2
    assert [item.parameters for item in aws.asked("cloudtrail:ListEventDataStores")] == [{}, {"NextToken": "token"}]


def test_plain_strings_and_batches(aws: StubAws) -> None:
    projects = kind(
        kind="aws.codebuild.projects", service="codebuild",
        list={"operation": "ListProjects", "items": "projects", "id": "$value"},
        batch={"operation": "BatchGetProjects", "with": {"names": "$ids"}, "items": "projects", "id": "name",
               "under": "detail", "size": 2},
    )  # fmt: skip
    aws.answers["codebuild:ListProjects"] = {"projects": ["a", "b", "c"]}
    aws.answers["codebuild:BatchGetProjects"] = lambda asked: {
        "projects": [{"name": name, "arn": f"arn:{name}"} for name in reversed(asked["names"])]
    }
    kept = desk_over(projects).one("aws.codebuild.projects")
    assert [item.parameters["names"] for item in aws.asked("codebuild:BatchGetProjects")] == [["a", "b"], ["c"]]
    assert [(item.id, item.fields["value"], item.fields["detail"]["arn"]) for item in kept.records] == [
        ("a", "a", "arn:a"),
        ("b", "b", "arn:b"),
        ("c", "c", "arn:c"),
    ]


def test_a_failed_batch_poisons_its_items_only(aws: StubAws) -> None:
    projects = kind(
        kind="aws.codebuild.projects", service="codebuild",
        list={"operation": "ListProjects", "items": "projects", "id": "$value"},
        batch={"operation": "BatchGetProjects", "with": {"names": "$ids"}, "items": "projects", "id": "name",
               "under": "detail", "size": 2},
    )  # fmt: skip
    aws.answers["codebuild:ListProjects"] = {"projects": ["a", "b", "c"]}
    aws.answers["codebuild:BatchGetProjects"] = lambda asked: (
        refuse("AccessDeniedException")
        if "c" in asked["names"]
        else {"projects": [{"name": name} for name in asked["names"]]}
    )
    kept = desk_over(projects).one("aws.codebuild.projects")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert {record.id: sorted(record.gaps) for record in kept.records} == {"a": [], "b": [], "c": ["detail"]}


def test_nested_lists_three_levels_deep(aws: StubAws) -> None:
    clusters = kind(
        kind="aws.ecs.clusters", service="ecs",
        list={"operation": "ListClusters", "items": "clusterArns", "id": "$value"},
        each={"services": {
            "list": {"operation": "ListServices", "with": {"cluster": "$item"}, "items": "serviceArns", "id": "$value"},
            "each": {"tasks": {
                "list": {"operation": "ListTasks", "with": {"cluster": "$parent", "serviceName": "$item"},
                         "items": "taskArns", "id": "$value"},
            }},
        }},
    )  # fmt: skip
    aws.answers["ecs:ListClusters"] = {"clusterArns": ["c1", "c2"]}
    aws.answers["ecs:ListServices"] = lambda asked: {"serviceArns": [f"{asked['cluster']}-s{n}" for n in (1, 2)]}
    aws.answers["ecs:ListTasks"] = lambda asked: (
        refuse("AccessDeniedException")
        if asked["serviceName"] == "c2-s2"
        else {"taskArns": [asked["serviceName"] + "-t"]}
    )
    kept = desk_over(clusters).one("aws.ecs.clusters")
    first, second = kept.records
    assert first.fields["services"][1] == {"value": "c1-s2", "tasks": [{"value": "c1-s2-t"}]}
    assert not first.gaps
    assert second.gaps["services"].operation == "ecs:ListTasks"


def test_start_and_poll(aws: StubAws) -> None:
    query = kind(
        kind="aws.athena.rows", service="athena", opt_in="bills",
        start={"operation": "StartQueryExecution", "with": {"QueryString": "select 1"}},
        poll={"operation": "GetQueryExecution", "with": {"QueryExecutionId": "$started.QueryExecutionId"},
              "path": "QueryExecution.Status.State", "done": ["SUCCEEDED"], "failed": ["FAILED"], "every_s": 3},
        list={"operation": "GetQueryResults", "with": {"QueryExecutionId": "$started.QueryExecutionId"},
              "items": "ResultSet.Rows", "id": "$region"},
    )  # fmt: skip
    aws.answers["athena:StartQueryExecution"] = {"QueryExecutionId": "q-1"}
    states = ["QUEUED", "RUNNING", "SUCCEEDED"]
    aws.answers["athena:GetQueryExecution"] = [{"QueryExecution": {"Status": {"State": state}}} for state in states]
    aws.answers["athena:GetQueryResults"] = {"ResultSet": {"Rows": [{"Data": [{"VarCharValue": "1"}]}]}}
    desk = desk_over(query, settings=replace(SETTINGS, opted_in=frozenset({"aws.athena.rows"})))
    kept = desk.one("aws.athena.rows")
    assert kept.gathered.result is GatherResult.COLLECTED
    assert desk.slept == [3, 3]
    assert [call.step for call in kept.calls] == ["start", "poll", "poll", "poll", "list"]
    assert len(kept.records) == 1


@pytest.mark.parametrize(
    ("polls", "result"),
    [
        ([{"QueryExecution": {"Status": {"State": "FAILED"}}}], GatherResult.FAILED),
        ([{"QueryExecution": {"Status": {"State": "RUNNING"}}}], GatherResult.FAILED),
        ([refuse("AccessDeniedException")], GatherResult.DENIED),
    ],
)
def test_a_job_that_never_is_done_is_no_empty_result(aws: StubAws, polls, result) -> None:
    query = kind(
        kind="aws.athena.rows", service="athena", opt_in="bills",
        start={"operation": "StartQueryExecution", "with": {"QueryString": "select 1"}},
        poll={"operation": "GetQueryExecution", "with": {"QueryExecutionId": "$started.QueryExecutionId"},
              "path": "QueryExecution.Status.State", "done": ["SUCCEEDED"], "failed": ["FAILED"], "at_most": 3},
        list={"operation": "GetQueryResults", "with": {"QueryExecutionId": "x"}, "items": "ResultSet.Rows",
              "id": "$region"},
    )  # fmt: skip
    aws.answers["athena:StartQueryExecution"] = {"QueryExecutionId": "q-1"}
    aws.answers["athena:GetQueryExecution"] = polls
    opted_in = replace(SETTINGS, opted_in=frozenset({"aws.athena.rows"}))
    gathered = desk_over(query, settings=opted_in).one("aws.athena.rows").gathered
    assert gathered.result is result
    assert aws.asked("athena:GetQueryResults") == []


def test_a_control_total_that_differs_is_a_figure(aws: StubAws) -> None:
    streams = kind(
        kind="aws.kinesis.streams", service="kinesis",
        list={"operation": "ListStreams", "items": "StreamNames", "id": "$value"},
        total={"operation": "DescribeLimits", "path": "OpenShardCount"},
    )  # fmt: skip
    aws.answers["kinesis:ListStreams"] = {"StreamNames": ["a", "b"], "HasMoreStreams": False}
    aws.answers["kinesis:DescribeLimits"] = {"ShardLimit": 10, "OpenShardCount": 5}
    items = desk_over(streams).one("aws.kinesis.streams").gathered.items
    assert (items.kept, items.control_total, items.difference) == (2, 5, 3)


def test_period_and_account_parameters(aws: StubAws, kinds) -> None:
    aws.answers["backup:ListBackupJobs"] = {"BackupJobs": []}
    kept = Desk(kinds).one("aws.backup.jobs")
    assert kept.gathered.result is GatherResult.EMPTY
    assert kept.calls[0].parameters == {"ByCreatedAfter": "2026-10-01T00:00:00Z"}
    assert aws.asked("backup:ListBackupJobs")[0].parameters["createdAfter"] == "2026-10-01T00:00:00Z"


def test_an_item_without_the_parameter_is_a_failed_call_not_a_wrong_one(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = {"Keys": [{"KeyArn": "arn:aws:kms:eu-west-1:111122223333:key/x"}]}
    kept = desk_over(KEYS).one("aws.kms.keys")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert {problem.code for problem in kept.gathered.problems} == {"MissingParameter"}
    assert set(kept.records[0].gaps) == {"rotation", "key"}


def test_a_setting_of_the_region_is_one_record_named_by_the_region(aws: StubAws, kinds) -> None:
    aws.answers["ec2:GetEbsDefaultKmsKeyId"] = lambda _: {
        "raw": b"<GetEbsDefaultKmsKeyIdResponse><requestId>r</requestId><kmsKeyId>alias/aws/ebs</kmsKeyId>"
        b"</GetEbsDefaultKmsKeyIdResponse>"
    }
    kept = Desk(kinds).one("aws.ec2.ebs_default_kms_key")
    assert [(record.id, record.fields) for record in kept.records] == [(REGION, {"KmsKeyId": "alias/aws/ebs"})]


def test_a_page_of_a_proxy_is_no_empty_answer_in_xml_either(aws: StubAws, kinds) -> None:
    aws.answers["ec2:GetEbsDefaultKmsKeyId"] = lambda _: {"raw": b"<html><body>please sign in</body></html>"}
    assert Desk(kinds).one("aws.ec2.ebs_default_kms_key").gathered.result is GatherResult.FAILED


# --- sources -------------------------------------------------------------------------------------------------------

VAULTS = ["aws.backup.vaults", "aws.backup.recovery_points"]
POINT = "arn:aws:ec2:eu-west-1::snapshot/snap-{}"


def _vaults(aws):
    aws.answers["backup:ListBackupVaults"] = {"BackupVaultList": [{"BackupVaultName": "v1"}, {"BackupVaultName": "v2"}]}
    aws.answers["backup:DescribeBackupVault"] = lambda asked: {"BackupVaultName": asked["backupVaultName"]}
    aws.answers["backup:GetBackupVaultAccessPolicy"] = refuse("ResourceNotFoundException")
    aws.answers["backup:ListRecoveryPointsByBackupVault"] = lambda asked: {
        "RecoveryPoints": [{"RecoveryPointArn": POINT.format(asked["backupVaultName"]), "CompletionDate": 1760000000.5}]
    }
    aws.answers["backup:DescribeRecoveryPoint"] = lambda asked: {"IsEncrypted": True, "RecoveryPointArn": "x"}


def test_a_kind_builds_on_the_kept_transcript_of_its_source(aws: StubAws, kinds) -> None:
    _vaults(aws)
    desk = Desk(kinds)
    points, vaults = [], []
    for kept in desk.gather(*reversed(VAULTS)):  # the engine orders sources first
        (vaults if kept.gathered.unit.kind == VAULTS[0] else points).append(kept)
    assert "access_policy" not in vaults[0].records[0].fields
    assert not vaults[0].records[0].gaps
    assert [
        (record.id, record.fields["parent"], record.fields["detail"]["IsEncrypted"]) for record in points[0].records
    ] == [(POINT.format("v1"), "v1", True), (POINT.format("v2"), "v2", True)]
    assert points[0].header.inputs[0].kind == VAULTS[0]
    assert points[0].header.inputs[0].digest == vaults[0].gathered.transcript.digest
    assert aws.answered_twice() == []
    assert len(aws.asked("backup:ListBackupVaults")) == 1


def test_a_resumed_task_does_not_ask_the_source_again(aws: StubAws, kinds) -> None:
    _vaults(aws)
    desk = Desk(kinds)
    desk.one(VAULTS[0])
    resumed = Desk(kinds, kept=desk.kept)
    assert resumed.one(VAULTS[1]).gathered.result is GatherResult.COLLECTED
    assert len(aws.asked("backup:ListBackupVaults")) == 1


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("AccessDeniedException", GatherResult.DENIED),
        ("Whatever", GatherResult.FAILED),
        ("OptInRequired", GatherResult.UNAVAILABLE),
    ],
)
def test_a_source_that_was_not_answered_hands_its_result_down(aws: StubAws, kinds, code, result) -> None:
    _vaults(aws)
    aws.answers["backup:ListBackupVaults"] = refuse(code)
    desk = Desk(kinds)
    for kept in (desk.gather(*VAULTS)[1], Desk(kinds, kept=desk.kept).one(VAULTS[1])):
        assert kept.gathered.result is result
        assert kept.gathered.reason == f"its source aws.backup.vaults was {result.value}"
        assert kept.gathered.transcript is None
    assert aws.asked("backup:ListRecoveryPointsByBackupVault") == []


def test_a_source_that_is_incomplete_makes_the_kind_partial(aws: StubAws, kinds) -> None:
    _vaults(aws)
    aws.answers["backup:ListBackupVaults"] = [
        {"BackupVaultList": [{"BackupVaultName": "v1"}], "NextToken": "t"},
        refuse("Whatever"),
    ]
    kept = Desk(kinds).gather(*VAULTS)[1]
    assert kept.gathered.result is GatherResult.PARTIAL
    assert kept.gathered.reason == (
        "its source aws.backup.vaults is incomplete: backup:ListBackupVaults failed (Whatever)"
    )
    assert len(kept.records) == 1


def test_a_gap_beside_the_list_does_not_spoil_what_builds_on_it(aws: StubAws, kinds) -> None:
    _vaults(aws)
    aws.answers["backup:DescribeBackupVault"] = refuse("AccessDeniedException")
    vaults, points = Desk(kinds).gather(*VAULTS)
    assert (vaults.gathered.result, points.gathered.result) == (GatherResult.PARTIAL, GatherResult.COLLECTED)


def test_an_empty_source_is_an_empty_kind(aws: StubAws, kinds) -> None:
    aws.answers["backup:ListBackupVaults"] = {"BackupVaultList": []}
    assert [kept.gathered.result for kept in Desk(kinds).gather(*VAULTS)] == [GatherResult.EMPTY] * 2


def test_a_source_nobody_gathered_is_a_failure(aws: StubAws, kinds) -> None:
    gathered = Desk(kinds).one(VAULTS[1]).gathered
    assert (gathered.result, gathered.reason) == (GatherResult.FAILED, "its source aws.backup.vaults was not gathered")


def test_a_source_without_a_list_of_its_own_is_asked_item_by_item(aws: StubAws) -> None:
    policies = kind(
        kind="aws.kms.policies", **{"from": "aws.kms.plain"},
        each={"policy": {"operation": "GetKeyPolicy", "with": {"KeyId": "$item.KeyId", "PolicyName": "default"},
                         "take": "Policy"}},
    )  # fmt: skip
    aws.answers["kms:ListKeys"] = {"Keys": [_key("k1"), _key("k2")]}
    aws.answers["kms:GetKeyPolicy"] = lambda asked: (
        {"Policy": "{}"} if asked["KeyId"] == "k1" else refuse("AccessDeniedException")
    )
    kept = desk_over(PLAIN_KEYS, policies).gather("aws.kms.plain", "aws.kms.policies")[1]
    assert kept.gathered.result is GatherResult.PARTIAL
    assert kept.gathered.items.kept == 2
    first, second = kept.records
    assert (first.id, first.fields, dict(first.gaps)) == ("k1", {"policy": "{}"}, {})
    assert (second.id, set(second.gaps)) == ("k2", {"policy"})


# --- deadline, credentials, trouble ---------------------------------------------------------------------------------


class _Clock:
    def __init__(self, step: float) -> None:
        self.at, self.step = 0.0, step

    def __call__(self) -> float:
        self.at += self.step
        return self.at


def test_past_the_deadline_nothing_is_asked_and_every_gap_is_written_down(aws: StubAws) -> None:
    _two_pages(aws)
    desk = desk_over(KEYS, settings=AwsSettings(deadline_s=4, home_region=REGION), options={"monotonic": _Clock(1)})
    kept = desk.one("aws.kms.keys")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert kept.gathered.reason.startswith("deadline of 4 s passed; ")
    assert [record.id for record in kept.records] == ["k1", "k2"]
    assert {record.id: sorted(record.gaps) for record in kept.records} == {"k1": [], "k2": ["key", "rotation"]}
    assert kept.calls[-1].step == "list"
    assert kept.calls[-1].error.code == "DeadlinePassed"
    assert len(aws.asked("kms:ListKeys")) == 1


def test_a_unit_with_nothing_at_its_deadline_is_failed(aws: StubAws) -> None:
    desk = desk_over(PLAIN_KEYS, settings=AwsSettings(deadline_s=0, home_region=REGION))
    gathered = desk.one("aws.kms.plain").gathered
    assert gathered.result is GatherResult.FAILED
    assert gathered.reason.startswith("deadline of 0 s passed")


def test_an_expired_token_fails_the_unit_and_stops_the_account(aws: StubAws) -> None:
    _two_pages(aws)
    aws.answers["kms:GetKeyRotationStatus"] = [{"KeyRotationEnabled": True}, refuse("ExpiredTokenException")]
    other = kind(kind="aws.kms.aliases", list={"operation": "ListAliases", "items": "Aliases", "id": "AliasName"})
    desk = desk_over(KEYS, other)
    found = desk.gather("aws.kms.keys", "aws.kms.aliases")
    assert [kept.gathered.result for kept in found] == [GatherResult.FAILED]
    assert found[0].gathered.reason == "credentials refused: credentials expired (ExpiredTokenException)"
    assert "sign in again" in desk.refused
    assert aws.asked("kms:ListAliases") == []
    assert {record.id: sorted(record.gaps) for record in found[0].records} == {"k1": [], "k2": ["key", "rotation"]}


def test_credentials_of_another_account_are_refused(aws: StubAws) -> None:
    aws.account = "999999999999"
    desk = desk_over(PLAIN_KEYS)
    kept = desk.one("aws.kms.plain")
    assert kept.gathered.result is GatherResult.FAILED
    assert "expected credentials of this account, found those of 999999999999" in desk.refused
    assert aws.asked("kms:ListKeys") == []


def test_missing_credentials_say_what_to_try(aws: StubAws, monkeypatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialsRefused, match="sign in again or renew"):
        desk_over(PLAIN_KEYS).collector.principal(ACCOUNT, RUN)


def test_the_principal_is_asked_once_for_account_and_run(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = {"Keys": []}
    desk = desk_over(PLAIN_KEYS)
    desk.one("aws.kms.plain")
    desk.one("aws.kms.plain", region="us-east-1")
    assert len(aws.asked("sts:GetCallerIdentity")) == 1


def test_a_disabled_region_is_unavailable_where_sts_accepts_the_credentials(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = refuse("UnrecognizedClientException")
    desk = desk_over(PLAIN_KEYS, KEYS)
    found = desk.gather("aws.kms.plain", "aws.kms.keys", region="me-south-1")
    assert [kept.gathered.result for kept in found] == [GatherResult.UNAVAILABLE] * 2
    assert len(aws.asked("sts:GetCallerIdentity")) == 2  # the principal, and one more look for the whole task
    assert desk.refused == ""


def test_invalid_credentials_stop_the_account_where_sts_refuses_them_too(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = refuse("UnrecognizedClientException")
    looks = iter([None, refuse("InvalidClientTokenId", 403)])
    aws.sts = lambda: next(looks)
    desk = desk_over(PLAIN_KEYS)
    assert desk.one("aws.kms.plain").gathered.result is GatherResult.FAILED
    assert "credentials not accepted" in desk.refused


def test_a_key_revoked_in_mid_run_is_not_taken_for_a_disabled_region(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = {"Keys": [_key("k1")]}
    aws.answers["kms:GetKeyRotationStatus"] = refuse("UnrecognizedClientException")
    desk = desk_over(KEYS)
    assert desk.one("aws.kms.keys").gathered.result is GatherResult.FAILED
    assert desk.refused


def test_a_role_that_cannot_be_assumed_is_refused(aws: StubAws) -> None:
    aws.sts = refuse("AccessDenied", 403)
    access = {ACCOUNT: AccountAccess(ACCOUNT, role_arn=f"arn:aws:iam::{ACCOUNT}:role/auditor")}
    with pytest.raises(CredentialsRefused, match="AccessDenied"):
        desk_over(PLAIN_KEYS, access=access).collector.principal(ACCOUNT, RUN)


def test_a_server_that_is_gone_is_a_failed_unit(aws: StubAws, monkeypatch) -> None:
    desk = desk_over(PLAIN_KEYS, settings=AwsSettings(attempts=2, connect_timeout_s=1, home_region=REGION))
    desk.collector.principal(ACCOUNT, RUN)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    gathered = desk_over(PLAIN_KEYS, settings=desk.settings).collector
    gathered._tools.identity._known[(ACCOUNT, RUN)] = "someone"
    desk.collector = gathered
    kept = desk.one("aws.kms.plain")
    assert kept.gathered.result is GatherResult.FAILED
    assert kept.gathered.problems[0].code == "EndpointConnectionError"
    assert kept.calls[0].retried[0].code == "EndpointConnectionError"


def test_an_error_in_our_own_code_is_a_failed_unit_with_its_name(aws: StubAws, monkeypatch) -> None:
    aws.answers["kms:ListKeys"] = {"Keys": []}

    def broken(work):
        raise ZeroDivisionError

    monkeypatch.setattr("flows.collectors.aws.task.gather_declared", broken)
    gathered = desk_over(PLAIN_KEYS).one("aws.kms.plain").gathered
    assert gathered.result is GatherResult.FAILED
    assert "unexpected ZeroDivisionError" in gathered.reason


def test_answers_that_are_no_answers_are_failures(aws: StubAws) -> None:
    aws.answers["kms:ListKeys"] = lambda _: {"raw": b"<html>surprise</html>"}
    assert desk_over(PLAIN_KEYS).one("aws.kms.plain").gathered.result is GatherResult.FAILED


def test_hostile_text_in_answers_is_kept_readable(aws: StubAws) -> None:
    hostile = '=cmd|"/c calc"\u202e \ud800 \x00'
    aws.answers["kms:ListKeys"] = {"Keys": [_key(hostile), _key("x" * 5000)]}
    kept = desk_over(PLAIN_KEYS).one("aws.kms.plain")
    assert kept.gathered.result is GatherResult.COLLECTED
    assert kept.records[0].id.startswith('=cmd|"/c calc"')
    assert len(kept.records[1].id) == 2048
