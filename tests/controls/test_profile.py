"""Roles and categories: a control that does not bind the organisation is not applicable, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.catalog import framework_of, installed
from controls.coverage import coverage_of
from controls.models import Control
from controls.profile import Profile, exclusion

HIPAA_ROLES = (
    "covered_entity", "hybrid_entity", "business_associate", "group_health_plan", "clearinghouse",
    "clearinghouse_in_larger_organisation",
)  # fmt: skip
CATEGORIES = ("availability", "confidentiality", "processing_integrity", "privacy")


def profile(**stated: Any) -> Profile:
    signed = {"approved_by": "privacy officer", "as_of": "2026-01-01T00:00:00Z"}
    return Profile.model_validate({**signed, **stated})


def controls(framework: str) -> Iterator[Control]:
    yield from framework_of(installed(), framework).controls


def bound(framework: str, stated: Profile | None) -> set[str]:
    return {control.id for control in controls(framework) if not exclusion(stated, framework, control)}


@pytest.mark.parametrize("framework", ["hipaa", "gdpr", "soc2"])
def test_what_is_not_stated_excludes_nothing(framework: str) -> None:
    everything = {control.id for control in controls(framework)}
    assert bound(framework, None) == bound(framework, profile()) == everything


@pytest.mark.parametrize(
    ("roles", "left"),
    [
        (["business_associate"], 87 + 7),
        (["covered_entity"], 87 + 56),
        (["hybrid_entity"], 87 + 56),
        (["clearinghouse"], 87 + 56),
        (["clearinghouse_in_larger_organisation"], 87 + 56 + 1),
        (["group_health_plan"], 87 + 56 + 5),
        (list(HIPAA_ROLES), 156),
    ],
)
def test_hipaa_binds_by_role(roles: list[str], left: int) -> None:
    assert len(bound("hipaa", profile(hipaa=roles))) == left


def test_gdpr_binds_controllers_and_processors_differently() -> None:
    assert len(bound("gdpr", profile(gdpr=["controller"]))) == 109
    assert len(bound("gdpr", profile(gdpr=["processor"]))) == 41
    assert "Art.30(2)" in bound("gdpr", profile(gdpr=["processor"])) - bound("gdpr", profile(gdpr=["controller"]))


@given(st.sets(st.sampled_from(CATEGORIES)))
def test_the_common_criteria_are_in_every_soc2_report_and_further_categories_as_chosen(chosen: set[str]) -> None:
    left = bound("soc2", profile(soc2=sorted(chosen)))
    for control in controls("soc2"):
        assert (control.id in left) == (bool(control.common_criteria) or control.category in {"security", *chosen})


def test_the_reason_names_the_role_and_who_approved_it() -> None:
    stated = profile(hipaa=["business_associate"], soc2=[])
    reason = exclusion(stated, "hipaa", next(c for c in controls("hipaa") if c.id == "164.404(a)(1)"))
    assert reason == (
        "binds covered entity; the organisation is business associate (approved by privacy officer, 2026-01-01)"
    )
    reason = exclusion(stated, "soc2", next(c for c in controls("soc2") if c.id == "P1.1"))
    assert reason == "category privacy is not in the report's scope (approved by privacy officer, 2026-01-01)"


@given(st.sets(st.sampled_from(HIPAA_ROLES)), st.sets(st.sampled_from(HIPAA_ROLES)))
def test_a_further_role_never_takes_a_control_away(some: set[str], more: set[str]) -> None:
    if some:
        assert bound("hipaa", profile(hipaa=sorted(some))) <= bound("hipaa", profile(hipaa=sorted(some | more)))


@pytest.mark.parametrize("framework", ["hipaa", "gdpr", "soc2"])
def test_coverage_counts_every_control_once(framework: str) -> None:
    stated = profile(hipaa=["business_associate"], gdpr=["processor"], soc2=["availability"])
    item = framework_of(installed(), framework)
    found = coverage_of(installed(), item, stated)
    assert found.in_scope + found.not_applicable == found.controls == len(item.controls)
    assert found.collected + found.from_file + found.person_only + found.unmapped == found.in_scope
    assert found.not_applicable > 0
