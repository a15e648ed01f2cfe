"""The gate names every request that botocore makes: all operations of the services used, not only those we call."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
import yaml
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.model import ListShape, MapShape, Shape, StructureShape

from flows.demo.operations import UNKNOWN, Call, WireRequest, name_call

REQUIREMENTS = ["EV-IAM-01", "EV-LOG-01", "EV-LOG-06", "EV-ENC-01", "EV-ENC-02", "EV-NET-01", "EV-BKP-01", "EV-BKP-02"]
SERVICES = [
    *("sts", "iam", "cloudtrail", "ec2", "rds", "backup", "s3", "athena", "kms", "account"),
    *("logs", "cloudwatch", "elbv2", "lambda"),
]
# The wire does not tell these from RDS, and AWS authorises them as RDS.
SAME_WIRE = {"neptune": "rds", "docdb": "rds"}
# Not signed; signed for another service; the deprecated twins of two requests that are the same on the wire.
NOT_OURS = {
    "AssumeRoleWithSAML": f"unsigned:{UNKNOWN}",
    "AssumeRoleWithWebIdentity": f"unsigned:{UNKNOWN}",
    "WriteGetObjectResponse": f"s3-object-lambda:{UNKNOWN}",
    "ListDirectoryBuckets": f"s3express:{UNKNOWN}",
    "GetBucketLifecycle": "s3:GetBucketLifecycleConfiguration",
    "PutBucketLifecycle": "s3:PutBucketLifecycleConfiguration",
    "GetBucketNotification": "s3:GetBucketNotificationConfiguration",
    "PutBucketNotification": "s3:PutBucketNotificationConfiguration",
}


class Capture(Exception):
    """Carries the request that would have been sent."""


def wire(request: AWSPreparedRequest) -> WireRequest:
    url = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    query = tuple(parse_qsl(url.query, keep_blank_values=True))
    return WireRequest(request.method, url.path, query, {"content-type": "", "host": url.netloc, **headers}, body)


def capturing_client(service: str, endpoint: str = "http://127.0.0.1:9") -> Any:
    client = boto3.client(
        service, region_name="eu-west-1", endpoint_url=endpoint, aws_access_key_id="AKIASIMULATEDREAD000",
        aws_secret_access_key="x", config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )  # fmt: skip

    def capture(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        raise Capture(request)

    client.meta.events.register("before-send", capture)
    return client


def named(client: Any, operation: str, parameters: dict[str, Any]) -> Call:
    with pytest.raises(Capture) as caught:
        client._make_api_call(operation, parameters)
    return name_call(wire(caught.value.args[0]))


def example(shape: Shape, depth: int = 0) -> Any:
    """The smallest value that the shape's own rules accept."""
    if isinstance(shape, StructureShape):
        members = shape.required_members if depth < 6 else []
        if shape.metadata.get("union"):
            members = list(shape.members)[:1]
        return {name: example(shape.members[name], depth + 1) for name in members}
    if isinstance(shape, ListShape):
        return [example(shape.member, depth + 1)] * max(1, shape.metadata.get("min", 0))
    if isinstance(shape, MapShape):
        return {"key": example(shape.value, depth + 1)}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x" * max(4, shape.metadata.get("min", 0))
    scalars: dict[str, Any] = {"boolean": True, "blob": b"x", "timestamp": 0, "float": 1.0, "double": 1.0}
    return scalars.get(shape.type_name, max(1, shape.metadata.get("min", 1)))


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_the_service_is_named(service: str) -> None:
    client = capturing_client(service)
    wrong = {}
    for operation in client.meta.service_model.operation_names:
        shape = client.meta.service_model.operation_model(operation).input_shape
        parameters = example(shape) if shape else {}
        if service == "s3" and "Bucket" in parameters:
            parameters["Bucket"] = "simulated-bucket"
        call = named(client, operation, parameters)
        if call.name != f"{service}:{operation}" or call.region != "eu-west-1":
            wrong[operation] = call.name
    assert wrong.items() <= NOT_OURS.items()


def test_every_operation_of_the_eight_requirements_is_named(shared: Path) -> None:
    evidence = yaml.load((shared / "reference" / "evidence_map.yaml").read_text(), yaml.CSafeLoader)["evidence"]
    operations = {
        operation for one in evidence if one["id"] in REQUIREMENTS for operation in one["source"]["operations"]
    }
    assert len(operations) > 35
    for name in sorted(operations):
        service, operation = name.split(":")
        client = capturing_client(service)
        shape = client.meta.service_model.operation_model(operation).input_shape
        call = named(client, operation, example(shape) if shape else {})
        assert call.name == f"{SAME_WIRE.get(service, service)}:{operation}"


def test_parameters_are_decoded_whatever_the_protocol() -> None:
    iam = named(capturing_client("iam"), "ListMFADevices", {"UserName": "sim-anna.keller"})
    trail = named(capturing_client("cloudtrail"), "GetTrailStatus", {"Name": "t"})
    vault = named(capturing_client("backup"), "GetBackupVaultAccessPolicy", {"BackupVaultName": "a vault"})
    key = "AWSLogs/1/a b/ü+%.json.gz"
    thing = named(capturing_client("s3"), "GetObject", {"Bucket": "logs", "Key": key})
    assert iam.mentions("sim-anna.keller")
    assert trail.parameters == {"Name": "t"}
    assert vault.parameters == {"backupVaultName": "a vault"}  # as on the wire
    assert thing.parameters["Bucket"] == "logs"
    assert thing.parameters["Key"] == key


def test_the_digest_tells_calls_apart_by_their_parameters_only() -> None:
    backup = capturing_client("backup")
    one, same, other = (
        named(backup, "ListBackupJobs", {"ByState": state}) for state in ("FAILED", "FAILED", "COMPLETED")
    )
    assert one.parameters_digest == same.parameters_digest != other.parameters_digest


def test_a_bucket_in_the_host_name_is_found() -> None:
    request = WireRequest(
        "GET", "/logs/one.json", (),
        {
            "host": "my-bucket.s3.example.com",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261101/eu-west-1/s3/aws4_request, Signature=x",
        },
    )  # fmt: skip
    call = name_call(request)
    assert (call.name, dict(call.parameters)) == ("s3:GetObject", {"Bucket": "my-bucket", "Key": "logs/one.json"})


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/../../etc/passwd", "/%ff%00"])
def test_what_is_not_signed_or_not_known_is_said_to_be_unknown(path: str) -> None:
    assert name_call(WireRequest("GET", path, (), {})).name == f"unsigned:{UNKNOWN}"
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261101/eu-west-1/nosuch/aws4_request"}
    assert name_call(WireRequest("GET", path, (), signed)).name == f"nosuch:{UNKNOWN}"
