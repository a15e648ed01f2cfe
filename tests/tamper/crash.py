"""`make crash`: four writers at once, killed with -9 at every step of a run and at random, and the S3 server as well.

    python tests/tamper/crash.py [--seconds 60] [--seed N] [folder] [bucket]

Prints kills, commits, races and repairs, and what was lost; fails where anything was.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from crashing import Crash, Point, Toll, points_of_a_run

from flows.children import Children
from flows.demo.object_store import REGION, ObjectStore
from flows.vault.directory import DirectoryStore
from flows.vault.s3 import open_s3
from flows.vault.s3_client import S3Access
from flows.vault.settings import StoreCredentials
from flows.vault.store import Store

BUCKET = "locked-evidence"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/tamper/crash.py")
    parser.add_argument("--seconds", type=float, default=60, help="at least so long, and until every step was a point")
    parser.add_argument("--seed", default="20261101")
    parser.add_argument("places", nargs="*", default=["folder", "bucket"])
    given = parser.parse_args()
    faults = []
    for place in given.places:
        with tempfile.TemporaryDirectory() as folder:
            toll = crashed(place, Path(folder), given.seconds, given.seed)
        print(f"{place}, seed {given.seed}: {toll}", flush=True)
        faults += toll.faults
    print("\n".join(f"NOT AS IT MUST BE: {fault}" for fault in faults[:20]))
    return 1 if faults else 0


def crashed(place: str, folder: Path, seconds: float, seed: str, *, most: int | None = None) -> Toll:
    """Every point of a run, or so many of them, and random kills meanwhile."""
    notes = folder / "notes"
    notes.mkdir()
    if place == "folder":

        def open_store() -> Store:
            store = DirectoryStore(folder / "vault")
            store.create()
            return store

        return Crash(open_store, notes, seed).run(_some(points_of_a_run(open_store), most, seed), seconds)
    with locked_bucket(folder / "server") as (server, keys):

        def open_bucket() -> Store:
            return open_s3(f"s3://{BUCKET}", S3Access(server.endpoint_url, REGION, credentials=keys))

        return Crash(open_bucket, notes, seed, server).run(_some(points_of_a_run(open_bucket), most, seed), seconds)


def _some(points: list[Point], most: int | None, seed: str) -> list[Point]:
    return points if most is None else Random(seed).sample(points, most)


@contextmanager
def locked_bucket(folder: Path) -> Iterator[tuple[ObjectStore, StoreCredentials]]:
    """A server of its own with a locked bucket, and the writer's keys."""
    with Children() as children:
        server = ObjectStore(children, folder, [BUCKET])
        server.wait_ready()
        server.create_locked_bucket(BUCKET)
        yield server, StoreCredentials(server.writer.access_key, server.writer.secret_key)
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
