"""What a package holds and what it leaves out, on a real simulated vault."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from breaking import BROKEN, log_of, rebagged, scope_blob
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from test_three_verifiers import by_command, by_single_file, shell_lines

from evidence_schema.encoding import to_base64
from evidence_schema.errors import BadCiphertext
from evidence_schema.models.base import format_time
from evidence_schema.models.entry import Export
from evidence_schema.models.package import PackageScope
from evidence_schema.verification import TYPES
from flows.errors import RunNotFound, UsageError
from flows.report.errors import NotDisclosed
from flows.steps.judging import closed_of, receipts_of
from flows.steps.opening import load_run
from flows.steps.unsealing import unseal_package

pytestmark = pytest.mark.journey

KEY = X25519PrivateKey.from_private_bytes(b"\x05" * 32)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def omitted(bag: Path) -> list[dict]:
    return [json.loads(line) for line in (bag / "data/omitted.jsonl").read_text().splitlines()]


def names_of_people(packer) -> set[bytes]:
    """What the source calls its users, from the sealed answers themselves."""
    vault = packer.place.vault()
    state = vault.runs.runs()[-1]
    names = set()
    for receipt in receipts_of(vault, closed_of(state)):
        if receipt.unit.kind == "aws.iam.users" and receipt.transcript:
            for line in vault.artifacts.lines(receipt.transcript, state.run_id, receipt.unit.digest.hex):
                body = json.loads(line).get("body") or {}
                names |= {user["UserName"].encode() for user in body.get("Users", ())}
    return names


def contents(bag: Path) -> dict[str, bytes]:
    """Every file of a bag, workbooks taken apart."""
    found = {str(path.relative_to(bag)): path.read_bytes() for path in bag.rglob("*") if path.is_file()}
    for name in [name for name in found if name.endswith(".xlsx")]:
        with zipfile.ZipFile(bag / name) as book:
            found |= {f"{name}!{part}": book.read(part) for part in book.namelist()}
    return found


def test_no_name_of_a_person_is_in_a_masked_package(package: Path, packer) -> None:
    names = names_of_people(packer)
    assert len(names) >= 5
    leaks = [(name, who) for name, data in contents(package).items() for who in names if who in data]
    assert leaks == []
    views = list((package / "data/evidence/EV-IAM-01").glob("*_MASKED.view.txt"))
    assert views
    assert all("MASKED: personal data was replaced" in view.read_text() for view in views)


def test_artifacts_of_personal_kinds_are_left_out_and_listed(package: Path, packer) -> None:
    vault = packer.place.vault()
    state = vault.runs.runs()[-1]
    run = load_run(vault, state)
    personal = run.personal_kinds
    held = {path.name for path in log_of(package).glob("blob/*/*/*")}
    listed = {item["digest"][7:]: item["reason"] for item in omitted(package) if "digest" in item}
    rows = [(receipt, blob) for receipt in receipts_of(vault, closed_of(state)) for blob in receipt.blobs]
    assert {blob.digest.hex in held for receipt, blob in rows if receipt.unit.kind not in personal} == {True}
    assert {blob.digest.hex in held for receipt, blob in rows if receipt.unit.kind in personal} == {False}
    assert {listed[blob.digest.hex] for receipt, blob in rows if receipt.unit.kind in personal} == {"personal data"}


def test_every_row_of_the_scope_stands_in_the_index_with_a_view(package: Path, packer) -> None:
    vault = packer.place.vault()
    rows = [line.split("\t") for line in (package / "data/index.tsv").read_text().splitlines()[1:]]
    indexed = {(row[0], row[1]) for row in rows}
    for receipt in receipts_of(vault, closed_of(vault.runs.runs()[-1])):
        for requirement in receipt.requirements:
            assert (requirement, f"{receipt.run_id[-8:]}-{receipt.unit.digest.hex[:12]}") in indexed
    for row in rows:
        head = (package / row[-1]).read_text()
        assert row[8] in head
        assert "Sealed by" in head


def test_the_same_package_again_has_the_same_bytes_and_is_one_export(packer, tmp_path: Path) -> None:
    made = [packer(tmp_path / f"{name}.zip", frameworks=("hipaa",)) for name in ("one", "other")]
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    assert made[0].seq == made[1].seq
    exports = [
        entry.predicate
        for entry in packer.place.vault().log.entries()
        if isinstance(entry.predicate, Export) and entry.predicate.digest == made[0].statement
    ]
    assert [(export.package, export.recipient) for export in exports] == [("masked", None)]
    assert by_command(tmp_path / "one.zip", packer.place.trust).exit_code == 0


def test_a_narrow_package_holds_nothing_beyond_its_scope(packer, tmp_path: Path) -> None:
    made = packer(tmp_path / "bag", requirements=("EV-ENC-01",), frameworks=("hipaa",))
    bag = tmp_path / "bag"
    assert {path.name for path in (bag / "data/evidence").iterdir()} == {"EV-ENC-01"}
    assert not (bag / "data/workbooks").exists()
    reasons = {item["reason"] for item in omitted(bag)}
    assert {"out of scope", "speaks of more than the scope"} <= reasons
    findings = (bag / f"data/findings/{made.scope.runs[0].run_id}_findings_MASKED.jsonl").read_text().splitlines()
    assert {json.loads(line)["requirement"] for line in findings} == {"EV-ENC-01"}
    report = by_command(bag, packer.place.trust)
    assert (report.exit_code, by_single_file(bag, packer.place.trust)[0]) == (0, 0)
    assert report.left_out > 20
    assert [note.type for note in report.notes] == ["not-in-package"]


def test_several_runs_are_packed_by_their_ids(packer, tmp_path: Path) -> None:
    runs = [state.run_id for state in packer.place.vault().runs.runs()]
    made = packer(tmp_path / "bag", runs=tuple(runs), requirements=("EV-ENC-01",))
    assert [run.run_id for run in made.scope.runs] == runs
    assert by_command(tmp_path / "bag", packer.place.trust).exit_code == 0


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"runs": ("run-20200101T000000Z-00000000",)}, RunNotFound),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, RunNotFound),
        ({"requirements": ("EV-XXX-99",)}, UsageError),
        ({"accounts": ("999999999999",)}, UsageError),
        ({"unmasked": True, "recipient": "auditors"}, NotDisclosed),
        ({"unmasked": True, "reason": "INC-1"}, NotDisclosed),
        ({"unmasked": True, "reason": "INC-1", "recipient": "nobody"}, NotDisclosed),
    ],
)
def test_what_cannot_be_packed_is_refused_and_not_logged(packer, tmp_path: Path, request_: dict, error) -> None:
    before = packer.place.vault().log.head().size
    with pytest.raises(error, match="expected"):
        packer(tmp_path / "bag", **request_)
    assert packer.place.vault().log.head().size == before
    assert list(tmp_path.iterdir()) == []


def recipient(*agreements: str, until: datetime | None = None) -> dict:
    signed = format_time(datetime(2026, 1, 1, tzinfo=UTC))
    ends = {"until": format_time(until)} if until else {}
    return {
        "id": "auditors",
        "name": "Example Auditors LLP",
        "key": to_base64(KEY.public_key().public_bytes_raw()),
        "agreements": [{"kind": kind, "reference": f"{kind}-7", "signed": signed, **ends} for kind in agreements],
    }


@pytest.mark.parametrize(
    ("bound", "allowed"),
    [
        (recipient(), False),
        (recipient("confidentiality"), True),
        (recipient("processor"), True),
        (recipient("processor", until=datetime(2026, 2, 1, tzinfo=UTC)), False),
    ],
)
def test_personal_data_leaves_only_to_who_is_bound(packer, tmp_path: Path, bound: dict, allowed: bool) -> None:
    packer.place.change_settings(lambda settings: settings.update(recipients=[bound]))
    asked = {
        "unmasked": True,
        "reason": "sample 7 needs names",
        "recipient": "auditors",
        "requirements": ("EV-IAM-01",),
    }
    if not allowed:
        with pytest.raises(NotDisclosed, match="in force"):
            packer(tmp_path / "bag", **asked)
        return
    made = packer(tmp_path / "bag", **asked)
    entry = next(item for item in packer.place.vault().log.entries(made.seq))
    predicate = entry.predicate
    assert isinstance(predicate, Export)
    assert (predicate.package, predicate.recipient) == ("unmasked", "auditors")
    assert predicate.reason
    assert "sample 7" not in entry.statement.canonical().decode()
    assert len(entry.statement.canonical()) < 4096
    record = json.loads((tmp_path / "bag.disclosure.json").read_text())
    assert (record["reason"], record["entry"]) == ("sample 7 needs names", made.seq)


def test_phi_needs_a_business_associate_agreement(packer, tmp_path: Path) -> None:
    vault = packer.place.vault()
    run = load_run(vault, vault.runs.runs()[-1])
    phi = sorted({item.id for item in run.catalog.requirements if item.sensitivity.phi} & set(run.plan.requirements))
    asked = {"unmasked": True, "reason": "R-1", "recipient": "auditors", "requirements": tuple(phi)}
    assert phi
    packer.place.change_settings(lambda settings: settings.update(recipients=[recipient("confidentiality")]))
    with pytest.raises(NotDisclosed, match="business associate"):
        packer(tmp_path / "bag", **asked)
    packer.place.change_settings(lambda settings: settings.update(recipients=[recipient("business_associate")]))
    assert packer(tmp_path / "bag", **asked).scope.recipient == "auditors"


def test_only_the_recipient_opens_the_sealed_part(packer, tmp_path: Path) -> None:
    packer.place.change_settings(lambda settings: settings.update(recipients=[recipient("business_associate")]))
    packer(tmp_path / "bag.zip", unmasked=True, reason="R-1", recipient="auditors")
    assert by_command(tmp_path / "bag.zip", packer.place.trust).exit_code == 0
    count = unseal_package(tmp_path / "bag.zip", PEM, tmp_path / "opened")
    opened = {path.name: path.read_bytes() for path in (tmp_path / "opened").iterdir()}
    assert len(opened) == count > 3
    assert all(any(who in data for data in opened.values()) for who in names_of_people(packer))
    vault = packer.place.vault()
    for receipt in receipts_of(vault, closed_of(vault.runs.runs()[-1])):
        for blob in receipt.blobs:
            if blob.encryption is not None:
                plain = vault.artifacts.read(blob, receipt.run_id, receipt.unit.digest.hex, limit=1 << 26)
                assert opened[blob.digest.hex] == plain
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BadCiphertext):
        unseal_package(tmp_path / "bag.zip", other, tmp_path / "not opened")


def test_an_artifact_that_cannot_be_read_makes_the_package_partial(packer, tmp_path: Path) -> None:
    vault = packer.place.vault()
    row = next(
        receipt
        for receipt in receipts_of(vault, closed_of(vault.runs.runs()[-1]))
        if receipt.requirements == ("EV-ENC-01",) and receipt.transcript
    )
    path = packer.place.vault_folder / vault.layout.blob(row.transcript.digest)
    sound = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(sound + b" ")
    try:
        made = packer(tmp_path / "bag", requirements=("EV-ENC-01",))
    finally:
        path.write_bytes(sound)
    assert made.scope.status == "partial"
    assert "Package-Status: partial" in (tmp_path / "bag/bag-info.txt").read_text()
    assert [item["digest"] for item in omitted(tmp_path / "bag") if item["reason"] == "unreadable"] == [
        str(row.transcript.digest)
    ]
    report = by_command(tmp_path / "bag", packer.place.trust)
    assert ([problem.type for problem in report.problems], report.exit_code) == (["blob-missing"], 5)


def test_the_command_packs_and_verifies_without_heavy_libraries(packer, tmp_path: Path) -> None:
    done = packer.place.evidence("package", "-f", "hipaa", "--out", str(tmp_path / "bag.zip"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "complete"
    code = (
        "import sys\nfrom flows.cli.app import app\n"
        f"try:\n    app(['verify', {str(tmp_path / 'bag.zip')!r}, '--trust', {str(packer.place.trust)!r}])\n"
        "except SystemExit as done:\n    code = done.code\n"
        "print(code, sorted({'prefect', 'boto3', 'botocore', 'openpyxl'} & set(sys.modules)))"
    )
    verified = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env=dict(packer.place.command_environment()),
    )  # fmt: skip
    assert verified.stdout.splitlines()[-1] == "0 []"


def test_every_type_of_problem_of_a_package_is_made_by_somebody(package: Path, packer, tmp_path: Path) -> None:
    """Those that the broken packages do not make already are made here."""
    made = set()
    for broken in BROKEN:
        copytree(package, tmp_path / "bag")
        broken.how(tmp_path / "bag")
        if broken.rebag:
            rebagged(tmp_path / "bag")
        report = by_command(tmp_path / "bag", packer.place.trust)
        made |= {problem.type for problem in (*report.problems, *report.notes)}
        rmtree(tmp_path / "bag")
    assert {type_ for type_, (step, _) in TYPES.items() if step == 10} - made == {"scope-differs"}


def test_a_scope_names_what_it_promises(package: Path) -> None:
    scope = PackageScope.from_canonical(scope_blob(package).read_bytes())
    assert (scope.status, scope.recipient) == ("complete", None)
    assert "aws.iam.users" in scope.withheld
    assert len(scope.requirements) == 8


def test_the_readme_has_lines_to_run(package: Path) -> None:
    assert shell_lines((package / "README.txt").read_text()).count("\n") > 30
