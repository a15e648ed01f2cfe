"""The declared kinds: what the evidence map asks for is reachable, and each action and path really exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from collector_desk import kind

from controls.errors import CatalogError
from flows.collectors.aws.never_call import NEVER_CALL, SIDE_EFFECTS, refuse_forbidden
from flows.collectors.aws.secret_fields import SECRET_FIELDS
from flows.collectors.aws.session import AwsSessions
from flows.collectors.aws.settings import AwsSettings
from flows.collectors.aws.validation import Validator
from flows.collectors.errors import BadKind, ForbiddenCall
from flows.collectors.registry import Kinds, load_kinds

SESSIONS = AwsSessions({}, AwsSettings())
MODULES = frozenset({"credential_report", "log_files"})
REQUIREMENTS = ("EV-IAM-01", "EV-LOG-01", "EV-LOG-06", "EV-ENC-01", "EV-ENC-02", "EV-NET-01", "EV-BKP-01", "EV-BKP-02")
NOT_CALLED = {"cloudtrail:LookupEvents", "cloudtrail:StartQuery", "cloudtrail:GetQueryResults",
              "athena:StartQueryExecution", "athena:GetQueryResults"}  # fmt: skip


@pytest.fixture(scope="module")
def evidence_map(shared: Path) -> dict:
    text = (shared / "reference" / "evidence_map.yaml").read_text()
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def test_every_operation_of_the_eight_requirements_is_reachable(kinds: Kinds, evidence_map: dict) -> None:
    wanted = {
        operation
        for item in evidence_map["evidence"]
        if item["id"] in REQUIREMENTS
        for operation in item["source"]["operations"]
    }
    reachable = {operation for name in kinds for operation in kinds.operations_of(name)}
    assert wanted - reachable == NOT_CALLED
    assert reachable - wanted == {"ec2:DescribeRegions"}


def test_every_shipped_kind_is_sound(kinds: Kinds) -> None:
    Validator(kinds, SESSIONS, MODULES).check_all()


def test_every_action_exists_and_only_reads(kinds: Kinds) -> None:
    sentry = pytest.importorskip("policy_sentry.querying.actions")
    levels = {}
    for action in kinds.actions_of(kinds):
        service, _, name = action.partition(":")
        found = sentry.get_action_data(service, name)
        assert found, f"{action}: expected an IAM action, found none of this name"
        levels[action] = found[service][0]["access_level"]
    assert set(levels.values()) <= {"Read", "List"}


IRREGULAR = {  # operation -> action, where their names differ (Service Authorization Reference, Amazon S3 and RDS)
    "s3:ListObjectsV2": "s3:ListBucket",
    "neptune:DescribeDBClusters": "rds:DescribeDBClusters",
    "neptune:DescribeDBClusterSnapshots": "rds:DescribeDBClusterSnapshots",
    "docdb:DescribeDBClusters": "rds:DescribeDBClusters",
}


def test_the_actions_of_a_kind_are_those_of_its_operations(kinds: Kinds) -> None:
    for name, declaration in kinds.items():
        if declaration.view_of is None:
            needed = {IRREGULAR.get(operation, operation) for operation in kinds.operations_of(name)}
            assert set(declaration.actions) == needed, name


def test_the_never_call_list_holds_what_the_map_forbids(evidence_map: dict) -> None:
    assert {entry.split(" ")[0] for entry in evidence_map["never_call"]} <= set(NEVER_CALL)
    assert set(evidence_map["side_effect_operations"]) == set(SIDE_EFFECTS)


def test_the_secret_fields_hold_what_the_map_calls_secret(evidence_map: dict) -> None:
    for row in evidence_map["redaction"]["fields"]:
        if row["holds"] == "secret":
            assert row["field"] in SECRET_FIELDS[row["operation"]], row


def test_kinds_need_no_aws_library() -> None:
    code = "import sys, flows.collectors.registry as r; r.load_kinds(); print([m for m in sys.modules if 'boto' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_sources_and_actions_follow_views_and_from(kinds: Kinds) -> None:
    assert kinds.sources_of("aws.cloudtrail.sign_ins") == ("aws.cloudtrail.log_files", "aws.cloudtrail.trails")
    assert kinds.sources_of("aws.iam.users") == ()
    assert "s3:GetObject" in kinds.actions_of(["aws.cloudtrail.sign_ins"])
    assert kinds.operations_of("aws.cloudtrail.sign_ins") == ()


@pytest.mark.parametrize("operation", sorted(NEVER_CALL))
def test_forbidden_operations_are_refused_also_where_declared(operation: str) -> None:
    with pytest.raises(ForbiddenCall, match="never called"):
        refuse_forbidden(operation, declared=True)


def test_side_effects_and_writes_are_refused_unless_declared() -> None:
    refuse_forbidden("iam:GenerateCredentialReport", declared=True)
    with pytest.raises(ForbiddenCall, match="bills"):
        refuse_forbidden("athena:StartQueryExecution", declared=False)
    with pytest.raises(ForbiddenCall, match="never writes"):
        refuse_forbidden("s3:PutObject", declared=True)


# --- mistakes in files ----------------------------------------------------------------------------------------------

GOOD = """service: kms
kinds:
  - kind: aws.kms.keys
    scope: region
    title: keys
    list: {operation: ListKeys, items: Keys, id: KeyId}
    actions: [kms:ListKeys]
"""


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (GOOD.replace("scope: region", "scope: planet"), 4, "scope"),
        (GOOD.replace("    actions: [kms:ListKeys]\n", ""), 3, "expected `actions`"),
        (GOOD.replace("title: keys", "titel: keys"), 5, "titel"),
        (GOOD + GOOD.split("kinds:\n")[1], 8, "expected each kind once"),
        (GOOD + GOOD.split("kinds:\n")[1].replace("aws.kms.keys", "aws.kms.more"), 8, "expected each operation in one"),
        (GOOD + "  - {kind: aws.kms.view, scope: region, title: v, view_of: aws.kms.nothing}\n", 8, "aws.kms.nothing"),
        ("kinds: []\n", 1, "expected `service: NAME`"),
        (GOOD.replace("kinds:", "kinds: ["), 0, "expected YAML"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    (tmp_path / "kms.yaml").write_text(text)
    with pytest.raises(CatalogError) as caught:
        load_kinds(tmp_path)
    assert message in str(caught.value)
    assert f"kms.yaml:{line or ''}" in str(caught.value)


def test_sources_that_go_round_are_refused(tmp_path: Path) -> None:
    view = "  - {{kind: aws.x.{0}, scope: region, title: v, view_of: aws.x.{1}}}\n"
    (tmp_path / "x.yaml").write_text("service: x\nkinds:\n" + view.format("a", "b") + view.format("b", "a"))
    with pytest.raises(CatalogError, match="circle"):
        load_kinds(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"list": {"operation": "ListKeyz", "items": "Keys", "id": "KeyId"}}, "expected an operation of kms"),
        ({"list": {"operation": "ListKeys", "items": "Kees", "id": "KeyId"}}, "found no 'Kees'"),
        ({"list": {"operation": "ListKeys", "items": "Keys", "id": "Id"}}, "found no 'Id'; there are: KeyId, KeyArn"),
        ({"list": {"operation": "ListKeys", "items": "Keys", "id": "$value"}}, "expected plain strings"),
        ({"list": {"operation": "ListKeys", "with": {"Size": 1}, "items": "Keys", "id": "KeyId"}}, "found 'Size'"),
        ({"list": {"operation": "ListGrants", "items": "Grants", "id": "GrantId"}}, "required parameters KeyId"),
        (
            {
                "service": "cloudtrail",
                "list": {"operation": "ListEventDataStores", "items": "EventDataStores", "id": "Name"},
            },
            "expected `pages:",
        ),
        (
            {
                "service": "wafv2",
                "list": {"operation": "ListWebACLs", "with": {"Scope": "REGIONAL"}, "items": "WebACLs", "id": "Id"},
            },
            "expected `pages:",
        ),
        ({"each": {"x": {"operation": "ListGrants", "with": {"KeyId": "$item.KeyId"}}}}, "declare it as `list:`"),
        ({"each": {"x": {"operation": "DescribeKey", "with": {"KeyId": "$item.Id"}}}}, "found no 'Id'"),
        ({"each": {"x": {"operation": "DescribeKey", "with": {"KeyId": "$parent.Id"}}}}, "reference that has a value"),
        ({"each": {"x": {"operation": "DescribeKey", "with": {"KeyId": "$itme.KeyId"}}}}, "reference that has a value"),
        ({"each": {"x": {"operation": "DescribeKey", "with": {"KeyId": "$item.KeyId"}, "take": "Meta"}}}, "no 'Meta'"),
        ({"each": {"x": {"operation": "Decrypt", "with": {"CiphertextBlob": "$item.KeyId"}}}}, "never called"),
        ({"each": {"x": {"operation": "DisableKey", "with": {"KeyId": "$item.KeyId"}}}}, "never writes"),
        ({"list": None, "module": "nothing"}, "expected a module out of"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_with_its_kind(fields: dict, message: str) -> None:
    good = {"kind": "aws.kms.keys", "list": {"operation": "ListKeys", "items": "Keys", "id": "KeyId"}}
    with pytest.raises(BadKind) as caught:
        Validator(Kinds([kind(**{**good, **fields})]), SESSIONS, MODULES).check("aws.kms.keys")
    assert str(caught.value).startswith("aws.kms.keys: ")
    assert message in str(caught.value)


def test_the_nine_operations_that_page_without_a_paginator_are_caught() -> None:
    silent = {
        "wafv2": ["ListWebACLs", "ListLoggingConfigurations"], "iam": ["GetServiceLastAccessedDetails"],
        "cloudtrail": ["GetQueryResults", "ListEventDataStores"], "guardduty": ["ListMalwareProtectionPlans"],
        "cloudformation": ["DescribeStackResourceDrifts"], "ssm": ["DescribeDocumentPermission"],
        "directconnect": ["DescribeConnections"],
    }  # fmt: skip
    for service, operations in silent.items():
        for operation in operations:
            shape = SESSIONS.model(service).operation_model(operation)
            asked = dict.fromkeys(shape.input_shape.required_members, "x")
            listing = {"operation": operation, "with": asked, "items": "$body", "id": "$region"}
            declaration = kind(kind="aws.test.kind", service=service, list=listing)
            with pytest.raises(BadKind, match="expected `pages:"):
                Validator(Kinds([declaration]), SESSIONS, MODULES).check("aws.test.kind")
