"""How much of a framework this installation evidences: counted from the one mapping, never kept beside it.

Only direct pairs count. "Collected" is said only of a requirement that a connector of this installation gathers.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from controls.models import Catalog, EvidenceRequirement, FrameworkCatalog
from controls.profile import Profile, exclusion
from evidence_schema.models.base import Frozen, NonNegative
from evidence_schema.models.names import Directness, FrameworkId, Mode

Way = Literal["collected", "file", "person"]
WAYS: tuple[Way, ...] = ("collected", "file", "person")
"""The ways in which evidence comes, the one that needs nobody first."""


class Coverage(Frozen):
    """Controls of a framework. Those in scope are counted once, by the way that needs people least."""

    framework: FrameworkId
    controls: NonNegative
    in_scope: NonNegative
    not_applicable: NonNegative
    collected: NonNegative
    """A connector of this installation gathers direct evidence."""
    from_file: NonNegative
    """Direct evidence can be exported from a system that is not connected."""
    person_only: NonNegative
    unmapped: NonNegative
    """No direct evidence is known to the catalogue."""
    direct_pairs: NonNegative
    supporting_pairs: NonNegative


class Totals(Frozen):
    """The catalogue as a whole."""

    requirements: NonNegative
    collected: NonNegative
    from_file: NonNegative
    person_only: NonNegative
    aws_automated: NonNegative
    """Requirements of AWS that this installation gathers."""
    checks: NonNegative
    automatic: NonNegative
    human: NonNegative
    report: NonNegative
    automatic_aws: NonNegative
    automatic_here: NonNegative
    """Automatic checks of what this installation gathers."""


def way_of(requirement: EvidenceRequirement) -> Way:
    """How a requirement's evidence comes to this installation."""
    if requirement.kinds:
        return "collected"
    return "file" if requirement.automation == "automated" else "person"


def coverage_of(catalog: Catalog, item: FrameworkCatalog, profile: Profile | None = None) -> Coverage:
    """Count the controls of one framework."""
    framework = item.framework.id
    pairs = [
        (control, how, requirement)
        for requirement in catalog.requirements
        for control, how in requirement.mappings.get(framework, {}).items()
    ]
    ways: dict[str, set[Way]] = {}
    for name, how, requirement in pairs:
        if how is Directness.DIRECT:
            ways.setdefault(name, set()).add(way_of(requirement))
    in_scope = [control for control in item.controls if not exclusion(profile, framework, control)]
    counted = Counter(_easiest(ways.get(control.id, set())) for control in in_scope)
    hows = Counter(how for _, how, _ in pairs)
    return Coverage(
        framework=framework,
        controls=len(item.controls),
        in_scope=len(in_scope),
        not_applicable=len(item.controls) - len(in_scope),
        collected=counted["collected"],
        from_file=counted["file"],
        person_only=counted["person"],
        unmapped=counted[None],
        direct_pairs=hows[Directness.DIRECT],
        supporting_pairs=hows[Directness.SUPPORTING],
    )


def totals_of(catalog: Catalog) -> Totals:
    """Count requirements and checks."""
    ways = Counter(way_of(item) for item in catalog.requirements)
    modes = Counter(check.mode for item in catalog.requirements for check in item.checks)
    automatic = [item for item in catalog.requirements for check in item.checks if check.mode is Mode.AUTO]
    return Totals(
        requirements=len(catalog.requirements),
        collected=ways["collected"],
        from_file=ways["file"],
        person_only=ways["person"],
        aws_automated=sum(bool(item.kinds) for item in catalog.requirements if item.source.system == "aws"),
        checks=sum(modes.values()),
        automatic=modes[Mode.AUTO],
        human=modes[Mode.HUMAN],
        report=modes[Mode.REPORT],
        automatic_aws=sum(item.source.system == "aws" for item in automatic),
        automatic_here=sum(bool(item.kinds) for item in automatic),
    )


def _easiest(ways: set[Way]) -> Way | None:
    return next((way for way in WAYS if way in ways), None)
