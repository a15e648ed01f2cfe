"""The requirements equal the evidence map: ids, checks, modes, mappings, cadence, retention, facts, parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from controls.catalog import installed
from controls.coverage import coverage_of
from controls.models import Check, EvidenceRequirement
from evidence_schema.models.names import Directness, Mode

SLICE = ("EV-BKP-01", "EV-BKP-02", "EV-ENC-01", "EV-ENC-02", "EV-IAM-01", "EV-LOG-01", "EV-LOG-06", "EV-NET-01")
Row = dict[str, Any]

OURS_ALONE = {
    ("EV-BKP-01-C1", "params", "rpo_by_class"): "only the organisation knows it: a supplied fact, not a parameter",
    ("EV-BKP-02-C2", "params", "rpo_by_class"): "only the organisation knows it: a supplied fact, not a parameter",
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


def test_the_slice_is_there_in_order() -> None:
    assert set(SLICE) <= REQUIREMENTS.keys()
    assert list(REQUIREMENTS) == sorted(REQUIREMENTS)


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
    "period": lambda row: row.get("window") == "period",
    "population": lambda row: row["population"],
    "sensitivity": lambda row: row["sensitivity"],
    "mappings": lambda row: {name: mapping for name, mapping in row["mappings"].items() if mapping},
}


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
        different = names ^ set(there.get(what) or ())
        assert {name for name in different if (ours.id, what, name) not in OURS_ALONE} == set(), what


def numbers(value: Any) -> Any:
    """The map writes a list of ports as `80,443`."""
    return [int(part) for part in value.split(",")] if isinstance(value, str) and "," in value else value


@each_check
def test_a_parameter_has_the_maps_default(ours: Check, evidence_map: dict[str, Row]) -> None:
    there = row_of(ours, evidence_map).get("params") or {}
    shared_names = ours.params.keys() & there.keys()
    assert {name: ours.params[name] for name in shared_names} == {name: numbers(there[name]) for name in shared_names}


def test_each_difference_from_the_map_still_exists(evidence_map: dict[str, Row]) -> None:
    for check, what, name in OURS_ALONE:
        here = CHECKS[check].params if what == "params" else CHECKS[check].needs
        there = row_of(CHECKS[check], evidence_map).get(what) or ()
        assert (name in here) != (name in there)


def test_every_fact_is_one_of_the_maps(facts: set[str]) -> None:
    assert installed().facts.keys() <= facts
    needed = {fact for check in CHECKS.values() for fact in check.needs}
    assert needed == installed().facts.keys()


@each_check
def test_a_text_names_only_parameters_of_its_check(ours: Check) -> None:
    assert set(re.findall(r"\{(\w+)\}", ours.text)) <= ours.params.keys()


@pytest.mark.parametrize("item", installed().frameworks, ids=lambda item: item.framework.id)
def test_coverage_counts_each_control_once_by_its_strongest_evidence(item: Any) -> None:
    found = coverage_of(installed(), item)
    ids = {control.id for control in item.controls}
    pairs = [pair for one in REQUIREMENTS.values() for pair in one.mappings.get(item.framework.id, {}).items()]
    direct = {control for control, how in pairs if how is Directness.DIRECT}
    assert found.controls == len(ids)
    assert found.direct == len(direct & ids) > 0
    assert found.supporting == len({control for control, _ in pairs} - direct) > 0
    assert found.direct + found.supporting + found.unmapped == found.controls
