"""The writer processes of the race and kill tests.

Reads its orders from a file (they hold a key of the store), becomes several writers, each of which opens the vault
for itself, waits for the start, appends entries, and notes each one in a file of its own as soon as it is acknowledged.
"""

from __future__ import annotations

import json
import os
import sys
import time
from itertools import count, islice
from pathlib import Path
from typing import Any

from vault_samples import opening

from evidence_schema.models.names import LockMode
from flows.vault import s3  # noqa: F401 (loaded once, before there are several of us)
from flows.vault.keys import load_key
from flows.vault.settings import StoreCredentials, VaultSettings
from flows.vault.vault import open_vault


def main(orders: Path) -> int:
    order = json.loads(orders.read_text())
    pids = [_fork(order, orders.parent, number) for number in range(order["writers"])]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    return 0 if not any(codes) else 1


def _fork(order: dict[str, Any], folder: Path, number: int) -> int:
    pid = os.fork()
    if pid == 0:
        _write(order, folder, number)
        os._exit(0)
    return pid


def _write(order: dict[str, Any], folder: Path, number: int) -> None:
    credentials = StoreCredentials(*order["credentials"]) if order["credentials"] else None
    settings = VaultSettings(**{**order["settings"], "lock_mode": LockMode(order["settings"]["lock_mode"])})
    vault = open_vault(settings, load_key(order["key"]), credentials=credentials)
    with (folder / f"{number}.acknowledged").open("w", buffering=1) as notes:
        notes.write(f"{os.getpid()}\n")
        while not (folder / "start").exists():
            time.sleep(0.001)
        for appended in islice(count(), order["appends"]):
            entry = vault.log.append(opening(appended, f"adhoc/writer-{os.getpid()}-{appended:05d}"))
            notes.write(f"{entry.seq} {entry.digest}\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
