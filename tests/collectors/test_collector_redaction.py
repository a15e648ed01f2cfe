"""Nothing secret is ever written: planted secrets through the whole engine, and ordinary values left alone."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
from collector_desk import REGION, desk_over, kind
from hypothesis import given
from hypothesis import strategies as st
from stub_aws import StubAws, refuse

from evidence_schema.canonical import canonical_bytes
from evidence_schema.models.names import GatherResult
from flows.collectors.plain import plain
from flows.collectors.redaction import Redactor
from flows.collectors.secrets import names_a_secret, rule_of_named, rule_of_value

# All made up. Joined from parts, so that scanners of source code do not take them for real ones.
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYzz8K3qLm0a"
OTHER_KEY = "9fQ2xZr7Lk0TnVb3Hy6Wd1" + "Mc8Ps5Ua4EgRi+jOqX"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
GITHUB_FINE = "github_pat_" + "11ABCDEFG0" * 6
NPM = "npm_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
HOOK = "https://hooks.slack.com/services/" + "T0AB1CD2E/B0FG3HI4J/k5L6m7N8o9P0q1R2s3T4u5V6"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEowIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi\n-----END RSA PRIVATE KEY-----"
SLACK = "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
GOOGLE = "AIza" + "SyA1234567890abcdefghijklmnopqrstuv"
GITLAB = "glpat-" + "A1b2C3d4E5f6G7h8I9j0"
SENDGRID = "SG." + "ngeVfQFYQlKU0ufo8x5d1A" + ".TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr"
PASSWORDS = [f"Tr0ub4dor&{number}-correct" for number in range(12)]

# sort -> (where it is planted, the secret itself)
PLANTED: list[tuple[str, dict, str]] = [
    ("named password", {"DbPassword": PASSWORDS[0]}, PASSWORDS[0]),
    ("named password", {"master_user_password": PASSWORDS[1]}, PASSWORDS[1]),
    ("named password", {"env": {"APP_SECRET": PASSWORDS[2]}}, PASSWORDS[2]),
    ("named token", {"authToken": PASSWORDS[3]}, PASSWORDS[3]),
    ("named token", {"list": [{"api-key": PASSWORDS[4]}]}, PASSWORDS[4]),
    ("named token", {"sessionToken": "IQoJb3JpZ2luX2VjEJr" + PASSWORDS[9]}, PASSWORDS[9]),
    ("connection string", {"connectionString": f"Server=db;{PASSWORDS[5]}"}, PASSWORDS[5]),
    ("connection string", {"Description": f"jdbc:sqlserver://db;user=sa;password={PASSWORDS[6]}"}, PASSWORDS[6]),
    ("tag", {"Tags": [{"Key": "DbPassword", "Value": PASSWORDS[7]}]}, PASSWORDS[7]),
    ("tag", {"Parameters": [{"ParameterKey": "ApiToken", "ParameterValue": PASSWORDS[8]}]}, PASSWORDS[8]),
    ("url", {"Endpoint": f"https://admin:{PASSWORDS[10]}@example.org/hook"}, PASSWORDS[10]),
    ("url", {"Url": "https://b.s3.amazonaws.com/k?X-Amz-Signature=" + "ab12" * 16}, "ab12" * 16),
    ("aws secret key", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": SECRET_KEY}, SECRET_KEY),
    ("aws secret key", {"Description": f"AKIAIOSFODNN7EXAMPLE / {OTHER_KEY} for backups"}, OTHER_KEY),
    ("aws secret key", {"note": OTHER_KEY}, OTHER_KEY),
    ("private key", {"CertificateBody": PEM}, "MIIEowIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi"),
    ("private key", {"UserData": f"#!/bin/sh\ncat <<X > key\n{PEM}\nX"}, "MIIEowIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi"),
    ("jwt", {"Description": f"bearer {JWT}"}, JWT.split(".")[2]),
    ("jwt", {JWT: "a name can be a secret too"}, JWT.split(".")[2]),
    ("github", {"Source": f"https://{GITHUB}@github.com/a/b"}, GITHUB),
    ("github", {"Tags": [{"Key": "ci", "Value": GITHUB}]}, GITHUB),
    ("github", {"note": "see " + GITHUB_FINE}, GITHUB_FINE),
    ("registry", {"note": NPM}, NPM),
    ("slack", {"Topic": SLACK}, SLACK),
    ("slack", {"note": HOOK}, HOOK),
    ("stripe", {"note": f"charge with {STRIPE}"}, STRIPE),
    ("google", {"note": GOOGLE}, GOOGLE),
    ("gitlab", {"note": GITLAB}, GITLAB),
    ("sendgrid", {"note": SENDGRID}, SENDGRID),
    ("embedded json", {"Input": json.dumps({"user": "x", "password": PASSWORDS[11]})}, PASSWORDS[11]),
    ("embedded json", {"definition": json.dumps({"a": json.dumps({"client_secret": "Zx9!kk-plain-words"})})},
     "Zx9!kk-plain-words"),
    ("entropy", {"webhookAuthValue": "q8ZrT2mVx0LpWc7NsYb4HdKe"}, "q8ZrT2mVx0LpWc7NsYb4HdKe"),
]  # fmt: skip

ORDINARY = {
    "Arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-password-a1B2c3",
    "SecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rds!db-0f1e2d3c",
    "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "KmsKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
    "Sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ETag": '"d41d8cd98f00b204e9800998ecf8427e"',
    "VersionId": "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
    "Fingerprint": "a9:53:5f:12:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
    "Thumbprint": "9e99a48a9960b14926bb7f3b02e22da2b0ab7280",
    "PlanVersion": "NjQ2ZTZkODktMGVhNy00MmQ0LWE4YjktZTkwNTQ3OTkyZTcw",
    "PasswordLastUsed": "2026-10-01T00:00:00Z",
    "PasswordPolicy": "minimum 14",
    "HttpTokens": "required",
    "MultiFactorAuthPresent": "true",
    "secretId": "my/app/prod-database-credentials-1",
    "ClientRequestToken": "7f9c2ba4-e88f-827d-6163-0cdc9b1cf4c2",
    "clientToken": "Terraform-20230710121504061500000001",
    "Key": "AWSLogs/218007301253/CloudTrail/us-east-1/2023/07/10/218007301253_CloudTrail_us-east-1_20230710T12.json.gz",
    "Token": "",
    "MasterUserSecret": {"SecretArn": "arn:aws:secretsmanager:x", "SecretStatus": "active"},
    "userName": "HIDDEN_DUE_TO_SECURITY_REASONS",
    "password": "****",
    "policy": '{"Statement":[{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","sts:GetSessionToken"],'
              '"Resource":"arn:aws:secretsmanager:*:*:secret:*","Condition":{"StringEquals":{"aws:RequestTag/token":"x"}}}]}',
    "cron": "cron(0 5 ? * * *)",
    "url": "https://console.aws.amazon.com/iam/home?region=eu-west-1#/users",
    "mail": "mailto:someone@example.org",
    "agent": "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) aws-sdk-go/1.44.157 (go1.19.3; linux)",
    "filter": '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
    "PublicKey": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7",
    "reference": "{{resolve:secretsmanager:db:SecretString:password}}",
    "path": "application/Production/Service1/Component2/a",
}  # fmt: skip


def test_the_plants_are_many_and_of_many_sorts() -> None:
    assert len(PLANTED) >= 25
    assert len({sort for sort, _, _ in PLANTED}) >= 12


def test_no_planted_secret_reaches_a_spool(aws: StubAws) -> None:
    """Every plant stands in a free-form map of a realistic answer: Lambda-like environment, tags, descriptions."""
    described = kind(
        kind="aws.test.functions", service="glue",
        list={"operation": "GetJobs", "items": "Jobs", "id": "Name"},
        each={"policy": {"operation": "GetResourcePolicy", "take": "PolicyInJson"}},
    )  # fmt: skip
    jobs = []
    for number, (_, plant, _) in enumerate(PLANTED):
        text = json.dumps(plant)
        jobs.append({"Name": f"job-{number}", "Description": text, "NonOverridableArguments": _flat(plant)})
    aws.answers["glue:GetJobs"] = {"Jobs": jobs}
    aws.answers["glue:GetResourcePolicy"] = {"PolicyInJson": f'{{"x": "{GITHUB}"}}'}
    kept = desk_over(described).one("aws.test.functions")
    assert kept.gathered.result is GatherResult.COLLECTED
    leaked = [sort for sort, _, secret in PLANTED if secret.encode() in kept.transcript]
    assert leaked == []
    assert sum(item.count for item in kept.gathered.redactions) >= len(PLANTED)
    assert kept.calls[0].wire_digest is None
    pointers = {(item.pointer, item.rule) for item in kept.calls[0].redactions}
    assert ("/Jobs/0/NonOverridableArguments/DbPassword", "named") in pointers
    assert len(kept.records) == len(PLANTED)


def _flat(value: dict) -> dict[str, str]:
    """The plant as a map of strings, as environments and arguments are."""
    found = {}
    for name, member in value.items():
        if isinstance(member, str):
            found[name] = member
        for inner in member if isinstance(member, list) else [member] if isinstance(member, dict) else []:
            if {"Key", "Value"} <= set(inner):
                found[inner["Key"]] = inner["Value"]
            elif "ParameterKey" in inner:
                found[inner["ParameterKey"]] = inner["ParameterValue"]
            else:
                found |= _flat(inner)
    return found


@pytest.mark.parametrize(("sort", "plant", "secret"), PLANTED, ids=[f"{i}-{item[0]}" for i, item in enumerate(PLANTED)])
def test_each_planted_secret_is_cut_where_it_stands(sort: str, plant: dict, secret: str) -> None:
    redacted = Redactor().answer("x:Y", plain(plant))
    assert secret not in json.dumps(redacted.value)
    assert len(redacted.redactions) == 1
    assert all(secret not in item.pointer for item in redacted.redactions)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_values_are_not_cut(name: str) -> None:
    redacted = Redactor().answer("x:Y", {name: ORDINARY[name]})
    assert redacted.redactions == ()
    assert redacted.value == {name: ORDINARY[name]}


def test_real_cloudtrail_events_are_hardly_touched(shared: Path) -> None:
    """Real events hold few secrets (the data set's own are masked): what is cut is looked at, one by one."""
    rules = {}
    for path in sorted((shared / "data" / "cloudtrail" / "logs").glob("*.json")):
        for event in json.loads(path.read_text())["Records"]:
            for item in Redactor().answer("cloudtrail:event", plain(event)).redactions:
                rules.setdefault((item.pointer, item.rule), 0)
                rules[(item.pointer, item.rule)] += 1
    assert {pointer.rsplit("/", 1)[1] for pointer, _ in rules} <= {"sessionToken", "userData", "deployment"}
    assert sum(rules.values()) < 40


def test_declared_fields_are_cut_whole_and_their_names_kept(aws: StubAws) -> None:
    functions = kind(
        kind="aws.lambda.functions", service="lambda",
        list={"operation": "ListFunctions", "items": "Functions", "id": "FunctionName"},
        redact=[{"operation": "ListFunctions", "field": "Description"}],
    )  # fmt: skip
    aws.answers["lambda:ListFunctions"] = {"Functions": [
        {"FunctionName": "f", "Description": "harmless words", "MemorySize": 128,
         "Environment": {"Variables": {"MODE": "plain-looking", "N": "1"}}}]}  # fmt: skip
    kept = desk_over(functions).one("aws.lambda.functions")
    fields = kept.records[0].fields
    rule = "field:lambda:listfunctions.environment.variables"
    assert fields["Environment"]["Variables"] == {"MODE": f"[redacted:{rule}]", "N": f"[redacted:{rule}]"}
    assert fields["Description"] == "[redacted:field:lambda:listfunctions.description]"
    assert b"plain-looking" not in kept.transcript
    assert b"harmless words" not in kept.transcript


BINARY = b"\x00\xff" + PEM.encode()
SCRIPT = f"#!/bin/sh\nexport DB_PASSWORD={PASSWORDS[0]}\n"


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (base64.b64encode(b"#!/bin/sh\nsystemctl start web\n").decode(), ""),
        (base64.b64encode(SCRIPT.encode()).decode(), ":holds:assignment"),
        (base64.b64encode(gzip.compress(SCRIPT.encode(), mtime=0)).decode(), ":holds:assignment"),
        (base64.b64encode(gzip.compress(SCRIPT.encode(), mtime=0)[:9]).decode(), ""),
        (PEM, ":holds:private-key"),
        ("plain words", ""),
    ],
)
def test_a_declared_field_says_whether_what_was_cut_showed_a_secret(value: str, held: str) -> None:
    redactor = Redactor({"ec2:DescribeInstanceAttribute": ["UserData"]})
    found = redactor.answer("ec2:DescribeInstanceAttribute", {"UserData": {"Value": value}})
    rule = f"field:ec2:describeinstanceattribute.userdata{held}"
    assert found.value == {"UserData": {"Value": f"[redacted:{rule}]"}}
    assert [(item.pointer, item.rule) for item in found.redactions] == [("/UserData/Value", rule)]


def test_below_a_declared_field_a_name_tells_a_secret_too() -> None:
    pairs = [{"name": "DB_PASSWORD", "value": "plain words"}, {"name": "MODE", "value": "plain words"}]
    redactor = Redactor({"codebuild:BatchGetProjects": ["environmentVariables"]})
    kept = redactor.answer("codebuild:BatchGetProjects", {"environmentVariables": pairs}).value
    assert [pair["value"].endswith(":holds:named]") for pair in kept["environmentVariables"]] == [True, False]


def test_below_a_declared_field_names_and_plain_yes_or_no_are_kept() -> None:
    operation = "elasticbeanstalk:DescribeConfigurationSettings"
    logs = {"Namespace": "aws:elasticbeanstalk:cloudwatch:logs", "OptionName": "StreamLogs", "Value": "true"}
    script = {"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "falsehood"}
    found = Redactor({operation: ["OptionSettings"]}).answer(operation, {"OptionSettings": [logs, script]})
    rule = f"field:{operation}.optionsettings".lower()
    assert found.value == {"OptionSettings": [logs, {**script, "Value": f"[redacted:{rule}]"}]}
    assert [item.pointer for item in found.redactions] == ["/OptionSettings/1/Value"]


def test_a_secret_inside_bytes_that_are_no_text_is_quarantined(aws: StubAws) -> None:
    keys = kind(
        kind="aws.kms.keys", list={"operation": "ListKeys", "items": "Keys", "id": "KeyId"},
        each={"public": {"operation": "GetPublicKey", "with": {"KeyId": "$item.KeyId"}}},
    )  # fmt: skip
    aws.answers["kms:ListKeys"] = {"Keys": [{"KeyId": "k1"}, {"KeyId": "k2"}]}
    aws.answers["kms:GetPublicKey"] = lambda asked: {
        "KeyId": asked["KeyId"],
        "PublicKey": base64.b64encode(BINARY if asked["KeyId"] == "k1" else b"\x00\x01 fine").decode(),
    }
    kept = desk_over(keys).one("aws.kms.keys")
    assert kept.gathered.result is GatherResult.PARTIAL
    assert kept.gathered.quarantined == 1
    assert {record.id: sorted(record.gaps) for record in kept.records} == {"k1": ["public"], "k2": []}
    assert base64.b64encode(BINARY) not in kept.transcript
    assert kept.calls[1].error.code == "Quarantined"
    assert kept.calls[1].wire_digest is None


def test_secrets_in_error_messages_and_parameters_are_cut(aws: StubAws) -> None:
    keys = kind(
        kind="aws.kms.keys", list={"operation": "ListKeys", "items": "Keys", "id": "KeyId"},
        each={"key": {"operation": "DescribeKey", "with": {"KeyId": "$item.KeyId"}}},
    )  # fmt: skip
    aws.answers["kms:ListKeys"] = {"Keys": [{"KeyId": GITHUB}]}
    aws.answers["kms:DescribeKey"] = refuse("ValidationException", message=f"bad key {GITHUB}")
    kept = desk_over(keys).one("aws.kms.keys")
    assert GITHUB.encode() not in kept.transcript
    assert kept.records[0].id == "[redacted:github-token]"
    assert set(kept.records[0].gaps) == {"key"}
    assert aws.asked("kms:DescribeKey")[0].parameters == {"KeyId": GITHUB}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DbPassword", True),
        ("API_KEY", True),
        ("client-secret", True),
        ("SecretAccessKey", True),
        ("pwd", True),
        ("PasswordLastUsed", False),
        ("KmsKeyId", False),
        ("NextToken", False),
        ("TokenType", False),
        ("Key", False),
    ],
)
def test_names_that_hold_secrets(name: str, secret: bool) -> None:
    assert names_a_secret(name) is secret


_texts = st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9:/@.=_ \"'-]{0,300}", fullmatch=True)
_json = st.recursive(
    st.booleans() | st.integers() | _texts | st.floats() | st.none() | st.binary(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(_json)
def test_any_answer_becomes_canonical_and_keeps_its_shape(value: object) -> None:
    body = plain({"x": value} if value is not None else {})
    redacted = Redactor().answer("x:Y", body)
    canonical_bytes(redacted.value)
    assert _shape(redacted.value) == _shape(body)


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return sorted(json.dumps(_shape(member)) for member in value.values())
    if isinstance(value, list):
        return [_shape(member) for member in value]
    return "leaf"


@given(st.text(max_size=3000))
def test_patterns_take_any_text(text: str) -> None:
    rule_of_value(text)
    rule_of_named("secret", text)


def test_patterns_are_linear_in_hostile_text() -> None:
    import time

    began = time.process_time()
    for piece in ("password", "a:", "AKIA", "eyJ", "://", '"x', "-----BEGIN "):
        rule_of_value(piece * 20_000)
    assert time.process_time() - began < 3


def test_region_is_not_part_of_a_secret() -> None:
    assert rule_of_value(f"https://sts.{REGION}.amazonaws.com/") is None
