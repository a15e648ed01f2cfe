"""The requirements equal the evidence map: ids, checks, modes, mappings, cadence, retention, facts, parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from controls.catalog import installed
from controls.coverage import WAYS, coverage_of, totals_of, way_of
from controls.models import Check, EvidenceRequirement
from evidence_schema.models.names import Directness, Mode

Row = dict[str, Any]

OURS_ALONE = {
    ("EV-NET-01-C1", "params", "guarded_ports"): "the map names the ports in words; a rule needs the numbers",
}
"""Where ours differs from the map, by check, what, and which name."""


@pytest.fixture(scope="module")
def evidence_map(shared: Path) -> dict[str, Row]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load((shared / "reference/evidence_map.yaml").read_bytes(), Loader=loader)
    return {row["id"]: row for row in document["evidence"]}


@pytest.fixture(scope="module")
def facts(shared: Path) -> set[str]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return set(yaml.load((shared / "reference/evidence_map.yaml").read_bytes(), Loader=loader)["supplied_facts"])


REQUIREMENTS = {item.id: item for item in installed().requirements}
CHECKS = {check.id: check for item in installed().requirements for check in item.checks}
each_requirement = pytest.mark.parametrize("ours", REQUIREMENTS.values(), ids=REQUIREMENTS)
each_check = pytest.mark.parametrize("ours", CHECKS.values(), ids=CHECKS)


def test_every_requirement_of_the_map_is_there_in_order(evidence_map: dict[str, Row]) -> None:
    assert REQUIREMENTS.keys() == evidence_map.keys()
    assert list(REQUIREMENTS) == sorted(REQUIREMENTS)


def test_the_totals_are_the_maps(evidence_map: dict[str, Row]) -> None:
    found = totals_of(installed())
    modes = [check["mode"] for row in evidence_map.values() for check in row["checks"]]
    aws = [row for row in evidence_map.values() if row["source"]["system"] == "aws"]
    assert (found.requirements, found.checks) == (len(evidence_map), len(modes)) == (139, 498)
    assert (found.automatic, found.human, found.report) == (329, 163, 6)
    assert found.automatic == modes.count("auto")
    assert found.automatic_aws == sum(check["mode"] == "auto" for row in aws for check in row["checks"]) == 193
    assert found.collected + found.from_file + found.person_only == found.requirements


def test_config_snapshots_access_logs_and_backup_proofs_are_all_there() -> None:
    assert {"config_snapshot", "access_log", "backup_proof"} <= {item.kind for item in REQUIREMENTS.values()}


def test_at_least_twenty_checks_are_automatic() -> None:
    modes = [check.mode for check in CHECKS.values()]
    assert modes.count(Mode.AUTO) >= 20
    assert len(CHECKS) >= 32


PLAIN: dict[str, Callable[[Row], Any]] = {
    "title": lambda row: row["title"],
    "kind": lambda row: row["kind"],
    "automation": lambda row: row["automation"],
    "cadence": lambda row: row["cadence"],
    "retention_class": lambda row: row["retention_class"],
    "source": lambda row: {name: row["source"].get(name, "") for name in ("system", "supplied_by")},
    "scope": lambda row: row["scope"],
    "supply": lambda row: supply(row),  # noqa: PLW0108 (defined below)
    "period": lambda row: row.get("window") == "period",
    "population": lambda row: row["population"],
    "sensitivity": lambda row: row["sensitivity"],
    "mappings": lambda row: {name: mapping for name, mapping in row["mappings"].items() if mapping},
}


def supply(row: Row) -> dict[str, dict[str, str]] | None:
    """What a person supplies, where the map says it."""
    table = (row.get("table") or {}).get("columns") or row.get("columns") or []
    found = {
        form: {item["name"]: item["type"] + ("" if item["required"] else "?") for item in items}
        for form, items in (("document", row.get("fields") or []), ("table", table))
    }
    return found if any(found.values()) else None


@each_requirement
def test_a_requirement_is_the_maps(ours: EvidenceRequirement, evidence_map: dict[str, Row]) -> None:
    there, here = evidence_map[ours.id], ours.model_dump(mode="json")
    assert {name: here[name] for name in PLAIN} == {name: of(there) for name, of in PLAIN.items()}
    assert [check.id for check in ours.checks] == [check["id"] for check in there["checks"]]


def row_of(ours: Check, evidence_map: dict[str, Row]) -> Row:
    requirement = evidence_map[ours.id.rpartition("-")[0]]
    return next(row for row in requirement["checks"] if row["id"] == ours.id)


@each_check
def test_a_check_is_the_maps(ours: Check, evidence_map: dict[str, Row]) -> None:
    there = row_of(ours, evidence_map)
    assert ours.mode == there["mode"]
    assert ours.severity == there.get("severity", "normal")
    for what, names in (("params", set(ours.params)), ("needs", set(ours.needs))):
        different = names ^ given(there, what)
        assert {name for name in different if (ours.id, what, name) not in OURS_ALONE} == set(), what


def given(there: Row, what: str) -> set[str]:
    """The names that the map gives. A parameter without a value is a fact that only the organisation knows."""
    found = there.get(what) or ()
    return {name for name in found if what == "needs" or found[name] is not None}


def numbers(value: Any) -> Any:
    """The map writes a list of ports as `80,443`; a sealed catalogue has no fractions, so a version is a text."""
    if isinstance(value, float):
        return str(value)
    return [int(part) for part in value.split(",")] if isinstance(value, str) and "," in value else value


@each_check
def test_a_parameter_has_the_maps_default(ours: Check, evidence_map: dict[str, Row]) -> None:
    there = row_of(ours, evidence_map).get("params") or {}
    shared_names = ours.params.keys() & there.keys()
    assert {name: ours.params[name] for name in shared_names} == {name: numbers(there[name]) for name in shared_names}


def test_each_difference_from_the_map_still_exists(evidence_map: dict[str, Row]) -> None:
    for check, what, name in OURS_ALONE:
        here = CHECKS[check].params if what == "params" else CHECKS[check].needs
        assert (name in here) != (name in given(row_of(CHECKS[check], evidence_map), what))


def test_every_fact_is_one_of_the_maps(facts: set[str]) -> None:
    assert installed().facts.keys() <= facts
    needed = {fact for check in CHECKS.values() for fact in check.needs}
    assert needed == installed().facts.keys()


@each_check
def test_a_text_names_only_parameters_and_facts_of_its_check(ours: Check) -> None:
    assert set(re.findall(r"\{(\w+)\}", ours.text)) <= ours.params.keys() | set(ours.needs)


@pytest.mark.parametrize("item", installed().frameworks, ids=lambda item: item.framework.id)
def test_coverage_counts_each_control_once_by_its_strongest_evidence(item: Any) -> None:
    found = coverage_of(installed(), item)
    name, ids = item.framework.id, {control.id for control in item.controls}
    direct = {
        way: {control for one in REQUIREMENTS.values() if way_of(one) == way
              for control, how in one.mappings.get(name, {}).items() if how is Directness.DIRECT}
        for way in WAYS
    }  # fmt: skip
    assert found.controls == found.in_scope == len(ids)
    assert found.collected == len(direct["collected"]) > 0
    assert found.from_file == len(direct["file"] - direct["collected"]) > 0
    assert found.person_only == len(direct["person"] - direct["file"] - direct["collected"]) > 0
    assert found.unmapped == 0
    assert found.collected + found.from_file + found.person_only == found.in_scope


def test_what_a_source_forgets_is_asked_for_in_time(shared: Path, evidence_map: dict[str, Row]) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load((shared / "reference/evidence_map.yaml").read_bytes(), Loader=loader)
    keeps, cadence = document["source_retention_days"], document["cadence_days"]
    for id_, row in evidence_map.items():
        days = [keeps[name] for name in row["source"].get("operations", ()) if name in keeps]
        assert REQUIREMENTS[id_].source_keeps_days == min(days, default=None)
        if days:
            assert sum(cadence[row["cadence"]].values()) < min(days), id_


def test_a_check_that_alone_is_direct_says_for_which_control(evidence_map: dict[str, Row]) -> None:
    there = {check["id"]: check.get("direct") for row in evidence_map.values() for check in row["checks"]}
    here = {id_: {name: list(ids) for name, ids in check.direct.items()} or None for id_, check in CHECKS.items()}
    assert here == there
