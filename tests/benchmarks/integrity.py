"""What sealing and proving cost, beside bare hashing and bare uploads of the same bytes, in turn on the same server.

    python -m tests.benchmarks --only integrity [--artifacts 10000,100000]

Ingest and the first verification are on a real S3 server (SeaweedFS, Object Lock) on the same machine; the large vaults
lie in a folder. Ratios are medians over rounds: what else the machine does hurts both sides.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from evidence_schema.digest import Digest
from evidence_schema.layout import Layout
from evidence_schema.verification import verify_log
from flows.children import Children
from flows.demo.object_store import REGION, ObjectStore
from flows.vault.artifacts import Artifacts
from flows.vault.blobs import Blobs
from flows.vault.data_keys import DataKeys
from flows.vault.key_encryption import create_kek
from flows.vault.key_places import KeyFolder
from flows.vault.keys import LocalKey, create_key, trust_policy_for, write_trust_policy
from flows.vault.locks import Lock, LockPolicy, lock_for
from flows.vault.s3 import S3Store
from flows.vault.s3_client import S3Access, make_client
from flows.vault.settings import StoreCredentials
from tests.benchmarks.large_vault import ARTIFACTS_A_UNIT, LOG, ORIGIN, UNITS_A_RUN, QuickStore, write_vault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIXTURE = ((240, 4_096), (60, 65_536), (16, 1_048_576), (2, 8_388_608))
"""How many objects of how many bytes: 42 MB, most of the objects small, most of the bytes not."""
WIDTH = 8
"""Puts and reads at a time, on both sides: as the gathering tasks, and as the verifier."""
BUCKET = "bench-vault"
MOST_INGEST, MOST_ENCRYPTED, MOST_VERIFY = 3.0, 4.0, 4.0
MOST_FOLDER_VERIFY, MOST_MEMORY_GROWTH, MOST_MB = 12.0, 1.6, 250.0
"""Two to three times what was measured, which was under load (docs/figures.md)."""
PEAK_OF = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
"""A process that is started counts the memory of who started it: this one has next to none."""
ARTIFACTS = (10_000, 100_000)
ENOUGH = 50_000
"""Artifacts from which on the work outweighs the start of a process."""

Sample = tuple[tuple[Digest, bytes], ...]


def integrity(rounds: int, artifacts: Sequence[int] = ARTIFACTS) -> bool:
    """Print every figure; whether all ratios are within their limits."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with locked_server(place / "server") as server:
            passed = ingest(server, place, rounds)
            passed &= verify_bucket(server, place, rounds)
        return verify_folders(place, artifacts) and passed


@dataclass(frozen=True)
class Server:
    """A bucket with Object Lock, and one client for both sides."""

    client: S3Client

    @property
    def store(self) -> S3Store:
        return S3Store(self.client, BUCKET)


@contextmanager
def locked_server(folder: Path) -> Iterator[Server]:
    with Children() as children:
        server = ObjectStore(children, folder, [BUCKET])
        server.wait_ready()
        server.create_locked_bucket(BUCKET)
        keys = StoreCredentials(server.writer.access_key, server.writer.secret_key)
        yield Server(make_client(S3Access(server.endpoint_url, REGION, credentials=keys)))
        server.kill()


def ingest(server: Server, folder: Path, rounds: int) -> bool:
    """The same sizes in turn: hashed, put bare with the same headers, put by the vault, put encrypted."""
    kek = create_kek(folder / "kek.json", None, datetime.now(UTC))
    (folder / "data-keys").mkdir(mode=0o700)
    keys = DataKeys(KeyFolder(folder / "data-keys"), lambda: kek)
    blobs = Blobs(server.store, Layout("simulated-ingest"))
    artifacts = Artifacts(blobs, "simulated-ingest", keys)
    context = artifacts.context("run-20260101T060000Z-00000000", "0" * 64)
    lock = lock_for(LockPolicy(days=1), personal=False, now=datetime.now(UTC))
    times: dict[str, list[float]] = {"hash": [], "bare": [], "vault": [], "encrypted": []}
    for number in range(rounds):
        ours, bare, secret = (mixture(3 * number + part) for part in range(3))
        times["hash"].append(timed(lambda one=ours: [hashlib.sha256(data).digest() for _, data in one]))
        times["bare"].append(timed(lambda one=bare: spread(lambda item: put_bare(server.client, item, lock), one)))
        times["vault"].append(
            timed(lambda one=ours: spread(lambda item: blobs.put_bytes(item[1], media_type="x/y", lock=lock), one))
        )
        times["encrypted"].append(
            timed(
                lambda one=secret: spread(
                    lambda item: artifacts.put([item[1]], media_type="x/y", lock=lock, context=context), one
                )
            )
        )
    print_speeds("ingest", times, mixture(0))
    passed = judged("ingest / bare puts with the same headers", ratio(times["vault"], times["bare"]), MOST_INGEST)
    encrypted = ratio(times["encrypted"], times["bare"])
    passed &= judged("ingest, encrypted / bare puts with the same headers", encrypted, MOST_ENCRYPTED)
    print(f"ingest / bare hashing: {ratio(times['vault'], times['hash']):.0f} (the network and the disks are in it)")
    return passed


def put_bare(client: S3Client, item: tuple[Digest, bytes], lock: Lock) -> None:
    """One upload and nothing else; the digest was computed before."""
    digest, data = item
    client.put_object(
        Bucket=BUCKET, Key=f"bare/{digest.hex}", Body=data, ChecksumSHA256=digest.base64, IfNoneMatch="*",
        ContentType="x/y", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=lock.until,
    )  # fmt: skip


def verify_bucket(server: Server, folder: Path, rounds: int) -> bool:
    """A log of artifacts of mixed sizes in the bucket: verified, and its blobs bare read and hashed."""
    signer = create_key(folder / "bucket.pem")
    began = time.monotonic()
    sizes = (4_096, 65_536, 262_144, 4_096, 9_000)
    start = datetime.now(UTC).replace(microsecond=0)  # a lock must end in the future
    now = write_vault(server.store, signer, runs=1, units=60, sizes=sizes, start=start).moment
    print(f"a log of {60 * 5} artifacts written into the bucket: {time.monotonic() - began:.1f} s")
    trust = trust_policy_for(LOG, ORIGIN, signer)
    prefix = f"v1/{LOG}/blob/sha256/"
    ours, bare, counted = [], [], (0, 0)
    for _ in range(rounds):
        bare.append(timed(lambda: read_bare(server.client, prefix)))
        found = []
        ours.append(timed(lambda kept=found: kept.append(verify_log(server.store, trust=trust, now=now, log=LOG))))
        (report,) = found
        if any(problem.type != "unnamed-blob" for problem in report.problems):
            raise AssertionError(f"expected a sound log, found {report.problems[:3]}")
        counted = (report.blobs, report.bytes)
    for name, seconds in (("verify", statistics.median(ours)), ("bare reading and hashing", statistics.median(bare))):
        print(f"{name} in the bucket: {counted[0]} blobs, {counted[1] / 1e6:.0f} MB: {seconds:.2f} s, "
              f"{counted[1] / 1e6 / seconds:.0f} MB/s, {counted[0] / seconds:.0f} objects/s")  # fmt: skip
    return judged("verify / bare reading and hashing of the same objects", ratio(ours, bare), MOST_VERIFY)


def read_bare(client: S3Client, prefix: str) -> int:
    """Every object below the prefix, by version, hashed."""
    pages = client.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix=prefix)
    found = [(item["Key"], item["VersionId"]) for page in pages for item in page.get("Versions", ())]

    def hashed(item: tuple[str, str]) -> int:
        digest, size = hashlib.sha256(), 0
        body = client.get_object(Bucket=BUCKET, Key=item[0], VersionId=item[1])["Body"]
        while piece := body.read(1024 * 1024):
            digest.update(piece)
            size += len(piece)
        if not item[0].endswith(digest.hexdigest()):
            raise AssertionError(f"expected {item[0]}, found {digest.hexdigest()}")
        return size

    return sum(spread(hashed, found))


def verify_folders(folder: Path, artifacts: Sequence[int]) -> bool:
    """`evidence verify` as a process of its own over vaults of several sizes: time, peak memory, bare hashing."""
    passed, peaks = True, []
    for count in artifacts:
        place, signer = folder / f"vault-{count}", create_key(folder / f"{count}.pem")
        runs = max(1, count // (UNITS_A_RUN * ARTIFACTS_A_UNIT))
        made = timed(lambda place=place, signer=signer, runs=runs: write_vault(QuickStore(place), signer, runs=runs))
        seconds, peak, blobs, size = verified(folder, place, signer)
        bare = timed(lambda place=place: hash_files(place))
        peaks.append(peak)
        units, mb = runs * UNITS_A_RUN, size / 1e6
        print(f"verify of {units * ARTIFACTS_A_UNIT:,} artifacts ({blobs:,} blobs, {units:,} receipts, {mb:.0f} MB; "
              f"written in {made:.0f} s): {seconds:.1f} s, {blobs / seconds:.0f} blobs/s, {mb / seconds:.1f} MB/s, "
              f"memory {peak:.0f} MB; bare hashing of the folder's files: {bare:.1f} s")  # fmt: skip
        what = f"verify of {count:,} / bare hashing of the same files"
        if count == max(artifacts) and count >= ENOUGH:
            passed &= judged(what, seconds / bare, MOST_FOLDER_VERIFY)
        else:
            print(f"{what}: {seconds / bare:.2f} (a small vault: the start of the process is most of it)")
        passed &= judged("MB at most", peak, MOST_MB)
    if len(peaks) > 1:
        passed &= judged(f"memory at {artifacts[-1]:,} / at {artifacts[0]:,}", peaks[-1] / peaks[0], MOST_MEMORY_GROWTH)
    return passed


def verified(folder: Path, place: Path, signer: LocalKey) -> tuple[float, float, int, int]:
    """Seconds, peak MB, blobs and bytes of one run of the command."""
    import json

    policy = folder / f"{place.name}.json"
    write_trust_policy(policy, trust_policy_for(LOG, ORIGIN, signer))
    command = [sys.executable, "-m", "flows.cli", "verify", str(place), "--trust", str(policy), "--json"]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PEAK_OF, *command], capture_output=True, text=True, cwd=folder, check=False
    )
    seconds, told = time.monotonic() - began, json.loads(done.stdout)
    sound = {name: verdict for name, verdict in told["verdicts"].items() if name != "fresh"}
    if done.returncode not in (0, 5) or any("broken" in str(verdict) for verdict in sound.values()):
        raise AssertionError(f"expected a sound log, found exit {done.returncode}: {told['verdicts']}")
    return seconds, int(done.stderr.split()[-1]) / 1024, told["blobs"], told["bytes"]


def hash_files(place: Path) -> int:
    """Every file of a folder, read and hashed, in one thread."""
    count = 0
    for path, _, names in os.walk(place):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:  # noqa: PTH118, PTH123 (bare: pathlib costs)
                hashlib.file_digest(file, "sha256")
            count += 1
    return count


def mixture(seed: int) -> Sample:
    """Artifacts of mixed sizes that no other seed makes."""
    random = Random(seed)
    found = [random.randbytes(size) for count, size in MIXTURE for _ in range(count)]
    random.shuffle(found)
    return tuple((Digest.of(data), data) for data in found)


def spread(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    with ThreadPoolExecutor(WIDTH) as pool:
        return list(pool.map(work, items))


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def ratio(ours: Sequence[float], bare: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, bare, strict=True))


def print_speeds(what: str, times: dict[str, list[float]], sample: Sample) -> None:
    size = sum(len(data) for _, data in sample)
    print(f"{what} of {len(sample)} objects, {size / 1e6:.0f} MB, {WIDTH} at a time, median of {len(times['hash'])}:")
    for name, found in times.items():
        seconds = statistics.median(found)
        print(f"  {name}: {seconds:.2f} s, {size / 1e6 / seconds:.0f} MB/s, {len(sample) / seconds:.0f} objects/s")


def judged(what: str, value: float, most: float) -> bool:
    print(f"{what}: {value:.2f} (at most {most:g}) {'ok' if value <= most else 'ABOVE'}", flush=True)
    return value <= most
