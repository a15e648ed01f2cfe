"""The rogue administrator: he reaches the disks of the S3 server, so that no lock, version or credential stops him.

What the lock promises holds: version id, retention and length stay what they were, and no client can tell. The verifier
names each object that was changed, whatever its sort.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from history import LAYOUT, LOG, ORIGIN, SIGNER, write_history
from insider import Story
from stored import Stored

from evidence_schema.digest import Digest
from evidence_schema.models.receipt import Manifest
from evidence_schema.verification import Report, verify_log
from flows.children import Children
from flows.demo.object_store import REGION, ObjectStore, tamper_one_byte
from flows.vault.keys import trust_policy_for
from flows.vault.s3 import open_s3
from flows.vault.s3_client import S3Access
from flows.vault.settings import StoreCredentials
from flows.vault.store import Store

pytestmark = pytest.mark.faults

BUCKET = "locked-evidence"


class Place:
    """A vault of two runs on a server of its own; the administrator at its disks."""

    def __init__(self, server: ObjectStore, store: Store) -> None:
        self.server = server
        self.store = store
        start = datetime.now(UTC).replace(microsecond=0)  # a real server compares lock dates with its own clock
        self.now = write_history(store, LOG, 2, start=start).now
        found = {version.key: store.read(version.key, limit=1 << 20) for version in store.versions("v1/")}
        self.sorts = _sorts(Stored.of(found))

    def verify(self) -> Report:
        return verify_log(self.store, trust=trust_policy_for(LOG, ORIGIN, SIGNER), now=self.now)

    def change(self, key: str) -> None:
        """One byte in the middle, to another and with the next call back."""
        tamper_one_byte(self.server, BUCKET, key)


def _sorts(place: Stored) -> dict[str, str]:
    """One key of each sort of object."""
    keys = place.keys(LAYOUT.runs)
    run = Story(place).runs[0]
    manifest = Manifest.from_canonical(place.data(LAYOUT.blob(run.closed.manifest)))
    first = next(receipt for receipt in run.receipts if len(receipt.blobs) > 1)
    blobs: dict[str, Digest] = {
        "plan": run.opened.plan,
        "planned units": run.plan.units.digest,
        "catalogue": run.opened.catalogue,
        "settings": run.opened.settings,
        "manifest": run.closed.manifest,
        "manifest part": manifest.parts[0].digest,
        "findings": run.judged.findings,
        "outcomes": run.judged.outcomes,
        "workbook": run.export.digest,
        "transcript": first.blobs[0].digest,
        "file": first.blobs[1].digest,
    }
    return {
        "entry": LAYOUT.entry(2),
        "newest entry": LAYOUT.entry(len(place.keys(LAYOUT.entries)) - 1),
        "checkpoint": LAYOUT.checkpoint(2),
        "receipt": keys[0],
        **{name: LAYOUT.blob(digest) for name, digest in blobs.items()},
    }


SORTS = (
    "entry", "newest entry", "checkpoint", "receipt", "plan", "planned units", "catalogue", "settings", "manifest",
    "manifest part", "findings", "outcomes", "workbook", "transcript", "file",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Children() as children:
        server = ObjectStore(children, tmp_path_factory.mktemp("server"), [BUCKET])
        server.wait_ready()
        server.create_locked_bucket(BUCKET)
        keys = StoreCredentials(server.writer.access_key, server.writer.secret_key)
        store = open_s3(f"s3://{BUCKET}", S3Access(server.endpoint_url, REGION, credentials=keys))
        yield Place(server, store)
        server.kill()


@pytest.mark.parametrize("sort", SORTS)
def test_byte_changed_behind_the_lock_is_named_by_the_verifier(place: Place, sort: str) -> None:
    key = place.sorts[sort]
    before = list(place.store.versions(key))
    place.change(key)
    report = place.verify()
    assert list(place.store.versions(key)) == before, "the server shows another version, or another length"
    place.change(key)
    assert report.exit_code == 4
    assert key in {problem.key for problem in report.problems}


def test_every_sort_of_object_is_tried_and_the_log_is_sound_when_it_is_put_back(place: Place) -> None:
    assert tuple(place.sorts) == SORTS
    assert place.verify().problems == ()
