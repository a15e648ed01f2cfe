"""The templates of the evidence bucket and of its anchor: what they make, what they stop, and what they let through."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cloudformation import Template, as_list, denied_by, read_template
from policy_sentry.querying.actions import get_action_data

from controls.catalog import installed
from controls.checks import Companion, CompiledCheck, Scope
from evidence_schema.digest import Digest
from evidence_schema.models.names import FindingResult, LockMode
from evidence_schema.models.transcript import Record
from flows.vault.locks import Lock
from flows.vault.s3 import S3Store
from flows.vault.s3_client import S3Access, make_client
from flows.vault.settings import StoreCredentials

DEPLOYMENTS = Path(__file__).parents[1] / "deployments"
COLLECTOR, ERASER = "arn:aws:iam::111122223333:role/collector", "arn:aws:iam::111122223333:role/privacy"
WRITER = "arn:aws:iam::111122223333:role/acme-evidence-writer"
BUCKET = "arn:aws:s3:::acme-evidence"
KEYS = "arn:aws:s3:::acme-evidence-keys"
ANCHORS = "arn:aws:s3:::acme-evidence-anchors"
OBJECT = f"{BUCKET}/v1/acme/entry/000000000000.dsse.json"
AT = datetime(2026, 11, 1, tzinfo=UTC)
OVER_TLS = {"aws:SecureTransport": True}
PUT = OVER_TLS | {
    "s3:if-none-match": "*",
    "s3:object-lock-mode": "COMPLIANCE",
    "s3:object-lock-retain-until-date": "2032-12-02T00:00:00Z",
    "s3:object-lock-remaining-retention-days": 2222,
}
GIVEN = {"Name": "acme", "CollectorPrincipal": COLLECTOR, "EraserPrincipal": ERASER}


@cache
def evidence(signing: str = "none", minimum: int = 0) -> Template:
    path = DEPLOYMENTS / "evidence-bucket.yaml"
    return read_template(path, **GIVEN, SigningKeySpec=signing, MinimumDays=minimum)


@cache
def anchor() -> Template:
    return read_template(DEPLOYMENTS / "anchor-bucket.yaml", Name="acme", CollectorPrincipal=COLLECTOR)


def without(context: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in context.items() if name != key}


@pytest.mark.parametrize("name", ["evidence-bucket.yaml", "anchor-bucket.yaml"])
def test_a_template_fits_the_resource_types_of_cloudformation(name: str) -> None:
    api = pytest.importorskip("cfnlint.api")
    config = pytest.importorskip("cfnlint.config")
    text = (DEPLOYMENTS / name).read_text(encoding="utf-8")
    assert [str(match) for match in api.lint(text, config=config.ManualArgs(regions=["eu-central-1"]))] == []


def test_the_evidence_bucket_locks_keeps_versions_encrypts_and_is_closed() -> None:
    made = evidence().properties("EvidenceBucket")
    assert made["ObjectLockEnabled"] is True
    rule = made["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule == {"Mode": "GOVERNANCE", "Days": 1}  # a rehearsal, until somebody says otherwise
    assert made["VersioningConfiguration"] == {"Status": "Enabled"}
    [encryption] = made["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    for template, name in ((evidence(), "EvidenceBucket"), (evidence(), "KeyBucket"), (anchor(), "AnchorBucket")):
        assert set(template.properties(name)["PublicAccessBlockConfiguration"].values()) == {True}
        assert template.resources[name]["DeletionPolicy"] == "Retain"


def test_the_key_bucket_keeps_nothing_that_was_deleted() -> None:
    made = evidence().properties("KeyBucket")
    assert not {"VersioningConfiguration", "ObjectLockEnabled", "ObjectLockConfiguration"} & made.keys()


STOPPED = [
    ("OnlyOverTls", "s3:GetObject", OBJECT, {"aws:SecureTransport": False}),
    ("OnlyOverTls", "s3:ListBucketVersions", BUCKET, {"aws:SecureTransport": False}),
    ("NothingIsDeleted", "s3:DeleteObjectVersion", OBJECT, OVER_TLS),
    ("NothingIsDeleted", "s3:DeleteObject", OBJECT, OVER_TLS),
    ("NoLockIsBypassed", "s3:BypassGovernanceRetention", OBJECT, OVER_TLS),
    ("NoLockIsMadeShort", "s3:PutObjectRetention", OBJECT, PUT | {"s3:object-lock-remaining-retention-days": 389}),
    ("NoLockIsMadeShort", "s3:PutObject", OBJECT, PUT | {"s3:object-lock-remaining-retention-days": 389}),
    ("NoPutWithoutLockMode", "s3:PutObject", OBJECT, without(PUT, "s3:object-lock-mode")),
    ("NoPutWithoutLockDate", "s3:PutObject", OBJECT, without(PUT, "s3:object-lock-retain-until-date")),
    ("NoPutOverAnother", "s3:PutObject", OBJECT, without(PUT, "s3:if-none-match")),
    ("NoOtherEncryption", "s3:PutObject", OBJECT, PUT | {"s3:x-amz-server-side-encryption": "AES256"}),
    ("TheBucketStaysLocked", "s3:PutBucketObjectLockConfiguration", BUCKET, OVER_TLS),
    ("TheBucketStaysLocked", "s3:PutBucketVersioning", BUCKET, OVER_TLS),
    ("TheBucketStaysLocked", "s3:DeleteBucket", BUCKET, OVER_TLS),
]


@pytest.mark.parametrize(("sid", "action", "resource", "context"), STOPPED)
def test_each_statement_stops_what_it_is_there_for(
    sid: str, action: str, resource: str, context: dict[str, Any]
) -> None:
    """And nothing else stops it: without the statement it would go through."""
    assert denied_by(evidence(minimum=390).statements("EvidenceBucketPolicy"), action, resource, context) == [sid]


def test_every_statement_is_there_for_something() -> None:
    assert {item["Sid"] for item in evidence().statements("EvidenceBucketPolicy")} == {sid for sid, *_ in STOPPED}


def test_what_the_vault_itself_sends_goes_through() -> None:
    """Its own client, stopped before the wire: the headers it sends are the condition keys that the policy asks for."""
    client = make_client(S3Access(region="eu-central-1", credentials=StoreCredentials("id", "secret")))
    sent: list[dict[str, str]] = []

    class _Sent(Exception):
        pass

    def catch(request: Any, **_: Any) -> None:
        sent.append({name.lower(): str(value) for name, value in request.headers.items()} | {"url": request.url})
        raise _Sent

    client.meta.events.register("before-send.s3", catch)
    lock = Lock(LockMode.COMPLIANCE, AT + timedelta(days=400))
    with pytest.raises(_Sent):
        S3Store(client, "acme-evidence").put(
            "v1/acme/entry/000000000000.dsse.json", b"x", digest=Digest.of(b"x"), size=1, media_type="x/y", lock=lock
        )
    [headers] = sent
    keys = {"if-none-match": "s3:if-none-match", "x-amz-object-lock-mode": "s3:object-lock-mode",
            "x-amz-object-lock-retain-until-date": "s3:object-lock-retain-until-date"}  # fmt: skip
    context = {key: headers[name] for name, key in keys.items()}
    context |= {
        "aws:SecureTransport": headers["url"].startswith("https://"),
        "s3:object-lock-remaining-retention-days": 400,
    }
    statements = evidence(minimum=390).statements("EvidenceBucketPolicy")
    assert denied_by(statements, "s3:PutObject", OBJECT, context) == []
    assert "x-amz-server-side-encryption" not in headers  # the bucket's own key encrypts
    for action in ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"):
        assert denied_by(statements, action, OBJECT, OVER_TLS) == []


def test_the_probe_of_the_lock_goes_through_and_lets_nobody_delete() -> None:
    statements, probe = evidence(minimum=390).statements("EvidenceBucketPolicy"), f"{BUCKET}/probe/ab"
    short = PUT | {"s3:object-lock-remaining-retention-days": 0}
    assert denied_by(statements, "s3:PutObject", probe, short) == []
    assert denied_by(statements, "s3:DeleteObjectVersion", probe, OVER_TLS) == ["NothingIsDeleted"]


def test_the_writer_puts_and_gets_and_the_eraser_alone_deletes() -> None:
    def actions(template: Template, role: str, service: str) -> set[str]:
        found = {action for item in template.statements(role) for action in as_list(item["Action"])}
        assert all(item["Effect"] == "Allow" for item in template.statements(role))
        return {action for action in found if action.startswith(f"{service}:")}

    seen = {"s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"}
    got = {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"}
    made = evidence("ECC_NIST_EDWARDS25519")
    assert actions(made, "WriterRole", "s3") == {"s3:PutObject", "s3:PutObjectRetention"} | got | seen
    assert actions(made, "WriterRole", "kms") == {"kms:Decrypt", "kms:GenerateDataKey", "kms:GetPublicKey", "kms:Sign"}
    assert actions(evidence(), "WriterRole", "kms") == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert actions(made, "KeeperRole", "s3") == {"s3:PutObject", "s3:GetObject"} | seen
    assert actions(made, "EraserRole", "s3") == {"s3:DeleteObject", "s3:GetObject"} | seen
    assert actions(made, "EraserRole", "kms") == set()
    assert actions(anchor(), "AnchorRole", "s3") == {"s3:PutObject"}
    assert "SigningKey" in made.resources
    assert "SigningKey" not in evidence().resources


def test_only_the_eraser_deletes_data_keys() -> None:
    statements = evidence().statements("KeyBucketPolicy")
    eraser = evidence().properties("EraserRole")
    assert eraser["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"AWS": ERASER}
    context = OVER_TLS | {"aws:PrincipalArn": "arn:aws:made:::EraserRole.Arn"}
    assert denied_by(statements, "s3:DeleteObject", f"{KEYS}/dek/ab", context) == []
    context = OVER_TLS | {"aws:PrincipalArn": WRITER}
    assert denied_by(statements, "s3:DeleteObject", f"{KEYS}/dek/ab", context) == ["OnlyTheEraserDeletes"]
    assert denied_by(statements, "s3:PutBucketVersioning", KEYS, OVER_TLS) == ["NothingDeletedIsKept"]


def test_an_anchor_is_locked_by_its_bucket_and_never_replaced() -> None:
    made = anchor().properties("AnchorBucket")
    assert made["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 2223}
    statements, copy = anchor().statements("AnchorBucketPolicy"), f"{ANCHORS}/v1/acme/checkpoint/000000000001"
    assert denied_by(statements, "s3:PutObject", copy, OVER_TLS | {"s3:if-none-match": "*"}) == []
    assert denied_by(statements, "s3:PutObject", copy, OVER_TLS) == ["NoPutOverAnother"]
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"):
        assert denied_by(statements, action, copy, OVER_TLS) == ["NothingIsDeleted"]


NEWER = {"s3:if-none-match", "s3:object-lock-mode"}
"""Condition keys that S3 documents and the offline list of actions may not know yet for each action."""


@pytest.mark.parametrize("template", [evidence("ECC_NIST_P256"), anchor()], ids=["evidence", "anchor"])
def test_every_action_and_condition_key_is_one_of_iam(template: Template) -> None:
    policies = [name for name, item in template.resources.items() if item["Type"] != "AWS::S3::Bucket"
                and {"PolicyDocument", "Policies"} & item["Properties"].keys()]  # fmt: skip
    assert len(policies) >= 2
    for name in policies:
        for statement in template.statements(name):
            for action in as_list(statement["Action"]):
                if action.endswith("*"):
                    continue
                service, _, operation = action.partition(":")
                assert get_action_data(service, operation), action
                keys = {key for found in statement.get("Condition", {}).values() for key in found}
                rows = get_action_data(service, operation)[service]
                known = {key for row in rows for key in row["condition_keys"]}
                assert {key for key in keys if key.startswith("s3:")} - NEWER <= known, (action, keys - known)


def check(id_: str) -> CompiledCheck:
    [found] = [item for requirement in installed().requirements for item in requirement.checks if item.id == id_]
    return CompiledCheck(found)


def scope(**more: Any) -> Scope:
    return Scope(at=AT, period={"start": AT, "end": AT}, params={}, facts=more.pop("facts", {}), **more)


def record(kind: str, fields: dict[str, Any], id_: str = "acme-evidence") -> Record:
    return Record(kind=kind, account="111122223333", region="global", id=id_, fields=fields)


def listed(statement: dict[str, Any]) -> dict[str, Any]:
    principal = {"Principal": as_list(statement["Principal"])} if "Principal" in statement else {}
    return statement | {name: as_list(statement[name]) for name in ("Action", "Resource")} | principal


def test_the_catalogues_own_checks_of_a_store_pass_on_it() -> None:
    """EV-COL-02-C1 over a locked object of this bucket, C2 over the writer's policies."""
    made = evidence("ECC_NIST_EDWARDS25519").properties("EvidenceBucket")
    policy = [listed(item) for item in evidence().statements("EvidenceBucketPolicy")]
    bucket = record("aws.s3.buckets", {
        "versioning": made["VersioningConfiguration"],
        "encryption": {"ServerSideEncryptionConfiguration": {"Rules": [
            {"ApplyServerSideEncryptionByDefault": item["ServerSideEncryptionByDefault"]}
            for item in made["BucketEncryption"]["ServerSideEncryptionConfiguration"]]}},
        "policy": {"Policy": {"Statement": policy}},
        "public_access_block": {"PublicAccessBlockConfiguration": made["PublicAccessBlockConfiguration"]},
    })  # fmt: skip
    stored = record("aws.s3.stored_objects", {"Bucket": "acme-evidence", "Mode": "GOVERNANCE",
                                              "RetainUntilDate": "2026-11-03T00:00:00Z"})  # fmt: skip
    found = check("EV-COL-02-C1").judge(stored, scope(companions={"buckets": Companion((bucket,))}))
    assert found.result is FindingResult.PASS, found
    statements = [listed(item) for item in evidence("ECC_NIST_EDWARDS25519").statements("WriterRole")]
    writer = record("aws.iam.policies", {"Holders": [WRITER], "Policy": {"Statement": statements}}, "writer")
    roles = {"collector_roles": {"collector": WRITER, "auditor": "arn", "store": "acme-evidence"}}
    found = check("EV-COL-02-C2").judge(writer, scope(facts=roles))
    assert found.result is FindingResult.PASS, found
    keeper = [listed(item) for item in evidence().statements("EraserRole")]
    found = check("EV-COL-02-C2").judge(
        record("aws.iam.policies", {"Holders": [WRITER], "Policy": {"Statement": keeper}}, "eraser"), scope(facts=roles)
    )
    assert found.result is FindingResult.FAIL, "a writer that erases as well would be an exception"


def test_outputs_are_what_the_settings_ask_for() -> None:
    found = json.dumps(dict(evidence().outputs))
    for name in ("vault.url", "vault.keys.url", "vault.keys.kek"):
        assert name in found
