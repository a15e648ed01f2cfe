"""Three floors, imports down only, one door per heavy library (DESIGN section 3)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FLOORS = ("flows", "controls", "evidence_schema")
MODULES = sorted(path for floor in FLOORS for path in (PROJECT / floor).rglob("*.py"))

DOORS = {
    "prefect": ("flows/*.py",),
    "openpyxl": ("flows/report/workbook/*.py",),
    "boto3": (
        "flows/collectors/aws/*.py",
        "flows/collectors/aws/*/*.py",
        "flows/demo/*.py",
    ),
    "botocore": (
        "flows/collectors/aws/*.py",
        "flows/collectors/aws/*/*.py",
        "flows/vault/aws_client.py",
        "flows/vault/s3_client.py",
        "flows/vault/kms.py",
        "flows/demo/*.py",
    ),
    "cryptography": ("evidence_schema/*.py", "flows/vault/*.py", "flows/demo/timestamp_authority.py"),
    "rfc3161_client": ("evidence_schema/timestamp.py",),
    "jsonschema": ("evidence_schema/verification/trust.py",),
    "cel": ("controls/cel_engine.py",),
    "yaml": ("controls/documents.py",),
    "rfc8785": ("evidence_schema/canonical.py",),
    "typer": ("flows/cli/*.py",),
    "rich": ("flows/cli/*.py",),
}
STRANGERS = ("flows.collectors", "flows.vault", "flows.report")


def name_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: expected absolute imports"
            yield str(node.module)


IMPORTS = [(path, name) for path in MODULES for name in imports_of(path)]


def in_room(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def test_the_house_was_found() -> None:
    assert len(MODULES) > 60
    assert len(IMPORTS) > 300


def test_imports_point_down_only() -> None:
    up = [
        f"{name_of(path)} imports {name}"
        for path, name in IMPORTS
        for above, below in (("flows", "controls"), ("flows", "evidence_schema"), ("controls", "evidence_schema"))
        if in_room(name_of(path), below) and in_room(name, above)
    ]
    assert up == []


def test_collectors_vault_and_report_are_strangers() -> None:
    met = [
        f"{name_of(path)} imports {name}"
        for path, name in IMPORTS
        for room in STRANGERS
        for other in STRANGERS
        if room != other and in_room(name_of(path), room) and in_room(name, other)
    ]
    assert met == []


def test_nothing_imports_the_command_line() -> None:
    callers = {
        name_of(path)
        for path, name in IMPORTS
        if in_room(name, "flows.cli") and not in_room(name_of(path), "flows.cli")
    }
    assert callers == set()


@pytest.mark.parametrize("library", DOORS)
def test_a_heavy_library_has_one_door(library: str) -> None:
    users = {path for path, name in IMPORTS if in_room(name, library)}
    doors = {path for pattern in DOORS[library] for path in PROJECT.glob(pattern)}
    assert users, f"expected {library} to be used"
    assert sorted(str(path.relative_to(PROJECT)) for path in users - doors) == []


def test_collectors_vault_and_report_do_not_know_the_orchestrator() -> None:
    assert not [path for path, name in IMPORTS if in_room(name, "prefect") and path.parent != PROJECT / "flows"]


def loaded_by(statement: str) -> set[str]:
    """The modules that stand in a fresh interpreter after a statement."""
    code = f"import sys\nsys.argv = ['evidence']\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    return {name.split(".")[0] for name in done.stdout.splitlines() if name.isprintable()}


HEAVY = {"prefect", "boto3", "botocore", "openpyxl", "cryptography", "pydantic", "cel", "yaml", "jsonschema", "moto"}


def test_help_imports_nothing_beyond_typer_and_rich() -> None:
    statement = (
        "from flows.cli.app import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit as done:\n    assert done.code == 0"
    )
    assert loaded_by(statement) & HEAVY == set()


def test_the_foundations_need_neither_aws_nor_orchestrator() -> None:
    assert loaded_by("import evidence_schema.verification, controls.judging, controls.catalog") & {
        "prefect", "boto3", "botocore", "openpyxl",
    } == set()  # fmt: skip


def test_verifying_or_judging_a_folder_needs_neither_aws_nor_orchestrator_nor_workbooks(tmp_path: Path) -> None:
    """The commands themselves run, up to the clear error that the folder holds no log."""
    (tmp_path / "vault" / "v1").mkdir(parents=True)
    for arguments in (["verify", str(tmp_path / "vault")], ["reperform", "--vault", str(tmp_path / "vault")]):
        statement = (
            f"from flows.cli.app import app\nfrom flows.errors import FlowsError\n"
            f"try:\n    app({arguments!r})\nexcept (FlowsError, SystemExit):\n    pass"
        )
        loaded = loaded_by(statement)
        assert "evidence_schema" in loaded
        assert loaded & {"prefect", "boto3", "botocore", "openpyxl"} == set()
