"""Faults are answered exactly as AWS answers, strike exactly what they name, and the access log tells all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from flows.demo.account_trails import TRAIL_BUCKET
from flows.demo.errors import DemoError
from flows.demo.faults import Effect
from flows.demo.world import World

ClientMaker = Callable[..., Any]

# One call for each protocol, and the code and status of each fault over it.
CALLS: dict[str, tuple[str, str, dict[str, str]]] = {
    "query": ("rds", "describe_db_instances", {}),
    "ec2": ("ec2", "describe_volumes", {}),
    "json": ("cloudtrail", "describe_trails", {}),
    "rest-json": ("backup", "list_backup_vaults", {}),
    "rest-xml": ("s3", "list_objects_v2", {"Bucket": TRAIL_BUCKET}),
    "cbor": ("cloudwatch", "describe_alarms", {}),
}
CODES = {
    Effect.DENY: {
        "query": ("AccessDenied", 403), "ec2": ("UnauthorizedOperation", 403), "json": ("AccessDeniedException", 400),
        "rest-json": ("AccessDeniedException", 403), "rest-xml": ("AccessDenied", 403),
        "cbor": ("AccessDeniedException", 400),
    },
    Effect.THROTTLE: {
        "query": ("Throttling", 400), "ec2": ("RequestLimitExceeded", 503), "json": ("ThrottlingException", 400),
        "rest-json": ("ThrottlingException", 429), "rest-xml": ("SlowDown", 503), "cbor": ("ThrottlingException", 400),
    },
    Effect.EXPIRE: {
        "query": ("ExpiredToken", 403), "ec2": ("RequestExpired", 400), "json": ("ExpiredTokenException", 400),
        "rest-json": ("ExpiredTokenException", 403), "rest-xml": ("ExpiredToken", 400),
        "cbor": ("ExpiredTokenException", 400),
    },
    Effect.DISABLE_REGION: {
        "query": ("InvalidClientTokenId", 403), "ec2": ("AuthFailure", 401),
        "json": ("UnrecognizedClientException", 400),
        "rest-json": ("UnrecognizedClientException", 403), "rest-xml": ("InvalidAccessKeyId", 403),
        "cbor": ("UnrecognizedClientException", 400),
    },
    Effect.FAIL: {
        "query": ("InternalFailure", 500), "ec2": ("InternalError", 500), "json": ("InternalServerException", 500),
        "rest-json": ("InternalServerException", 500), "rest-xml": ("InternalError", 500),
        "cbor": ("InternalServerException", 500),
    },
}  # fmt: skip


def outcome(call: Callable[..., Any], **parameters: Any) -> tuple[str, int]:
    """Code and status; the code of a good answer is empty."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "", answer["ResponseMetadata"]["HTTPStatusCode"]


def set_fault(world: World, effect: Effect) -> None:
    {
        Effect.DENY: lambda: world.faults.deny("*:*"),
        Effect.THROTTLE: lambda: world.faults.throttle("*:*"),
        Effect.EXPIRE: lambda: world.faults.expire_token_after(1),
        Effect.DISABLE_REGION: lambda: world.faults.disable_region("eu-central-1"),
        Effect.FAIL: lambda: world.faults.fail("*:*"),
    }[effect]()


@pytest.mark.parametrize("protocol", CALLS)
@pytest.mark.parametrize("effect", CODES)
def test_botocore_reads_the_intended_code_from_every_fault(
    world: World, client: ClientMaker, effect: Effect, protocol: str
) -> None:
    service, method, parameters = CALLS[protocol]
    call = getattr(client(service), method)
    set_fault(world, effect)
    if effect is Effect.EXPIRE:
        assert outcome(call, **parameters) == ("", 200)  # the last good call
    assert outcome(call, **parameters) == CODES[effect][protocol]
    assert world.accesses()[-1].fault == effect
    assert world.accesses()[-1].status == CODES[effect][protocol][1]
    world.faults.clear()
    assert outcome(call, **parameters) == ("", 200)


def test_a_head_request_has_a_status_and_no_body(world: World, client: ClientMaker) -> None:
    world.faults.deny("s3:HeadBucket")
    assert outcome(client("s3").head_bucket, Bucket=TRAIL_BUCKET) == ("403", 403)


def test_only_the_denied_operation_is_denied(world: World, client: ClientMaker) -> None:
    world.faults.deny("ec2:DescribeVolumes")
    assert outcome(client("ec2").describe_volumes) == ("UnauthorizedOperation", 403)
    assert outcome(client("ec2").describe_snapshots, OwnerIds=["self"]) == ("", 200)
    assert outcome(client("rds").describe_db_instances) == ("", 200)


def test_only_the_denied_region_is_denied(world: World, client: ClientMaker) -> None:
    world.faults.deny("ec2:DescribeVolumes", region="us-east-1")
    assert outcome(client("ec2", "us-east-1").describe_volumes) == ("UnauthorizedOperation", 403)
    assert outcome(client("ec2", "eu-central-1").describe_volumes) == ("", 200)


def test_only_the_denied_item_is_denied(world: World, client: ClientMaker) -> None:
    world.faults.deny("iam:ListMFADevices", item="sim-ben.okafor")
    world.faults.deny("backup:DescribeBackupVault", item="simulated-vault-locked")
    devices = client("iam").list_mfa_devices
    vault = client("backup").describe_backup_vault
    assert outcome(devices, UserName="sim-ben.okafor") == ("AccessDenied", 403)
    assert outcome(devices, UserName="sim-anna.keller") == ("", 200)
    assert outcome(vault, BackupVaultName="simulated-vault-locked") == ("AccessDeniedException", 403)
    assert outcome(vault, BackupVaultName="simulated-vault-unprotected") == ("", 200)


@pytest.mark.parametrize("name", ["rds", "neptune", "docdb"])
def test_graph_and_document_databases_are_denied_as_rds_as_aws_does(
    world: World, client: ClientMaker, name: str
) -> None:
    world.faults.deny(f"{name}:DescribeDBClusters")
    for service in ("rds", "neptune", "docdb"):
        assert outcome(client(service).describe_db_clusters) == ("AccessDenied", 403)


def test_every_third_call_is_throttled(world: World, client: ClientMaker) -> None:
    world.faults.throttle("rds", every=3)
    call = client("rds").describe_db_instances
    assert [outcome(call)[0] for _ in range(7)] == ["", "", "Throttling", "", "", "Throttling", ""]


def test_the_first_attempts_are_throttled_and_retries_succeed(world: World, client: ClientMaker) -> None:
    world.faults.throttle("cloudtrail:*", first=2)
    answer = client("cloudtrail", attempts=3).describe_trails()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert [access.status for access in world.accesses()] == [400, 400, 200]


def test_each_distinct_call_can_be_throttled_for_itself(world: World, client: ClientMaker) -> None:
    world.faults.throttle("iam:ListMFADevices", first=1, each_call=True)
    devices = client("iam").list_mfa_devices
    names = ["sim-anna.keller", "sim-anna.keller", "sim-ben.okafor", "sim-ben.okafor"]
    assert [outcome(devices, UserName=name)[0] for name in names] == ["Throttling", "", "Throttling", ""]


def test_an_expired_token_is_refused_everywhere_and_a_new_one_is_good(world: World, client: ClientMaker) -> None:
    old = client("ec2", key="AKIASIMULATEDOLD0000")
    world.faults.expire_token_after(3)
    codes = [outcome(old.describe_volumes)[0] for _ in range(5)]
    assert codes == ["", "", "", "RequestExpired", "RequestExpired"]
    assert outcome(client("sts", key="AKIASIMULATEDOLD0000").get_caller_identity)[0] == "ExpiredToken"
    assert outcome(client("ec2", key="AKIASIMULATEDNEW0000").describe_volumes) == ("", 200)


def test_a_disabled_region_is_shown_as_not_opted_in_and_global_services_still_answer(
    world: World, client: ClientMaker
) -> None:
    ec2 = client("ec2", "us-east-1")
    before = {one["RegionName"] for one in ec2.describe_regions()["Regions"]}
    world.faults.disable_region("us-east-1")
    assert outcome(ec2.describe_volumes) == ("AuthFailure", 401)
    assert outcome(client("ec2", "eu-central-1").describe_volumes) == ("", 200)
    assert before - {one["RegionName"] for one in ec2.describe_regions()["Regions"]} == {"us-east-1"}
    every = {one["RegionName"]: one["OptInStatus"] for one in ec2.describe_regions(AllRegions=True)["Regions"]}
    assert (every["us-east-1"], every["eu-central-1"]) == ("not-opted-in", "opt-in-not-required")
    for service, method in [("iam", "list_users"), ("sts", "get_caller_identity"), ("s3", "list_buckets")]:
        assert outcome(getattr(client(service, "us-east-1"), method)) == ("", 200)
    filters = [{"Name": "opt-in-status", "Values": ["opt-in-not-required", "opted-in"]}]
    enabled = client("ec2").describe_regions(AllRegions=True, Filters=filters)["Regions"]
    assert {one["RegionName"] for one in enabled} == before - {"us-east-1"}
    assert client("ec2").describe_regions(RegionNames=["eu-central-1"])["Regions"][0]["RegionName"] == "eu-central-1"


def test_a_region_that_was_never_switched_on_refuses_as_a_disabled_one(world: World, client: ClientMaker) -> None:
    assert outcome(client("ec2", "af-south-1").describe_volumes) == ("AuthFailure", 401)
    assert world.accesses()[-1].fault == "disable_region"


def test_a_dropped_connection_is_a_network_error_and_recovers(world: World, client: ClientMaker) -> None:
    world.faults.drop("rds:*", first=1)
    call = client("rds").describe_db_instances
    with pytest.raises((HTTPClientError, EndpointConnectionError)):
        call()
    assert outcome(call) == ("", 200)
    assert [access.status for access in world.accesses()] == [0, 200]


def test_a_delayed_call_is_answered_late_and_well(world: World, client: ClientMaker) -> None:
    world.faults.delay("ec2:DescribeVolumes", seconds=0.5)
    started = time.monotonic()
    assert outcome(client("ec2").describe_volumes) == ("", 200)
    assert time.monotonic() - started >= 0.5


def test_a_fault_may_carry_another_code_and_status(world: World, client: ClientMaker) -> None:
    world.faults.deny("backup:*", code="SubscriptionRequiredException", status=400)
    assert outcome(client("backup").list_backup_vaults) == ("SubscriptionRequiredException", 400)


def test_faults_of_a_block_are_gone_after_it(world: World, client: ClientMaker) -> None:
    with world.faults.cleared_after() as faults:
        faults.fail("ec2:DescribeVolumes")
        assert outcome(client("ec2").describe_volumes)[1] == 500
    assert outcome(client("ec2").describe_volumes) == ("", 200)


@pytest.mark.parametrize(
    ("fault", "says"),
    [({"effect": "explode"}, "one of deny"), ({"effect": "deny", "operation": "ec2:*"}, "no field operation")],
)
def test_an_unknown_fault_is_refused_with_what_is_known(world: World, fault: dict[str, str], says: str) -> None:
    with pytest.raises(DemoError, match=says):
        world.server.control._ask("POST", "faults", fault)


def test_the_log_names_who_asked_what_where_and_how_it_ended(world: World, client: ClientMaker) -> None:
    client("rds", "us-east-1").describe_db_instances()
    client("backup").list_backup_jobs(ByState="FAILED")
    assert [(a.name, a.region, a.account, a.access_key_last4, a.status, a.answered_by) for a in world.accesses()] == [
        ("rds:DescribeDBInstances", "us-east-1", "111122223333", "D000", 200, "moto"),
        ("backup:ListBackupJobs", "eu-central-1", "111122223333", "D000", 200, "own answers"),
    ]


def test_the_same_call_has_the_same_digest_in_the_log_and_another_call_another(
    world: World, client: ClientMaker
) -> None:
    devices = client("iam").list_mfa_devices
    for name in ("sim-anna.keller", "sim-anna.keller", "sim-ben.okafor"):
        devices(UserName=name)
    first, again, other = (access.parameters_sha256 for access in world.accesses())
    assert first == again != other


def test_what_moto_lacks_is_logged_as_a_500(world: World, client: ClientMaker) -> None:
    assert outcome(client("cloudtrail").list_channels)[1] == 500
    assert [(a.name, a.status) for a in world.accesses()] == [("cloudtrail:ListChannels", 500)]


def test_s3_passes_through_unchanged_in_both_directions(world: World, client: ClientMaker) -> None:
    s3 = client("s3")
    body = bytes(range(256)) * 20_000
    key = "a b/ü+%.bin"
    s3.put_object(Bucket=TRAIL_BUCKET, Key=key, Body=body, ContentType="application/json", ContentEncoding="gzip")
    got = s3.get_object(Bucket=TRAIL_BUCKET, Key=key)
    assert b"".join(got["Body"].iter_chunks(65_536)) == body
    assert (got["ContentType"], got["ContentEncoding"]) == ("application/json", "gzip")
    s3.delete_object(Bucket=TRAIL_BUCKET, Key=key)
    assert [a.name for a in world.accesses()] == ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]


def test_a_role_of_another_account_is_another_account(world: World, client: ClientMaker) -> None:
    role = "arn:aws:iam::444455556666:role/simulated-evidence-reader"
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="run-1")["Credentials"]
    theirs = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
        "endpoint_url": world.account_url,
        "region_name": "eu-central-1",
        "config": Config(retries={"total_max_attempts": 1}),
    }
    identity = boto3.client("sts", **theirs).get_caller_identity()
    assert (identity["Account"], identity["Arn"].split("/")[-1]) == ("444455556666", "run-1")
    assert boto3.client("iam", **theirs).list_users()["Users"] == []
    assert world.accesses()[-1].account == "444455556666"
    assert client("sts").get_caller_identity()["Account"] == "111122223333"
    world.faults.deny("iam:ListUsers", account="444455556666")
    assert outcome(boto3.client("iam", **theirs).list_users) == ("AccessDenied", 403)
    assert outcome(client("iam").list_users) == ("", 200)
