"""`evidence controls check`: every bad edit of catalogue or kinds is told with file, line and what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from worlds import evidence, plain_environment

from controls.catalog import HERE
from flows.collectors.registry import DECLARATIONS
from flows.steps.checking import check_rules

IAM, FACTS, HIPAA = "controls/evidence/iam.yaml", "controls/facts.yaml", "controls/frameworks/hipaa.yaml"
KIND_IAM, KIND_KMS, KIND_S3 = "kinds/iam.yaml", "kinds/kms.yaml", "kinds/s3.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two requirements of the catalogue as they stand in it, and the kinds of three services, to be edited."""
    (tmp_path / "controls/evidence").mkdir(parents=True)
    (tmp_path / "kinds").mkdir()
    shutil.copytree(HERE / "frameworks", tmp_path / "controls/frameworks")
    shutil.copy(HERE / "facts.yaml", tmp_path / FACTS)
    text = (HERE / "evidence/iam.yaml").read_text(encoding="utf-8")
    (tmp_path / IAM).write_text(text[: text.index("- id: EV-IAM-03\n")], encoding="utf-8")
    for name in ("iam", "kms", "s3"):
        shutil.copy(DECLARATIONS / f"{name}.yaml", tmp_path / "kinds")
    return tmp_path


def edit(path: Path, old: str, new: str, changed: str = "") -> int:
    """Replace the first occurrence; returns the line on which `changed`, else the first of the new lines, stands."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    at = text.index(old) + (new.index(changed) if changed else 0)
    return text.replace(old, new, 1)[:at].count("\n") + 1


def told(folder: Path) -> list[str]:
    checked = check_rules(folder / "controls", folder / "kinds")
    return [str(mistake).removeprefix(f"{folder}/") for mistake in checked.mistakes]


def test_what_was_not_edited_has_no_mistake(folder: Path) -> None:
    checked = check_rules(folder / "controls", folder / "kinds")
    assert checked.mistakes == ()
    assert (checked.requirements, checked.names > 20) == (2, True)


CATALOGUE = [
    (
        IAM, "  - aws.iam.users\n", "  - aws.iam.user\n", "aws.iam.user\n",
        "expected a known kind, found 'aws.iam.user'; did you mean aws.iam.users, ",
    ),
    (
        IAM, "164.312(d): direct", "164.312(x): direct", "",
        "expected a known control, found '164.312(x)'; did you mean 164.312(",
    ),
    (IAM, "    gdpr:\n", "    gdrp:\n", "gdrp", "expected a known framework, found 'gdrp'; did you mean gdpr?"),
    (
        IAM, "- id: EV-IAM-02\n", "- id: EV-IAM-01\n", "",
        "expected each requirement once, found EV-IAM-01 again (first at iam.yaml:3); give this one its own id",
    ),
    (
        IAM, "id: EV-IAM-01-C3", "id: EV-IAM-01-C2", "",
        "expected each check once, found EV-IAM-01-C2 again (first at iam.yaml:33); checks of EV-IAM-01 are",
    ),
    (
        HIPAA, "- id: 164.306(a)(2)", "- id: 164.306(a)(1)", "",
        "expected each control once, found 164.306(a)(1) again (first at hipaa.yaml:",
    ),
    (
        IAM, "assert: record.mfa_active", "assert: record.mfa_activ", "",
        "EV-IAM-01-C2: expected a field of aws.iam.credential_report, found record.mfa_activ; did you mean mfa_active",
    ),
    (
        IAM, "      rows.exists(row, row.is_root)\n", "      rows.exists(row, row.is_rooot)\n", "",
        "EV-IAM-01-C1: expected a member of rows[], found rows[].is_rooot; did you mean is_root",
    ),
    (
        IAM, "record.password_policy.RequireSymbols", "record.password_policy.RequireSymbol", "",
        "found record.password_policy.RequireSymbol; did you mean RequireSymbols",
    ),
    (
        IAM, "params: {max_report_age_hours: 4}", "params: {max_report_age_hours: 4, spare: 1}", "",
        "expected every name under `params` to be read by a rule, found spare, which none reads",
    ),
    (
        IAM, "assert: record.mfa_active", "assert: record.mfa_active && now > at", "",
        "EV-IAM-01-C2: expected only declared variables, found now; use record, account,",
    ),
    (IAM, "needs: [required_classes]", "needs: [required_class]", "", "expected a known fact, found 'required_class'"),
]  # fmt: skip
KINDS = [
    (
        KIND_IAM, "operation: ListUsers", "operation: DeleteUser", "",
        "aws.iam.users: expected a call that reads, found iam:DeleteUser; a collector never writes; ask another",
    ),
    (
        KIND_KMS, "list: {operation: ListKeys,", "list: {operation: Decrypt,", "",
        "expected a call that reads settings, found kms:Decrypt, which is never called",
    ),
    (
        KIND_IAM, "operation: ListUsers", "operation: ListUserz", "",
        "aws.iam.users: expected an operation of iam, found 'ListUserz'; did you mean ListUsers",
    ),
    (
        KIND_IAM, "items: Users, id: UserName}", "items: Users, id: UserNam}", "",
        "aws.iam.users: ListUsers: expected `id: UserNam` to exist, found no 'UserNam'; there are: Path, UserName",
    ),
    (
        KIND_IAM, "with: {UserName: $item.UserName}", "with: {UserName: $item.Username}", "",
        "aws.iam.users: ListMFADevices: expected a value at $item.Username to exist, found no 'Username'",
    ),
    (
        KIND_IAM, "take: PasswordPolicy,", "take: PasswordPolicies,", "",
        "GetAccountPasswordPolicy: expected the answer's 'PasswordPolicies' to exist",
    ),
    (
        KIND_IAM, "actions: [iam:ListUsers,", "actions: [iam:ListUserz,", "",
        "an IAM action that one of the kind's operations needs, found 'iam:ListUserz'; did you mean iam:ListUsers",
    ),
    (
        KIND_IAM, "actions: [iam:ListUsers,", "actions: [iam.ListUsers,", "",
        "aws.iam.users: expected an IAM action as `prefix:Name` (kms:ListKeys), found 'iam.ListUsers'",
    ),
    (
        KIND_IAM, "actions: [iam:ListUsers, iam:ListMFADevices]", "actions: [iam:ListUsers]", "",
        "aws.iam.users: expected iam:ListMFADevices, which iam:ListMFADevices needs, found it missing; add it",
    ),
    (
        KIND_IAM, "module: credential_report", "module: credentials_report", "",
        "expected a module out of ",
    ),
    (
        KIND_IAM, "derive: access_keys", "derive: access_key", "",
        "aws.iam.credentials: expected a known derivation, found 'access_key'; did you mean access_keys",
    ),
    (
        KIND_IAM, "field: Base32StringSeed", "field: Base32Seed", "",
        "expected a field of iam:ListVirtualMFADevices's answer to cut out, found 'Base32Seed'; did you mean Base32",
    ),
    (
        KIND_IAM, "    view_of: aws.iam.credential_report", "    view_of: aws.iam.credential_reports", "",
        "aws.iam.credentials: expected `view_of` to name a declared kind, found 'aws.iam.credential_reports'; did you",
    ),
    (
        KIND_IAM, "  - kind: aws.iam.account\n", "  - kind: aws.iam.users\n", "",
        "expected each kind once, found 'aws.iam.users' again (first at iam.yaml:4); take one of them away",
    ),
    (KIND_KMS, "list: {", "list: {service: kmz, ", "", "expected a service as boto3 names it, found 'kmz'"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "changed", "words"), CATALOGUE + KINDS)
def test_a_bad_edit_is_told_with_its_file_its_line_and_what_to_do(
    folder: Path, file: str, old: str, new: str, changed: str, words: str
) -> None:
    line = edit(folder / file, old, new, changed)
    found = told(folder)
    (only,) = [item for item in found if words in item]
    assert only.startswith(f"{file}:{line}: ")
    assert len(found) <= 2, "a misspelt action is also one that is missing, and so a fact or a kind"


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    lines = {
        IAM: edit(folder / IAM, "assert: record.mfa_active", "assert: record.mfa_activ"),
        HIPAA: edit(folder / HIPAA, "designation: required", "designation: optional"),
        FACTS: edit(folder / FACTS, "facts:", "facs:"),
        KIND_IAM: edit(folder / KIND_IAM, "items: Users,", "items: Userz,"),
        KIND_KMS: edit(folder / KIND_KMS, "operation: ListKeys,", "operation: ScheduleKeyDeletion,"),
        KIND_S3: edit(folder / KIND_S3, "scope: account", "scope: planet"),
    }
    found = told(folder)
    for file, line in lines.items():
        assert any(item.startswith(f"{file}:{line}: ") for item in found), (file, line, found)


def test_what_follows_from_another_mistake_is_not_told(folder: Path) -> None:
    edit(folder / HIPAA, "designation: required", "designation: optional")
    assert len(told(folder)) == 1, "nobody hears that the controls of that file are unknown"
    edit(folder / HIPAA, "designation: optional", "designation: required")
    edit(
        folder / KIND_IAM,
        "  - kind: aws.iam.credential_report\n    scope: account",
        "  - kind: aws.iam.credential_report\n    scope: planet",
    )
    (only,) = told(folder)
    assert only.startswith(f"{KIND_IAM}:"), "nor that rules and views read a kind which does not stand"


def test_a_folder_without_anything_is_told(tmp_path: Path) -> None:
    found = told(tmp_path)
    assert [item.split(":")[0] for item in found] == [
        "controls/evidence",
        "controls/facts.yaml",
        "controls/frameworks",
        "kinds",
    ]


# --- through the command line -----------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = evidence(["controls", "check", *arguments], plain_environment(folder), folder)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def folders(folder: Path) -> tuple[str, ...]:
    return ("--catalogue", str(folder / "controls"), "--declarations", str(folder / "kinds"))


def test_the_installed_catalogue_has_no_mistake(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path)
    assert (code, out.splitlines()[0].endswith(": no mistakes")) == (0, True)


def test_the_command_prints_each_mistake_on_a_line_of_its_own(folder: Path) -> None:
    field = edit(folder / IAM, "assert: record.mfa_active", "assert: record.mfa_activ")
    write = edit(folder / KIND_IAM, "operation: ListMFADevices", "operation: DeactivateMFADevice")
    code, out, _ = run(folder, *folders(folder))
    lines = out.splitlines()
    assert code == 2
    assert lines[0].startswith(f"{folder / IAM}:{field}: EV-IAM-01-C2: expected a field of aws.iam.credential_report")
    assert lines[1].startswith(
        f"{folder / KIND_IAM}:{write}: aws.iam.users: expected a call that reads, found iam:Deact"
    )
    assert lines[2].endswith("2 mistakes")


def test_mistakes_are_told_as_json(folder: Path) -> None:
    line = edit(folder / KIND_IAM, "actions: [iam:ListUsers,", "actions: [iam:ListUserz,")
    code, out, _ = run(folder, *folders(folder), "--json")
    said = json.loads(out)
    assert code == 2
    assert {(item["file"], item["line"]) for item in said["mistakes"]} == {(str(folder / KIND_IAM), line)}
    assert said["counts"]["requirements"] == 2
    assert "EV-IAM-02-C3" in said["untold"]


SETTINGS = """organisation: SIMULATED
log: simulated
accounts: [{id: "111122223333"}]
regions: [eu-central-1]
vault: {url: vault, trial: true}
keys: {log: "file:log-key.pem", pseudonyms: "file:pseudonyms.key"}
catalogue: controls
"""


def test_the_catalogue_of_the_settings_is_checked(folder: Path) -> None:
    (folder / "evidence.yaml").write_text(SETTINGS, encoding="utf-8")
    line = edit(folder / IAM, "assert: record.mfa_active", "assert: record.mfa_activ")
    code, out, _ = run(folder, "--declarations", "kinds")
    assert (code, out.startswith(f"{folder / IAM}:{line}: EV-IAM-01-C2")) == (2, True)


@pytest.mark.parametrize("command", [["plan"], ["controls", "list"], ["controls", "check"], ["policy"]])
def test_what_needs_no_model_of_aws_fails_in_every_command(folder: Path, command: list[str]) -> None:
    (folder / "evidence.yaml").write_text(SETTINGS, encoding="utf-8")
    line = edit(folder / IAM, "  - aws.iam.users\n", "  - aws.iam.user\n")
    done = evidence(command, plain_environment(folder), folder)
    assert done.returncode == 2
    assert (
        f"{folder / IAM}:{line}: expected a known kind, found 'aws.iam.user'; did you mean" in done.stdout + done.stderr
    )


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "--catalogue", str(tmp_path / "nothing"))
    assert (code, "expected a folder at" in err) == (2, True)
