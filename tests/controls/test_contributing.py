"""A new kind and a new check are two entries of YAML and no Python: CONTRIBUTING.md's own examples, tried."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml
from answers import ACCOUNT, AT, REGION

from controls.catalog import HERE, load_catalog, requirement_of
from controls.checks import CompiledCheck, Scope
from controls.documents import dump_yaml, load_yaml
from controls.fields import Fit, fit_of
from evidence_schema.models.names import FindingResult
from evidence_schema.models.transcript import Record
from flows.collectors.aws.actions import wrong_actions
from flows.collectors.aws.session import AwsSessions
from flows.collectors.aws.settings import AwsSettings
from flows.collectors.aws.shapes import kind_fields, wrong_names
from flows.collectors.aws.validation import Validator
from flows.collectors.registry import DECLARATIONS, load_kinds

TEXT = (HERE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block)[0] for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
KIND, CHECK = BLOCKS


def test_the_two_examples_are_a_kind_and_a_check_that_reads_it() -> None:
    assert CHECK["over"] == KIND["kind"]


def test_a_kind_and_a_check_are_added_by_two_entries(tmp_path: Path) -> None:
    declarations, catalogue = tmp_path / "aws", tmp_path / "controls"
    shutil.copytree(DECLARATIONS, declarations, ignore=shutil.ignore_patterns("*.py", "__pycache__", "modules"))
    shutil.copytree(HERE, catalogue, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    add(declarations / "ec2.yaml", "kinds", KIND)
    requirement = CHECK["id"].rpartition("-")[0]
    path = catalogue / "evidence" / "network.yaml"
    data = load_yaml(path).data
    (item,) = (item for item in data["requirements"] if item["id"] == requirement)
    item["kinds"].append(KIND["kind"])
    item["checks"].append(CHECK)
    path.write_text(dump_yaml(data), encoding="utf-8")

    kinds = load_kinds(declarations)
    sessions, declaration = AwsSessions({}, AwsSettings()), kinds[KIND["kind"]]
    Validator(kinds, sessions, frozenset()).check(KIND["kind"])
    assert [*wrong_actions(declaration, sessions), *wrong_names(declaration, sessions)] == []
    catalog = load_catalog(catalogue, kinds=kinds)

    check = next(item for item in requirement_of(catalog, requirement).checks if item.id == CHECK["id"])
    assert fit_of(check, {KIND["kind"]: kind_fields(declaration, sessions)}) == Fit((), told=1, untold=())
    assert judged(check, "ed25519") is FindingResult.PASS
    assert judged(check, "rsa") is FindingResult.FAIL
    assert kinds.operations_of(KIND["kind"]) == ("ec2:DescribeKeyPairs",)


def add(path: Path, under: str, entry: object) -> None:
    data = load_yaml(path).data
    data[under].append(entry)
    path.write_text(dump_yaml(data), encoding="utf-8")


def judged(check: object, key_type: str) -> FindingResult:
    record = Record(kind=KIND["kind"], account=ACCOUNT, region=REGION, id="k", fields={"KeyType": key_type})
    scope = Scope(at=AT, period={"start": AT, "end": AT}, params={}, facts={})
    return CompiledCheck(check).judge(record, scope).result  # type: ignore[arg-type]
