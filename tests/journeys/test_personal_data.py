"""The erasure drill: what verifies before personal data is erased, and after.

`python -m pytest -m journey -k personal_data -s` prints each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slices import EIGHT
from worlds import Founder, Organisation, collected_here, json_of, locked_bucket

from evidence_schema.digest import Digest
from evidence_schema.models.unit import Selection
from evidence_schema.reader import first_versions
from flows.demo.object_store import tamper_one_byte
from flows.demo.world import World

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def drill(session_world: World, organisation: Founder, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    """A judged run with workbooks: the vault in a locked bucket, its data keys in one without lock and versions."""
    store = session_world.store
    place = organisation(
        tmp_path_factory.mktemp("drill"), requirements=EIGHT, regions=("eu-central-1",), bucket=locked_bucket(store)
    )
    store.create_bucket(KEYS)
    place.change_settings(
        lambda settings: settings["vault"]["keys"].update(url=f"s3://{KEYS}", endpoint=store.endpoint_url)
    )
    collected_here(place, Selection())
    done = place.process("workbook", "--framework", "hipaa")
    assert done.returncode == 0, done.stderr
    return place


KEYS = "simulated-data-keys"
CREDENTIALS = ("--kind", "aws.iam.credential_report")
DECISION = ("--ground", "art17-1-b", "--approver-role", "privacy officer", "--yes")


def verified(place: Organisation, *more: str) -> tuple[int, Any]:
    done = place.evidence("verify", "--trust", "trust-policy.json", "--json", *more)
    assert done.stdout, done.stderr
    return done.returncode, json_of(done)


def types(found: Any, part: str = "problems") -> set[str]:
    return {item["type"] for item in found[part]}


def test_an_extension_locks_all_that_proves_a_run_until_then(drill: Organisation) -> None:
    done = drill.process("extend", "--until", "2033-01-01", "--approver-role", "compliance lead", "--json")
    assert done.returncode == 0, done.stderr
    vault = drill.vault()
    extension = next(entry.predicate for entry in vault.log.entries() if entry.predicate.type == "extension")
    objects = [found.key for found in first_versions(vault.store.versions(vault.layout.root))]
    until = {key: head.custody.retain_until for key in objects if (head := vault.store.head(key))}
    short = sorted(key for key, end in until.items() if end is None or f"{end:%Y}" < "2033")
    newest = f"{extension.seq:012d}", f"{extension.seq + 1:012d}"
    assert [key for key in short if not any(number in key for number in newest)] == [], "but what says so itself"
    assert extension.objects == len(objects) - len(short) > 50
    assert verified(drill)[0] == 0


def test_the_erasure_drill(drill: Organisation, session_world: World, figure: Callable[[str], None]) -> None:
    """What verifies before and after, step by step, through the command line."""
    told: list[tuple[str, object]] = []
    code, before = verified(drill, "--keys")
    assert (code, before["problems"]) == (0, [])
    assert before["opened"] == before["encrypted"] > 5
    told.append(("before, with keys", f"exit 0: {before['opened']} of {before['encrypted']} ciphertexts opened"))
    code, closed = verified(drill)
    assert (code, closed["opened"], types(closed, "notes")) == (0, 0, {"not-opened"})
    told.append(("before, without keys", f"exit 0: not opened: {closed['encrypted']} encrypted artifacts"))
    again = json_of(drill.evidence("reperform", "--json"))
    assert (again["identical"], again["complete"], again["personal"]) == (True, True, "identical")
    told.append(("before, judged again", f"identical, {again['findings']} findings, personal ones {again['personal']}"))

    run = again["run_id"]
    assert drill.process("hold", run, "--case", "CASE-1", "--approver-role", "legal counsel").returncode == 0
    refused = drill.evidence("erase", *CREDENTIALS, *DECISION)
    assert refused.returncode == 3
    assert "CASE-1" in refused.stderr
    told.append(("erased while held", "refused: CASE-1 holds it"))
    release = ("--case", "CASE-1", "--approver-role", "legal counsel", "--release")
    assert drill.evidence("hold", run, *release).returncode == 0

    shown = json_of(drill.evidence("erase", *CREDENTIALS, "--json"))
    assert verified(drill, "--keys")[1]["opened"] == before["opened"]
    done = drill.process("erase", *CREDENTIALS, *DECISION, "--json")
    assert done.returncode == 0, done.stderr
    erased = json_of(done)["artifacts"]
    assert erased == shown["artifacts"]
    assert {item["role"] for item in erased} == {"transcript", "file", "findings", "workbook"}
    told.append(("erased", ", ".join(sorted(f"{item['role']} of {item['of']}" for item in erased))))
    client = session_world.store.client()
    left = {item["Key"] for item in client.list_objects_v2(Bucket=KEYS)["Contents"]}
    assert not {f"dek/{item['digest'].removeprefix('sha256:')}" for item in erased} & left
    assert drill.evidence("erase", *CREDENTIALS, *DECISION).returncode == 1, "a second time there is nothing left"

    code, after = verified(drill, "--keys")
    assert (code, after["problems"]) == (0, [])
    assert (after["erased"], after["opened"]) == (len(erased), before["opened"] - len(erased))
    assert types(after, "notes") == {"artifacts-erased"}
    told.append(("after, with keys", f"exit 0: {after['opened']} opened, {after['erased']} erased, as the log says"))
    assert verified(drill)[0] == 0
    told.append(("after, without keys", "exit 0: every digest, signature, row and receipt as before"))

    done = drill.evidence("reperform", "--json")
    again = json_of(done)
    assert (done.returncode, again["identical"], again["personal"]) == (1, True, "not compared")
    assert list(again["not_judged"]) == [f"aws.iam.credential_report {session_world.filled.account} global"]
    told.append(("after, judged again", f"exit 1: open findings identical; not judged: {again['not_judged']}"))
    done = drill.evidence("workbook", "--framework", "hipaa", "--folder", "again")
    assert done.returncode == 0, done.stderr
    assert verified(drill, "--keys")[0] == 0

    vault = drill.vault()
    standing = next(name for name in left if name.startswith("dek/"))
    kept = client.get_object(Bucket=KEYS, Key=standing)["Body"].read()
    client.delete_object(Bucket=KEYS, Key=standing)
    code, lost = verified(drill, "--keys")
    assert (code, types(lost)) == (5, {"key-missing"})
    told.append(("a key lost, no erasure", "exit 5: key-missing"))
    client.put_object(Bucket=KEYS, Key=standing, Body=kept)
    key = vault.layout.blob(Digest.parse(f"sha256:{standing.removeprefix('dek/')}"))
    tamper_one_byte(session_world.store, vault.store.describe().url.removeprefix("s3://"), key)
    code, changed = verified(drill, "--keys")
    assert (code, types(changed)) == (4, {"blob-changed", "artifact-not-opened"})
    assert types(verified(drill)[1]) == {"blob-changed"}
    told.append(("a ciphertext changed behind the lock", "exit 4: blob-changed; with keys artifact-not-opened as well"))
    for number, (step, what) in enumerate(told, 1):
        figure(f"erasure drill {number:>2}. {step:<38} {what}")
