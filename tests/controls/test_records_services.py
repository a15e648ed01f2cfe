"""What the derivations of keys, answers and services do where a call was denied, and with policies of other forms."""

from __future__ import annotations

import json

import pytest
from answers import ACCOUNT, Body, Told, denied

from evidence_schema.models.transcript import Record

KEY = "11111111-2222-3333-4444-555555555555"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def key(*statements: Body, deny: str = "") -> Record:
    answers = {
        "detail": {"KeyMetadata": {"KeyId": KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
        "policy": {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})},
    }
    told = Told("aws.kms.keys").list({"KeyId": KEY})
    for name, answer in answers.items():
        told.each(name, denied() if name == deny else answer, KEY)
    return told.records("aws.kms.key_policies")[0]


def allow(who: str, *actions: str) -> Body:
    return {"Effect": "Allow", "Principal": {"AWS": who}, "Action": list(actions), "Resource": "*"}


@pytest.mark.parametrize(
    ("call", "unknown", "known"),
    [
        ("detail", {"KeyManager", "KeyState"}, {"OnlyAccountRoot", "AdministersAndUses"}),
        ("policy", {"OnlyAccountRoot", "AdministersAndUses", "DecryptsUnattested", "Statements"}, {"KeyManager"}),
    ],
)
def test_what_a_denied_call_would_have_told_of_a_key_is_unknown(call: str, unknown: set[str], known: set[str]) -> None:
    found = key(allow(ROOT, "kms:*"), deny=call)
    assert unknown <= found.gaps.keys()
    assert not unknown & found.fields.keys()
    assert known <= found.fields.keys() - found.gaps.keys()


@pytest.mark.parametrize("who", [ROOT, ACCOUNT, f"arn:aws-us-gov:iam::{ACCOUNT}:root"])
def test_the_account_is_named_in_several_ways(who: str) -> None:
    assert key(allow(who, "kms:*")).fields["OnlyAccountRoot"] is True


@pytest.mark.parametrize(
    ("actions", "both"),
    [
        (("kms:*",), True),
        (("*",), True),
        (("kms:Put*", "kms:Decrypt"), True),
        (("kms:?ecrypt", "kms:DisableKey"), True),
        (("kms:Describe*", "kms:Decrypt"), False),
        (("kms:PutKeyPolicy",), False),
        (("kms:[DE]ecrypt", "kms:PutKeyPolicy"), False),
    ],
)
def test_administration_and_use_are_told_by_the_wildcards_of_iam(actions: tuple[str, ...], both: bool) -> None:
    assert key(allow("arn:aws:iam::1:role/x", *actions)).fields["AdministersAndUses"] == (
        ["arn:aws:iam::1:role/x"] if both else []
    )


def test_a_refusal_gives_nobody_anything() -> None:
    assert key(allow(ROOT, "kms:*"), allow("*", "kms:*") | {"Effect": "Deny"}).fields["OnlyAccountRoot"] is True


def test_a_call_that_failed_was_asked_all_the_same() -> None:
    told = Told("aws.secretsmanager.secrets").list({"ARN": "a", "Name": "b"}).each("detail", denied(), "a")
    (found,) = told.records("aws.secretsmanager.answers")
    assert found.fields["Operations"] == ["secretsmanager:DescribeSecret", "secretsmanager:ListSecrets"]
    assert found.fields["Fields"] == ["ARN", "Name", "SecretList"]


def test_services_are_counted_by_the_arns_that_were_found() -> None:
    arns = ("arn:aws:sqs:eu-west-1:1:a", "arn:aws:sqs:eu-west-1:1:b", "arn:aws:s3:::c", "no arn")
    told = Told("aws.resourcegroupstaggingapi.resources").list(*({"ResourceARN": arn} for arn in arns))
    found = {record.id: record.fields["Resources"] for record in told.records("aws.resourcegroupstaggingapi.services")}
    assert found == {"(no service)": 1, "s3": 1, "sqs": 2}
