"""The three frameworks, whole, in clause order, and in our own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controls.catalog import control_of, framework_of, installed
from controls.errors import UnknownName
from controls.models import FrameworkCatalog

SIZES = {"hipaa": 156, "gdpr": 113, "soc2": 61}
RUN_OF_WORDS = 8
frameworks = pytest.mark.parametrize("name", SIZES)


def ours(name: str) -> FrameworkCatalog:
    return framework_of(installed(), name)


def theirs(shared: Path, name: str) -> dict[str, dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load((shared / f"reference/{name}.yaml").read_bytes(), Loader=loader)
    return {control["id"]: control for control in document["controls"]}


@frameworks
def test_every_control_is_there_once(name: str) -> None:
    ids = [control.id for control in ours(name).controls]
    assert len(ids) == len(set(ids)) == SIZES[name]


@frameworks
def test_ids_and_their_order_are_the_references(name: str, shared: Path) -> None:
    assert [control.id for control in ours(name).controls] == list(theirs(shared, name))


@frameworks
def test_headings_designation_and_whom_it_binds_are_carried_over(name: str, shared: Path) -> None:
    reference = theirs(shared, name)
    for control in ours(name).controls:
        there = reference[control.id]
        assert control.title == there["title"]
        assert control.designation == there.get("designation")
        assert control.rule == there.get("rule")
        assert control.area == there.get("series_title", there["category"])
        assert control.heading == there.get("article_title")
        assert control.parent == there.get("parent", there.get("parent_ref"))
        assert control.category == (there["category"] if name == "soc2" else None)
        assert control.common_criteria == there.get("common_criteria")
        assert set(there.get("aliases", ())) <= set(control.aliases)
        if "applies_to" in there:
            assert set(control.applies_to) == set(there["applies_to"]), control.id


@frameworks
def test_every_control_binds_a_role_and_cites_the_official_text(name: str) -> None:
    item = ours(name)
    for control in item.controls:
        assert control.applies_to
        assert set(control.applies_to) <= item.framework.roles.keys()
        number = control.id.removeprefix("Art.")
        assert number in control.citation.replace("Art. ", ""), control.id
    assert item.framework.leaves_out
    assert item.framework.official_text.startswith("https://")


def test_hipaa_keeps_required_and_addressable_apart() -> None:
    counted = Counter(control.designation for control in ours("hipaa").controls if control.rule == "security")
    assert counted["addressable"] == 22
    assert counted["required"] + counted["addressable"] == counted.total() == 83


def test_soc2_keeps_the_categories_apart() -> None:
    counted = Counter(control.category for control in ours("soc2").controls)
    assert counted == {
        "security": 33, "availability": 3, "confidentiality": 2, "processing_integrity": 5, "privacy": 18,
    }  # fmt: skip
    assert all(control.common_criteria == control.id.startswith("CC") for control in ours("soc2").controls)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.casefold())


def runs(text: str) -> Iterator[tuple[str, ...]]:
    found = words(text)
    return (tuple(found[at : at + RUN_OF_WORDS]) for at in range(len(found) - RUN_OF_WORDS + 1))


def texts(value: Any) -> Iterator[str]:
    """Every text of a control of the reference but its names."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(part)


@frameworks
def test_the_asks_are_in_our_own_words(name: str, shared: Path) -> None:
    """No ask shares a run of eight words with any text of any reference."""
    known = {
        run for framework in SIZES for control in theirs(shared, framework).values() for text in texts(control)
        for run in runs(text)
    }  # fmt: skip
    assert len(known) > 10_000
    copied = {control.id: set(runs(control.ask)) & known for control in ours(name).controls}
    assert {id_: found for id_, found in copied.items() if found} == {}


def test_every_ask_says_something_of_its_own() -> None:
    asks = [control.ask for name in SIZES for control in ours(name).controls]
    assert len({" ".join(words(ask)) for ask in asks}) == len(asks) == sum(SIZES.values())
    assert all(len(words(ask)) >= 8 for ask in asks)


def test_every_control_is_found_by_its_id_and_by_each_alias() -> None:
    names = [
        (name, control) for item in installed().frameworks for control in item.controls
        for name in (control.id, *control.aliases)
    ]  # fmt: skip
    assert len({name for name, _ in names}) == len(names), "an alias that stands for two controls"
    assert any(control.aliases for _, control in names)
    for name, control in names:
        assert control_of(installed(), name)[1] == control


@frameworks
def test_a_specification_stands_after_the_standard_it_belongs_to(name: str) -> None:
    order = [control.id for control in ours(name).controls]
    pairs = [(control.id, control.parent) for control in ours(name).controls if control.parent in order]
    assert pairs or name != "hipaa"
    assert all(order.index(parent) < order.index(child) for child, parent in pairs if parent)


@pytest.mark.parametrize(
    ("asked", "meant"), [("164.312b", "164.312(b)"), ("cc6.1", "CC6.1"), ("art.32(1)(C)", "Art.32(1)(c)")]
)
def test_an_unknown_control_is_answered_with_near_matches(asked: str, meant: str) -> None:
    with pytest.raises(UnknownName) as caught:
        control_of(installed(), asked)
    assert meant in str(caught.value)
    assert repr(asked) in str(caught.value)


def test_an_unknown_framework_is_answered_with_near_matches() -> None:
    with pytest.raises(UnknownName, match="did you mean hipaa"):
        framework_of(installed(), "hippa")
