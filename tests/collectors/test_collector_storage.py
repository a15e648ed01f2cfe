"""Storage as it is on the wire: buckets of other regions, and the evidence store read as any other bucket."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from collector_desk import REGION, Desk
from stub_aws import StubAws

from flows.collectors.registry import Kinds

FAR, CONTENT = "us-west-2", "what nobody shall keep"
LOG = "v1/a-log"
UNTIL = "2033-01-01T00:00:00Z"
BLOB = hashlib.sha256(CONTENT.encode()).hexdigest()
KEY = f"{LOG}/blob/sha256/{BLOB[:2]}/{BLOB}"
ERROR = "<Error><Code>{}</Code><Message>no</Message></Error>"
NEVER_SET = {
    "tagging": "NoSuchTagSet",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "policy": "NoSuchBucketPolicy",
    "policyStatus": "NoSuchBucketPolicy",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "ownershipControls": "OwnershipControlsNotFoundError",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
}
SET = {
    "location": "<LocationConstraint>us-west-2</LocationConstraint>",
    "object-lock": "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
    "acl": "<AccessControlPolicy><Owner><ID>us</ID></Owner><AccessControlList/></AccessControlPolicy>",
    "versioning": "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    "logging": "<BucketLoggingStatus/>",
    "notification": "<NotificationConfiguration/>",
    "retention": f"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{UNTIL}</RetainUntilDate></Retention>",
}


class _Far(BaseHTTPRequestHandler):
    """A bucket of another region, as S3 serves it: who signs for the wrong region is sent on."""

    redirected: list[str]

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        bucket, _, key = place.path.lstrip("/").partition("/")
        signed_for = self.headers["Authorization"].split("/")[2]
        if not bucket:
            self._send(200, "<Result><Buckets><Bucket><Name>far</Name></Bucket></Buckets></Result>")
        elif signed_for != FAR and "location" not in query:
            self.redirected.append(self.path)
            self._send(301, ERROR.format("PermanentRedirect"))
        else:
            self._send(*_answer(query, key))

    def _send(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("x-amz-bucket-region", FAR)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _answer(query: dict[str, str], key: str) -> tuple[int, str]:
    if "versions" in query:
        return 200, f"<ListVersionsResult>{_versions(query.get('prefix', ''))}</ListVersionsResult>"
    for name, body in SET.items():
        if name in query:
            return 200, body
    for name, code in NEVER_SET.items():
        if name in query:
            return 404, ERROR.format(code)
    assert key
    return 200, CONTENT


def _versions(prefix: str) -> str:
    if prefix == "v1/":
        return f"<CommonPrefixes><Prefix>{LOG}/</Prefix></CommonPrefixes>"
    if prefix == f"{LOG}/run/":
        run = f"{LOG}/run/run-20261005T060000Z-0a1b2c3d/"
        return f"<CommonPrefixes><Prefix>{run}</Prefix></CommonPrefixes>"
    modified = "<LastModified>2026-09-05T06:00:00.000Z</LastModified>"
    return f"<Version><Key>{KEY}</Key><VersionId>1</VersionId>{modified}</Version>"


@contextmanager
def _serving() -> Iterator[tuple[str, list[str]]]:
    redirected: list[str] = []
    handler = type("Far", (_Far,), {"redirected": redirected})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", redirected
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_bucket_of_another_region_is_reached(aws: StubAws, kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving() as (url, redirected):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        (buckets, objects) = Desk(kinds).gather("aws.s3.buckets", "aws.s3.stored_objects", region=REGION)
    assert redirected, "the first question went to the wrong region"
    assert {call.error.code for call in buckets.calls if call.error is not None} <= set(NEVER_SET.values())
    (bucket,) = buckets.records
    assert bucket.gaps == {}
    assert bucket.fields["location"] == {"LocationConstraint": FAR}
    assert bucket.fields["versioning"] == {"Status": "Enabled"}
    assert not bucket.fields.keys() & {"tagging", "encryption", "policy", "policy_status", "lifecycle", "replication"}
    (stored,) = objects.records
    assert stored.gaps == {}
    assert stored.fields["Sha256"] == stored.fields["ClaimedSha256"] == BLOB
    assert stored.fields["RetainUntilDate"] == UNTIL
    assert stored.fields["Old"]
    months = {record.fields["Month"]: record.fields["Runs"] for record in objects.view(kinds["aws.s3.stored_months"])}
    assert months["2026-10"] == 1
    assert months["2026-09"] == 0
    assert CONTENT.encode() not in objects.transcript
