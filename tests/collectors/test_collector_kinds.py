"""The declared kinds: what the evidence map asks for is reachable, and each action and path really exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from collector_desk import Desk, kind
from service_actions import action_of
from stub_aws import StubAws

from controls.catalog import installed
from controls.errors import CatalogError
from evidence_schema.models.names import GatherResult
from flows.collectors.aws.actions import actions_for
from flows.collectors.aws.modules import MODULES as GATHERERS
from flows.collectors.aws.never_call import NEVER_CALL, OPT_IN, SIDE_EFFECTS, refuse_forbidden
from flows.collectors.aws.secret_fields import SECRET_FIELDS
from flows.collectors.aws.session import AwsSessions
from flows.collectors.aws.settings import AwsSettings
from flows.collectors.aws.validation import Validator
from flows.collectors.errors import BadKind, ForbiddenCall
from flows.collectors.registry import Kinds, load_kinds

SESSIONS = AwsSessions({}, AwsSettings())
MODULES = frozenset(GATHERERS)
NOT_CALLED = {
    "cloudtrail:LookupEvents": "the log files themselves tell more, without its limit of two calls a second",
    "cloudformation:DetectStackDrift": "starts a job; drift is read as it was last detected",
    "iam:GetRolePolicy": "the policies come with GetAccountAuthorizationDetails",
}
"""Operations of the map that no kind asks, with the reason."""
ANOTHERS = {
    ("EV-IAM-03", "iam:ListEntitiesForPolicy"): "GetAccountAuthorizationDetails says what is attached to whom",
    **{
        ("EV-LOG-07", operation): "reads are counted from the log files; EV-LOG-06 holds these against a second count"
        for operation in (
            "cloudtrail:StartQuery",
            "cloudtrail:GetQueryResults",
            "athena:StartQueryExecution",
            "athena:GetQueryResults",
        )
    },
}
"""Operations that a requirement of the map names and another of ours asks, with the reason."""
OURS_ALONE = {
    "athena:GetQueryExecution": "says when a query has ended",
    "cloudtrail:DescribeQuery": "says when a query has ended",
    "cloudtrail:GetEventDataStore": "says what a store keeps, since when: ListEventDataStores no longer does",
    "cloudwatch:ListMetrics": "GetMetricData must be told each metric by its dimensions",
    "config:DescribeConfigRuleEvaluationStatus": "says when a rule last evaluated successfully",
    "config:DescribeRetentionConfigurations": "says for how long the recorded history is kept",
    "ec2:DescribeLaunchTemplates": "lists what DescribeLaunchTemplateVersions is asked for",
    "network-firewall:ListFirewallPolicies": "lists what DescribeFirewallPolicy is asked for",
    "rds:DescribeDBClusterParameterGroups": "lists what the parameters of clusters are asked for",
    "rds:DescribeDBParameterGroups": "lists what the parameters of instances are asked for",
    "rds:DescribeOptionGroups": "says which instances audit through an option",
    "redshift:DescribeClusterParameterGroups": "lists what DescribeClusterParameters is asked for",
    "route53resolver:ListResolverQueryLogConfigAssociations": "says which networks a query log covers",
    "sso-admin:ListAccountsForProvisionedPermissionSet": "assignments of other accounts are told no other way",
    "sso-admin:ListManagedPoliciesInPermissionSet": "says which permission sets administer",
}
"""Operations that the map does not name, with the reason."""


@pytest.fixture(scope="module")
def evidence_map(shared: Path) -> dict:
    text = (shared / "reference" / "evidence_map.yaml").read_text()
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def test_every_operation_that_the_map_names_of_aws_is_reachable(kinds: Kinds, evidence_map: dict) -> None:
    aws = [item for item in evidence_map["evidence"] if item["source"]["system"] == "aws"]
    wanted = {operation for item in aws for operation in item["source"]["operations"]}
    reachable = {operation for name in kinds for operation in kinds.operations_of(name)}
    assert len(aws) == 58
    assert len(wanted) == 329
    assert wanted - reachable == NOT_CALLED.keys()
    assert reachable - wanted == OURS_ALONE.keys()


def test_a_requirement_gathers_the_operations_that_the_map_gives_it(kinds: Kinds, evidence_map: dict) -> None:
    """Directly, or through a kind that its kinds build on."""
    here = {item.id: item for item in installed().requirements}
    missing = {}
    for item in evidence_map["evidence"]:
        if item["source"]["system"] != "aws":
            continue
        asked = {step for kind in here[item["id"]].kinds for step in (kind, *kinds.sources_of(kind))}
        reached = {operation for kind in asked for operation in kinds.operations_of(kind)}
        left = {name for name in item["source"]["operations"] if (item["id"], name) not in ANOTHERS}
        if left := left - reached - NOT_CALLED.keys():
            missing[item["id"]] = sorted(left)
    assert missing == {}


def test_every_shipped_kind_is_sound(kinds: Kinds) -> None:
    Validator(kinds, SESSIONS, MODULES).check_all()


def test_every_action_exists_and_only_reads(kinds: Kinds) -> None:
    sentry = pytest.importorskip("policy_sentry.querying.actions")
    levels = {}
    bills = {action for kind in kinds.values() if kind.opt_in is not None for action in kind.actions}
    for kind_, declaration in kinds.items():
        for index, action in enumerate(declaration.actions):
            service, _, name = action.partition(":")
            found = sentry.get_action_data(service, name)
            told = f"expected an IAM action, found none named {action}; look in the Service Authorization Reference"
            assert found, str(kinds.mistake(kind_, ("actions", index), told))
            levels[action] = found[service][0]["access_level"]
    assert {action for action, level in levels.items() if level not in ("Read", "List")} == bills & OPT_IN


AS_WHO_ASKS = {
    "aws.athena.trail_days": {
        "glue:GetDatabase", "glue:GetTable", "glue:GetPartitions",
        "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket",
    }
}  # fmt: skip
"""Actions that a service performs with our rights while it answers."""


def test_the_actions_of_a_kind_are_those_of_its_operations(kinds: Kinds) -> None:
    for name, declaration in kinds.items():
        if declaration.view_of is None:
            needed = {action_of(item, kind=name) for item in kinds.operations_of(name)}
            assert set(declaration.actions) == needed | AS_WHO_ASKS.get(name, set()), name


def test_the_check_of_the_product_finds_the_action_that_our_table_gives(kinds: Kinds) -> None:
    """By botocore's signing names and a short list; the table was made by hand, apart from it."""
    for name in kinds:
        for operation in kinds.operations_of(name):
            found = actions_for(operation, SESSIONS.model(operation.partition(":")[0]))
            assert action_of(operation, kind=name) in found, operation
            assert len(found) == 1 or operation == "s3:GetObject"


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
    for operation in OPT_IN:
        with pytest.raises(ForbiddenCall, match="opt_in"):
            refuse_forbidden(operation, declared=True)
        refuse_forbidden(operation, declared=True, opted_in=True)
        with pytest.raises(ForbiddenCall):
            refuse_forbidden(operation, declared=False, opted_in=True)
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
        (
            GOOD + GOOD.split("kinds:\n")[1].replace("aws.kms.keys", "aws.kms.more"),
            11,
            "expected each operation in one",
        ),
        (GOOD + "  - {kind: aws.kms.view, scope: region, title: v, view_of: aws.kms.nothing}\n", 8, "aws.kms.nothing"),
        ("kinds: []\n", 1, "expected `service: NAME`"),
        (GOOD.replace("ListKeys,", "DisableKey,"), 6, "found kms:DisableKey; a collector never writes"),
        (GOOD.replace("ListKeys,", "Decrypt,"), 6, "found kms:Decrypt, which is never called"),
        (GOOD.replace("[kms:ListKeys]", "[kms:*]"), 7, "expected an IAM action as `prefix:Name`"),
        (GOOD.replace("kinds:", "kinds: ["), 0, "expected YAML"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    (tmp_path / "kms.yaml").write_text(text)
    with pytest.raises(CatalogError) as caught:
        load_kinds(tmp_path)
    assert message in str(caught.value)
    assert f"kms.yaml:{line or ''}" in str(caught.value)


SCOPES = """service: wafv2
kinds:
  - kind: aws.wafv2.one
    scope: region
    title: one
    list: {operation: ListWebACLs, with: {Scope: REGIONAL}, items: WebACLs, id: ARN}
    actions: [wafv2:ListWebACLs]
  - kind: aws.wafv2.other
    scope: region
    title: other
    list: {operation: ListWebACLs, with: {Scope: OTHER}, items: WebACLs, id: ARN}
    actions: [wafv2:ListWebACLs]
"""


def test_two_kinds_may_ask_one_operation_for_different_things_only(tmp_path: Path) -> None:
    def loaded(scope: str) -> Kinds:
        folder = tmp_path / scope
        folder.mkdir()
        (folder / "wafv2.yaml").write_text(SCOPES.replace("OTHER", scope))
        return load_kinds(folder)

    assert set(loaded("CLOUDFRONT")) == {"aws.wafv2.one", "aws.wafv2.other"}
    for same in ("REGIONAL", "$region"):
        with pytest.raises(CatalogError, match="expected each operation in one kind"):
            loaded(same)


def test_what_is_asked_of_plain_strings_of_another_kind_is_sound() -> None:
    clusters = kind(
        kind="aws.ecs.clusters", service="ecs",
        list={"operation": "ListClusters", "items": "clusterArns", "id": "$value"},
    )  # fmt: skip
    services = {"operation": "ListServices", "with": {"cluster": "$item.value"}, "items": "serviceArns", "id": "$value"}
    asked = kind(kind="aws.ecs.services", service="ecs", list=services, **{"from": "aws.ecs.clusters"})
    Validator(Kinds([clusters, asked]), SESSIONS, MODULES).check("aws.ecs.services")


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


QUERY = {
    "kind": "aws.athena.rows", "service": "athena", "opt_in": "bills", "query": "SELECT '{account}'",
    "start": {"operation": "StartQueryExecution", "with": {"QueryString": "$query"}},
    "list": {"operation": "GetQueryResults", "with": {"QueryExecutionId": "$started.QueryExecutionId"},
             "items": "ResultSet.Rows", "id": "$region"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"opt_in": None}, "expected athena:StartQueryExecution of a kind that declares `opt_in`"),
        ({"query": None}, "expected a reference that has a value here, found '$query'"),
        ({"query": "SELECT '{item.Name}'"}, "found ['item.Name']"),
        ({"query": "SELECT 1 FROM {store}"}, "found ['store']"),
    ],
)
def test_what_bills_says_so_and_its_query_takes_nothing_from_answers(fields: dict, message: str) -> None:
    Validator(Kinds([kind(**QUERY)]), SESSIONS, MODULES).check("aws.athena.rows")
    with pytest.raises(BadKind) as caught:
        Validator(Kinds([kind(**{**QUERY, **fields})]), SESSIONS, MODULES).check("aws.athena.rows")
    assert message in str(caught.value)


def test_a_kind_of_a_file_is_refused_with_its_file_and_line(tmp_path: Path) -> None:
    """All its mistakes at once; a declaration that came sealed with a run has no file."""
    (tmp_path / "kms.yaml").write_text(
        GOOD.replace("items: Keys, id: KeyId", "with: {Size: 1}, items: Kees, id: KeyId")
    )
    wrong = load_kinds(tmp_path)
    with pytest.raises(BadKind) as caught:
        Validator(wrong, SESSIONS, MODULES).check("aws.kms.keys")
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{tmp_path}/kms.yaml:6: aws.kms.keys: ListKeys: expected a parameter out of Limit, Marker")
    assert second.startswith(f"{tmp_path}/kms.yaml:6: aws.kms.keys: ListKeys: expected the answer's 'Kees' to exist")
    with pytest.raises(BadKind, match=r"^aws\.kms\.keys: ListKeys: expected a parameter"):
        Validator(Kinds(wrong.values()), SESSIONS, MODULES).check("aws.kms.keys")


def test_a_unit_whose_declaration_cannot_work_says_so_and_asks_nothing(aws: StubAws, tmp_path: Path) -> None:
    (tmp_path / "kms.yaml").write_text(GOOD.replace("items: Keys", "items: Kees"))
    gathered = Desk(load_kinds(tmp_path)).one("aws.kms.keys").gathered
    assert gathered.result is GatherResult.FAILED
    told = "its declaration cannot work: aws.kms.keys: ListKeys: expected the answer's 'Kees' to exist"
    assert gathered.reason.startswith(told), "a receipt names no file of this machine"
    assert [asked.name for asked in aws.log if asked.name.startswith("kms:")] == []


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
